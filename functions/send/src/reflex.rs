//! How quick this process is here and now: how early a claim must begin, and
//! how many messages it can have in hand without missing their slots.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use jiff::SignedDuration;
use policy::pace::slots::{LEAST_LEAD_US, MOST_LEAD_US};

/// What one process remembers of its claims and slots.
#[derive(Debug)]
pub(crate) struct Reflex {
    /// The slowest claims of late.
    claim_us: AtomicI64,
    /// How many messages it has in hand at most: one more for each slot used, a
    /// sixteenth less for each one missed, so that a process which is too slow
    /// does less instead of everything too late.
    room: AtomicUsize,
    most: usize,
}

/// No process has fewer messages in hand.
const LEAST_ROOM: usize = 4;

/// A quicker claim takes so much of the difference off.
const FORGETS: i64 = 32;

/// From the end of a claim to its slot: what waking up may take.
const SLACK_US: i64 = 5_000;

impl Reflex {
    pub(crate) fn new(most: NonZeroUsize) -> Self {
        Self {
            claim_us: AtomicI64::new(0),
            room: AtomicUsize::new(most.get()),
            most: most.get(),
        }
    }

    /// How many messages may be in hand.
    pub(crate) fn room(&self) -> usize {
        self.room.load(Ordering::Relaxed)
    }

    /// Notes that a slot was used, or missed.
    pub(crate) fn used(&self, in_time: bool) {
        let room = self.room();
        let next = if in_time {
            room + 1
        } else {
            room.saturating_sub(room.div_ceil(16)).max(LEAST_ROOM)
        };
        self.room.store(next.min(self.most), Ordering::Relaxed);
    }

    /// Notes how long a claim took.
    pub(crate) fn note(&self, claim: SignedDuration) {
        let took = i64::try_from(claim.as_micros()).unwrap_or(MOST_LEAD_US);
        let known = self.claim_us.load(Ordering::Relaxed);
        let next = known.max(took) - (known - took).max(0) / FORGETS;
        self.claim_us
            .store(next.min(MOST_LEAD_US), Ordering::Relaxed);
    }

    /// How long before its slot a person is claimed.
    pub(crate) fn claim_lead(&self) -> SignedDuration {
        let known = self.claim_us.load(Ordering::Relaxed);
        SignedDuration::from_micros((known + SLACK_US).clamp(LEAST_LEAD_US / 2, MOST_LEAD_US))
    }

    /// How long before the first slot of a lease it is asked for: as long as the
    /// lease itself, a write too, and the first claim take.
    pub(crate) fn lease_lead(&self) -> SignedDuration {
        self.claim_lead() + self.claim_lead()
    }
}
