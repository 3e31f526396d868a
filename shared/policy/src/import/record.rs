//! A row: its decoded cells and its place in the file.

use super::encoding::Encoding;
use super::raw::RawRecord;
use super::sniff::Layout;

/// The decoded cells of a record; reused from one to the next.
#[derive(Debug, Default)]
pub(super) struct Cells {
    text: String,
    ends: Vec<usize>,
    is_damaged: bool,
    has_unbalanced_quote: bool,
    has_hash: bool,
}

impl Cells {
    pub(super) fn fill(&mut self, raw: &RawRecord, encoding: Encoding) {
        self.text.clear();
        self.ends.clear();
        self.is_damaged = false;
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
                self.is_damaged |= damaged;
                from = end;
            }
        }
        // A replacement character that was in the file is damage of earlier.
        self.is_damaged |= !self.text.is_ascii() && self.text.contains('\u{fffd}');
        self.has_hash = memchr::memchr(b'#', self.text.as_bytes()).is_some();
        let has_lines = memchr::memchr2(b'\n', b'\r', self.text.as_bytes()).is_some();
        self.has_unbalanced_quote = has_lines
            && (0..self.ends.len())
                .filter_map(|index| self.get(index))
                .any(|cell| cell.contains(['\n', '\r']) && cell.matches('"').count() % 2 == 1);
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
        let cells = self.cells;
        (0..cells.ends.len()).filter_map(|index| cells.get(index))
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

    pub(super) fn is_damaged(&self) -> bool {
        self.cells.is_damaged
    }

    pub(super) fn has_unbalanced_quote(&self) -> bool {
        self.cells.has_unbalanced_quote
    }

    /// Whether a `#` stands anywhere, as in every spreadsheet error.
    pub(super) fn has_hash(&self) -> bool {
        self.cells.has_hash
    }

    /// Whether there is something right of the last column; empty cells there
    /// are the work of spreadsheets.
    pub(super) fn has_cells_beyond(&self, columns: usize) -> bool {
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
