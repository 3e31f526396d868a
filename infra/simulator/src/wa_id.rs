//! How WhatsApp names a person: digits with country code, no plus.

use std::fmt;

/// A person's WhatsApp id.
///
/// Implements neither `Display` nor `Serialize`: the only way to the digits is
/// [`WaId::expose`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaId(String);

impl WaId {
    /// Parses a number as a driver writes it: `+` and country code, or the
    /// digits of a WhatsApp id.
    pub fn parse(text: &str) -> Result<Self, ParseWaIdError> {
        let cleaned = strip_decoration(text);
        let digits = cleaned.strip_prefix('+').unwrap_or(&cleaned);
        Self::from_digits(digits)
    }

    /// Parses `to` as the API does: without a plus, the country code of the
    /// *business* is put in front.
    pub(crate) fn resolve(to: &str, business_country: &str) -> Result<Self, ParseWaIdError> {
        let cleaned = strip_decoration(to);
        match cleaned.strip_prefix('+') {
            Some(digits) => Self::from_digits(digits),
            None => Self::from_digits(&format!("{business_country}{cleaned}")),
        }
    }

    /// The digits, for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is a number of the United States, where marketing
    /// templates are not delivered.
    pub(crate) fn is_us(&self) -> bool {
        let Some(national) = self.0.strip_prefix('1') else {
            return false;
        };
        national.len() == 10 && !NANP_OUTSIDE_US.contains(&&national[..3])
    }

    fn from_digits(digits: &str) -> Result<Self, ParseWaIdError> {
        use ParseWaIdError as E;

        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(E::NotDigits);
        }
        if digits.starts_with('0') {
            return Err(E::LeadingZero);
        }
        match digits.len() {
            0..8 => Err(E::TooShort),
            8..=15 => Ok(Self(canonical(digits))),
            16.. => Err(E::TooLong),
        }
    }
}

impl fmt::Debug for WaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WaId(…)")
    }
}

/// Why a text is no WhatsApp id. Never contains the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseWaIdError {
    #[error("country code cannot start with 0")]
    LeadingZero,
    #[error("number may hold only digits after the `+`")]
    NotDigits,
    #[error("number has more than 15 digits")]
    TooLong,
    #[error("number has fewer than 8 digits")]
    TooShort,
}

/// Drops what the API lets people write between digits.
fn strip_decoration(text: &str) -> String {
    let is_decoration = |c: char| matches!(c, ' ' | '-' | '(' | ')');
    text.chars().filter(|c| !is_decoration(*c)).collect()
}

/// Brazil and Mexico: the extra digit of mobile numbers differs between the
/// number that people dial and the id that WhatsApp keeps.
fn canonical(digits: &str) -> String {
    if let Some(national) = digits.strip_prefix("52")
        && national.len() == 10
    {
        return format!("521{national}");
    }
    if let Some(national) = digits.strip_prefix("55")
        && national.len() == 11
        && national.as_bytes()[2] == b'9'
        && national[..2].parse::<u8>().is_ok_and(|area| area >= 31)
    {
        return format!("55{}{}", &national[..2], &national[3..]);
    }
    digits.to_owned()
}

/// Area codes that share +1 with the United States: Canada, the Caribbean.
const NANP_OUTSIDE_US: &[&str] = &[
    "204", "226", "236", "242", "246", "249", "250", "257", "263", "264", "268", "284", "289",
    "306", "343", "345", "354", "365", "367", "368", "382", "387", "403", "416", "418", "428",
    "431", "437", "438", "441", "450", "460", "468", "473", "474", "506", "514", "519", "537",
    "548", "568", "579", "581", "584", "587", "600", "604", "613", "622", "633", "639", "644",
    "647", "649", "655", "658", "664", "672", "677", "683", "688", "705", "709", "721", "742",
    "753", "758", "767", "778", "780", "782", "784", "807", "809", "819", "825", "829", "849",
    "867", "868", "869", "873", "876", "879", "902", "905", "942",
];

#[cfg(test)]
mod tests;
