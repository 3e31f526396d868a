//! Single messages: once, ahead of campaigns, and under every law of theirs.

use http::StatusCode;
use izin::house::Seeds;
use policy::limits::TierBuckets;
use serde_json::{Value, json};

use crate::stop::csv;
use crate::world::{World, wa_id};

const SARI: &str = "+6281211110001";

pub(crate) fn message(list: &str, phone: &str) -> Value {
    json!({
        "list_id": list,
        "phone": phone,
        "sender": Seeds::PHONE_NUMBER_ID,
        "template": {"name": Seeds::TEMPLATE, "language": Seeds::LANGUAGE},
        "mapping": {"body.nama": "column:name"},
        "purpose": "marketing.promo",
    })
}

/// How many messages WhatsApp took for somebody.
pub(crate) fn accepted(world: &World, phone: &str) -> usize {
    let log = world.house.simulator.person_log(&wa_id(phone));
    log.map_or(0, |log| log.requests.iter().filter(|r| r.accepted).count())
}

#[tokio::test]
async fn a_single_message_arrives_once_and_is_accounted_for() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&[SARI])).await;
    let taken = world.post("/v1/messages", message(&list, SARI)).await;
    let id = taken["message_id"].as_str().unwrap().to_owned();
    world.until(&id, "completed").await;
    assert_eq!(accepted(&world, SARI), 1);
    let view = world.get(&format!("/v1/campaigns/{id}")).await;
    assert_eq!(view["conservation"]["holds"], true, "{view}");
    assert_eq!(view["totals"]["accepted"], 1, "{view}");
    // It is not one of the campaigns that an operator looks at.
    let campaigns = world.get("/v1/campaigns").await;
    assert!(!campaigns.to_string().contains(&id), "{campaigns}");

    // Another message to the same person is another message.
    world.post("/v1/messages", message(&list, SARI)).await;
    world.deliver().await;
    assert_eq!(accepted(&world, SARI), 2);
}

#[tokio::test]
async fn everything_twice_sends_one_message_once() {
    let mut world = World::with(crate::world::Setting {
        twice: true,
        ..crate::world::Setting::default()
    })
    .await;
    let (list, _) = world.import(&csv(&[SARI])).await;
    let taken = world.post("/v1/messages", message(&list, SARI)).await;
    let id = taken["message_id"].as_str().unwrap().to_owned();
    world.until(&id, "completed").await;
    assert_eq!(accepted(&world, SARI), 1);
}

#[tokio::test]
async fn a_stop_holds_for_single_messages_too() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&[SARI])).await;
    let stop = json!({"phone": SARI, "scope": "marketing"});
    world.post("/v1/optouts", stop).await;
    let taken = world.post("/v1/messages", message(&list, SARI)).await;
    let id = taken["message_id"].as_str().unwrap().to_owned();
    world.until(&id, "completed").await;
    assert_eq!(accepted(&world, SARI), 0);
    let view = world.get(&format!("/v1/campaigns/{id}")).await;
    assert_eq!(view["totals"]["excluded"], 1, "{view}");
    // Tools are told of the opt-out; of the message whoever sent it asks.
    let events = world.events(10).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["type"], "contact.opted_out");
}

#[tokio::test]
async fn a_link_that_nobody_approved_is_refused() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&[SARI])).await;
    let mut body = message(&list, SARI);
    body["mapping"]["body.nama"] = "text:Sari, klik http://bit.ly/hadiah".into();
    let (status, answer) = world.request("POST", "/v1/messages", body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert!(
        answer.to_string().contains("/mapping/body.nama"),
        "{answer}"
    );
}

#[tokio::test]
async fn behind_the_kill_switch_a_single_message_waits() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&[SARI])).await;
    world
        .post("/v1/kill-switch", json!({"by": "Ibu Rini"}))
        .await;
    let taken = world.post("/v1/messages", message(&list, SARI)).await;
    let id = taken["message_id"].as_str().unwrap().to_owned();
    world.live(10).await;
    assert_eq!(accepted(&world, SARI), 0);
    world
        .post("/v1/kill-switch/lift", json!({"by": "Pak Budi"}))
        .await;
    world.until(&id, "completed").await;
    assert_eq!(accepted(&world, SARI), 1);
}

#[tokio::test]
async fn a_full_day_lets_a_single_message_wait_for_room() {
    let mut world = World::with(crate::world::Setting {
        tier: simulator::Tier::Limited(50),
        ..crate::world::Setting::default()
    })
    .await;
    let (list, _) = world.import(&csv(&[SARI])).await;
    let tiers = world.house.tiers().unwrap();
    let now = world.now();
    let taken = tiers
        .reserve(Seeds::PORTFOLIO, now, &[None; 50])
        .await
        .unwrap();
    assert_eq!(taken.people(), 50);
    let taken = world.post("/v1/messages", message(&list, SARI)).await;
    let id = taken["message_id"].as_str().unwrap().to_owned();
    world.live(20).await;
    assert_eq!(accepted(&world, SARI), 0);
    let view = world.get(&format!("/v1/campaigns/{id}")).await;
    assert_eq!(view["totals"]["pending"], 1, "{view}");
    // Others did not need it after all.
    let places = [(TierBuckets::bucket(now), 50)].into();
    tiers
        .give_back(Seeds::PORTFOLIO, &places, now)
        .await
        .unwrap();
    world.clock.advance(jiff::SignedDuration::from_hours(24));
    world.until(&id, "completed").await;
    assert_eq!(accepted(&world, SARI), 1);
}
