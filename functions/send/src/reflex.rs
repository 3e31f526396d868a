//! How long a claim takes here and now, and so how early it must begin.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::SignedDuration;
use policy::pace::slots::{LEAST_LEAD_US, MOST_LEAD_US};

/// The slowest claims of late, remembered by one process.
#[derive(Debug, Default)]
pub(crate) struct Reflex {
    claim_us: AtomicI64,
}

/// A quicker claim takes so much of the difference off.
const FORGETS: i64 = 32;

/// From the end of a claim to its slot: what waking up may take.
const SLACK_US: i64 = 5_000;

impl Reflex {
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
