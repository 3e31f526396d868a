//! The phone cell of a row.

use std::borrow::Cow;

use super::reason::RowReason;
use super::text;
use crate::phone::{PhoneNumber, Region};

/// Reads a phone cell: undoes what spreadsheets and keyboards do without loss,
/// and names what they do with loss.
pub(super) fn read(cell: &str, region: Region) -> Result<PhoneNumber, RowReason> {
    if let Some(number) = indonesian_mobile(cell, region) {
        return Ok(number);
    }
    let cell = text::ascii_digits(text::clean(cell));
    if text::is_spreadsheet_error(&cell) {
        return Err(RowReason::SpreadsheetError);
    }
    if has_several_numbers(&cell) {
        return Err(RowReason::PhoneSeveral);
    }
    if is_masked(&cell) {
        return Err(RowReason::PhoneMasked);
    }
    let typed = text::filled(bare(&cell)).unwrap_or_default();
    let typed = written_out(typed);
    let number = PhoneNumber::parse(&typed, region).map_err(RowReason::Phone)?;
    if region == Region::INDONESIA && !shows_its_country(&typed) {
        return Err(RowReason::PhoneCountryUnclear);
    }
    Ok(number)
}

/// Whether digits are hidden, as market places export them: `******90`,
/// `0812****7890`, `62812xxxx890`.
fn is_masked(cell: &str) -> bool {
    let is_mask = |c: char| matches!(c, '*' | '•' | '●' | '·' | 'x' | 'X');
    let mut last = None;
    let mut doubled = false;
    for c in cell.strip_prefix('\'').unwrap_or(cell).chars() {
        if is_mask(c) {
            doubled |= last == Some(c);
        } else if !(c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.' | '(' | ')')) {
            return false;
        }
        last = Some(c);
    }
    doubled && cell.contains(|c: char| c.is_ascii_digit())
}

/// Whether a cell of an unknown column looks like a phone number: nine or more
/// digits (a date has eight), few other marks, no letters.
pub(super) fn looks_like_phone(cell: &str) -> bool {
    let cell = text::clean(cell);
    let cell = bare(cell.strip_prefix('\'').unwrap_or(cell));
    let cell = cell.strip_suffix(".0").unwrap_or(cell);
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let marks = cell
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.' | '(' | ')' | '\u{a0}'));
    let damaged = cell
        .split_once(['E', 'e'])
        .is_some_and(|(_, power)| matches!(power, "+11" | "+12" | "+13" | "+10" | "11" | "12"));
    (marks && (9..=16).contains(&digits)) || damaged && digits >= 4
}

/// A number out of what links, messengers, spreadsheets and people put around
/// it.
fn bare(cell: &str) -> &str {
    const BEFORE: [&str; 6] = [
        "tel:",
        "whatsapp:",
        "https://wa.me/",
        "http://wa.me/",
        "wa.me/",
        "https://api.whatsapp.com/send?phone=",
    ];
    const AFTER: [&str; 6] = ["@c.us", "@s.whatsapp.net", ".00", ",00", ",", ";"];

    let after = |start: &&str| {
        let (head, tail) = cell.split_at_checked(start.len())?;
        head.eq_ignore_ascii_case(start).then_some(tail)
    };
    if let Some(linked) = BEFORE.iter().find_map(after) {
        // A link may go on with a text to send.
        return linked.split(['?', '&']).next().unwrap_or(linked);
    }
    let cell = AFTER
        .iter()
        .find_map(|end| cell.strip_suffix(end))
        .unwrap_or(cell);
    if cell.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        unlabelled(cell)
    } else {
        cell
    }
}

/// `No. WA: 0812…` and `0812… (WA)` without the words that say what it is.
fn unlabelled(cell: &str) -> &str {
    let marks = |c: char| c.is_whitespace() || matches!(c, '.' | ':' | '(' | ')' | '-' | '/');
    let mut rest = cell;
    loop {
        let end = rest
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        if word.is_empty() || !text::is_phone_label(word) {
            break;
        }
        rest = tail.trim_start_matches(|c: char| marks(c) && c != '(');
    }
    loop {
        let open = rest.trim_end_matches(marks);
        let start = open.trim_end_matches(char::is_alphabetic).len();
        let word = &open[start..];
        if word.is_empty() || !text::is_phone_label(word) {
            return rest;
        }
        rest = open[..start].trim_end_matches(|c: char| marks(c) && c != ')');
    }
}

/// A number that a spreadsheet wrote as an amount, as long as every digit is
/// there: `6.281234567890E+12`, `81,234,567,890`.
fn written_out(typed: &str) -> Cow<'_, str> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let scientific = || {
        let (figures, power) = typed.split_once(['E', 'e'])?;
        let (whole, fraction) = figures.split_once(['.', ','])?;
        let power: usize = power.strip_prefix('+').unwrap_or(power).parse().ok()?;
        let exact = whole.len() == 1 && fraction.len() == power && power >= 8;
        (exact && digits(whole) && digits(fraction)).then(|| format!("{whole}{fraction}"))
    };
    let grouped = || {
        let mut groups = typed.split(',');
        let first = groups
            .next()
            .filter(|first| (1..=3).contains(&first.len()))?;
        let rest: Vec<&str> = groups.collect();
        let even = rest.len() >= 2 && rest.iter().all(|group| group.len() == 3);
        (even && digits(first) && rest.iter().all(|group| digits(group)))
            .then(|| typed.replace(',', ""))
    };
    match scientific().or_else(grouped) {
        Some(number) => number.into(),
        None => typed.into(),
    }
}

/// In Indonesia a number begins with `0`, or with `8` where a spreadsheet ate
/// the zero, or names its country. `6591234567` would otherwise be read as a
/// landline of Aceh while a person in Singapore is meant.
fn shows_its_country(typed: &str) -> bool {
    let mut signs = typed.chars().filter(|&c| c == '+' || c.is_ascii_digit());
    match signs.next() {
        Some('+' | '0' | '8') => true,
        Some('6') => signs.next() == Some('2'),
        _ => false,
    }
}

/// The common spellings of an Indonesian mobile number without allocation or
/// library: an optional `+62`, `62` or `0`, then `8`, a digit but 0 and 4, and
/// seven to ten more, with spaces and hyphens anywhere after the first sign.
///
/// A property test holds it equal to [`PhoneNumber::parse`] on what it takes.
fn indonesian_mobile(cell: &str, region: Region) -> Option<PhoneNumber> {
    let mut e164 = [0_u8; 15];
    e164[..3].copy_from_slice(b"+62");
    let bytes = cell.as_bytes();
    let starts = |with: &[u8]| bytes.starts_with(with);
    let national = if starts(b"+62") {
        &bytes[3..]
    } else if region != Region::INDONESIA {
        return None;
    } else if starts(b"62") {
        &bytes[2..]
    } else if starts(b"0") {
        &bytes[1..]
    } else if starts(b"8") {
        bytes
    } else {
        return None;
    };
    let mut length = 3;
    for &byte in national {
        match byte {
            b'0'..=b'9' => {
                *e164.get_mut(length)? = byte;
                length += 1;
            }
            b' ' | b'-' => (),
            _ => return None,
        }
    }
    let mobile = length >= 12 && e164[3] == b'8' && !matches!(e164[4], b'0' | b'4');
    let text = std::str::from_utf8(&e164[..length]).ok()?;
    mobile.then(|| PhoneNumber::parse_e164(text).ok()).flatten()
}

/// `0812… / 0813…`, `0812… ::: 0813…`, `0812… atau 0813…`, `0812… 0813…`: each
/// part a number of its own.
fn has_several_numbers(cell: &str) -> bool {
    const BETWEEN: [&str; 4] = [" atau ", " or ", " dan ", " and "];

    if cell.len() <= 16 {
        return false;
    }
    let count = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
    let several =
        |parts: &mut dyn Iterator<Item = &str>| parts.filter(|part| count(part) >= 8).count() > 1;
    if several(&mut cell.split(['/', ';', ',', '|', ':', '&', '\n', '\r']))
        || BETWEEN
            .iter()
            .any(|between| several(&mut cell.split(between)))
    {
        return true;
    }
    // Too long for one number, and one begins in the middle.
    count(cell) > 15
        && cell.char_indices().any(|(at, c)| {
            let (left, right) = cell.split_at(at);
            let begins = ["0", "+", "62", "8"].iter();
            (c == '0' || c == '+' || c == '6' || c == '8')
                && left.ends_with([' ', '-'])
                && count(left) >= 9
                && count(right) >= 9
                && begins.copied().any(|begin| right.starts_with(begin))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wrapped_numbers_are_freed_and_unclear_ones_are_not_guessed() {
        let number = |cell| {
            read(cell, Region::INDONESIA)
                .map(|number| number.expose().to_owned())
                .map_err(RowReason::code)
        };
        for cell in [
            "tel:+6281234567890",
            "whatsapp:+6281234567890",
            "https://wa.me/6281234567890",
            "WA.ME/6281234567890",
            "6281234567890@c.us",
            "081234567890.00",
            "81234567890,",
            "+62 (0)812-3456-7890",
            "62081234567890",
            "6.281.234.567.890",
        ] {
            assert_eq!(number(cell).as_deref(), Ok("+6281234567890"), "{cell}");
            assert!(looks_like_phone(cell), "{cell}");
        }
        for cell in [
            "0812-3456-7890 (WA)",
            "No. WA: 0812 3456 7890",
            "p:+6281234567890",
            "081234567890 - wa",
            "https://wa.me/6281234567890?text=Halo",
            "6.281234567890E+12",
            "8,1234567890E+10",
            "81,234,567,890",
            "٠٨١٢٣٤٥٦٧٨٩٠",
            "०८१२३४५६७८९०",
        ] {
            assert_eq!(number(cell).as_deref(), Ok("+6281234567890"), "{cell}");
        }
        for (cell, code) in [
            ("6591234567", "phone_country_unclear"),
            ("1500123", "phone_country_unclear"),
            ("215550123", "phone_country_unclear"),
            ("0812-3456-7890 (Budi)", "phone_not_digits"),
            ("021-5550123 ext 12", "phone_not_digits"),
            ("6.28123456789E+12", "phone_scientific_notation"),
            ("8,12E+11", "phone_scientific_notation"),
            ("081234567890 atau 081234567891", "phone_several"),
            ("0812 3456 7890 0812 3456 7891", "phone_several"),
            ("0812-3456-7890 - 0812-3456-7891", "phone_several"),
            ("081234567890\n081234567891", "phone_several"),
            ("https://example.com/6281234567890", "phone_not_digits"),
            ("******90", "phone_masked"),
            ("0812****7890", "phone_masked"),
            ("+62 812-xxxx-7890", "phone_masked"),
            ("62812•••••90", "phone_masked"),
        ] {
            assert_eq!(number(cell), Err(code), "{cell}");
        }
    }

    #[test]
    fn a_date_is_no_phone_number() {
        for (cell, expected) in [
            ("081234567890", true),
            ("+62 812-3456-7890", true),
            ("6.28E+12", true),
            ("2026-11-24", false),
            ("24/11/2026", false),
            ("2026-11-24 10:32", false),
            ("12345", false),
            ("Budi", false),
        ] {
            assert_eq!(looks_like_phone(cell), expected, "{cell}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_short_way_agrees_with_the_long_one(
            prefix in prop_oneof![Just("+62"), Just("62"), Just("0"), Just(""), Just("+62 "), Just("0-")],
            national in "8[0-9][0-9 -]{0,4}[0-9]{3,9}[ ]?",
        ) {
            let cell = format!("{prefix}{national}");
            if let Some(number) = indonesian_mobile(&cell, Region::INDONESIA) {
                prop_assert_eq!(PhoneNumber::parse(&cell, Region::INDONESIA), Ok(number));
            }
        }

        #[test]
        fn other_regions_take_the_long_way(national in "0?8[0-9]{8,11}") {
            let malaysia: Region = "MY".parse().unwrap();
            prop_assert_eq!(indonesian_mobile(&national, malaysia), None);
        }
    }
}
