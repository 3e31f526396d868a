//! A record as it is cut from the bytes, and its limits.

use csv_core::ReadRecordResult;

use super::limits::Limits;

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
    pub(super) way: Way,
    /// Something stands right of the last cell that has room.
    pub(super) has_cells_beyond: bool,
}

/// How a record is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// With quotation marks, up to the end of the record.
    Record,
    /// Up to the end of the line: a quotation mark in it is never closed.
    Line,
    /// Not at all: the line has no end in sight, and what is left is passed
    /// over.
    Rest,
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
            way: Way::Record,
            has_cells_beyond: false,
        }
    }

    /// Gives room to so many cells of a record.
    pub(super) fn give_room(&mut self, cells: usize) {
        self.ends.resize(cells, 0);
    }

    pub(super) fn clear(&mut self) {
        self.clear_for(Way::Record);
        self.is_done = false;
    }

    /// Starts the same record again in another way.
    pub(super) fn clear_for(&mut self, way: Way) {
        self.way = way;
        self.written = 0;
        self.cells = 0;
        self.read = 0;
        self.after_return = false;
        self.awaits_line_feed = false;
        self.has_cells_beyond = false;
    }

    pub(super) fn feed(
        &mut self,
        core: &mut csv_core::Reader,
        bytes: &[u8],
    ) -> (ReadRecordResult, usize) {
        if self.cells == self.ends.len() {
            return self.feed_beyond(core, bytes);
        }
        let (result, read, wrote, ended) = core.read_record(
            bytes,
            &mut self.out[self.written..],
            &mut self.ends[self.cells..],
        );
        self.written += wrote;
        self.cells += ended;
        (result, read)
    }

    /// Reads on where no cell has room any more.
    fn feed_beyond(
        &mut self,
        core: &mut csv_core::Reader,
        bytes: &[u8],
    ) -> (ReadRecordResult, usize) {
        let (mut out, mut ends) = ([0; 256], [0; 32]);
        let (result, read, wrote, _) = core.read_record(bytes, &mut out, &mut ends);
        self.has_cells_beyond |= !out[..wrote].trim_ascii().is_empty();
        (result, read)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.out[..self.written]
    }

    pub(super) fn ends(&self) -> &[usize] {
        &self.ends[..self.cells]
    }

    /// How many cells have room.
    pub(super) fn most_cells(&self) -> usize {
        self.ends.len()
    }

    /// Nothing but white space, as spreadsheets leave under a table, or zeros,
    /// as a disk that was full leaves.
    pub(super) fn is_blank(&self) -> bool {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
        self.bytes().iter().all(blank) && !self.has_cells_beyond
    }

    /// The first cell with a zero byte, from 1.
    pub(super) fn nul_column(&self) -> Option<usize> {
        let nul = memchr::memchr(0, self.bytes())?;
        Some(1 + self.ends().iter().take_while(|&&end| end <= nul).count())
    }

    /// The first cell that is longer than `most` bytes, from 1.
    pub(super) fn long_column(&self, most: usize) -> Option<usize> {
        if self.written <= most {
            return None;
        }
        let mut from = 0;
        let long = self.ends().iter().position(|&end| {
            let start = std::mem::replace(&mut from, end);
            end - start > most
        });
        long.map(|column| column + 1)
    }
}
