//! What an import of a file would come to.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use policy::import::{Rules, Summary, check_file};
use policy::provenance::SourceKind;
use serde::Serialize;

use super::input::{self, Problem};
use super::list;

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

pub(super) fn check(
    path: &Path,
    source: SourceKind,
    countries: &[String],
    at: Timestamp,
) -> Result<Answer, Problem> {
    let bytes = input::bytes(path)?;
    let rules = Rules::indonesian(at);
    let summary = check_file(bytes.chunks(64 << 10), None, &rules)
        .map_err(|refusal| Problem::of_table(path, refusal))?;
    let assessment = list::assess(&bytes, list::declaration(source, countries, at), &rules)
        .map_err(|refusal| Problem::of_table(path, refusal))?;
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
