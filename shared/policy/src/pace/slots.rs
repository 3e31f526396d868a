//! The slot clock of a number: which slots are whose (GCRA, ITU-T I.371).
//!
//! One write moves `tat`, the next free moment, on by `k` slots and makes them
//! the writer's. Every write starts at the `tat` it finds or later, so all slots
//! of all workers are at least one interval apart, whoever crashes. The write is
//! *blind*: a worker need not know `tat`, only the epoch, which changes when the
//! rate is cut, and so the workers do not get into each other's way.
//!
//! [`SlotClock::apply`] is what the table's conditional write does; the
//! simulation in this crate and the table in `platform` share everything else.
//! Times are microseconds since 1970 by the clock of whoever asks.

use jiff::Timestamp;

/// The clock of one number, or of one campaign that has a pace of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SlotClock {
    /// The next free moment.
    pub tat: i64,
    /// Raised by every cut: a lease of an older epoch may be too fast.
    pub epoch: u64,
    /// What the last cut left, thousandths of a message per second.
    pub cut_milli_rate: u64,
    /// Until when the last cut stops everything; from then on the rate recovers.
    pub paused_until: i64,
    /// The clock of whoever leased last.
    pub stamp: i64,
}

/// Who wants slots.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lane {
    /// A campaign: it leaves what is more than [`CAMPAIGN_HORIZON_US`] ahead to
    /// others.
    Campaign,
    /// A single message that somebody waits for.
    Triggered,
}

impl Lane {
    /// How far ahead of now slots may be reserved.
    const fn horizon_us(self) -> i64 {
        match self {
            Self::Campaign => CAMPAIGN_HORIZON_US,
            Self::Triggered => TRIGGERED_HORIZON_US,
        }
    }
}

/// How far ahead campaigns reserve: what a triggered message waits at most for
/// those before it.
pub const CAMPAIGN_HORIZON_US: i64 = 400_000;

/// How far ahead triggered messages reserve.
pub const TRIGGERED_HORIZON_US: i64 = 1_500_000;

/// From asking to the first slot at least: the lease's own round trip and a
/// claim's, where the table answers as usual.
pub const LEAST_LEAD_US: i64 = 40_000;

/// The same at most, however slow the table is.
pub const MOST_LEAD_US: i64 = 250_000;

/// Beyond the lead, a campaign's reservation begins at most so far ahead. A
/// worker that dies loses what it has ahead.
const CAMPAIGN_ROOM_US: i64 = 80_000;

/// How long a number is silent after WhatsApp said it was too fast.
pub const CUT_PAUSE_US: i64 = 1_000_000;

/// What a cut leaves of the rate, in fifths.
const CUT_KEEPS_FIFTHS: u64 = 4;

/// In how many equal steps, one each second, a cut rate comes back.
const RECOVERY_STEPS: u64 = 20;

/// No cut goes below one message per second.
const LEAST_MILLI_RATE: u64 = 1_000;

/// Disjoint time slots, ours alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The first slot.
    pub first_us: i64,
    /// From one slot to the next.
    pub interval_us: i64,
    /// How many.
    pub count: u32,
    /// The epoch that the lease was made in.
    pub epoch: u64,
}

impl Lease {
    /// The moment of slot `at`, counted from 0.
    pub fn slot(&self, at: u32) -> Timestamp {
        timestamp(self.slot_us(at))
    }

    /// The moment after the last slot.
    pub fn end(&self) -> Timestamp {
        self.slot(self.count)
    }

    const fn slot_us(&self, at: u32) -> i64 {
        self.first_us + self.interval_us * at as i64
    }
}

/// One conditional write: what it asks of the clock, and what it makes of it.
///
/// It succeeds iff the epoch is `epoch` and `tat` lies in `tat_from..=tat_to`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reservation {
    /// The epoch that the interval was reckoned in.
    pub epoch: u64,
    /// The least `tat` that this write takes.
    pub tat_from: i64,
    /// The greatest.
    pub tat_to: i64,
    /// Where the slots begin: after those reserved before, or here.
    pub start: Start,
    /// From one slot to the next.
    pub interval_us: i64,
    /// How many slots.
    pub count: u32,
    /// The rate behind the interval, for a clock that is not there yet.
    pub milli_rate: u64,
    /// The asker's clock.
    pub stamp: i64,
}

/// Where reserved slots begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// At `tat`: the number is busy.
    Follow,
    /// At this moment, which is later than `tat`: the number was idle.
    At(i64),
}

impl Reservation {
    /// By how much the slots move the clock on.
    pub fn length_us(&self) -> i64 {
        self.interval_us.saturating_mul(self.count.into())
    }

    /// The slots, where the write found `tat`.
    pub fn lease(&self, tat: i64) -> Lease {
        Lease {
            first_us: match self.start {
                Start::Follow => tat,
                Start::At(start) => start,
            },
            interval_us: self.interval_us,
            count: self.count,
            epoch: self.epoch,
        }
    }
}

/// What a worker asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wish {
    /// For whom.
    pub lane: Lane,
    /// How many slots at most.
    pub wanted: u32,
    /// The rate of a number that was not cut, thousandths per second.
    pub full: u64,
    /// How long from asking to the first slot.
    pub lead_us: i64,
    /// The asker's clock.
    pub now: i64,
}

/// What to do to get slots.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Plan {
    /// Try this write.
    Reserve(Reservation),
    /// Enough is reserved, or the number is silent: ask again then.
    Wait {
        /// When.
        until: Timestamp,
    },
}

/// One cut: a write that succeeds iff the epoch is still `epoch`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cut {
    /// The epoch whose slots were too fast.
    pub epoch: u64,
    /// What is left of the rate.
    pub milli_rate: u64,
    /// Until when nothing is leased.
    pub paused_until: i64,
}

impl SlotClock {
    /// A clock that nobody has used, for numbers that run at `milli_rate`.
    pub const fn unused(milli_rate: u64) -> Self {
        Self {
            tat: 0,
            epoch: 1,
            cut_milli_rate: milli_rate,
            paused_until: 0,
            stamp: 0,
        }
    }

    /// The present rate of a number whose full rate is `full`: what the last
    /// cut left, and a twentieth of what it took for each second since the
    /// silence. It is back at `full` within 21 seconds of a cut.
    pub fn milli_rate(&self, full: u64, now: i64) -> u64 {
        let floor = self.cut_milli_rate.clamp(LEAST_MILLI_RATE.min(full), full);
        let seconds = u64::try_from((now - self.paused_until) / 1_000_000).unwrap_or(0);
        let steps = seconds.min(RECOVERY_STEPS);
        floor + (full - floor) * steps / RECOVERY_STEPS
    }

    /// The write to try first, from a memory of the clock that may be old:
    /// that others keep the number busy is likely, and costs no reading.
    pub fn follow(&self, wish: &Wish) -> Plan {
        if self.paused_until > wish.now {
            return wait(self.paused_until);
        }
        Plan::Reserve(self.reservation(wish))
    }

    /// The write to try on a clock that was read just now.
    pub fn plan(&self, wish: &Wish) -> Plan {
        if self.paused_until > wish.now {
            return wait(self.paused_until);
        }
        let follow = self.reservation(wish);
        if self.tat > follow.tat_to {
            return wait(wish.now + (self.tat - follow.tat_to));
        }
        if self.tat >= follow.tat_from {
            return Plan::Reserve(follow);
        }
        Plan::Reserve(Reservation {
            tat_from: 0,
            tat_to: follow.tat_from - 1,
            start: Start::At(follow.tat_from),
            ..follow
        })
    }

    fn reservation(&self, wish: &Wish) -> Reservation {
        let Wish { lane, now, .. } = *wish;
        let rate = self.milli_rate(wish.full, now);
        let interval_us = interval_us(rate);
        let lead = wish.lead_us.clamp(LEAST_LEAD_US, MOST_LEAD_US);
        let room = match lane {
            Lane::Campaign => lead + CAMPAIGN_ROOM_US,
            Lane::Triggered => TRIGGERED_HORIZON_US,
        };
        // At most a quarter of a second's slots at a time, and no further ahead
        // than the lane's horizon.
        let fitting = u64::try_from((lane.horizon_us() - room) / interval_us).unwrap_or(0);
        let most = (rate / 4_000).min(fitting).max(1);
        Reservation {
            epoch: self.epoch,
            tat_from: now + lead,
            tat_to: now + room,
            start: Start::Follow,
            interval_us,
            count: u32::try_from(u64::from(wish.wanted).min(most)).unwrap_or(1),
            milli_rate: rate,
            stamp: now,
        }
    }

    /// The cut that a 130429 for a slot of `epoch` asks for; `None` if that
    /// epoch was cut already, since one burst is refused many times.
    pub fn cut(&self, epoch: u64, full: u64, now: i64) -> Option<Cut> {
        (epoch == self.epoch).then(|| Cut {
            epoch,
            milli_rate: (self.milli_rate(full, now) * CUT_KEEPS_FIFTHS / 5).max(LEAST_MILLI_RATE),
            paused_until: now + CUT_PAUSE_US,
        })
    }

    /// What the table's conditional write does: the lease, or why not: the
    /// clock is as it is.
    pub fn apply(&mut self, reservation: &Reservation) -> Result<Lease, Self> {
        let fits = reservation.epoch == self.epoch
            && (reservation.tat_from..=reservation.tat_to).contains(&self.tat);
        if !fits {
            return Err(*self);
        }
        let lease = reservation.lease(self.tat);
        self.tat = lease.first_us + reservation.length_us();
        self.stamp = reservation.stamp;
        Ok(lease)
    }

    /// What the table's conditional write of a cut does; whether it did.
    pub fn apply_cut(&mut self, cut: &Cut) -> bool {
        let fits = cut.epoch == self.epoch;
        if fits {
            self.epoch += 1;
            self.cut_milli_rate = cut.milli_rate;
            self.paused_until = cut.paused_until;
        }
        fits
    }
}

/// From slot to slot, rounded up: the rate is never exceeded.
pub fn interval_us(milli_rate: u64) -> i64 {
    i64::try_from(1_000_000_000_u64.div_ceil(milli_rate.max(1))).unwrap_or(i64::MAX)
}

fn wait(until_us: i64) -> Plan {
    Plan::Wait {
        until: timestamp(until_us),
    }
}

fn timestamp(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FULL: u64 = 76_395;
    const NOW: i64 = 1_800_000_000_000_000;

    #[test]
    fn a_cut_rate_is_back_within_half_a_minute() {
        let mut clock = SlotClock::unused(FULL);
        let mut now = NOW;
        assert_eq!(clock.milli_rate(FULL, now), FULL);
        for _ in 0..5 {
            let cut = clock.cut(clock.epoch, FULL, now).unwrap();
            assert!(clock.apply_cut(&cut));
            assert!(!clock.apply_cut(&cut), "one cut for each epoch");
            now = clock.paused_until;
        }
        let least = clock.milli_rate(FULL, now);
        assert!(least < FULL * 2 / 5, "five cuts leave {least}");
        let steps: Vec<u64> = (0..=20)
            .map(|second| clock.milli_rate(FULL, now + second * 1_000_000))
            .collect();
        assert!(steps.is_sorted_by(|a, b| a < b), "{steps:?}");
        assert_eq!(steps[20], FULL);
    }

    #[test]
    fn silence_lasts_until_the_rate_comes_back() {
        let mut clock = SlotClock::unused(FULL);
        let cut = clock.cut(1, FULL, NOW).unwrap();
        clock.apply_cut(&cut);
        let Plan::Wait { until } = clock.follow(&wish(Lane::Triggered, 1, NOW)) else {
            panic!("slots in the silence");
        };
        assert_eq!(until.as_microsecond(), NOW + CUT_PAUSE_US);
        assert_eq!(clock.cut(1, FULL, NOW), None);
    }

    #[test]
    fn a_campaign_leaves_the_far_slots_to_single_messages() {
        let mut clock = SlotClock::unused(FULL);
        let mut ahead = 0;
        while let Plan::Reserve(write) = clock.plan(&wish(Lane::Campaign, 100, NOW)) {
            clock.apply(&write).unwrap();
            ahead = clock.tat - NOW;
        }
        assert!((150_000..=CAMPAIGN_HORIZON_US).contains(&ahead), "{ahead}");
        let Plan::Reserve(write) = clock.plan(&wish(Lane::Triggered, 1, NOW)) else {
            panic!("a single message waits for a campaign");
        };
        let lease = clock.apply(&write).unwrap();
        assert!(lease.first_us <= NOW + CAMPAIGN_HORIZON_US);
    }

    fn wish(lane: Lane, wanted: u32, now: i64) -> Wish {
        Wish {
            lane,
            wanted,
            full: FULL,
            lead_us: LEAST_LEAD_US,
            now,
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Act {
        Ask {
            wanted: u32,
            triggered: bool,
            after: i64,
            stale: bool,
        },
        Refused {
            epochs_ago: u64,
        },
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            8 => (1_u32..300, any::<bool>(), 0_i64..700_000, any::<bool>()).prop_map(
                |(wanted, triggered, after, stale)| Act::Ask { wanted, triggered, after, stale }
            ),
            1 => (0_u64..3).prop_map(|epochs_ago| Act::Refused { epochs_ago }),
        ]
    }

    proptest! {
        /// Whatever is asked, remembered and refused, slots are at least a full
        /// interval apart, and no lease begins in the past.
        #[test]
        fn all_slots_are_an_interval_apart(
            limit in prop::sample::select(vec![20_u32, 80, 1_000]),
            acts in prop::collection::vec(act(), 1..120),
        ) {
            let full = crate::pace::Pace::usual(limit, crate::pace::Pace::usual_inbound(limit)).milli_rate();
            let mut clock = SlotClock::unused(full);
            let mut remembered = clock;
            let mut now = NOW;
            let mut slots: Vec<i64> = Vec::new();
            for act in acts {
                match act {
                    Act::Ask { wanted, triggered, after, stale } => {
                        now += after;
                        let lane = if triggered { Lane::Triggered } else { Lane::Campaign };
                        let wish = Wish { full, ..wish(lane, wanted, now) };
                        let plan = if stale {
                            remembered.follow(&wish)
                        } else {
                            clock.plan(&wish)
                        };
                        let Plan::Reserve(write) = plan else { continue };
                        match clock.apply(&write) {
                            Ok(lease) => {
                                prop_assert!(lease.first_us >= now + LEAST_LEAD_US);
                                prop_assert!(u64::from(lease.count) <= (full / 4_000).max(1));
                                slots.extend((0..lease.count).map(|at| lease.slot_us(at)));
                            }
                            Err(found) => {
                                prop_assert!(stale, "a fresh plan was refused");
                                remembered = found;
                            }
                        }
                    }
                    Act::Refused { epochs_ago } => {
                        let epoch = clock.epoch.saturating_sub(epochs_ago);
                        if let Some(cut) = clock.cut(epoch, full, now) {
                            prop_assert!(clock.apply_cut(&cut));
                        }
                    }
                }
            }
            let least = interval_us(full);
            for pair in slots.windows(2) {
                prop_assert!(pair[1] - pair[0] >= least);
            }
        }
    }
}
