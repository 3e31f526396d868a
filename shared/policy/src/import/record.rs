//! A row: its decoded cells and its place in the file.

use super::encoding::Encoding;
use super::raw::{RawRecord, Way};
use super::reason::RowReason;
use super::role::Role;
use super::sniff::Layout;

/// The decoded cells of a record; reused from one to the next.
#[derive(Debug, Default)]
pub(super) struct Cells {
    text: String,
    ends: Vec<usize>,
    faults: Faults,
    has_hash: bool,
}

/// What is wrong with a record before its cells mean anything.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    is_damaged: bool,
    has_nul: bool,
    is_too_long: bool,
    has_long_cell: bool,
    has_unbalanced_quote: bool,
    has_cells_beyond: bool,
}

/// Stands in a report for what was too long to be given back, and in place of
/// a zero byte; both are read as what they stand for.
pub(super) const TOO_LONG: &str = "#TOO_LONG!";
pub(super) const NUL_SIGN: char = '\u{2400}';

impl Cells {
    /// Decodes a record; a cell of more than `most` bytes is too long.
    pub(super) fn fill(&mut self, raw: &RawRecord, encoding: Encoding, most: usize) {
        self.text.clear();
        self.ends.clear();
        self.faults = Faults {
            has_nul: memchr::memchr(0, raw.bytes()).is_some(),
            is_too_long: raw.way == Way::Rest,
            has_long_cell: raw.long_column(most).is_some(),
            has_cells_beyond: raw.has_cells_beyond,
            ..Faults::default()
        };
        let straight = match encoding {
            Encoding::Legacy(_) => None,
            _ => std::str::from_utf8(raw.bytes()).ok(),
        }
        .filter(|text| raw.ends().iter().all(|&end| text.is_char_boundary(end)));
        if let Some(text) = straight {
            self.text.push_str(text);
            self.ends.extend_from_slice(raw.ends());
        } else {
            let mut from = 0;
            for &end in raw.ends() {
                let (text, damaged) = encoding.decode_cell(&raw.bytes()[from..end]);
                self.text.push_str(&text);
                self.ends.push(self.text.len());
                self.faults.is_damaged |= damaged;
                from = end;
            }
        }
        if raw.way == Way::Rest {
            // A report has room for them beside the columns it adds.
            self.ends.truncate(raw.most_cells() / 2);
            self.text.truncate(self.ends.last().copied().unwrap_or(0));
            self.text.push_str(TOO_LONG);
            self.ends.push(self.text.len());
        }
        let faults = &mut self.faults;
        if !self.text.is_ascii() {
            // A replacement character that was in the file is damage of earlier.
            faults.is_damaged |= self.text.contains('\u{fffd}');
            faults.has_nul |= self.text.contains(NUL_SIGN);
        }
        self.has_hash = memchr::memchr(b'#', self.text.as_bytes()).is_some();
        let has_quotes = memchr::memchr(b'"', self.text.as_bytes()).is_some();
        let unbalanced = has_quotes && self.iter().any(has_unbalanced_quote);
        let too_long = self.has_hash && self.iter().any(|cell| cell == TOO_LONG);
        self.faults.has_unbalanced_quote = unbalanced;
        self.faults.is_too_long |= too_long;
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).filter_map(|index| self.get(index))
    }

    fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = match index {
            0 => 0,
            index => self.ends[index - 1],
        };
        self.text.get(start..end)
    }
}

/// What could not be decoded, here or by whoever wrote the file.
fn is_damaged(cell: &str) -> bool {
    cell.contains(char::REPLACEMENT_CHARACTER)
}

fn has_nul(cell: &str) -> bool {
    cell.contains(['\0', NUL_SIGN])
}

/// A cell that begins with a quotation mark, or has swallowed a line, and has
/// an odd number of them.
fn has_unbalanced_quote(cell: &str) -> bool {
    (cell.starts_with('"') || cell.contains(['\n', '\r'])) && cell.matches('"').count() % 2 == 1
}

/// One row, with its place in the file.
///
/// Prints its place, never its cells.
#[derive(Clone, Copy)]
pub struct Record<'r> {
    pub(super) cells: &'r Cells,
    pub(super) layout: &'r Layout,
    pub(super) row: u64,
    pub(super) line: u64,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl<'r> Record<'r> {
    /// The cell in that column, from 0; unquoted and decoded, nothing else.
    pub fn get(&self, index: usize) -> Option<&'r str> {
        self.cells.get(index)
    }

    /// All cells.
    pub fn cells(&self) -> impl Iterator<Item = &'r str> {
        self.cells.iter()
    }

    /// The shape of the file it comes from.
    pub fn layout(&self) -> &'r Layout {
        self.layout
    }

    /// Its number among the rows, from 1; blank lines and the header do not
    /// count.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// The line of the file on which it begins, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The bytes of the uploaded file that it takes, its line end included.
    pub fn span(&self) -> std::ops::Range<u64> {
        self.start..self.end
    }

    /// What is wrong with the row as a record of a table, the columns that are
    /// left out aside.
    pub(super) fn faults(&self) -> impl Iterator<Item = RowReason> {
        let faults = &self.cells.faults;
        let columns = self.layout.mapping.columns();
        let is_used = |index: usize| {
            columns
                .get(index)
                .is_none_or(|column| column.role != Role::Ignored)
        };
        let any = |is_so: bool, test: fn(&str) -> bool| {
            let cells = || self.cells().enumerate();
            is_so && cells().any(|(index, cell)| is_used(index) && test(cell))
        };
        let found = [
            (any(faults.is_damaged, is_damaged), RowReason::NotText),
            (any(faults.has_nul, has_nul), RowReason::NulByte),
            (faults.is_too_long, RowReason::TooLong),
            (faults.has_long_cell, RowReason::CellTooLong),
            (
                any(faults.has_unbalanced_quote, has_unbalanced_quote),
                RowReason::QuoteUnbalanced,
            ),
            (
                faults.has_cells_beyond || self.has_cells_beyond(columns.len()),
                RowReason::TooManyCells,
            ),
        ];
        found
            .into_iter()
            .filter_map(|(is_so, reason)| is_so.then_some(reason))
    }

    /// Whether the row had to be cut, here or in an earlier report.
    pub(super) fn is_too_long(&self) -> bool {
        self.cells.faults.is_too_long
    }

    /// Whether the row has more cells than are kept, and something in those.
    pub(super) fn has_dropped_cells(&self) -> bool {
        self.cells.faults.has_cells_beyond
    }

    /// Whether a `#` stands anywhere, as in every spreadsheet error.
    pub(super) fn has_hash(&self) -> bool {
        self.cells.has_hash
    }

    /// Whether there is something right of the last column; empty cells there
    /// are the work of spreadsheets.
    fn has_cells_beyond(&self, columns: usize) -> bool {
        self.cells()
            .skip(columns)
            .any(|cell| !cell.trim().is_empty())
    }
}

impl std::fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("row", &self.row)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}
