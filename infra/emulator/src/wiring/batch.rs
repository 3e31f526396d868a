//! A batch of messages as an event, and what the answer says of each.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::account::REGION;
use crate::sqs::{Attribute, AttributeValue, Received, queue_arn, system_attributes};

/// The event for `messages` of `queue`.
pub(super) fn event(queue: &str, messages: &[Received]) -> Value {
    let arn = queue_arn(queue);
    let record = |message: &Received| {
        let attributes = message.attributes.iter();
        let attributes = attributes.map(|(name, attribute)| (name.clone(), show(attribute)));
        json!({
            "messageId": message.id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": system_attributes(message),
            "messageAttributes": attributes.collect::<Map<_, _>>(),
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": REGION,
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

fn show(attribute: &Attribute) -> Value {
    let (name, value) = match &attribute.value {
        AttributeValue::Binary(bytes) => ("binaryValue", BASE64.encode(bytes)),
        AttributeValue::String(text) => ("stringValue", text.clone()),
    };
    json!({
        name: value,
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": attribute.kind,
    })
}

/// Which messages of a batch are finished.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    AllFailed,
    AllFinished,
    /// All but those with these ids.
    Failed(BTreeSet<String>),
}

impl Verdict {
    /// Reads the answer of a function. Without partial responses any answer
    /// finishes the batch. With them, an answer that names no failures
    /// finishes it, and one that cannot be understood (not a list, an entry
    /// without an id, an empty or unknown id) fails it as a whole.
    pub(super) fn of(answer: &Value, partial: bool, messages: &[Received]) -> Self {
        if !partial {
            return Self::AllFinished;
        }
        let failures = match answer {
            Value::Null => return Self::AllFinished,
            Value::Object(answer) => answer.get("batchItemFailures").unwrap_or(&Value::Null),
            _ => return Self::AllFailed,
        };
        let failures = match failures {
            Value::Null => return Self::AllFinished,
            Value::Array(failures) => failures,
            _ => return Self::AllFailed,
        };
        let known: BTreeSet<_> = messages.iter().map(|message| message.id.as_str()).collect();
        let mut failed = BTreeSet::new();
        for failure in failures {
            match failure["itemIdentifier"].as_str() {
                Some(id) if known.contains(id) => failed.insert(id.to_owned()),
                _ => return Self::AllFailed,
            };
        }
        match failed.len() {
            0 => Self::AllFinished,
            _ => Self::Failed(failed),
        }
    }

    pub(super) fn finished(&self, message: &Received) -> bool {
        match self {
            Self::AllFailed => false,
            Self::AllFinished => true,
            Self::Failed(failed) => !failed.contains(&message.id),
        }
    }
}
