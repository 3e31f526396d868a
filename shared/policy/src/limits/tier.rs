//! How many people a portfolio may reach outside their service windows in any
//! 24 hours.
//!
//! Reservations are kept in spans of five minutes. A span counts for a day
//! after the *end of the next one*: so the sum over spans is never less than
//! the sum over any sliding day, even where a message leaves up to five minutes
//! after the moment it was reserved for. What that costs is two spans of a day,
//! 0.7 % of the tier.
//!
//! WhatsApp counts people, not messages. Somebody who is counted already gets a
//! later message without new room, and is counted where that one is; the earlier
//! place is given back once the later message is out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// A messaging limit of WhatsApp.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tier {
    /// Most people in a rolling day; `None` for no limit.
    pub people: Option<u32>,
}

/// What is reserved, by span of five minutes since 1970.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TierBuckets(BTreeMap<i64, u32>);

/// Where somebody's place in a portfolio's day is counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Counted {
    /// The business portfolio whose day it is.
    pub portfolio: String,
    /// The bucket of the reservation ([`TierBuckets::bucket`]).
    pub bucket: i64,
}

/// No room now.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the messaging limit has no room before {until}")]
pub struct TierFull {
    /// When there is room for one more.
    pub until: Timestamp,
}

/// Seconds of a bucket.
const BUCKET_S: i64 = 5 * 60;

/// Buckets before its own that a reservation may share a sliding day with, one
/// of them for messages that leave late.
const REACH: i64 = 24 * 3600 / BUCKET_S + 1;

impl TierBuckets {
    /// How long after the moment of its reservation a message may leave.
    pub const LATEST: SignedDuration = SignedDuration::from_secs(BUCKET_S);

    /// From stored buckets.
    pub fn from_entries(entries: impl IntoIterator<Item = (i64, u32)>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// The buckets, for storage.
    pub fn entries(&self) -> impl Iterator<Item = (i64, u32)> {
        self.0.iter().map(|(bucket, people)| (*bucket, *people))
    }

    /// The bucket of a moment.
    pub fn bucket(at: Timestamp) -> i64 {
        at.as_second().div_euclid(BUCKET_S)
    }

    /// How many more people fit in at `at`.
    ///
    /// Everything counts that shares a sliding day with `at`, and everything
    /// later besides: whoever was counted in a later bucket by a worker whose
    /// clock is ahead may have been taken from an earlier one.
    pub fn room(&self, tier: Tier, at: Timestamp) -> u32 {
        let Some(most) = tier.people else {
            return u32::MAX;
        };
        let day = self.0.range(Self::bucket(at) - REACH..);
        let taken: u64 = day.map(|(_, people)| u64::from(*people)).sum();
        u32::try_from(u64::from(most).saturating_sub(taken)).unwrap_or(u32::MAX)
    }

    /// Reserves up to `wanted` people at `at`, the moment of their slots, and
    /// says how many; if not even one, when there is room again.
    ///
    /// Law: no sliding day ever holds more people than the tier allows, in
    /// whatever order the reservations come and however people's places move, if
    /// every message leaves within [`TierBuckets::LATEST`] after `at`. That time
    /// holds the errors of clocks too: a message that leaves a minute after `at`
    /// leaves four minutes to them, one clock fast and another slow.
    pub fn reserve(&mut self, tier: Tier, at: Timestamp, wanted: u32) -> Result<u32, TierFull> {
        let granted = self.room(tier, at).min(wanted);
        if granted == 0 && wanted > 0 {
            return Err(TierFull {
                until: self.opens(tier, at),
            });
        }
        if granted > 0 {
            *self.0.entry(Self::bucket(at)).or_default() += granted;
        }
        Ok(granted)
    }

    /// Reserves one place at `at` for somebody who certainly has one in the
    /// bucket `earlier`, and says whether that one still counts; if not, nothing
    /// is reserved. It needs no room: every day from now on that holds the new
    /// place is a part of one that holds the earlier one, and the same person in
    /// it.
    pub fn reserve_again(&mut self, at: Timestamp, earlier: i64) -> bool {
        let bucket = Self::bucket(at);
        let newest = self.0.keys().next_back().map_or(bucket, |last| *last);
        let counts = earlier >= newest.max(bucket) - REACH && self.0.contains_key(&earlier);
        if counts {
            *self.0.entry(bucket).or_default() += 1;
        }
        counts
    }

    /// Gives back places that were reserved in `bucket`: of people whom no
    /// message reached, or who are counted in a later one.
    pub fn give_back(&mut self, bucket: i64, places: u32) {
        if let Some(people) = self.0.get_mut(&bucket) {
            *people = people.saturating_sub(places);
            if *people == 0 {
                self.0.remove(&bucket);
            }
        }
    }

    /// Whether a place in the bucket `earlier` shares a day with one in `bucket`
    /// and does not come after it.
    pub fn is_within_reach(earlier: i64, bucket: i64) -> bool {
        (bucket - REACH..=bucket).contains(&earlier)
    }

    /// Forgets what no longer counts at `now`.
    pub fn trim(&mut self, now: Timestamp) {
        self.0 = self.0.split_off(&(Self::bucket(now) - REACH));
    }

    /// The first moment at or after `at` with room for one more.
    pub fn opens(&self, tier: Tier, at: Timestamp) -> Timestamp {
        if self.room(tier, at) > 0 {
            return at;
        }
        let last = self.0.keys().next_back().copied().unwrap_or(0) + REACH + 1;
        (Self::bucket(at) + 1..=last)
            .map(start)
            .find(|moment| self.room(tier, *moment) > 0)
            .unwrap_or_else(|| {
                let day = SignedDuration::from_hours(24);
                at.saturating_add(day).unwrap_or(Timestamp::MAX)
            })
    }

    /// When to ask again for one more at or after `at`: there is room then, or
    /// what others reserved of late is used or given back.
    pub fn ask_again(&self, tier: Tier, at: Timestamp) -> Timestamp {
        let opens = self.opens(tier, at);
        let bucket = Self::bucket(at);
        if self.0.range(bucket - 1..).next().is_some() {
            opens.min(start(bucket + 2))
        } else {
            opens
        }
    }
}

fn start(bucket: i64) -> Timestamp {
    Timestamp::from_second(bucket.saturating_mul(BUCKET_S)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
