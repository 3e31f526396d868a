//! What a person may ask of a business about their data: a copy, or erasure.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Right {
    /// A copy of everything that is known of them (UU 27/2022 Art. 32).
    Copy,
    /// That it is deleted (UU 27/2022 Art. 43). What they stopped stays stopped.
    Erasure,
}

/// How it was asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Way {
    /// A tenant's system or operator passed it on, by the API.
    Api,
    /// In the chat, in the person's own words: a person reads them before
    /// anything is deleted.
    Chat,
    /// On the person's own page.
    Page,
}

impl Right {
    const ALL: [Self; 2] = [Self::Copy, Self::Erasure];

    /// A stable code for storage and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Erasure => "erasure",
        }
    }

    /// The right that a stored code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.code() == code)
    }

    /// By when it has to be answered that is asked for at `at`: 3 × 24 hours, the
    /// shortest time that a law gives (UU 27/2022 Art. 32 on access). Where the
    /// person lives is not known here, so nobody gets longer.
    pub fn due(self, at: Timestamp) -> Timestamp {
        at.saturating_add(SignedDuration::from_hours(72))
            .unwrap_or(Timestamp::MAX)
    }
}

impl Way {
    const ALL: [Self; 3] = [Self::Api, Self::Chat, Self::Page];

    /// A stable code for storage and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Chat => "chat",
            Self::Page => "page",
        }
    }

    /// The way that a stored code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.code() == code)
    }

    /// Whether what is asked for this way is carried out at once: it was said by
    /// pressing a button that says so, or by somebody who answers for it. Words
    /// may mean less than they say.
    pub const fn is_plain(self) -> bool {
        match self {
            Self::Api | Self::Page => true,
            Self::Chat => false,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip_and_words_alone_erase_nothing() {
        for right in Right::ALL {
            assert_eq!(Right::from_code(right.code()), Some(right));
            let due = right.due("2026-11-24T03:00:00Z".parse().unwrap());
            assert_eq!(due, "2026-11-27T03:00:00Z".parse().unwrap());
        }
        for way in Way::ALL {
            assert_eq!(Way::from_code(way.code()), Some(way));
        }
        assert!(!Way::Chat.is_plain());
    }
}
