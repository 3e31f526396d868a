//! The rejection report: rejected rows as they came, with the reasons, ready
//! to be mended and uploaded again.

use super::reason::RowReason;
use super::record::{NUL_SIGN, Record, TOO_LONG};
use super::role::Role;
use super::sniff::Layout;
use super::text::guards_formula;

/// The columns that the report adds in front, and an import leaves out.
const ADDED: [&str; 4] = ["izin_line", "izin_code", "izin_reason", "izin_alasan"];

/// Stands right of a row for the cells that were too many to be kept.
const DROPPED: &str = "\u{2026}";

/// How many columns of a header line a report has added. They do not count
/// against [`Limits::columns`](super::Limits::columns): the report on the widest
/// file can be read too.
pub(super) fn added<'a>(headers: impl Iterator<Item = &'a str>) -> usize {
    headers.zip(ADDED).take_while(|(a, b)| a == b).count()
}

/// Whether a line is the header of a report.
pub(super) fn is_report(cells: &[String]) -> bool {
    added(cells.iter().map(String::as_str)) == ADDED.len()
}

/// Writes a rejection report in UTF-8, with the delimiter of the file.
///
/// Law: no cell of a report starts a formula in a spreadsheet, and a report
/// that is uploaded unchanged is judged as the original rows were.
#[derive(Clone, Debug)]
pub struct Report {
    delimiter: char,
    /// Which columns of the file are repeated; not those of an earlier report.
    columns: Vec<usize>,
    /// How many columns the file has.
    width: usize,
    header: String,
}

impl Report {
    /// A report on a file with that layout.
    pub fn new(layout: &Layout) -> Self {
        let delimiter = char::from(layout.delimiter.byte());
        let all = layout.mapping.columns();
        let columns: Vec<usize> = (0..all.len())
            .filter(|&index| all[index].role != Role::Ignored)
            .collect();
        let headers = columns.iter().map(|&index| all[index].report_header());
        let mut report = Self {
            delimiter,
            columns: columns.clone(),
            width: all.len(),
            header: String::new(),
        };
        let header = report.line(ADDED.into_iter().chain(headers));
        // Spreadsheets take UTF-8 for what it is only after this mark.
        report.header = format!("\u{feff}{header}");
        report
    }

    /// The header line, to be written first.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The line for a rejected row.
    pub fn row(&self, record: &Record<'_>, reasons: &[RowReason]) -> String {
        let line = record.line().to_string();
        let join = |text: fn(RowReason) -> &'static str, between: &str| {
            let texts: Vec<&str> = reasons.iter().map(|&reason| text(reason)).collect();
            texts.join(between)
        };
        let codes = join(RowReason::code, " ");
        let english = join(RowReason::english, ". ");
        let indonesian = join(RowReason::indonesian, ". ");
        let added = [line.as_str(), &codes, &english, &indonesian];
        // An empty cell there is no fault; in front of white space a `'` would
        // make it one.
        let beyond = (self.width..)
            .map_while(|index| record.get(index))
            .map(|cell| if cell.trim().is_empty() { "" } else { cell });
        let kept = self.columns.iter().map(|&index| record.get(index));
        let mut cells: Vec<&str> = kept.map(Option::unwrap_or_default).collect();
        // The place of the cut may lie in a column that is not repeated.
        if record.is_too_long() && !cells.contains(&TOO_LONG) {
            cells.pop();
            cells.push(TOO_LONG);
        }
        let dropped = record.has_dropped_cells().then_some(DROPPED);
        let cells = cells.into_iter().chain(beyond).chain(dropped);
        self.line(added.into_iter().chain(cells))
    }

    fn line<'c>(&self, cells: impl Iterator<Item = &'c str>) -> String {
        let mut line = String::new();
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                line.push(self.delimiter);
            }
            write_cell(&mut line, cell);
        }
        line.push_str("\r\n");
        line
    }
}

/// Writes a cell in quotation marks, with a `'` before what a spreadsheet
/// would compute (CWE-1236); importing takes the `'` away again.
fn write_cell(line: &mut String, cell: &str) {
    line.push('"');
    if guards_formula(cell) {
        line.push('\'');
    }
    for c in cell.chars() {
        if c == '"' {
            line.push('"');
        }
        line.push(if c == '\0' { NUL_SIGN } else { c });
    }
    line.push('"');
}
