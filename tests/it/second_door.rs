//! What people answer to a number whose account is linked to Amazon: it comes by a
//! topic, is heard as at the first door, and what could not be heard is told again.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use emulator::client::{Layer, Operation, layered, plain};
use emulator::crash::CrashPlan;
use emulator::sqs::{NewMessage, Redrive, Settings};
use izin::house::Network;
use izin::house::Seeds;
use jiff::SignedDuration;
use platform::telemetry::Captured;
use serde_json::{Value, json};

use crate::privacy::tells;
use crate::social::{approved, by_amazon, invocations, stops, topic, ways};
use crate::stop::TWELVE;
use crate::world::{Setting, World, wa_id};

/// The function that hears the topic.
pub(crate) const DOOR: &str = "SocialFunction";

/// The queue of names of what it failed at.
const AGAIN: &str = "SocialQueue";

/// A service that answers the door with nothing but refusals while it lasts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<&'static str>>>);

impl Trouble {
    /// Begins at `dynamodb` or `s3`.
    pub(crate) fn begin(&self, service: &'static str) {
        *self.0.lock().unwrap() = Some(service);
    }

    pub(crate) fn end(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// What lies between the functions and AWS, with this before the door.
    pub(crate) fn network(&self) -> Network {
        let trouble = self.clone();
        Network::new(move |function| match function {
            DOOR => layered(trouble.clone(), plain()),
            _ => plain(),
        })
    }
}

impl Layer for Trouble {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let service = Operation::of(&request).service;
        if *self.0.lock().unwrap() != Some(service) {
            return next.call(request);
        }
        let (status, body) = if service == "s3" {
            let body = "<Error><Code>AccessDenied</Code><Message>no key</Message></Error>";
            (403_u16, body.to_owned())
        } else {
            let kind = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException";
            (400, json!({"__type": kind}).to_string())
        };
        let answer = HttpResponse::new(status.try_into().unwrap(), body.into());
        HttpConnectorFuture::ready(Ok(answer))
    }
}

/// The event in which Lambda hands over what `topic` published.
fn handed(topic: &str, message: &str) -> Value {
    json!({"Records": [{
        "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": topic,
        "Sns": {
            "Type": "Notification", "MessageId": "1", "TopicArn": topic, "Message": message,
            "Timestamp": "2026-11-24T03:00:00.000Z",
        },
    }]})
}

/// The record that Lambda writes of an event at which the door failed.
fn record(payload: &Value) -> Vec<u8> {
    let record = json!({
        "version": "1.0", "timestamp": "2026-11-24T03:03:00.000Z",
        "requestContext": {
            "requestId": "1", "condition": "RetriesExhausted", "approximateInvokeCount": 3,
            "functionArn": "arn:aws:lambda:ap-southeast-3:000000000000:function:SocialFunction:$LATEST",
        },
        "requestPayload": payload,
    });
    record.to_string().into_bytes()
}

/// The name of the `nth` record.
fn name(nth: usize) -> String {
    let time = "2026/11/24/2026-11-24T03.03.00";
    format!("aws/lambda/async/{DOOR}/{time}-00000000-0000-4000-8000-{nth:012}")
}

async fn write(world: &World, key: &str, bytes: Vec<u8>) {
    let put = world.house.clients.s3.put_object();
    let bucket = world.house.aws.bucket_name("SocialBucket").unwrap();
    let put = put.bucket(bucket).key(key).body(bytes.into());
    put.send().await.unwrap();
}

/// Takes everything away that a story leaves on purpose.
async fn clear(world: &World) {
    for queue in [AGAIN, "SocialDeadLetterQueue"] {
        world.house.aws.sqs.purge(queue).unwrap();
    }
    let bucket = world.house.aws.bucket_name("SocialBucket").unwrap();
    for key in world.unheard() {
        let delete = world.house.clients.s3.delete_object();
        delete.bucket(&bucket).key(key).send().await.unwrap();
    }
}

/// How many stops the tenant was told of.
async fn told(world: &mut World) -> usize {
    let events = world.events(100).await;
    let stopped = events.iter().filter(|e| e["type"] == "contact.opted_out");
    stopped.count()
}

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
        let heard = world.house.wiring.hear(DOOR).await.unwrap();
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
    assert_eq!(told(&mut world).await, 1);
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
    for _ in 0..4 {
        let heard = world.house.wiring.hear(DOOR).await.unwrap();
        assert_eq!((heard.messages, heard.failed), (1, 0));
    }
    assert_eq!(stops(&world, TWELVE[1]).await, 1);
    assert_eq!(stops(&world, TWELVE[2]).await, 1);
    world.deliver().await;
}

/// A stop is said while the store is down, for longer than Lambda tries.
#[tokio::test]
async fn a_stop_outlives_a_door_that_fails_three_times() {
    let trouble = Trouble::default();
    let (mut world, id) = approved(Setting {
        network: trouble.network(),
        ..by_amazon()
    })
    .await;
    trouble.begin("dynamodb");
    world.house.simulator.person_says(&wa_id(TWELVE[7]), "STOP");
    world.house.simulator.deliver_due().await;
    for minutes in [1, 2, 0] {
        assert!(world.unheard().is_empty());
        let heard = world.house.wiring.hear(DOOR).await.unwrap();
        assert_eq!((heard.messages, heard.failed), (1, 1));
        world.clock.advance(SignedDuration::from_mins(minutes));
    }
    assert_eq!(world.unheard().len(), 1);
    // It is told again, and the trouble lasts for a day.
    for _ in 0..24 {
        let heard = world.house.wiring.step(AGAIN).await.unwrap();
        assert_eq!((heard.messages, heard.failed), (1, 1));
        world.clock.advance(SignedDuration::from_hours(1));
    }
    assert_eq!(stops(&world, TWELVE[7]).await, 0);
    trouble.end();
    let heard = world.house.wiring.step(AGAIN).await.unwrap();
    assert_eq!((heard.messages, heard.failed), (1, 0));
    assert_eq!(stops(&world, TWELVE[7]).await, 1);
    assert!(world.unheard().is_empty());
    world.deliver().await;
    assert_eq!(told(&mut world).await, 1);
    world.start(id).await;
    let end = world.finish(id).await;
    assert!(ways(&world, TWELVE[7]).is_empty());
    assert_eq!(end["totals"]["accepted"], 11, "{end}");
}

/// Everything that waits for hours grows too old for Lambda, and is told again too.
#[tokio::test]
async fn a_stop_that_grew_too_old_for_lambda_is_heard() {
    let (mut world, _) = approved(by_amazon()).await;
    world.house.simulator.person_says(&wa_id(TWELVE[3]), "STOP");
    world.house.simulator.deliver_due().await;
    world.clock.advance(SignedDuration::from_hours(7));
    let before = invocations(&world, DOOR);
    world.house.wiring.hear(DOOR).await.unwrap();
    assert_eq!(invocations(&world, DOOR), before);
    assert_eq!(world.unheard().len(), 1);
    world.deliver().await;
    assert_eq!(stops(&world, TWELVE[3]).await, 1);
}

/// What may not be read, or cannot be decrypted, is not what was heard before.
#[tokio::test]
async fn a_record_that_cannot_be_read_is_not_forgotten() {
    let trouble = Trouble::default();
    let (mut world, _) = approved(Setting {
        network: trouble.network(),
        ..by_amazon()
    })
    .await;
    let stop = event(&entry(TWELVE[8], "STOP").to_string());
    write(&world, &name(0), record(&handed(&topic(&world), &stop))).await;
    trouble.begin("s3");
    let heard = world.house.wiring.step(AGAIN).await.unwrap();
    assert_eq!((heard.messages, heard.failed), (1, 1));
    trouble.end();
    world.clock.advance(SignedDuration::from_mins(4));
    world.deliver().await;
    assert_eq!(stops(&world, TWELVE[8]).await, 1);
    // The name comes once more, and there is nothing behind it.
    let named = json!({"Records": [{"s3": {"object": {"key": name(0)}}}]});
    let named = NewMessage::text(named.to_string());
    world.house.aws.sqs.send(AGAIN, named).unwrap();
    let heard = world.house.wiring.step(AGAIN).await.unwrap();
    assert_eq!((heard.messages, heard.failed), (1, 0));
}

/// Nothing but Lambda may write to the bucket, and nothing but the topic may invoke
/// the door; what got in all the same is not acted upon, and is kept for a person.
#[tokio::test]
async fn a_word_that_is_not_amazon_s_stops_nobody() {
    let (world, _) = approved(by_amazon()).await;
    let ours = topic(&world);
    let forged = |topic: &str, account: &str| {
        let stop = entry(TWELVE[4], "STOP").to_string();
        let mut event: Value = serde_json::from_str(&event(&stop)).unwrap();
        event["aws_account_id"] = account.into();
        handed(topic, &event.to_string())
    };
    let theirs = "arn:aws:sns:ap-southeast-3:210987654321:SocialTopic";
    let both = [
        forged(theirs, "000000000000"),
        forged(&ours, "210987654321"),
    ];
    for (nth, payload) in both.iter().enumerate() {
        write(&world, &name(nth), record(payload)).await;
        world.house.aws.invocations.accept(DOOR, payload.clone());
    }
    let heard = world.house.wiring.step(AGAIN).await.unwrap();
    assert_eq!((heard.messages, heard.failed), (2, 2));
    assert_eq!(world.unheard().len(), 2);
    for _ in 0..3 {
        for _ in 0..2 {
            let heard = world.house.wiring.hear(DOOR).await.unwrap();
            assert_eq!((heard.messages, heard.failed), (1, 1));
        }
        world.clock.advance(SignedDuration::from_mins(2));
    }
    assert_eq!(world.unheard().len(), 4);
    assert_eq!(stops(&world, TWELVE[4]).await, 0);
    clear(&world).await;
}

#[tokio::test]
async fn a_foreign_object_is_left_and_named() {
    let (world, _) = approved(by_amazon()).await;
    let sqs = &world.house.aws.sqs;
    let before = sqs.settings(AGAIN).unwrap();
    let redrive = before.redrive.clone().map(|redrive| Redrive {
        max_receives: 2,
        ..redrive
    });
    let soon = Settings { redrive, ..before };
    sqs.configure(AGAIN, soon).unwrap();
    let stop = handed(
        &topic(&world),
        &event(&entry(TWELVE[5], "STOP").to_string()),
    );
    let foreign = [
        // Named by a stranger, whatever it holds.
        ("aws/lambda/async/notes/a.json".to_owned(), record(&stop)),
        // No record, and a record of something else.
        (name(1), stop.to_string().into_bytes()),
        (
            name(2),
            record(&json!({"Records": [{"eventSource": "aws:s3"}]})),
        ),
    ];
    for (key, bytes) in &foreign {
        write(&world, key, bytes.clone()).await;
    }
    for failed in [3, 3, 0] {
        let heard = world.house.wiring.step(AGAIN).await.unwrap();
        assert_eq!(heard.failed, failed);
        world.clock.advance(SignedDuration::from_mins(4));
    }
    assert_eq!(stops(&world, TWELVE[5]).await, 0);
    assert_eq!(world.unheard().len(), 3);
    let dead = world.house.aws.sqs.peek("SocialDeadLetterQueue").unwrap();
    for (key, _) in &foreign {
        let named = dead.iter().filter(|(_, body)| body.contains(key.as_str()));
        assert_eq!(named.count(), 1, "{key}");
    }
    clear(&world).await;
}

/// Whatever goes wrong, and however broken what comes is.
#[tokio::test]
async fn the_door_logs_nothing_of_a_person() {
    let trouble = Trouble::default();
    let (mut world, _) = approved(Setting {
        network: trouble.network(),
        ..by_amazon()
    })
    .await;
    let (ours, logs) = (topic(&world), Captured::begin());
    let stop = event(&entry(TWELVE[6], "Wulandari bilang STOP").to_string());
    let theirs = "arn:aws:sns:ap-southeast-3:210987654321:SocialTopic";
    let names_one = format!("aws/lambda/async/{DOOR}/Wulandari/{}", TWELVE[6]);
    write(&world, &name(0), record(&handed(theirs, &stop))).await;
    write(&world, &name(1), stop.clone().into_bytes()).await;
    write(&world, &names_one, Vec::new()).await;
    let sns = world.house.aws.sns.clone();
    for message in [&stop, &stop[..stop.len() / 2], "Wulandari"] {
        sns.publish(&ours, message).unwrap();
    }
    trouble.begin("dynamodb");
    for _ in 0..2 {
        world.deliver().await;
        world.clock.advance(SignedDuration::from_mins(4));
    }
    trouble.end();
    world.deliver().await;
    let logs = logs.text();
    for line in [
        "notification is not believed",
        "object is no record of a notification",
        "object is not named as Lambda names what failed",
        "number cannot be looked up",
        "webhook body kept whole",
    ] {
        assert!(logs.contains(line), "{line}: {logs}");
    }
    assert!(!tells(&logs), "{logs}");
    assert_eq!(stops(&world, TWELVE[6]).await, 1);
    clear(&world).await;
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
        world.house.wiring.hear(DOOR).await.unwrap();
        crashes.hold_fire();
        world.clock.advance(SignedDuration::from_mins(1));
        world.deliver().await;
        assert_eq!(stops(&world, TWELVE[7]).await, 1, "after {nth}");
        assert_eq!(told(&mut world).await, 1, "after {nth}");
        if crashes.crashes().is_empty() {
            assert!(nth > 3, "the door had {nth} effects");
            return;
        }
    }
}

/// The same of what failed three times: its object is deleted last.
#[tokio::test]
async fn a_door_that_dies_over_what_failed_loses_and_doubles_nothing() {
    for nth in 1.. {
        let crashes = CrashPlan::after(nth);
        crashes.hold_fire();
        let mut world = World::with(Setting {
            crashes: crashes.clone(),
            ..by_amazon()
        })
        .await;
        let stop = event(&entry(TWELVE[7], "STOP").to_string());
        let failed = record(&handed(&topic(&world), &stop));
        write(&world, &name(0), failed).await;
        crashes.open_fire();
        world.house.wiring.step(AGAIN).await.unwrap();
        crashes.hold_fire();
        let is_stopped = stops(&world, TWELVE[7]).await == 1;
        assert!(is_stopped || !world.unheard().is_empty(), "after {nth}");
        world.clock.advance(SignedDuration::from_mins(4));
        world.deliver().await;
        assert_eq!(stops(&world, TWELVE[7]).await, 1, "after {nth}");
        assert_eq!(told(&mut world).await, 1, "after {nth}");
        assert!(world.unheard().is_empty(), "after {nth}");
        if crashes.crashes().is_empty() {
            let effects = crashes.effects();
            let deletes = effects.iter().filter(|effect| *effect == "s3.DELETE");
            assert_eq!(deletes.count(), 1, "{effects:?}");
            assert_eq!(effects[effects.len() - 2], "s3.DELETE", "{effects:?}");
            return;
        }
    }
}
