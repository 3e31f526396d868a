//! What a message is for, as a dotted path: `marketing`, `marketing.promo`,
//! `service.order`.
//!
//! A person agrees to, or stops, a purpose *and everything under it*: consent
//! to `marketing` covers `marketing.promo`, and a stop of `marketing` ends both.

use std::fmt;
use std::sync::Arc;

/// A purpose of processing (ISO/IEC TS 27560 "purpose"). Cheap to clone.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Purpose(Arc<str>);

impl Purpose {
    /// Longest text accepted, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// All advertising.
    pub fn marketing() -> Self {
        Self("marketing".into())
    }

    /// Messages about something the person has with the business.
    pub fn service() -> Self {
        Self("service".into())
    }

    /// An answer of this kind to what the person wrote.
    pub(crate) fn answer(kind: &str) -> Self {
        Self(format!("answer.{kind}").into())
    }

    /// Parses lower-case words of `a-z0-9_` joined by dots.
    pub fn parse(text: &str) -> Result<Self, ParsePurposeError> {
        let word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if text.len() <= Self::MAX_BYTES && text.split('.').all(word) {
            Ok(Self(text.into()))
        } else {
            Err(ParsePurposeError)
        }
    }

    /// The dotted path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this purpose is `other` or stands above it.
    pub fn covers(&self, other: &Self) -> bool {
        is_under(&self.0, &other.0)
    }

    /// Whether this is advertising of any kind.
    pub fn is_marketing(&self) -> bool {
        is_under("marketing", &self.0)
    }
}

/// Whether the path `inner` is `outer` or stands below it.
fn is_under(outer: &str, inner: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not a dotted path of lower-case words.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a purpose such as `marketing` or `marketing.promo`")]
pub struct ParsePurposeError;

/// What a stop covers.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// Every message, whatever its purpose.
    Everything,
    /// One purpose and all under it.
    Purpose(Purpose),
}

impl Scope {
    /// The scope of an ordinary stop: advertising.
    pub fn marketing() -> Self {
        Self::Purpose(Purpose::marketing())
    }

    /// Whether a message for `purpose` falls under this stop.
    pub fn covers(&self, purpose: &Purpose) -> bool {
        match self {
            Self::Everything => true,
            Self::Purpose(stopped) => stopped.covers(purpose),
        }
    }

    /// A stable text for storage: `*` or the purpose.
    pub fn code(&self) -> &str {
        match self {
            Self::Everything => "*",
            Self::Purpose(purpose) => purpose.as_str(),
        }
    }

    /// The scope a stored text stands for.
    pub fn parse(text: &str) -> Result<Self, ParsePurposeError> {
        match text {
            "*" => Ok(Self::Everything),
            text => Purpose::parse(text).map(Self::Purpose),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_covers_what_is_under_it() {
        let purpose = |text| Purpose::parse(text).unwrap();
        assert!(purpose("marketing").covers(&purpose("marketing.promo")));
        assert!(purpose("marketing").covers(&purpose("marketing")));
        assert!(!purpose("marketing.promo").covers(&purpose("marketing")));
        assert!(!purpose("market").covers(&purpose("marketing")));
        assert!(Scope::Everything.covers(&purpose("service.order")));
        assert!(!Scope::marketing().covers(&purpose("service.order")));
        for bad in ["", ".", "a.", "A", "a b", "marketing.Promo"] {
            assert_eq!(Purpose::parse(bad), Err(ParsePurposeError), "{bad:?}");
        }
    }
}
