//! How often and how many: the person's patience, and WhatsApp's own limits.
//!
//! The figures are data, `data/limits.json`. [`FrequencyCap`], [`PairLimit`]
//! and [`cool_down`] look at one person, [`TierBuckets`] at everybody a
//! portfolio reaches in a day, [`judge_canary`] at the first people of a campaign.

mod canary;
mod table;
mod tier;

use jiff::{SignedDuration, Timestamp};

pub use self::canary::{CanaryBounds, CanaryCounts, CanaryMetric, CanaryVerdict, judge_canary};
pub use self::table::{BroadcastList, Limits};
pub use self::tier::{Counted, Tier, TierBuckets, TierFull};
use crate::person::CLAIM_KEPT;
use crate::purpose::Purpose;

/// At most so many messages of a purpose to one person within a time, over all
/// campaigns of the tenant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FrequencyCap {
    /// Of which purpose, with everything under it.
    pub purpose: Purpose,
    /// So many.
    pub most: u16,
    /// Within this time, at most [`FrequencyCap::LONGEST`].
    pub within: SignedDuration,
}

impl FrequencyCap {
    /// The longest time that can be looked back on: claims are forgotten after
    /// it.
    pub const LONGEST: SignedDuration = CLAIM_KEPT;

    /// When the next message fits in, given the moments of earlier ones,
    /// oldest first; `now` if it fits in at once.
    ///
    /// Law: with what is sent at the answer, no span of `within` holds more
    /// than `most`.
    pub fn opens<I>(&self, earlier: I, now: Timestamp) -> Timestamp
    where
        I: DoubleEndedIterator<Item = Timestamp>,
    {
        let Some(nth) = usize::from(self.most).checked_sub(1) else {
            return Timestamp::MAX;
        };
        match earlier.rev().nth(nth) {
            None => now,
            Some(oldest) => now.max(add(oldest, self.within)),
        }
    }
}

/// How fast messages may follow each other from one number to one person: one
/// for each interval, and a burst that is borrowed from the time after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PairLimit {
    /// From one message to the next.
    pub interval: SignedDuration,
    /// Most messages at once.
    pub burst: u16,
}

impl PairLimit {
    /// When the next message fits in, given the moments of earlier ones,
    /// oldest first; `now` if it fits in at once (GCRA, ITU-T I.371).
    pub fn opens(&self, earlier: impl Iterator<Item = Timestamp>, now: Timestamp) -> Timestamp {
        let borrowed = self
            .interval
            .saturating_mul(i32::from(self.burst.saturating_sub(1)));
        let free_at = earlier.fold(None, |free_at: Option<Timestamp>, sent| {
            let from = free_at.map_or(sent, |free_at| free_at.max(sent));
            Some(add(from, self.interval))
        });
        let opens = free_at.and_then(|free_at| free_at.saturating_sub(borrowed).ok());
        opens.map_or(now, |opens| now.max(opens))
    }
}

/// When marketing may be tried again after WhatsApp declined it for this person
/// (131049); `now` if it may at once.
pub fn cool_down(declined_at: Option<Timestamp>, now: Timestamp) -> Timestamp {
    match declined_at {
        Some(at) => now.max(add(at, Limits::embedded().marketing_cool_down())),
        None => now,
    }
}

fn add(moment: Timestamp, by: SignedDuration) -> Timestamp {
    moment.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
