//! Event notifications: which queue hears of which new object, and the message
//! it gets.

use std::sync::atomic::{AtomicU64, Ordering};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use platform::clock::SharedClock;
use serde_json::{Value, json};

use crate::account::{ACCOUNT, REGION};
use crate::sqs::{NewMessage, Sqs};

/// A queue that hears of some of a bucket's events.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The bucket.
    pub bucket: String,
    /// Name of the queue.
    pub queue: String,
    /// Such as `s3:ObjectCreated:*` or `s3:ObjectCreated:Put`.
    pub event: String,
    /// Only keys that begin with this.
    pub prefix: String,
    /// Only keys that end with this.
    pub suffix: String,
}

impl Subscription {
    fn covers(&self, event: &str, object: &Created) -> bool {
        let wanted = self.event.strip_prefix("s3:").unwrap_or(&self.event);
        let event = match wanted.strip_suffix('*') {
            Some(family) => event.starts_with(family),
            None => event == wanted,
        };
        event
            && object.bucket == self.bucket
            && object.key.starts_with(&self.prefix)
            && object.key.ends_with(&self.suffix)
    }
}

/// An object that was just made.
#[derive(Clone, Debug)]
pub(super) struct Created {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) size: u64,
    /// Without its quotation marks.
    pub(super) e_tag: String,
}

#[derive(Debug)]
pub(super) struct Notifier {
    clock: SharedClock,
    sqs: Sqs,
    subscriptions: Vec<Subscription>,
    /// Rises with every event, so that a reader can put events in order.
    sequencer: AtomicU64,
}

impl Notifier {
    pub(super) fn new(clock: SharedClock, sqs: Sqs, subscriptions: Vec<Subscription>) -> Self {
        Self {
            clock,
            sqs,
            subscriptions,
            sequencer: AtomicU64::new(1),
        }
    }

    /// Tells those who want to know that `event`, such as `ObjectCreated:Put`,
    /// made `object`.
    pub(super) fn tell(&self, event: &str, object: &Created) {
        let subscriptions = self.subscriptions.iter();
        for subscription in subscriptions.filter(|wanted| wanted.covers(event, object)) {
            let message = NewMessage::text(self.message(event, object).to_string());
            // A queue that is gone hears nothing, as with the real service.
            drop(self.sqs.send(&subscription.queue, message));
        }
    }

    fn message(&self, event: &str, object: &Created) -> Value {
        let sequencer = self.sequencer.fetch_add(1, Ordering::Relaxed);
        json!({
            "Records": [{
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": REGION,
                "eventTime": format!("{:.3}", self.clock.now()),
                "eventName": event,
                "userIdentity": {"principalId": ACCOUNT},
                "requestParameters": {"sourceIPAddress": "127.0.0.1"},
                "responseElements": {
                    "x-amz-request-id": format!("{sequencer:016X}"),
                    "x-amz-id-2": format!("{sequencer:016X}"),
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "template",
                    "bucket": {
                        "name": object.bucket,
                        "ownerIdentity": {"principalId": ACCOUNT},
                        "arn": format!("arn:aws:s3:::{}", object.bucket),
                    },
                    "object": {
                        "key": encode(&object.key),
                        "size": object.size,
                        "eTag": object.e_tag,
                        "sequencer": format!("{sequencer:018X}"),
                    },
                },
            }],
        })
    }
}

/// A key as form encoding writes it: a space is `+`, a slash stays.
fn encode(key: &str) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b' ')
        .remove(b'*')
        .remove(b'-')
        .remove(b'.')
        .remove(b'/')
        .remove(b'_');
    utf8_percent_encode(key, PLAIN)
        .to_string()
        .replace(' ', "+")
}
