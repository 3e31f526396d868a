use serde_json::{Value, json};

use super::*;
use crate::updates;

fn kept(messages: &[Value], number: &str) -> Value {
    let value = json!({
        "metadata": {"phone_number_id": number},
        "messages": messages,
    });
    let body = json!({"entry": [{"id": "77", "changes": [{"field": "messages", "value": value}]}]});
    let updates = updates::parse(body.to_string().as_bytes()).unwrap();
    let now = "2026-11-24T03:00:00Z".parse().unwrap();
    serde_json::to_value(waiting(&updates, now)).unwrap()
}

fn text(from: &Value, body: &str) -> Value {
    json!({"from": from, "id": "wamid.1", "timestamp": "1763952000", "type": "text", "text": {"body": body}})
}

#[test]
fn stops_wait_with_who_said_them_and_nothing_else_waits() {
    let from = json!("6281234567890");
    let by_id = json!({"from_user_id": "ID.77", "id": "wamid.2", "timestamp": "1763952001", "type": "text", "text": {"body": "stop semua"}});
    let messages = [
        text(&from, "halo"),
        text(&from, "MULAI"),
        text(&from, "STOP"),
        by_id,
    ];
    insta::assert_json_snapshot!(kept(&messages, "999"), @r#"
    {
      "999": [
        {
          "came_at": "2026-11-24T03:00:00Z",
          "phone": "+6281234567890",
          "said_at": "2025-11-24T02:40:00Z",
          "scopes": [
            "marketing"
          ],
          "source": "keyword",
          "v": 1,
          "wamid": "wamid.1"
        },
        {
          "came_at": "2026-11-24T03:00:00Z",
          "identities": [
            "ID.77"
          ],
          "said_at": "2025-11-24T02:40:01Z",
          "scopes": [
            "*"
          ],
          "source": "keyword",
          "v": 1,
          "wamid": "wamid.2"
        }
      ]
    }
    "#);
}

#[test]
fn an_id_that_no_number_has_keeps_nothing() {
    let stop = text(&json!("6281234567890"), "STOP");
    for id in ["9#9", "../9", "", "９"] {
        assert_eq!(kept(std::slice::from_ref(&stop), id), json!({}), "{id}");
    }
}
