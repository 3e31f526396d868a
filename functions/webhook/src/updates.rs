//! What Meta tells, read by meaning and not by schema.
//!
//! Meta's updates vary: numbers come as texts and texts as numbers, ids are
//! missing, `field` names the wrong thing, new kinds appear. So an update is
//! known by the members it has. What is not understood is [`Kind::Other`] with
//! everything that came.
//!
//! Law: one bad update never hides its neighbours.
//! Law: nothing is dropped; every element of the body is in some update.
//! Law: [`parse`] never panics, whatever the bytes.

mod account;
mod describe;
mod envelope;
mod form;
mod json;
mod lenient;
mod message;
mod notice;
mod past;
mod person;
mod preference;
mod status;

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

pub use self::account::{Account, Quality, Template};
pub use self::describe::describe;
pub use self::message::{Content, Message, System, SystemChange};
pub use self::notice::{Notice, Topic};
pub use self::person::Person;
pub use self::preference::{Preference, PreferenceValue};
pub use self::status::Status;

/// Reads a webhook's body: every update in it, in its order.
///
/// The body may hold up to 1,000 updates of several accounts and numbers.
pub fn parse(body: &[u8]) -> Result<Vec<Update>, Unreadable> {
    envelope::updates(json::read(body)?)
}

/// One thing that Meta tells.
pub struct Update {
    /// WhatsApp's id of the business phone number it is about.
    pub phone_number_id: Option<String>,
    /// The WhatsApp Business Account it is about.
    pub waba: Option<String>,
    /// The field it came under; informational, Meta misplaces it at times.
    pub field: Option<String>,
    /// When Meta told it, where that is said beside it.
    pub told_at: Option<Timestamp>,
    /// What it tells.
    pub kind: Kind,
    /// Everything that came, for the record.
    raw: Value,
    /// The entry of `contacts` that goes with it.
    contact: Option<Value>,
}

/// What an update tells.
pub enum Kind {
    /// Something about the business account.
    Account(Account),
    /// Errors that belong to no message.
    Errors {
        /// Meta's error codes.
        codes: Vec<u32>,
    },
    /// A person wrote, tapped or reacted.
    Message(Message),
    /// Something that is known and changes nothing here.
    Notice(Notice),
    /// Something else, by the name of its field or member.
    Other(String),
    /// What a person wrote before the number joined this service.
    Past(Message),
    /// A person used WhatsApp's own stop or resume control.
    Preference(Preference),
    /// The number's quality or limits.
    Quality(Quality),
    /// What became of a message of ours.
    Status(Status),
    /// A person's number or id changed.
    System(System),
    /// A template's state, quality or category.
    Template(Template),
}

impl Update {
    /// The update as it came, for [`platform::inbound`].
    pub(crate) fn into_raw(self) -> (Value, Option<Value>) {
        (self.raw, self.contact)
    }

    /// The update as it came.
    pub(crate) fn raw(&self) -> &Value {
        &self.raw
    }

    /// Whom it is about, where it is about a person.
    pub fn person(&self) -> Option<&Person> {
        match &self.kind {
            Kind::Message(message) | Kind::Past(message) => Some(&message.person),
            Kind::Notice(notice) => notice.person.as_ref(),
            Kind::Preference(preference) => Some(&preference.person),
            Kind::Status(status) => Some(&status.person),
            Kind::System(system) => Some(&system.person),
            Kind::Account(_)
            | Kind::Errors { .. }
            | Kind::Other(_)
            | Kind::Quality(_)
            | Kind::Template(_) => None,
        }
    }

    /// The message it is about.
    pub fn wamid(&self) -> Option<&str> {
        match &self.kind {
            Kind::Message(message) | Kind::Past(message) => message.wamid.as_deref(),
            Kind::Notice(notice) => notice.id.as_deref(),
            Kind::Status(status) => status.wamid.as_deref(),
            Kind::System(system) => system.wamid.as_deref(),
            Kind::Account(_)
            | Kind::Errors { .. }
            | Kind::Other(_)
            | Kind::Preference(_)
            | Kind::Quality(_)
            | Kind::Template(_) => None,
        }
    }

    /// When it happened, by Meta's clock.
    pub fn at(&self) -> Option<Timestamp> {
        match &self.kind {
            Kind::Message(message) | Kind::Past(message) => message.at,
            Kind::Notice(notice) => notice.at,
            Kind::Preference(preference) => preference.at,
            Kind::Status(status) => status.at,
            Kind::System(system) => system.at,
            Kind::Account(_)
            | Kind::Errors { .. }
            | Kind::Other(_)
            | Kind::Quality(_)
            | Kind::Template(_) => None,
        }
    }
}

impl Kind {
    /// A stable word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Errors { .. } => "errors",
            Self::Message(_) => "message",
            Self::Notice(notice) => notice.topic.code(),
            Self::Other(_) => "other",
            Self::Past(_) => "history",
            Self::Preference(_) => "user_preference",
            Self::Quality(_) => "quality",
            Self::Status(_) => "status",
            Self::System(_) => "system",
            Self::Template(_) => "template",
        }
    }
}

/// Tells the kind only: an update is full of personal data.
impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Update({})", self.kind.code())
    }
}

/// Tells the kind only.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why no update can be read from a body. Never holds any of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unreadable {
    /// It has no `entry`, so it is not a webhook's body.
    #[error("body has no entries")]
    NoEntry,
    /// It is not JSON, not even after mending.
    #[error("body is not JSON")]
    NotJson,
}

#[cfg(test)]
mod tests;
