//! A campaign's course, in steps of a quarter of an hour.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Prices;
use crate::campaign::{CampaignFacts, CampaignState};
use crate::content::Category;
use crate::jurisdiction::Jurisdictions;
use crate::limits::{Tier, TierBuckets};
use crate::pace::Pace;
use crate::person::Person;
use crate::phone::PhoneNumber;
use crate::send::{self, Facts, Objection, Terms, Work};
use crate::subscription::Subscription;
use crate::token::ContactToken;

/// What is to be sent, and through what.
#[derive(Clone, Debug)]
pub struct Scenario<'a> {
    /// The campaign as it would run.
    pub campaign: &'a CampaignFacts,
    /// The tenant's terms.
    pub terms: &'a Terms,
    /// When it would start.
    pub starts_at: Timestamp,
    /// The number's pace.
    pub pace: Pace,
    /// The portfolio's daily limit.
    pub tier: Tier,
    /// What of it is taken already.
    pub tier_taken: TierBuckets,
    /// How many people come first, and how long the rest then waits for the
    /// verdict; `None` sends to all at once.
    pub canary: Option<(u32, SignedDuration)>,
}

/// What to expect. The same people and scenario give the same bytes, in
/// whatever order the people come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Which rules were asked.
    pub policy_version: &'static str,
    /// Everybody who was looked at.
    pub audience: u64,
    /// Of those, who would be sent to.
    pub planned: u64,
    /// Of those, who would not be reached before the campaign's end, or within
    /// two months.
    pub too_late: u64,
    /// Who would not be sent to, by the code of the first reason.
    pub excluded: BTreeMap<&'static str, u64>,
    /// When the first message leaves.
    pub first_at: Option<Timestamp>,
    /// When the last one has left.
    pub finished_at: Option<Timestamp>,
    /// How many leave in each hour that has any.
    pub hours: Vec<HourForecast>,
    /// Minutes in which everybody who was left had to wait, by the code of the
    /// reason.
    pub waited_minutes: BTreeMap<&'static str, i64>,
    /// ISO 4217 code of the prices' currency.
    pub currency: &'static str,
    /// The least and the most it costs, in millionths of the currency.
    pub cost_micros: (u64, u64),
    /// Messages to countries whose price nobody knows; they are not in the
    /// cost.
    pub unpriced: u64,
    /// By country.
    pub countries: Vec<CountryForecast>,
}

/// One hour.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct HourForecast {
    /// Its beginning, on the hour in UTC.
    pub hour: Timestamp,
    /// How many leave.
    pub messages: u64,
}

/// One country.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct CountryForecast {
    /// ISO 3166-1 alpha-2 code; `ZZ` if the number tells of none.
    pub country: String,
    /// How many leave.
    pub messages: u64,
    /// The price of one delivered message, where known.
    pub price_micros: Option<u64>,
}

/// Takes people one by one and keeps only how many are alike.
#[derive(Debug)]
pub struct Simulator<'a> {
    scenario: Scenario<'a>,
    campaign: CampaignFacts,
    audience: u64,
    excluded: BTreeMap<&'static str, u64>,
    groups: BTreeMap<GroupKey, Group>,
}

/// People who may be sent to at the same times and cost the same.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct GroupKey {
    country: String,
    zone: Option<String>,
    not_before: i64,
    has_quiet_hours: bool,
}

#[derive(Clone, Debug)]
struct Group {
    /// Anybody of them: all of a group have the same country and zone.
    phone: PhoneNumber,
    waiting: u64,
    sent: u64,
}

/// Seconds of a step. Every zone's offset is a multiple of it.
const STEP_S: i64 = 15 * 60;

/// How far ahead to look.
const HORIZON: SignedDuration = SignedDuration::from_hours(60 * 24);

impl<'a> Simulator<'a> {
    /// Starts a forecast.
    pub fn new(scenario: Scenario<'a>) -> Self {
        let campaign = CampaignFacts {
            state: CampaignState::Running,
            ..scenario.campaign.clone()
        };
        Self {
            scenario,
            campaign,
            audience: 0,
            excluded: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// Looks at one person as [`send::decide`] would at the start.
    pub fn push(&mut self, token: ContactToken, person: &Person, subscription: &Subscription) {
        self.audience += 1;
        let starts_at = self.scenario.starts_at;
        let facts = Facts {
            now: starts_at,
            campaign: &self.campaign,
            token,
            person,
            subscription: Some(subscription),
            work: Work::NONE,
            jurisdictions: Jurisdictions::embedded(),
            terms: self.scenario.terms,
        };
        let mut not_before = starts_at;
        for objection in send::objections(&facts) {
            match objection {
                Objection::Refuse(reason) => {
                    *self.excluded.entry(reason.code()).or_default() += 1;
                    return;
                }
                Objection::Defer { until, .. } => not_before = not_before.max(until),
            }
        }
        let rules = Jurisdictions::embedded();
        let country = rules
            .countries(&subscription.phone)
            .next()
            .map_or("ZZ", |country| country.iso2());
        let key = GroupKey {
            country: country.to_owned(),
            zone: subscription.zone.clone(),
            not_before: step_of(not_before, starts_at),
            has_quiet_hours: send::has_quiet_hours(&facts),
        };
        self.groups
            .entry(key)
            .or_insert_with(|| Group {
                phone: subscription.phone.clone(),
                waiting: 0,
                sent: 0,
            })
            .waiting += 1;
    }

    /// Runs the campaign to its end.
    ///
    /// Law: no hour holds more than the pace, no sliding day more than the
    /// tier, and nobody is counted in their quiet hours.
    pub fn finish(mut self) -> Forecast {
        let planned: u64 = self.groups.values().map(|group| group.waiting).sum();
        let mut course = Course::new(&self.scenario);
        while course.goes_on() && self.groups.values().any(|group| group.waiting > 0) {
            self.step(&mut course);
        }
        let too_late = self.groups.values().map(|group| group.waiting).sum();
        let mut forecast = Forecast {
            policy_version: crate::version::version(),
            audience: self.audience,
            planned,
            too_late,
            excluded: self.excluded,
            first_at: course.first_at,
            finished_at: course.last_at,
            hours: course
                .hours
                .into_iter()
                .map(|(hour, messages)| HourForecast { hour, messages })
                .collect(),
            waited_minutes: course.waited,
            currency: Prices::embedded().currency(),
            cost_micros: (0, 0),
            unpriced: 0,
            countries: Vec::new(),
        };
        forecast.price(
            &self.groups,
            self.scenario.terms.category,
            self.scenario.starts_at,
        );
        forecast
    }

    /// One step: whoever may be sent to shares what the step can carry.
    fn step(&mut self, course: &mut Course) {
        let (now, end) = (course.now, course.step_end());
        let scenario = &self.scenario;
        let rules = Jurisdictions::embedded();
        let last_moment = end
            .saturating_sub(SignedDuration::from_secs(1))
            .unwrap_or(end);
        let is_open = |key: &GroupKey, group: &Group| {
            let all_the_while = [now, last_moment].into_iter().all(|moment| {
                let zone = key.zone.as_deref();
                let (sector, window) = (scenario.terms.sector, scenario.terms.window.as_ref());
                let first = rules.first_open(&group.phone, zone, sector, window, moment);
                first == Some(moment)
            });
            key.not_before <= course.step && (!key.has_quiet_hours || all_the_while)
        };
        let open: Vec<GroupKey> = self
            .groups
            .iter()
            .filter(|(key, group)| group.waiting > 0 && is_open(key, group))
            .map(|(key, _)| key.clone())
            .collect();
        let waiting: u64 = open.iter().map(|key| self.groups[key].waiting).sum();
        if waiting == 0 {
            course.wait("quiet_hours");
            return;
        }
        let pace = course.pace_allows(scenario.pace);
        let canary = course.canary_allows();
        let tier = u64::from(course.taken.room(scenario.tier, now));
        if tier == 0 {
            course.wait("tier_full");
            return;
        }
        if canary == 0 {
            course.wait("canary");
            return;
        }
        let mut left = pace.min(canary).min(tier).min(waiting);
        course.send(scenario, left, waiting == left);
        // Each group its share of what leaves, the remainder to the last.
        let mut share_of = waiting;
        for key in open {
            let group = self.groups.get_mut(&key).expect("the key was just listed");
            let share = u128::from(left) * u128::from(group.waiting) / u128::from(share_of.max(1));
            let share = u64::try_from(share).unwrap_or(left).min(left);
            share_of -= group.waiting;
            group.waiting -= share;
            group.sent += share;
            left -= share;
        }
    }
}

impl Forecast {
    fn price(&mut self, groups: &BTreeMap<GroupKey, Group>, category: Category, at: Timestamp) {
        let prices = Prices::embedded();
        let day = at.to_zoned_datetime(TimeZone::UTC).date();
        let mut by_country = BTreeMap::<&str, u64>::new();
        for (key, group) in groups {
            *by_country.entry(&key.country).or_default() += group.sent;
        }
        for (country, messages) in by_country {
            let price = prices.of(country, category, day);
            match price {
                Some(price) => self.cost_micros.1 += price * messages,
                None => self.unpriced += messages,
            }
            self.countries.push(CountryForecast {
                country: country.to_owned(),
                messages,
                price_micros: price,
            });
        }
        // Whole millionths: rounding a forecast down loses nothing.
        self.cost_micros.0 = (self.cost_micros.1 as f64 * prices.delivered_at_least()) as u64;
    }
}

/// Where the simulation stands.
struct Course {
    now: Timestamp,
    step: i64,
    end: Timestamp,
    taken: TierBuckets,
    canary: Option<(u64, SignedDuration)>,
    sent: u64,
    /// What the pace could not carry of whole messages, in thousandths.
    carry: u64,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    hours: BTreeMap<Timestamp, u64>,
    waited: BTreeMap<&'static str, i64>,
}

impl Course {
    fn new(scenario: &Scenario<'_>) -> Self {
        let starts_at = scenario.starts_at;
        let horizon = starts_at.saturating_add(HORIZON).unwrap_or(Timestamp::MAX);
        let not_after = scenario.campaign.not_after.unwrap_or(horizon);
        Self {
            now: starts_at,
            step: 0,
            end: horizon.min(not_after),
            taken: scenario.tier_taken.clone(),
            canary: scenario
                .canary
                .map(|(people, wait)| (u64::from(people), wait)),
            sent: 0,
            carry: 0,
            first_at: None,
            last_at: None,
            hours: BTreeMap::new(),
            waited: BTreeMap::new(),
        }
    }

    fn goes_on(&self) -> bool {
        self.now < self.end
    }

    /// Steps end on quarters of the hour, so that each lies in one bucket of
    /// the tier and in one hour of every zone.
    fn step_end(&self) -> Timestamp {
        let next = (self.now.as_second().div_euclid(STEP_S) + 1) * STEP_S;
        Timestamp::from_second(next)
            .unwrap_or(Timestamp::MAX)
            .min(self.end)
    }

    fn pace_allows(&mut self, pace: Pace) -> u64 {
        let seconds = self.step_end().duration_since(self.now).as_secs();
        let milli = pace.milli_rate() * u64::try_from(seconds).unwrap_or(0) + self.carry;
        self.carry = milli % 1_000;
        milli / 1_000
    }

    fn canary_allows(&self) -> u64 {
        match self.canary {
            Some((people, _)) => people.saturating_sub(self.sent),
            None => u64::MAX,
        }
    }

    fn send(&mut self, scenario: &Scenario<'_>, messages: u64, is_rest: bool) {
        let (now, end) = (self.now, self.step_end());
        let wanted = u32::try_from(messages).unwrap_or(u32::MAX);
        let granted = self.taken.reserve(scenario.tier, now, wanted);
        debug_assert_eq!(granted, Ok(wanted), "the room was asked for first");
        self.first_at.get_or_insert(now);
        let takes = (messages * 1_000).div_ceil(scenario.pace.milli_rate().max(1));
        let takes = SignedDuration::from_secs(i64::try_from(takes).unwrap_or(STEP_S));
        self.last_at = now.saturating_add(takes).ok().map(|last| last.min(end));
        self.sent += messages;
        let hour = now.as_second().div_euclid(3_600) * 3_600;
        let hour = Timestamp::from_second(hour).unwrap_or(now);
        *self.hours.entry(hour).or_default() += messages;
        self.go_to(end);
        if let Some((people, wait)) = self.canary
            && self.sent >= people
            && !is_rest
        {
            self.canary = None;
            let until = end.saturating_add(wait).unwrap_or(Timestamp::MAX);
            while self.now < until && self.goes_on() {
                self.wait("canary");
            }
        }
    }

    fn wait(&mut self, reason: &'static str) {
        let end = self.step_end();
        *self.waited.entry(reason).or_default() += end.duration_since(self.now).as_mins();
        self.go_to(end);
    }

    fn go_to(&mut self, moment: Timestamp) {
        self.now = moment;
        self.step += 1;
        self.taken.trim(moment);
    }
}

/// The first step that begins at or after a moment.
fn step_of(moment: Timestamp, starts_at: Timestamp) -> i64 {
    if moment <= starts_at {
        return 0;
    }
    // Step 0 is the rest of the quarter in which the campaign starts.
    let first = starts_at.as_second().div_euclid(STEP_S);
    let begun = i64::from(moment.subsec_nanosecond() > 0);
    let before = moment.as_second() + begun - 1;
    before.div_euclid(STEP_S) - first + 1
}
