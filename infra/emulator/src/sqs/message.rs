//! Messages on their way in and out of a queue, and what SQS refuses.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};

use super::error::SqsError;
use super::queue::Stored;

/// Largest message and largest batch, in bytes: 1 MiB.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Message attributes by name, in the order in which they are hashed.
pub type Attributes = BTreeMap<String, Attribute>;

/// One message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, with or without a custom suffix.
    pub kind: String,
    /// Its value.
    pub value: AttributeValue,
}

/// The value of a message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// Bytes.
    Binary(Vec<u8>),
    /// Text, numbers included.
    String(String),
}

/// A message to be sent.
#[derive(Clone, Debug, Default)]
pub struct NewMessage {
    /// The text.
    pub body: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// How long it stays hidden; none for the queue's own delay.
    pub delay: Option<SignedDuration>,
    /// The tenant of a fair queue.
    pub group: Option<String>,
}

impl NewMessage {
    /// A message that is only text.
    pub fn text(body: impl Into<String>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// Refuses what SQS never takes.
    pub(super) fn check(&self) -> Result<(), SqsError> {
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}');
        if self.body.is_empty() {
            return Err(SqsError::MissingParameter("MessageBody"));
        }
        if !self.body.chars().all(allowed) {
            return Err(SqsError::InvalidMessageContents);
        }
        let delays = SignedDuration::ZERO..=SignedDuration::from_secs(900);
        if self.delay.is_some_and(|delay| !delays.contains(&delay)) {
            return Err(SqsError::InvalidParameter(
                "DelaySeconds must be from 0 to 900",
            ));
        }
        if self.attributes.len() > 10 {
            return Err(SqsError::InvalidParameter(
                "a message has at most 10 attributes",
            ));
        }
        Ok(())
    }

    /// Its size as SQS counts it, in bytes: the body, and each attribute's
    /// name, type and value.
    pub(super) fn bytes(&self) -> usize {
        let attribute = |(name, attribute): (&String, &Attribute)| {
            let value = match &attribute.value {
                AttributeValue::Binary(bytes) => bytes.len(),
                AttributeValue::String(text) => text.len(),
            };
            name.len() + attribute.kind.len() + value
        };
        self.body.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its id.
    pub id: String,
    /// MD5 of the body, in hexadecimal digits.
    pub body_md5: String,
    /// MD5 of the attributes, if there are any.
    pub attributes_md5: Option<String>,
}

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its id, the same at every receipt.
    pub id: String,
    /// What deletes it: good until the next receipt.
    pub receipt: String,
    /// The text.
    pub body: String,
    /// MD5 of the text, in hexadecimal digits.
    pub body_md5: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// The tenant of a fair queue.
    pub group: Option<String>,
    /// When it was sent.
    pub sent: Timestamp,
    /// When it was received first.
    pub first_received: Timestamp,
    /// How often it was received, in all queues together.
    pub receives: u32,
    /// Name of the queue that gave it up, in a dead-letter queue.
    pub source: Option<String>,
}

impl Received {
    pub(super) fn new(message: &Stored, receipt: String) -> Self {
        Self {
            id: message.id.clone(),
            receipt,
            body: message.body.clone(),
            body_md5: body_md5(&message.body),
            attributes: message.attributes.clone(),
            group: message.group.clone(),
            sent: message.sent,
            first_received: message.first_received.unwrap_or(message.sent),
            receives: message.receives,
            source: message.source.clone(),
        }
    }
}

/// Why a receipt handle was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefusedReceipt {
    /// The message was deleted, or was received again since.
    Gone,
    /// Not a receipt of this queue.
    Malformed,
    /// The message is visible again.
    NotInFlight,
}

/// MD5 of a body, in hexadecimal digits.
pub(super) fn body_md5(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// MD5 of message attributes as SQS's developer guide defines it: by name,
/// each part preceded by its length in four bytes, the value also by a byte
/// that tells text from bytes. None if there are no attributes.
pub(super) fn attributes_md5(attributes: &Attributes) -> Option<String> {
    fn part(digest: &mut Md5, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("messages are below 4 GiB");
        digest.update(length.to_be_bytes());
        digest.update(bytes);
    }

    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        part(&mut digest, name.as_bytes());
        part(&mut digest, attribute.kind.as_bytes());
        match &attribute.value {
            AttributeValue::Binary(bytes) => {
                digest.update([2]);
                part(&mut digest, bytes);
            }
            AttributeValue::String(text) => {
                digest.update([1]);
                part(&mut digest, text.as_bytes());
            }
        }
    }
    Some(hex(&digest.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
