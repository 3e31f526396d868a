//! A body described without a number, a name or a text: for people who want to
//! see how the webhook reads it.

use policy::purpose::Scope;
use policy::reply::Label;
use serde_json::{Map, Value, json};

use super::{Content, Kind, Person, PreferenceValue, SystemChange, Update};
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

/// Every member is there, null where it says nothing; what is peculiar to a
/// kind is beside them.
fn update(update: &Update) -> Value {
    let asks = asks(update, &[]);
    let is = |label: Label| asks.as_ref().is_some_and(|asks| asks.label == label);
    let status = match &update.kind {
        Kind::Status(status) => status.status.as_deref(),
        _ => None,
    };
    let mut told = json!({
        "kind": update.kind.code(),
        "field": update.field,
        "waba": update.waba,
        "phone_number_id": update.phone_number_id,
        "wamid": update.wamid(),
        "at": update.at(),
        "person": update.person().map(person),
        "status": status,
        "optout": is(Label::Optout),
        "resume": is(Label::Resume),
        "help": is(Label::Help),
        "ignored": ignored(update, asks.as_ref()),
    });
    let more = peculiar(&update.kind).into_iter().chain(asked(asks));
    let told = told.as_object_mut().expect("it is made as one");
    told.extend(more.filter(|(_, value)| !value.is_null()));
    Value::Object(std::mem::take(told))
}

/// By which names a person is known.
fn person(person: &Person) -> Value {
    json!({
        "phone": person.phone().is_some(),
        "wa_id": person.expose_wa_id().is_some(),
        "bsuid": person.expose_user_id().is_some(),
    })
}

/// What only updates of this kind have.
fn peculiar(kind: &Kind) -> Map<String, Value> {
    let members = match kind {
        Kind::Account(account) => json!({"event": account.event}),
        Kind::Errors { codes } => json!({"codes": codes}),
        Kind::Message(message) | Kind::Past(message) => json!({
            "content": message.content.code(),
            "answers": message.answers,
            "codes": codes(&message.content),
        }),
        Kind::Notice(notice) => json!({"event": notice.event}),
        Kind::Other(name) => json!({"name": name}),
        Kind::Preference(preference) => json!({
            "category": preference.category,
            "value": preference.value.code(),
        }),
        Kind::Quality(quality) => json!({"event": quality.event, "limit": quality.limit}),
        Kind::Status(status) => json!({
            "ours": status.is_ours(),
            "codes": (!status.codes.is_empty()).then_some(&status.codes),
        }),
        Kind::System(system) => json!({"change": change(&system.change)}),
        Kind::Template(template) => json!({
            "event": template.event,
            "template": template.name,
            "language": template.language,
            "quality": template.quality,
            "category": template.category,
            "components": template.components.then_some(true),
        }),
    };
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn codes(content: &Content) -> Option<&[u32]> {
    match content {
        Content::Unsupported { codes } => Some(codes),
        _ => None,
    }
}

/// What the person asks for, and why we think so.
fn asked(asks: Option<Asks>) -> Map<String, Value> {
    let mut told = Map::new();
    let Some(asks) = asks else { return told };
    told.insert("asks".to_owned(), json!(asks.label.code()));
    told.insert("rule".to_owned(), json!(asks.rule));
    if asks.review {
        told.insert("review".to_owned(), json!(true));
    }
    if !asks.scopes.is_empty() {
        let scopes: Vec<&str> = asks.scopes.iter().map(Scope::code).collect();
        told.insert("scopes".to_owned(), json!(scopes));
    }
    told
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

/// Why an update changes nothing, where that is so: a stable code.
fn ignored(update: &Update, asks: Option<&Asks>) -> Option<&'static str> {
    let stops = asks.is_some_and(|asks| !asks.scopes.is_empty());
    let nameless = update.person().is_none_or(|person| !person.is_known());
    match &update.kind {
        _ if stops && nameless => Some("no_person"),
        _ if stops => None,
        Kind::Message(message) => match &message.content {
            Content::Unsupported { .. } => Some("unsupported_by_whatsapp"),
            Content::Other(kind) if !super::message::is_known(kind) => Some("unknown_type"),
            _ if nameless => Some("no_person"),
            _ => None,
        },
        Kind::Notice(notice) => Some(notice.topic.reason()),
        Kind::Other(name) if NESTS.contains(&name.as_str()) => Some("malformed"),
        Kind::Other(_) => Some("unknown_field"),
        Kind::Past(_) => Some("history_is_past"),
        Kind::Preference(_) | Kind::System(_) if nameless => Some("no_person"),
        Kind::Preference(preference) => match preference.value {
            PreferenceValue::Other(_) => Some("unknown_value"),
            PreferenceValue::Signup => Some("signup_is_no_consent_on_record"),
            PreferenceValue::Resume | PreferenceValue::Stop => None,
        },
        Kind::Status(status) => match &status.status {
            None => Some("malformed"),
            // Neither WhatsApp's id nor ours: it is about no message.
            Some(_) if status.wamid.is_none() && status.callback.is_none() => Some("malformed"),
            Some(word) if policy::receipt::Status::parse(word).is_none() => Some("unknown_status"),
            Some(_) => None,
        },
        Kind::Account(_)
        | Kind::Errors { .. }
        | Kind::Quality(_)
        | Kind::System(_)
        | Kind::Template(_) => None,
    }
}

/// Known places with something unreadable in them.
const NESTS: [&str; 8] = [
    "body",
    "entry",
    "messages",
    "statuses",
    "unnamed",
    "user_id_update",
    "user_preferences",
    "value",
];
