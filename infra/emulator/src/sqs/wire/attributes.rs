//! Attributes of queues: texts on the wire, [`Settings`] within.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Server, name};
use crate::sqs::{MAX_BYTES, Redrive, Settings, SqsError, queue_arn};

impl Server {
    pub(super) fn create(&self, request: Create) -> Result<Value, SqsError> {
        let settings = apply(Settings::default(), &request.attributes)?;
        self.sqs.create(&request.queue_name, settings)?;
        Ok(json!({ "QueueUrl": self.url(&request.queue_name) }))
    }

    pub(super) fn configure(&self, request: Configure) -> Result<Value, SqsError> {
        let queue = name(&request.queue_url)?;
        let settings = apply(self.sqs.settings(queue)?, &request.attributes)?;
        self.sqs.configure(queue, settings)?;
        Ok(json!({}))
    }

    pub(super) fn attributes(&self, request: Ask) -> Result<Value, SqsError> {
        let queue = name(&request.queue_url)?;
        let mut attributes = show(queue, &self.sqs.settings(queue)?);
        let depth = self.sqs.depth(queue)?;
        for (name, count) in [
            ("ApproximateNumberOfMessages", depth.visible),
            ("ApproximateNumberOfMessagesDelayed", depth.delayed),
            ("ApproximateNumberOfMessagesNotVisible", depth.in_flight),
        ] {
            attributes.insert(name.to_owned(), count.to_string());
        }
        let asked = &request.attribute_names;
        attributes.retain(|name, _| asked.iter().any(|asked| asked == "All" || asked == name));
        Ok(json!({ "Attributes": attributes }))
    }
}

fn show(queue: &str, settings: &Settings) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::from([
        (
            "DelaySeconds".to_owned(),
            settings.delay.as_secs().to_string(),
        ),
        (
            "MaximumMessageSize".to_owned(),
            settings.max_message_bytes.to_string(),
        ),
        (
            "MessageRetentionPeriod".to_owned(),
            settings.retention.as_secs().to_string(),
        ),
        ("QueueArn".to_owned(), queue_arn(queue)),
        (
            "ReceiveMessageWaitTimeSeconds".to_owned(),
            settings.wait.as_secs().to_string(),
        ),
        (
            "VisibilityTimeout".to_owned(),
            settings.visibility.as_secs().to_string(),
        ),
    ]);
    if let Some(redrive) = &settings.redrive {
        let policy = json!({
            "deadLetterTargetArn": queue_arn(&redrive.target),
            "maxReceiveCount": redrive.max_receives,
        });
        attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    attributes
}

fn apply(
    mut settings: Settings,
    attributes: &BTreeMap<String, String>,
) -> Result<Settings, SqsError> {
    let within = |text: &str, least: i64, most: i64| {
        let value = text.parse().ok();
        value
            .filter(|value| (least..=most).contains(value))
            .ok_or(SqsError::InvalidParameter(
                "a queue attribute is out of range",
            ))
    };
    for (name, text) in attributes {
        let seconds = |least, most| within(text, least, most).map(SignedDuration::from_secs);
        match name.as_str() {
            "DelaySeconds" => settings.delay = seconds(0, 900)?,
            "MaximumMessageSize" => {
                let bytes = within(text, 1024, MAX_BYTES as i64)?;
                settings.max_message_bytes = bytes.unsigned_abs() as usize;
            }
            "MessageRetentionPeriod" => settings.retention = seconds(60, 1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => settings.wait = seconds(0, 20)?,
            "RedrivePolicy" => settings.redrive = redrive(text)?,
            "VisibilityTimeout" => settings.visibility = seconds(0, 43_200)?,
            "FifoQueue" | "ContentBasedDeduplication" => {
                return Err(SqsError::Unsupported("only standard queues are emulated"));
            }
            // What neither delays nor moves a message: encryption and access.
            "KmsDataKeyReusePeriodSeconds"
            | "KmsMasterKeyId"
            | "Policy"
            | "RedriveAllowPolicy"
            | "SqsManagedSseEnabled" => (),
            _ => return Err(SqsError::InvalidAttributeName),
        }
    }
    Ok(settings)
}

fn redrive(policy: &str) -> Result<Option<Redrive>, SqsError> {
    if policy.is_empty() {
        return Ok(None);
    }
    let invalid = SqsError::InvalidParameter("RedrivePolicy names a queue and a count");
    let policy: Value = serde_json::from_str(policy).map_err(|_| invalid)?;
    let target = policy["deadLetterTargetArn"].as_str();
    let target = target.and_then(|arn| arn.rsplit(':').next());
    // SQS takes the count as a number or as a text.
    let count = match &policy["maxReceiveCount"] {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    match (target, count) {
        (Some(target), Some(count @ 1..=1000)) => Ok(Some(Redrive {
            target: target.to_owned(),
            max_receives: count as u32,
        })),
        _ => Err(invalid),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Configure {
    queue_url: String,
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Ask {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}
