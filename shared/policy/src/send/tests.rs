mod answers;
mod laws;

use std::collections::BTreeSet;

use insta::assert_snapshot;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::campaign::CampaignState;
use crate::consent::{Basis, Consent, Grant};
use crate::content::Category;
use crate::person::{Claim, Suppression, SuppressionSource};
use crate::phone::PhoneNumber;
use crate::purpose::{Purpose, Scope};

const NOW: &str = "2026-11-24T03:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn campaign(state: CampaignState) -> CampaignFacts {
    CampaignFacts {
        id: CampaignId::from_uuid(Uuid::from_u128(1)),
        state,
        purpose: Purpose::parse("marketing.promo").unwrap(),
        not_after: None,
        sender: "106540352242922".to_owned(),
        answer: None,
    }
}

fn granted(purpose: &str) -> Consent {
    Consent::Granted(Grant {
        purposes: BTreeSet::from([Purpose::parse(purpose).unwrap()]),
        basis: Basis::ExplicitConsent,
        at: at("2026-01-01T00:00:00Z"),
        method: "web_form".to_owned(),
        notice: None,
        evidence: "imp_x#1".to_owned(),
        expires_at: Some(at("2027-01-01T00:00:00Z")),
    })
}

fn subscription(consent: Consent) -> Subscription {
    Subscription {
        phone: PhoneNumber::parse_e164("+6281234567890").unwrap(),
        name: None,
        language: None,
        zone: None,
        external_id: None,
        attributes: Default::default(),
        consent,
    }
}

fn stopped() -> Person {
    Person {
        version: 3,
        suppressions: [(
            Scope::marketing(),
            Suppression {
                at: at(NOW),
                source: SuppressionSource::Keyword,
                evidence: "evt".to_owned(),
            },
        )]
        .into(),
        claims: Vec::new(),
        ..Person::default()
    }
}

fn owner(n: u128) -> OwnerNonce {
    OwnerNonce::from_uuid(Uuid::from_u128(n))
}

fn work() -> Work {
    Work {
        place: Place { block: 2, index: 5 },
        attempt: 2,
        owner: owner(9),
        refused_attempt: None,
    }
}

fn claimed(attempt: u16, by: u128, place: Place) -> Person {
    Person {
        version: 4,
        claims: vec![Claim {
            campaign: campaign(CampaignState::Running).id,
            block: place.block,
            index: place.index,
            attempt,
            owner: owner(by),
            at: at(NOW),
            purpose: Purpose::marketing(),
            is_marketing: true,
            counted: None,
        }],
        ..Person::default()
    }
}

/// Decides at [`NOW`] and renders the answer the way a person would read it.
fn answer(campaign: &CampaignFacts, person: &Person, consent: Consent, work: Work) -> String {
    let subscription = subscription(consent);
    let decision = decide(&Facts {
        now: at(NOW),
        campaign,
        token: ContactToken::from_bytes([1; 16]),
        person,
        subscription: Some(&subscription),
        work,
        jurisdictions: Jurisdictions::embedded(),
        terms: &Terms::new(Category::Marketing),
    });
    match decision {
        Decision::Defer { until, reason } => format!("defer until {until}: {}", reason.code()),
        Decision::InDoubt => "in doubt".to_owned(),
        Decision::Refuse(refusal) => {
            let codes: Vec<&str> = refusal.reasons().map(RefusalReason::code).collect();
            format!("refuse: {}", codes.join(", "))
        }
        Decision::Send(permit) => format!("send at version {}", permit.person_version()),
    }
}

#[test]
fn a_yes_for_the_purpose_is_sent() {
    let running = campaign(CampaignState::Running);
    assert_snapshot!(answer(&running, &Person::default(), granted("marketing"), work()), @"send at version 0");
}

#[test]
fn every_reason_is_reported_in_order() {
    let cancelled = campaign(CampaignState::Cancelled);
    assert_snapshot!(
        answer(&cancelled, &stopped(), granted("service"), work()),
        @"refuse: campaign_cancelled, suppressed, consent_other_purpose"
    );
}

#[test]
fn a_pause_waits() {
    let paused = campaign(CampaignState::Paused);
    assert_snapshot!(
        answer(&paused, &Person::default(), granted("marketing"), work()),
        @"defer until 2026-11-24T03:15:00Z: campaign_paused"
    );
}

#[test]
fn claims_decide_between_ours_spent_in_doubt_and_elsewhere() {
    let running = campaign(CampaignState::Running);
    let place = work().place;
    let spent = Work {
        refused_attempt: Some(1),
        ..work()
    };
    let other = Place { block: 2, index: 6 };
    let say = |person: Person, work| answer(&running, &person, granted("marketing"), work);
    assert_snapshot!(say(claimed(2, 9, place), work()), @"send at version 4");
    assert_snapshot!(say(claimed(1, 8, place), work()), @"in doubt");
    assert_snapshot!(say(claimed(1, 8, place), spent), @"send at version 4");
    assert_snapshot!(say(claimed(2, 8, place), spent), @"in doubt");
    assert_snapshot!(say(claimed(1, 8, other), work()), @"refuse: already_claimed");
}

/// Decides about a person in `zone` at `now`, for a purpose and its category.
fn hour(now: &str, number: &str, zone: Option<&str>, purpose: &str, category: Category) -> String {
    let mut campaign = campaign(CampaignState::Running);
    campaign.purpose = Purpose::parse(purpose).unwrap();
    let mut subscription = subscription(granted(purpose));
    subscription.phone = PhoneNumber::parse_e164(number).unwrap();
    subscription.zone = zone.map(str::to_owned);
    let decision = decide(&Facts {
        now: at(now),
        campaign: &campaign,
        token: ContactToken::from_bytes([1; 16]),
        person: &Person::default(),
        subscription: Some(&subscription),
        work: work(),
        jurisdictions: Jurisdictions::embedded(),
        terms: &Terms::new(category),
    });
    match decision {
        Decision::Defer { until, reason } => format!("{} until {until}", reason.code()),
        Decision::InDoubt => "in doubt".to_owned(),
        Decision::Refuse(refusal) => refusal.first().code().to_owned(),
        Decision::Send(_) => "send".to_owned(),
    }
}

#[test]
fn advertising_waits_for_the_persons_morning_and_service_does_not() {
    use Category::{Marketing, Utility};

    let (late, id) = ("2026-11-24T12:30:00Z", "+6281234567890");
    let jakarta = Some("Asia/Jakarta");
    assert_snapshot!(hour(late, id, jakarta, "marketing.promo", Marketing), @"send");
    assert_snapshot!(
        hour(late, id, None, "marketing.promo", Marketing),
        @"quiet_hours until 2026-11-25T01:00:00Z"
    );
    assert_snapshot!(hour(late, id, None, "service.order", Utility), @"send");
    assert_snapshot!(hour(late, "+88213300001", None, "marketing", Marketing), @"no_good_hour");
}

#[test]
fn a_decline_keeps_advertising_away_for_a_day_and_service_goes_on() {
    let person = Person {
        marketing_declined_at: Some(at("2026-11-24T05:00:00Z")),
        ..Person::default()
    };
    let decided = |now: &str, purpose: &str, category| {
        let mut campaign = campaign(CampaignState::Running);
        campaign.purpose = Purpose::parse(purpose).unwrap();
        decide(&Facts {
            now: at(now),
            campaign: &campaign,
            token: ContactToken::from_bytes([1; 16]),
            person: &person,
            subscription: Some(&subscription(granted(purpose))),
            work: work(),
            jurisdictions: Jurisdictions::embedded(),
            terms: &Terms::new(category),
        })
    };
    let (soon, next_day) = ("2026-11-24T06:00:00Z", "2026-11-25T05:00:00Z");
    let advertising = decided(soon, "marketing", Category::Marketing);
    assert!(matches!(
        advertising,
        Decision::Defer { until, reason: DeferReason::MarketingCoolDown } if until == at(next_day)
    ));
    let service = decided(soon, "service.order", Category::Utility);
    assert!(matches!(service, Decision::Send(_)));
    let later = decided(next_day, "marketing", Category::Marketing);
    assert!(matches!(later, Decision::Send(_)));
}

fn any_state() -> impl Strategy<Value = CampaignState> {
    use CampaignState as S;
    prop::sample::select(vec![
        S::Planning,
        S::Running,
        S::Paused,
        S::Completed,
        S::Cancelled,
    ])
}

fn any_consent() -> impl Strategy<Value = Consent> {
    let purpose = prop::sample::select(vec![
        "marketing",
        "marketing.promo",
        "service",
        "marketing.news",
    ]);
    prop_oneof![
        Just(Consent::NeverAsked),
        Just(Consent::Requested { at: at(NOW) }),
        Just(Consent::Withdrawn { at: at(NOW) }),
        (
            purpose,
            0_i64..4_000_000_000,
            0_i64..4_000_000_000,
            any::<bool>()
        )
            .prop_map(|(purpose, given, expires, explicit)| {
                let Consent::Granted(grant) = granted(purpose) else {
                    unreachable!("granted() grants")
                };
                Consent::Granted(Grant {
                    at: Timestamp::from_second(given).unwrap(),
                    expires_at: Some(Timestamp::from_second(expires).unwrap()),
                    basis: if explicit {
                        Basis::ExplicitConsent
                    } else {
                        Basis::Relationship
                    },
                    ..grant
                })
            }),
    ]
}

proptest! {
    #[test]
    fn without_consent_nothing_leaves(
        second in 0_i64..4_000_000_000,
        state in any_state(),
        consent in any_consent(),
        is_stopped: bool,
    ) {
        let now = Timestamp::from_second(second).unwrap();
        let campaign = campaign(state);
        let person = if is_stopped { stopped() } else { Person::default() };
        let subscription = subscription(consent);
        let facts = Facts {
            now,
            campaign: &campaign,
            token: ContactToken::from_bytes([1; 16]),
            person: &person,
            subscription: Some(&subscription),
            work: work(),
            jurisdictions: Jurisdictions::embedded(),
            terms: &Terms::new(Category::Marketing),
        };
        match decide(&facts) {
            Decision::Send(permit) => {
                prop_assert!(subscription.consent.carries(&campaign.purpose, now).is_ok());
                prop_assert!(!is_stopped);
                prop_assert_eq!(permit.person_version(), person.version);
            }
            Decision::Defer { until, .. } => prop_assert!(until > now),
            Decision::Refuse(refusal) => prop_assert!(refusal.reasons().count() >= 1),
            Decision::InDoubt => prop_assert!(false, "nobody claimed"),
        }
    }

    /// Whatever the person's zone, or without one: what leaves, leaves by day,
    /// and what waits for the day ends in it.
    #[test]
    fn nothing_leaves_in_quiet_hours(
        second in 1_767_225_600_i64..1_798_000_000,
        zone in prop::sample::select(vec![
            None,
            Some("Asia/Jakarta"),
            Some("Asia/Makassar"),
            Some("Asia/Jayapura"),
            Some("nonsense"),
        ]),
    ) {
        let campaign = campaign(CampaignState::Running);
        let mut subscription = subscription(granted("marketing"));
        subscription.zone = zone.map(str::to_owned);
        let zones = match zone {
            Some(name) if name != "nonsense" => vec![name],
            Some(_) | None => vec!["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"],
        };
        let is_day = |moment: Timestamp| zones.iter().all(|name| {
            let local = jiff::tz::TimeZone::get(name).unwrap().to_datetime(moment);
            (8..20).contains(&local.hour())
        });
        let person = Person::default();
        let now = Timestamp::from_second(second).unwrap();
        let decided = decide(&Facts {
            now,
            campaign: &campaign,
            token: ContactToken::from_bytes([1; 16]),
            person: &person,
            subscription: Some(&subscription),
            work: work(),
            jurisdictions: Jurisdictions::embedded(),
            terms: &Terms::new(Category::Marketing),
        });
        match decided {
            Decision::Send(_) => prop_assert!(is_day(now)),
            Decision::Defer { until, reason } => {
                prop_assert_eq!(reason, DeferReason::QuietHours);
                prop_assert!(until > now && !is_day(now) && is_day(until));
            }
            Decision::InDoubt | Decision::Refuse(_) => {
                prop_assert!(campaign.purpose.is_marketing());
                prop_assert!(subscription.consent.carries(&campaign.purpose, now).is_err());
            }
        }
    }

    #[test]
    fn a_suppression_never_turns_a_refusal_into_a_permit(consent in any_consent(), state in any_state()) {
        let campaign = campaign(state);
        let subscription = subscription(consent);
        let decision = |person: &Person| {
            decide(&Facts {
                now: at(NOW),
                campaign: &campaign,
                token: ContactToken::from_bytes([1; 16]),
                person,
                subscription: Some(&subscription),
                work: work(),
                jurisdictions: Jurisdictions::embedded(),
                terms: &Terms::new(Category::Marketing),
            })
        };
        prop_assert!(!matches!(decision(&stopped()), Decision::Send(_)));
        if let Decision::Refuse(before) = decision(&Person::default()) {
            let Decision::Refuse(after) = decision(&stopped()) else {
                return Err(TestCaseError::fail("a refusal stays one"));
            };
            prop_assert!(before.reasons().all(|reason| after.reasons().any(|r| r == reason)));
        }
    }
}
