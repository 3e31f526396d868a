//! What a file is worth.

use std::fmt::Write as _;
use std::path::Path;

use policy::links;
use policy::media::{self, Report, Said};
use serde::Serialize;

use super::input::{self, Problem};

/// The verdict, with the codes by themselves for whoever only counts them.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    verdict: &'static str,
    accepted: bool,
    reasons: Vec<&'static str>,
    #[serde(rename = "type")]
    media_type: Option<&'static str>,
    kind: Option<&'static str>,
    bytes: u64,
    sha256: String,
    width: Option<u32>,
    height: Option<u32>,
    findings: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    reason: &'static str,
    verdict: &'static str,
    place: String,
    remedy: &'static str,
}

pub(super) fn check(path: &Path, declared: Option<String>) -> Result<Checked, Problem> {
    let bytes = input::bytes(path)?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let said = Said {
        media_type: declared,
        name,
    };
    Ok(Checked::of(media::check(
        &bytes,
        &said,
        &links::Context::default(),
    )))
}

impl Checked {
    fn of(report: Report) -> Self {
        let mut reasons: Vec<&str> = report.findings.iter().map(|f| f.reason.code()).collect();
        reasons.dedup();
        Self {
            verdict: report.verdict.code(),
            accepted: report.verdict != links::Verdict::Block,
            reasons,
            media_type: report.media_type,
            kind: report.kind.map(|kind| kind.code()),
            bytes: report.bytes,
            sha256: report.sha256,
            width: report.width,
            height: report.height,
            findings: report
                .findings
                .into_iter()
                .map(|finding| Found {
                    reason: finding.reason.code(),
                    verdict: finding.verdict.code(),
                    place: finding.place,
                    remedy: finding.reason.remedy(),
                })
                .collect(),
        }
    }
}

pub(super) fn page(checked: &Checked) -> String {
    let mut page = format!(
        "{}   {}, {} bytes\nsha256 {}\n",
        checked.verdict,
        checked.media_type.unwrap_or("of no known type"),
        checked.bytes,
        checked.sha256,
    );
    for Found {
        reason,
        verdict,
        place,
        remedy,
    } in &checked.findings
    {
        let place = if place.is_empty() {
            String::new()
        } else {
            // What stands in the file may steer a terminal.
            format!(" at {}", place.escape_debug())
        };
        writeln!(page, "  {verdict}: {reason}{place}; {remedy}").expect("a string grows");
    }
    page
}
