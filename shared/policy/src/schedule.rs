//! When a campaign starts: a local time and the zone whose clock shows it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// A start as an operator named it, and the moment it stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Start {
    /// The moment.
    pub at: Timestamp,
    /// The local time that was asked for.
    pub local: DateTime,
    /// The IANA name of the zone.
    pub zone: String,
    /// What the zone's clock does at that time.
    pub clock: LocalClock,
}

/// What a zone's clock does at a local time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LocalClock {
    /// It shows the time once.
    Once,
    /// It is set forward over the time: the start is as much later.
    Skips,
    /// It is set back and shows the time twice: the start is the first.
    Twice,
}

impl LocalClock {
    /// A stable code for the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Skips => "skips",
            Self::Twice => "twice",
        }
    }
}

/// Why a start cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StartError {
    /// The moment has passed.
    #[error("this moment has passed")]
    Past,
    /// The local time cannot be read.
    #[error("expected a local time such as 2026-12-01T09:00 without an offset")]
    Time,
    /// The message has no use by then.
    #[error("by then the message has no use: `not_after` is earlier")]
    TooLate,
    /// There is no such zone.
    #[error("expected an IANA time zone such as Asia/Jakarta")]
    Zone,
}

impl Start {
    /// The start that `local` names on the clock of `zone`.
    ///
    /// A time that the clock skips is moved forward by as much as the clock is;
    /// of one that it shows twice the first counts (RFC 5545, 3.3.5).
    pub fn read(
        local: &str,
        zone: &str,
        now: Timestamp,
        not_after: Option<Timestamp>,
    ) -> Result<Self, StartError> {
        let (local, tz) = (
            civil(local)?,
            TimeZone::get(zone).map_err(|_| StartError::Zone)?,
        );
        let ambiguous = tz.to_ambiguous_timestamp(local);
        let clock = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => LocalClock::Once,
            AmbiguousOffset::Gap { .. } => LocalClock::Skips,
            AmbiguousOffset::Fold { .. } => LocalClock::Twice,
        };
        let at = ambiguous.compatible().map_err(|_| StartError::Time)?;
        if at <= now {
            return Err(StartError::Past);
        }
        if not_after.is_some_and(|end| end <= at) {
            return Err(StartError::TooLate);
        }
        Ok(Self {
            at,
            local,
            zone: zone.to_owned(),
            clock,
        })
    }
}

/// A local time; one with an offset would say two things at once.
fn civil(text: &str) -> Result<DateTime, StartError> {
    let has_offset = text.ends_with(['Z', 'z'])
        || text
            .split_once(['T', 't', ' '])
            .is_some_and(|(_, time)| time.contains(['+', '-', '[']));
    if has_offset || !text.contains(['T', 't', ' ']) {
        return Err(StartError::Time);
    }
    text.parse().map_err(|_| StartError::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(local: &str, zone: &str) -> Result<(String, LocalClock), StartError> {
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let end = "2026-12-31T00:00:00Z".parse().unwrap();
        Start::read(local, zone, now, Some(end)).map(|start| (start.at.to_string(), start.clock))
    }

    #[test]
    fn a_local_time_becomes_a_moment() {
        let start = read("2026-06-01T09:00", "Asia/Jakarta").unwrap();
        assert_eq!(start, ("2026-06-01T02:00:00Z".to_owned(), LocalClock::Once));
    }

    #[test]
    fn a_time_that_the_clock_skips_comes_as_much_later() {
        let start = read("2026-03-29T02:30:00", "Europe/Berlin").unwrap();
        // 03:30 on the clock that was set forward.
        assert_eq!(
            start,
            ("2026-03-29T01:30:00Z".to_owned(), LocalClock::Skips)
        );
    }

    #[test]
    fn of_a_time_that_comes_twice_the_first_counts() {
        let start = read("2026-10-25T02:30:00", "Europe/Berlin").unwrap();
        assert_eq!(
            start,
            ("2026-10-25T00:30:00Z".to_owned(), LocalClock::Twice)
        );
        // Half an hour only: Lord Howe Island.
        let start = read("2026-04-05T01:45", "Australia/Lord_Howe").unwrap();
        assert_eq!(start.1, LocalClock::Twice);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (local, zone, why) in [
            ("2026-02-28T09:00", "Asia/Jakarta", StartError::Past),
            ("2027-01-01T09:00", "Asia/Jakarta", StartError::TooLate),
            ("2026-06-01T09:00", "Asia/Atlantis", StartError::Zone),
            ("2026-06-01T09:00Z", "Asia/Jakarta", StartError::Time),
            ("2026-06-01T09:00+07:00", "Asia/Jakarta", StartError::Time),
            ("2026-06-31T09:00", "Asia/Jakarta", StartError::Time),
            ("2026-06-01", "Asia/Jakarta", StartError::Time),
            ("tomorrow", "Asia/Jakarta", StartError::Time),
        ] {
            assert_eq!(read(local, zone), Err(why), "{local} {zone}");
        }
    }
}
