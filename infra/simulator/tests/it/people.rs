//! What simulated people do.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use simulator::{Behaviour, EarlyStops, Preference, StopKind};

use crate::harness::{World, person, promo};

async fn with(change: impl FnOnce(&mut Behaviour)) -> World {
    World::with(|config| {
        config.behaviour.reads = 1.0;
        change(&mut config.behaviour);
    })
    .await
}

/// Messages a campaign and lets everything happen.
async fn campaign(world: &World, people: u32) {
    for n in 0..people {
        assert_eq!(world.code(&promo(n)).await, 0);
        world.clock.advance_ms(20);
    }
    world.simulator.drain().await;
}

/// The bodies of inbound messages, in order.
fn inbound(world: &World) -> Vec<Value> {
    let updates = world.webhook.updates().into_iter();
    let of_messages = updates.filter(|(_, list, _)| list == "messages");
    of_messages.map(|(_, _, update)| update).collect()
}

#[tokio::test]
async fn a_person_without_whatsapp_gets_nothing() {
    let world = with(|b| b.on_whatsapp = 0.0).await;
    campaign(&world, 1).await;
    assert_eq!(world.webhook.failures(), [131_026]);
    assert_eq!(world.webhook.statuses(), ["failed"]);
}

#[tokio::test]
async fn shares_hold_over_many_people() {
    let world = with(|b| {
        b.on_whatsapp = 0.8;
        b.reads = 0.5;
        b.fails_later = vec![(130_472, 0.1)];
    })
    .await;
    campaign(&world, 300).await;
    let report = world.simulator.report();
    let share = |n: u64, of: u64| n as f64 / of as f64;
    assert!((share(report.failed[&131_026], 300) - 0.2).abs() < 0.06);
    assert!((share(report.failed[&130_472], 240) - 0.1).abs() < 0.06);
    assert!((share(report.statuses["read"], report.statuses["delivered"]) - 0.5).abs() < 0.1);
    assert_eq!(report.unique_recipients, 300);
    assert_eq!(report.duplicate_recipients, 0);
}

#[tokio::test]
async fn people_say_stop_in_many_words() {
    let world = with(|b| b.says_stop = 1.0).await;
    campaign(&world, 60).await;
    let words: BTreeSet<String> = inbound(&world)
        .iter()
        .map(|message| message["text"]["body"].as_str().unwrap().to_owned())
        .collect();
    assert!(words.len() > 10, "{words:?}");
    let opt_out = world.simulator.report().opt_out;
    assert_eq!(opt_out.stops_by_kind[&StopKind::Said], 60);
    assert_eq!(
        (opt_out.stops_before_message, opt_out.stops_after_message),
        (0, 60)
    );
    assert_eq!((opt_out.acknowledged, opt_out.never_posted), (60, 0));
}

#[tokio::test]
async fn the_stop_button_carries_the_payload_of_the_request() {
    let world = with(|b| b.presses_stop = 1.0).await;
    let (_, answer) = world.send(&promo(1)).await;
    world.simulator.drain().await;
    let messages = inbound(&world);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["type"], "button");
    assert_eq!(messages[0]["button"]["payload"], "OPTOUT:cmp_a");
    assert_eq!(messages[0]["button"]["text"], "Berhenti promo");
    assert_eq!(messages[0]["context"]["id"], answer["messages"][0]["id"]);
    assert_eq!(messages[0]["from"], "628110000001");
    assert!(messages[0]["timestamp"].is_string());
}

#[tokio::test]
async fn the_switch_for_marketing_holds() {
    let world = with(|b| b.switches_marketing_off = 1.0).await;
    campaign(&world, 1).await;
    let preference = world.webhook.updates().pop().unwrap();
    assert_eq!(
        (preference.0.as_str(), preference.1.as_str()),
        ("user_preferences", "user_preferences")
    );
    assert_eq!(preference.2["value"], "stop");
    assert_eq!(preference.2["category"], "marketing_messages");
    assert!(preference.2["timestamp"].is_i64());
    campaign(&world, 1).await;
    assert_eq!(world.webhook.failures(), [131_050]);
    world
        .simulator
        .person_prefers(&person(0), Preference::Resume);
    campaign(&world, 1).await;
    assert_eq!(world.webhook.failures(), [131_050]);
}

#[tokio::test]
async fn who_blocks_gets_no_more() {
    let world = with(|b| b.reads = 0.0).await;
    campaign(&world, 1).await;
    world.simulator.person_blocks(&person(0));
    campaign(&world, 1).await;
    assert_eq!(world.webhook.statuses(), ["sent", "delivered", "sent"]);
}

#[tokio::test]
async fn a_message_may_be_delivered_and_failed() {
    let world = with(|b| {
        b.reads = 0.0;
        b.contradicted = 1.0;
    })
    .await;
    campaign(&world, 1).await;
    assert_eq!(world.webhook.statuses(), ["sent", "delivered", "failed"]);
}

#[tokio::test]
async fn who_moves_to_another_number_is_followed() {
    let world = with(|b| b.has_user_id = 1.0).await;
    world.simulator.person_prefers(&person(1), Preference::Stop);
    let inbox = world.simulator.inbox(crate::harness::NUMBER).unwrap();
    inbox.changes_number(&person(1), &person(2));
    world.simulator.deliver_due().await;
    let (_, _, told) = world.webhook.updates().pop().unwrap();
    assert_eq!(told["type"], "system");
    assert_eq!(told["system"]["type"], "user_changed_number");
    assert_eq!(
        (&told["from"], &told["system"]["wa_id"]),
        (&"628110000001".into(), &"628110000002".into())
    );
    let last: Value = serde_json::from_slice(&world.webhook.posted().pop().unwrap().body).unwrap();
    assert!(
        last["entry"][0]["changes"][0]["value"]
            .get("contacts")
            .is_none()
    );
    for n in [1, 2] {
        assert_eq!(world.code(&promo(n)).await, 0);
        world.simulator.drain().await;
    }
    assert_eq!(world.webhook.failures(), [131_026, 131_050]);
    assert!(world.simulator.is_idle());
    assert!(world.simulator.inbox("1").is_none());
}

#[tokio::test]
async fn small_talk_is_no_stop() {
    let world = with(|b| b.chats = 1.0).await;
    campaign(&world, 60).await;
    let messages = inbound(&world);
    assert_eq!(messages.len(), 60);
    let kinds: BTreeSet<&str> = messages
        .iter()
        .map(|m| m["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["audio", "image", "reaction", "text", "unsupported"])
    );
    let opt_out = world.simulator.report().opt_out;
    assert!(opt_out.stops_by_kind.is_empty());
}

#[tokio::test]
async fn people_can_say_stop_before_any_message() {
    let world = with(|b| {
        b.early_stops = EarlyStops {
            fraction: 0.25,
            within: Duration::from_secs(4),
        };
    })
    .await;
    let people: Vec<_> = (0..200).map(person).collect();
    let planned = world.simulator.plan_early_stops(&people);
    assert!((25..=75).contains(&planned), "{planned} of 200");
    // The campaign never messages the second half.
    campaign(&world, 100).await;
    let opt_out = world.simulator.report().opt_out;
    let all = opt_out.stops_before_message + opt_out.stops_after_message;
    assert_eq!(all, planned as u64);
    assert!(opt_out.stops_before_message as usize >= planned / 3);
    assert!(opt_out.stops_after_message > 0);
}

#[tokio::test]
async fn what_people_say_by_hand_arrives_and_is_logged() {
    let world = World::new().await;
    world.simulator.person_says(&person(5), " berhenti ");
    world.simulator.person_says(&person(5), "Terima kasih");
    world
        .simulator
        .person_says_stop(&person(6), "udah ah, cukup");
    let delivered = world.simulator.deliver_due().await;
    assert_eq!(
        (delivered.posts, delivered.updates, delivered.failures),
        (3, 3, 0)
    );
    let said: Vec<Value> = inbound(&world)
        .into_iter()
        .map(|m| m["text"]["body"].clone())
        .collect();
    assert_eq!(said, [" berhenti ", "Terima kasih", "udah ah, cukup"]);
    let log = world.simulator.person_log(&person(5)).unwrap();
    assert_eq!(log.stops.len(), 1);
    assert!(log.stops[0].before_message);
    assert!(log.stops[0].acknowledged_at.is_some());
    assert_eq!(world.simulator.report().opt_out.stops_before_message, 2);
}

#[tokio::test]
async fn opt_out_latency_runs_from_the_post_to_the_last_template() {
    let world = World::new().await;
    world.simulator.person_says_stop(&person(1), "STOP");
    world.simulator.person_says_stop(&person(2), "STOP");
    world.simulator.deliver_due().await;
    world.clock.advance_ms(700);
    assert_eq!(world.code(&promo(1)).await, 0);
    // A confirmation is no campaign message.
    world.clock.advance_ms(700);
    assert_eq!(world.code(&crate::harness::text(2)).await, 0);
    let opt_out = world.simulator.report().opt_out;
    assert_eq!(opt_out.people_requested_after_post, 1);
    assert_eq!(opt_out.people_requested_after_acknowledgement, 1);
    assert!((opt_out.latency_max_ms - 700.0).abs() < 1e-9);
    assert_eq!(opt_out.latency_p50_ms, 0.0);
    assert_eq!(
        opt_out.slowest_person,
        Some(world.simulator.person_ref(&person(1)))
    );
}

#[tokio::test]
async fn a_person_who_hides_the_number_is_known_by_user_id() {
    let world = with(|b| {
        b.hides_number = 1.0;
        b.says_stop = 1.0;
    })
    .await;
    campaign(&world, 1).await;
    let updates = world.webhook.updates();
    let status = &updates
        .iter()
        .find(|(_, list, _)| list == "statuses")
        .unwrap()
        .2;
    assert_eq!(status["recipient_id"], "628110000000");
    let user_id = status["recipient_user_id"].as_str().unwrap();
    assert!(user_id.starts_with("ID."), "{user_id}");
    let message = &inbound(&world)[0];
    assert!(message.get("from").is_none());
    assert_eq!(message["from_user_id"], user_id);

    // Once known, the user id can be written to.
    let mut body = promo(0);
    body["to"] = Value::Null;
    body["recipient"] = user_id.into();
    let (status, answer) = world.send(&body).await;
    assert_eq!(status, 200);
    assert_eq!(answer["contacts"][0]["user_id"], user_id);
    assert!(answer["contacts"][0].get("wa_id").is_none());
}

#[tokio::test]
async fn a_second_template_in_one_campaign_is_a_duplicate() {
    let world = World::new().await;
    for n in [1, 2, 1] {
        assert_eq!(world.code(&promo(n)).await, 0);
    }
    let mut other = promo(2);
    other["biz_opaque_callback_data"] = "1.cmp_b.0.0.0.1".into();
    assert_eq!(world.code(&other).await, 0);
    let report = world.simulator.report();
    assert_eq!(report.unique_recipients, 2);
    assert_eq!(report.duplicate_recipients, 1);
    assert_eq!(report.campaigns["cmp_a"].accepted, 3);
    assert_eq!(report.campaigns["cmp_a"].duplicate_recipients, 1);
    assert_eq!(report.campaigns["cmp_b"].duplicate_recipients, 0);
}

#[tokio::test]
async fn a_report_holds_no_number() {
    let world = with(|b| b.says_stop = 1.0).await;
    campaign(&world, 3).await;
    // Leaves something on the way, in events and in the outbox.
    assert_eq!(world.code(&promo(1)).await, 0);
    world.simulator.person_says(&person(1), "Halo");
    assert!(!world.simulator.is_idle());
    let report = serde_json::to_string(&world.simulator.report()).unwrap();
    let log = world.simulator.person_log(&person(1)).unwrap();
    for text in [
        report,
        serde_json::to_string(&log).unwrap(),
        format!("{:?}", world.simulator),
    ] {
        assert!(!text.contains("811000000"), "{text}");
    }
}
