//! What Meta tells is heard: every stop before the answer, every status once,
//! under whatever name a person goes.

use http::StatusCode;
use izin::inbound::Stand;
use izin::inbound::load::{self, Sent};
use policy::person::Person;
use policy::receipt::{Status, StatusSets};
use serde_json::{Value, json};

/// A stand with the blocks of 100 messages.
pub(crate) async fn stand() -> Stand {
    let stand = Stand::build(|inner| inner, true).await.unwrap();
    stand.plan(100).await.unwrap();
    stand
}

pub(crate) async fn person(stand: &Stand, sent: Sent) -> Person {
    let token = stand.token(sent).unwrap();
    stand.contacts.person(stand.tenant, token).await.unwrap()
}

pub(crate) async fn is_stopped(stand: &Stand, sent: Sent) -> bool {
    !person(stand, sent).await.suppressions.is_empty()
}

/// Posts a body and lets everything that follows from it happen.
pub(crate) async fn tell(stand: &Stand, statuses: &[Value], messages: &[Value]) {
    let status = stand.post(load::body(statuses, messages)).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    stand.settle().await.unwrap();
}

/// A text under a business-scoped id alone.
fn text_of_id(sent: Sent, words: &str) -> Value {
    let mut text = load::text(sent, words);
    text["from"] = Value::Null;
    text["from_user_id"] = sent.user_id().into();
    text
}

/// A status that shows the business-scoped id alone.
fn status_of_id(stand: &Stand, sent: Sent, word: &str) -> Value {
    let mut status = load::status(stand.campaign, sent, word);
    status["recipient_id"] = "".into();
    status["recipient_user_id"] = sent.user_id().into();
    status
}

/// WhatsApp's notice that somebody has a new number.
fn new_number(before: Sent, now: Sent) -> Value {
    json!({
        "from": before.wa_id(),
        "id": format!("wamid.MOVE{:08X}", before.0),
        "timestamp": "1764000500",
        "type": "system",
        "system": {"type": "user_changed_number", "wa_id": now.wa_id(), "body": "changed"},
    })
}

/// WhatsApp's notice that somebody has a new id.
fn new_id(before: &str, now: &str) -> Value {
    json!({
        "from_user_id": before,
        "id": "wamid.MOVEID",
        "timestamp": "1764000500",
        "type": "system",
        "system": {
            "type": "user_changed_user_id", "user_id": now,
            "previous_user_id": before, "body": "changed",
        },
    })
}

#[tokio::test]
async fn a_stop_among_999_that_cannot_be_read_is_in_force_after_the_200() {
    let stand = stand().await;
    let odd = [
        json!(null),
        json!(7),
        json!("?"),
        json!([]),
        json!({"from": {"deep": 1}, "type": 9, "text": []}),
        json!({"type": "hologram", "hologram": {}}),
    ];
    let mut messages: Vec<Value> = odd.iter().cycle().take(999).cloned().collect();
    messages.insert(612, load::text(Sent(3), "tolong jangan kirim lagi"));
    let status = stand.post(load::body(&[], &messages)).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(is_stopped(&stand, Sent(3)).await);
    stand.settle().await.unwrap();
}

#[tokio::test]
async fn without_the_stop_there_is_no_200() {
    let stand = stand().await;
    let statuses: Vec<Value> = (0..99)
        .map(|n| load::status(stand.campaign, Sent(n), "sent"))
        .collect();
    let body = load::body(&statuses, &[load::text(Sent(99), "STOP")]);
    for service in ["dynamodb", "secretsmanager"] {
        // A new environment remembers neither numbers nor keys.
        let stand = self::stand().await;
        stand.outage.begin(service);
        let status = stand.post(body.clone()).await.unwrap();
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{service}");
        stand.outage.end();
        assert!(!is_stopped(&stand, Sent(99)).await, "{service}");
        assert_eq!(stand.post(body.clone()).await.unwrap(), StatusCode::OK);
        assert!(is_stopped(&stand, Sent(99)).await, "{service}");
        stand.settle().await.unwrap();
    }
}

#[tokio::test]
async fn a_stop_is_in_force_even_while_all_else_fails() {
    let stand = stand().await;
    let statuses: Vec<Value> = (0..99)
        .map(|n| load::status(stand.campaign, Sent(n), "sent"))
        .collect();
    let body = load::body(&statuses, &[load::text(Sent(99), "STOP")]);
    for service in ["sqs", "s3"] {
        let stand = self::stand().await;
        stand.outage.begin(service);
        let status = stand.post(body.clone()).await.unwrap();
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{service}");
        assert!(is_stopped(&stand, Sent(99)).await, "{service}");
        stand.outage.end();
        assert_eq!(stand.post(body.clone()).await.unwrap(), StatusCode::OK);
        stand.settle().await.unwrap();
        let ledger = stand.campaigns.ledger(stand.tenant, stand.campaign).await;
        assert_eq!(ledger.unwrap()[&0].statuses[&1].sent.len(), 99, "{service}");
    }
}

/// Every order of four things.
fn orders() -> Vec<[usize; 4]> {
    let mut orders = Vec::new();
    for n in 0..256_usize {
        let order = [n % 4, n / 4 % 4, n / 16 % 4, n / 64];
        if (0..4).all(|wanted| order.contains(&wanted)) {
            orders.push(order);
        }
    }
    orders
}

#[tokio::test]
async fn every_order_and_repetition_of_a_message_s_statuses_ends_in_one_state() {
    let stand = stand().await;
    let orders = orders();
    assert_eq!(orders.len(), 24);
    for (n, order) in (0..).zip(&orders) {
        for (turn, at) in order.iter().enumerate() {
            let word = Status::ALL[*at].code();
            let status = load::status(stand.campaign, Sent(n), word);
            // Some come twice in a body, some in two bodies.
            let twice = vec![status; 1 + (turn + at) % 2];
            tell(&stand, &twice, &[]).await;
            if turn % 2 == 1 {
                tell(&stand, &twice, &[]).await;
            }
        }
    }
    let ledger = stand.campaigns.ledger(stand.tenant, stand.campaign).await;
    let mut wanted = StatusSets::default();
    for index in 0..24 {
        for status in Status::ALL {
            wanted.apply(index, status);
        }
    }
    assert_eq!(ledger.unwrap()[&0].statuses[&1], wanted);
}

#[tokio::test]
async fn a_stop_under_an_id_reaches_the_person_in_either_order() {
    let stand = stand().await;
    // The stop first: it waits until the ledger tells whose the id is.
    tell(&stand, &[], &[text_of_id(Sent(1), "STOP")]).await;
    assert!(!is_stopped(&stand, Sent(1)).await, "nobody knows who it is");
    tell(&stand, &[status_of_id(&stand, Sent(1), "delivered")], &[]).await;
    assert!(is_stopped(&stand, Sent(1)).await);
    // The status first.
    tell(&stand, &[status_of_id(&stand, Sent(2), "sent")], &[]).await;
    let body = load::body(&[], &[text_of_id(Sent(2), "STOP")]);
    assert_eq!(stand.post(body).await.unwrap(), StatusCode::OK);
    assert!(is_stopped(&stand, Sent(2)).await, "before the 200");
    stand.settle().await.unwrap();
    // Small talk that shows both names links them too.
    let mut talk = load::text(Sent(4), "oke kak");
    talk["from_user_id"] = Sent(4).user_id().into();
    tell(&stand, &[], &[talk]).await;
    tell(&stand, &[], &[text_of_id(Sent(4), "berhenti")]).await;
    assert!(is_stopped(&stand, Sent(4)).await);
    assert!(!is_stopped(&stand, Sent(5)).await, "and nobody else");
}

#[tokio::test]
async fn a_new_number_or_id_takes_stops_along_in_either_order() {
    let stand = stand().await;
    let stop = |sent: Sent| load::text(sent, "STOP");
    // The stop, then the change.
    tell(&stand, &[], &[stop(Sent(1))]).await;
    tell(&stand, &[], &[new_number(Sent(1), Sent(2))]).await;
    assert!(is_stopped(&stand, Sent(2)).await);
    // The change, then a stop that was long under way.
    tell(&stand, &[], &[new_number(Sent(3), Sent(4))]).await;
    assert!(!is_stopped(&stand, Sent(4)).await);
    tell(&stand, &[], &[stop(Sent(3))]).await;
    assert!(is_stopped(&stand, Sent(4)).await);
    // Back and forth comes to an end.
    tell(&stand, &[], &[new_number(Sent(4), Sent(3))]).await;
    tell(&stand, &[], &[new_number(Sent(3), Sent(4)), stop(Sent(4))]).await;
    assert!(is_stopped(&stand, Sent(3)).await);
    // An id after an id, and the number at the end.
    let (old, new) = (Sent(7).user_id(), Sent(8).user_id());
    tell(&stand, &[], &[text_of_id(Sent(7), "STOP")]).await;
    tell(&stand, &[], &[new_id(&old, &new)]).await;
    tell(&stand, &[status_of_id(&stand, Sent(8), "sent")], &[]).await;
    assert!(is_stopped(&stand, Sent(8)).await);
}

#[tokio::test]
async fn the_person_s_own_later_act_lifts_a_stop_and_nothing_else_does() {
    let stand = stand().await;
    let say = |sent: Sent, words: &str, at: i64, id: &str| {
        let mut text = load::text(sent, words);
        text["timestamp"] = at.to_string().into();
        text["id"] = id.into();
        text
    };
    tell(&stand, &[], &[say(Sent(1), "STOP", 1_764_000_100, "w1")]).await;
    // Said before the stop, heard after it.
    tell(&stand, &[], &[say(Sent(1), "MULAI", 1_764_000_050, "w2")]).await;
    assert!(is_stopped(&stand, Sent(1)).await);
    // WhatsApp's own control ends WhatsApp's own stop only.
    let control = |value: &str, at: i64| {
        json!({"entry": [{"id": load::WABA, "changes": [{"field": "user_preferences", "value": {
            "metadata": {"phone_number_id": load::NUMBER},
            "user_preferences": [{"wa_id": Sent(1).wa_id(), "category": "marketing_messages",
                                  "value": value, "timestamp": at}],
        }}]}]})
        .to_string()
        .into_bytes()
    };
    let resumed = stand.post(control("resume", 1_764_000_150)).await.unwrap();
    assert_eq!(resumed, StatusCode::OK);
    assert!(is_stopped(&stand, Sent(1)).await);
    tell(&stand, &[], &[say(Sent(1), "MULAI", 1_764_000_200, "w3")]).await;
    assert!(!is_stopped(&stand, Sent(1)).await);
    // Meta repeats the old stop: it is the one that was lifted.
    tell(&stand, &[], &[say(Sent(1), "STOP", 1_764_000_100, "w1")]).await;
    assert!(!is_stopped(&stand, Sent(1)).await);
    // A new stop, and Meta repeats the old resume.
    tell(&stand, &[], &[say(Sent(1), "STOP", 1_764_000_300, "w4")]).await;
    tell(&stand, &[], &[say(Sent(1), "MULAI", 1_764_000_200, "w3")]).await;
    assert!(is_stopped(&stand, Sent(1)).await);
    // WhatsApp's control, both ways.
    for (value, at, stopped) in [
        ("stop", 1_764_000_400, true),
        ("resume", 1_764_000_500, true),
    ] {
        assert_eq!(
            stand.post(control(value, at)).await.unwrap(),
            StatusCode::OK
        );
        assert_eq!(is_stopped(&stand, Sent(1)).await, stopped, "{value}");
    }
    stand.settle().await.unwrap();
}

#[tokio::test]
async fn erasure_and_stop_all_reach_every_purpose() {
    let stand = stand().await;
    for (sent, words, scope) in [
        (Sent(1), "STOP", "marketing"),
        (Sent(2), "stop semua", "*"),
        (Sent(3), "tolong hapus semua data saya", "*"),
    ] {
        tell(&stand, &[], &[load::text(sent, words)]).await;
        let person = person(&stand, sent).await;
        let scopes: Vec<_> = person.suppressions.keys().map(|s| s.code()).collect();
        assert_eq!(scopes, [scope], "{words}");
    }
}

#[tokio::test]
async fn what_whatsapp_tells_of_an_account_or_a_template_opens_its_breaker() {
    let stand = stand().await;
    let news = |value: Value| {
        json!({"entry": [{"id": load::WABA, "time": 1_764_000_000, "changes": [
            {"field": "account_update", "value": value},
        ]}]})
        .to_string()
        .into_bytes()
    };
    let paused = json!({"event": "PAUSED", "message_template_name": "promo"});
    let banned = json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}});
    for value in [paused.clone(), banned, paused] {
        assert_eq!(stand.post(news(value)).await.unwrap(), StatusCode::OK);
        stand.settle().await.unwrap();
    }
    let breakers = stand.campaigns.breakers(stand.tenant).await.unwrap();
    let mut open: Vec<_> = breakers
        .iter()
        .filter(|state| state.is_open)
        .map(|state| {
            (
                state.breaker.scope(),
                state.breaker.id().unwrap(),
                state.code,
            )
        })
        .collect();
    open.sort_unstable();
    assert_eq!(
        open,
        [
            ("account", load::WABA, Some(368)),
            ("template", "promo", Some(132_015))
        ]
    );
}
