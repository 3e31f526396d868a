//! Timers.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::WiringError;
use crate::account::{ACCOUNT, REGION, arn};
use crate::ids::Ids;

/// A function's timer.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) function: String,
    /// None for `cron(…)`, which only [`tick`](super::Wiring::tick) starts.
    pub(super) every: Option<SignedDuration>,
}

impl Schedule {
    pub(super) fn new(function: String, expression: &str) -> Result<Self, WiringError> {
        let unreadable = || WiringError::Schedule {
            function: function.clone(),
            expression: expression.to_owned(),
        };
        let inner = |kind: &str| expression.strip_prefix(kind)?.strip_suffix(')');
        let every = match (inner("rate("), inner("cron(")) {
            (Some(rate), _) => Some(interval(rate).ok_or_else(unreadable)?),
            (None, Some(_)) => None,
            (None, None) => return Err(unreadable()),
        };
        Ok(Self { function, every })
    }

    /// The event of a tick at `now`.
    pub(super) fn event(&self, ids: &Ids, now: Timestamp) -> Value {
        json!({
            "version": "0",
            "id": ids.mint(),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": format!("{now:.0}"),
            "region": REGION,
            "resources": [arn("events", &format!("rule/{}", self.function))],
            "detail": {},
        })
    }
}

/// `5 minutes` as a duration; nothing for zero or another unit.
fn interval(rate: &str) -> Option<SignedDuration> {
    let (count, unit) = rate.split_once(' ')?;
    let count: i64 = count.parse().ok().filter(|count| *count > 0)?;
    match unit {
        "minute" | "minutes" => Some(SignedDuration::from_mins(count)),
        "hour" | "hours" => Some(SignedDuration::from_hours(count)),
        "day" | "days" => Some(SignedDuration::from_hours(24 * count)),
        _ => None,
    }
}
