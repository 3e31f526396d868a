use super::{ParseWaIdError, WaId};

#[track_caller]
fn check(to: &str, expected: Result<&str, ParseWaIdError>) {
    let found = WaId::resolve(to, "62");
    assert_eq!(found.as_ref().map(WaId::expose).map_err(|e| *e), expected);
}

#[test]
fn a_number_without_plus_goes_to_the_country_of_the_business() {
    check("+62 811-1111 (11)", Ok("62811111111"));
    check("+628111111111", Ok("628111111111"));
    check("8111111111", Ok("628111111111"));
    // Not what the caller meant, and what really happens.
    check("628111111111", Ok("62628111111111"));
}

#[test]
fn junk_is_refused() {
    check("+62811x111111", Err(ParseWaIdError::NotDigits));
    check("+0811111111", Err(ParseWaIdError::LeadingZero));
    check("+62811", Err(ParseWaIdError::TooShort));
    check("+6281111111111111", Err(ParseWaIdError::TooLong));
}

#[test]
fn brazil_and_mexico_have_their_own_ids() {
    check("+525512345678", Ok("5215512345678"));
    check("+5215512345678", Ok("5215512345678"));
    check("+5531912345678", Ok("553112345678"));
    check("+5511912345678", Ok("5511912345678"));
}

#[test]
fn canada_is_not_the_united_states() {
    assert!(WaId::parse("+12125550123").unwrap().is_us());
    assert!(!WaId::parse("+14165550123").unwrap().is_us());
    assert!(!WaId::parse("+628111111111").unwrap().is_us());
}

#[test]
fn debug_prints_no_digit() {
    let text = format!("{:?}", WaId::parse("+628111111111").unwrap());
    assert!(!text.contains(|c: char| c.is_ascii_digit()));
}
