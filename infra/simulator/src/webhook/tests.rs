use serde_json::{Value, json};

use super::{Update, UpdateKind, envelope, signature};

/// Test case 2 of RFC 4231.
#[test]
fn the_signature_matches_a_published_vector() {
    assert_eq!(
        signature(b"Jefe", b"what do ya want for nothing?"),
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

fn update(waba: &str, kind: UpdateKind, number: &str, id: &str) -> Update {
    Update {
        key: id.to_owned(),
        kind,
        waba_id: waba.to_owned(),
        field: "messages".to_owned(),
        metadata: Some(json!({"phone_number_id": number})),
        contact: Some(json!({"wa_id": "1"})),
        body: json!({"id": id}),
        at_second: 0,
        stop: None,
    }
}

#[test]
fn updates_are_grouped_by_account_number_and_kind() {
    let updates = [
        update("w1", UpdateKind::Status, "n1", "a"),
        update("w2", UpdateKind::Status, "n3", "b"),
        update("w1", UpdateKind::Message, "n1", "c"),
        update("w1", UpdateKind::Status, "n1", "d"),
        update("w1", UpdateKind::Status, "n2", "e"),
    ];
    let body: Value = serde_json::from_slice(&envelope(&updates)).unwrap();
    let mut found = Vec::new();
    for entry in body["entry"].as_array().unwrap() {
        assert!(entry.get("time").is_none());
        for change in entry["changes"].as_array().unwrap() {
            let value = &change["value"];
            for list in ["statuses", "messages"] {
                for update in value[list].as_array().into_iter().flatten() {
                    let of = |v: &Value| v.as_str().unwrap().to_owned();
                    found.push(format!(
                        "{} {} {list} {}",
                        of(&entry["id"]),
                        of(&value["metadata"]["phone_number_id"]),
                        of(&update["id"])
                    ));
                }
            }
            assert_eq!(value["contacts"].as_array().unwrap().len(), 1);
        }
    }
    assert_eq!(
        found,
        [
            "w1 n1 statuses a",
            "w1 n1 statuses d",
            "w1 n1 messages c",
            "w1 n2 statuses e",
            "w2 n3 statuses b",
        ]
    );
}
