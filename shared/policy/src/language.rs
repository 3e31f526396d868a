//! The two languages in which this service itself speaks to people.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::purpose::{Purpose, Scope};

/// A language.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Language {
    /// English.
    English,
    /// Indonesian, where nothing else is known.
    #[default]
    Indonesian,
}

impl Language {
    /// The language that a tag such as `id-ID` or `en_US` belongs to.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?.trim();
        if primary.eq_ignore_ascii_case("id") || primary.eq_ignore_ascii_case("in") {
            Some(Self::Indonesian)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::English)
        } else {
            None
        }
    }

    /// What the address or else the browser asks for; the browser's order
    /// counts as the order of preference.
    pub fn asked(query: Option<&str>, accepted: Option<&str>) -> Option<Self> {
        let mut tags = accepted.unwrap_or_default().split(',');
        query
            .and_then(Self::parse)
            .or_else(|| tags.find_map(|tag| Self::parse(tag.split(';').next().unwrap_or_default())))
    }

    /// The address first, then what is known of the person, then the browser.
    pub fn choose(query: Option<&str>, person: Option<&str>, accepted: Option<&str>) -> Self {
        query
            .and_then(Self::parse)
            .or_else(|| person.and_then(Self::parse))
            .or_else(|| Self::asked(None, accepted))
            .unwrap_or_default()
    }

    /// BCP 47.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Indonesian => "id",
        }
    }

    /// The other one, and how it calls itself.
    pub const fn other(self) -> (Self, &'static str) {
        match self {
            Self::English => (Self::Indonesian, "Bahasa Indonesia"),
            Self::Indonesian => (Self::English, "English"),
        }
    }

    /// One of two texts.
    pub const fn of<'a>(self, indonesian: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Indonesian => indonesian,
        }
    }

    /// A day, in words. Where the person is is not read here, so the day is
    /// that of Jakarta for Indonesian readers and of Greenwich for others.
    pub fn day(self, at: Timestamp) -> String {
        const MONTHS: [(&str, &str); 12] = [
            ("Januari", "January"),
            ("Februari", "February"),
            ("Maret", "March"),
            ("April", "April"),
            ("Mei", "May"),
            ("Juni", "June"),
            ("Juli", "July"),
            ("Agustus", "August"),
            ("September", "September"),
            ("Oktober", "October"),
            ("November", "November"),
            ("Desember", "December"),
        ];
        let zone = match self {
            Self::English => TimeZone::UTC,
            Self::Indonesian => TimeZone::get("Asia/Jakarta").unwrap_or(TimeZone::UTC),
        };
        let date = zone.to_datetime(at).date();
        let month = usize::from(date.month().unsigned_abs()) - 1;
        let (indonesian, english) = MONTHS[month];
        format!(
            "{} {} {}",
            date.day(),
            self.of(indonesian, english),
            date.year()
        )
    }

    /// What a purpose is, in words.
    pub fn purpose(self, purpose: &Purpose) -> String {
        let path = purpose.as_str();
        let (kind, rest) = path.split_once('.').unwrap_or((path, ""));
        let kind = match kind {
            "marketing" => self.of("Promosi dan penawaran", "Offers and news"),
            "service" => self.of("Pesan layanan", "Service messages"),
            other => other,
        };
        if rest.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind}: {}", rest.replace(['.', '_'], " "))
        }
    }

    /// What a stop covers, in words.
    pub fn scope(self, scope: &Scope) -> String {
        match scope {
            Scope::Everything => self.of("Semua pesan", "All messages").to_owned(),
            Scope::Purpose(purpose) => self.purpose(purpose),
        }
    }
}
