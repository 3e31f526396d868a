use uuid::Uuid;

use super::*;

fn received(who: WhoV1) -> EventV1 {
    EventV1 {
        id: EventId::from_uuid(Uuid::from_u128(7)),
        at: "2026-11-24T03:00:00Z".parse().unwrap(),
        what: WhatV1::MessageReceived {
            who,
            number: "106540352242922".to_owned(),
            content: "text".to_owned(),
            has_text: true,
            asks_help: false,
            review: false,
            object: "inbound/ten/2026-11-24/ab.json".to_owned(),
            place: 3,
        },
    }
}

#[test]
fn tools_read_tokens_and_where_to_ask_and_nothing_of_where_it_lies() {
    let token = TokenText(ContactToken::from_bytes([0xab; 16]));
    let who = WhoV1 {
        contact: Some(token),
        identity: None,
    };
    let told = told(&received(who), Some("crm-17"));
    assert_eq!(
        told,
        json!({
            "id": "evt_00000000000000000000000000000007",
            "type": "message.received",
            "timestamp": "2026-11-24T03:00:00Z",
            "data": {
                "contact": "abababababababababababababababab",
                "external_id": "crm-17",
                "number_id": "106540352242922",
                "content": "text",
                "text_path": "/v1/events/evt_00000000000000000000000000000007/text",
                "asks_help": false,
                "review": false,
            },
        })
    );
}

#[test]
fn an_event_is_written_and_read_as_the_same() {
    let event = received(WhoV1::default());
    let json = serde_json::to_string(&event).unwrap();
    assert!(json.contains(r#""kind":"message.received""#), "{json}");
    assert_eq!(serde_json::from_str::<EventV1>(&json).unwrap(), event);
    let item: crate::table::Item = serde_dynamo::to_item(&event).unwrap();
    assert_eq!(serde_dynamo::from_item::<_, EventV1>(item).unwrap(), event);
}

#[test]
fn one_cause_is_one_event_and_parts_do_not_run_together() {
    let tenant = TenantId::from_uuid(Uuid::from_u128(1));
    let id = |kind, cause: &[&[u8]]| event_id(tenant, kind, cause);
    let first = id(EventKind::MessageReceived, &[b"ab", b"c"]);
    assert_eq!(first, id(EventKind::MessageReceived, &[b"ab", b"c"]));
    assert_ne!(first, id(EventKind::MessageReceived, &[b"a", b"bc"]));
    assert_ne!(first, id(EventKind::ContactResumed, &[b"ab", b"c"]));
}
