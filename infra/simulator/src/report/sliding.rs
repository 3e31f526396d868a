//! Sliding seconds, counted exactly.

use jiff::{SignedDuration, Timestamp};

/// What the windows of a series of arrivals hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Arrivals in the fullest.
    pub(crate) fullest: u64,
    /// Windows with more arrivals than the limit.
    pub(crate) over_limit: u64,
}

/// Looks at the half-open second that ends with each arrival: no other second
/// can hold more. `arrivals` are in order.
pub(crate) fn windows(arrivals: &[Timestamp], limit: u64) -> Windows {
    let mut found = Windows::default();
    let mut oldest = 0;
    for (newest, at) in arrivals.iter().enumerate() {
        while at.duration_since(arrivals[oldest]) >= SignedDuration::from_secs(1) {
            oldest += 1;
        }
        let held = (newest - oldest + 1) as u64;
        found.fullest = found.fullest.max(held);
        found.over_limit += u64::from(held > limit);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn two_pointers_agree_with_brute_force(
            gaps in prop::collection::vec(0_i64..700, 0..120),
            limit in 1_u64..10,
        ) {
            let mut at = 0;
            let times: Vec<i64> = gaps.iter().map(|gap| { at += gap; at }).collect();
            let arrivals: Vec<Timestamp> = times
                .iter()
                .map(|at| Timestamp::from_millisecond(*at).unwrap())
                .collect();
            let held: Vec<u64> = (0..times.len())
                .map(|i| times[..=i].iter().filter(|t| times[i] - **t < 1_000).count() as u64)
                .collect();
            prop_assert_eq!(windows(&arrivals, limit), Windows {
                fullest: held.iter().copied().max().unwrap_or(0),
                over_limit: held.iter().filter(|n| **n > limit).count() as u64,
            });
        }
    }

    #[test]
    fn arrivals_one_second_apart_share_no_window() {
        let arrivals = [0, 999, 1_000].map(|at| Timestamp::from_millisecond(at).unwrap());
        assert_eq!(windows(&arrivals, 1).fullest, 2);
        assert_eq!(windows(&arrivals[..1], 1).over_limit, 0);
    }
}
