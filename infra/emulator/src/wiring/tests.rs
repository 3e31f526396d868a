mod contract;
mod environments;
mod http;
mod listen;
mod messages;
mod real_time;

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use platform::clock::ManualClock;
use serde_json::json;

use super::*;
use crate::sqs::NewMessage;
use crate::template::tests::small;

/// A wired template under a manual clock, and every event its functions saw.
struct World {
    aws: Aws,
    clock: ManualClock,
    seen: Arc<Mutex<Vec<Value>>>,
    wiring: Wiring,
}

impl World {
    /// Wires `id` to `code`, which gets the event.
    async fn new<F>(id: &str, code: F) -> Self
    where
        F: Fn(&Value) -> Result<Value, InvocationError> + Send + Sync + 'static,
    {
        let clock = ManualClock::at("2026-11-24T09:00:00Z".parse().unwrap());
        let aws = Aws::start(&small(), SharedClock::new(clock.clone()))
            .await
            .unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let function = Function::new(move |event, _invocation| {
            let answer = code(&event);
            record.lock().unwrap().push(event);
            async { answer }
        });
        let wiring = Wiring::new(&aws, [(id.to_owned(), function)], CrashPlan::never());
        Self {
            wiring: wiring.unwrap(),
            aws,
            clock,
            seen,
        }
    }

    fn send(&self, queue: &str, bodies: &[&str]) {
        for body in bodies {
            self.aws.sqs.send(queue, NewMessage::text(*body)).unwrap();
        }
    }

    fn seen(&self) -> Vec<Value> {
        self.seen.lock().unwrap().clone()
    }

    /// The bodies of the messages in each event seen.
    fn bodies(&self) -> Vec<Vec<String>> {
        let body = |record: &Value| record["body"].as_str().unwrap().to_owned();
        let records = |event: &Value| {
            event["Records"]
                .as_array()
                .unwrap()
                .iter()
                .map(body)
                .collect()
        };
        self.seen().iter().map(records).collect()
    }
}

#[tokio::test]
async fn a_schedule_ticks_with_the_event_of_eventbridge() {
    let world = World::new("SweepFunction", |_| Ok(Value::Null)).await;
    world.wiring.tick("SweepFunction").await.unwrap().unwrap();
    let event = &world.seen()[0];
    assert_eq!(event["source"], "aws.events");
    assert_eq!(event["detail-type"], "Scheduled Event");
    assert_eq!(event["time"], "2026-11-24T09:00:00Z");
    let unscheduled = world.wiring.tick("SendFunction").await.unwrap_err();
    assert_eq!(
        unscheduled.to_string(),
        "function SendFunction has no schedule"
    );
}

#[test]
fn schedules_are_read_or_refused() {
    let every = |expression: &str| {
        let schedule = Schedule::new("F".to_owned(), expression).ok()?;
        Some(schedule.every)
    };
    assert_eq!(
        every("rate(1 minute)"),
        Some(Some(SignedDuration::from_mins(1)))
    );
    assert_eq!(
        every("rate(6 hours)"),
        Some(Some(SignedDuration::from_hours(6)))
    );
    assert_eq!(
        every("rate(2 days)"),
        Some(Some(SignedDuration::from_hours(48)))
    );
    assert_eq!(every("cron(0 3 * * ? *)"), Some(None));
    for wrong in [
        "rate(0 minutes)",
        "rate(1 fortnight)",
        "rate(5)",
        "every minute",
    ] {
        assert_eq!(every(wrong), None, "{wrong}");
    }
}

#[tokio::test]
async fn a_function_the_template_does_not_have_is_refused() {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let aws = Aws::start(&small(), SharedClock::new(clock)).await.unwrap();
    let function = Function::new(|_, _| async { Ok(Value::Null) });
    let wiring = Wiring::new(&aws, [("Nobody".to_owned(), function)], CrashPlan::never());
    assert_eq!(wiring.unwrap_err().to_string(), "no function Nobody");
}
