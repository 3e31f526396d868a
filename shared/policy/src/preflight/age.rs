//! How long a verdict on links or on a file is good for.
//!
//! What was harmless last week may have been found out since: lists of harmful
//! hosts and signatures of malware change every day.

use jiff::{SignedDuration, Timestamp};

/// How old a verdict may be when a message is sent by it.
pub const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// From which age on it is made anew while something is to be sent by it: a day
/// before it expires, so that a scanner may be down for a while.
pub const RENEWED: SignedDuration = SignedDuration::from_hours(6 * 24);

/// Whether a verdict of `looked` is too old to send by it. One of the future is
/// not: clocks differ by seconds.
pub fn is_expired(looked: Timestamp, now: Timestamp) -> bool {
    now.duration_since(looked) > KEPT
}

/// Whether a verdict of `looked` is to be made anew.
pub fn is_to_renew(looked: Timestamp, now: Timestamp) -> bool {
    now.duration_since(looked) > RENEWED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_renewed_a_day_before_it_expires() {
        let looked: Timestamp = "2026-11-01T08:00:00Z".parse().unwrap();
        let after = |hours| looked + SignedDuration::from_hours(hours);
        let stands = |hours| {
            (
                is_to_renew(looked, after(hours)),
                is_expired(looked, after(hours)),
            )
        };
        assert_eq!(stands(-1), (false, false));
        assert_eq!(stands(6 * 24), (false, false));
        assert_eq!(stands(6 * 24 + 1), (true, false));
        assert_eq!(stands(7 * 24), (true, false));
        assert_eq!(stands(7 * 24 + 1), (true, true));
    }
}
