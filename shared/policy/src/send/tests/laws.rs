//! The laws of the decision, over all facts at once.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::*;
use crate::content::TemplateStatus;
use crate::limits::{FrequencyCap, Limits};
use crate::person::ServiceWindow;
use crate::phone::Region;

/// Facts that own what they point to.
#[derive(Clone, Debug)]
struct World {
    now: Timestamp,
    campaign: CampaignFacts,
    person: Person,
    subscription: Option<Subscription>,
    terms: Terms,
    work: Work,
}

impl World {
    fn facts(&self) -> Facts<'_> {
        Facts {
            now: self.now,
            campaign: &self.campaign,
            token: ContactToken::from_bytes([1; 16]),
            person: &self.person,
            subscription: self.subscription.as_ref(),
            work: self.work,
            jurisdictions: Jurisdictions::embedded(),
            terms: &self.terms,
        }
    }

    fn is_marketing(&self) -> bool {
        self.campaign.purpose.is_marketing() || self.terms.category == Category::Marketing
    }

    /// Whether it is day for the person wherever they may be, told without the
    /// code under test: by the zones of the country and the window of its row.
    fn is_day(&self, moment: Timestamp) -> bool {
        let Some(subscription) = &self.subscription else {
            return true;
        };
        let (from, until, zones): (i8, i8, &[&str]) = match subscription.phone.region() {
            Some(Region::INDONESIA) => (8, 20, &["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"]),
            Some(region) if region.code() == "IN" => (10, 21, &["Asia/Kolkata"]),
            Some(region) if region.code() == "DE" => (8, 20, &["Europe/Berlin"]),
            other => unreachable!("no such number is made: {other:?}"),
        };
        let known = subscription
            .zone
            .as_deref()
            .filter(|zone| *zone != "nonsense");
        let zones = known.as_ref().map_or(zones, std::slice::from_ref);
        zones.iter().all(|zone| {
            let hour = TimeZone::get(zone).unwrap().to_datetime(moment).hour();
            from <= hour && hour < until
        })
    }
}

fn any_moment() -> impl Strategy<Value = Timestamp> {
    (1_767_225_600_i64..1_798_000_000).prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn any_person() -> impl Strategy<Value = Person> {
    let claims = prop::collection::vec((0_i64..3_000_000, 1_u128..6, any::<bool>()), 0..5);
    let scopes = prop::sample::subsequence(
        vec![
            Scope::Everything,
            Scope::marketing(),
            Scope::Purpose(Purpose::parse("marketing.promo").unwrap()),
            Scope::Purpose(Purpose::service()),
        ],
        0..=2,
    );
    (claims, scopes, prop::bool::weighted(0.8)).prop_map(|(claims, scopes, clean)| {
        let mut claims: Vec<Claim> = claims
            .into_iter()
            .map(|(before, campaign, is_marketing)| Claim {
                campaign: CampaignId::from_uuid(Uuid::from_u128(campaign)),
                block: 2,
                index: 5,
                attempt: 1,
                owner: owner(campaign),
                at: Timestamp::from_second(1_782_000_000 - before).unwrap(),
                purpose: Purpose::parse(if is_marketing {
                    "marketing.promo"
                } else {
                    "service.order"
                })
                .unwrap(),
                is_marketing,
                counted: None,
            })
            .collect();
        claims.sort_by_key(|claim| claim.at);
        let stop = || Suppression {
            at: at(NOW),
            source: SuppressionSource::Keyword,
            evidence: "evt".to_owned(),
        };
        let scopes = if clean { Vec::new() } else { scopes };
        Person {
            version: 7,
            suppressions: scopes.into_iter().map(|scope| (scope, stop())).collect(),
            claims,
            ..Person::default()
        }
    })
}

fn any_subscription() -> impl Strategy<Value = Option<Subscription>> {
    let number = prop::sample::select(vec!["+6281234567890", "+919812345678", "+4915112345678"]);
    let zone = prop::sample::select(vec![
        None,
        None,
        Some("Asia/Jakarta"),
        Some("Asia/Jayapura"),
        Some("America/New_York"),
        Some("nonsense"),
    ]);
    let consent = prop_oneof![
        4 => prop::sample::select(vec!["marketing", "marketing.promo", "service"]).prop_map(granted),
        1 => any_consent(),
    ];
    prop::option::weighted(
        0.95,
        (number, zone, consent).prop_map(|(number, zone, consent)| {
            let mut subscription = subscription(consent);
            subscription.phone = PhoneNumber::parse_e164(number).unwrap();
            subscription.zone = zone.map(str::to_owned);
            subscription
        }),
    )
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let category = prop::sample::select(vec![
        Category::Marketing,
        Category::Marketing,
        Category::Utility,
        Category::Service,
    ]);
    let capped = prop::sample::select(vec!["marketing", "marketing.promo", "service"]);
    let cap = (capped, 1_u16..3, 1_i64..200).prop_map(|(purpose, most, hours)| FrequencyCap {
        purpose: Purpose::parse(purpose).unwrap(),
        most,
        within: SignedDuration::from_hours(hours),
    });
    let content = prop::sample::select(vec![
        ContentVerdict::Clear { until: None },
        ContentVerdict::Clear { until: None },
        ContentVerdict::Clear {
            until: Some(at(NOW)),
        },
        ContentVerdict::Unchecked,
        ContentVerdict::Blocked,
    ]);
    let template = prop::sample::select(vec![
        TemplateStatus::Approved,
        TemplateStatus::Approved,
        TemplateStatus::Paused,
        TemplateStatus::Disabled,
    ]);
    let caps = prop::collection::vec(cap, 0..2);
    let tier = prop::option::weighted(0.2, any_moment());
    (category, caps, content, template, tier).prop_map(
        |(category, frequency, content, template, tier_opens)| Terms {
            frequency,
            content,
            template,
            tier_opens,
            ..Terms::new(category)
        },
    )
}

/// A window of the number that the campaigns go out from.
fn window(ends: Timestamp) -> ServiceWindow {
    ServiceWindow {
        sender: campaign(CampaignState::Running).sender,
        ends,
    }
}

fn any_world() -> impl Strategy<Value = World> {
    let purpose = prop::sample::select(vec!["marketing.promo", "marketing.promo", "service.order"]);
    let campaign = (any_state(), purpose).prop_map(|(state, purpose)| {
        let mut campaign = campaign(state);
        campaign.purpose = Purpose::parse(purpose).unwrap();
        campaign
    });
    (
        any_moment(),
        campaign,
        any_person(),
        any_subscription(),
        any_terms(),
        prop::option::of(any_moment()),
        prop::option::weighted(0.1, any_moment()),
    )
        .prop_map(
            |(now, campaign, person, subscription, terms, window_ends, declined)| World {
                now,
                campaign,
                person: Person {
                    service_window: window_ends.map(window),
                    marketing_declined_at: declined,
                    ..person
                },
                subscription,
                terms,
                work: work(),
            },
        )
}

/// Facts that speak for sending, all but a few of them.
fn fair_world() -> impl Strategy<Value = World> {
    any_world().prop_map(|mut world| {
        world.campaign.state = CampaignState::Running;
        world.terms.content = ContentVerdict::Clear { until: None };
        world.terms.template = TemplateStatus::Approved;
        world.terms.category = if world.campaign.purpose.is_marketing() {
            Category::Marketing
        } else {
            Category::Utility
        };
        world
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_permit_has_everything_behind_it(world in prop_oneof![any_world(), fair_world()]) {
        let decision = decide(&world.facts());
        let Decision::Send(permit) = &decision else {
            return Ok(());
        };
        let (now, purpose) = (world.now, &world.campaign.purpose);
        let subscription = world.subscription.as_ref().unwrap();
        prop_assert!(subscription.consent.carries(purpose, now).is_ok());
        prop_assert!(world.person.suppression(purpose).is_none());
        let state = world.campaign.state;
        prop_assert!(matches!(state, CampaignState::Planning | CampaignState::Running));
        prop_assert_eq!(permit.person_version(), world.person.version);
        prop_assert_eq!(permit.is_marketing(), world.is_marketing());
        if world.is_marketing() {
            prop_assert!(world.is_day(now), "in the quiet hours of some zone");
        }
        for cap in &world.terms.frequency {
            if cap.purpose.covers(&world.campaign.purpose) {
                let recent = world.person.claims.iter().filter(|claim| {
                    cap.purpose.covers(&claim.purpose)
                        && claim.campaign != world.campaign.id
                        && now.duration_since(claim.at) < cap.within
                });
                prop_assert!(recent.count() < usize::from(cap.most));
            }
        }
        if world.terms.category == Category::Service {
            prop_assert!(world.person.service_window.as_ref().is_some_and(|window| now < window.ends));
        }
    }

    #[test]
    fn a_deferral_ends_later_and_by_day(world in prop_oneof![any_world(), fair_world()]) {
        if let Decision::Defer { until, .. } = decide(&world.facts()) {
            prop_assert!(until > world.now);
            if world.is_marketing() {
                prop_assert!(world.is_day(until));
            }
        }
    }

    /// Whoever waits as told and asks again under the same facts does not wait
    /// a second time.
    #[test]
    fn waiting_helps(mut world in fair_world()) {
        world.person.claims.retain(|claim| claim.at <= world.now);
        world.person.service_window = None;
        let Decision::Defer { until, .. } = decide(&world.facts()) else {
            return Ok(());
        };
        let later = World { now: until, ..world };
        if let Decision::Defer { reason, .. } = decide(&later.facts()) {
            prop_assert!(false, "{} is over by then", reason.code());
        }
    }

    #[test]
    fn more_against_it_is_never_for_it(
        world in any_world(),
        scope in prop::sample::select(vec![Scope::Everything, Scope::marketing()]),
    ) {
        let before = decide(&world.facts());
        let mut stopped = world.clone();
        stopped.person.suppressions.insert(scope.clone(), Suppression {
            at: at(NOW),
            source: SuppressionSource::Button,
            evidence: "evt".to_owned(),
        });
        let after = decide(&stopped.facts());
        if scope.covers(&world.campaign.purpose) {
            let is_off = matches!(after, Decision::Refuse(_) | Decision::InDoubt);
            prop_assert!(is_off);
        }
        if let Decision::Refuse(before) = before {
            let Decision::Refuse(after) = after else {
                return Err(TestCaseError::fail("a refusal stays one"));
            };
            prop_assert!(before.reasons().all(|reason| after.reasons().any(|r| r == reason)));
        }
    }

    #[test]
    fn the_order_of_maps_does_not_show(world in any_world()) {
        let mut other = world.clone();
        let entries: Vec<_> = world.person.suppressions.clone().into_iter().rev().collect();
        other.person.suppressions = entries.into_iter().collect::<BTreeMap<_, _>>();
        if let Some(subscription) = &mut other.subscription {
            subscription.attributes = [("b", "2"), ("a", "1")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into();
        }
        prop_assert_eq!(decide(&world.facts()), decide(&other.facts()));
    }

    /// Sending exactly if nothing speaks against it.
    #[test]
    fn an_explanation_agrees_with_the_decision(world in any_world()) {
        let facts = world.facts();
        let reasoning = crate::forecast::explain(&facts);
        let decision = match decide(&facts) {
            Decision::Defer { .. } => "defer",
            Decision::InDoubt => "in_doubt",
            Decision::Refuse(_) => "refuse",
            Decision::Send(_) => "send",
        };
        prop_assert_eq!(reasoning.decision, decision);
        let is_clear = reasoning.reasons.is_empty();
        prop_assert_eq!(is_clear, matches!(decision, "send" | "in_doubt"));
    }
}

/// The generators do reach every answer; a law over nothing is no law.
#[test]
fn the_worlds_are_wide_enough() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut answers = BTreeSet::new();
    for _ in 0..3_000 {
        let world = prop_oneof![any_world(), fair_world()]
            .new_tree(&mut runner)
            .unwrap()
            .current();
        for objection in objections(&world.facts()) {
            answers.insert(match objection {
                Objection::Defer { reason, .. } => reason.code(),
                Objection::Refuse(reason) => reason.code(),
            });
        }
        if matches!(decide(&world.facts()), Decision::Send(_)) {
            answers.insert("send");
        }
    }
    for expected in [
        "send",
        "campaign_paused",
        "suppressed",
        "consent_other_purpose",
        "consent_unproven",
        "category_mismatch",
        "service_window_closed",
        "quiet_hours",
        "marketing_cool_down",
        "frequency_cap",
        "tier_full",
        "content_unchecked",
        "content_blocked",
        "template_unusable",
        "template_unavailable",
    ] {
        assert!(answers.contains(expected), "no world leads to {expected}");
    }
}

#[test]
fn a_burst_waits_for_the_pair_limit() {
    let burst = i64::from(Limits::embedded().pair().burst);
    let mut world = World {
        now: at(NOW),
        campaign: campaign(CampaignState::Running),
        person: Person::default(),
        subscription: Some(subscription(granted("marketing"))),
        terms: Terms::new(Category::Marketing),
        work: work(),
    };
    for n in 0..burst {
        assert!(matches!(decide(&world.facts()), Decision::Send(_)));
        world.person.claims.push(Claim {
            campaign: CampaignId::from_uuid(Uuid::from_u128(100)),
            block: 0,
            index: 0,
            attempt: 1,
            owner: owner(1),
            at: at(NOW)
                .saturating_sub(SignedDuration::from_millis(burst - n))
                .unwrap(),
            purpose: Purpose::service(),
            is_marketing: false,
            counted: None,
        });
    }
    let Decision::Defer { until, reason } = decide(&world.facts()) else {
        panic!("the burst is spent")
    };
    assert_eq!(reason, DeferReason::PairLimit);
    assert!(until.duration_since(at(NOW)) <= SignedDuration::from_secs(6));
}

#[test]
fn a_permit_costs_no_allocation() {
    let world = World {
        now: at(NOW),
        campaign: campaign(CampaignState::Running),
        person: Person::default(),
        subscription: Some(subscription(granted("marketing"))),
        terms: Terms::new(Category::Marketing),
        work: work(),
    };
    let facts = world.facts();
    // The first decision reads the tables.
    assert!(matches!(decide(&facts), Decision::Send(_)));
    let counted = allocation_counter::measure(|| drop(decide(&facts)));
    assert_eq!(counted.count_total, 0);
}
