//! Kills a worker with a lease it just made.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use emulator::client::{Layer, Operation};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::Notify;

/// Watches one worker's leases; cheap to clone.
#[derive(Clone)]
pub(super) struct Leases(Arc<Inner>);

struct Inner {
    rng: Mutex<SmallRng>,
    crash_rate: f64,
    crashed: AtomicU64,
    death: Notify,
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leases")
    }
}

impl Leases {
    pub(super) fn new(seed: u64, crash_rate: f64) -> Self {
        Self(Arc::new(Inner {
            rng: Mutex::new(SmallRng::seed_from_u64(seed)),
            crash_rate,
            crashed: AtomicU64::new(0),
            death: Notify::new(),
        }))
    }

    /// Ends when the worker must die.
    pub(super) async fn death(&self) {
        self.0.death.notified().await;
    }

    /// How many leases died.
    pub(super) fn crashed(&self) -> u64 {
        self.0.crashed.load(Ordering::Relaxed)
    }

    fn strikes(&self) -> bool {
        let mut rng = self.0.rng.lock().unwrap_or_else(PoisonError::into_inner);
        rng.random_bool(self.0.crash_rate)
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
            if is_lease && answer.status().is_success() && leases.strikes() {
                leases.0.crashed.fetch_add(1, Ordering::Relaxed);
                leases.0.death.notify_one();
                // Whoever waits for this answer is about to be dropped.
                std::future::pending::<()>().await;
            }
            Ok(answer)
        })
    }
}
