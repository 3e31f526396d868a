//! A record as it is cut from the bytes, and its limits.

use csv_core::ReadRecordResult;

use super::read::Limits;
use super::refusal::{FileProblem, FileRefusal};

/// A record as it was cut from the bytes, unquoted but not decoded.
#[derive(Debug)]
pub(super) struct RawRecord {
    out: Vec<u8>,
    written: usize,
    ends: Vec<usize>,
    cells: usize,
    /// Bytes read for it, with quotes, delimiters and line ends.
    pub(super) read: usize,
    pub(super) start: u64,
    pub(super) line: u64,
    pub(super) after_return: bool,
    pub(super) awaits_line_feed: bool,
    pub(super) is_done: bool,
}

impl RawRecord {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            out: vec![0; limits.record_bytes + 2],
            written: 0,
            ends: vec![0; limits.columns],
            cells: 0,
            read: 0,
            start: 0,
            line: 1,
            after_return: false,
            awaits_line_feed: false,
            is_done: false,
        }
    }

    pub(super) fn clear(&mut self) {
        self.written = 0;
        self.cells = 0;
        self.read = 0;
        self.after_return = false;
        self.awaits_line_feed = false;
        self.is_done = false;
    }

    pub(super) fn feed(
        &mut self,
        core: &mut csv_core::Reader,
        bytes: &[u8],
    ) -> (ReadRecordResult, usize) {
        let (result, read, wrote, ended) = core.read_record(
            bytes,
            &mut self.out[self.written..],
            &mut self.ends[self.cells..],
        );
        self.written += wrote;
        self.cells += ended;
        (result, read)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.out[..self.written]
    }

    pub(super) fn ends(&self) -> &[usize] {
        &self.ends[..self.cells]
    }

    /// Finds the first fault in reading order, so that it does not matter how
    /// much of the record was there when it was looked for.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), FileRefusal> {
        let nul = memchr::memchr(0, self.bytes());
        let mut from = 0;
        let ends = self.ends().iter().copied().chain([self.written]);
        let long = ends.enumerate().find_map(|(column, end)| {
            let start = std::mem::replace(&mut from, end);
            (end - start > limits.cell_bytes).then_some((start + limits.cell_bytes, column))
        });
        match (nul, long) {
            (Some(nul), long) if long.is_none_or(|(at, _)| nul < at) => {
                let column = self.ends().iter().take_while(|&&end| end <= nul).count();
                Err(FileRefusal::at(FileProblem::NulByte, self.line).in_column(column + 1))
            }
            (_, Some((_, column))) => {
                Err(FileRefusal::at(FileProblem::CellTooLong, self.line).in_column(column + 1))
            }
            (_, None) => Ok(()),
        }
    }

    /// Nothing but white space, as spreadsheets leave under a table.
    pub(super) fn is_blank(&self) -> bool {
        self.bytes().iter().all(u8::is_ascii_whitespace)
    }
}
