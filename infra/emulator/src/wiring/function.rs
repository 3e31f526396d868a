//! A function as the wiring sees it: environments that take JSON and give JSON
//! or an error.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A function; cheap to clone.
///
/// As on Lambda, it runs in *environments*. One handles one invocation at a
/// time and is used again for the next, so what it keeps in memory is neither
/// shared between invocations that run at once nor lost after each. One that
/// was killed, panicked or ran over its time is never used again.
#[derive(Clone)]
pub struct Function(Arc<Environments>);

struct Environments {
    start: Box<dyn Fn() -> Environment + Send + Sync>,
    idle: Mutex<Vec<Environment>>,
    usage: Mutex<Usage>,
}

/// The code of one environment.
pub(super) type Environment = Arc<
    dyn Fn(Value, Invocation) -> BoxFuture<'static, Result<Value, InvocationError>> + Send + Sync,
>;

/// What a function was asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Invocations begun.
    pub invocations: u64,
    /// Environments started: cold starts.
    pub starts: u64,
    /// Time in finished invocations, by the emulation's clock.
    pub busy: SignedDuration,
    /// Requests of Lambda's pollers to the queue, for the messages that they
    /// handed over: receives and deletes, ten messages in each. Receives that
    /// find nothing come on top, one in twenty seconds for each idle poller.
    pub queue_requests: u64,
    /// Events that nobody waited for, that were given up, and that could be written
    /// to no destination: they are lost.
    pub lost: u64,
}

/// What Lambda tells a function besides the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The id of this invocation.
    pub request_id: String,
    /// When it is stopped.
    pub deadline: Timestamp,
    /// Logical id of the function.
    pub function: String,
}

/// How an invocation came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// The function answered with an error.
    #[error("function failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    /// A crash plan ended it after this effect.
    #[error("function was killed after {0}")]
    Killed(String),
    /// It panicked.
    #[error("function panicked")]
    Panicked,
    /// It did not end in time.
    #[error("function timed out")]
    TimedOut,
}

impl InvocationError {
    /// The function answered with `error`.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

impl Function {
    /// Code that keeps nothing between invocations.
    pub fn new<F, A>(code: F) -> Self
    where
        F: Fn(Value, Invocation) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Value, InvocationError>> + Send + 'static,
    {
        let code: Environment =
            Arc::new(move |event, invocation| Box::pin(code(event, invocation)));
        Self::of(move || Arc::clone(&code))
    }

    /// Code that keeps something. `start` is the cold start: it makes a new
    /// environment, which owns what it keeps.
    pub fn starting<S, F, A>(start: S) -> Self
    where
        S: Fn() -> F + Send + Sync + 'static,
        F: Fn(Value, Invocation) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Value, InvocationError>> + Send + 'static,
    {
        Self::of(move || {
            let code = start();
            Arc::new(move |event, invocation| Box::pin(code(event, invocation)))
        })
    }

    fn of(start: impl Fn() -> Environment + Send + Sync + 'static) -> Self {
        Self(Arc::new(Environments {
            start: Box::new(start),
            idle: Mutex::default(),
            usage: Mutex::default(),
        }))
    }

    /// What this function was asked to do so far.
    pub fn usage(&self) -> Usage {
        *self.usage_mut()
    }

    /// An idle environment, or a new one.
    pub(super) fn take(&self) -> Environment {
        let idle = self.idle().pop();
        let mut usage = self.usage_mut();
        usage.invocations += 1;
        idle.unwrap_or_else(|| {
            usage.starts += 1;
            (self.0.start)()
        })
    }

    /// Counts an invocation that ended after `busy`, and keeps its environment
    /// unless it died.
    pub(super) fn give_back(
        &self,
        environment: Environment,
        outcome: &Result<Value, InvocationError>,
        busy: SignedDuration,
    ) {
        self.usage_mut().busy += busy;
        match outcome {
            Ok(_) | Err(InvocationError::Failed(_)) => self.idle().push(environment),
            Err(
                InvocationError::Killed(_) | InvocationError::Panicked | InvocationError::TimedOut,
            ) => (),
        }
    }

    /// Counts requests that a poller made for this function.
    pub(super) fn count_queue_requests(&self, requests: u64) {
        self.usage_mut().queue_requests += requests;
    }

    /// Counts an event that was given up and is nowhere.
    pub(super) fn count_lost(&self) {
        self.usage_mut().lost += 1;
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Environment>> {
        self.0
            .idle
            .lock()
            .expect("no holder of the idle environments panics")
    }

    fn usage_mut(&self) -> MutexGuard<'_, Usage> {
        self.0.usage.lock().expect("no holder of the usage panics")
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").finish_non_exhaustive()
    }
}
