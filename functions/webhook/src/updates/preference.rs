//! WhatsApp's own stop and resume control for marketing messages.

use jiff::Timestamp;
use serde_json::Value;

use super::lenient::{moment, term};
use super::person::Person;

/// What a person set in WhatsApp.
#[derive(Debug)]
pub struct Preference {
    /// Who.
    pub person: Person,
    /// What.
    pub value: PreferenceValue,
    /// Of which messages; so far only `marketing_messages`.
    pub category: Option<String>,
    /// When, by Meta's clock.
    pub at: Option<Timestamp>,
}

/// What a person set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PreferenceValue {
    /// A word that is new.
    Other(String),
    /// Messages are welcome again, as far as WhatsApp's own stop goes.
    Resume,
    /// The person signed up inside WhatsApp.
    Signup,
    /// No more of them.
    Stop,
}

impl PreferenceValue {
    /// A stable word for it.
    pub fn code(&self) -> &str {
        match self {
            Self::Other(word) => word,
            Self::Resume => "resume",
            Self::Signup => "signup",
            Self::Stop => "stop",
        }
    }
}

/// Reads a preference; `contacts` goes with all of its change.
pub(super) fn preference(raw: &Value, contacts: &[Value]) -> Preference {
    let person = Person::of(raw, "wa_id", "user_id");
    let contact = person.find_in(contacts);
    let value = term(raw, "value").unwrap_or_default();
    Preference {
        person: person.complete(contact),
        value: match value.as_str() {
            "resume" => PreferenceValue::Resume,
            "signup" => PreferenceValue::Signup,
            "stop" => PreferenceValue::Stop,
            _ => PreferenceValue::Other(value),
        },
        category: term(raw, "category"),
        at: moment(raw, "timestamp"),
    }
}
