//! Where the simulator gets the time from.

use std::fmt;
use std::pin::Pin;

use jiff::Timestamp;

/// The caller's clock: the wall's, or one that a test holds.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now. Never runs backwards.
    fn now(&self) -> Timestamp;

    /// Ends once [`Clock::now`] is at or past `at`.
    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// `at` moved on by `by`, held at the end of time.
pub(crate) fn later(at: Timestamp, by: std::time::Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
