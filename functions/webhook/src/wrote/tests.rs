use std::collections::BTreeMap;

use policy::token::TokenKey;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::updates;

const NOW: &str = "2026-11-24T03:00:00Z";

fn told(message: Value) -> Option<WroteV1> {
    let key = || TokenKey::new(b"the token key of a test, 32 bytes").unwrap();
    let keys = Keys {
        token: key(),
        link: key(),
        keywords: BTreeMap::new(),
    };
    let body = json!({"entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "metadata": {"phone_number_id": "106540352242922"},
        "messages": [message],
    }}]}]});
    let updates = updates::parse(body.to_string().as_bytes()).unwrap();
    let tenant = TenantId::from_uuid(Uuid::nil());
    let (number, told) = wrote(tenant, &updates[0], &keys, NOW.parse().unwrap())?;
    assert_eq!(number, "106540352242922");
    Some(told)
}

fn text(words: &str, seconds_ago: i64) -> Value {
    let at = NOW.parse::<Timestamp>().unwrap().as_second() - seconds_ago;
    json!({
        "from": "6281211110001", "id": "wamid.A", "timestamp": at.to_string(),
        "type": "text", "text": {"body": words},
    })
}

#[test]
fn what_has_an_answer_is_told_without_the_words() {
    let asks = |words| told(text(words, 5)).unwrap().asks;
    let stop = |scope: &str| {
        let scopes = vec![scope.to_owned()];
        Some(AsksV1::Stop { scopes })
    };
    assert_eq!(asks("STOP"), stop("marketing"));
    assert_eq!(asks("tolong hapus semua data saya"), stop("*"));
    for help in ["HELP", "bantuan", "INFO"] {
        assert!(matches!(asks(help), Some(AsksV1::Help { .. })), "{help}");
    }
    for nothing in ["MULAI", "ok kak", "stop kontak 3 lubang ada?"] {
        assert_eq!(asks(nothing), None, "{nothing}");
    }
    // The same message is the same event.
    assert_eq!(asks("HELP"), asks("HELP"));
    let told = serde_json::to_string(&told(text("STOP", 5)).unwrap()).unwrap();
    assert!(
        !told.contains("8121111") && !told.contains("STOP"),
        "{told}"
    );
}

#[test]
fn an_old_message_or_no_message_opens_no_window() {
    assert!(told(text("halo", 24 * 3_600 - 1)).is_some());
    assert!(told(text("halo", 24 * 3_600)).is_none());
    // A clock that is a little ahead opens no longer window, one that is far
    // ahead none.
    let ahead = told(text("halo", -60)).unwrap();
    assert_eq!(ahead.at, NOW.parse::<Timestamp>().unwrap());
    assert!(told(text("halo", -3_600)).is_none());
    let mut timeless = text("halo", 0);
    timeless["timestamp"] = Value::Null;
    assert!(told(timeless).is_none());
    let mut reaction = text("", 0);
    reaction["type"] = json!("reaction");
    reaction["text"] = Value::Null;
    reaction["reaction"] = json!({"message_id": "wamid.B", "emoji": "👍"});
    assert!(told(reaction).is_none());
}

#[test]
fn who_shows_no_number_is_told_by_the_other_identity() {
    let mut hidden = text("STOP", 0);
    hidden["from"] = Value::Null;
    hidden["from_user_id"] = json!("ID.1349120865");
    let told = told(hidden).unwrap();
    assert!(told.alias);
    assert!(told.asks.is_some());
}
