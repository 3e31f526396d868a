//! How fast one core decides, and how often it allocates meanwhile.
//!
//! `cargo run --release -p policy --example decide_speed`

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use policy::block::Place;
use policy::campaign::{CampaignFacts, CampaignState};
use policy::consent::{Basis, Consent, Grant};
use policy::content::Category;
use policy::ids::{CampaignId, OwnerNonce};
use policy::jurisdiction::Jurisdictions;
use policy::limits::FrequencyCap;
use policy::person::{Claim, Person};
use policy::phone::PhoneNumber;
use policy::purpose::Purpose;
use policy::send::{Decision, Facts, Terms, Work, decide};
use policy::subscription::Subscription;
use policy::token::ContactToken;
use uuid::Uuid;

fn main() {
    let (day, night) = ("2026-11-24T03:00:00Z", "2026-11-24T15:00:00Z");
    let jakarta = Some("Asia/Jakarta");
    let cases = [
        ("permit, zone known", day, "+6281234567890", jakarta, 0),
        (
            "permit, zone unknown (all of Indonesia)",
            day,
            "+6281234567890",
            None,
            0,
        ),
        (
            "permit, zone known, 8 earlier claims",
            day,
            "+6281234567890",
            jakarta,
            8,
        ),
        (
            "permit, Germany",
            "2026-11-24T10:00:00Z",
            "+4915112345678",
            None,
            0,
        ),
        (
            "defer, quiet hours, zone unknown",
            night,
            "+6281234567890",
            None,
            0,
        ),
    ];
    println!("{:44} {:>12} {:>12}", "case", "decisions/s", "allocations");
    for (name, now, number, zone, claims) in cases {
        let world = World::new(now, number, zone, claims);
        let facts = world.facts();
        let sends = matches!(decide(&facts), Decision::Send(_));
        assert_eq!(sends, name.starts_with("permit"), "{name}");
        let allocations = allocation_counter::measure(|| {
            drop(black_box(decide(black_box(&facts))));
        });
        let rate = per_second(&facts);
        println!("{name:44} {rate:>12.0} {:>12}", allocations.count_total);
        if name.starts_with("permit") {
            assert_eq!(
                allocations.count_total, 0,
                "{name}: the permit path allocates"
            );
        }
    }
}

/// The best of several rounds.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn per_second(facts: &Facts<'_>) -> f64 {
    const DECISIONS: u32 = 200_000;
    let round = || {
        let begun = Instant::now();
        for _ in 0..DECISIONS {
            drop(black_box(decide(black_box(facts))));
        }
        begun.elapsed()
    };
    let best: Duration = (0..5).map(|_| round()).min().unwrap_or(Duration::MAX);
    f64::from(DECISIONS) / best.as_secs_f64()
}

struct World {
    now: Timestamp,
    campaign: CampaignFacts,
    person: Person,
    subscription: Subscription,
    terms: Terms,
}

impl World {
    fn new(now: &str, number: &str, zone: Option<&str>, claims: u8) -> Self {
        let now: Timestamp = now.parse().expect("the moment is well-formed");
        let purpose = Purpose::parse("marketing.promo").expect("the purpose is well-formed");
        let claim = |n: u8| Claim {
            campaign: CampaignId::from_uuid(Uuid::from_u128(100 + u128::from(n))),
            block: 0,
            index: n,
            attempt: 1,
            owner: OwnerNonce::from_uuid(Uuid::from_u128(1)),
            at: now - SignedDuration::from_hours(24 * 20 - i64::from(n)),
            purpose: purpose.clone(),
            is_marketing: true,
            counted: None,
        };
        let mut terms = Terms::new(Category::Marketing);
        terms.frequency = vec![FrequencyCap {
            purpose: Purpose::marketing(),
            most: 2,
            within: SignedDuration::from_hours(7 * 24),
        }];
        Self {
            now,
            campaign: CampaignFacts {
                id: CampaignId::from_uuid(Uuid::from_u128(1)),
                state: CampaignState::Running,
                purpose: purpose.clone(),
                not_after: None,
                sender: "106540352242922".to_owned(),
                answer: None,
            },
            person: Person {
                version: 3,
                claims: (0..claims).map(claim).collect(),
                ..Person::default()
            },
            subscription: Subscription {
                phone: PhoneNumber::parse_e164(number).expect("the number is well-formed"),
                name: None,
                language: None,
                zone: zone.map(str::to_owned),
                external_id: None,
                attributes: Default::default(),
                consent: Consent::Granted(Grant {
                    purposes: BTreeSet::from([purpose]),
                    basis: Basis::ExplicitConsent,
                    at: now - SignedDuration::from_hours(24 * 90),
                    method: "web_form".to_owned(),
                    notice: None,
                    evidence: "imp_x#1".to_owned(),
                    expires_at: None,
                }),
            },
            terms,
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            now: self.now,
            campaign: &self.campaign,
            token: ContactToken::from_bytes([1; 16]),
            person: &self.person,
            subscription: Some(&self.subscription),
            work: Work {
                place: Place { block: 2, index: 5 },
                attempt: 1,
                owner: OwnerNonce::from_uuid(Uuid::from_u128(9)),
                refused_attempt: None,
            },
            jurisdictions: Jurisdictions::embedded(),
            terms: &self.terms,
        }
    }
}
