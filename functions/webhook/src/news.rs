//! What WhatsApp tells of accounts and templates that must stop sending at once,
//! before the first request is refused.

use policy::breaker::Breaker;

use crate::updates::{Account, Kind, Template, Update};

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
