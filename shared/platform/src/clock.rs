//! The only reader of the wall clock, and the only place that waits.
//!
//! Everything else takes `now` as an argument or a [`SharedClock`], so that a
//! test holds time in its hand.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

/// Tells the time and waits for it.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present, in UTC.
    fn now(&self) -> Timestamp;

    /// Completes at `until`, at once if that has passed.
    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()>;
}

/// A clock that is cheap to clone and shared by everything in one process.
#[derive(Clone, Debug)]
pub struct SharedClock(Arc<dyn Clock>);

impl SharedClock {
    /// Shares `clock`.
    pub fn new(clock: impl Clock + 'static) -> Self {
        Self(Arc::new(clock))
    }

    /// The clock of the machine.
    pub fn system() -> Self {
        Self::new(SystemClock)
    }

    /// The present, in UTC.
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// Completes at `until`, at once if that has passed.
    pub async fn sleep_until(&self, until: Timestamp) {
        self.0.sleep_until(until).await;
    }
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one legal reader of the wall clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        Self::sleep(until)
    }
}

impl SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one legal place that waits: pacing and lease refills"
    )]
    fn sleep(until: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let wait = until.duration_since(Self.now());
            if let Ok(wait) = std::time::Duration::try_from(wait) {
                tokio::time::sleep(wait).await;
            }
        })
    }
}

/// The machine's clock, set to another moment at its start: the same hour of
/// the same day whenever it runs.
#[cfg(feature = "testing")]
#[derive(Clone, Copy, Debug)]
pub struct SetClock {
    ahead: jiff::SignedDuration,
}

#[cfg(feature = "testing")]
impl SetClock {
    /// Starts at `start` and runs in real time.
    pub fn starting_at(start: Timestamp) -> Self {
        Self {
            ahead: start.duration_since(SystemClock.now()),
        }
    }
}

#[cfg(feature = "testing")]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        SystemClock
            .now()
            .saturating_add(self.ahead)
            .expect("the clock stays in range")
    }

    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        let until = until.saturating_sub(self.ahead);
        SystemClock::sleep(until.expect("the clock stays in range"))
    }
}

/// A clock that moves only when told, or when somebody waits for it.
///
/// Waiting advances it to the awaited moment: in a story test one sleeper at a
/// time carries the whole world forward, and nothing ever really sleeps.
#[cfg(feature = "testing")]
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<std::sync::Mutex<Timestamp>>);

#[cfg(feature = "testing")]
impl ManualClock {
    /// Starts at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(std::sync::Mutex::new(now)))
    }

    /// Moves forward by `by`.
    pub fn advance(&self, by: jiff::SignedDuration) {
        let mut now = self.0.lock().expect("no holder of the clock panics");
        *now = now.saturating_add(by).expect("the clock stays in range");
    }
}

#[cfg(feature = "testing")]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no holder of the clock panics")
    }

    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Others that are ready now go first, as they would in real time.
            tokio::task::yield_now().await;
            let mut now = self.0.lock().expect("no holder of the clock panics");
            *now = (*now).max(until);
        })
    }
}
