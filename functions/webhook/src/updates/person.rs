//! Who: a number, a business-scoped user id, or both; either may be missing.

use std::fmt;

use policy::phone::PhoneNumber;
use serde_json::Value;

use super::lenient;

/// A person as WhatsApp names them.
///
/// Since 2026 a person with a username may show no number, only an id that is
/// valid within one business portfolio. Such an id is opaque.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Person {
    wa_id: Option<String>,
    user_id: Option<String>,
}

impl Person {
    /// Empty texts count as absent. An id that stands where the number should
    /// be is taken for an id.
    pub fn new(wa_id: Option<String>, user_id: Option<String>) -> Self {
        let given = |text: &String| !text.trim().is_empty();
        let mut person = Self {
            wa_id: wa_id.filter(given),
            user_id: user_id.filter(given),
        };
        let misplaced = person.wa_id.as_deref().is_some_and(is_user_id);
        if misplaced && (person.user_id.is_none() || person.user_id == person.wa_id) {
            person.user_id = person.wa_id.take();
        }
        person
    }

    /// Reads the two ids from the members of these names.
    pub(super) fn of(value: &Value, wa_id: &str, user_id: &str) -> Self {
        Self::new(lenient::word(value, wa_id), lenient::word(value, user_id))
    }

    /// The number, where there is one.
    pub fn phone(&self) -> Option<PhoneNumber> {
        let digits: String = self
            .wa_id
            .as_deref()?
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '(' | ')'))
            .collect();
        PhoneNumber::parse_wa_id(&digits).ok()
    }

    /// The `wa_id` or number as it came: personal data.
    pub fn expose_wa_id(&self) -> Option<&str> {
        self.wa_id.as_deref()
    }

    /// The business-scoped user id: personal data.
    pub fn expose_user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// Whether anything names the person.
    pub fn is_known(&self) -> bool {
        self.wa_id.is_some() || self.user_id.is_some()
    }

    /// Takes from the matching entry of `contacts` what is missing here.
    pub(super) fn complete(self, contact: Option<&Value>) -> Self {
        let Some(contact) = contact else {
            return self;
        };
        let known = Self::of(contact, "wa_id", "user_id");
        Self {
            wa_id: self.wa_id.or(known.wa_id),
            user_id: self.user_id.or(known.user_id),
        }
    }

    /// The same, where the entry is still to be found.
    pub(super) fn complete_from(self, contacts: &[Value]) -> Self {
        let contact = self.find_in(contacts);
        self.complete(contact)
    }

    /// The entry of `contacts` that goes with this person: the one with the
    /// same number or id; or the only one, if nothing else names the person.
    pub(super) fn find_in<'a>(&self, contacts: &'a [Value]) -> Option<&'a Value> {
        let same = |contact: &&Value| {
            let other = Self::of(contact, "wa_id", "user_id");
            let phones = self.phone().is_some() && self.phone() == other.phone();
            phones || (self.user_id.is_some() && self.user_id == other.user_id)
        };
        let lone = || match contacts {
            [contact] if !self.is_known() => Some(contact),
            _ => None,
        };
        contacts.iter().find(same).or_else(lone)
    }
}

/// Whether a text is a business-scoped user id: a country's two letters and a
/// dot before it (`ID.1349…`), or, in the first drafts, the word `user`.
fn is_user_id(text: &str) -> bool {
    text.trim().split_once('.').is_some_and(|(scope, id)| {
        let country = scope.len() == 2 && scope.bytes().all(|b| b.is_ascii_alphabetic());
        (country || scope == "user") && id.bytes().any(|b| b.is_ascii_alphanumeric())
    })
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(…)")
    }
}
