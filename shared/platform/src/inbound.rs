//! What WhatsApp sent, kept in objects: the webhook writes them, `receipts`
//! reads them. They hold personal data; queues carry their keys only.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use policy::ids::TenantId;
use policy::phone::PhoneNumber;
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// One update that is no status of ours, as it came.
///
/// Deliberately without `Debug`: it is full of personal data.
#[derive(Clone, Deserialize, Serialize)]
#[expect(missing_debug_implementations, reason = "it is full of personal data")]
pub struct KeptUpdate {
    /// The shape's version.
    pub v: u8,
    /// How the webhook understood it: `message`, `user_preference`, `system`,
    /// `status`, `template`, `quality`, `account`, `errors`, `other`.
    pub kind: String,
    /// The field it came under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The WhatsApp Business Account it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waba: Option<String>,
    /// The business phone number it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    /// The entry of `contacts` that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Value>,
    /// The words of a message, where it has any: what the person wrote, the label
    /// of what they tapped, or the text under a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The element of `messages`, `statuses`, …, or the whole `value`.
    pub update: Value,
}

impl KeptUpdate {
    /// The number that a message came from, where it is told.
    pub fn sender(&self) -> Option<PhoneNumber> {
        let text = |value: &Value, name: &str| match value.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let from = text(&self.update, "from");
        let known = self.contact.as_ref();
        let known = known.and_then(|contact| text(contact, "wa_id"));
        let phone = |text: String| {
            let digits: String = text.chars().filter(|c| !" -()".contains(*c)).collect();
            PhoneNumber::parse_wa_id(&digits).ok()
        };
        [from, known].into_iter().flatten().find_map(phone)
    }
}

/// A stop that somebody said to a number which nobody owns yet.
///
/// Deliberately without `Debug`: it says who they are.
#[derive(Clone, Deserialize, Serialize)]
#[expect(missing_debug_implementations, reason = "it says who they are")]
pub struct WaitingStop {
    /// The shape's version.
    pub v: u8,
    /// Their number in E.164, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Their other identities, as WhatsApp writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// What they stopped, as the codes of scopes.
    pub scopes: Vec<String>,
    /// How they said it, as a stable code.
    pub source: String,
    /// Whether a person should look at how it was read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub review: bool,
    /// WhatsApp's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wamid: Option<String>,
    /// When they said it, by Meta's clock, if that can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_at: Option<Timestamp>,
    /// When it came.
    pub came_at: Timestamp,
}

/// Where the stops of one body that were said to a number of nobody are kept;
/// the same body has the same `id`.
pub fn waiting_key(number: &str, id: &str) -> String {
    format!("waiting/{number}/{id}.json")
}

/// Where the updates of one body are kept; the same body has the same `id`.
pub fn updates_key(tenant: TenantId, now: Timestamp, id: &str) -> String {
    format!("inbound/{tenant}/{}/{id}.json", date(now))
}

/// Where the words of one person of one body are kept: apart from everybody
/// else's, so that they can be deleted alone.
pub fn words_key(tenant: TenantId, now: Timestamp, id: &str, who: ContactToken) -> String {
    let mut digest = Sha256::new();
    digest.update(id);
    digest.update(b"#");
    digest.update(who.as_bytes());
    let digest = digest.finalize();
    let name: String = digest[..16].iter().map(|b| format!("{b:02x}")).collect();
    updates_key(tenant, now, &name)
}

/// Where a body is kept whole, because it cannot be read or nobody is known to
/// own it.
pub fn body_key(now: Timestamp, id: &str) -> String {
    format!("inbound/{}/{id}.json", date(now))
}

fn date(now: Timestamp) -> jiff::civil::Date {
    TimeZone::UTC.to_datetime(now).date()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn keys_are_sorted_by_owner_and_day() {
        let now = "2026-11-24T23:59:59Z".parse().unwrap();
        let tenant = TenantId::from_uuid(Uuid::nil());
        assert_eq!(
            updates_key(tenant, now, "ab"),
            "inbound/ten_00000000000000000000000000000000/2026-11-24/ab.json"
        );
        assert_eq!(body_key(now, "ab"), "inbound/2026-11-24/ab.json");
    }
}
