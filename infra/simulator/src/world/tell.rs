//! Events become webhook updates, and updates meet chance on their way.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Preference, World};
use crate::clock::later;
use crate::delivery::Post;
use crate::person::{Person, SmallTalk, hex};
use crate::refusal::title;
use crate::template::QuickReply;
use crate::wa_id::WaId;
use crate::webhook::{Update, UpdateKind};

/// The files that people send are empty.
const EMPTY_SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

impl World {
    pub(super) fn tell_status(
        &mut self,
        at: Timestamp,
        wamid: &str,
        status: &'static str,
        code: Option<u32>,
    ) {
        let Some(message) = self.messages.get_mut(wamid) else {
            return;
        };
        message.history.push((status, at));
        let mut body = json!({
            "id": wamid,
            "status": status,
            "timestamp": at.as_second().to_string(),
            "recipient_id": message.to.expose(),
        });
        if let Some(data) = &message.callback_data {
            body["biz_opaque_callback_data"] = data.as_str().into();
        }
        // Told once the message is on its way, and again when it arrived.
        if matches!(status, "sent" | "delivered" | "read") {
            let kind = if message.free {
                "free_customer_service"
            } else {
                "regular"
            };
            body["pricing"] = json!({
                "billable": !message.free,
                "pricing_model": "PMP",
                "type": kind,
                "category": message.category,
            });
        }
        if let Some(code) = code {
            // Meta writes this one code as text.
            let written = match code {
                132_015 => json!(code.to_string()),
                _ => json!(code),
            };
            body["errors"] = json!([{
                "code": written,
                "title": title(code),
                "message": title(code),
                "error_data": {"details": title(code)},
                "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
            }]);
            *self.measure.failed.entry(code).or_default() += 1;
        }
        *self.measure.statuses.entry(status).or_default() += 1;

        let (to, number) = (message.to.clone(), message.number.clone());
        let person = self.person(&to).person.clone();
        if person.shows_user_id {
            body["recipient_user_id"] = person.user_id.as_str().into();
        }
        // Failed statuses come without contacts.
        let contact = (status != "failed").then(|| contact_of_recipient(&person));
        let key = format!("{wamid}.{status}");
        self.tell(at, &number, UpdateKind::Status, key, contact, body, None);
    }

    pub(super) fn tell_text(
        &mut self,
        at: Timestamp,
        from: &WaId,
        number: &str,
        text: &str,
        stop: Option<usize>,
    ) {
        let content = json!({"type": "text", "text": {"body": text}});
        self.tell_message(at, from, number, content, stop);
    }

    pub(super) fn tell_press(
        &mut self,
        at: Timestamp,
        from: &WaId,
        number: &str,
        wamid: &str,
        button: &QuickReply,
        stop: usize,
    ) {
        let business = self.metadata(number)["display_phone_number"].clone();
        let content = json!({
            "type": "button",
            "button": {"payload": button.payload, "text": button.text},
            "context": {"from": business, "id": wamid},
        });
        self.tell_message(at, from, number, content, Some(stop));
    }

    /// Tells of a harmless answer to a message.
    pub(super) fn tell_small_talk(
        &mut self,
        at: Timestamp,
        from: &WaId,
        number: &str,
        wamid: &str,
        talk: SmallTalk,
    ) {
        let media_id = at.as_millisecond().to_string();
        let content = match talk {
            SmallTalk::Image(caption) => json!({
                "type": "image",
                "image": {
                    "id": media_id, "mime_type": "image/jpeg",
                    "sha256": EMPTY_SHA256, "caption": caption,
                },
            }),
            SmallTalk::Reaction(emoji) => json!({
                "type": "reaction",
                "reaction": {"message_id": wamid, "emoji": emoji},
            }),
            SmallTalk::Text(text) => {
                let business = self.metadata(number)["display_phone_number"].clone();
                json!({
                    "type": "text",
                    "text": {"body": text},
                    "context": {"from": business, "id": wamid},
                })
            }
            SmallTalk::Unsupported => json!({
                "type": "unsupported",
                "errors": [{"code": 131_051, "title": title(131_051)}],
                "unsupported": {"type": "poll_creation"},
            }),
            SmallTalk::Voice => json!({
                "type": "audio",
                "audio": {
                    "id": media_id, "mime_type": "audio/ogg; codecs=opus",
                    "sha256": EMPTY_SHA256, "voice": true,
                },
            }),
        };
        self.tell_message(at, from, number, content, None);
    }

    /// Tells that a person's number is another from now on.
    pub(super) fn tell_new_number(&mut self, at: Timestamp, old: &WaId, new: &WaId, number: &str) {
        let body = "User changed their phone number";
        let content = json!({
            "type": "system",
            "system": {"type": "user_changed_number", "body": body, "wa_id": new.expose()},
        });
        self.tell_message(at, old, number, content, None);
    }

    pub(super) fn tell_preference(
        &mut self,
        at: Timestamp,
        from: &WaId,
        number: &str,
        preference: Preference,
        stop: Option<usize>,
    ) {
        let (value, detail) = match preference {
            Preference::Resume => ("resume", "User requested to resume marketing messages"),
            Preference::Stop => ("stop", "User requested to stop marketing messages"),
        };
        let person = self.person(from).person.clone();
        let mut body = json!({
            "detail": detail,
            "category": "marketing_messages",
            "value": value,
            "timestamp": at.as_second(),
        });
        name_sender(&mut body, &person, "wa_id", "user_id");
        let key = format!("{}.{value}.{}", from.expose(), at.as_nanosecond());
        let contact = Some(contact_of_sender(&person));
        let stop = stop.map(|nth| (from.clone(), nth));
        let kind = UpdateKind::Preference;
        self.tell(at, number, kind, key, contact, body, stop);
    }

    /// Tells the value of any other field, such as a template's new status.
    pub(crate) fn tell_value(&mut self, at: Timestamp, waba_id: &str, field: &str, value: Value) {
        let update = Update {
            key: format!("{waba_id}.{field}.{}", at.as_nanosecond()),
            kind: UpdateKind::Value,
            waba_id: waba_id.to_owned(),
            field: field.to_owned(),
            metadata: None,
            contact: None,
            body: value,
            at_second: at.as_second(),
            stop: None,
        };
        self.hand_over(at, update);
    }

    fn tell_message(
        &mut self,
        at: Timestamp,
        from: &WaId,
        number: &str,
        mut body: Value,
        stop: Option<usize>,
    ) {
        let state = self.person(from);
        let (person, nth) = (state.person.clone(), state.written);
        let key = format!("{number}.{}.{nth}", from.expose());
        let digest = self.seed.digest("inbound", &key);
        body["id"] = format!("wamid.IN{}", hex(&digest[..16])).into();
        body["timestamp"] = at.as_second().to_string().into();
        name_sender(&mut body, &person, "from", "from_user_id");
        // Messages by the system come without contacts.
        let contact = (body["type"] != "system").then(|| contact_of_sender(&person));
        let stop = stop.map(|nth| (from.clone(), nth));
        let kind = UpdateKind::Message;
        self.tell(at, number, kind, key, contact, body, stop);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one update, put together here only"
    )]
    fn tell(
        &mut self,
        at: Timestamp,
        number: &str,
        kind: UpdateKind,
        key: String,
        contact: Option<Value>,
        body: Value,
        stop: Option<(WaId, usize)>,
    ) {
        let Some(state) = self.numbers.get(number) else {
            return;
        };
        let field = match kind {
            UpdateKind::Preference => "user_preferences",
            UpdateKind::Message | UpdateKind::Status | UpdateKind::Value => "messages",
        };
        let update = Update {
            key,
            kind,
            waba_id: state.config.waba_id.clone(),
            field: field.to_owned(),
            metadata: Some(self.metadata(number)),
            contact,
            body,
            at_second: at.as_second(),
            stop,
        };
        self.hand_over(at, update);
    }

    /// Gives an update to the outbox, or loses it, by its own chance.
    fn hand_over(&mut self, at: Timestamp, update: Update) {
        let chaos = &self.chaos;
        let counts = &mut self.measure.webhooks;
        counts.updates += 1;
        let mut chance = self.seed.chance("webhook", &update.key);
        let loss = match update.kind {
            UpdateKind::Status => chaos.lose_statuses,
            UpdateKind::Message | UpdateKind::Preference => chaos.lose_messages,
            UpdateKind::Value => 0.0,
        };
        let lost = chance.hits(loss);
        let late = chance.hits(chaos.late);
        let lateness = chance.delay(chaos.lateness);
        let batched = chance.hits(chaos.batch);
        let duplicated = chance.hits(chaos.duplicate);
        let duplicate_after = chance.delay(chaos.lateness);
        if lost {
            counts.lost += 1;
            return;
        }
        let mut due = at;
        if late {
            counts.late += 1;
            due = later(due, lateness);
        }
        if batched {
            due = next_multiple(due, chaos.batch_window.try_into().unwrap_or_default());
        }
        if duplicated {
            counts.duplicated += 1;
            let again = later(due, duplicate_after);
            self.outbox.push(again, update.clone(), false);
        }
        self.outbox.push(due, update, batched);
    }

    pub(super) fn note_posting(&mut self, post: &Post, now: Timestamp) {
        self.measure.webhooks.posts += 1;
        self.measure.webhooks.under_way += 1;
        self.measure.webhooks.retries += u64::from(post.attempts > 0);
        for (person, nth) in post.updates.iter().filter_map(|update| update.stop.clone()) {
            if let Some(stop) = self.person(&person).log.stops.get_mut(nth) {
                stop.posted_at.get_or_insert(now);
            }
        }
    }

    /// Takes back a POST that was made: done, to be repeated, or given up.
    pub(crate) fn settle(&mut self, mut post: Post, delivered: bool, now: Timestamp) {
        self.measure.webhooks.under_way -= 1;
        if delivered {
            for (person, nth) in post.updates.iter().filter_map(|update| update.stop.clone()) {
                if let Some(stop) = self.person(&person).log.stops.get_mut(nth) {
                    stop.acknowledged_at.get_or_insert(now);
                }
            }
            return;
        }
        self.measure.webhooks.failures += 1;
        post.attempts += 1;
        match self.chaos.retry.wait_after(post.attempts) {
            Some(wait) => {
                post.due = later(now.max(post.due), wait);
                self.outbox.push_again(post.due, post);
            }
            None => self.measure.webhooks.given_up += 1,
        }
    }
}

fn contact_of_recipient(person: &Person) -> Value {
    let mut contact = json!({"wa_id": person.wa_id.expose()});
    if person.shows_user_id {
        contact["user_id"] = person.user_id.as_str().into();
    }
    contact
}

fn contact_of_sender(person: &Person) -> Value {
    let mut contact = json!({"profile": {"name": person.name}});
    if person.hides_number {
        contact["profile"]["username"] = person.name.to_ascii_lowercase().into();
    }
    name_sender(&mut contact, person, "wa_id", "user_id");
    contact
}

/// Adds the sender's identities under the names that the place has for them.
fn name_sender(body: &mut Value, person: &Person, number: &str, user_id: &str) {
    if !person.hides_number {
        body[number] = person.wa_id.expose().into();
    }
    if person.shows_user_id {
        body[user_id] = person.user_id.as_str().into();
    }
}

/// The first multiple of `step` since the epoch that is not before `at`.
fn next_multiple(at: Timestamp, step: SignedDuration) -> Timestamp {
    let step = step.as_nanos().max(1);
    let nanos = at.as_nanosecond();
    let rest = nanos.rem_euclid(step);
    if rest == 0 {
        return at;
    }
    Timestamp::from_nanosecond(nanos + step - rest).unwrap_or(at)
}
