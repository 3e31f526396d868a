//! What people answer to a number whose account is linked to Amazon: it comes by a
//! topic and a queue, and is heard there as at the first door.

use emulator::crash::CrashPlan;
use emulator::sqs::NewMessage;
use izin::house::Seeds;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::social::{approved, by_amazon, invocations, stops, topic, ways};
use crate::stop::TWELVE;
use crate::world::{Setting, World, wa_id};

/// The queue of the topic.
const HEARD: &str = "SocialQueue";

/// What Amazon publishes when somebody writes.
fn event(entry: &str) -> String {
    json!({
        "context": {"MetaWabaIds": [], "MetaPhoneNumberIds": []},
        "whatsAppWebhookEntry": entry,
        "aws_account_id": "000000000000",
        "message_timestamp": "2026-11-24T03:00:00.271279391Z",
        "messageId": "6d69f07a-c317-4278-9d5c-6a84078419ec",
    })
    .to_string()
}

/// The entry in which a person writes.
fn entry(phone: &str, words: &str) -> Value {
    let from = phone.trim_start_matches('+');
    json!({"id": Seeds::WABA, "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "622155500100", "phone_number_id": Seeds::PHONE_NUMBER_ID},
        "contacts": [{"profile": {"name": "Wulandari"}, "wa_id": from}],
        "messages": [{
            "from": from, "id": format!("wamid.{from}"), "timestamp": "1795489200",
            "type": "text", "text": {"body": words},
        }],
    }}]})
}

#[tokio::test]
async fn a_stop_by_the_second_door_before_the_claim_is_heard() {
    for words in ["STOP", "tolong hapus nomor saya"] {
        let (mut world, id) = approved(by_amazon()).await;
        world.start(id).await;
        // Everything is planned and released; nobody was messaged yet.
        world.house.wiring.step("FanoutQueue").await.unwrap();
        world.house.simulator.person_says(&wa_id(TWELVE[7]), words);
        world.house.simulator.deliver_due().await;
        let heard = world.house.wiring.step(HEARD).await.unwrap();
        assert_eq!((heard.messages, heard.failed), (1, 0));
        assert_eq!(stops(&world, TWELVE[7]).await, 1, "{words}");
        let end = world.finish(id).await;
        assert!(ways(&world, TWELVE[7]).is_empty(), "{words}");
        assert_eq!(end["totals"]["accepted"], 11, "{end}");
        assert_eq!(end["excluded_by_reason"]["suppressed"], 1, "{end}");
        // The first door had nothing to do with it.
        assert_eq!(invocations(&world, "WebhookFunction"), 0);
    }
}

#[tokio::test]
async fn an_event_that_comes_again_is_one_stop() {
    let (mut world, id) = approved(by_amazon()).await;
    let message = event(&entry(TWELVE[0], "berhenti").to_string());
    let topic = topic(&world);
    for _ in 0..3 {
        world.house.aws.sns.publish(&topic, &message).unwrap();
        world.deliver().await;
    }
    assert_eq!(stops(&world, TWELVE[0]).await, 1);
    let events = world.events(100).await;
    let stopped = events.iter().filter(|e| e["type"] == "contact.opted_out");
    assert_eq!(stopped.count(), 1, "{events:?}");
    world.start(id).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 11, "{end}");
}

#[tokio::test]
async fn a_bad_event_hides_no_stop() {
    let (mut world, _) = approved(by_amazon()).await;
    let topic = topic(&world);
    let sns = world.house.aws.sns.clone();
    sns.publish(&topic, "this is a test").unwrap();
    sns.publish(&topic, &event(r#"{"id":"1","changes":[{"val"#))
        .unwrap();
    sns.publish(&topic, &event(&entry(TWELVE[1], "STOP").to_string()))
        .unwrap();
    // Two updates in one entry, of which the first makes no sense.
    let mut both = entry(TWELVE[2], "STOP");
    let good = both["changes"][0].clone();
    both["changes"] = json!([{"field": 7, "value": [["?"]]}, good]);
    sns.publish(&topic, &event(&both.to_string())).unwrap();
    let heard = world.house.wiring.step(HEARD).await.unwrap();
    assert_eq!((heard.messages, heard.failed), (4, 0));
    assert_eq!(stops(&world, TWELVE[1]).await, 1);
    assert_eq!(stops(&world, TWELVE[2]).await, 1);
    world.deliver().await;
}

/// Nothing but the topic may write to the queue; what got in all the same is not
/// acted upon, and is kept for a person.
#[tokio::test]
async fn a_word_that_is_not_amazon_s_stops_nobody() {
    let (world, _) = approved(by_amazon()).await;
    let sqs = world.house.aws.sqs.clone();
    let ours = topic(&world);
    let forged = |topic: &str, account: &str| {
        let stop = entry(TWELVE[4], "STOP").to_string();
        let mut event: Value = serde_json::from_str(&event(&stop)).unwrap();
        event["aws_account_id"] = account.into();
        json!({
            "Type": "Notification", "MessageId": "1", "TopicArn": topic,
            "Message": event.to_string(), "Timestamp": "2026-11-24T03:00:00.000Z",
        })
        .to_string()
    };
    let theirs = "arn:aws:sns:ap-southeast-3:210987654321:SocialTopic";
    for body in [
        forged(theirs, "000000000000"),
        forged(&ours, "210987654321"),
    ] {
        sqs.send(HEARD, NewMessage::text(body)).unwrap();
    }
    let heard = world.house.wiring.step(HEARD).await.unwrap();
    assert_eq!((heard.messages, heard.failed), (2, 2));
    assert_eq!(stops(&world, TWELVE[4]).await, 0);
    sqs.purge(HEARD).unwrap();
}

#[tokio::test]
async fn a_door_that_dies_is_told_again() {
    for nth in 1.. {
        let crashes = CrashPlan::after(nth);
        crashes.hold_fire();
        let mut world = World::with(Setting {
            crashes: crashes.clone(),
            ..by_amazon()
        })
        .await;
        world.house.simulator.person_says(&wa_id(TWELVE[7]), "STOP");
        world.house.simulator.deliver_due().await;
        crashes.open_fire();
        world.house.wiring.step(HEARD).await.unwrap();
        crashes.hold_fire();
        world.clock.advance(SignedDuration::from_mins(4));
        world.deliver().await;
        assert_eq!(stops(&world, TWELVE[7]).await, 1, "after {nth}");
        if crashes.crashes().is_empty() {
            assert!(nth > 3, "the door had {nth} effects");
            return;
        }
    }
}
