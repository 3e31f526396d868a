use jiff::SignedDuration;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::phone::PhoneNumber;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn declaration(kind: SourceKind) -> Declaration {
    Declaration {
        kind,
        collector: "PT Melati".to_owned(),
        collected_from: date(2026, 1, 1),
        collected_to: date(2026, 11, 20),
        countries: ["ID".to_owned()].into(),
        consent_text_sha256: Some("ab".repeat(32)),
        partner_contract: None,
        attestation: Some(Attestation {
            text_version: "1".to_owned(),
            signer: "user-7".to_owned(),
            at: at("2026-11-24T03:00:00Z"),
        }),
    }
}

/// A list whose rows are made by `row` from their position.
struct List {
    observer: Observer,
}

impl List {
    fn new(kind: SourceKind) -> Self {
        Self {
            observer: Observer::new(declaration(kind), at("2026-11-24T03:00:00Z")),
        }
    }

    fn push(&mut self, number: u64, name: &str, consent_at: Option<Timestamp>) {
        let phone = PhoneNumber::parse_e164(&format!("+{number}")).unwrap();
        self.observer.push(Row {
            phone: &phone,
            name: Some(name),
            consent_at,
            has_evidence: true,
            is_trap: false,
        });
    }

    /// `rows` rows of a shop: numbers, names and moments of people.
    fn honest(rows: u64, seed: u64) -> Self {
        let mut list = Self::new(SourceKind::OwnWebForm);
        for row in 0..rows {
            list.push(number(seed, row), &name(seed, row), Some(moment(seed, row)));
        }
        list
    }

    /// Verdict and codes.
    fn says(&self) -> String {
        let assessment = self.observer.assess(&Neighbours::default());
        let codes: Vec<&str> = assessment
            .reasons
            .iter()
            .map(|reason| reason.code)
            .collect();
        format!("{} {}", assessment.verdict.code(), codes.join(" "))
            .trim_end()
            .to_owned()
    }
}

/// A pseudo-random value for a row.
fn random(seed: u64, row: u64, of: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ row.wrapping_mul(0xd1b5_4a32_d192_ed03);
    for _ in 0..3 {
        z ^= z >> 29;
        z = z.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^= z >> 32;
    }
    z % of
}

fn number(seed: u64, row: u64) -> u64 {
    let prefix = [62_812, 62_813, 62_821, 62_852, 62_857, 62_878][random(seed, row, 6) as usize];
    prefix * 100_000_000 + random(seed ^ 1, row, 100_000_000)
}

fn name(seed: u64, row: u64) -> String {
    let first = ["Sari", "Budi", "Dewi", "Agus", "Rina"][random(seed ^ 2, row, 5) as usize];
    format!(
        "{first} {}",
        char::from(b'A' + random(seed ^ 3, row, 26) as u8)
    )
}

fn moment(seed: u64, row: u64) -> Timestamp {
    let after = SignedDuration::from_secs(random(seed ^ 4, row, 320 * 86_400) as i64);
    at("2026-01-02T00:00:00Z").saturating_add(after).unwrap()
}

#[test]
fn a_declaration_names_what_it_lacks() {
    assert_eq!(declaration(SourceKind::OwnCrm).gaps(), Vec::<&str>::new());
    let bare = Declaration {
        attestation: None,
        collector: " ".to_owned(),
        collected_to: date(2025, 1, 1),
        countries: BTreeSet::new(),
        consent_text_sha256: None,
        ..declaration(SourceKind::PartnerWithNamedConsent)
    };
    assert_eq!(
        bare.gaps(),
        [
            "attestation_missing",
            "collector_missing",
            "dates_reversed",
            "countries_missing",
            "consent_text_missing",
            "partner_contract_missing"
        ]
    );
    for word in [
        "purchased",
        "rented",
        "scraped",
        "directory",
        "group_export",
    ] {
        assert_eq!(SourceKind::from_code(word), None, "{word}");
    }
    for kind in SourceKind::ALL {
        assert_eq!(SourceKind::from_code(kind.code()), Some(kind));
    }
}

#[test]
fn honest_lists_pass() {
    for (rows, seed) in [(1, 1), (30, 2), (1_000, 3), (50_000, 4)] {
        assert_eq!(List::honest(rows, seed).says(), "pass", "{rows} rows");
    }
}

#[test]
fn counted_numbers_are_noticed() {
    let mut list = List::honest(1_000, 5);
    for row in 0..30 {
        list.push(6_281_211_110_000 + row, "Sari A", Some(moment(6, row)));
    }
    assert_eq!(list.says(), "review long_run sequential_numbers");
    let mut list = List::new(SourceKind::OwnWebForm);
    for row in 0..200 {
        list.push(
            6_281_211_110_000 + 7 * row,
            &name(7, row),
            Some(moment(7, row)),
        );
    }
    assert_eq!(list.says(), "review fixed_step");
    let mut list = List::new(SourceKind::OwnWebForm);
    for row in 0..1_000 {
        let number = 6_281_230_000_000 + random(8, row, 10_000_000);
        list.push(number, &name(8, row), Some(moment(8, row)));
    }
    assert_eq!(list.says(), "review one_prefix");
}

#[test]
fn moments_that_do_not_fit_are_noticed() {
    let upload = at("2026-11-24T02:00:00Z");
    let every = |kind, consent_at: Option<Timestamp>| {
        let mut list = List::new(kind);
        for row in 0..100 {
            list.push(number(9, row), &name(9, row), consent_at);
        }
        list.says()
    };
    let june = Some(at("2026-06-01T09:00:00Z"));
    assert_eq!(every(SourceKind::OwnCrm, june), "review same_second");
    assert_eq!(
        every(SourceKind::OwnEvent, june),
        "pass",
        "forms typed in together"
    );
    assert_eq!(every(SourceKind::OwnCrm, None), "review consent_missing");
    assert_eq!(
        every(SourceKind::OwnCrm, Some(upload)),
        "review all_on_upload_day same_second outside_dates"
    );
    let mut list = List::honest(100, 10);
    list.push(number(11, 0), "Sari", Some(at("2026-12-01T00:00:00Z")));
    assert_eq!(list.says(), "refuse consent_after_upload outside_dates");
}

#[test]
fn people_who_do_not_fit_are_noticed() {
    let mut list = List::new(SourceKind::OwnCrm);
    for row in 0..100 {
        list.push(
            number(12, row),
            &format!("WA {row:04}"),
            Some(moment(12, row)),
        );
    }
    assert_eq!(list.says(), "review odd_names");
    let mut list = List::honest(100, 13);
    for row in 0..10 {
        list.push(
            4_915_112_345_678 + 1_000 * row,
            &name(13, row),
            Some(moment(13, row)),
        );
    }
    assert_eq!(list.says(), "review foreign_countries");
    let known = List::honest(1_000, 14).observer.assess(&Neighbours {
        in_other_lists: 400,
        opted_out: 50,
    });
    let codes: Vec<&str> = known.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(codes, ["in_other_lists", "opted_out"]);
    assert_eq!(known.score, 80);
}

#[test]
fn numbers_that_are_none_are_noticed() {
    let mut list = List::honest(100, 15);
    for _ in 0..25 {
        list.observer.push_invalid(InvalidNumber::NotInPlan);
    }
    list.observer.push_invalid(InvalidNumber::Service);
    assert_eq!(list.says(), "review invalid_numbers service_numbers");
    let trap = PhoneNumber::parse_e164("+6281299999999").unwrap();
    list.observer.push(Row {
        phone: &trap,
        name: None,
        consent_at: Some(moment(15, 0)),
        has_evidence: true,
        is_trap: true,
    });
    let assessment = list.observer.assess(&Neighbours::default());
    assert_eq!(assessment.verdict, ListVerdict::Refuse);
    assert_eq!(assessment.score, 100);
}

/// A million rows are more than are kept; what is kept still tells.
#[test]
fn a_long_list_is_judged_by_a_part_of_it() {
    let mut honest = numbers::Numbers::default();
    let mut counted = numbers::Numbers::default();
    for row in 0..600_000 {
        honest.push(&number(16, row).to_string());
        counted.push(&(6_281_200_000_000 + row).to_string());
    }
    let spacing = honest.spacing();
    let expected = spacing.expected;
    assert!(
        (spacing.adjacent as f64 - expected).abs() < 6.0 * expected.sqrt() + 5.0,
        "{spacing:?}"
    );
    let spacing = counted.spacing();
    assert!(
        spacing.adjacent as f64 > 5.0 * spacing.expected,
        "{spacing:?}"
    );
    assert!(spacing.longest_run >= 900);
}

/// What is kept of a long list must not depend on the order or on a pause.
#[test]
fn a_long_list_may_be_paused() {
    let mut straight = numbers::Numbers::default();
    let mut paused = numbers::Numbers::default();
    for row in 0..560_000 {
        straight.push(&number(16, row).to_string());
        paused.push(&number(16, 559_999 - row).to_string());
        if row % 100_000 == 54_321 {
            let saved = serde_json::to_vec(&paused).unwrap();
            assert!(saved.len() < 2 << 20, "{} bytes", saved.len());
            paused = serde_json::from_slice(&saved).unwrap();
        }
    }
    assert_eq!(paused.spacing(), straight.spacing());
}

#[test]
fn what_is_no_state_is_not_taken() {
    let restored = Observer::restore(
        declaration(SourceKind::OwnCrm),
        at("2026-11-24T03:00:00Z"),
        b"{}",
    );
    assert!(restored.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_pause_changes_nothing(seed: u64, rows in 1_u64..400, every in 1_u64..100) {
        let mut straight = List::new(SourceKind::OwnCrm);
        let mut paused = List::new(SourceKind::OwnCrm);
        for row in 0..rows {
            for list in [&mut straight, &mut paused] {
                let said = moment(seed, row % 7);
                list.push(number(seed, row), &name(seed, row), Some(said));
                list.observer.push_invalid(InvalidNumber::NotInPlan);
            }
            if row % every == 0 {
                let saved = paused.observer.save();
                paused.observer = Observer::restore(
                    declaration(SourceKind::OwnCrm),
                    at("2026-11-24T03:00:00Z"),
                    &saved,
                )
                .unwrap();
            }
        }
        let neighbours = Neighbours::default();
        prop_assert_eq!(paused.observer.assess(&neighbours), straight.observer.assess(&neighbours));
    }

    #[test]
    fn chance_alone_holds_no_list(seed: u64, rows in 1_u64..3_000) {
        prop_assert_eq!(List::honest(rows, seed).says(), "pass");
    }

    #[test]
    fn what_was_noticed_stays_noticed(seed: u64, odd in 0_u64..60) {
        let mut list = List::honest(200, seed);
        let before = list.observer.assess(&Neighbours::default()).verdict;
        for row in 0..odd {
            list.push(6_281_211_110_000 + row, "0012", Some(at("2026-12-01T00:00:00Z")));
        }
        let after = list.observer.assess(&Neighbours::default()).verdict;
        prop_assert!(after >= before);
        prop_assert!(odd == 0 || after == ListVerdict::Refuse);
    }
}

#[test]
fn shares_of_a_handful_are_no_evidence() {
    let assessment = |verdict| Assessment {
        score: 25,
        verdict,
        reasons: Vec::new(),
    };
    let review = assessment(ListVerdict::Review);
    assert_eq!(review.verdict_for(19), ListVerdict::Pass);
    assert_eq!(review.verdict_for(20), ListVerdict::Review);
    let refuse = assessment(ListVerdict::Refuse);
    assert_eq!(refuse.verdict_for(1), ListVerdict::Refuse);
}
