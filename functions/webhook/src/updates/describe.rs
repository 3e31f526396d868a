//! A body described without a number, a name or a text: for people who want to
//! see how the webhook reads it.

use serde_json::{Map, Value, json};

use super::{Content, Kind, SystemChange, Update};
use crate::asks::{Asks, asks};

/// Describes every update of a body, and what the webhook would do with it.
///
/// The answer holds no number, name or text of a person. `ignored` says why an
/// update has no effect besides being kept.
pub fn describe(body: &[u8]) -> Value {
    match super::parse(body) {
        Ok(updates) => {
            let updates: Vec<Value> = updates.iter().map(update).collect();
            json!({"readable": true, "updates": updates})
        }
        Err(reason) => json!({"readable": false, "reason": reason.to_string()}),
    }
}

fn update(update: &Update) -> Value {
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| {
        if !value.is_null() {
            told.insert(name.to_owned(), value);
        }
    };
    let asks = asks(update);
    tell("kind", json!(update.kind.code()));
    tell("field", json!(update.field));
    tell("phone_number_id", json!(update.phone_number_id));
    tell("waba", json!(update.waba));
    tell("wamid", json!(update.wamid()));
    tell("at", json!(update.at()));
    if let Some(person) = update.person() {
        tell(
            "person",
            json!({
                "phone": person.phone().is_some(),
                "user_id": person.expose_user_id().is_some(),
            }),
        );
    }
    match &update.kind {
        Kind::Account(account) => tell("event", json!(account.event)),
        Kind::Errors { codes } => tell("codes", json!(codes)),
        Kind::Message(message) => {
            tell("content", json!(message.content.code()));
            tell("answers", json!(message.answers));
        }
        Kind::Other(name) => tell("name", json!(name)),
        Kind::Preference(preference) => tell("category", json!(preference.category)),
        Kind::Quality(quality) => {
            tell("event", json!(quality.event));
            tell("limit", json!(quality.limit));
        }
        Kind::Status(status) => {
            tell("status", json!(status.status));
            tell("ours", json!(status.is_ours()));
            if !status.codes.is_empty() {
                tell("codes", json!(status.codes));
            }
        }
        Kind::System(system) => tell("change", json!(change(&system.change))),
        Kind::Template(template) => {
            tell("event", json!(template.event));
            tell("template", json!(template.name));
            tell("quality", json!(template.quality));
            tell("category", json!(template.category));
        }
    }
    if let Some(asks) = &asks {
        tell("asks", json!(asks.label.code()));
        tell("rule", json!(asks.rule));
        if asks.review {
            tell("review", json!(true));
        }
        if !asks.scopes.is_empty() {
            let scopes: Vec<&str> = asks.scopes.iter().map(|scope| scope.code()).collect();
            tell("scopes", json!(scopes));
        }
    }
    tell("ignored", json!(ignored(update, asks.as_ref())));
    Value::Object(told)
}

fn change(change: &SystemChange) -> &str {
    match change {
        SystemChange::Identity { to, .. } => {
            match (to.phone().is_some(), to.expose_user_id().is_some()) {
                (true, true) => "number_and_user_id",
                (true, false) => "number",
                (false, _) => "user_id",
            }
        }
        SystemChange::Other(kind) => kind,
    }
}

/// Why an update changes nothing, where that is so.
fn ignored(update: &Update, asks: Option<&Asks>) -> Option<&'static str> {
    let stops = asks.is_some_and(|asks| !asks.scopes.is_empty());
    match &update.kind {
        _ if stops && update.person().is_some_and(|person| !person.is_known()) => {
            Some("nothing names the person")
        }
        _ if stops => None,
        Kind::Status(status) if !status.is_ours() => Some("status has no place in the ledger"),
        Kind::Message(message) if !message.person.is_known() => Some("nothing names the person"),
        Kind::Message(message) => match &message.content {
            Content::Other(kind) if !super::message::is_known(kind) => {
                Some("message type is not known")
            }
            _ => None,
        },
        Kind::Other(_) => Some("not known"),
        Kind::Account(_)
        | Kind::Errors { .. }
        | Kind::Preference(_)
        | Kind::Quality(_)
        | Kind::Status(_)
        | Kind::System(_)
        | Kind::Template(_) => None,
    }
}
