//! When a message may arrive, by the clock of the person.
//!
//! A [`SendWindow`] is a span of the local day; everything outside it is quiet.
//! Where the person's zone is not known, every zone they may be in has its own
//! window, and only a moment inside all of them is good enough.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

/// The part of the local day in which messages may arrive: from `from`,
/// inclusive, until `until`, exclusive, on certain days.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SendWindow {
    from: Time,
    until: Time,
    closed_days: Vec<Weekday>,
    holidays: Option<Holidays>,
}

impl SendWindow {
    /// A window on every day of the week. It lies within one day, so `from`
    /// comes before `until`.
    pub fn new(from: Time, until: Time) -> Result<Self, EmptyWindowError> {
        if from >= until {
            return Err(EmptyWindowError);
        }
        Ok(Self {
            from,
            until,
            closed_days: Vec::new(),
            holidays: None,
        })
    }

    /// Parses the two ends as `08:00` and `20:00`.
    pub fn parse(from: &str, until: &str) -> Result<Self, EmptyWindowError> {
        let time = |text: &str| Time::strptime("%H:%M", text).map_err(|_| EmptyWindowError);
        Self::new(time(from)?, time(until)?)
    }

    /// The same window, shut on some days of the week.
    pub fn closed_on(mut self, days: impl IntoIterator<Item = Weekday>) -> Self {
        self.closed_days.extend(days);
        self
    }

    /// The same window, shut on holidays.
    pub fn closed_for(mut self, holidays: Holidays) -> Self {
        self.holidays = Some(holidays);
        self
    }

    /// The first and the last end, in local time.
    pub fn ends(&self) -> (Time, Time) {
        (self.from, self.until)
    }

    /// What is open in both; `None` if nothing is.
    pub(crate) fn intersect(&self, other: &Self) -> Option<Self> {
        let mut window = Self::new(self.from.max(other.from), self.until.min(other.until))
            .ok()?
            .closed_on(self.closed_days.iter().chain(&other.closed_days).copied());
        window.holidays = self.holidays.clone().or_else(|| other.holidays.clone());
        Some(window)
    }

    /// Whether a local moment lies inside.
    pub fn contains(&self, local: DateTime) -> bool {
        let time = local.time();
        self.from <= time && time < self.until && self.opens_on(local.date())
    }

    fn opens_on(&self, date: Date) -> bool {
        !self.closed_days.contains(&date.weekday())
            && !self.holidays.as_ref().is_some_and(|days| days.closed(date))
    }

    /// The first moment at or after `now` that lies inside, in `zone`; `None`
    /// if there is none within [`HORIZON_DAYS`].
    fn opens_at(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = zone.to_datetime(now);
        if self.contains(local) {
            return Some(now);
        }
        let days = std::iter::successors(Some(local.date()), |day| day.tomorrow().ok());
        days.take(HORIZON_DAYS)
            .filter(|day| self.opens_on(*day))
            .find_map(|day| {
                let opening = zone.to_ambiguous_timestamp(day.to_datetime(self.from));
                let first = opening.compatible().ok()?;
                // A clock that is set back passes its opening twice, and one
                // that is set forward may skip the whole window.
                let opens = if first > now {
                    first
                } else {
                    opening.later().ok()?
                };
                (opens > now && self.contains(zone.to_datetime(opens))).then_some(opens)
            })
    }
}

/// How many days ahead a good moment is looked for.
pub const HORIZON_DAYS: usize = 21;

/// The first moment at or after `now` that lies inside every window, each by
/// its own clock; `None` if there is none within [`HORIZON_DAYS`].
///
/// Law: the answer is `now` only if no window is shut, and otherwise a later
/// moment at which no window is.
pub fn first_open<'a, W>(now: Timestamp, windows: W) -> Option<Timestamp>
where
    W: Iterator<Item = (&'a SendWindow, &'a TimeZone)> + Clone,
{
    let mut moment = now;
    // Each round moves at least to the next opening of some window.
    for _ in 0..HORIZON_ROUNDS {
        // No window opens before the latest of their openings, so nothing is
        // skipped by going there.
        let mut latest = moment;
        for (window, zone) in windows.clone() {
            latest = latest.max(window.opens_at(moment, zone)?);
        }
        if latest == moment {
            return Some(moment);
        }
        moment = latest;
    }
    None
}

/// A few rounds for each day of the horizon.
const HORIZON_ROUNDS: usize = 4 * HORIZON_DAYS;

/// Days on which a country is closed. A year that the list does not have is
/// closed as a whole: what is not known is not a working day.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Holidays {
    years: BTreeSet<i16>,
    dates: BTreeSet<Date>,
}

impl Holidays {
    /// Adds the days of some years.
    pub fn add(
        &mut self,
        years: impl IntoIterator<Item = i16>,
        dates: impl IntoIterator<Item = Date>,
    ) {
        self.years.extend(years);
        self.dates.extend(dates);
    }

    /// Whether nothing may arrive on `date`.
    pub fn closed(&self, date: Date) -> bool {
        !self.years.contains(&date.year()) || self.dates.contains(&date)
    }
}

/// A window that would never be open, or whose ends are no times.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a window such as 08:00 to 20:00, within one day")]
pub struct EmptyWindowError;

#[cfg(test)]
mod tests;
