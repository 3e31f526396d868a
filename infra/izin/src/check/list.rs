//! Whether a list looks like the source it is said to have.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use policy::import::{FileRefusal, Limits, Reader, RowOutcome, RowReason, Rules, accept_row};
use policy::provenance::{
    Assessment, Declaration, InvalidNumber, Neighbours, Observer, Row, SourceKind,
};
use serde::Serialize;

use super::facts;
use super::input::{self, Problem};

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    source: &'static str,
    score: u8,
    verdict: &'static str,
    reasons: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct Reason {
    code: &'static str,
    verdict: &'static str,
    weight: u8,
    seen: f64,
    fine: f64,
    sentence: &'static str,
}

pub(super) fn check(
    path: &Path,
    source: SourceKind,
    countries: &[String],
    at: Timestamp,
) -> Result<Answer, Problem> {
    let bytes = input::bytes(path)?;
    let declaration = declaration(source, countries, at);
    let assessment = assess(&bytes, declaration, &Rules::indonesian(at))
        .map_err(|refusal| Problem::of_table(path, refusal))?;
    let reasons = assessment.reasons.iter().map(|reason| Reason {
        code: reason.code,
        verdict: reason.verdict.code(),
        weight: reason.weight,
        seen: reason.seen,
        fine: reason.fine,
        sentence: sentence(reason.code),
    });
    Ok(Answer {
        source: source.code(),
        score: assessment.score,
        verdict: assessment.verdict.code(),
        reasons: reasons.collect(),
    })
}

/// No consent is older than WhatsApp.
const FIRST_DAY: Date = date(2009, 1, 1);

/// What a check assumes: a list of these countries, collected at any time
/// until now. Signature and consent text are for the service to ask for.
pub(super) fn declaration(kind: SourceKind, countries: &[String], at: Timestamp) -> Declaration {
    let countries: BTreeSet<String> = countries
        .iter()
        .map(|code| code.trim().to_ascii_uppercase())
        .collect();
    Declaration {
        kind,
        collector: String::new(),
        collected_from: FIRST_DAY,
        collected_to: TimeZone::UTC.to_datetime(at).date(),
        countries,
        consent_text_sha256: None,
        partner_contract: None,
        attestation: None,
    }
}

/// Lets an observer see every row, as an import does.
pub(super) fn assess(
    bytes: &[u8],
    declaration: Declaration,
    rules: &Rules,
) -> Result<Assessment, FileRefusal> {
    let mut observer = Observer::new(declaration, rules.now);
    let mut seen = BTreeSet::new();
    let mut reader = Reader::new(Limits::UPLOAD, None);
    reader.push(bytes);
    reader.finish();
    while let Some(record) = reader.next_record()? {
        match accept_row(&record, rules) {
            RowOutcome::Accepted(person) => {
                if !seen.insert(facts::token(&person.phone)) {
                    observer.push_invalid(InvalidNumber::Duplicate);
                    continue;
                }
                let consent = person.consent.as_ref();
                observer.push(Row {
                    phone: &person.phone,
                    name: person.name.as_deref(),
                    consent_at: consent.map(|consent| consent.at),
                    // The row itself is evidence of a dated yes.
                    has_evidence: consent.is_some(),
                    is_trap: false,
                });
            }
            RowOutcome::Rejected { reasons } => {
                if reasons.iter().any(|why| matches!(why, RowReason::Phone(_))) {
                    observer.push_invalid(InvalidNumber::NotInPlan);
                }
            }
        }
    }
    Ok(observer.assess(&Neighbours::default()))
}

/// What a reason means and what helps.
fn sentence(code: &'static str) -> &'static str {
    match code {
        "sequential_numbers" => {
            "More numbers follow one another than chance allows: the list looks generated."
        }
        "long_run" => "A long row of numbers has no gap: the list looks generated.",
        "fixed_step" => "Many numbers lie the same step apart: the list looks generated.",
        "one_prefix" => "Most numbers begin alike: the list looks like one block of numbers.",
        "invalid_numbers" => "Many numbers do not exist: the list looks old or made up.",
        "service_numbers" => "Some numbers are services, not people.",
        "trap_numbers" => "Some numbers were never given to anybody: the list was not collected.",
        "consent_missing" => "Many rows do not say when the person agreed, or what proves it.",
        "same_second" => "Most people agreed in the same second: the dates look filled in.",
        "all_on_upload_day" => "Everybody agreed on the day of the upload.",
        "consent_after_upload" => "Some people agreed in the future.",
        "outside_dates" => "Some people agreed outside the time in which the list was collected.",
        "foreign_countries" => "Many numbers belong to countries that the list does not cover.",
        "in_other_lists" => "Many of these people stand in the lists of unrelated businesses.",
        "opted_out" => "Many of these people have said stop.",
        "odd_names" => "Many names are none that a person has, as in exports of groups.",
        "same_name" => "Most people have the same name.",
        code => code,
    }
}

pub(super) fn page(answer: &Answer) -> String {
    let Answer {
        source,
        score,
        verdict,
        reasons,
    } = answer;
    let mut page = format!("{verdict}: {score} of 100 against a list from {source}\n");
    for reason in reasons {
        let Reason {
            code,
            weight,
            seen,
            fine,
            sentence,
            ..
        } = reason;
        writeln!(
            page,
            "{weight:>5}  {code}: {sentence} (seen {seen:.3}, fine up to {fine:.3})"
        )
        .expect("a string grows");
    }
    page
}
