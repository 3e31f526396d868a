//! The envelope: entries of accounts, changes of entries, updates of changes.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::lenient::{elements, error_codes, member, moment, take, word};
use super::notice::{self, Topic};
use super::past::{self, Past};
use super::person::Person;
use super::{Kind, Unreadable, Update, account, message, preference, status};

/// Every update of a body.
///
/// A body has entries. A lone entry, change or value, as documentation shows
/// them and test tools send them, is read as what it is.
pub(super) fn updates(body: Value) -> Result<Vec<Update>, Unreadable> {
    let bodies = elements(body);
    if !bodies.iter().any(|body| level(body) != Level::None) {
        return Err(Unreadable::NoEntry);
    }
    let mut updates = Vec::new();
    for mut body in bodies {
        let frame = Frame::default();
        match level(&body) {
            Level::Body => {
                for entry in take(&mut body, "entry") {
                    read_entry(entry, &mut updates);
                }
            }
            Level::Entry => read_entry(body, &mut updates),
            Level::Change => read_change(body, &frame, &mut updates),
            Level::None => updates.push(frame.other("body", body)),
        }
    }
    Ok(updates)
}

/// What an element of a body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Level {
    Body,
    Entry,
    Change,
    None,
}

fn level(body: &Value) -> Level {
    let has = |name: &str| body.get(name).is_some();
    let lists = ["messages", "statuses", "user_preferences", "user_id_update"];
    if has("entry") {
        Level::Body
    } else if has("changes") {
        Level::Entry
    } else if (has("field") && has("value")) || lists.into_iter().any(has) {
        Level::Change
    } else {
        Level::None
    }
}

fn read_entry(mut entry: Value, updates: &mut Vec<Update>) {
    let frame = Frame {
        waba: word(&entry, "id"),
        time: moment(&entry, "time"),
        ..Frame::default()
    };
    let changes = take(&mut entry, "changes");
    if changes.is_empty() {
        updates.push(frame.other("entry", entry));
    }
    for change in changes {
        read_change(change, &frame, updates);
    }
}

fn read_change(mut change: Value, entry: &Frame, updates: &mut Vec<Update>) {
    let field = word(&change, "field");
    let value = match change.as_object_mut().and_then(|c| c.remove("value")) {
        Some(value @ Value::Object(_)) => value,
        // The members may lie one level too high.
        None if change.is_object() => change,
        Some(value) => {
            let mut whole = Map::new();
            whole.insert("value".to_owned(), value);
            Value::Object(whole)
        }
        None => change,
    };
    let metadata = member(&value, "metadata").unwrap_or(&Value::Null);
    let frame = Frame {
        phone_number_id: word(metadata, "phone_number_id")
            .or_else(|| word(&value, "phone_number_id")),
        waba: entry.waba.clone(),
        field,
        time: entry.time,
    };
    read_value(value, &frame, updates);
}

fn read_value(mut value: Value, frame: &Frame, updates: &mut Vec<Update>) {
    let before = updates.len();
    let contacts = match value.get("contacts") {
        Some(contacts) => elements(contacts.clone()),
        None => Vec::new(),
    };
    let field = frame.field.as_deref().unwrap_or_default();
    // What the business itself wrote, in the app on its phone, is no message
    // of a person, in whatever list it lies.
    let messages = take(&mut value, "messages");
    for raw in messages {
        if field.contains("echo") {
            updates.push(frame.notice(Topic::Echo, raw, &contacts));
        } else if field == "history" {
            let chunk = json!({"threads": {"messages": raw}});
            read_history(chunk, &value, frame, updates);
        } else {
            updates.push(read_message(raw, &contacts, frame));
        }
    }
    for chunk in take(&mut value, "history") {
        read_history(chunk, &value, frame, updates);
    }
    for raw in take(&mut value, "statuses") {
        updates.push(read_status(raw, &contacts, frame));
    }
    for raw in take(&mut value, "user_preferences") {
        if !raw.is_object() {
            updates.push(frame.other("user_preferences", raw));
            continue;
        }
        let mut preference = preference::preference(&raw, &contacts);
        preference.at = preference.at.or(frame.time);
        let contact = preference.person.find_in(&contacts).cloned();
        updates.push(frame.update(Kind::Preference(preference), raw, contact));
    }
    for raw in take(&mut value, "user_id_update") {
        if !raw.is_object() {
            updates.push(frame.other("user_id_update", raw));
            continue;
        }
        let mut system = message::user_id_update(&raw);
        system.at = system.at.or(frame.time);
        updates.push(frame.update(Kind::System(system), raw, None));
    }
    for (topic, raw) in notice::take_lists(&mut value) {
        updates.push(frame.notice(topic, raw, &contacts));
    }
    if updates.len() == before {
        let kind = match error_codes(&value) {
            codes if !codes.is_empty() => Kind::Errors { codes },
            _ => account::kind(frame.field.as_deref(), &value),
        };
        updates.push(frame.update(kind, value, None));
        return;
    }
    read_rest(value, frame, updates);
}

/// What lies beside the known lists: errors, and lists that are new.
fn read_rest(mut value: Value, frame: &Frame, updates: &mut Vec<Update>) {
    let codes = error_codes(&value);
    for raw in take(&mut value, "errors") {
        let codes = codes.clone();
        updates.push(frame.update(Kind::Errors { codes }, raw, None));
    }
    let Value::Object(rest) = value else { return };
    for (name, member) in rest {
        let Value::Array(list) = member else { continue };
        if name == "contacts" {
            continue;
        }
        for raw in list.into_iter().filter(Value::is_object) {
            updates.push(frame.other(&name, raw));
        }
    }
}

/// Reads one piece of what was said before the number joined.
fn read_history(chunk: Value, value: &Value, frame: &Frame, updates: &mut Vec<Update>) {
    let number = member(value, "metadata").and_then(|m| word(m, "display_phone_number"));
    let business = number.map(|number| Person::new(Some(number), None));
    for (piece, raw) in past::history(chunk, business.as_ref()) {
        let kind = match piece {
            Past::Said(message) => Kind::Past(message),
            Past::Notice(notice) => Kind::Notice(notice),
        };
        updates.push(frame.update(kind, raw, None));
    }
}

fn read_status(raw: Value, contacts: &[Value], frame: &Frame) -> Update {
    if !raw.is_object() {
        return frame.other("statuses", raw);
    }
    if let Some(topic) = notice::topic_of_status(&raw) {
        return frame.notice(topic, raw, contacts);
    }
    let mut status = status::status(&raw);
    status.at = status.at.or(frame.time);
    let contact = status.person.find_in(contacts);
    status.person = status.person.clone().complete(contact);
    frame.update(Kind::Status(status), raw, None)
}

fn read_message(raw: Value, contacts: &[Value], frame: &Frame) -> Update {
    if !raw.is_object() {
        return frame.other("messages", raw);
    }
    if message::is_system(&raw) {
        let mut system = message::system(&raw, contacts);
        system.at = system.at.or(frame.time);
        let contact = system.person.find_in(contacts).cloned();
        return frame.update(Kind::System(system), raw, contact);
    }
    let mut message = message::message(&raw, contacts);
    message.at = message.at.or(frame.time);
    let contact = message.person.find_in(contacts).cloned();
    frame.update(Kind::Message(message), raw, contact)
}

/// What an update inherits from around it.
#[derive(Clone, Default)]
struct Frame {
    phone_number_id: Option<String>,
    waba: Option<String>,
    field: Option<String>,
    time: Option<Timestamp>,
}

impl Frame {
    fn update(&self, kind: Kind, raw: Value, contact: Option<Value>) -> Update {
        Update {
            phone_number_id: self.phone_number_id.clone(),
            waba: self.waba.clone(),
            field: self.field.clone(),
            told_at: self.time,
            kind,
            raw,
            contact,
        }
    }

    fn notice(&self, topic: Topic, raw: Value, contacts: &[Value]) -> Update {
        let mut notice = notice::notice(topic, &raw, contacts);
        notice.at = notice.at.or(self.time);
        self.update(Kind::Notice(notice), raw, None)
    }

    fn other(&self, name: &str, raw: Value) -> Update {
        self.update(Kind::Other(name.to_owned()), raw, None)
    }
}
