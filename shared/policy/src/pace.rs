//! How fast slots may be handed out so that WhatsApp never sees too many.
//!
//! All slots of a number are at least `1/r` apart and each is used at most
//! `J` late, or not at all; the wire adds at most `N` of jitter, and two clocks
//! differ by at most `2ε`. Then the requests of any sliding second come from
//! slots within `1 + J + N + 2ε` seconds, and there are at most `R − I` of them
//! iff `r ≤ (R − I) / (1 + J + N + 2ε)`.
//!
//! [`slots`] hands the slots out; [`skew`] says when a clock may not be used
//! for them.

pub mod skew;
pub mod slots;

#[cfg(test)]
mod simulation;

use jiff::SignedDuration;

/// The limit of a number and what stands between a slot and its arrival.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// The number's throughput limit R, messages per second, both directions
    /// (Meta, "Throughput": 20, 80 or 1,000).
    pub limit_per_second: u32,
    /// The share I kept for inbound traffic, messages per second.
    pub inbound_per_second: u32,
    /// J: a slot later than this is forfeited.
    pub lateness: SignedDuration,
    /// N: how much longer one request may take to arrive than another.
    pub transit: SignedDuration,
    /// ε: how far a clock may be off.
    pub clock_error: SignedDuration,
}

impl Pace {
    /// The usual budget: J 5 ms, N 10 ms, ε 3 ms.
    pub const fn usual(limit_per_second: u32, inbound_per_second: u32) -> Self {
        Self {
            limit_per_second,
            inbound_per_second,
            lateness: SignedDuration::from_millis(5),
            transit: SignedDuration::from_millis(10),
            clock_error: SignedDuration::from_millis(3),
        }
    }

    /// The share of a limit that is kept for inbound traffic by default: a
    /// fortieth, at least 1 where the limit allows it.
    pub const fn usual_inbound(limit_per_second: u32) -> u32 {
        if limit_per_second < 2 {
            0
        } else {
            let share = limit_per_second / 40;
            if share == 0 { 1 } else { share }
        }
    }

    /// r in thousandths of a message per second, rounded down.
    pub fn milli_rate(&self) -> u64 {
        let outbound = u128::from(
            self.limit_per_second
                .saturating_sub(self.inbound_per_second),
        );
        let spread = self.lateness + self.transit + self.clock_error + self.clock_error;
        let window = 1_000_000 + u128::try_from(spread.as_micros()).unwrap_or(0);
        u64::try_from(outbound * 1_000 * 1_000_000 / window).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_rates() {
        assert_eq!(Pace::usual(80, 2).milli_rate(), 76_395);
        assert_eq!(Pace::usual(1_000, 20).milli_rate(), 959_843);
        assert_eq!(Pace::usual_inbound(80), 2);
        assert_eq!(Pace::usual_inbound(20), 1);
        assert_eq!(Pace::usual_inbound(1_000), 25);
    }

    proptest! {
        /// The proof, by brute force: slots `1/r` apart, each shifted by any
        /// lateness, transit and clock error within the budget.
        #[test]
        fn no_sliding_second_holds_more(
            limit in 5_u32..200,
            shifts in prop::collection::vec((0_i64..=5_000, 0_i64..=10_000, -3_000_i64..=3_000), 50..600),
        ) {
            let pace = Pace::usual(limit, Pace::usual_inbound(limit));
            let interval = 1_000_000_000_u64.div_ceil(pace.milli_rate());
            let mut arrivals: Vec<i64> = shifts
                .iter()
                .zip(0_i64..)
                .map(|((late, transit, clock), slot)| {
                    slot * i64::try_from(interval).unwrap() + late + transit + clock
                })
                .collect();
            arrivals.sort_unstable();
            let allowed = usize::try_from(limit - Pace::usual_inbound(limit)).unwrap();
            for window in arrivals.windows(allowed + 1) {
                prop_assert!(window[allowed] - window[0] >= 1_000_000);
            }
        }
    }
}
