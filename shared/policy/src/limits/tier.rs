//! How many people a portfolio may reach outside their service windows in any
//! 24 hours.
//!
//! Reservations are kept in spans of five minutes. A span counts for a day
//! after the *end of the next one*: so the sum over spans is never less than
//! the sum over any sliding day, even where a message leaves up to five minutes
//! after the moment it was reserved for. What that costs is two spans of a day,
//! 0.7 % of the tier.

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
    pub fn room(&self, tier: Tier, at: Timestamp) -> u32 {
        let Some(most) = tier.people else {
            return u32::MAX;
        };
        let bucket = Self::bucket(at);
        // Every day that the bucket is part of, by its last bucket that counts.
        let later = self.0.range(bucket + 1..=bucket + REACH);
        let fullest = std::iter::once(bucket)
            .chain(later.map(|(end, _)| *end))
            .map(|end| self.people_in_day(end))
            .max()
            .unwrap_or(0);
        u32::try_from(u64::from(most).saturating_sub(fullest)).unwrap_or(u32::MAX)
    }

    /// Reserves up to `wanted` people at `at`, the moment of their slots, and
    /// says how many; if not even one, when there is room again.
    ///
    /// Law: no sliding day ever holds more than the tier allows, in whatever
    /// order the reservations come, if every message leaves within
    /// [`TierBuckets::LATEST`] after `at`.
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

    /// Gives back what was reserved at `at` and not used.
    pub fn give_back(&mut self, at: Timestamp, unused: u32) {
        let bucket = Self::bucket(at);
        if let Some(people) = self.0.get_mut(&bucket) {
            *people = people.saturating_sub(unused);
            if *people == 0 {
                self.0.remove(&bucket);
            }
        }
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
        if self.0.range(bucket - 1..=bucket).next().is_some() {
            opens.min(start(bucket + 2))
        } else {
            opens
        }
    }

    fn people_in_day(&self, end: i64) -> u64 {
        let day = self.0.range(end - REACH..=end);
        day.map(|(_, people)| u64::from(*people)).sum()
    }
}

fn start(bucket: i64) -> Timestamp {
    Timestamp::from_second(bucket.saturating_mul(BUCKET_S)).unwrap_or(Timestamp::MAX)
}
