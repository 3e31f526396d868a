use policy::reply::Keyword;
use policy::token::TokenKey;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::updates;

fn keys() -> Keys {
    Keys {
        token: TokenKey::new(&[7; 32]).unwrap(),
        link: TokenKey::new(&[9; 32]).unwrap(),
        keywords: BTreeMap::new(),
    }
}

fn tenant(n: u128) -> TenantId {
    TenantId::from_uuid(uuid::Uuid::from_u128(n))
}

fn now() -> Timestamp {
    "2025-11-24T16:00:10Z".parse().unwrap()
}

/// The one update of a change.
fn update(value: Value) -> Update {
    let body = json!({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]});
    let mut updates = updates::parse(body.to_string().as_bytes()).unwrap();
    assert_eq!(updates.len(), 1);
    updates.remove(0)
}

fn text(wamid: &str, timestamp: Value, text: &str) -> Update {
    update(json!({"messages": [{
        "from": "6281234567890", "from_user_id": "ID.1", "id": wamid,
        "timestamp": timestamp, "type": "text", "text": {"body": text},
    }]}))
}

fn found(update: &Update) -> Vec<Stop> {
    stops(tenant(1), update, &keys(), now()).unwrap()
}

fn ids(stops: &[Stop]) -> Vec<EventId> {
    stops.iter().map(|stop| stop.event.id).collect()
}

#[test]
fn a_stop_has_the_persons_names_and_metas_time() {
    let stops = found(&text("wamid.1", json!("1764000000"), "STOP"));
    let [stop] = stops.as_slice() else {
        panic!("one stop, not {}", stops.len());
    };
    let phone = policy::phone::PhoneNumber::parse_e164("+6281234567890").unwrap();
    assert_eq!(
        stop.name.token,
        Some(keys().token.contact(tenant(1), &phone))
    );
    assert_eq!(stop.name.aliases, [keys().link.alias(tenant(1), "ID.1")]);
    assert_eq!(stop.event.scope, Scope::marketing());
    assert_eq!(stop.event.source, SuppressionSource::Keyword);
    assert_eq!(stop.event.at, Timestamp::from_second(1764000000).unwrap());
}

#[test]
fn the_same_arrival_is_the_same_event_and_another_is_another() {
    let once = || found(&text("wamid.1", json!("1764000000"), "STOP"));
    assert_eq!(ids(&once()), ids(&once()));
    let later = stops(
        tenant(1),
        &text("wamid.1", json!("1764000000"), "STOP"),
        &keys(),
        now() + SignedDuration::from_hours(24),
    );
    assert_eq!(ids(&later.unwrap()), ids(&once()), "whenever it comes");
    for other in [
        found(&text("wamid.2", json!("1764000000"), "STOP")),
        found(&text("wamid.1", json!("1764000001"), "STOP")),
        found(&text("wamid.1", json!("1764000000"), "stop semua")),
        stops(
            tenant(2),
            &text("wamid.1", json!("1764000000"), "STOP"),
            &keys(),
            now(),
        )
        .unwrap(),
    ] {
        assert_ne!(ids(&other), ids(&once()));
    }
}

#[test]
fn a_preference_is_known_by_person_and_time() {
    let preference = |wa_id: &str, at: i64| {
        found(&update(json!({"user_preferences": [
            {"wa_id": wa_id, "value": "stop", "category": "marketing_messages", "timestamp": at},
        ]})))
    };
    let first = preference("6281234567890", 1764000000);
    assert_eq!(first[0].event.source, SuppressionSource::UserPreferences);
    assert_eq!(ids(&preference("+6281234567890", 1764000000)), ids(&first));
    assert_ne!(ids(&preference("6281234567890", 1764000009)), ids(&first));
    assert_ne!(ids(&preference("6281234567891", 1764000000)), ids(&first));
}

#[test]
fn a_time_that_cannot_be_is_replaced_by_now() {
    for timestamp in [json!("1999999999"), json!("later"), Value::Null, json!(0)] {
        let stops = found(&text("wamid.1", timestamp.clone(), "STOP"));
        assert_eq!(stops[0].event.at, now(), "{timestamp}");
    }
}

#[test]
fn an_unknown_purpose_gives_two_stops_with_two_ids() {
    let stops = found(&update(json!({"messages": [{
        "from": "6281234567890", "id": "wamid.1", "timestamp": "1764000000", "type": "button",
        "button": {"payload": "OPTOUT:newsletter", "text": "Cukup"},
    }]})));
    let scopes: Vec<&str> = stops.iter().map(|stop| stop.event.scope.code()).collect();
    assert_eq!(scopes, ["newsletter", "marketing"]);
    assert_ne!(stops[0].event.id, stops[1].event.id);
    assert_eq!(stops[0].event.source, SuppressionSource::Button);
}

#[test]
fn without_a_name_it_is_said_so() {
    let nobody = update(json!({"messages": [{"id": "wamid.1", "text": {"body": "STOP"}}]}));
    assert_eq!(
        stops(tenant(1), &nobody, &keys(), now()).unwrap_err(),
        Unattributed
    );
    let only_id = update(json!({"messages": [
        {"id": "wamid.1", "from_user_id": "ID.1", "text": {"body": "STOP"}},
    ]}));
    let stops = found(&only_id);
    assert_eq!(stops[0].name.token, None);
    assert_eq!(
        stops[0].name.aliases,
        [keys().link.alias(tenant(1), "ID.1")]
    );
}

#[test]
fn nothing_but_a_stop_gives_stops() {
    for other in ["START", "ini siapa ya?", "Kak, ukuran 39 masih ada?", ""] {
        let update = text("wamid.1", json!("1764000000"), other);
        assert!(found(&update).is_empty(), "{other}");
    }
}

#[test]
fn a_tenant_s_own_word_stops_too_and_may_not_stop() {
    let keyword = |text, label| Keyword::parse(text, label).unwrap();
    let mut keys = keys();
    let own = vec![
        keyword("cukup ah", Label::Optout),
        keyword("batal", Label::Other),
    ];
    keys.keywords.insert(tenant(1), own);
    for (words, wanted) in [("Cukup ah!", 1), ("BATAL", 0)] {
        let update = text("wamid.1", json!("1764000000"), words);
        let found = stops(tenant(1), &update, &keys, now()).unwrap();
        assert_eq!(found.len(), wanted, "{words}");
    }
}

proptest! {
    #[test]
    fn a_stop_is_found_exactly_where_one_is_asked_for(words in "\\PC{0,40}") {
        let update = text("wamid.1", json!("1764000000"), &words);
        let asked = asks(&update, &[]).is_some_and(|asks| !asks.scopes.is_empty());
        prop_assert_eq!(asked, !found(&update).is_empty());
    }
}
