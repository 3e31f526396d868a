//! What a handler knows of its own invocation.

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Context;

/// The invocation's time limit.
#[derive(Clone, Copy, Debug)]
pub struct Invocation {
    /// When Lambda ends the invocation, ready or not.
    pub deadline: Timestamp,
}

impl Invocation {
    /// Reads Lambda's own context.
    pub fn from_lambda(context: &Context) -> Self {
        let millis = i64::try_from(context.deadline).unwrap_or(i64::MAX);
        Self {
            deadline: Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX),
        }
    }

    /// Whether less than `margin` is left at `now`: time to hand over.
    pub fn ends_within(&self, margin: SignedDuration, now: Timestamp) -> bool {
        self.deadline.duration_since(now) < margin
    }
}
