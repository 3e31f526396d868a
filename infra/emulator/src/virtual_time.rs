//! Virtual time: hours in seconds, with everything running at once.
//!
//! A [`VirtualClock`] stands still as long as anything can still happen at the
//! present moment, and then jumps to the moment that somebody waits for next.
//! Unlike a manual clock it lets any number of workers wait side by side, so
//! the pollers, the timers and WhatsApp run as they do in real time.
//!
//! It works on a current-thread runtime that holds everything, services and
//! clients. "Nothing can happen any more" means: no request of the AWS SDK is
//! under way ([`VirtualClock::over`]), and for `QUIET_TURNS` turns of the
//! scheduler, each of which looks at the sockets too, nobody began a request
//! or a wait. A byte that is still between two sockets of this process then
//! arrives late, as on a slow network; nothing else can go wrong.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use platform::clock::Clock;
use tokio::sync::oneshot;

use crate::client::{Layer, layered};
use crate::crash::Process;

/// How many quiet turns of the scheduler end a moment: several times as many
/// as a request over loopback takes from its caller to its answer.
const QUIET_TURNS: u32 = 24;

/// A clock that jumps from event to event; cheap to clone, every clone is the
/// same clock.
#[derive(Clone)]
pub struct VirtualClock(Arc<Mutex<State>>);

struct State {
    now: Timestamp,
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    /// Of the sleepers.
    sequence: u64,
    /// Requests under way of processes that are not frozen.
    held: usize,
    /// Changes whenever somebody begins a request or a wait.
    stirs: u64,
}

impl VirtualClock {
    /// Starts at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(State {
            now,
            sleepers: BTreeMap::new(),
            sequence: 0,
            held: 0,
            stirs: 0,
        })))
    }

    /// `inner`, whose requests hold this clock still until they are answered.
    pub fn over(&self, inner: SharedHttpClient) -> SharedHttpClient {
        layered(HoldingStill(self.clone()), inner)
    }

    /// Moves the clock on whenever nothing can happen any more, for ever.
    /// `at_the_end` of each moment comes before the clock moves.
    pub async fn drive(&self, mut at_the_end: impl AsyncFnMut()) {
        let (mut quiet, mut seen) = (0, 0);
        loop {
            tokio::task::yield_now().await;
            let (held, stirs) = {
                let state = self.lock();
                (state.held, state.stirs)
            };
            if held > 0 || stirs != seen {
                (quiet, seen) = (0, stirs);
                continue;
            }
            quiet += 1;
            if quiet >= QUIET_TURNS {
                quiet = 0;
                at_the_end().await;
                self.advance();
            }
        }
    }

    /// Freezes the process that calls this until `until`, as Lambda freezes an
    /// environment: none of its tasks goes on, and then all of them do.
    pub async fn freeze(&self, until: Timestamp) {
        if let Some(process) = Process::current() {
            process.freeze(self.clone(), until);
        }
        self.sleep_until(until).await;
    }

    /// Takes the requests that a frozen process has under way out of account
    /// until the answer is dropped: they are answered, but nobody looks.
    pub(crate) fn without(&self, count: usize) -> impl Drop {
        struct Without(VirtualClock, usize);
        impl Drop for Without {
            fn drop(&mut self) {
                self.0.lock().held += self.1;
            }
        }
        self.lock().held -= count;
        Without(self.clone(), count)
    }

    /// Jumps to the next awaited moment and wakes everybody who waits for it.
    fn advance(&self) {
        let mut state = self.lock();
        let Some(((next, _), _)) = state.sleepers.first_key_value() else {
            return;
        };
        let next = *next;
        state.now = state.now.max(next);
        state.stirs += 1;
        while let Some(entry) = state.sleepers.first_entry()
            && entry.key().0 <= next
        {
            // Whoever does not wait any more needs no call.
            let _ = entry.remove().send(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of the clock panics")
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        let (call, called) = oneshot::channel();
        let mut state = self.lock();
        state.stirs += 1;
        if until <= state.now {
            return Box::pin(async {});
        }
        state.sequence += 1;
        let place = (until, state.sequence);
        state.sleepers.insert(place, call);
        drop(state);
        let sleeper = Sleeper { clock: self, place };
        Box::pin(async move {
            let _ = called.await;
            drop(sleeper);
        })
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("VirtualClock")
            .field("now", &state.now)
            .field("sleepers", &state.sleepers.len())
            .field("held", &state.held)
            .finish_non_exhaustive()
    }
}

/// Somebody who waits; gone when they do not wait any more.
struct Sleeper<'a> {
    clock: &'a VirtualClock,
    place: (Timestamp, u64),
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.place);
    }
}

/// Counts the requests under way.
#[derive(Debug)]
struct HoldingStill(VirtualClock);

impl Layer for HoldingStill {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let hold = Hold::new(&self.0);
        let response = next.call(request);
        HttpConnectorFuture::new(async move {
            let response = response.await;
            drop(hold);
            response
        })
    }
}

/// One request under way.
struct Hold(VirtualClock, Option<Process>);

impl Hold {
    fn new(clock: &VirtualClock) -> Self {
        let process = Process::current();
        if let Some(process) = &process {
            process.count_held(1);
        }
        let mut state = clock.lock();
        state.held += 1;
        state.stirs += 1;
        Self(clock.clone(), process)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(process) = &self.1 {
            process.count_held(-1);
        }
        let mut state = self.0.lock();
        state.held -= 1;
        state.stirs += 1;
    }
}
