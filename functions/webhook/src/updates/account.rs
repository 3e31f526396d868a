//! What is about templates, numbers and accounts, known by its members:
//! Meta's own examples carry the wrong `field` here.

use serde_json::Value;

use super::lenient::{elements, member, term, word};
use super::{Kind, notice};

/// A template's state, quality or category changed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Template {
    /// WhatsApp's id of the template.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// Its new state: `approved`, `paused`, `disabled`, …
    pub event: Option<String>,
    /// Its new quality: `green`, `yellow`, `red`.
    pub quality: Option<String>,
    /// Its category from now on, or soon.
    pub category: Option<String>,
    /// Whether its text or buttons changed.
    pub components: bool,
}

/// The number's quality or limits.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Quality {
    /// `upgrade`, `downgrade`, `flagged`, `throughput_upgrade`, …
    pub event: Option<String>,
    /// The new limit: a tier's name, or a number, of which -1 means none.
    pub limit: Option<String>,
}

/// Something about the business account.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// `account_violation`, `account_restriction`, `disabled_update`, …
    pub event: Option<String>,
    /// The state of a ban, or the kinds of a restriction.
    pub details: Vec<String>,
}

/// What a change without messages, statuses and preferences is about.
pub(super) fn kind(field: Option<&str>, value: &Value) -> Kind {
    let has = |names: &[&str]| names.iter().any(|name| member(value, name).is_some());
    let field = field.unwrap_or_default();
    if has(&TEMPLATE) {
        return Kind::Template(Template {
            id: word(value, "message_template_id"),
            name: word(value, "message_template_name"),
            language: word(value, "message_template_language"),
            event: term(value, "event"),
            quality: term(value, "new_quality_score"),
            category: term(value, "correct_category").or_else(|| term(value, "new_category")),
            components: has(&COMPONENTS),
        });
    }
    if has(&ACCOUNT) || ACCOUNT_FIELDS.contains(&field) {
        return Kind::Account(account(value));
    }
    if has(&LIMITS) || QUALITY_FIELDS.contains(&field) {
        return Kind::Quality(Quality {
            event: term(value, "event"),
            limit: LIMITS.into_iter().find_map(|name| word(value, name)),
        });
    }
    if let Some(topic) = notice::topic(field, value) {
        return Kind::Notice(notice::notice(topic, value, &[]));
    }
    if field.starts_with("account_") || field.starts_with("business_") {
        return Kind::Account(account(value));
    }
    Kind::Other(if field.is_empty() { "unnamed" } else { field }.to_owned())
}

fn account(value: &Value) -> Account {
    // An alert's own members lie one level deeper in newer versions.
    let inner = member(value, "alert_info").unwrap_or(&Value::Null);
    Account {
        event: ["event", "alert_type", "decision", "type"]
            .into_iter()
            .find_map(|name| term(value, name).or_else(|| term(inner, name))),
        details: details(value),
    }
}

fn details(value: &Value) -> Vec<String> {
    let ban = member(value, "ban_info").and_then(|ban| term(ban, "waba_ban_state"));
    let restrictions = member(value, "restriction_info").cloned();
    let restrictions = elements(restrictions.unwrap_or(Value::Null));
    let kinds = restrictions
        .iter()
        .filter_map(|one| term(one, "restriction_type"));
    ban.into_iter().chain(kinds).collect()
}

/// What a changed template brings along.
const COMPONENTS: [&str; 4] = [
    "message_template_element",
    "message_template_title",
    "message_template_footer",
    "message_template_buttons",
];

const TEMPLATE: [&str; 2] = ["message_template_id", "message_template_name"];

const ACCOUNT: [&str; 7] = [
    "ban_info",
    "violation_info",
    "restriction_info",
    "alert_type",
    "alert_info",
    "volume_tier_info",
    "waba_info",
];

const ACCOUNT_FIELDS: [&str; 4] = [
    "account_update",
    "account_alerts",
    "account_review_update",
    "partner_solutions",
];

/// Limits, the one that counts first.
const LIMITS: [&str; 3] = [
    "max_daily_conversations_per_business",
    "max_daily_conversation_per_phone",
    "current_limit",
];

const QUALITY_FIELDS: [&str; 2] = ["phone_number_quality_update", "business_capability_update"];
