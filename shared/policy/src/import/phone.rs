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
    let cell = text::clean(cell);
    if text::is_spreadsheet_error(cell) {
        return Err(RowReason::SpreadsheetError);
    }
    if has_several_numbers(cell) {
        return Err(RowReason::PhoneSeveral);
    }
    let typed = text::filled(cell).unwrap_or_default();
    PhoneNumber::parse(&ascii_digits(typed), region).map_err(RowReason::Phone)
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

/// `0812… / 0813…`, `0812… ::: 0813…`: each part a number of its own.
fn has_several_numbers(cell: &str) -> bool {
    cell.len() > 16
        && cell
            .split(['/', ';', ',', '|', ':', '&', '\n', '\r'])
            .filter(|part| part.bytes().filter(u8::is_ascii_digit).count() >= 8)
            .count()
            > 1
}

/// Full-width digits and plus, as East Asian keyboards write them.
fn ascii_digits(cell: &str) -> Cow<'_, str> {
    if cell.is_ascii() {
        return cell.into();
    }
    let narrow = |c: char| match c {
        '０'..='９' => char::from(b'0' + (u32::from(c) - u32::from('０')) as u8),
        '＋' => '+',
        c => c,
    };
    cell.chars().map(narrow).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
