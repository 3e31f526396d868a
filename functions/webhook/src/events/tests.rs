use std::collections::BTreeMap;

use policy::token::TokenKey;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::names::Keys;
use crate::updates;

const HERE: Kept<'_> = Kept {
    object: "inbound/ten/2025-11-24/ab.json",
    place: 2,
};

fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(1))
}

fn now() -> Timestamp {
    "2025-11-24T16:00:10Z".parse().unwrap()
}

fn update(field: &str, value: Value) -> Update {
    let change = json!({"field": field, "value": value});
    let body = json!({"entry": [{"id": "77", "time": 1_764_000_000, "changes": [change]}]});
    let mut updates = updates::parse(body.to_string().as_bytes()).unwrap();
    assert_eq!(updates.len(), 1);
    updates.remove(0)
}

fn said(message: Value) -> Update {
    let mut whole = json!({
        "from": "6281234567890", "id": "wamid.1", "timestamp": "1764000000",
        "type": "text",
    });
    for (name, value) in message.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let metadata = json!({"phone_number_id": "106540352242922"});
    update(
        "messages",
        json!({"metadata": metadata, "messages": [whole]}),
    )
}

fn person(update: &Update) -> Option<EventV1> {
    let keys = Keys {
        token: TokenKey::new(&[7; 32]).unwrap(),
        link: TokenKey::new(&[9; 32]).unwrap(),
        keywords: BTreeMap::new(),
    };
    let name = Name::of(tenant(), update.person()?, &keys);
    of_person(tenant(), update, &name, &[], Some(HERE), now())
}

fn business(field: &str, value: Value) -> Option<Value> {
    let event = of_business(tenant(), &update(field, value), now())?;
    Some(serde_json::to_value(event.what).unwrap())
}

#[test]
fn what_a_person_does_is_one_kind_of_event_or_none() {
    for (message, wanted) in [
        (json!({"text": {"body": "STOP"}}), "contact.opted_out"),
        (json!({"text": {"body": "MULAI"}}), "contact.resumed"),
        (
            json!({"text": {"body": "berapa harganya?"}}),
            "message.received",
        ),
        (
            json!({"type": "image", "image": {"id": "1"}}),
            "message.received",
        ),
        (
            json!({"type": "reaction", "reaction": {"message_id": "w", "emoji": "👍"}}),
            "message.received",
        ),
    ] {
        let event = person(&said(message.clone())).unwrap();
        assert_eq!(event.what.kind().code(), wanted, "{message}");
        assert!(event.contact().is_some(), "{message}");
    }
    // A stop among what was said long ago is one; the rest is not news.
    let status = json!({"statuses": [{
        "id": "w", "status": "delivered", "recipient_id": "6281234567890",
    }]});
    assert_eq!(person(&update("messages", status)), None);
}

#[test]
fn a_message_points_to_its_words_and_holds_none() {
    let event = person(&said(json!({"text": {"body": "Wulandari tanya harga"}}))).unwrap();
    let json = serde_json::to_string(&event).unwrap();
    assert!(
        !json.contains("Wulandari") && !json.contains("81234567890"),
        "{json}"
    );
    let WhatV1::MessageReceived {
        has_text,
        object,
        place,
        number,
        ..
    } = event.what
    else {
        panic!("not a message");
    };
    assert!(has_text);
    assert_eq!((object.as_str(), place), (HERE.object, HERE.place));
    assert_eq!(number, "106540352242922");
}

#[test]
fn a_repetition_is_the_same_event_and_another_message_is_not() {
    let ask = |id: &str| {
        person(&said(json!({"id": id, "text": {"body": "halo"}})))
            .unwrap()
            .id
    };
    assert_eq!(ask("wamid.1"), ask("wamid.1"));
    assert_ne!(ask("wamid.1"), ask("wamid.2"));
}

#[test]
fn somebody_known_by_an_id_alone_has_a_lasting_name() {
    let message = json!({"from": null, "from_user_id": "ID.13491", "text": {"body": "halo"}});
    let event = person(&said(message)).unwrap();
    let who = event.what.who().unwrap();
    assert!(who.contact.is_none() && who.identity.is_some());
}

#[test]
fn accounts_numbers_and_templates_are_told_of_by_metas_words() {
    let paused = json!({
        "event": "PAUSED", "message_template_id": 1, "message_template_name": "promo",
        "message_template_language": "id",
    });
    assert_eq!(
        business("message_template_status_update", paused),
        Some(
            json!({"kind": "template.changed", "name": "promo", "language": "id", "event": "paused"})
        )
    );
    let upgrade = json!({
        "display_phone_number": "622155500100", "event": "UPGRADE",
        "max_daily_conversations_per_business": "TIER_10K",
    });
    let told = business("phone_number_quality_update", upgrade).unwrap();
    assert!(!told.to_string().contains("622155500100"), "{told}");
    assert_eq!(
        told,
        json!({"kind": "number.changed", "account": "77", "event": "upgrade", "limit": "TIER_10K"})
    );
    let banned = json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}});
    assert_eq!(
        business("account_update", banned),
        Some(json!({
            "kind": "account.changed", "account": "77", "event": "disabled_update",
            "details": ["disable"],
        }))
    );
    // What is no word of Meta's is not passed on.
    let odd = json!({"event": "call me at 0812 3456 7890", "message_template_name": "promo"});
    let told = business("message_template_status_update", odd).unwrap();
    assert_eq!(told["event"], "other");
}
