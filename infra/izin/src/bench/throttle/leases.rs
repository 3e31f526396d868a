//! Kills a worker with a lease it just made.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use emulator::client::{Layer, Operation};
use tokio::sync::Notify;

/// Which leases are lost, over all workers: evenly, so that a short run loses
/// its share too, neither more nor less.
#[derive(Debug)]
pub(super) struct Losses {
    rate: f64,
    leases: AtomicU64,
    lost: AtomicU64,
}

impl Losses {
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate,
            leases: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    /// How many were lost.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Counts a lease; whether it is lost.
    fn strikes(&self) -> bool {
        let nth = self.leases.fetch_add(1, Ordering::Relaxed) as f64 + 0.5;
        let strikes = (nth * self.rate).floor() > ((nth - 1.0) * self.rate).floor();
        self.lost.fetch_add(strikes.into(), Ordering::Relaxed);
        strikes
    }
}

/// Watches one worker's leases; cheap to clone.
#[derive(Clone)]
pub(super) struct Leases {
    losses: Arc<Losses>,
    death: Arc<Notify>,
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leases")
    }
}

impl Leases {
    pub(super) fn new(losses: Arc<Losses>) -> Self {
        Self {
            losses,
            death: Arc::default(),
        }
    }

    /// Ends when the worker must die.
    pub(super) async fn death(&self) {
        self.death.notified().await;
    }
}

impl Layer for Leases {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let is_lease = Operation::of(&request).name == "UpdateItem"
            && request.body().bytes().is_some_and(|body| {
                let body = String::from_utf8_lossy(body);
                body.contains("\"RATE\"") && body.contains("BETWEEN")
            });
        let (leases, answer) = (self.clone(), next.call(request));
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            if is_lease && answer.status().is_success() && leases.losses.strikes() {
                leases.death.notify_one();
                // Whoever waits for this answer is about to be dropped.
                std::future::pending::<()>().await;
            }
            Ok(answer)
        })
    }
}
