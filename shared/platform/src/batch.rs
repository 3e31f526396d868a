//! SQS batches: decode, bound the width, and report only what must return.

use std::num::NonZeroUsize;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::stream::{self, StreamExt as _};
use serde::de::DeserializeOwned;

/// What became of one message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disposition {
    /// Finished, or safely recorded as refused: the queue may forget it.
    Done,
    /// A passing fault: let it become visible again, and in the end be parked
    /// in the dead-letter queue for a person.
    Retry,
}

/// Hands each decoded message to `handle`, at most `width` at a time.
///
/// A body that cannot be decoded is reported as failed: a repetition does not
/// help, but the dead-letter queue keeps it for a person.
pub async fn run<T, H, A>(event: SqsEvent, width: NonZeroUsize, handle: H) -> SqsBatchResponse
where
    T: DeserializeOwned,
    H: Fn(T) -> A,
    A: Future<Output = Disposition>,
{
    let handle = &handle;
    let results: Vec<(String, Disposition)> = stream::iter(event.records)
        .map(|record| async move {
            let message_id = record.message_id.expect("SQS always sets messageId");
            let body = record.body.unwrap_or_default();
            let disposition = match serde_json::from_str::<T>(&body) {
                Ok(message) => handle(message).await,
                Err(error) => {
                    // Serde names the place, never the content of a string.
                    tracing::error!(message.id = message_id, %error, "message cannot be read");
                    Disposition::Retry
                }
            };
            (message_id, disposition)
        })
        .buffer_unordered(width.get())
        .collect()
        .await;

    let mut response = SqsBatchResponse::default();
    for (message_id, disposition) in results {
        match disposition {
            Disposition::Done => (),
            Disposition::Retry => response.add_failure(message_id),
        }
    }
    response
}
