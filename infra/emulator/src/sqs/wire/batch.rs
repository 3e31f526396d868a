//! The batch operations: up to ten entries, each with its own answer.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::message::RawMessage;
use super::{Server, name, visibility};
use crate::sqs::{MAX_BYTES, SqsError};

impl Server {
    pub(super) fn send_batch(&self, request: SendBatch) -> Result<Value, SqsError> {
        let queue = name(&request.queue_url)?;
        self.sqs.settings(queue)?;
        check(request.entries.iter().map(|entry| entry.id.as_str()))?;
        let read = |entry: RawMessage| Ok((entry.id.clone(), entry.read()?));
        let entries = request.entries.into_iter().map(read);
        let entries = entries.collect::<Result<Vec<_>, SqsError>>()?;
        let bytes: usize = entries.iter().map(|(_, message)| message.bytes()).sum();
        if bytes > MAX_BYTES {
            return Err(SqsError::BatchRequestTooLong);
        }
        Ok(each(entries, |message| {
            let sent = self.sqs.send(queue, message)?;
            Ok(json!({
                "MessageId": sent.id,
                "MD5OfMessageBody": sent.body_md5,
                "MD5OfMessageAttributes": sent.attributes_md5,
            }))
        }))
    }

    pub(super) fn delete_batch(&self, request: DeleteBatch) -> Result<Value, SqsError> {
        let queue = name(&request.queue_url)?;
        self.sqs.settings(queue)?;
        check(request.entries.iter().map(|entry| entry.id.as_str()))?;
        let entries = request.entries.into_iter();
        let entries = entries
            .map(|entry| (entry.id, entry.receipt_handle))
            .collect();
        Ok(each(entries, |receipt| {
            self.sqs.delete(queue, &receipt)?;
            Ok(json!({}))
        }))
    }

    pub(super) fn change_visibility_batch(&self, request: ChangeBatch) -> Result<Value, SqsError> {
        let queue = name(&request.queue_url)?;
        self.sqs.settings(queue)?;
        check(request.entries.iter().map(|entry| entry.id.as_str()))?;
        let entries = request.entries.into_iter();
        let entries = entries.map(|entry| (entry.id.clone(), entry)).collect();
        Ok(each(entries, |entry: ChangeEntry| {
            let visibility = visibility(entry.visibility_timeout)?;
            self.sqs
                .change_visibility(queue, &entry.receipt_handle, visibility)?;
            Ok(json!({}))
        }))
    }
}

/// Refuses a batch that SQS refuses as a whole.
fn check<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), SqsError> {
    let count = ids.len();
    match count {
        0 => return Err(SqsError::EmptyBatchRequest),
        1..=10 => (),
        _ => return Err(SqsError::TooManyEntriesInBatchRequest),
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 80 || !id.chars().all(allowed) {
            return Err(SqsError::InvalidBatchEntryId);
        }
        if !seen.insert(id) {
            return Err(SqsError::BatchEntryIdsNotDistinct);
        }
    }
    Ok(())
}

/// Answers entry by entry: one that fails does not keep the others back.
fn each<T>(entries: Vec<(String, T)>, act: impl Fn(T) -> Result<Value, SqsError>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, entry) in entries {
        match act(entry) {
            Ok(mut answer) => {
                answer["Id"] = id.into();
                successful.push(answer);
            }
            Err(error) => failed.push(json!({
                "Id": id,
                "Code": error.code(),
                "Message": error.to_string(),
                "SenderFault": true,
            })),
        }
    }
    json!({ "Successful": successful, "Failed": failed })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendBatch {
    queue_url: String,
    entries: Vec<RawMessage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteBatch {
    queue_url: String,
    entries: Vec<DeleteEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteEntry {
    id: String,
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeBatch {
    queue_url: String,
    entries: Vec<ChangeEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeEntry {
    id: String,
    receipt_handle: String,
    visibility_timeout: u32,
}
