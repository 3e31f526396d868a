use jiff::Timestamp;
use serde_json::Value;

use super::Outbox;
use crate::webhook::{Update, UpdateKind};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn update(key: &str) -> Update {
    Update {
        key: key.to_owned(),
        kind: UpdateKind::Status,
        waba_id: String::new(),
        field: "messages".to_owned(),
        metadata: None,
        contact: None,
        body: Value::Null,
        at_second: 0,
        stop: None,
    }
}

/// The keys of the POSTs due by `until`.
fn take_all(outbox: &mut Outbox, until: i64, most: usize) -> Vec<String> {
    std::iter::from_fn(|| outbox.take(at(until), most))
        .map(|post| {
            let keys: Vec<&str> = post.updates.iter().map(|u| u.key.as_str()).collect();
            keys.join(" ")
        })
        .collect()
}

#[test]
fn only_updates_of_one_time_that_wait_for_company_travel_together() {
    let mut outbox = Outbox::default();
    for (second, key, batched) in [
        (20, "later", true),
        (10, "a", true),
        (10, "b", true),
        (10, "alone", false),
        (10, "c", true),
    ] {
        outbox.push(at(second), update(key), batched);
    }
    assert_eq!(outbox.len(), 5);
    assert_eq!(outbox.next_due(), Some(at(10)));
    assert!(take_all(&mut outbox, 9, 9).is_empty());
    assert_eq!(take_all(&mut outbox, 20, 9), ["a b", "alone", "c", "later"]);
    assert_eq!(outbox.next_due(), None);
}

#[test]
fn a_post_holds_no_more_than_it_may() {
    let mut outbox = Outbox::default();
    for key in ["a", "b", "c", "d", "e"] {
        outbox.push(at(10), update(key), true);
    }
    assert_eq!(take_all(&mut outbox, 10, 2), ["a b", "c d", "e"]);
}

#[test]
fn a_repeated_post_keeps_its_updates() {
    let mut outbox = Outbox::default();
    outbox.push(at(10), update("a"), true);
    outbox.push(at(10), update("b"), true);
    let post = outbox.take(at(10), 9).unwrap();
    outbox.push(at(30), update("c"), true);
    outbox.push_again(at(30), post);
    assert_eq!(outbox.len(), 3);
    assert_eq!(take_all(&mut outbox, 30, 9), ["c", "a b"]);
}
