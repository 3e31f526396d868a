//! How far a campaign is open: the first people alone, then one tranche after
//! the other.
//!
//! Blocks are numbered from 0 and opened in that order, so the gate is one
//! number: blocks below it may be released.

use jiff::{SignedDuration, Timestamp};

/// So many people at a time, and how long until the next so many.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tranche {
    /// So many people.
    pub people: u32,
    /// From one opening to the next.
    pub every: SignedDuration,
}

/// How many blocks of a campaign are open.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Gate {
    /// Blocks below this number may be released.
    pub open: u32,
    /// When the last of them were opened; `None` while none is.
    pub opened_at: Option<Timestamp>,
}

impl Gate {
    /// The gate at `now`: opened further where its time has come.
    ///
    /// `slice` is how many blocks the first people fill, while their answers
    /// are waited for; `size` is how many recipients a block has.
    ///
    /// Laws: a gate never closes; it never opens beyond the first people
    /// before they passed; between two openings lies at least the tranche's
    /// interval.
    #[must_use]
    pub fn at(
        self,
        now: Timestamp,
        slice: Option<u32>,
        tranche: Option<Tranche>,
        size: u32,
    ) -> Self {
        let whole = slice.unwrap_or(u32::MAX);
        let step = tranche.map_or(u32::MAX, |tranche| blocks_of(tranche.people, size));
        let due = match (self.opened_at, tranche) {
            (Some(at), Some(tranche)) => at.saturating_add(tranche.every).is_ok_and(|at| at <= now),
            (None, _) | (_, None) => true,
        };
        let open = if due {
            self.open.saturating_add(step).min(whole).max(self.open)
        } else {
            self.open
        };
        if open == self.open {
            self
        } else {
            Self {
                open,
                opened_at: Some(now),
            }
        }
    }

    /// How many blocks of `size` recipients the first `percent` of `audience`
    /// people fill; at least one.
    pub fn slice(audience: u64, percent: u8, size: u32) -> u32 {
        let people = (u128::from(audience) * u128::from(percent)).div_ceil(100);
        blocks_of(u32::try_from(people).unwrap_or(u32::MAX), size)
    }
}

/// How many blocks of `size` recipients hold `people`; at least one.
fn blocks_of(people: u32, size: u32) -> u32 {
    people.div_ceil(size.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn without_wishes_everything_is_open_at_once() {
        let gate = Gate::default().at(at(0), None, None, 100);
        assert_eq!(gate.open, u32::MAX);
    }

    #[test]
    fn the_first_people_hold_the_rest_back() {
        let slice = Gate::slice(1_000, 5, 10);
        assert_eq!(slice, 5);
        let gate = Gate::default().at(at(0), Some(slice), None, 10);
        assert_eq!(gate.open, 5);
        assert_eq!(gate.at(at(9_999), Some(slice), None, 10), gate);
        assert_eq!(gate.at(at(9_999), None, None, 10).open, u32::MAX);
        assert_eq!(Gate::slice(3, 1, 100), 1, "never nobody");
        assert_eq!(Gate::slice(1_000_000, 100, 100), 10_000);
    }

    proptest! {
        #[test]
        fn a_gate_opens_by_tranches_and_never_closes(
            people in 1_u32..5_000,
            size in 1_u32..=100,
            every in 1_i64..10_000,
            slice in prop::option::of(1_u32..50),
            mut moments in prop::collection::vec(0_i64..100_000, 1..40),
        ) {
            moments.sort_unstable();
            let tranche = Tranche { people, every: SignedDuration::from_secs(every) };
            let mut gate = Gate::default();
            for moment in moments {
                let next = gate.at(at(moment), slice, Some(tranche), size);
                prop_assert!(next.open >= gate.open);
                if let Some(slice) = slice {
                    prop_assert!(next.open <= slice);
                }
                if next != gate {
                    prop_assert_eq!(next.opened_at, Some(at(moment)));
                    prop_assert!(u64::from(next.open - gate.open) <= u64::from(people.div_ceil(size)));
                    if let Some(before) = gate.opened_at {
                        prop_assert!(at(moment).duration_since(before) >= tranche.every);
                    }
                }
                gate = next;
            }
        }
    }
}
