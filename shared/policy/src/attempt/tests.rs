use std::fmt::Write as _;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn answered(code: u32, http_status: u16) -> CallResult {
    CallResult::Answered {
        code: Some(code),
        http_status,
        is_transient: false,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What each code leads to on its first attempt, without jitter.
#[test]
fn the_whole_table() {
    let now = at("2026-11-24T03:00:00Z");
    let mut table = String::new();
    for row in CODES.iter() {
        let next = match decide(&answered(row.codes.0, 400), 1, now, 0.0) {
            Next::Retry { due, .. } => format!("retry in {:#}", due.duration_since(now)),
            Next::RecordOptOut { .. } => "record opt-out".to_owned(),
            Next::Reject { .. } => "reject".to_owned(),
            Next::StopAccount { .. } => "stop account".to_owned(),
            Next::StopNumber { .. } => "stop number".to_owned(),
            Next::StopTemplate { .. } => "stop template".to_owned(),
            Next::Unknown => "unknown".to_owned(),
            other @ (Next::Accept | Next::Reconnect { .. }) => {
                unreachable!("an error is not {other:?}")
            }
        };
        let (first, last) = row.codes;
        let codes = if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        };
        writeln!(table, "{codes}: {next}").unwrap();
    }
    assert_snapshot!(table);
}

#[test]
fn only_proved_throttles_come_back() {
    let throttles: Vec<u32> = CODES
        .iter()
        .filter(|row| matches!(row.class, Class::Throttle(_)))
        .map(|row| row.codes.0)
        .collect();
    assert_eq!(
        throttles,
        [4, 17, 32, 341, 613, 80_007, 130_429, 131_056],
        "a new throttle needs a proof that WhatsApp did not take the message"
    );
}

#[test]
fn the_table_is_sorted_and_says_where_it_comes_from() {
    assert!(
        CODES
            .windows(2)
            .all(|pair| pair[0].codes.1 < pair[1].codes.0),
        "no code has two rows"
    );
    let table: serde_json::Value = serde_json::from_str(TABLE).unwrap();
    assert!(table["as_of"].as_str().is_some_and(|day| day.len() == 10));
    for row in table["rows"].as_array().unwrap() {
        assert!(!row["source"].as_str().unwrap().is_empty(), "{row}");
    }
}

#[test]
fn only_a_decline_for_the_persons_sake_cools_down() {
    let cooling: Vec<u32> = (0..1_000_000).filter(|code| cools_down(*code)).collect();
    assert_eq!(cooling, [131_049]);
    assert_eq!(classify(Some(131_049), 400, false), Class::Recipient);
}

#[test]
fn what_the_table_does_not_have() {
    assert_eq!(classify(None, 429, false), Class::Unknown);
    assert_eq!(classify(Some(999_999), 400, false), Class::Request);
    assert_eq!(classify(Some(999_999), 400, true), Class::Unknown);
    assert_eq!(classify(Some(999_999), 500, false), Class::Unknown);
    assert_eq!(classify(Some(999_999), 200, false), Class::Unknown);
    assert_eq!(meaning(131_050).map(|m| m.contains("stopped")), Some(true));
    assert_eq!(meaning(999_999), None);
}

#[test]
fn the_http_status_never_changes_a_known_code() {
    for row in CODES.iter() {
        for status in [200, 400, 403, 429, 500, 503] {
            assert_eq!(classify(Some(row.codes.0), status, true), row.class);
        }
    }
}

#[test]
fn a_pair_waits_in_powers_of_four() {
    let now = at("2026-11-24T03:00:00Z");
    let waits: Vec<i64> = [1, 2, 3, 4, 9, u16::MAX]
        .into_iter()
        .map(
            |attempts| match decide(&answered(131_056, 400), attempts, now, 0.0) {
                Next::Retry { due, .. } => due.duration_since(now).as_secs(),
                other => unreachable!("a throttle is not {other:?}"),
            },
        )
        .collect();
    assert_eq!(waits, [1, 4, 16, 64, 3600, 3600]);
}

#[test]
fn a_silent_connection_is_in_doubt_and_a_missing_one_is_not() {
    let now = at("2026-11-24T03:00:00Z");
    assert_eq!(decide(&CallResult::NoAnswer, 1, now, 0.5), Next::Unknown);
    assert_eq!(decide(&CallResult::Accepted, 1, now, 0.5), Next::Accept);
    assert_eq!(
        decide(&CallResult::NotSent, 1, now, 0.0),
        Next::Reconnect {
            due: at("2026-11-24T03:00:02Z")
        }
    );
}

proptest! {
    #[test]
    fn what_comes_back_was_not_taken_and_comes_back_later(
        code in proptest::option::of(prop_oneof![0_u32..1000, 80_000_u32..140_000]),
        http_status in 100_u16..600,
        is_transient: bool,
        attempts: u16,
        jitter in 0.0_f64..1.0,
    ) {
        let now = at("2026-11-24T03:00:00Z");
        let result = CallResult::Answered { code, http_status, is_transient };
        let class = classify(code, http_status, is_transient);
        match decide(&result, attempts, now, jitter) {
            Next::Retry { due, .. } => {
                prop_assert!(matches!(class, Class::Throttle(_)));
                let wait = due.duration_since(now);
                prop_assert!(wait >= SignedDuration::from_secs(1), "{wait}");
                prop_assert!(wait <= SignedDuration::from_mins(72), "{wait}");
            }
            Next::Unknown => prop_assert!(!class.is_definite()),
            Next::Accept | Next::Reconnect { .. } => prop_assert!(false, "nothing was taken"),
            Next::RecordOptOut { .. }
            | Next::Reject { .. }
            | Next::StopAccount { .. }
            | Next::StopNumber { .. }
            | Next::StopTemplate { .. } => prop_assert!(class.is_definite()),
        }
    }
}
