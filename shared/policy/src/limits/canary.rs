//! The first people of a campaign show whether the rest should get it.
//!
//! A bound is broken for sure when so many bad answers would be very unlikely
//! if the true rate were at the bound (an exact binomial test); then the
//! campaign stops at once, however few were asked. Over the bound but not for
//! sure is for a person to judge.

use serde::Deserialize;

/// How much trouble the first people may show.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub struct CanaryBounds {
    /// How many people come first.
    pub people: u32,
    /// Share of them whose answer must be known before the rest follows.
    pub answered: f64,
    /// Share that may say stop.
    pub most_stops: f64,
    /// Share that may fail for a reason of the recipient.
    pub most_failures: f64,
    /// Share that may have stopped marketing at WhatsApp (131050).
    pub most_platform_stops: f64,
    /// How unlikely "very unlikely" is.
    pub alpha: f64,
}

impl CanaryBounds {
    /// The same bounds for another number of first people.
    #[must_use]
    pub const fn of(self, people: u32) -> Self {
        Self { people, ..self }
    }

    /// How many answers are enough, of `people` who can answer.
    fn enough(&self, people: u64) -> u64 {
        (people as f64 * self.answered).ceil() as u64
    }
}

/// What the first people showed so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CanaryCounts {
    /// Messages whose fate is known: delivered, failed or rejected.
    pub settled: u32,
    /// People who said stop.
    pub stops: u32,
    /// Messages that failed or were rejected for a reason of the recipient.
    pub failures: u32,
    /// Messages refused because the person stopped marketing at WhatsApp.
    pub platform_stops: u32,
}

/// Which bound.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum CanaryMetric {
    /// Failures.
    Failures,
    /// Stops at WhatsApp.
    PlatformStops,
    /// Stops.
    Stops,
}

impl CanaryMetric {
    /// A stable code for storage and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::PlatformStops => "platform_stops",
            Self::Stops => "stops",
        }
    }
}

/// What to do with the rest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CanaryVerdict {
    /// Release it.
    Go,
    /// A bound is passed, but it may be chance: a person decides.
    Review(CanaryMetric),
    /// A bound is broken: pause the campaign.
    Stop(CanaryMetric),
    /// Too few answers yet.
    Wait,
}

/// Judges the first people of a campaign of `audience` people.
///
/// Law: more trouble never turns `Stop` into anything milder, and nothing is
/// released over a bound.
pub fn judge_canary(bounds: &CanaryBounds, counts: &CanaryCounts, audience: u64) -> CanaryVerdict {
    let metrics = [
        (CanaryMetric::Stops, counts.stops, bounds.most_stops),
        (
            CanaryMetric::PlatformStops,
            counts.platform_stops,
            bounds.most_platform_stops,
        ),
        (
            CanaryMetric::Failures,
            counts.failures,
            bounds.most_failures,
        ),
    ];
    // A stop may come before the message counts as delivered.
    let settled = |bad: u32| counts.settled.max(bad);
    for (metric, bad, most) in metrics {
        if at_least(bad, settled(bad), most) < bounds.alpha {
            return CanaryVerdict::Stop(metric);
        }
    }
    if u64::from(counts.settled) < bounds.enough(u64::from(bounds.people).min(audience)) {
        return CanaryVerdict::Wait;
    }
    for (metric, bad, most) in metrics {
        if f64::from(bad) > most * f64::from(settled(bad)) {
            return CanaryVerdict::Review(metric);
        }
    }
    CanaryVerdict::Go
}

/// The chance of `bad` or more among `all` if each is bad with chance `rate`.
fn at_least(bad: u32, all: u32, rate: f64) -> f64 {
    if bad == 0 {
        return 1.0;
    }
    if rate <= 0.0 {
        return 0.0;
    }
    if rate >= 1.0 {
        return 1.0;
    }
    let (good_ln, bad_ln) = ((1.0 - rate).ln(), rate.ln());
    // ln of the chance of exactly k, from one k to the next.
    let mut ln = f64::from(all) * good_ln;
    let mut below = ln.exp();
    for k in 1..bad {
        let ratio = f64::from(all - k + 1) / f64::from(k);
        ln += ratio.ln() + bad_ln - good_ln;
        below += ln.exp();
    }
    (1.0 - below).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::Limits;

    fn counts(settled: u32, stops: u32, failures: u32) -> CanaryCounts {
        CanaryCounts {
            settled,
            stops,
            failures,
            platform_stops: 0,
        }
    }

    #[test]
    fn the_binomial_test_is_exact() {
        // Values from the closed forms: 1 - 0.97^10, and both of two.
        assert!((at_least(1, 10, 0.03) - (1.0 - 0.97_f64.powi(10))).abs() < 1e-12);
        assert!((at_least(2, 2, 0.25) - 0.0625).abs() < 1e-12);
        assert!((at_least(0, 5, 0.5) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn trouble_stops_early_and_calm_goes_on() {
        let judge = |counts| judge_canary(&Limits::embedded().canary(), &counts, 100_000);
        assert_eq!(judge(counts(20, 0, 0)), CanaryVerdict::Wait);
        assert_eq!(
            judge(counts(20, 5, 0)),
            CanaryVerdict::Stop(CanaryMetric::Stops),
            "a quarter says stop: no need to ask more"
        );
        assert_eq!(judge(counts(200, 4, 20)), CanaryVerdict::Go);
        assert_eq!(
            judge(counts(200, 8, 20)),
            CanaryVerdict::Review(CanaryMetric::Stops)
        );
        assert_eq!(
            judge(counts(200, 0, 80)),
            CanaryVerdict::Stop(CanaryMetric::Failures)
        );
        let small = judge_canary(&Limits::embedded().canary(), &counts(12, 0, 0), 12);
        assert_eq!(
            small,
            CanaryVerdict::Go,
            "a small audience is its own canary"
        );
    }

    proptest! {
        #[test]
        fn more_trouble_is_never_milder(
            (settled, stops, more) in (0_u32..400).prop_flat_map(|settled| {
                (0..=settled).prop_flat_map(move |stops| {
                    (Just(settled), Just(stops), 0..=settled - stops)
                })
            }),
        ) {
            let bounds = Limits::embedded().canary();
            let rank = |stops| match judge_canary(&bounds, &counts(settled, stops, 0), 1_000_000) {
                CanaryVerdict::Go => 0,
                CanaryVerdict::Wait => 1,
                CanaryVerdict::Review(_) => 2,
                CanaryVerdict::Stop(_) => 3,
            };
            prop_assert!(rank(stops + more) >= rank(stops));
            if rank(stops) == 0 {
                prop_assert!(f64::from(stops) <= bounds.most_stops * f64::from(settled));
            }
        }
    }
}
