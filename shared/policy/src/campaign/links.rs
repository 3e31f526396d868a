//! Whether what is known of a message's links still lets it be sent.

use jiff::Timestamp;

use super::HoldReason;
use crate::links::Verdict;
use crate::preflight::age;

/// Why a campaign may not be sent by what was last found in its message;
/// `None` if it may. `looked` is when that was; `answered` says whether a named
/// person approved it and answers for its warnings.
///
/// Law: nothing is sent by a verdict that blocks, that is too old, or that
/// warns of something for which nobody answers.
pub fn links_hold(
    verdict: Verdict,
    looked: Timestamp,
    answered: bool,
    now: Timestamp,
) -> Option<HoldReason> {
    match verdict {
        Verdict::Block => Some(HoldReason::LinksHarmful),
        Verdict::Warn if !answered => Some(HoldReason::LinksHarmful),
        Verdict::Warn | Verdict::Allow => {
            age::is_expired(looked, now).then_some(HoldReason::LinksUnchecked)
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn only_a_fresh_and_answered_verdict_sends() {
        let looked: Timestamp = "2026-11-01T08:00:00Z".parse().unwrap();
        let fresh = looked + SignedDuration::from_hours(24);
        let late = looked + SignedDuration::from_hours(8 * 24);
        let harmful = Some(HoldReason::LinksHarmful);
        let unchecked = Some(HoldReason::LinksUnchecked);
        for (verdict, answered, now, hold) in [
            (Verdict::Allow, false, fresh, None),
            (Verdict::Allow, false, late, unchecked),
            (Verdict::Warn, true, fresh, None),
            (Verdict::Warn, true, late, unchecked),
            (Verdict::Warn, false, fresh, harmful),
            (Verdict::Block, true, fresh, harmful),
            (Verdict::Block, true, late, harmful),
        ] {
            assert_eq!(
                links_hold(verdict, looked, answered, now),
                hold,
                "{verdict:?}"
            );
        }
    }
}
