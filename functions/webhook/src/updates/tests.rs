use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;

mod mutated;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The bodies of the fixtures, by name.
fn fixtures() -> &'static [(String, Vec<u8>)] {
    static READ: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
        let mut found = Vec::new();
        for file in std::fs::read_dir(folder()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
        found.sort();
        found
    });
    &READ
}

/// Says what a body means, as a person would write it: updates joined by `; `.
fn render(body: &[u8]) -> String {
    let described = describe(body);
    let Some(updates) = described["updates"].as_array() else {
        return format!("unreadable: {}", described["reason"].as_str().unwrap());
    };
    if updates.is_empty() {
        return "nothing".to_owned();
    }
    let lines: Vec<String> = updates.iter().map(render_update).collect();
    lines.join("; ")
}

fn render_update(update: &Value) -> String {
    let text = |name: &str| update.get(name).and_then(Value::as_str);
    let mut words = vec![update["kind"].as_str().unwrap().to_owned()];
    let details = [
        "content", "status", "change", "category", "event", "template", "quality", "limit", "name",
    ];
    words.extend(details.into_iter().filter_map(text).map(str::to_owned));
    if let Some(codes) = update.get("codes") {
        words.push(codes.to_string());
    }
    if update.get("ours") == Some(&json!(true)) {
        words.push("ours".to_owned());
    }
    if let Some(person) = update.get("person").filter(|person| !person.is_null()) {
        let who = match (&person["phone"], &person["bsuid"]) {
            (Value::Bool(true), Value::Bool(true)) => "by both",
            (Value::Bool(true), _) => "by phone",
            (_, Value::Bool(true)) => "by user id",
            _ if person["wa_id"] == json!(true) => "by wa_id",
            _ => "by nobody",
        };
        words.push(who.to_owned());
    }
    if let Some(asks) = text("asks").filter(|asks| *asks != "other") {
        words.push(format!("asks {asks}"));
    }
    if let Some(scopes) = update.get("scopes").and_then(Value::as_array) {
        words.extend(
            scopes
                .iter()
                .map(|scope| scope.as_str().unwrap().to_owned()),
        );
    }
    if let Some(reason) = text("ignored") {
        words.push(format!("({reason})"));
    }
    words.join(" ")
}

/// Every fixture means what `expected.txt` says, and every line there has a
/// fixture.
#[test]
fn bodies_mean_what_the_table_says() {
    let found: BTreeMap<String, String> = fixtures()
        .iter()
        .map(|(name, body)| (name.clone(), render(body)))
        .collect();
    let table = std::fs::read_to_string(folder().join("expected.txt")).unwrap();
    let expected: BTreeMap<String, String> = table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, outcome)| (name.to_owned(), outcome.to_owned()))
        .collect();
    let wrong: Vec<_> = found
        .iter()
        .filter(|(name, outcome)| expected.get(*name) != Some(*outcome))
        .collect();
    assert_eq!(wrong, Vec::new());
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    assert!(found.len() >= 320);
}

#[test]
fn what_is_told_about_a_body_holds_nothing_of_a_person() {
    for (_, bytes) in fixtures() {
        let mut told = describe(bytes).to_string();
        told.push_str(&format!("{:?}", parse(bytes)));
        for personal in ["62812", "1349120865", "Sari", "jangan", "kontak", "ukuran"] {
            assert!(!told.contains(personal), "{personal} in {told}");
        }
    }
}

#[test]
fn ids_and_times_come_from_where_they_lie() {
    let body = json!({"entry": [{"id": 77, "time": 1764000201, "changes": [{
        "field": "user_preferences",
        "value": {
            "metadata": {"phone_number_id": 106540352242922_u64},
            "user_preferences": [{"wa_id": "6281234567890", "value": "stop"}],
        },
    }]}]});
    let updates = parse(body.to_string().as_bytes()).unwrap();
    let [update] = updates.as_slice() else {
        panic!("one update, not {}", updates.len());
    };
    assert_eq!(update.phone_number_id.as_deref(), Some("106540352242922"));
    assert_eq!(update.waba.as_deref(), Some("77"));
    assert_eq!(
        update.at(),
        Timestamp::from_second(1764000201).ok(),
        "the entry's time"
    );
    assert_eq!(
        update.person().unwrap().phone().unwrap().expose(),
        "+6281234567890"
    );
}

/// Any JSON, made mostly of the names that the parser looks for.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "object",
        "entry",
        "id",
        "time",
        "changes",
        "field",
        "value",
        "metadata",
        "phone_number_id",
        "contacts",
        "wa_id",
        "user_id",
        "messages",
        "statuses",
        "user_preferences",
        "user_id_update",
        "errors",
        "code",
        "from",
        "from_user_id",
        "type",
        "text",
        "body",
        "button",
        "payload",
        "interactive",
        "button_reply",
        "title",
        "image",
        "caption",
        "reaction",
        "system",
        "edit",
        "message",
        "timestamp",
        "status",
        "biz_opaque_callback_data",
        "recipient_id",
        "recipient_type",
        "category",
        "event",
        "message_template_id",
        "ban_info",
        "novelty",
    ]);
    let words = prop::sample::select(vec![
        "",
        "STOP",
        "6281234567890",
        "text",
        "button",
        "edit",
        "system",
        "failed",
        "group",
        "stop",
        "1764000000",
        "131050",
        "smb_message_echoes",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A good message among anything else.
fn stop_message() -> Value {
    json!({"from": "6281234567890", "id": "wamid.GOOD", "timestamp": "1764000000",
           "type": "text", "text": {"body": "STOP"}})
}

fn finds_the_stop(body: &Value) -> bool {
    parse(body.to_string().as_bytes())
        .unwrap()
        .iter()
        .any(|update| {
            update.wamid() == Some("wamid.GOOD") && crate::asks::asks(update, &[]).is_some()
        })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        describe(&bytes);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}:,\"\\\\ud8c0-9a-f ]{0,80}") {
        describe(text.as_bytes());
    }

    #[test]
    fn no_json_makes_it_panic(json in any_json()) {
        describe(json.to_string().as_bytes());
        let body = json!({"entry": [{"changes": [{"field": "messages", "value": json}]}]});
        describe(body.to_string().as_bytes());
    }

    #[test]
    fn a_bad_neighbour_hides_nothing(bad in any_json(), place in 0_usize..3) {
        let value = |messages: Value| json!({"metadata": {"phone_number_id": "1"}, "messages": messages});
        let change = |value: Value| json!({"field": "messages", "value": value});
        let good = change(value(json!([stop_message()])));
        let body = match place {
            0 => json!({"entry": [bad, {"id": "1", "changes": [good]}]}),
            1 => json!({"entry": [{"id": "1", "changes": [bad, good]}]}),
            _ => json!({"entry": [{"id": "1", "changes": [change(value(json!([bad, stop_message()])))]}]}),
        };
        prop_assert!(finds_the_stop(&body));
    }

    #[test]
    fn every_element_of_a_list_becomes_an_update(
        elements in prop::collection::vec(any_json(), 1..8),
        list in prop::sample::select(vec!["messages", "statuses", "user_preferences"]),
    ) {
        let mut value = json!({"metadata": {"phone_number_id": "1"}});
        value[list] = Value::Array(elements.clone());
        let body = json!({"entry": [{"changes": [{"field": "messages", "value": value}]}]});
        prop_assert_eq!(parse(body.to_string().as_bytes()).unwrap().len(), elements.len());
    }
}
