//! The whole way from bytes to outcomes: fixtures, and laws on any bytes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::*;

/// The moment at which the fixtures are judged.
fn rules() -> Rules {
    Rules::indonesian("2026-11-24T12:00:00Z".parse().unwrap())
}

fn check(bytes: &[u8]) -> Result<Summary, FileRefusal> {
    check_file([bytes], None, &rules())
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/csv");
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What `EXPECTED.json` says of a file, written by hand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[expect(dead_code, reason = "tells the reader what the file is about")]
    about: String,
    outcome: Option<ExpectedSummary>,
    refused: Option<ExpectedRefusal>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct ExpectedSummary {
    rows: u64,
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    without_consent: u64,
    encoding: String,
    delimiter: String,
    reasons: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct ExpectedRefusal {
    code: String,
    line: u64,
    column: Option<usize>,
}

#[test]
fn every_fixture_comes_out_as_expected() {
    let expected: BTreeMap<String, Expected> =
        serde_json::from_slice(&fixture("EXPECTED.json")).unwrap();
    assert!(expected.len() >= 60, "{} fixtures", expected.len());
    let mut wrong = Vec::new();
    for (name, expected) in &expected {
        let bytes = fixture(name);
        // Small pieces, so that every seam is met.
        let pieces = check_file(bytes.chunks(61), None, &rules());
        let at_once = check(&bytes);
        assert_eq!(pieces, at_once, "{name}: the cut must not matter");
        let (outcome, refused) = match at_once {
            Ok(summary) => (Some(plain(summary)), None),
            Err(refusal) => {
                let refused = ExpectedRefusal {
                    code: refusal.problem.code().to_owned(),
                    line: refusal.line,
                    column: refusal.column,
                };
                (None, Some(refused))
            }
        };
        if outcome != expected.outcome || refused != expected.refused {
            wrong.push(format!("{name}: {outcome:?} {refused:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn plain(summary: Summary) -> ExpectedSummary {
    ExpectedSummary {
        rows: summary.rows,
        accepted: summary.accepted,
        duplicates: summary.duplicates,
        rejected: summary.rejected,
        without_consent: summary.without_consent,
        encoding: summary.encoding,
        delimiter: summary.delimiter,
        reasons: summary
            .reasons
            .into_iter()
            .map(|(code, count)| (code.to_owned(), count))
            .collect(),
    }
}
