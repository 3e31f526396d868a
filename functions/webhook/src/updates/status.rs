//! What became of a message of the business.

use jiff::Timestamp;
use policy::block::Callback;
use serde_json::Value;

use super::lenient::{error_codes, moment, term, word};
use super::person::Person;

/// A report about one message.
#[derive(Debug)]
pub struct Status {
    /// WhatsApp's id of the message.
    pub wamid: Option<String>,
    /// `sent`, `delivered`, `read`, `failed`, or a word that is new.
    pub status: Option<String>,
    /// The callback data of the request, as WhatsApp echoes it.
    pub callback: Option<String>,
    /// Meta's codes of a failure.
    pub codes: Vec<u32>,
    /// Who the message was for.
    pub person: Person,
    /// When, by Meta's clock.
    pub at: Option<Timestamp>,
}

impl Status {
    /// Whether the request was made by this service, and the status is one
    /// that its ledger knows.
    pub fn is_ours(&self) -> bool {
        let known = |status: &String| policy::receipt::Status::parse(status).is_some();
        let ours = |callback: &String| callback.parse::<Callback>().is_ok();
        self.status.as_ref().is_some_and(known) && self.callback.as_ref().is_some_and(ours)
    }
}

/// Reads a status.
pub(super) fn status(raw: &Value) -> Status {
    // In a group `recipient_id` is the group's id.
    let group = term(raw, "recipient_type").is_some_and(|kind| kind == "group");
    let wa_id = if group {
        "recipient_participant_id"
    } else {
        "recipient_id"
    };
    let user_id = if group {
        "recipient_participant_user_id"
    } else {
        "recipient_user_id"
    };
    Status {
        wamid: word(raw, "id"),
        status: term(raw, "status"),
        callback: word(raw, "biz_opaque_callback_data"),
        codes: error_codes(raw),
        person: Person::of(raw, wa_id, user_id),
        at: moment(raw, "timestamp"),
    }
}
