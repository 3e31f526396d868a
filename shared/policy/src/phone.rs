//! Phone numbers in E.164 form (ITU-T E.164), the only form the service keeps.
//!
//! [`PhoneNumber::parse`] takes what people type (`0812…`, `62812…`,
//! `+62 812-…`, `0062 812…`) in a region. Our own gate looks at the alphabet
//! first, because the numbering-plan library is lenient about junk; the plan
//! itself (which prefixes and lengths exist) is the library's.

use std::fmt;

/// A phone number in E.164 form, such as `+6281234567890`.
///
/// Deliberately implements neither `Display` nor `Serialize`: the only way to
/// the digits is [`PhoneNumber::expose`], which is easy to search for.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Parses what a person typed; `region` decides what a local form means.
    ///
    /// Law: the spellings of one number give one value; nothing that is not a
    /// possible and valid number of some numbering plan is accepted.
    pub fn parse(text: &str, region: Region) -> Result<Self, ParsePhoneNumberError> {
        let dialled = gate(text)?;
        if let Some(number) = indonesian_mobile(&dialled, region) {
            return Ok(number);
        }
        let parsed = phonenumber::parse(Some(region.0), &dialled)
            .map_err(|_| ParsePhoneNumberError::NotInPlan)?;
        if !phonenumber::is_valid(&parsed) {
            return Err(ParsePhoneNumberError::NotInPlan);
        }
        Self::parse_e164(&parsed.format().mode(phonenumber::Mode::E164).to_string())
    }

    /// Parses text that is already in E.164 form, such as `+14155550123`.
    ///
    /// Checks the shape only, not the numbering plan: for numbers that this
    /// service wrote itself or that WhatsApp reports.
    pub fn parse_e164(text: &str) -> Result<Self, ParsePhoneNumberError> {
        use ParsePhoneNumberError as E;

        let digits = text.strip_prefix('+').ok_or(E::NotDigits)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(E::NotDigits);
        }
        if digits.starts_with('0') {
            return Err(E::NotInPlan);
        }
        match digits.len() {
            0..7 => Err(E::TooShort),
            7..=15 => Ok(Self(text.to_owned())),
            16.. => Err(E::TooLong),
        }
    }

    /// Parses the `wa_id` of a webhook: E.164 digits without the plus.
    pub fn parse_wa_id(text: &str) -> Result<Self, ParsePhoneNumberError> {
        Self::parse_e164(&format!("+{}", text.strip_prefix('+').unwrap_or(text)))
    }

    /// The E.164 text, for the wire and for storage only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The country or area that the number's plan belongs to, where the plan
    /// tells (`ID` for `+62…`).
    pub fn region(&self) -> Option<Region> {
        if self.0.starts_with("+62") {
            return Some(Region::INDONESIA);
        }
        let parsed = phonenumber::parse(None, &self.0).ok()?;
        parsed.country().id().map(Region)
    }

    /// The number with its middle hidden, for people with a reason to look:
    /// `+62 812-****-7890`.
    pub fn masked(&self) -> String {
        let digits = &self.0[1..];
        let tail = &digits[digits.len() - 3..];
        let head: String = digits.chars().take(3).collect();
        format!("+{head}…{tail}")
    }

    /// The spelling under which a person is known: WhatsApp itself rewrites
    /// some Brazilian and Mexican numbers, so both spellings are one person.
    ///
    /// `+55 AA 9XXXXXXXX` ↔ `+55 AA XXXXXXXX` (mobile, ninth digit) and
    /// `+52 1 …` ↔ `+52 …`. Source: Meta, Cloud API "Send messages", phone
    /// number formats.
    pub(crate) fn canonical(&self) -> std::borrow::Cow<'_, str> {
        let digits = &self.0[1..];
        if let Some(rest) = digits.strip_prefix("521")
            && rest.len() == 10
        {
            return format!("+52{rest}").into();
        }
        if let Some(rest) = digits.strip_prefix("55")
            && rest.len() == 10
            && matches!(rest.as_bytes()[2], b'6'..=b'9')
        {
            return format!("+55{}9{}", &rest[..2], &rest[2..]).into();
        }
        self.0.as_str().into()
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

/// Keeps the digits and one leading plus, or says what is wrong.
fn gate(text: &str) -> Result<String, ParsePhoneNumberError> {
    use ParsePhoneNumberError as E;

    let text = text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
    // A spreadsheet's text marker, and the decimal tail it likes to add.
    let text = text.strip_prefix('\'').unwrap_or(text).trim();
    if text.is_empty() {
        return Err(E::Empty);
    }
    if looks_scientific(text) {
        return Err(E::Scientific);
    }
    let text = text
        .strip_suffix(".0")
        .or_else(|| text.strip_suffix(",0"))
        .unwrap_or(text);
    let mut dialled = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match c {
            '0'..='9' => dialled.push(c),
            '+' if dialled.is_empty() => dialled.push('+'),
            ' ' | '(' | ')' | '-' | '.' | '/' | '\u{a0}' | '\u{2010}'..='\u{2015}' => (),
            c if is_invisible(c) => (),
            _ => return Err(E::NotDigits),
        }
    }
    // An international prefix written out, with or without its plus.
    if let Some(rest) = dialled.strip_prefix("00") {
        dialled = format!("+{rest}");
    }
    match dialled.trim_start_matches('+').len() {
        0..6 => Err(E::TooShort),
        6..=17 => Ok(dialled),
        18.. => Err(E::TooLong),
    }
}

/// Marks that people paste without seeing: zero-width and direction controls.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `8.12E+11`, `6,28E+12`: a spreadsheet has lost the digits for good.
fn looks_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    !mantissa.is_empty()
        && !exponent.is_empty()
        && exponent.bytes().all(|b| b.is_ascii_digit())
        && mantissa
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'+' | b'-'))
}

/// The common case without the library: an Indonesian mobile number, which is
/// `8`, then `1 2 3 5 7 8 9`, then 7 to 10 more digits.
///
/// A property test holds it equal to the library on what it accepts.
fn indonesian_mobile(dialled: &str, region: Region) -> Option<PhoneNumber> {
    let national = if let Some(rest) = dialled.strip_prefix("+62") {
        rest
    } else if region == Region::INDONESIA && !dialled.starts_with('+') {
        dialled
            .strip_prefix("62")
            .or_else(|| dialled.strip_prefix('0'))
            .unwrap_or(dialled)
    } else {
        return None;
    };
    let bytes = national.as_bytes();
    let mobile = bytes.len() >= 10
        && bytes.len() <= 11
        && bytes[0] == b'8'
        && matches!(bytes[1], b'1' | b'2' | b'3' | b'5' | b'7' | b'8' | b'9');
    mobile.then(|| PhoneNumber(format!("+62{national}")))
}

/// A country or area by its ISO 3166-1 alpha-2 code; decides what a local
/// number means.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Region(phonenumber::country::Id);

impl Region {
    /// Where the product comes from, and the default of the setting.
    pub const INDONESIA: Self = Self(phonenumber::country::Id::ID);

    /// The two letters.
    pub fn code(&self) -> &str {
        self.0.as_ref()
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::str::FromStr for Region {
    type Err = ParseRegionError;

    fn from_str(text: &str) -> Result<Self, ParseRegionError> {
        phonenumber::country::Id::from_str(&text.to_ascii_uppercase())
            .map(Self)
            .map_err(|_| ParseRegionError)
    }
}

/// Not a region the numbering plans know.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a two-letter country code such as `ID`")]
pub struct ParseRegionError;

/// Why a text is not a phone number. Never contains the text itself.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, thiserror::Error)]
pub enum ParsePhoneNumberError {
    /// Nothing there.
    #[error("phone number is empty")]
    Empty,
    /// Letters or other signs among the digits.
    #[error("phone number may hold only digits, spaces, brackets, hyphens and one leading `+`")]
    NotDigits,
    /// No numbering plan has this number.
    #[error("phone number does not exist in its country's numbering plan")]
    NotInPlan,
    /// A spreadsheet turned it into a decimal power; digits are lost.
    #[error(
        "phone number was turned into scientific notation by a spreadsheet; its digits are lost"
    )]
    Scientific,
    /// More digits than E.164 allows.
    #[error("phone number has more than 15 digits")]
    TooLong,
    /// Fewer digits than any plan has.
    #[error("phone number has too few digits")]
    TooShort,
}

impl ParsePhoneNumberError {
    /// A stable code for reports. Never reuse one.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "phone_missing",
            Self::NotDigits => "phone_not_digits",
            Self::NotInPlan => "phone_not_in_plan",
            Self::Scientific => "phone_scientific_notation",
            Self::TooLong => "phone_too_long",
            Self::TooShort => "phone_too_short",
        }
    }
}

#[cfg(test)]
mod tests;
