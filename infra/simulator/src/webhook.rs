//! What Meta tells a business: updates, the envelope they travel in, and the
//! signature over it.

use std::collections::HashSet;
use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::person::hex;
use crate::wa_id::WaId;

/// One thing that a webhook tells.
#[derive(Clone)]
pub(crate) struct Update {
    /// What decides its fate on the way: the same for the same event.
    pub(crate) key: String,
    pub(crate) kind: UpdateKind,
    pub(crate) waba_id: String,
    /// The name of the webhook field.
    pub(crate) field: String,
    /// `metadata` of the value: the business number concerned.
    pub(crate) metadata: Option<Value>,
    pub(crate) contact: Option<Value>,
    pub(crate) body: Value,
    /// Seconds since the epoch, for fields whose entries carry a time.
    pub(crate) at_second: i64,
    /// The wish to stop that this update carries: whose, and the how manyth.
    pub(crate) stop: Option<(WaId, usize)>,
}

impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update")
            .field("kind", &self.kind)
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}

/// Where in a value an update belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdateKind {
    Message,
    Preference,
    Status,
    /// The value itself, of another field.
    Value,
}

impl UpdateKind {
    fn list_name(self) -> &'static str {
        match self {
            Self::Message => "messages",
            Self::Preference => "user_preferences",
            Self::Status => "statuses",
            Self::Value => "",
        }
    }
}

/// The body of a POST that carries these updates, in their order as far as
/// the grouping by account, number and kind allows.
pub(crate) fn envelope(updates: &[Update]) -> Vec<u8> {
    json!({"object": "whatsapp_business_account", "entry": entries(updates)})
        .to_string()
        .into_bytes()
}

/// The entries of such a body, one for each account.
pub(crate) fn entries(updates: &[Update]) -> Vec<Value> {
    let mut entries: Vec<(&str, Vec<Vec<&Update>>)> = Vec::new();
    for update in updates {
        let place = entries.iter().position(|(waba, _)| *waba == update.waba_id);
        let place = place.unwrap_or_else(|| {
            entries.push((&update.waba_id, Vec::new()));
            entries.len() - 1
        });
        let changes = &mut entries[place].1;
        match changes.iter_mut().find(|c| travel_together(c[0], update)) {
            Some(change) => change.push(update),
            None => changes.push(vec![update]),
        }
    }
    entries.iter().map(|(waba, c)| entry(waba, c)).collect()
}

fn travel_together(a: &Update, b: &Update) -> bool {
    a.kind == b.kind
        && a.kind != UpdateKind::Value
        && a.field == b.field
        && a.metadata == b.metadata
}

fn entry(waba_id: &str, changes: &[Vec<&Update>]) -> Value {
    let mut entry = Map::new();
    entry.insert("id".to_owned(), waba_id.into());
    // Entries of `messages` carry no time; those of other fields do.
    if changes.iter().all(|change| change[0].field != "messages") {
        entry.insert("time".to_owned(), changes[0][0].at_second.into());
    }
    let changes = changes
        .iter()
        .map(|change| json!({"field": change[0].field, "value": value(change)}));
    entry.insert("changes".to_owned(), changes.collect());
    entry.into()
}

fn value(updates: &[&Update]) -> Value {
    let first = updates[0];
    if first.kind == UpdateKind::Value {
        return first.body.clone();
    }
    let mut value = Map::new();
    value.insert("messaging_product".to_owned(), "whatsapp".into());
    if let Some(metadata) = &first.metadata {
        value.insert("metadata".to_owned(), metadata.clone());
    }
    let mut seen = HashSet::new();
    let contacts: Vec<Value> = updates
        .iter()
        .filter_map(|update| update.contact.as_ref())
        .filter(|contact| seen.insert(contact.to_string()))
        .cloned()
        .collect();
    if !contacts.is_empty() {
        value.insert("contacts".to_owned(), contacts.into());
    }
    let list = updates.iter().map(|update| update.body.clone()).collect();
    value.insert(first.kind.list_name().to_owned(), list);
    value.into()
}

/// The `X-Hub-Signature-256` of a body: HMAC-SHA256 over its raw bytes.
pub(crate) fn signature(app_secret: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret).expect("HMAC takes a key of any size");
    mac.update(body);
    format!("sha256={}", hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests;
