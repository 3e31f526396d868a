//! Asynchronous invocations: what is done with the answer of a function that
//! nobody waits for.
//!
//! Lambda hands an event over three times, a minute after the first failure and
//! two minutes after the second, and keeps none for longer than its age allows.
//! What it gives up goes to the destination on failure, if there is one (AWS,
//! "How Lambda handles errors and retries with asynchronous invocation",
//! "Capturing records of Lambda asynchronous invocations").

use std::collections::BTreeMap;

use jiff::SignedDuration;
use platform::aws::Clients;
use platform::objects::Objects;
use serde_json::{Value, json};

use super::{Deadline, Delivered, InvocationError, Wiring, WiringError};
use crate::account::arn;
use crate::aws::Aws;
use crate::client::plain;
use crate::invocations::Waiting;
use crate::template::{EventInvoke, Expression, Template};

/// Events for one function that are handed over at once.
pub(super) const AT_ONCE: usize = 10;

/// A function that is invoked asynchronously.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) function: String,
    max_age: SignedDuration,
    retries: u32,
    /// Where what is given up is written, with the rights of the function's role.
    failed: Option<Objects>,
}

impl Listener {
    /// The function `id` as the template has it invoked; refused where Lambda would
    /// refuse the destination, because the role may not write there.
    pub(super) fn new(aws: &Aws, id: &str) -> Result<Self, WiringError> {
        let configured = configuration(aws.template(), id);
        let unwritable = |action: &str| WiringError::Unwritable {
            function: id.to_owned(),
            action: action.to_owned(),
        };
        let destination = configured.and_then(EventInvoke::on_failure);
        let failed = destination.map(|destination| {
            let bucket = bucket(aws, destination).ok_or_else(|| unwritable("a bucket"))?;
            let access = aws.access(id)?;
            let resource = format!("arn:aws:s3:::{bucket}");
            // Lambda asks for the whole bucket, whatever it will call the object.
            for (action, resource) in [
                ("s3:PutObject", format!("{resource}/*")),
                ("s3:ListBucket", resource),
            ] {
                if !access.allows(action, &resource) {
                    return Err(unwritable(action));
                }
            }
            let config = aws.sdk_config_over(access.over(plain()));
            Ok(Objects::new(Clients::new(&config).s3, bucket))
        });
        Ok(Self {
            function: id.to_owned(),
            max_age: SignedDuration::from_secs(
                configured
                    .map_or(EventInvoke::LONGEST_S, |c| c.max_age_s)
                    .into(),
            ),
            retries: configured.map_or(EventInvoke::MOST_RETRIES, |c| c.retries),
            failed: failed.transpose()?,
        })
    }
}

fn configuration<'a>(template: &'a Template, id: &str) -> Option<&'a EventInvoke> {
    let mut all = template.event_invokes.values();
    all.find(|configured| configured.function.resource() == Some(id))
}

/// The bucket that an ARN names.
fn bucket(aws: &Aws, destination: &Expression) -> Option<String> {
    let arn = aws.text(destination).ok()?;
    arn.strip_prefix("arn:aws:s3:::").map(str::to_owned)
}

impl Wiring {
    /// Hands `function` at most one of the events that are due for it.
    pub async fn hear(&self, function: &str) -> Result<Delivered, WiringError> {
        let listener = self.0.listeners.get(function);
        let listener = listener.ok_or_else(|| WiringError::NoListener(function.to_owned()))?;
        match self.0.invocations.take(function) {
            Some(event) => Ok(self.hand_over(listener, event, Deadline::Open).await),
            None => Ok(Delivered::default()),
        }
    }

    /// Hands over what becomes due, for ever.
    pub(super) async fn keep_hearing(self, listener: Listener, deadline: Deadline) {
        loop {
            let event = self.0.invocations.next(&listener.function).await;
            self.hand_over(&listener, event, deadline).await;
        }
    }

    async fn hand_over(
        &self,
        listener: &Listener,
        mut event: Waiting,
        deadline: Deadline,
    ) -> Delivered {
        let delivered = |messages, failed| Delivered { messages, failed };
        let now = self.0.clock.now();
        if now.duration_since(event.accepted) > listener.max_age {
            self.give_up(listener, &event, None).await;
            return delivered(1, 1);
        }
        let outcome = self
            .invoke(&listener.function, event.event.clone(), deadline)
            .await;
        let Err(error) = outcome else {
            return delivered(1, 0);
        };
        event.attempts += 1;
        if event.attempts > listener.retries {
            self.give_up(listener, &event, Some(&error)).await;
        } else {
            let delay = SignedDuration::from_mins(event.attempts.into());
            self.0.invocations.put_back(event, delay);
        }
        delivered(1, 1)
    }

    /// Writes the record of an event that is not handed over any more.
    async fn give_up(&self, listener: &Listener, event: &Waiting, last: Option<&InvocationError>) {
        let written = match &listener.failed {
            None => false,
            Some(objects) => {
                let key = self.record_key(&listener.function);
                let record = self.record(event, last).to_string().into_bytes();
                objects.put(&key, record, "application/json").await.is_ok()
            }
        };
        if !written {
            let wired = self.0.functions.get(&listener.function);
            wired
                .expect("only wired functions listen")
                .function
                .count_lost();
        }
    }

    fn record_key(&self, function: &str) -> String {
        let now = self.0.clock.now();
        let id = self.0.ids.mint();
        let at = now.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S");
        format!("aws/lambda/async/{function}/{at}-{id}")
    }

    fn record(&self, event: &Waiting, last: Option<&InvocationError>) -> Value {
        let function = arn("lambda", &format!("function:{}:$LATEST", event.function));
        let condition = match last {
            Some(_) => "RetriesExhausted",
            None => "EventAgeExceeded",
        };
        let mut record = json!({
            "version": "1.0",
            "timestamp": format!("{:.3}", self.0.clock.now()),
            "requestContext": {
                "requestId": event.id,
                "functionArn": function,
                "condition": condition,
                "approximateInvokeCount": event.attempts,
            },
            "requestPayload": event.event,
        });
        if let Some(error) = last {
            record["responseContext"] = json!({
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            });
            record["responsePayload"] = json!({"errorMessage": error.to_string()});
        }
        record
    }
}

/// Listeners by the function that listens.
pub(super) type Listeners = BTreeMap<String, Listener>;
