//! The whole way from bytes to outcomes: fixtures, and laws on any bytes.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// The moment at which the fixtures are judged.
fn rules() -> Rules {
    Rules::indonesian("2026-11-24T12:00:00Z".parse().unwrap())
}

fn check(bytes: &[u8]) -> Result<Summary, FileRefusal> {
    check_file([bytes], None, &rules(), |_, _| ())
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/csv")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
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
    let unlisted = folder()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !expected.contains_key(name))
        .filter(|name| !matches!(name.as_str(), "EXPECTED.json" | "demo.csv"));
    assert_eq!(
        unlisted.collect::<Vec<_>>(),
        [""; 0],
        "files without an expectation"
    );
    let mut wrong = Vec::new();
    for (name, expected) in &expected {
        let bytes = fixture(name);
        // Small pieces, so that every seam is met.
        let pieces = check_file(bytes.chunks(61), None, &rules(), |_, _| ());
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

/// Reads a whole file and gives each row to `take`.
fn each_row(bytes: &[u8], mut take: impl FnMut(&Record<'_>)) {
    let mut reader = Reader::new(Limits::UPLOAD, None);
    reader.push(bytes);
    reader.finish();
    while let Some(record) = reader.next_record().unwrap() {
        take(&record);
    }
}

fn outcomes(text: &str, rules: &Rules) -> Vec<RowOutcome> {
    let mut outcomes = Vec::new();
    each_row(text.as_bytes(), |record| {
        outcomes.push(accept_row(record, rules));
    });
    outcomes
}

fn accepted(text: &str) -> Candidate {
    match outcomes(text, &rules()).swap_remove(0) {
        RowOutcome::Accepted(candidate) => candidate,
        RowOutcome::Rejected { reasons } => panic!("rejected: {reasons:?}"),
    }
}

fn codes(text: &str, rules: &Rules) -> Vec<&'static str> {
    match outcomes(text, rules).swap_remove(0) {
        RowOutcome::Accepted(_) => Vec::new(),
        RowOutcome::Rejected { reasons } => reasons.into_iter().map(RowReason::code).collect(),
    }
}

/// The rejection report on a file.
fn report(bytes: &[u8]) -> String {
    let mut text = String::new();
    each_row(bytes, |record| {
        let report = Report::new(record.layout());
        if text.is_empty() {
            text.push_str(report.header());
        }
        if let RowOutcome::Rejected { reasons } = accept_row(record, &rules()) {
            text.push_str(&report.row(record, &reasons));
        }
    });
    text
}

#[test]
fn a_full_row_becomes_a_candidate() {
    let candidate = accepted(
        "no hp;nama;bahasa;zona waktu;id pelanggan;kota;poin;tgl persetujuan;jam persetujuan;sumber persetujuan;tujuan;versi persetujuan;bukti;berlaku sampai\n\
         0812-3456-7890; Budi  Santoso ;Indonesia;WITA;C-17;Kota Baru;-;5/1/2026;22.32;kasir;promo, layanan;v3;struk 9;5/1/2028\n",
    );
    assert_eq!(candidate.phone.expose(), "+6281234567890");
    assert_eq!(candidate.name.as_deref(), Some("Budi Santoso"));
    assert_eq!(candidate.language.as_deref(), Some("id"));
    assert_eq!(candidate.zone.as_deref(), Some("Asia/Makassar"));
    assert_eq!(candidate.external_id.as_deref(), Some("C-17"));
    assert_eq!(
        candidate.attributes,
        BTreeMap::from([("kota".to_owned(), "Kota Baru".to_owned())])
    );
    assert!(!candidate.said_no);
    let grant = candidate.consent.unwrap().into_grant("imp_1#2");
    assert_eq!(grant.at.to_string(), "2026-01-05T15:32:00Z");
    let purposes: Vec<&str> = grant
        .purposes
        .iter()
        .map(|purpose| purpose.as_str())
        .collect();
    assert_eq!(purposes, ["marketing.promo", "service"]);
    assert_eq!(grant.method, "kasir");
    assert_eq!(grant.notice.unwrap().id, "v3");
    assert_eq!(grant.evidence, "imp_1#2 struk 9");
    assert_eq!(
        grant.expires_at.unwrap().to_string(),
        "2028-01-04T17:00:00Z"
    );
}

#[test]
fn the_declaration_fills_what_the_row_leaves_open() {
    let candidate = accepted("phone,consent_at\n081234567890,2026-01-05\n");
    let grant = candidate.consent.unwrap().into_grant("imp_1#1");
    assert_eq!(grant.purposes, rules().purposes);
    assert_eq!(grant.method, "import");
    assert_eq!(grant.evidence, "imp_1#1");
}

#[test]
fn strict_rules_reject_what_proves_nothing() {
    let strict = Rules {
        consent_required: true,
        ..rules()
    };
    let missing = ["consent_date_missing"];
    assert_eq!(codes("phone,name\n081234567890,a\n", &strict), missing);
    assert_eq!(codes("phone,consent\n081234567890,yes\n", &strict), missing);
    assert_eq!(
        codes("phone,consent_at\n081234567890,-\n", &strict),
        missing
    );
    assert!(codes("phone,consent_at\n081234567890,2026-01-05\n", &strict).is_empty());
}

#[test]
fn all_reasons_are_given_in_order() {
    assert_eq!(
        codes(
            "phone,consent_at,language,timezone,name\n08123,2030-01-01,Klingon!,Mars,#REF!,surplus\n",
            &rules()
        ),
        [
            "row_too_many_cells",
            "phone_too_short",
            "consent_date_future",
            "language_invalid",
            "zone_unknown",
            "spreadsheet_error"
        ]
    );
}

#[test]
fn a_no_reaches_the_opt_out_path_whatever_else_is_wrong() {
    let file = "phone,consent,unsubscribed,timezone\n\
                081234567890,no,,\n\
                081234567891,,yes,Mars\n\
                081234567892,yes,,\n\
                081234567893,\"Tidak, terima kasih\",,\n\
                081234567894,,2026-01-05,\n";
    let mut noes = Vec::new();
    each_row(file.as_bytes(), |record| {
        let number = opt_out(record, &rules());
        noes.push(number.map(|number| number.expose()[12..].to_owned()));
        if let RowOutcome::Accepted(candidate) = accept_row(record, &rules()) {
            assert_eq!(candidate.said_no, noes[noes.len() - 1].is_some());
            assert!(!(candidate.said_no && candidate.consent.is_some()));
        }
    });
    let noes: Vec<&str> = noes.iter().flatten().map(String::as_str).collect();
    assert_eq!(noes, ["90", "91", "93", "94"]);
}

#[test]
fn nothing_prints_a_person() {
    let file = "phone,name,kota\n081234567890,Budi,Jakarta\n08123,Budi,Jakarta\n";
    let mut printed = String::new();
    each_row(file.as_bytes(), |record| {
        printed.push_str(&format!("{record:?} {:?}", accept_row(record, &rules())));
    });
    for secret in ["Budi", "Jakarta", "0812", "6281"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

#[test]
fn a_caller_may_name_the_columns() {
    let named = |text: &str, mapping: ExplicitMapping| {
        check_file([text], Some(mapping), &rules(), |_, _| ()).map(|summary| summary.accepted)
    };
    let by_position = ExplicitMapping {
        headerless: true,
        roles: BTreeMap::from([(ColumnRef::Position(2), Role::Phone)]),
    };
    let file = "Budi;081234567890\nAni;081234567891\n";
    assert_eq!(named(file, by_position.clone()), Ok(2));
    assert_eq!(
        named("Budi\n", by_position).unwrap_err().problem,
        FileProblem::MappedColumnMissing
    );
    let by_name = ExplicitMapping {
        headerless: false,
        roles: BTreeMap::from([
            (ColumnRef::Header("Kolom X".to_owned()), Role::Phone),
            (ColumnRef::Header("diisi".to_owned()), Role::ConsentAt),
        ]),
    };
    let file = "nama|kolom_x|Diisi\nBudi|081234567890|5/1/2026\n";
    assert_eq!(named(file, by_name), Ok(1));
}

#[test]
fn a_report_is_safe_to_open() {
    let report = report(
        "phone;name;note\n=1+1;@SUM(A1);\"\tx\"\n+62999;＝cmd;-1\n081;\"a\"\"b\"; =2\n".as_bytes(),
    );
    insta::assert_snapshot!(report.trim_start_matches('\u{feff}'));
}

#[test]
fn a_mended_report_is_taken() {
    let report = report("Kolom;WA\nx;081234567890\ny;0812345678\nz;8.12E+11\n".as_bytes());
    let mended = report.replace("8.12E+11", "0812 3456 7891");
    assert_eq!(check(mended.as_bytes()).unwrap().accepted, 1);
}

#[test]
fn every_fixture_reports_what_it_would_report_again() {
    let expected: BTreeMap<String, Expected> =
        serde_json::from_slice(&fixture("EXPECTED.json")).unwrap();
    for (name, expected) in &expected {
        let Some(outcome) = &expected.outcome else {
            continue;
        };
        let report = report(&fixture(name));
        if outcome.rejected == 0 {
            continue;
        }
        let again = check(report.as_bytes()).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(again.rejected, outcome.rejected, "{name}");
        assert_eq!(plain(again).reasons, outcome.reasons, "{name}");
    }
}

#[test]
fn codes_are_unique_and_every_sentence_is_there() {
    let mut codes = HashSet::new();
    for reason in RowReason::ALL {
        assert!(codes.insert(reason.code()), "{}", reason.code());
        assert!(!reason.english().is_empty() && !reason.indonesian().is_empty());
        assert_ne!(reason.english(), reason.indonesian());
    }
    for problem in FileProblem::ALL {
        assert!(codes.insert(problem.code()), "{}", problem.code());
        assert_ne!(problem.to_string(), problem.indonesian());
        assert_ne!(problem.remedy(), problem.remedy_indonesian());
    }
}

proptest! {
    #[test]
    fn counts_add_up(
        rows in proptest::collection::vec(
            ("(0|62|\\+62|)8[0-9]{3,12}|[a-z]{0,4}", "[A-Za-z ,;\"]{0,8}", "(20[0-9]{2}-[0-9]{2}-[0-9]{2})?"),
            0..40,
        ),
        size in 1_usize..200,
    ) {
        let mut file = "phone,name,consent_at\n".to_owned();
        for (phone, name, date) in &rows {
            file.push_str(&format!("{phone},\"{}\",{date}\n", name.replace('"', "\"\"")));
        }
        let summary = check_file(file.as_bytes().chunks(size), None, &rules(), |_, _| ()).unwrap();
        prop_assert_eq!(summary.rows, summary.accepted + summary.duplicates + summary.rejected);
        prop_assert_eq!(summary.reasons.values().sum::<u64>(), summary.rejected);
        prop_assert!(summary.without_consent <= summary.accepted);
        let blank = |(phone, name, date): &&(String, String, String)| {
            phone.is_empty() && name.trim().is_empty() && date.is_empty()
        };
        prop_assert_eq!(summary.rows as usize, rows.len() - rows.iter().filter(blank).count());
    }

    #[test]
    fn no_cell_of_a_report_starts_a_formula(cell in "[=+@＝＋－＠\\- \t\r\n'\"a-c;,1-3]{0,12}") {
        let file = format!("phone,note\n08,\"{}\"\n", cell.replace('"', "\"\""));
        let report = report(file.as_bytes());
        let mut cells = csv::ReaderBuilder::new().from_reader(report.as_bytes());
        for row in cells.records() {
            for cell in &row.unwrap() {
                let seen = cell.trim_start();
                prop_assert!(!seen.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']), "{cell:?}");
                prop_assert!(!cell.starts_with(['\t', '\r', '\n']), "{cell:?}");
            }
        }
    }
}
