use std::path::Path;

use serde_json::Value;

use super::*;

/// A file of `tests/fixtures/check`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/check")
        .join(name)
}

/// The answer as its reader gets it.
pub(crate) fn json<T: Serialize>(answer: Result<T, Problem>) -> Value {
    let answer = answer.expect("the file can be used");
    serde_json::from_str(&as_json(&answer)).unwrap()
}

/// What is said of a file that cannot be used, without the folder.
pub(crate) fn complaint<T>(answer: Result<T, Problem>) -> String {
    let message = answer.err().expect("the file cannot be used").to_string();
    let folder = format!(
        "{}/",
        fixture("").display().to_string().trim_end_matches('/')
    );
    assert!(message.starts_with(&folder), "the file is named: {message}");
    message[folder.len()..].to_owned()
}

fn at() -> Timestamp {
    "2026-11-24T03:00:00Z".parse().unwrap()
}

fn list_args(file: &str) -> ListArgs {
    ListArgs {
        file: fixture(file),
        mapped: Vec::new(),
        headerless: false,
        rejected: None,
        source: SourceKind::OwnCrm,
        countries: vec!["ID".to_owned()],
        at: None,
        json: true,
    }
}

#[test]
fn replies_are_counted() {
    let answer = json(reply::check(&fixture("replies.tsv")));
    assert_eq!(answer["n"], 6);
    assert_eq!(answer["optout"]["tp"], 2);
    assert_eq!(answer["optout"]["fn"], 1);
    assert_eq!(answer["optout"]["precision"], 1.0);
    assert_eq!(answer["confusion"]["optout"]["other"], 1);
    assert_eq!(answer["errors"][0]["text"], "berapa ongkirnya?");
}

#[test]
fn a_bad_label_is_named_by_its_line() {
    assert_eq!(
        complaint(reply::check(&fixture("replies_bad_label.tsv"))),
        "replies_bad_label.tsv, line 4: row 2 has an unknown label; \
         write optout, resume, help or other"
    );
}

#[test]
fn an_import_is_foretold() {
    let answer = json(table::check(&list_args("people.csv"), at()));
    let expected = serde_json::json!({
        "rows": 5, "accepted": 3, "rejected": 1, "duplicates": 1, "without_consent": 1,
        "encoding": "UTF-8", "delimiter": ",", "reasons": {"phone_too_short": 1},
        "provenance": {"verdict": "review", "reasons": ["consent_missing"]},
    });
    assert_eq!(answer, expected);
}

#[test]
fn a_table_without_numbers_is_refused_with_a_remedy() {
    let args = list_args("people_no_phone.csv");
    let refused = complaint(table::check(&args, at()));
    assert_eq!(
        refused,
        "people_no_phone.csv, line 1: no column of the header is known to hold phone numbers; \
         call the column `phone` or `no_hp`, or name it in the mapping"
    );
    assert_eq!(complaint(list::check(&args, at())), refused);
    assert_eq!(
        complaint(table::check(&list_args("none.csv"), at())),
        "none.csv: there is no such file; check the path"
    );
}

#[test]
fn columns_may_be_named_by_hand() {
    let named = |columns: &[&str], headerless| {
        let args = ListArgs {
            mapped: columns.iter().map(|text| mapped(text).unwrap()).collect(),
            headerless,
            ..list_args("people_odd.csv")
        };
        table::check(&args, at())
    };
    let answer = json(named(&["Hubungi=phone", "3=consent_at"], false));
    assert_eq!(answer["rows"], 2, "{answer}");
    assert_eq!(answer["accepted"], 2, "{answer}");
    assert_eq!(answer["without_consent"], 0, "{answer}");
    // Without a header, the header is one more row.
    let answer = json(named(&["2=phone"], true));
    assert_eq!(answer["rows"], 3, "{answer}");
    assert_eq!(answer["reasons"]["phone_not_digits"], 1, "{answer}");
    assert_eq!(
        complaint(named(&["Nomor=phone"], false)),
        "people_odd.csv, line 1: a column that the mapping names is not in the header; \
         name the columns as the header of this file does"
    );
    assert!(
        mapped("Hubungi=telephone")
            .unwrap_err()
            .contains("phone_other")
    );
}

#[test]
fn rejected_rows_come_back_to_be_mended() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("rejected.csv");
    let args = ListArgs {
        rejected: Some(report.clone()),
        ..list_args("people.csv")
    };
    table::check(&args, at()).unwrap();
    let again = table::check(
        &ListArgs {
            file: report.clone(),
            ..list_args("people.csv")
        },
        at(),
    );
    let again = json(again);
    assert_eq!((&again["rows"], &again["rejected"]), (&1.into(), &1.into()));
    let mended = std::fs::read_to_string(&report).unwrap();
    assert!(mended.contains("phone_too_short"), "{mended}");
}

#[test]
fn a_made_up_list_is_told_by_its_numbers_and_dates() {
    let codes = |source| -> Vec<String> {
        let args = ListArgs {
            source,
            ..list_args("people_generated.csv")
        };
        let answer = json(list::check(&args, at()));
        assert_eq!(answer["verdict"], "review");
        let reasons = answer["reasons"].as_array().unwrap();
        for reason in reasons {
            assert!(
                reason["sentence"].as_str().unwrap().ends_with('.'),
                "{reason}"
            );
        }
        let codes = reasons
            .iter()
            .map(|reason| reason["code"].as_str().unwrap().to_owned());
        codes.collect()
    };
    assert_eq!(
        codes(SourceKind::OwnCrm),
        [
            "long_run",
            "sequential_numbers",
            "all_on_upload_day",
            "same_second"
        ]
    );
    // Forms on paper are typed in together.
    assert_eq!(
        codes(SourceKind::OwnEvent),
        ["long_run", "sequential_numbers"]
    );
}

fn template_args(file: &str, mapping: Option<&str>) -> template::Args {
    template::Args {
        file: fixture(file),
        business: "Kedai Senja".to_owned(),
        mapping: mapping.map(fixture),
        columns: None,
        json: true,
    }
}

#[test]
fn templates_are_judged_one_by_one() {
    let answer = json(template::check(&template_args(
        "template.json",
        Some("mapping.json"),
    )));
    let templates = &answer["templates"];
    assert_eq!(templates[0]["findings"], serde_json::json!([]));
    assert_eq!(templates[0]["stop"]["works"], true);
    assert_eq!(templates[0]["stop"]["quick_reply"], 0);
    assert_eq!(templates[1]["stop"]["works"], false);
    let codes: Vec<&str> = templates[1]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] == "blocker")
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "template_not_approved",
            "variable_unmapped",
            "sender_not_named",
            "stop_not_said",
            "stop_missing"
        ]
    );
    assert!(templates[2]["error"].as_str().unwrap().contains("carousel"));
    assert_eq!(templates[2]["name"], "katalog");
}

#[test]
fn broken_templates_and_mappings_are_named_by_their_lines() {
    assert_eq!(
        complaint(template::check(&template_args(
            "template_broken.json",
            None
        ))),
        "template_broken.json, line 3: the file is not JSON; \
         look for a missing comma, quotation mark or bracket"
    );
    assert_eq!(
        complaint(template::check(&template_args(
            "template.json",
            Some("mapping_bad.json")
        ))),
        "mapping_bad.json, line 3: expected a variable such as `body.nama`, `header.1`, \
         `button.0` or `payload.1`; mend it as `--help` describes the file"
    );
}

#[test]
fn pages_say_the_same_to_people() {
    let page = table::page(&table::check(&list_args("people.csv"), at()).unwrap());
    assert!(page.contains("3  people accepted"), "{page}");
    assert!(page.contains("review consent_missing"), "{page}");
    let args = template_args("template.json", Some("mapping.json"));
    let page = template::page(&template::check(&args).unwrap());
    assert!(page.contains("blocker   stop_missing: "), "{page}");
}

#[test]
fn links_are_compared_with_their_verdicts() {
    let answer = json(links::check(&fixture("links.tsv")));
    assert_eq!(answer["n"], 3, "{answer}");
    assert_eq!(answer["block"]["recall"], 1.0, "{answer}");
    assert_eq!(answer["allow"]["blocked"], 0.0, "{answer}");
    // The one row with a wrong label comes back with its line.
    assert_eq!(answer["errors"][0]["row"], 4, "{answer}");
}
