use proptest::prelude::*;

use super::*;

/// Parses in Indonesia and shows the result as a person would write it.
fn parse(text: &str) -> Result<String, &'static str> {
    PhoneNumber::parse(text, Region::INDONESIA)
        .map(|number| number.expose().to_owned())
        .map_err(ParsePhoneNumberError::code)
}

#[test]
fn one_number_in_many_spellings() {
    for text in [
        "081234567890",
        "0812-3456-7890",
        "0812 3456 7890",
        "6281234567890",
        "+6281234567890",
        "+62 812-3456-7890",
        "(+62) 812 3456 7890",
        "62 812.3456.7890",
        "00 62 812 3456 7890",
        "81234567890",
        "'081234567890",
        "81234567890.0",
        " 0812\u{a0}3456\u{a0}7890 ",
        "\u{202a}+62 812-3456-7890\u{202c}",
        "0812–3456–7890",
    ] {
        assert_eq!(parse(text).as_deref(), Ok("+6281234567890"), "{text}");
    }
}

#[test]
fn refusals_name_the_damage() {
    for (text, code) in [
        ("", "phone_missing"),
        ("  ", "phone_missing"),
        ("'", "phone_missing"),
        ("8.12E+11", "phone_scientific_notation"),
        ("6,28123E+12", "phone_scientific_notation"),
        ("628e9", "phone_scientific_notation"),
        ("08123", "phone_too_short"),
        ("0812345678901234567", "phone_too_long"),
        ("+62 999 9999 9999 99", "phone_not_in_plan"),
        ("081x34567890", "phone_not_digits"),
        ("call 0812345678", "phone_not_digits"),
        ("0812+34567890", "phone_not_digits"),
        ("٠٨١٢٣٤٥٦٧٨٩٠", "phone_not_digits"),
        ("+1 555", "phone_too_short"),
    ] {
        assert_eq!(parse(text), Err(code), "{text}");
    }
}

#[test]
fn other_countries_need_their_code() {
    assert_eq!(parse("+65 8123 4567").as_deref(), Ok("+6581234567"));
    assert_eq!(parse("+1 415 555 2671").as_deref(), Ok("+14155552671"));
    assert_eq!(parse("+44 7911 123456").as_deref(), Ok("+447911123456"));
    let malaysia: Region = "my".parse().unwrap();
    let number = PhoneNumber::parse("012-345 6789", malaysia).unwrap();
    assert_eq!(number.expose(), "+60123456789");
    assert_eq!(number.region(), Some(malaysia));
}

#[test]
fn brazil_and_mexico_have_one_spelling() {
    let canonical = |text| {
        PhoneNumber::parse_e164(text)
            .unwrap()
            .canonical()
            .into_owned()
    };
    assert_eq!(canonical("+5511987654321"), "+5511987654321");
    assert_eq!(canonical("+551187654321"), "+5511987654321");
    assert_eq!(canonical("+551132654321"), "+551132654321", "a landline");
    assert_eq!(canonical("+5215512345678"), "+525512345678");
    assert_eq!(canonical("+525512345678"), "+525512345678");
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,40}") {
        let _ = PhoneNumber::parse(&text, Region::INDONESIA);
    }

    #[test]
    fn never_prints_a_digit(national in "8[1235789][0-9]{8,9}") {
        let number = PhoneNumber::parse(&national, Region::INDONESIA).unwrap();
        let printed = format!("{number:?}");
        prop_assert!(!printed.contains(|c: char| c.is_ascii_digit()));
    }

    #[test]
    fn the_short_cut_agrees_with_the_library(national in "8[0-9]{6,12}") {
        let dialled = format!("+62{national}");
        if let Some(number) = indonesian_mobile(&dialled, Region::INDONESIA) {
            let parsed = phonenumber::parse(None, &dialled).unwrap();
            prop_assert!(phonenumber::is_valid(&parsed), "{dialled}");
            prop_assert_eq!(
                number.expose(),
                parsed.format().mode(phonenumber::Mode::E164).to_string()
            );
        }
    }

    #[test]
    fn what_was_parsed_parses_to_itself(national in "8[1235789][0-9]{8,9}") {
        let number = PhoneNumber::parse(&national, Region::INDONESIA).unwrap();
        let again = PhoneNumber::parse(number.expose(), Region::INDONESIA).unwrap();
        prop_assert_eq!(number, again);
    }
}
