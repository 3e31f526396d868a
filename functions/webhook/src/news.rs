//! What WhatsApp tells of accounts, numbers and templates, and what follows:
//! some of it stops sending at once, before the first request is refused; some
//! changes a limit; and any of it is a reason to read a template again.

use jiff::Timestamp;
use platform::queue::NewsV1;
use policy::breaker::Breaker;
use policy::limits::Limits;

use crate::updates::{Account, Kind, Quality, Template, Update};

/// What follows from an update for limits and templates; `now` stands for the
/// time that Meta does not tell.
pub(crate) fn news(update: &Update, now: Timestamp) -> Vec<NewsV1> {
    match &update.kind {
        Kind::Quality(quality) => limits(update, quality, now),
        Kind::Template(template) => template_news(template).into_iter().collect(),
        Kind::Account(_)
        | Kind::Errors { .. }
        | Kind::Message(_)
        | Kind::Notice(_)
        | Kind::Other(_)
        | Kind::Past(_)
        | Kind::Preference(_)
        | Kind::Status(_)
        | Kind::System(_) => Vec::new(),
    }
}

/// What a number may do: its portfolio's tier is told, its throughput and its
/// quality are to be read. A tier that is not known changes nothing by itself.
fn limits(update: &Update, quality: &Quality, now: Timestamp) -> Vec<NewsV1> {
    let Some(account) = update.waba.clone() else {
        return Vec::new();
    };
    let announced = quality.limit.as_deref();
    let tier = announced.and_then(|text| Limits::embedded().tier_announced(text));
    let tier = tier.map(|tier| NewsV1::Tier {
        account: account.clone(),
        tier: tier.to_owned(),
        told_at: update.told_at.map_or(now, |at| at.min(now)),
    });
    let number = NewsV1::Number { account };
    tier.into_iter().chain([number]).collect()
}

fn template_news(template: &Template) -> Option<NewsV1> {
    // Names and languages of templates are of these signs only (Meta, "Message
    // templates"); a key is made of them.
    let is_name = |text: &String| {
        let is_sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        !text.is_empty() && text.len() <= 512 && text.chars().all(is_sign)
    };
    Some(NewsV1::Template {
        name: template.name.clone().filter(is_name)?,
        language: template.language.clone().filter(is_name),
    })
}

/// The breaker that an update opens, and the error code with which WhatsApp
/// answers requests from then on (Meta, "Error codes"). A person closes it.
pub(crate) fn breaker(update: &Update) -> Option<(Breaker, u32)> {
    match &update.kind {
        Kind::Account(account) => {
            let code = account_code(account)?;
            Some((Breaker::Account(update.waba.clone()?), code))
        }
        Kind::Template(template) => {
            let code = template_code(template)?;
            Some((Breaker::Template(template.name.clone()?), code))
        }
        Kind::Errors { .. }
        | Kind::Message(_)
        | Kind::Notice(_)
        | Kind::Other(_)
        | Kind::Past(_)
        | Kind::Preference(_)
        | Kind::Quality(_)
        | Kind::Status(_)
        | Kind::System(_) => None,
    }
}

/// The account is restricted or disabled.
const ACCOUNT_STOPPED: u32 = 368;

/// The template is paused.
const TEMPLATE_PAUSED: u32 = 132_015;

/// The template is disabled.
const TEMPLATE_DISABLED: u32 = 132_016;

/// A ban that is announced counts like one in force: somebody should look
/// before the last messages go out.
fn account_code(account: &Account) -> Option<u32> {
    let has = |detail: &str| account.details.iter().any(|found| found == detail);
    let stopped = match account.event.as_deref()? {
        "account_deleted" => true,
        "account_restriction" => has("restricted_biz_initiated_messaging"),
        "disabled_update" => !has("reinstate"),
        _ => false,
    };
    stopped.then_some(ACCOUNT_STOPPED)
}

fn template_code(template: &Template) -> Option<u32> {
    if template.quality.as_deref() == Some("red") {
        return Some(TEMPLATE_PAUSED);
    }
    match template.event.as_deref()? {
        "flagged" | "locked" | "paused" => Some(TEMPLATE_PAUSED),
        "archived" | "deleted" | "disabled" | "pending_deletion" | "rejected" => {
            Some(TEMPLATE_DISABLED)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::updates;

    fn opened(value: Value) -> Option<(Breaker, u32)> {
        let change = json!({"field": "account_update", "value": value});
        let body = json!({"entry": [{"id": "77", "changes": [change]}]});
        let updates = updates::parse(body.to_string().as_bytes()).unwrap();
        breaker(&updates[0])
    }

    #[test]
    fn what_changes_a_limit_or_a_template_is_news_and_nothing_else_is() {
        let now = "2026-11-24T03:00:00Z".parse().unwrap();
        let told = |field: &str, value: Value| {
            let change = json!({"field": field, "value": value});
            let body = json!({"entry": [{"id": "77", "time": 1_764_000_000, "changes": [change]}]});
            let updates = updates::parse(body.to_string().as_bytes()).unwrap();
            serde_json::to_value(news(&updates[0], now)).unwrap()
        };
        let number = json!({"about": "Number", "account": "77"});
        let tier = |name: &str| {
            let told_at = "2025-11-24T16:00:00Z";
            json!([{"about": "Tier", "account": "77", "tier": name, "told_at": told_at}, number])
        };
        let limit = |value: Value| json!({"max_daily_conversations_per_business": value});
        for (field, value, wanted) in [
            (
                "business_capability_update",
                limit(json!(2000)),
                tier("TIER_2K"),
            ),
            (
                "business_capability_update",
                limit(json!("TIER_100K")),
                tier("TIER_100K"),
            ),
            (
                "business_capability_update",
                limit(json!(-1)),
                tier("TIER_UNLIMITED"),
            ),
            (
                "business_capability_update",
                limit(json!("TIER_9Z")),
                json!([number]),
            ),
            (
                "phone_number_quality_update",
                json!({"display_phone_number": "62", "event": "DOWNGRADE", "current_limit": "TIER_1K"}),
                tier("TIER_1K"),
            ),
            (
                "phone_number_quality_update",
                json!({"display_phone_number": "62", "event": "THROUGHPUT_UPGRADE"}),
                json!([number]),
            ),
            (
                "phone_number_quality_update",
                json!({"display_phone_number": "62", "event": "FLAGGED"}),
                json!([number]),
            ),
            (
                "template_category_update",
                json!({"message_template_name": "promo", "message_template_language": "en-US",
                       "new_category": "UTILITY", "correct_category": "MARKETING"}),
                json!([{"about": "Template", "name": "promo", "language": "en-US"}]),
            ),
            (
                "message_template_status_update",
                json!({"message_template_name": "promo#X", "event": "APPROVED"}),
                json!([]),
            ),
            (
                "account_update",
                json!({"event": "VERIFIED_ACCOUNT"}),
                json!([]),
            ),
        ] {
            assert_eq!(told(field, value.clone()), wanted, "{field} {value}");
        }
    }

    #[test]
    fn what_is_stopped_opens_its_breaker_and_nothing_else_does() {
        let account = || Some((Breaker::Account("77".to_owned()), 368));
        let template = |code| Some((Breaker::Template("promo".to_owned()), code));
        let restricted = |kind: &str| json!({"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": kind}]});
        let banned = |state: &str| json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": state}});
        let changed = |event: &str| json!({"event": event, "message_template_name": "promo"});
        let quality =
            |now: &str| json!({"new_quality_score": now, "message_template_name": "promo"});
        for (value, wanted) in [
            (restricted("RESTRICTED_BIZ_INITIATED_MESSAGING"), account()),
            (restricted("RESTRICTED_ADD_PHONE_NUMBER_ACTION"), None),
            (banned("DISABLE"), account()),
            (banned("SCHEDULE_FOR_DISABLE"), account()),
            (banned("REINSTATE"), None),
            (json!({"event": "ACCOUNT_DELETED"}), account()),
            (json!({"event": "VERIFIED_ACCOUNT"}), None),
            (changed("PAUSED"), template(132_015)),
            (changed("DISABLED"), template(132_016)),
            (changed("APPROVED"), None),
            (quality("RED"), template(132_015)),
            (quality("YELLOW"), None),
        ] {
            assert_eq!(opened(value.clone()), wanted, "{value}");
        }
    }
}
