use platform::aws::Clients;
use platform::objects::Objects;

use super::*;
use crate::sns::topic_arn;
use crate::template::Template;

const HEARS: &str = "HearFunction";

async fn world(fails: bool) -> World {
    World::new(HEARS, move |_| match fails {
        true => Err(InvocationError::failed("no")),
        false => Ok(Value::Null),
    })
    .await
}

fn publish(world: &World) {
    let heard = world.aws.sns.publish(&topic_arn("Topic"), "word").unwrap();
    assert_eq!(heard, 1);
}

fn bucket(world: &World) -> String {
    world.aws.bucket_name("UnheardBucket").unwrap()
}

async fn records(world: &World) -> Vec<(String, Value)> {
    let bucket = bucket(world);
    let s3 = Clients::new(&world.aws.sdk_config()).s3;
    let objects = Objects::new(s3, bucket.clone());
    let mut records = Vec::new();
    for key in world.aws.s3.keys(&bucket).unwrap() {
        let record = objects.get(&key).await.unwrap();
        records.push((key, serde_json::from_slice(&record).unwrap()));
    }
    records
}

#[tokio::test]
async fn what_is_published_is_handed_over_once() {
    let world = world(false).await;
    publish(&world);
    let delivered = world.wiring.run_until_idle().await.unwrap();
    assert_eq!((delivered.messages, delivered.failed), (1, 0));
    assert_eq!(world.seen()[0]["Records"][0]["Sns"]["Message"], "word");
    assert_eq!(world.wiring.next_due().unwrap(), None);
    assert!(records(&world).await.is_empty());
}

#[tokio::test]
async fn what_fails_three_times_is_written_down() {
    let world = world(true).await;
    publish(&world);
    for minutes in [1, 2] {
        let delivered = world.wiring.run_until_idle().await.unwrap();
        assert_eq!((delivered.messages, delivered.failed), (1, 1));
        let due = world.wiring.next_due().unwrap().unwrap();
        let wait = SignedDuration::from_mins(minutes);
        assert_eq!(due.duration_since(world.aws.clock().now()), wait);
        world.clock.advance(wait);
    }
    world.wiring.run_until_idle().await.unwrap();
    assert_eq!(world.seen().len(), 3);
    assert_eq!(world.wiring.next_due().unwrap(), None);
    let [(key, record)] = &records(&world).await[..] else {
        panic!("there is one record")
    };
    let folder = "aws/lambda/async/HearFunction/2026/11/24/2026-11-24T09.03.00-";
    assert_eq!(key.strip_prefix(folder).map(str::len), Some(36), "{key}");
    let context = &record["requestContext"];
    assert_eq!(context["condition"], "RetriesExhausted");
    assert_eq!(context["approximateInvokeCount"], 3);
    assert_eq!(record["requestPayload"], world.seen()[0]);
    assert_eq!(world.wiring.usage()[HEARS].lost, 0);
}

#[tokio::test]
async fn what_grew_too_old_is_written_down_untried() {
    let world = world(false).await;
    publish(&world);
    world.clock.advance(SignedDuration::from_hours(2));
    world.wiring.run_until_idle().await.unwrap();
    assert!(world.seen().is_empty());
    let records = records(&world).await;
    let context = &records[0].1["requestContext"];
    assert_eq!(context["condition"], "EventAgeExceeded");
}

#[tokio::test]
async fn what_has_no_destination_is_counted_as_lost() {
    let mut template = small();
    template.event_invokes.clear();
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let aws = Aws::start(&template, SharedClock::new(clock.clone()));
    let aws = aws.await.unwrap();
    let function = Function::new(|_, _| async { Err(InvocationError::failed("no")) });
    let wiring = Wiring::new(&aws, [(HEARS.to_owned(), function)], CrashPlan::never()).unwrap();
    aws.sns.publish(&topic_arn("Topic"), "word").unwrap();
    for _ in 0..3 {
        assert_eq!(wiring.usage()[HEARS].lost, 0);
        wiring.hear(HEARS).await.unwrap();
        clock.advance(SignedDuration::from_mins(2));
    }
    assert_eq!(wiring.usage()[HEARS].lost, 1);
}

/// As Lambda refuses the configuration.
#[tokio::test]
async fn a_role_that_may_not_write_the_whole_bucket_is_refused() {
    let text = include_str!("../../template/fixtures/small.yaml");
    for (without, missing) in [
        (", s3:ListBucket]", "s3:ListBucket"),
        ("${UnheardBucket.Arn}/*", "s3:PutObject"),
    ] {
        let with = if missing == "s3:ListBucket" {
            "]"
        } else {
            "${UnheardBucket.Arn}/aws/*"
        };
        assert!(text.contains(without));
        let template = Template::parse(&text.replace(without, with)).unwrap();
        let clock = SharedClock::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let aws = Aws::start(&template, clock).await.unwrap();
        let function = Function::new(|_, _| async { Ok(Value::Null) });
        let wiring = Wiring::new(&aws, [(HEARS.to_owned(), function)], CrashPlan::never());
        let refusal = wiring.unwrap_err().to_string();
        assert!(refusal.ends_with(missing), "{refusal}");
    }
}
