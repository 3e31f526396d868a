//! The limits that the API enforces: throughput, pair, tier, marketing.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::later;
use crate::config::Tier;
use crate::wa_id::WaId;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Messages of one number in the last second, in and out.
///
/// The window is half open: two messages exactly one second apart do not share
/// one.
#[derive(Debug)]
pub(crate) struct ThroughputWindow {
    limit: usize,
    counted: VecDeque<Timestamp>,
}

impl ThroughputWindow {
    pub(crate) fn new(limit_per_second: u32) -> Self {
        Self {
            limit: limit_per_second as usize,
            counted: VecDeque::new(),
        }
    }

    /// Counts a request that arrived at `at`, unless the window is full.
    /// A request that is turned away leaves no trace.
    pub(crate) fn admit(&mut self, at: Timestamp) -> bool {
        self.forget_before(at);
        if self.counted.len() >= self.limit {
            return false;
        }
        self.count(at);
        true
    }

    /// Counts an inbound message, which nothing turns away.
    pub(crate) fn count(&mut self, at: Timestamp) {
        // Arrivals are stamped before they queue for the world's lock, so the
        // last few may come out of order.
        let place = self.counted.iter().rposition(|counted| *counted <= at);
        self.counted.insert(place.map_or(0, |place| place + 1), at);
    }

    fn forget_before(&mut self, at: Timestamp) {
        while let Some(first) = self.counted.front()
            && at.duration_since(*first) >= SECOND
        {
            self.counted.pop_front();
        }
    }
}

/// One message per six seconds between a business number and a person, with up
/// to 45 within six seconds that borrow from the time after.
#[derive(Debug, Default)]
pub(crate) struct PairLimit {
    pairs: HashMap<WaId, Burst>,
}

#[derive(Debug)]
struct Burst {
    began: Timestamp,
    messages: u32,
}

impl PairLimit {
    const PACE: Duration = Duration::from_secs(6);
    const BURST: u32 = 45;

    pub(crate) fn admit(&mut self, person: &WaId, at: Timestamp) -> bool {
        match self.pairs.get_mut(person) {
            Some(burst) if at < later(burst.began, Self::PACE) => {
                let room = burst.messages < Self::BURST;
                burst.messages += u32::from(room);
                room
            }
            Some(burst) if at < later(burst.began, Self::PACE * burst.messages) => false,
            Some(_) | None => {
                let burst = Burst {
                    began: at,
                    messages: 1,
                };
                self.pairs.insert(person.clone(), burst);
                true
            }
        }
    }
}

/// People that a portfolio messaged outside a service window in the last 24
/// hours. A person counts from the first of these messages.
#[derive(Debug)]
pub(crate) struct TierWindow {
    tier: Tier,
    first_messaged: HashMap<WaId, Timestamp>,
    order: VecDeque<(Timestamp, WaId)>,
}

impl TierWindow {
    const WINDOW: SignedDuration = SignedDuration::from_hours(24);

    pub(crate) fn new(tier: Tier) -> Self {
        Self {
            tier,
            first_messaged: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Whether this person may be messaged now; remembers nothing.
    pub(crate) fn has_room(&mut self, person: &WaId, at: Timestamp) -> bool {
        while let Some((first, _)) = self.order.front()
            && at.duration_since(*first) >= Self::WINDOW
        {
            if let Some((_, person)) = self.order.pop_front() {
                self.first_messaged.remove(&person);
            }
        }
        match self.tier {
            Tier::Unlimited => true,
            Tier::Limited(people) => {
                self.first_messaged.contains_key(person)
                    || self.first_messaged.len() < people as usize
            }
        }
    }

    pub(crate) fn count(&mut self, person: &WaId, at: Timestamp) {
        if !self.first_messaged.contains_key(person) {
            self.first_messaged.insert(person.clone(), at);
            self.order.push_back((at, person.clone()));
        }
    }
}

/// Calls in a rolling hour.
#[derive(Debug)]
pub(crate) struct HourlyCalls {
    limit: usize,
    calls: VecDeque<Timestamp>,
}

impl HourlyCalls {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit: limit as usize,
            calls: VecDeque::new(),
        }
    }

    pub(crate) fn admit(&mut self, at: Timestamp) -> bool {
        while let Some(first) = self.calls.front()
            && at.duration_since(*first) >= SignedDuration::from_hours(1)
        {
            self.calls.pop_front();
        }
        let room = self.calls.len() < self.limit;
        if room {
            self.calls.push_back(at);
        }
        room
    }
}

#[cfg(test)]
mod tests;
