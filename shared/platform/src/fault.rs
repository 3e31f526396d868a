//! The world failed: passing or lasting is all that a handler asks.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

/// A failure of the world outside, named after the operation that failed.
///
/// Display never repeats the source; [`chain`] prints both.
#[derive(Debug, thiserror::Error)]
#[error("failed to {operation}")]
pub struct Fault {
    operation: &'static str,
    passing: bool,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl Fault {
    /// A fault that may be gone at the next try.
    pub fn passing(
        operation: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            operation,
            passing: true,
            source: source.into(),
        }
    }

    /// A fault that no repetition mends.
    pub fn lasting(
        operation: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            operation,
            passing: false,
            source: source.into(),
        }
    }

    /// Classifies an answer of the AWS SDK: no answer, 429 and 5xx pass.
    pub fn sdk<E>(operation: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Self
    where
        E: Error + Send + Sync + 'static,
    {
        move |error| {
            let passing = match &error {
                SdkError::ConstructionFailure(_) => false,
                SdkError::ServiceError(context) => {
                    let status = context.raw().status().as_u16();
                    status == 429 || status >= 500 || throttled(context.err())
                }
                _ => true,
            };
            Self {
                operation,
                passing,
                source: Box::new(error),
            }
        }
    }

    /// Whether trying again may help.
    pub fn is_passing(&self) -> bool {
        self.passing
    }
}

/// DynamoDB answers throttling with status 400.
fn throttled(error: &(dyn Error + 'static)) -> bool {
    let text = error.to_string();
    text.contains("Throughput") || text.contains("Throttl") || text.contains("TransactionConflict")
}

/// An error with all its sources, for one log line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        fmt::Write::write_fmt(&mut text, format_args!(": {error}")).expect("a string grows");
        source = error.source();
    }
    text
}
