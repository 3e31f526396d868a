//! How well replies are read.

use std::fmt::Write as _;
use std::path::Path;

use policy::reply::{self, ParseRowsError, Report};

use super::input::{self, Problem};

pub(super) fn check(path: &Path) -> Result<Report, Problem> {
    let text = input::text(path)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let rows = reply::parse_rows(text).map_err(|error| {
        let (row, remedy) = match error {
            ParseRowsError::NoTextColumn | ParseRowsError::NoLabelColumn => (
                0,
                "name the columns `text` and `label` in the first line, with tabs between",
            ),
            ParseRowsError::Short { row } => (row, "put a tab between the cells, as in the header"),
            ParseRowsError::UnknownLabel { row } => (row, "write optout, resume, help or other"),
        };
        Problem::new(path, line_of(text, row), error.to_string(), remedy)
    })?;
    Ok(reply::evaluate(&rows))
}

/// The line of the file on which a row stands; 0 is the header.
fn line_of(text: &str, row: usize) -> u64 {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .nth(row)
        .map_or(1, |(number, _)| number)
}

pub(super) fn page(report: &Report) -> String {
    let optout = report.optout;
    let mut page = format!(
        "{} replies\nopt-outs   precision {:.3}   recall {:.3}   (found {}, missed {}, false alarms {})\n",
        report.n, optout.precision, optout.recall, optout.tp, optout.fn_, optout.fp
    );
    for (label, given) in &report.confusion {
        let given: Vec<String> = given
            .iter()
            .map(|(got, count)| format!("{got} {count}"))
            .collect();
        writeln!(page, "  {label:<8} read as  {}", given.join(", ")).expect("a string grows");
    }
    for error in &report.errors {
        let (label, got, rule, text) = (error.label, error.got, error.rule, &error.text);
        writeln!(page, "  {label} read as {got} by {rule}: {text}").expect("a string grows");
    }
    page
}
