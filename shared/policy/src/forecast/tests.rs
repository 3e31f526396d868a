use std::collections::BTreeSet;

use insta::{assert_json_snapshot, assert_snapshot};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::block::Place;
use crate::campaign::{CampaignFacts, CampaignState};
use crate::consent::{Basis, Consent, Grant};
use crate::content::Category;
use crate::ids::{CampaignId, OwnerNonce};
use crate::jurisdiction::Jurisdictions;
use crate::limits::{FrequencyCap, Tier, TierBuckets};
use crate::pace::Pace;
use crate::person::{Claim, Person, Suppression, SuppressionSource};
use crate::phone::PhoneNumber;
use crate::purpose::{Purpose, Scope};
use crate::send::{Facts, Terms, Work};
use crate::subscription::Subscription;
use crate::token::ContactToken;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn campaign() -> CampaignFacts {
    CampaignFacts {
        id: CampaignId::from_uuid(Uuid::from_u128(1)),
        state: CampaignState::Validated,
        purpose: Purpose::parse("marketing.promo").unwrap(),
        not_after: None,
        sender: "106540352242922".to_owned(),
        answer: None,
    }
}

fn consent(purpose: &str) -> Consent {
    Consent::Granted(Grant {
        purposes: BTreeSet::from([Purpose::parse(purpose).unwrap()]),
        basis: Basis::ExplicitConsent,
        at: at("2026-01-01T00:00:00Z"),
        method: "web_form".to_owned(),
        notice: None,
        evidence: "imp_x#1".to_owned(),
        expires_at: None,
    })
}

fn subscription(number: &str, zone: Option<&str>, consent: Consent) -> Subscription {
    Subscription {
        phone: PhoneNumber::parse_e164(number).unwrap(),
        name: None,
        language: None,
        zone: zone.map(str::to_owned),
        external_id: None,
        attributes: Default::default(),
        consent,
    }
}

fn token(n: u128) -> ContactToken {
    ContactToken::from_bytes(n.to_be_bytes())
}

fn stopped() -> Person {
    Person {
        suppressions: [(
            Scope::marketing(),
            Suppression {
                at: at("2026-02-01T00:00:00Z"),
                source: SuppressionSource::Keyword,
                evidence: "evt".to_owned(),
            },
        )]
        .into(),
        ..Person::default()
    }
}

fn terms() -> Terms {
    Terms::new(Category::Marketing)
}

fn scenario<'a>(campaign: &'a CampaignFacts, terms: &'a Terms, starts_at: &str) -> Scenario<'a> {
    Scenario {
        campaign,
        terms,
        starts_at: at(starts_at),
        pace: Pace::usual(80, 2),
        tier: Tier { people: None },
        tier_taken: TierBuckets::default(),
        canary: None,
    }
}

/// One person of a test audience.
type Member = (ContactToken, Person, Subscription);

fn run(scenario: Scenario<'_>, people: &[Member]) -> Forecast {
    let mut simulator = Simulator::new(scenario);
    for (token, person, subscription) in people {
        simulator.push(*token, person, subscription);
    }
    simulator.finish()
}

/// People in Jakarta, as many as `n`.
fn jakarta(n: u128) -> Vec<Member> {
    let person = subscription("+6281234567890", Some("Asia/Jakarta"), consent("marketing"));
    (0..n)
        .map(|n| (token(n), Person::default(), person.clone()))
        .collect()
}

#[test]
fn a_forecast_reads_like_the_campaign() {
    let (campaign, terms) = (campaign(), terms());
    let mut people = jakarta(3_000);
    people.push((token(9_001), stopped(), people[0].2.clone()));
    let other = |number: &str, purpose: &str| subscription(number, None, consent(purpose));
    people.push((
        token(9_002),
        Person::default(),
        other("+6281234567891", "service"),
    ));
    people.push((
        token(9_003),
        Person::default(),
        other("+14155550123", "marketing"),
    ));
    people.push((
        token(9_004),
        Person::default(),
        other("+4915112345678", "marketing"),
    ));
    people.push((
        token(9_005),
        Person::default(),
        other("+33612345678", "marketing"),
    ));
    // 19:50 in Jakarta: ten minutes are left of the day.
    let forecast = run(scenario(&campaign, &terms, "2026-11-24T12:59:40Z"), &people);
    assert_json_snapshot!(forecast, {".policy_version" => "[version]"});
}

#[test]
fn a_tier_stretches_a_campaign_over_days() {
    let (campaign, terms) = (campaign(), terms());
    let scenario = Scenario {
        tier: Tier { people: Some(250) },
        ..scenario(&campaign, &terms, "2026-11-24T03:00:00Z")
    };
    let forecast = run(scenario, &jakarta(600));
    assert_eq!(forecast.planned, 600);
    assert_eq!(forecast.too_late, 0);
    let days: BTreeSet<String> = forecast
        .hours
        .iter()
        .map(|hour| hour.hour.to_string()[..10].to_owned())
        .collect();
    assert_eq!(days.len(), 3);
    assert!(forecast.waited_minutes["tier_full"] > 0);
}

#[test]
fn a_canary_goes_first_and_the_end_is_the_end() {
    let terms = terms();
    let until = |not_after| {
        let campaign = CampaignFacts {
            not_after,
            ..campaign()
        };
        run(
            Scenario {
                canary: Some((200, SignedDuration::from_hours(1))),
                ..scenario(&campaign, &terms, "2026-11-24T03:00:00Z")
            },
            &jakarta(1_000),
        )
    };
    let forecast = until(None);
    let hours: Vec<u64> = forecast.hours.iter().map(|hour| hour.messages).collect();
    assert_eq!(hours, [200, 800]);
    assert_eq!(forecast.waited_minutes["canary"], 60);
    let short = until(Some(at("2026-11-24T03:30:00Z")));
    assert_eq!(short.too_late, 800);
}

#[test]
fn prices_are_those_of_the_day() {
    let prices = Prices::embedded();
    let on = |day: &str| prices.of("ID", Category::Service, day.parse().unwrap());
    assert_eq!(on("2026-09-30"), Some(0));
    assert_eq!(on("2026-10-01"), Some(25_000));
    assert_eq!(on("2024-01-01"), None);
    let marketing = prices.of("ID", Category::Marketing, "2026-11-24".parse().unwrap());
    assert_eq!(marketing, Some(41_100));
}

fn work() -> Work {
    Work {
        place: Place { block: 2, index: 5 },
        attempt: 2,
        owner: OwnerNonce::from_uuid(Uuid::from_u128(9)),
        refused_attempt: None,
    }
}

#[test]
fn an_explanation_names_everything_in_order() {
    let campaign = CampaignFacts {
        state: CampaignState::Paused,
        ..campaign()
    };
    let mut terms = terms();
    terms.frequency = vec![FrequencyCap {
        purpose: Purpose::marketing(),
        most: 1,
        within: SignedDuration::from_hours(24),
    }];
    let mut person = stopped();
    person.marketing_declined_at = Some(at("2026-11-24T10:00:00Z"));
    person.claims.push(Claim {
        campaign: CampaignId::from_uuid(Uuid::from_u128(2)),
        block: 0,
        index: 0,
        attempt: 1,
        owner: OwnerNonce::from_uuid(Uuid::from_u128(3)),
        at: at("2026-11-24T13:00:00Z"),
        purpose: Purpose::marketing(),
        is_marketing: true,
        counted: None,
    });
    let subscription = subscription("+6281234567890", None, consent("service"));
    let reasoning = explain(&Facts {
        now: at("2026-11-24T14:00:00Z"),
        campaign: &campaign,
        token: token(1),
        person: &person,
        subscription: Some(&subscription),
        work: work(),
        jurisdictions: Jurisdictions::embedded(),
        terms: &terms,
    });
    let mut lines = vec![reasoning.decision.to_owned()];
    for reason in &reasoning.reasons {
        let until = reason
            .until
            .map_or(String::new(), |until| format!(" [{until}]"));
        lines.push(format!(
            "{}{until}: {} / {} ({})",
            reason.code, reason.english, reason.indonesian, reason.source
        ));
    }
    assert_snapshot!(lines.join("\n"));
}

fn any_member() -> impl Strategy<Value = Member> {
    let number = prop::sample::select(vec![
        "+6281234567890",
        "+6281234567891",
        "+4915112345678",
        "+919812345678",
        "+14155550123",
        "+6591234567",
    ]);
    let zone = prop::sample::select(vec![None, Some("Asia/Jakarta"), Some("Asia/Jayapura")]);
    let purpose = prop::sample::select(vec!["marketing", "marketing", "marketing", "service"]);
    (number, zone, purpose, prop::bool::weighted(0.1)).prop_map(|(number, zone, purpose, stop)| {
        let person = if stop { stopped() } else { Person::default() };
        (
            token(0),
            person,
            subscription(number, zone, consent(purpose)),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_forecast_keeps_every_limit(
        kinds in prop::collection::vec((any_member(), 1_usize..120), 1..8),
        starts in 1_790_000_000_i64..1_798_000_000,
        rate in 1_u32..4,
        tier in prop::option::of(20_u32..400),
    ) {
        let (campaign, terms) = (campaign(), terms());
        let people: Vec<Member> = kinds
            .into_iter()
            .flat_map(|(member, n)| std::iter::repeat_n(member, n))
            .collect();
        let pace = Pace { limit_per_second: rate, ..Pace::usual(1, 0) };
        let starts_at = Timestamp::from_second(starts).unwrap();
        let scenario = Scenario {
            starts_at,
            pace,
            tier: Tier { people: tier },
            ..scenario(&campaign, &terms, "2026-11-24T03:00:00Z")
        };
        let forecast = run(scenario.clone(), &people);
        let sent: u64 = forecast.hours.iter().map(|hour| hour.messages).sum();
        let excluded: u64 = forecast.excluded.values().sum();
        prop_assert_eq!(forecast.audience, people.len() as u64);
        prop_assert_eq!(forecast.planned + excluded, forecast.audience);
        prop_assert_eq!(sent + forecast.too_late, forecast.planned);
        prop_assert_eq!(forecast.countries.iter().map(|c| c.messages).sum::<u64>(), sent);
        let per_hour = pace.milli_rate() * 3_600 / 1_000 + 1;
        for (at, hour) in forecast.hours.iter().enumerate() {
            prop_assert!(hour.messages <= per_hour);
            // Somebody of the audience is awake in it.
            let end = hour.hour.saturating_add(SignedDuration::from_secs(3_599)).unwrap();
            let awake = people.iter().any(|(_, _, subscription)| {
                let from = hour.hour.max(starts_at);
                Jurisdictions::embedded()
                    .first_open(&subscription.phone, subscription.zone.as_deref(), Default::default(), None, from)
                    .is_some_and(|open| open <= end)
            });
            prop_assert!(awake, "{}", hour.hour);
            if let Some(most) = tier {
                let day: u64 = forecast.hours[at..]
                    .iter()
                    .take_while(|later| later.hour.duration_since(hour.hour).as_hours() < 24)
                    .map(|later| later.messages)
                    .sum();
                prop_assert!(day <= u64::from(most));
            }
        }
        // Order does not show, down to the byte.
        let mut reversed = people;
        reversed.reverse();
        let again = run(scenario, &reversed);
        prop_assert_eq!(
            serde_json::to_string(&forecast).unwrap(),
            serde_json::to_string(&again).unwrap()
        );
    }
}
