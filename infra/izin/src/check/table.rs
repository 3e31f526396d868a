//! What an import of a file would come to.

use std::fmt::Write as _;

use jiff::Timestamp;
use policy::import::Summary;
use serde::Serialize;

use super::input::Problem;
use super::{ListArgs, list};

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    #[serde(flatten)]
    summary: Summary,
    provenance: Provenance,
}

#[derive(Debug, Serialize)]
struct Provenance {
    verdict: &'static str,
    reasons: Vec<&'static str>,
}

pub(super) fn check(args: &ListArgs, at: Timestamp) -> Result<Answer, Problem> {
    let list::Walked {
        summary,
        assessment,
    } = list::walk(args, at)?;
    Ok(Answer {
        summary,
        provenance: Provenance {
            verdict: assessment.verdict.code(),
            reasons: assessment
                .reasons
                .iter()
                .map(|reason| reason.code)
                .collect(),
        },
    })
}

pub(super) fn page(answer: &Answer) -> String {
    let summary = &answer.summary;
    let mut page = String::new();
    for (count, what) in [
        (summary.rows, "rows"),
        (summary.accepted, "people accepted"),
        (summary.without_consent, "of them without a proven consent"),
        (summary.duplicates, "duplicate rows"),
        (summary.rejected, "rows rejected"),
    ] {
        writeln!(page, "{count:>9}  {what}").expect("a string grows");
    }
    for (code, count) in &summary.reasons {
        writeln!(page, "{count:>18}  {code}").expect("a string grows");
    }
    let Provenance { verdict, reasons } = &answer.provenance;
    let (encoding, delimiter) = (&summary.encoding, summary.delimiter.escape_debug());
    writeln!(page, "encoding {encoding}, separator {delimiter}").expect("a string grows");
    writeln!(page, "source of the list: {verdict} {}", reasons.join(", ")).expect("a string grows");
    page
}
