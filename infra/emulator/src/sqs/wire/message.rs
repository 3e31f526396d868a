//! Messages as the wire has them: in requests to send, and in answers to
//! receive.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::ACCOUNT;
use crate::sqs::message::{Attribute, AttributeValue, NewMessage, Received, attributes_md5};
use crate::sqs::{SqsError, queue_arn};

/// A message to send, alone (with its queue) or in a batch (with its id).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RawMessage {
    #[serde(default)]
    pub(super) queue_url: String,
    #[serde(default)]
    pub(super) id: String,
    message_body: String,
    #[serde(default)]
    message_attributes: Option<BTreeMap<String, RawAttribute>>,
    #[serde(default)]
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_group_id: Option<String>,
}

impl RawMessage {
    pub(super) fn read(self) -> Result<NewMessage, SqsError> {
        let attributes = self.message_attributes.into_iter().flatten();
        let attributes = attributes.map(|(name, attribute)| Ok((name, attribute.read()?)));
        Ok(NewMessage {
            body: self.message_body,
            attributes: attributes.collect::<Result<_, SqsError>>()?,
            delay: self.delay_seconds.map(SignedDuration::from_secs),
            group: self.message_group_id,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawAttribute {
    data_type: String,
    #[serde(default)]
    string_value: Option<String>,
    #[serde(default)]
    binary_value: Option<String>,
}

impl RawAttribute {
    fn read(self) -> Result<Attribute, SqsError> {
        let base = self.data_type.split('.').next().unwrap_or_default();
        let value = match (base, self.string_value, self.binary_value) {
            ("String" | "Number", Some(text), None) if !text.is_empty() => {
                AttributeValue::String(text)
            }
            ("Binary", None, Some(encoded)) => {
                let decoded = BASE64.decode(encoded);
                let decoded =
                    decoded.map_err(|_| SqsError::InvalidParameter("BinaryValue is not base64"))?;
                AttributeValue::Binary(decoded)
            }
            _ => {
                return Err(SqsError::InvalidParameter(
                    "a message attribute has one value, of its type",
                ));
            }
        };
        Ok(Attribute {
            kind: self.data_type,
            value,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive {
    pub(super) queue_url: String,
    #[serde(default)]
    pub(super) max_number_of_messages: Option<usize>,
    #[serde(default)]
    pub(super) visibility_timeout: Option<u32>,
    #[serde(default)]
    pub(super) wait_time_seconds: Option<u32>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

impl Receive {
    /// The message with the attributes this request asks for.
    pub(super) fn show(&self, message: &Received) -> Value {
        let mut system = system_attributes(message);
        let asked = |name: &String| {
            let mut names = self
                .attribute_names
                .iter()
                .chain(&self.message_system_attribute_names);
            names.any(|asked| asked == "All" || asked == name)
        };
        system.retain(|name, _| asked(name));
        let mut attributes = message.attributes.clone();
        attributes.retain(|name, _| {
            self.message_attribute_names.iter().any(|asked| {
                let prefix = asked.strip_suffix(".*");
                asked == "All"
                    || asked == ".*"
                    || asked == name
                    || prefix.is_some_and(|prefix| name.starts_with(prefix))
            })
        });
        let mut shown = json!({
            "MessageId": message.id,
            "ReceiptHandle": message.receipt,
            "Body": message.body,
            "MD5OfBody": message.body_md5,
        });
        if !system.is_empty() {
            shown["Attributes"] = json!(system);
        }
        if let Some(md5) = attributes_md5(&attributes) {
            let values = attributes
                .iter()
                .map(|(name, attribute)| (name.clone(), show(attribute)));
            shown["MessageAttributes"] = Value::Object(values.collect());
            shown["MD5OfMessageAttributes"] = md5.into();
        }
        shown
    }
}

fn show(attribute: &Attribute) -> Value {
    match &attribute.value {
        AttributeValue::Binary(bytes) => {
            json!({"DataType": attribute.kind, "BinaryValue": BASE64.encode(bytes)})
        }
        AttributeValue::String(text) => json!({"DataType": attribute.kind, "StringValue": text}),
    }
}

/// The attributes that SQS itself adds to `message`, by name.
pub(crate) fn system_attributes(message: &Received) -> BTreeMap<String, String> {
    let milliseconds = |time: Timestamp| time.as_millisecond().to_string();
    let mut attributes = BTreeMap::from([
        (
            "ApproximateFirstReceiveTimestamp".to_owned(),
            milliseconds(message.first_received),
        ),
        (
            "ApproximateReceiveCount".to_owned(),
            message.receives.to_string(),
        ),
        ("SenderId".to_owned(), ACCOUNT.to_owned()),
        ("SentTimestamp".to_owned(), milliseconds(message.sent)),
    ]);
    if let Some(group) = &message.group {
        attributes.insert("MessageGroupId".to_owned(), group.clone());
    }
    if let Some(source) = &message.source {
        attributes.insert("DeadLetterQueueSourceArn".to_owned(), queue_arn(source));
    }
    attributes
}
