//! A function as the wiring sees it: JSON in, JSON or an error out.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;

/// A function's code; cheap to clone.
#[derive(Clone)]
pub struct Function(Arc<Code>);

type Code =
    dyn Fn(Value, Invocation) -> BoxFuture<'static, Result<Value, InvocationError>> + Send + Sync;

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
    /// Wraps `code`.
    pub fn new<F, A>(code: F) -> Self
    where
        F: Fn(Value, Invocation) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Value, InvocationError>> + Send + 'static,
    {
        Self(Arc::new(move |event, invocation| {
            Box::pin(code(event, invocation))
        }))
    }

    pub(super) fn call(
        &self,
        event: Value,
        invocation: Invocation,
    ) -> BoxFuture<'static, Result<Value, InvocationError>> {
        (self.0)(event, invocation)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").finish_non_exhaustive()
    }
}
