//! The straight path: a file goes in, the people who said yes get a message,
//! statuses come back, and every number follows from the file.

use std::collections::{BTreeMap, BTreeSet};

use izin::people;

use crate::world::World;

/// Five good people, and one of each trouble.
const SMALL: &str = "\
nama,no hp,tanggal persetujuan,berlaku sampai,opt out
Sari,0812-1111-0001,2026-01-05 10:00,,
Budi,+6281211110002,2026-01-05 10:00,,
Dewi,6281211110003,2026-01-05 10:00,,
Agus,081211110004,2026-01-05 10:00,,
Putri,081211110005,2026-01-05 10:00,,
Sari lagi,081211110001,2026-01-05 10:00,,
Tanpa izin,081211110006,,,
Kedaluwarsa,081211110007,2023-01-05 10:00,2025-01-05,
Berhenti,081211110008,2026-01-05 10:00,,2026-10-01
Rusak,8.12E+11,2026-01-05 10:00,,
";

#[tokio::test]
async fn a_file_becomes_messages_and_everybody_is_accounted_for() {
    let mut world = World::quiet().await;
    let (list, import) = world.import(SMALL).await;
    let counts = &import["counts"];
    assert_eq!(
        (
            &counts["rows"],
            &counts["accepted"],
            &counts["duplicates"],
            &counts["rejected"]
        ),
        (&10.into(), &8.into(), &1.into(), &1.into()),
        "{import}"
    );
    assert_eq!(counts["suppressed"], 1);
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    let view = world.finish(id).await;
    let totals = &view["totals"];
    assert_eq!(totals["audience"], 8, "{view}");
    assert_eq!(totals["excluded"], 3, "{view}");
    assert_eq!(totals["accepted"], 5, "{view}");
    assert_eq!(totals["statuses"]["delivered"], 5, "{view}");
    assert_eq!(totals["statuses"]["read"], 5, "{view}");
    assert_eq!(view["conservation"]["holds"], true);
    let reasons = view["excluded_by_reason"].as_object().unwrap();
    let codes: BTreeSet<_> = reasons.keys().map(String::as_str).collect();
    assert_eq!(
        codes,
        BTreeSet::from(["consent_expired", "consent_never_given", "suppressed"])
    );
    let seen = world.house.simulator.report();
    assert_eq!(
        (
            seen.accepted,
            seen.unique_recipients,
            seen.duplicate_recipients
        ),
        (5, 5, 0)
    );
    assert_eq!(seen.without_plus, 0);
}

/// What a file must come to, computed here by other means: split at commas,
/// look at the columns.
#[derive(Debug, Default, Eq, PartialEq)]
struct Expected {
    rows: u64,
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    reasons: BTreeMap<String, u64>,
}

fn expected(csv: &str) -> Expected {
    let mut expected = Expected::default();
    let mut seen = BTreeSet::new();
    for row in csv.lines().skip(1) {
        expected.rows += 1;
        let cells: Vec<&str> = row.split(',').collect();
        let digits: String = cells[1].chars().filter(char::is_ascii_digit).collect();
        let national = digits
            .strip_prefix("62")
            .or_else(|| digits.strip_prefix('0'));
        let is_number = !cells[1].contains(['E', 'x', '.']);
        let Some(national) = national.filter(|n| is_number && (10..=11).contains(&n.len())) else {
            expected.rejected += 1;
            continue;
        };
        if !seen.insert(national.to_owned()) {
            expected.duplicates += 1;
            continue;
        }
        expected.accepted += 1;
        let reason = match (cells[3], cells[5], cells[6]) {
            (_, _, stopped) if !stopped.is_empty() => "suppressed",
            ("", ..) => "consent_never_given",
            (_, until, _) if !until.is_empty() => "consent_expired",
            _ => continue,
        };
        *expected.reasons.entry(reason.to_owned()).or_insert(0) += 1;
    }
    expected
}

#[tokio::test]
async fn the_shipped_file_comes_to_what_it_says() {
    let mut world = World::quiet().await;
    let wanted = expected(people::SHIPPED);
    assert!(wanted.reasons.len() == 3 && wanted.duplicates > 0 && wanted.rejected > 0);
    let (list, import) = world.import(people::SHIPPED).await;
    let count = |name: &str| import["counts"][name].as_u64().unwrap();
    let id = world.approved_campaign(&list).await;
    let view = world.get(&format!("/v1/campaigns/{id}")).await;
    let found = Expected {
        rows: count("rows"),
        accepted: count("accepted"),
        duplicates: count("duplicates"),
        rejected: count("rejected"),
        reasons: view["excluded_by_reason"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(reason, count)| (reason.clone(), count.as_u64().unwrap()))
            .collect(),
    };
    assert_eq!(found, wanted, "{import} {view}");
    let excluded: u64 = wanted.reasons.values().sum();
    assert_eq!(view["totals"]["audience"], wanted.accepted);
    assert_eq!(view["totals"]["pending"], wanted.accepted - excluded);
}

#[tokio::test]
async fn a_file_that_holds_no_contacts_changes_nothing() {
    for (csv, place) in [
        ("\n \n", "line"),
        ("%PDF-1.7\u{0}\u{1}\u{2}binary", "line 1"),
        ("apel,jeruk\nmanis,asam\n", "line 1"),
    ] {
        let mut world = World::quiet().await;
        let (_, import) = world.import(csv).await;
        assert_eq!(import["state"], "refused", "{import}");
        let refusal = import["refusal"].as_str().unwrap();
        assert!(refusal.contains(place), "{refusal}");
        assert_eq!(import["counts"]["accepted"], 0);
    }
}
