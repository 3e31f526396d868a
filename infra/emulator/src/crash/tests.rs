use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use platform::clock::{ManualClock, SharedClock};
use serde_json::Value;

use super::*;
use crate::aws::Aws;
use crate::sqs::NewMessage;
use crate::template::tests::small;
use crate::wiring::{Delivered, Function, Wiring};

/// A function that makes three writes, a look before each, and how often it came
/// to its end.
struct World {
    aws: Aws,
    clock: ManualClock,
    ends: Arc<AtomicU32>,
    wiring: Wiring,
}

impl World {
    async fn new(plan: CrashPlan) -> Self {
        let clock = ManualClock::at("2026-11-24T09:00:00Z".parse().unwrap());
        let aws = Aws::start(&small(), SharedClock::new(clock.clone()))
            .await
            .unwrap();
        let client = aws_sdk_dynamodb::Client::new(&aws.sdk_config_over(plan.http_client()));
        let ends = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&ends);
        let function = Function::new(move |_, _| {
            let (client, ends) = (client.clone(), Arc::clone(&count));
            async move {
                for n in 1..=3 {
                    look(&client, n).await;
                    write(&client, n).await;
                }
                ends.fetch_add(1, Ordering::Relaxed);
                Ok(Value::Null)
            }
        });
        let functions = [("SendFunction".to_owned(), function)];
        let wiring = Wiring::new(&aws, functions, plan).unwrap();
        aws.sqs.send("SendQueue", NewMessage::text("work")).unwrap();
        Self {
            aws,
            clock,
            ends,
            wiring,
        }
    }

    /// How many of the three writes are in the table.
    fn written(&self) -> usize {
        self.aws.dynamodb.items("ContactsTable").unwrap().len()
    }

    fn ends(&self) -> u32 {
        self.ends.load(Ordering::Relaxed)
    }
}

async fn look(client: &aws_sdk_dynamodb::Client, n: u32) {
    let get = client.get_item().table_name("ContactsTable");
    let get = get
        .key("pk", AttributeValue::S("T#1".to_owned()))
        .key("sk", AttributeValue::S(n.to_string()));
    get.send().await.unwrap();
}

async fn write(client: &aws_sdk_dynamodb::Client, n: u32) {
    let put = client.put_item().table_name("ContactsTable");
    let put = put
        .item("pk", AttributeValue::S("T#1".to_owned()))
        .item("sk", AttributeValue::S(n.to_string()));
    put.send().await.unwrap();
}

#[tokio::test]
async fn what_was_done_before_the_crash_stays_and_nothing_else_is_done() {
    // After the receipt, each of three writes, and the answer.
    for (effect, written, ends) in [(1, 0, 0), (2, 1, 0), (3, 2, 0), (4, 3, 0), (5, 3, 1)] {
        let world = World::new(CrashPlan::after(effect)).await;
        let delivered = world.wiring.run_until_idle().await.unwrap();
        assert_eq!(
            delivered,
            Delivered {
                messages: 1,
                failed: 1
            }
        );
        assert_eq!(
            (world.written(), world.ends()),
            (written, ends),
            "effect {effect}"
        );

        // The message comes again, to a new process, which finishes it.
        world.clock.advance(SignedDuration::from_mins(12));
        let delivered = world.wiring.run_until_idle().await.unwrap();
        assert_eq!(
            delivered,
            Delivered {
                messages: 1,
                failed: 0
            }
        );
        assert_eq!((world.written(), world.ends()), (3, ends + 1));
        assert_eq!(world.aws.sqs.depth("SendQueue").unwrap().total(), 0);
    }
}

#[tokio::test]
async fn effects_are_recorded_by_name() {
    let plan = CrashPlan::after(100);
    let world = World::new(plan.clone()).await;
    world.wiring.run_until_idle().await.unwrap();
    let put = "dynamodb.PutItem";
    assert_eq!(
        plan.effects(),
        ["lambda.receive", put, put, put, "lambda.respond"]
    );
    assert!(plan.crashes().is_empty());

    // Chance may strike after a look too.
    let plan = CrashPlan::seeded(1, 0.0);
    let world = World::new(plan.clone()).await;
    world.wiring.run_until_idle().await.unwrap();
    assert!(plan.effects().contains(&"dynamodb.GetItem".to_owned()));
}

#[tokio::test]
async fn the_same_seed_crashes_at_the_same_effects() {
    let run = async |seed| {
        let plan = CrashPlan::seeded(seed, 0.3);
        let world = World::new(plan.clone()).await;
        for _ in 0..3 {
            world.wiring.run_until_idle().await.unwrap();
            world.clock.advance(SignedDuration::from_mins(12));
        }
        (plan.effects(), plan.crashes())
    };
    let (effects, crashes) = run(7).await;
    assert!(!crashes.is_empty());
    assert_eq!(run(7).await, (effects, crashes));
}

#[tokio::test]
async fn outside_a_function_nothing_counts_and_nothing_crashes() {
    let plan = CrashPlan::after(1);
    let world = World::new(plan.clone()).await;
    let client = aws_sdk_dynamodb::Client::new(&world.aws.sdk_config_over(plan.http_client()));
    write(&client, 1).await;
    plan.after_effect("test").await;
    assert!(plan.effects().is_empty());
    assert_eq!(world.written(), 1);
}

#[tokio::test]
async fn a_dead_process_does_nothing_on_its_other_branches() {
    let plan = CrashPlan::after(1);
    let done = AtomicU32::new(0);
    let branch = async || {
        plan.after_effect("write").await;
        done.fetch_add(1, Ordering::Relaxed);
    };
    let killed = plan
        .guard(async { tokio::join!(branch(), branch(), branch()) })
        .await;
    assert_eq!(killed.unwrap_err().effect, "write");
    assert_eq!(done.load(Ordering::Relaxed), 0);
    assert_eq!(plan.effects(), ["write"]);
}
