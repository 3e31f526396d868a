//! How far a clock is off, as far as others' words prove it.
//!
//! A date in an answer was true at some moment between question and answer.
//! Each date so bounds how far our clock is off; bounds that overlap are taken
//! together, and many answers make them narrow. Only what is *proved* counts:
//! a slow answer or a coarse date never accuses a good clock.

/// How far a clock is off against a reference, in microseconds: positive if it
/// is behind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Skew {
    bounds: Option<(i64, i64)>,
}

/// How long after the date in an answer it may have been written at the latest:
/// dates have whole seconds, and some servers write the date of a second again
/// for up to another one.
const DATE_WIDTH_US: i64 = 2_000_000;

/// How far a clock may provably be off and still time slots. Answers bound a
/// clock from below to within a round trip, so that one that is behind by more
/// is found after few answers.
pub const DATE_LIMIT_US: i64 = 50_000;

/// How far the clock of whoever leased last may provably be ahead of ours.
pub const PEER_LIMIT_US: i64 = 10_000;

impl Skew {
    /// Learns from a date: `date_us` (whole seconds) came with an answer that
    /// was asked for at `asked_us` and was there at `answered_us` by our clock.
    pub fn observe(&mut self, date_us: i64, asked_us: i64, answered_us: i64) {
        let (least, most) = (date_us - answered_us, date_us + DATE_WIDTH_US - asked_us);
        let joint = self
            .bounds
            .map(|(low, high)| (low.max(least), high.min(most)))
            .filter(|(low, high)| low <= high);
        // Bounds that exclude each other: a clock was set. The newest holds.
        self.bounds = Some(joint.unwrap_or((least, most)));
    }

    /// How far the clock is certainly off; 0 while it may be right.
    pub fn certain_us(&self) -> i64 {
        match self.bounds {
            Some((least, _)) if least > 0 => least,
            Some((_, most)) if most < 0 => most,
            _ => 0,
        }
    }

    /// Whether slots may be timed by this clock.
    pub fn is_bearable(&self) -> bool {
        self.certain_us().abs() <= DATE_LIMIT_US
    }
}

/// Whether a lease that was answered at `answered_us` by our clock proves that
/// whoever leased before, at `stamp_us` by theirs, has a clock too far ahead of
/// ours: they leased before we did.
pub fn is_behind_peer(stamp_us: i64, answered_us: i64) -> bool {
    stamp_us - answered_us > PEER_LIMIT_US
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    /// Answers of an honest server to a clock that is behind by `behind`.
    fn after(behind: i64, answers: &[(i64, i64, i64)]) -> Skew {
        let mut skew = Skew::default();
        let mut now = 1_800_000_000 * SECOND;
        for (gap, there, back) in answers {
            now += gap;
            let (asked, served) = (now, now + there);
            let answered = served + back;
            let date = served.div_euclid(SECOND) * SECOND;
            skew.observe(date, asked - behind, answered - behind);
        }
        skew
    }

    fn answers() -> impl Strategy<Value = Vec<(i64, i64, i64)>> {
        prop::collection::vec((0_i64..400_000, 500_i64..60_000, 500_i64..60_000), 1..60)
    }

    proptest! {
        #[test]
        fn a_good_clock_is_never_accused(answers in answers()) {
            prop_assert_eq!(after(0, &answers).certain_us(), 0);
        }

        /// What is proved is never more than what is true.
        #[test]
        fn no_clock_is_accused_of_more(behind in -5_000_000_i64..5_000_000, answers in answers()) {
            let certain = after(behind, &answers).certain_us();
            prop_assert!(certain.abs() <= behind.abs(), "{certain} of {behind}");
            prop_assert!(certain.signum() * behind.signum() >= 0);
        }
    }

    #[test]
    fn a_clock_that_is_behind_is_found_within_a_few_seconds() {
        // 80 answers a second, five milliseconds each.
        let answers = vec![(12_500, 2_500, 2_500); 240];
        let skew = after(100_000, &answers);
        assert!((80_000..=100_000).contains(&skew.certain_us()));
        assert!(!skew.is_bearable());
        assert!(after(20_000, &answers).is_bearable());
        // Ahead: a date says less about that.
        assert!(!after(-2_200_000, &answers).is_bearable());
    }

    #[test]
    fn a_clock_that_was_set_right_is_good_again() {
        let mut skew = after(3_000_000, &[(0, 1_000, 1_000); 3]);
        assert!(!skew.is_bearable());
        skew.observe(
            2_000_000_000 * SECOND,
            2_000_000_000 * SECOND + 100,
            2_000_000_000 * SECOND + 900,
        );
        assert!(skew.is_bearable());
    }

    #[test]
    fn whoever_leased_before_us_cannot_have_leased_after_us() {
        assert!(!is_behind_peer(1_000_000, 1_000_000));
        assert!(!is_behind_peer(1_010_000, 1_000_000));
        assert!(is_behind_peer(1_010_001, 1_000_000));
    }
}
