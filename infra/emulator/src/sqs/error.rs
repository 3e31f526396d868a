//! What SQS refuses, under the names the SDK knows.

use super::message::RefusedReceipt;

/// Why SQS refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqsError {
    /// Two entries of a batch have the same id.
    #[error("two entries of the batch have the same id")]
    BatchEntryIdsNotDistinct,
    /// The messages of a batch are more than 1 MiB together.
    #[error("batch requests cannot be longer than 1048576 bytes")]
    BatchRequestTooLong,
    /// A batch without entries.
    #[error("there should be at least one entry in the request")]
    EmptyBatchRequest,
    /// An attribute of a queue that does not exist.
    #[error("unknown queue attribute")]
    InvalidAttributeName,
    /// An entry's id is not 1 to 80 letters, digits, hyphens and underscores.
    #[error("a batch entry id has letters, digits, hyphens and underscores only")]
    InvalidBatchEntryId,
    /// The body has a character that XML does not allow.
    #[error("invalid characters found in the message body")]
    InvalidMessageContents,
    /// A parameter is out of range or malformed.
    #[error("invalid parameter: {0}")]
    InvalidParameter(&'static str),
    /// The body and attributes are more than the queue takes.
    #[error("one or more parameters are invalid: message must be shorter than 1048576 bytes")]
    MessageTooLong,
    /// The message is not hidden, so its time cannot be changed.
    #[error("message is not in flight")]
    MessageNotInFlight,
    /// A parameter is missing.
    #[error("the request must contain the parameter {0}")]
    MissingParameter(&'static str),
    /// Too many messages are in flight.
    #[error("too many messages are in flight")]
    OverLimit,
    /// There is no such queue.
    #[error("the specified queue does not exist")]
    QueueDoesNotExist,
    /// There is such a queue, with other settings.
    #[error("a queue already exists with the same name and a different value for an attribute")]
    QueueNameExists,
    /// Not a receipt handle of this queue.
    #[error("the receipt handle is not valid")]
    ReceiptHandleIsInvalid,
    /// More than ten entries in one batch.
    #[error("maximum number of entries per request are 10")]
    TooManyEntriesInBatchRequest,
    /// Something that is not emulated.
    #[error("unsupported operation: {0}")]
    Unsupported(&'static str),
}

impl SqsError {
    /// The code of the query protocol, by which the SDKs tell errors apart.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::BatchEntryIdsNotDistinct => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong => "AWS.SimpleQueueService.BatchRequestTooLong",
            Self::EmptyBatchRequest => "AWS.SimpleQueueService.EmptyBatchRequest",
            Self::InvalidAttributeName => "InvalidAttributeName",
            Self::InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Self::InvalidMessageContents => "InvalidMessageContents",
            Self::InvalidParameter(_) | Self::MessageTooLong => "InvalidParameterValue",
            Self::MessageNotInFlight => "AWS.SimpleQueueService.MessageNotInflight",
            Self::MissingParameter(_) => "MissingParameter",
            Self::OverLimit => "OverLimit",
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            Self::QueueNameExists => "QueueAlreadyExists",
            Self::ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
            Self::TooManyEntriesInBatchRequest => {
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
            }
            Self::Unsupported(_) => "AWS.SimpleQueueService.UnsupportedOperation",
        }
    }
}

impl From<RefusedReceipt> for SqsError {
    fn from(refused: RefusedReceipt) -> Self {
        match refused {
            RefusedReceipt::Gone => Self::InvalidParameter(
                "ReceiptHandle: message does not exist or is not available for visibility timeout change",
            ),
            RefusedReceipt::Malformed => Self::ReceiptHandleIsInvalid,
            RefusedReceipt::NotInFlight => Self::MessageNotInFlight,
        }
    }
}
