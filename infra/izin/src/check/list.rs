//! Whether a list looks like the source it is said to have.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use policy::import::{Judged, Record, Report, RowReason, Rules, Summary, check_file};
use policy::provenance::{
    Assessment, Declaration, InvalidNumber, Neighbours, Observer, Row, SourceKind,
};
use serde::Serialize;

use super::ListArgs;
use super::input::{Pieces, Problem};

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

pub(super) fn check(args: &ListArgs, at: Timestamp) -> Result<Answer, Problem> {
    let walked = walk(args, at)?;
    let assessment = &walked.assessment;
    let reasons = assessment.reasons.iter().map(|reason| Reason {
        code: reason.code,
        verdict: reason.verdict.code(),
        weight: reason.weight,
        seen: reason.seen,
        fine: reason.fine,
        sentence: sentence(reason.code),
    });
    Ok(Answer {
        source: args.source.code(),
        score: assessment.score,
        verdict: assessment.verdict.code(),
        reasons: reasons.collect(),
    })
}

/// What a walk over a list comes to.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) summary: Summary,
    pub(super) assessment: Assessment,
}

/// Judges every row of a list, lets an observer see it as an import does, and
/// writes the report on the rejected ones if that is asked for.
pub(super) fn walk(args: &ListArgs, at: Timestamp) -> Result<Walked, Problem> {
    let path = &args.file;
    let rules = Rules::indonesian(at);
    let mut observer = Observer::new(declaration(args.source, &args.countries, at), at);
    let mut rejected = args.rejected.as_deref().map(Rejected::create).transpose()?;
    let mut pieces = Pieces::of(path)?;
    let summary = check_file(&mut pieces, args.mapping(), &rules, |record, judged| {
        observe(&mut observer, judged);
        if let (Some(rejected), Judged::Rejected(reasons)) = (&mut rejected, judged) {
            rejected.add(record, reasons);
        }
    });
    // What could not be read is no shorter file.
    pieces.finish(path)?;
    let summary = summary.map_err(|refusal| Problem::of_table(path, refusal))?;
    rejected.map_or(Ok(()), Rejected::finish)?;
    Ok(Walked {
        summary,
        assessment: observer.assess(&Neighbours::default()),
    })
}

fn observe(observer: &mut Observer, judged: Judged<'_>) {
    match judged {
        Judged::Accepted(person) => {
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
        Judged::Duplicate(_) => observer.push_invalid(InvalidNumber::Duplicate),
        Judged::Rejected(reasons) => {
            if reasons.iter().any(|why| matches!(why, RowReason::Phone(_))) {
                observer.push_invalid(InvalidNumber::NotInPlan);
            }
        }
    }
}

/// The report on rejected rows, on its way into a file.
#[derive(Debug)]
struct Rejected<'a> {
    path: &'a Path,
    file: BufWriter<File>,
    report: Option<Report>,
    written: io::Result<()>,
}

impl<'a> Rejected<'a> {
    fn create(path: &'a Path) -> Result<Self, Problem> {
        let file = File::create(path).map_err(|error| Self::problem(path, &error))?;
        Ok(Self {
            path,
            file: BufWriter::new(file),
            report: None,
            written: Ok(()),
        })
    }

    fn add(&mut self, record: &Record<'_>, reasons: &[RowReason]) {
        if self.written.is_err() {
            return;
        }
        let is_first = self.report.is_none();
        let report = self
            .report
            .get_or_insert_with(|| Report::new(record.layout()));
        let header = if is_first { report.header() } else { "" };
        let row = report.row(record, reasons);
        self.written = write!(self.file, "{header}{row}");
    }

    fn finish(self) -> Result<(), Problem> {
        let Self {
            path,
            mut file,
            written,
            ..
        } = self;
        let written = written.and_then(|()| file.flush());
        written.map_err(|error| Self::problem(path, &error))
    }

    fn problem(path: &Path, error: &io::Error) -> Problem {
        let what = format!("the report cannot be written ({})", error.kind());
        Problem::new(
            path,
            None,
            what,
            "name a file in a folder that can be written to",
        )
    }
}

/// No consent is older than WhatsApp.
const FIRST_DAY: Date = date(2009, 1, 1);

/// What a check assumes: a list of these countries, collected at any time
/// until now. Signature and consent text are for the service to ask for.
fn declaration(kind: SourceKind, countries: &[String], at: Timestamp) -> Declaration {
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
