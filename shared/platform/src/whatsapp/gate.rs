//! Lets a connection be opened only by who says so: a message in its slot goes
//! out on a connection that is open already, or not at all.

use std::error::Error;
use std::task::{Context, Poll};

use futures_util::future::{Either, Ready, ready};
use tower::Service;
use tower::layer::LayerFn;

tokio::task_local! {
    /// There while connections may be opened.
    static OPEN: ();
}

/// Stands before the connector.
#[derive(Clone, Debug)]
pub(super) struct Gate<S>(S);

/// A connection was wanted where none may be opened.
#[derive(Debug, thiserror::Error)]
#[error("no open connection is free")]
struct Closed;

/// Puts the gate before a connector.
pub(super) fn layer<S>() -> LayerFn<fn(S) -> Gate<S>> {
    tower::layer::layer_fn(Gate)
}

impl Gate<()> {
    /// Runs `call`, which may open connections.
    pub(super) async fn open<T>(call: impl Future<Output = T>) -> T {
        OPEN.scope((), call).await
    }
}

impl<S, R> Service<R> for Gate<S>
where
    S: Service<R, Error = Box<dyn Error + Send + Sync>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        if OPEN.try_with(|()| ()).is_ok() {
            Either::Left(self.0.call(request))
        } else {
            Either::Right(ready(Err(Closed.into())))
        }
    }
}
