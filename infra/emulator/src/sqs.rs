//! SQS: standard queues over the AWS JSON protocol, with time from a clock
//! that may be a test's own.
//!
//! It behaves as the SQS developer guide says, or it refuses; FIFO queues are
//! refused. [`Sqs`] is at once the in-process handle and, through
//! [`Sqs::serve`], the server that the AWS SDK talks to.

mod error;
mod message;
mod queue;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use platform::clock::SharedClock;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::account::arn;
use crate::ids::Ids;

pub use error::SqsError;
pub use message::{Attribute, AttributeValue, Attributes, MAX_BYTES, NewMessage, Received, Sent};
pub use queue::{Depth, Redrive, Settings};

pub(crate) use wire::{queue_url, system_attributes};

use queue::Queue;

/// Received and not deleted: more than this and SQS hands out nothing.
const MAX_IN_FLIGHT: usize = 120_000;

/// All queues; cheap to clone, every clone is the same service.
#[derive(Clone, Debug)]
pub struct Sqs(Arc<Service>);

#[derive(Debug)]
struct Service {
    clock: SharedClock,
    ids: Ids,
    queues: Mutex<BTreeMap<String, Queue>>,
    /// Woken whenever a message may have become visible earlier than thought.
    arrival: Notify,
}

impl Sqs {
    /// A service without queues.
    pub fn new(clock: SharedClock) -> Self {
        let ids = Ids::new(clock.now());
        Self(Arc::new(Service {
            clock,
            ids,
            queues: Mutex::default(),
            arrival: Notify::new(),
        }))
    }

    /// Answers the AWS SDK on `listener`, for ever.
    pub async fn serve(&self, listener: TcpListener) {
        wire::serve(self.clone(), listener).await;
    }

    /// Creates a queue. One that exists is left as it is if the settings are
    /// the same, and refused otherwise.
    pub fn create(&self, name: &str, settings: Settings) -> Result<(), SqsError> {
        if name.ends_with(".fifo") {
            return Err(SqsError::Unsupported("only standard queues are emulated"));
        }
        let named = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 80 || !name.chars().all(named) {
            return Err(SqsError::InvalidParameter("QueueName is not a queue name"));
        }
        let mut queues = self.lock();
        match queues.get(name) {
            Some(queue) if queue.settings != settings => Err(SqsError::QueueNameExists),
            Some(_) => Ok(()),
            None => {
                queues.insert(name.to_owned(), Queue::new(name.to_owned(), settings));
                Ok(())
            }
        }
    }

    /// The queues there are, in the order of their names.
    pub fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Forgets a queue and its messages.
    pub fn remove(&self, queue: &str) -> Result<(), SqsError> {
        let removed = self.lock().remove(queue);
        removed.map(drop).ok_or(SqsError::QueueDoesNotExist)
    }

    /// How `queue` treats its messages.
    pub fn settings(&self, queue: &str) -> Result<Settings, SqsError> {
        self.with(queue, |queue, _| Ok(queue.settings.clone()))
    }

    /// Changes how `queue` treats its messages from now on.
    pub fn configure(&self, queue: &str, settings: Settings) -> Result<(), SqsError> {
        self.with(queue, |queue, _| {
            queue.settings = settings;
            Ok(())
        })
    }

    /// Sends one message.
    pub fn send(&self, queue: &str, message: NewMessage) -> Result<Sent, SqsError> {
        message.check()?;
        let sent = Sent {
            id: self.0.ids.mint(),
            body_md5: message::body_md5(&message.body),
            attributes_md5: message::attributes_md5(&message.attributes),
        };
        self.with(queue, |queue, now| {
            if message.bytes() > queue.settings.max_message_bytes {
                return Err(SqsError::MessageTooLong);
            }
            queue.send(sent.id.clone(), message, now);
            Ok(())
        })?;
        self.0.arrival.notify_waiters();
        Ok(sent)
    }

    /// Ids and texts of the messages that are visible now. Nothing is received:
    /// for tests that look without touching.
    pub fn peek(&self, queue: &str) -> Result<Vec<(String, String)>, SqsError> {
        let now = self.0.clock.now();
        let queues = self.lock();
        let queue = queues.get(queue).ok_or(SqsError::QueueDoesNotExist)?;
        Ok(queue.peek(now))
    }

    /// Receives at most `max` messages that are visible now, and hides them for
    /// `visibility` or, if that is none, for the queue's own time. Messages
    /// that were received too often go to the dead-letter queue on the way.
    pub fn receive(
        &self,
        queue: &str,
        max: usize,
        visibility: Option<SignedDuration>,
    ) -> Result<Vec<Received>, SqsError> {
        let now = self.0.clock.now();
        let mut queues = self.lock();
        let redrive = queues
            .get(queue)
            .and_then(|queue| queue.settings.redrive.clone());
        let redrive = redrive.filter(|redrive| queues.contains_key(&redrive.target));
        let source = queues.get_mut(queue).ok_or(SqsError::QueueDoesNotExist)?;
        if source.in_flight_at_least(MAX_IN_FLIGHT, now) {
            return Err(SqsError::OverLimit);
        }
        let visibility = visibility.unwrap_or(source.settings.visibility);
        let limit = redrive.as_ref().map(|redrive| redrive.max_receives);
        let (received, given_up) = source.receive(max, visibility, limit, now);
        if given_up.is_empty() {
            return Ok(received);
        }
        if let Some(target) = redrive.and_then(|redrive| queues.get_mut(&redrive.target)) {
            for message in given_up {
                target.bury(message, queue, now);
            }
            self.0.arrival.notify_waiters();
        }
        Ok(received)
    }

    /// Like [`Self::receive`], but waits up to `wait` for the first message.
    /// It wakes at once when one arrives or becomes visible.
    pub async fn poll(
        &self,
        queue: &str,
        max: usize,
        visibility: Option<SignedDuration>,
        wait: SignedDuration,
    ) -> Result<Vec<Received>, SqsError> {
        let deadline = later(self.0.clock.now(), wait);
        loop {
            // Made first, so that it knows of what arrives from here on.
            let arrival = self.0.arrival.notified();
            let received = self.receive(queue, max, visibility)?;
            if !received.is_empty() || self.0.clock.now() >= deadline {
                return Ok(received);
            }
            let due = self.next_due(queue)?.unwrap_or(deadline).min(deadline);
            tokio::select! {
                () = arrival => (),
                () = self.0.clock.sleep_until(due) => (),
            }
        }
    }

    /// Deletes the message that was received as `receipt`.
    pub fn delete(&self, queue: &str, receipt: &str) -> Result<(), SqsError> {
        self.with(queue, |queue, _| Ok(queue.delete(receipt)?))
    }

    /// Hides the message that was received as `receipt` until `visibility`
    /// from now; zero makes it visible at once.
    pub fn change_visibility(
        &self,
        queue: &str,
        receipt: &str,
        visibility: SignedDuration,
    ) -> Result<(), SqsError> {
        self.with(queue, |queue, now| {
            Ok(queue.change_visibility(receipt, visibility, now)?)
        })?;
        self.0.arrival.notify_waiters();
        Ok(())
    }

    /// How many messages `queue` holds.
    pub fn depth(&self, queue: &str) -> Result<Depth, SqsError> {
        self.with(queue, |queue, now| Ok(queue.depth(now)))
    }

    /// When the next message of `queue` becomes visible, or did.
    pub fn next_due(&self, queue: &str) -> Result<Option<Timestamp>, SqsError> {
        self.with(queue, |queue, now| Ok(queue.next_due(now)))
    }

    /// Forgets all messages of `queue`.
    pub fn purge(&self, queue: &str) -> Result<(), SqsError> {
        self.with(queue, |queue, _| {
            queue.purge();
            Ok(())
        })
    }

    fn with<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Queue, Timestamp) -> Result<T, SqsError>,
    ) -> Result<T, SqsError> {
        let now = self.0.clock.now();
        let mut queues = self.lock();
        act(
            queues.get_mut(name).ok_or(SqsError::QueueDoesNotExist)?,
            now,
        )
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Queue>> {
        self.0
            .queues
            .lock()
            .expect("no holder of the queues panics")
    }
}

/// The ARN of the queue called `name`.
pub fn queue_arn(name: &str) -> String {
    arn("sqs", name)
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by)
        .expect("a signed duration is no calendar span")
}
