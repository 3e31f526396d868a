//! Lambda's own store of asynchronous invocations: events that wait to be handed
//! to a function, at once at first and later again when it failed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use platform::clock::SharedClock;
use serde_json::Value;
use tokio::sync::Notify;

use crate::ids::Ids;

/// All events that wait; cheap to clone, every clone is the same store.
#[derive(Clone)]
pub struct Invocations(Arc<Store>);

struct Store {
    clock: SharedClock,
    ids: Ids,
    /// Wakes who waits for an event.
    arrival: Notify,
    waiting: Mutex<Vec<Waiting>>,
}

/// An event that waits for a function.
#[derive(Clone)]
pub struct Waiting {
    /// The id that all its attempts share.
    pub id: String,
    /// Logical id of the function.
    pub function: String,
    /// What the function will be given.
    pub event: Value,
    /// When Lambda took it over.
    pub accepted: Timestamp,
    /// When it may be handed over next.
    pub due: Timestamp,
    /// Attempts that failed.
    pub attempts: u32,
}

impl Invocations {
    /// An empty store.
    pub fn new(clock: SharedClock) -> Self {
        Self(Arc::new(Store {
            ids: Ids::new(clock.now()),
            clock,
            arrival: Notify::new(),
            waiting: Mutex::default(),
        }))
    }

    /// Takes `event` over for `function`, and answers before anybody ran.
    pub fn accept(&self, function: &str, event: Value) {
        let now = self.0.clock.now();
        self.keep(Waiting {
            id: self.0.ids.mint(),
            function: function.to_owned(),
            event,
            accepted: now,
            due: now,
            attempts: 0,
        });
    }

    /// Hands an event over a second time, as Lambda may.
    pub fn double(&self, id: &str) -> bool {
        let found = self.lock().iter().find(|event| event.id == id).cloned();
        let is_there = found.is_some();
        found.into_iter().for_each(|event| self.keep(event));
        is_there
    }

    /// Everything that waits, in the order in which it came.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.lock().clone()
    }

    /// When the next event for `function` may be handed over, or could have been.
    pub fn next_due(&self, function: &str) -> Option<Timestamp> {
        let waiting = self.lock();
        let mine = waiting.iter().filter(|event| event.function == function);
        mine.map(|event| event.due).min()
    }

    /// Takes out the event for `function` that has been due for longest.
    pub(crate) fn take(&self, function: &str) -> Option<Waiting> {
        let now = self.0.clock.now();
        let mut waiting = self.lock();
        let due = waiting.iter().enumerate();
        let due = due.filter(|(_, event)| event.function == function && event.due <= now);
        let (place, _) = due.min_by_key(|(_, event)| event.due)?;
        Some(waiting.remove(place))
    }

    /// The same, but waits until there is one.
    pub(crate) async fn next(&self, function: &str) -> Waiting {
        loop {
            // Made first, so that it knows of what arrives from here on.
            let arrival = self.0.arrival.notified();
            if let Some(event) = self.take(function) {
                return event;
            }
            match self.next_due(function) {
                None => arrival.await,
                Some(due) => tokio::select! {
                    () = arrival => (),
                    () = self.0.clock.sleep_until(due) => (),
                },
            }
        }
    }

    /// Keeps an event whose attempt failed, for another one after `delay`.
    pub(crate) fn put_back(&self, mut event: Waiting, delay: SignedDuration) {
        let due = self.0.clock.now().saturating_add(delay);
        event.due = due.expect("a signed duration is no calendar span");
        self.keep(event);
    }

    fn keep(&self, event: Waiting) {
        self.lock().push(event);
        self.0.arrival.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        let waiting = self.0.waiting.lock();
        waiting.expect("no holder of the events panics")
    }
}

/// Shows no events.
impl fmt::Debug for Invocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocations").finish_non_exhaustive()
    }
}

/// Shows whose it is, not what is in it.
impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            function,
            attempts,
            ..
        } = self;
        write!(f, "Waiting({id} for {function}, {attempts} failed)")
    }
}
