//! Killing a function after any of its effects.
//!
//! An *effect* is anything that outlives the process: a request to an AWS
//! service, a message to WhatsApp, the receipt of an event. A [`CrashPlan`]
//! counts them. At the chosen one it raises a signal and never returns, and
//! whoever runs the function ([`CrashPlan::guard`]) drops it: the effect is
//! durable and nothing after it happened, which is what a killed process looks
//! like from outside.
//!
//! A request that only reads leaves nothing behind: a process that dies after it
//! leaves the same as one that dies after the effect before it. So a plan that
//! kills after each effect in turn does not count it. A plan that leaves it to
//! chance does, since time passes and others go on meanwhile.
//!
//! Effects outside a guarded future, a test's own requests say, are neither
//! counted nor the end of anything.

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use jiff::Timestamp;
use platform::clock::Clock as _;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::Notify;

use crate::client::{Layer, Operation, layered, plain};
use crate::virtual_time::VirtualClock;

tokio::task_local! {
    /// The process that runs on this task.
    static PROCESS: Process;
}

/// When to crash; cheap to clone, every clone counts together.
#[derive(Clone, Debug)]
pub struct CrashPlan(Arc<Mutex<State>>);

/// Which of the functions that ever ran this is, if it is one.
pub fn process() -> Option<u64> {
    Process::current().map(|process| process.0.id)
}

/// A function was killed after this effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Killed {
    /// Name of its last effect.
    pub effect: String,
}

#[derive(Debug)]
struct State {
    when: When,
    holds_fire: bool,
    effects: Vec<String>,
    crashes: Vec<String>,
    /// The processes that crashed, in the order of `crashes`.
    dead: Vec<u64>,
}

enum When {
    /// After so many effects that are no mere reading, counted over all functions.
    After(u64),
    Never,
    /// After each effect with this probability.
    Seeded(Box<SmallRng>, f64),
}

impl CrashPlan {
    /// Never crashes, and records nothing.
    pub fn never() -> Self {
        Self::new(When::Never)
    }

    /// Crashes once, after the `count`th effect from now that is no mere reading.
    /// With a count that is not reached it only records.
    pub fn after(count: u64) -> Self {
        Self::new(When::After(count))
    }

    /// Crashes after each effect with `probability`, always the same way for
    /// the same `seed` and the same effects.
    pub fn seeded(seed: u64, probability: f64) -> Self {
        let rng = Box::new(SmallRng::seed_from_u64(seed));
        Self::new(When::Seeded(rng, probability))
    }

    fn new(when: When) -> Self {
        Self(Arc::new(Mutex::new(State {
            when,
            holds_fire: false,
            effects: Vec::new(),
            crashes: Vec::new(),
            dead: Vec::new(),
        })))
    }

    /// Neither counts nor crashes until it opens fire.
    pub fn hold_fire(&self) {
        self.lock().holds_fire = true;
    }

    /// Counts and crashes from now on.
    pub fn open_fire(&self) {
        self.lock().holds_fire = false;
    }

    /// Runs `work` as one process, which this plan may kill.
    pub async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, Killed> {
        let process = Process::default();
        let mut work = pin!(PROCESS.scope(process.clone(), work));
        loop {
            tokio::select! {
                biased;
                () = process.0.signal.notified() => return Err(Killed {
                    effect: self.lock().crashes.last().cloned().unwrap_or_default(),
                }),
                () = process.0.freezer.notified() => process.thaw().await,
                output = &mut work => return Ok(output),
            }
        }
    }

    /// `inner`, each of whose requests is now an effect, named as in
    /// `dynamodb.UpdateItem` or `s3.PUT`.
    pub fn over(&self, inner: SharedHttpClient) -> SharedHttpClient {
        layered(self.clone(), inner)
    }

    /// A client for loopback each of whose requests is an effect.
    pub fn http_client(&self) -> SharedHttpClient {
        self.over(plain())
    }

    /// Counts an effect that was just made. True if the process must die of
    /// it: then the caller must never return.
    pub fn effect(&self, name: &str) -> bool {
        Process::current().is_some_and(|process| self.strikes(&process, name, false))
    }

    /// Counts an effect that was just made, and never returns if the process
    /// dies of it.
    pub async fn after_effect(&self, name: &str) {
        if self.effect(name) {
            pending().await
        }
    }

    /// The effects so far that were counted, in order.
    pub fn effects(&self) -> Vec<String> {
        self.lock().effects.clone()
    }

    /// The effects that were some process's last, in order.
    pub fn crashes(&self) -> Vec<String> {
        self.lock().crashes.clone()
    }

    /// The processes that crashed, as [`process`] names them, in order.
    pub fn crashed_processes(&self) -> Vec<u64> {
        self.lock().dead.clone()
    }

    fn strikes(&self, process: &Process, name: &str, reads: bool) -> bool {
        if process.is_dead() {
            return true;
        }
        let mut state = self.lock();
        if state.holds_fire {
            return false;
        }
        let strikes = match &mut state.when {
            When::Never => return false,
            When::After(_) if reads => return false,
            When::After(left) => {
                let strikes = *left == 1;
                *left = left.saturating_sub(1);
                strikes
            }
            When::Seeded(rng, probability) => rng.random_bool(*probability),
        };
        state.effects.push(name.to_owned());
        if strikes {
            state.crashes.push(name.to_owned());
            state.dead.push(process.0.id);
            process.kill();
        }
        strikes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of the plan panics")
    }
}

impl Layer for CrashPlan {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let Some(process) = Process::current() else {
            return next.call(request);
        };
        if process.is_dead() {
            return HttpConnectorFuture::new(pending());
        }
        let operation = Operation::of(&request);
        let plan = self.clone();
        let response = next.call(request);
        HttpConnectorFuture::new(async move {
            let response = response.await;
            if plan.strikes(&process, &operation.to_string(), operation.reads()) {
                pending::<()>().await;
            }
            response
        })
    }
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(left) => f.debug_tuple("After").field(left).finish(),
            Self::Never => f.write_str("Never"),
            Self::Seeded(_, probability) => f.debug_tuple("Seeded").field(probability).finish(),
        }
    }
}

/// One running function.
#[derive(Clone, Debug)]
pub(crate) struct Process(Arc<Life>);

#[derive(Debug)]
struct Life {
    id: u64,
    dead: AtomicBool,
    signal: Notify,
    freezer: Notify,
    frozen: Mutex<Option<(VirtualClock, Timestamp)>>,
    /// Requests under way.
    held: AtomicIsize,
}

impl Default for Process {
    fn default() -> Self {
        static PROCESSES: AtomicU64 = AtomicU64::new(1);
        Self(Arc::new(Life {
            id: PROCESSES.fetch_add(1, Ordering::Relaxed),
            dead: AtomicBool::new(false),
            signal: Notify::new(),
            freezer: Notify::new(),
            frozen: Mutex::default(),
            held: AtomicIsize::new(0),
        }))
    }
}

impl Process {
    pub(crate) fn current() -> Option<Self> {
        PROCESS.try_with(Self::clone).ok()
    }

    fn is_dead(&self) -> bool {
        self.0.dead.load(Ordering::Acquire)
    }

    fn kill(&self) {
        self.0.dead.store(true, Ordering::Release);
        self.0.signal.notify_one();
    }

    /// Nothing of this process goes on until `until`.
    pub(crate) fn freeze(&self, clock: VirtualClock, until: Timestamp) {
        *self.frozen() = Some((clock, until));
        self.0.freezer.notify_one();
    }

    /// Counts requests that begin or end.
    pub(crate) fn count_held(&self, change: isize) {
        self.0.held.fetch_add(change, Ordering::Relaxed);
    }

    /// Waits for the end of the frost.
    async fn thaw(&self) {
        let frozen = self.frozen().take();
        if let Some((clock, until)) = frozen {
            let held = self.0.held.load(Ordering::Relaxed);
            let _away = clock.without(usize::try_from(held).unwrap_or(0));
            clock.sleep_until(until).await;
        }
    }

    fn frozen(&self) -> MutexGuard<'_, Option<(VirtualClock, Timestamp)>> {
        self.0.frozen.lock().expect("no holder of the frost panics")
    }
}
