//! One standard queue as a plain data structure: time comes in as an argument.
//!
//! Every message sits in one ordered set under the moment at which it becomes
//! visible, so that receiving costs the same at any depth.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::message::{Attributes, NewMessage, Received, RefusedReceipt};

/// How a queue treats its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a received message stays hidden.
    pub visibility: SignedDuration,
    /// How long a sent message stays hidden.
    pub delay: SignedDuration,
    /// How long a message is kept.
    pub retention: SignedDuration,
    /// How long a receive waits that does not say.
    pub wait: SignedDuration,
    /// Largest message, in bytes, attributes included.
    pub max_message_bytes: usize,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
}

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// Name of the dead-letter queue.
    pub target: String,
    /// A message that was received so often is moved instead of received again.
    pub max_receives: u32,
}

/// SQS's defaults: 30 s hidden, 4 days kept, 1 MiB, no delay, no redrive.
impl Default for Settings {
    fn default() -> Self {
        Self {
            visibility: SignedDuration::from_secs(30),
            delay: SignedDuration::ZERO,
            retention: SignedDuration::from_hours(4 * 24),
            wait: SignedDuration::ZERO,
            max_message_bytes: super::message::MAX_BYTES,
            redrive: None,
        }
    }
}

/// How many messages a queue holds, by what they wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Could be received now.
    pub visible: usize,
    /// Were received and are neither deleted nor visible again.
    pub in_flight: usize,
    /// Were sent with a delay that has not passed.
    pub delayed: usize,
}

impl Depth {
    /// All messages together.
    pub fn total(&self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) settings: Settings,
    messages: HashMap<u64, Stored>,
    /// By the moment of becoming visible, then by age.
    due: BTreeSet<(Timestamp, u64)>,
    /// By the moment of being dropped.
    expiry: BTreeSet<(Timestamp, u64)>,
    next: u64,
}

/// A message while it is in a queue.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) attributes: Attributes,
    pub(super) group: Option<String>,
    pub(super) sent: Timestamp,
    pub(super) first_received: Option<Timestamp>,
    /// Receipts in all queues.
    pub(super) receives: u32,
    /// Name of the queue that gave it up, in a dead-letter queue.
    pub(super) source: Option<String>,
    visible: Timestamp,
    dropped: Timestamp,
    receives_here: u32,
}

impl Queue {
    pub(super) fn new(name: String, settings: Settings) -> Self {
        Self {
            name,
            settings,
            messages: HashMap::new(),
            due: BTreeSet::new(),
            expiry: BTreeSet::new(),
            next: 0,
        }
    }

    /// Takes a new message in.
    pub(super) fn send(&mut self, id: String, message: NewMessage, now: Timestamp) {
        let delay = message.delay.unwrap_or(self.settings.delay);
        self.insert(Stored {
            id,
            body: message.body,
            attributes: message.attributes,
            group: message.group,
            sent: now,
            first_received: None,
            receives: 0,
            source: None,
            visible: later(now, delay),
            dropped: later(now, self.settings.retention),
            receives_here: 0,
        });
    }

    /// Ids and texts of the messages that are visible now, untouched.
    pub(super) fn peek(&self, now: Timestamp) -> Vec<(String, String)> {
        self.due
            .iter()
            .take_while(|(visible, _)| *visible <= now)
            .filter_map(|(_, number)| self.messages.get(number))
            .map(|message| (message.id.clone(), message.body.clone()))
            .collect()
    }

    /// Takes in a message that `source` gave up. Its age goes on counting from
    /// when it was sent.
    pub(super) fn bury(&mut self, message: Stored, source: &str, now: Timestamp) {
        self.insert(Stored {
            source: Some(source.to_owned()),
            visible: now,
            dropped: later(message.sent, self.settings.retention),
            receives_here: 0,
            ..message
        });
    }

    fn insert(&mut self, message: Stored) {
        let number = self.next;
        self.next += 1;
        self.due.insert((message.visible, number));
        self.expiry.insert((message.dropped, number));
        self.messages.insert(number, message);
    }

    /// Hands out at most `max` visible messages and hides them for
    /// `visibility`. Those that were received `limit` times already come out
    /// second, for the dead-letter queue.
    pub(super) fn receive(
        &mut self,
        max: usize,
        visibility: SignedDuration,
        limit: Option<u32>,
        now: Timestamp,
    ) -> (Vec<Received>, Vec<Stored>) {
        self.expire(now);
        let (mut received, mut given_up) = (Vec::new(), Vec::new());
        while received.len() < max {
            let Some(&(due, number)) = self.due.first().filter(|(due, _)| *due <= now) else {
                break;
            };
            let message = self.messages.get_mut(&number).expect("due messages exist");
            if limit.is_some_and(|limit| message.receives_here >= limit) {
                given_up.extend(self.remove(number));
                continue;
            }
            self.due.remove(&(due, number));
            message.visible = later(now, visibility);
            self.due.insert((message.visible, number));
            message.receives += 1;
            message.receives_here += 1;
            message.first_received.get_or_insert(now);
            let receipt = format!("{}:{number}:{}", self.name, message.receives_here);
            received.push(Received::new(message, receipt));
        }
        (received, given_up)
    }

    /// Deletes the message of `receipt`. An older receipt than the last one
    /// deletes nothing and is no error, as SQS documents it.
    pub(super) fn delete(&mut self, receipt: &str) -> Result<(), RefusedReceipt> {
        let (number, receives) = self.read(receipt)?;
        let current = self.messages.get(&number);
        if current.is_some_and(|message| message.receives_here == receives) {
            self.remove(number);
        }
        Ok(())
    }

    /// Hides the message of `receipt` until `visibility` from now.
    pub(super) fn change_visibility(
        &mut self,
        receipt: &str,
        visibility: SignedDuration,
        now: Timestamp,
    ) -> Result<(), RefusedReceipt> {
        let (number, receives) = self.read(receipt)?;
        let message = self.messages.get_mut(&number);
        let Some(message) = message.filter(|message| message.receives_here == receives) else {
            return Err(RefusedReceipt::Gone);
        };
        if message.visible <= now {
            return Err(RefusedReceipt::NotInFlight);
        }
        self.due.remove(&(message.visible, number));
        message.visible = later(now, visibility);
        self.due.insert((message.visible, number));
        Ok(())
    }

    /// Forgets every message.
    pub(super) fn purge(&mut self) {
        self.messages.clear();
        self.due.clear();
        self.expiry.clear();
    }

    pub(super) fn depth(&mut self, now: Timestamp) -> Depth {
        self.expire(now);
        let mut depth = Depth::default();
        for message in self.messages.values() {
            match (message.visible <= now, message.receives_here) {
                (true, _) => depth.visible += 1,
                (false, 0) => depth.delayed += 1,
                (false, _) => depth.in_flight += 1,
            }
        }
        depth
    }

    /// Whether so many messages are in flight. Counts only when it could be.
    pub(super) fn in_flight_at_least(&mut self, limit: usize, now: Timestamp) -> bool {
        self.messages.len() >= limit && self.depth(now).in_flight >= limit
    }

    /// When the next message is, or was, due.
    pub(super) fn next_due(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.expire(now);
        self.due.first().map(|(due, _)| *due)
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some(&(_, number)) = self.expiry.first().filter(|(dropped, _)| *dropped <= now) {
            self.remove(number);
        }
    }

    fn remove(&mut self, number: u64) -> Option<Stored> {
        let message = self.messages.remove(&number)?;
        self.due.remove(&(message.visible, number));
        self.expiry.remove(&(message.dropped, number));
        Some(message)
    }

    /// The message number and the receipt count of a handle of this queue.
    fn read(&self, receipt: &str) -> Result<(u64, u32), RefusedReceipt> {
        let parts = receipt
            .strip_prefix(self.name.as_str())
            .and_then(|rest| rest.strip_prefix(':')?.split_once(':'))
            .and_then(|(number, receives)| Some((number.parse().ok()?, receives.parse().ok()?)));
        parts.ok_or(RefusedReceipt::Malformed)
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by)
        .expect("a signed duration is no calendar span")
}
