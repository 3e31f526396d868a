//! Bytes in, records out, with a checkpoint after each.

use csv_core::{ReadRecordResult, ReaderBuilder};
use serde::{Deserialize, Serialize};

use super::encoding::Encoding;
use super::header::ExplicitMapping;
use super::input::Input;
use super::raw::RawRecord;
use super::record::{Cells, Record};
use super::refusal::{FileProblem, FileRefusal};
use super::sniff::{self, Layout, Sniffed};

/// How large things may be before the file is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Cells of a record.
    pub columns: usize,
    /// Bytes of a cell, decoded for UTF-16 and as in the file otherwise.
    pub cell_bytes: usize,
    /// Bytes of a record, its line ends included.
    pub record_bytes: usize,
    /// Rows of a file.
    pub rows: u64,
}

impl Limits {
    /// The limits of an upload: 64 columns, 4 KiB, 64 KiB, a million rows.
    pub const UPLOAD: Self = Self {
        columns: 64,
        cell_bytes: 4 << 10,
        record_bytes: 64 << 10,
        rows: 1_000_000,
    };
}

/// How many bytes of a file decide its encoding, delimiter and header.
pub const WINDOW_BYTES: usize = 64 << 10;

/// Where reading stands after a record: enough to go on in another process.
///
/// Read the original file from `offset` on and push what comes into
/// [`Reader::resume`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Checkpoint {
    /// The byte after the record, in the file as it was uploaded.
    pub offset: u64,
    /// The line on which that byte lies, from 1.
    pub line: u64,
    /// How many rows were handed out.
    pub row: u64,
    /// The encoding, as far as it is known.
    pub encoding: Encoding,
    /// The delimiter and the columns.
    pub layout: Layout,
}

/// Reads a file that is pushed in pieces of any size.
///
/// Push, then take records until there are none; at the end, [`finish`] and
/// take the rest. Memory is bounded by the largest push plus the window.
///
/// Law: however the bytes are cut, the records and their offsets are the same;
/// and from any checkpoint on, the rest is the same.
///
/// [`finish`]: Reader::finish
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    explicit: Option<ExplicitMapping>,
    input: Input,
    stage: Stage,
    core: csv_core::Reader,
    raw: RawRecord,
    cells: Cells,
    line: u64,
    row: u64,
    /// Records before the first row that were not read yet.
    skip: usize,
}

#[derive(Debug)]
enum Stage {
    Reading(Box<Layout>),
    Refused(FileRefusal),
    Sniffing,
}

impl Reader {
    /// Starts at the beginning of a file; without a mapping, its header tells.
    pub fn new(limits: Limits, explicit: Option<ExplicitMapping>) -> Self {
        Self {
            limits,
            explicit,
            input: Input::new(Encoding::Ascii, 0),
            stage: Stage::Sniffing,
            core: csv_core::Reader::new(),
            raw: RawRecord::new(&limits),
            cells: Cells::default(),
            line: 1,
            row: 0,
            skip: 0,
        }
    }

    /// Goes on after the record at which `checkpoint` was taken.
    pub fn resume(limits: Limits, checkpoint: Checkpoint) -> Self {
        Self {
            input: Input::new(checkpoint.encoding, checkpoint.offset),
            core: core_for(&checkpoint.layout),
            line: checkpoint.line,
            row: checkpoint.row,
            stage: Stage::Reading(Box::new(checkpoint.layout)),
            ..Self::new(limits, None)
        }
    }

    /// Adds the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    /// Says that there are no more bytes.
    pub fn finish(&mut self) {
        self.input.finish();
    }

    /// The next row that is not blank; `None` if more bytes are needed or, after
    /// [`finish`](Self::finish), at the end. A refusal is repeated for ever.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, FileRefusal> {
        match self.advance() {
            Ok(false) => Ok(None),
            Ok(true) => Ok(self.layout().map(|layout| Record {
                cells: &self.cells,
                layout,
                row: self.row,
                line: self.raw.line,
                start: self.raw.start,
                end: self.input.offset(),
            })),
            Err(refusal) => {
                self.stage = Stage::Refused(refusal);
                Err(refusal)
            }
        }
    }

    /// Decides on encoding, delimiter and columns as soon as enough was pushed;
    /// for those who want to know before the first row.
    pub fn prepare(&mut self) -> Result<Option<&Layout>, FileRefusal> {
        match self.sniff_once() {
            Ok(_) => Ok(self.layout()),
            Err(refusal) => {
                self.stage = Stage::Refused(refusal);
                Err(refusal)
            }
        }
    }

    /// The encoding, as far as it is known.
    pub fn encoding(&self) -> Encoding {
        self.input.encoding()
    }

    /// The delimiter and the columns, once known.
    pub fn layout(&self) -> Option<&Layout> {
        match &self.stage {
            Stage::Reading(layout) => Some(layout),
            Stage::Refused(_) | Stage::Sniffing => None,
        }
    }

    /// Where reading stands, once the header is known. To be taken after a
    /// record and before the next.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let at_boundary = (self.raw.is_done || self.raw.read == 0) && self.skip == 0;
        let layout = self.layout().filter(|_| at_boundary)?;
        Some(Checkpoint {
            offset: self.input.offset(),
            line: self.line,
            row: self.row,
            encoding: self.input.encoding(),
            layout: layout.clone(),
        })
    }

    /// Reads up to and including the next row.
    fn advance(&mut self) -> Result<bool, FileRefusal> {
        if !self.sniff_once()? {
            return Ok(false);
        }
        loop {
            if !self.read_raw()? {
                return Ok(false);
            }
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            if self.raw.is_blank() {
                continue;
            }
            if self.row == self.limits.rows {
                return Err(FileRefusal::at(FileProblem::TooManyRows, self.raw.line));
            }
            self.row += 1;
            self.decode();
            return Ok(true);
        }
    }

    fn sniff_once(&mut self) -> Result<bool, FileRefusal> {
        match self.stage {
            Stage::Reading(_) => Ok(true),
            Stage::Refused(refusal) => Err(refusal),
            Stage::Sniffing => self.sniff(),
        }
    }

    /// Decides on encoding, delimiter and header; false if the window is not
    /// full yet.
    fn sniff(&mut self) -> Result<bool, FileRefusal> {
        let pushed = self.input.window();
        if pushed.len() < WINDOW_BYTES && !self.input.is_finished() {
            return Ok(false);
        }
        // Never look further than the window, so that the cut does not matter.
        let window = &pushed[..pushed.len().min(WINDOW_BYTES)];
        let whole = self.input.is_finished() && window.len() == pushed.len();
        let encoding = Encoding::detect(window, whole)?;
        let mut start = Input::new(encoding, 0);
        start.push(window);
        if whole {
            start.finish();
        }
        let Sniffed { layout, skip } = sniff::sniff(
            start.available(),
            whole,
            encoding,
            self.explicit.as_ref(),
            self.limits.columns,
        )?;
        self.input.set_encoding(encoding);
        self.core = core_for(&layout);
        self.stage = Stage::Reading(Box::new(layout));
        self.skip = skip;
        Ok(true)
    }

    /// Reads the next record into `raw`; false if bytes are missing or there
    /// are no more records.
    fn read_raw(&mut self) -> Result<bool, FileRefusal> {
        if self.raw.is_done {
            self.raw.clear();
        }
        loop {
            if self.raw.read == 0 && !self.skip_between_records() {
                return Ok(false);
            }
            if self.raw.awaits_line_feed {
                let finished = self.input.is_finished();
                match self.input.available().first() {
                    None if !finished => return Ok(false),
                    Some(b'\n') => self.input.consume(1),
                    _ => (),
                }
                self.raw.is_done = true;
                return Ok(true);
            }
            let finished = self.input.is_finished();
            let available = self.input.available();
            if available.is_empty() && !finished {
                return Ok(false);
            }
            let room = self.limits.record_bytes + 1 - self.raw.read;
            let feed = &available[..available.len().min(room)];
            // At the end of the file a line end closes the last record, unless
            // it stands within quotation marks.
            let last = feed.is_empty();
            let feed = if last { b"\n" } else { feed };
            let (result, read) = self.raw.feed(&mut self.core, feed);
            let ends_with_return =
                result == ReadRecordResult::Record && !last && feed.get(read - 1) == Some(&b'\r');
            if !last {
                self.line += line_ends(&feed[..read], &mut self.raw.after_return);
                self.input.consume(read);
                self.raw.read += read;
            }
            self.raw.check(&self.limits)?;
            match result {
                ReadRecordResult::Record if ends_with_return => {
                    self.raw.after_return = false;
                    self.raw.awaits_line_feed = true;
                }
                ReadRecordResult::Record => {
                    self.raw.is_done = true;
                    return Ok(true);
                }
                ReadRecordResult::InputEmpty if last => {
                    return Err(FileRefusal::at(FileProblem::QuoteUnclosed, self.raw.line));
                }
                ReadRecordResult::InputEmpty if self.raw.read <= self.limits.record_bytes => (),
                ReadRecordResult::OutputEndsFull => {
                    return Err(FileRefusal::at(FileProblem::TooManyColumns, self.raw.line));
                }
                ReadRecordResult::End
                | ReadRecordResult::InputEmpty
                | ReadRecordResult::OutputFull => {
                    return Err(FileRefusal::at(FileProblem::LineTooLong, self.raw.line));
                }
            }
        }
    }

    /// Skips line ends and byte order marks before a record and notes where it
    /// starts; false if no byte of it is there yet.
    fn skip_between_records(&mut self) -> bool {
        const MARK: &[u8] = "\u{feff}".as_bytes();

        loop {
            let finished = self.input.is_finished();
            let (skip, lines) = match *self.input.available() {
                [] => return false,
                [b'\n', ..] => (1, 1),
                [b'\r', b'\n', ..] => (2, 1),
                [b'\r'] if !finished => return false,
                [b'\r', ..] => (1, 1),
                ref bytes if bytes.starts_with(MARK) => (MARK.len(), 0),
                ref bytes if MARK.starts_with(bytes) && !finished => return false,
                _ => break,
            };
            self.input.consume(skip);
            self.line += lines;
        }
        self.raw.start = self.input.offset();
        self.raw.line = self.line;
        true
    }

    /// Makes text of the record in hand.
    fn decode(&mut self) {
        let bytes = self.raw.bytes();
        if self.input.encoding() == Encoding::Ascii && !bytes.is_ascii() {
            // The first row with more than ASCII decides for the rest.
            self.input.set_encoding(Encoding::of_bytes(bytes, true));
        }
        self.cells.fill(&self.raw, self.input.encoding());
    }
}

fn core_for(layout: &Layout) -> csv_core::Reader {
    ReaderBuilder::new()
        .delimiter(layout.delimiter.byte())
        .build()
}

/// Counts line ends; a return and the line feed after it are one, also over
/// the seam of two calls.
fn line_ends(bytes: &[u8], after_return: &mut bool) -> u64 {
    let mut count = 0;
    let mut previous = None;
    for at in memchr::memchr2_iter(b'\r', b'\n', bytes) {
        let follows_return = match at.checked_sub(1) {
            None => *after_return,
            Some(before) => previous == Some(before) && bytes[before] == b'\r',
        };
        if bytes[at] == b'\r' || !follows_return {
            count += 1;
        }
        previous = Some(at);
    }
    if let Some(&last) = bytes.last() {
        *after_return = last == b'\r';
    }
    count
}

#[cfg(test)]
mod tests;
