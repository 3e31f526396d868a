//! Bytes in, records out, with a checkpoint after each.

use csv_core::{ReadRecordResult, ReaderBuilder};
use serde::{Deserialize, Serialize};

use super::encoding::Encoding;
use super::header::ExplicitMapping;
use super::input::Input;
use super::limits::Limits;
use super::raw::{RawRecord, Way};
use super::record::{Cells, Record};
use super::refusal::{FileProblem, FileRefusal};
use super::report::added;
use super::sniff::{self, Layout, Sniffed};
use super::unpack::{Packing, Unpacker};

/// Records that are read again: a file in which quotation marks are left open
/// everywhere must not cost a window for each line.
const REREAD_MAX: u32 = 1_000;

/// How many bytes of a file decide its encoding, delimiter and header.
pub const WINDOW_BYTES: usize = 64 << 10;

/// Where reading stands after a record: enough to go on in another process.
///
/// Read the file from [`start`](Checkpoint::start) on and push what comes into
/// [`Reader::resume`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Checkpoint {
    /// How the file is packed.
    pub packing: Packing,
    /// The byte after the record, in the file as it was uploaded or, if that
    /// is packed, in what is in it.
    pub offset: u64,
    /// The line on which that byte lies, from 1.
    pub line: u64,
    /// How many rows were handed out.
    pub row: u64,
    /// How many records had no end in sight and were read again.
    pub reread: u32,
    /// The encoding, as far as it is known.
    pub encoding: Encoding,
    /// The delimiter and the columns.
    pub layout: Layout,
}

impl Checkpoint {
    /// The byte of the uploaded file from which to push: a packed file has to
    /// be unpacked from its beginning, and what was read is passed over.
    pub fn start(&self) -> u64 {
        match self.packing {
            Packing::Plain => self.offset,
            Packing::Gzip | Packing::Zip => 0,
        }
    }
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
    unpacker: Unpacker,
    /// Unpacked bytes that were read before the checkpoint.
    pass_over: u64,
    input: Input,
    stage: Stage,
    core: csv_core::Reader,
    /// Reads a line without regard to quotation marks.
    bare: csv_core::Reader,
    /// How often a record was read again as a line.
    reread: u32,
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
            unpacker: Unpacker::new(),
            pass_over: 0,
            input: Input::new(Encoding::Ascii, 0),
            stage: Stage::Sniffing,
            core: csv_core::Reader::new(),
            bare: csv_core::Reader::new(),
            reread: 0,
            raw: RawRecord::new(&limits),
            cells: Cells::default(),
            line: 1,
            row: 0,
            skip: 0,
        }
    }

    /// Goes on after the record at which `checkpoint` was taken.
    pub fn resume(limits: Limits, checkpoint: Checkpoint) -> Self {
        let (unpacker, pass_over) = match checkpoint.packing {
            Packing::Plain => (Unpacker::plain(), 0),
            Packing::Gzip | Packing::Zip => (Unpacker::new(), checkpoint.offset),
        };
        let mut raw = RawRecord::new(&limits);
        raw.give_room(room(&limits, &checkpoint.layout));
        Self {
            unpacker,
            pass_over,
            raw,
            input: Input::new(checkpoint.encoding, checkpoint.offset),
            core: core_for(&checkpoint.layout, true),
            bare: core_for(&checkpoint.layout, false),
            reread: checkpoint.reread,
            line: checkpoint.line,
            row: checkpoint.row,
            stage: Stage::Reading(Box::new(checkpoint.layout)),
            ..Self::new(limits, None)
        }
    }

    /// Adds the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.unpacker.is_out_of_the_way() {
            self.input.push(bytes);
        } else {
            self.unpacker.push(bytes);
        }
    }

    /// Says that there are no more bytes.
    pub fn finish(&mut self) {
        self.unpacker.finish();
    }

    /// The next row that is not blank; `None` if more bytes are needed or, after
    /// [`finish`](Self::finish), at the end. A refusal is repeated for ever.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, FileRefusal> {
        match self.advance_through_pieces() {
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
        match self.sniff_through_pieces() {
            Ok(_) => Ok(self.layout()),
            Err(refusal) => {
                self.stage = Stage::Refused(refusal);
                Err(refusal)
            }
        }
    }

    /// How the file is packed, as far as it is known.
    pub fn packing(&self) -> Packing {
        self.unpacker.packing()
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
            packing: self.unpacker.packing(),
            offset: self.input.offset(),
            line: self.line,
            row: self.row,
            reread: self.reread,
            encoding: self.input.encoding(),
            layout: layout.clone(),
        })
    }

    fn advance_through_pieces(&mut self) -> Result<bool, FileRefusal> {
        while !self.advance()? {
            if !self.take_piece()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn sniff_through_pieces(&mut self) -> Result<bool, FileRefusal> {
        while !self.sniff_once()? {
            if !self.take_piece()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Moves the next piece of text on; false if that changed nothing.
    fn take_piece(&mut self) -> Result<bool, FileRefusal> {
        let line = self.line;
        let finished = self.unpacker.is_finished();
        let piece = self.unpacker.next_piece();
        match piece.map_err(|problem| FileRefusal::at(problem, line))? {
            Some(piece) => {
                let passed = usize::try_from(self.pass_over).unwrap_or(usize::MAX);
                let passed = piece.len().min(passed);
                self.pass_over -= passed as u64;
                self.input.push(&piece[passed..]);
                Ok(true)
            }
            None if finished && !self.input.is_finished() => {
                self.input.finish();
                Ok(true)
            }
            None => Ok(false),
        }
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
                self.check_header()?;
                self.skip -= 1;
                continue;
            }
            if self.raw.is_blank() && self.raw.way == Way::Record {
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

    /// What only spoils a row spoils the whole file if it stands in the header.
    fn check_header(&self) -> Result<(), FileRefusal> {
        let raw = &self.raw;
        let refuse = |problem, column| Err(FileRefusal::at(problem, raw.line).in_column(column));
        if let Some(column) = raw.nul_column() {
            return refuse(FileProblem::NulByte, column);
        }
        if let Some(column) = raw.long_column(self.limits.cell_bytes) {
            return refuse(FileProblem::CellTooLong, column);
        }
        match raw.way {
            Way::Record => Ok(()),
            Way::Line => Err(FileRefusal::at(FileProblem::QuoteUnclosed, raw.line)),
            Way::Rest => Err(FileRefusal::at(FileProblem::LineTooLong, raw.line)),
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
        )
        .map_err(|refusal| match memchr::memchr(0, start.available()) {
            // No table is found because it is no text.
            Some(at) => {
                let above = &start.available()[..at];
                let line = 1 + memchr::memchr_iter(b'\n', above).count() as u64;
                FileRefusal::at(FileProblem::NulByte, line)
            }
            None => refusal,
        })?;
        self.input.set_encoding(encoding);
        self.raw.give_room(room(&self.limits, &layout));
        self.core = core_for(&layout, true);
        self.bare = core_for(&layout, false);
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
            if self.raw.read == 0 && self.raw.way == Way::Record && !self.skip_between_records() {
                return Ok(false);
            }
            let finished = self.input.is_finished();
            let available = self.input.available();
            if available.is_empty() && !finished {
                return Ok(false);
            }
            if self.raw.awaits_line_feed {
                if available.first() == Some(&b'\n') {
                    self.input.consume(1);
                }
                return Ok(self.end_record());
            }
            if self.raw.way == Way::Rest {
                if self.pass_over_rest() {
                    return Ok(self.end_record());
                }
                continue;
            }
            let room = self.limits.record_bytes + 1 - self.raw.read;
            let feed = &available[..available.len().min(room)];
            // At the end of the file a line end closes the last record, unless
            // it stands within quotation marks.
            let last = feed.is_empty();
            let feed = if last { b"\n" } else { feed };
            let core = match self.raw.way {
                Way::Line => &mut self.bare,
                Way::Record | Way::Rest => &mut self.core,
            };
            let (result, read) = self.raw.feed(core, feed);
            let ends_with_return =
                result == ReadRecordResult::Record && !last && feed.get(read - 1) == Some(&b'\r');
            if !last {
                self.line += line_ends(&feed[..read], &mut self.raw.after_return);
                self.input.consume(read);
                self.raw.read += read;
            }
            let is_too_long = self.raw.read > self.limits.record_bytes;
            match result {
                ReadRecordResult::Record if ends_with_return && !is_too_long => {
                    self.raw.after_return = false;
                    self.raw.awaits_line_feed = true;
                }
                ReadRecordResult::Record if !is_too_long => return Ok(self.end_record()),
                _ if last || is_too_long => self.read_again()?,
                _ => (),
            }
        }
    }

    fn end_record(&mut self) -> bool {
        self.raw.is_done = true;
        self.input.unmark();
        true
    }

    /// A record without an end in sight is read again as one line: the
    /// quotation mark that was left open must not swallow what stands below.
    /// If even the line has no end, its rest is passed over.
    fn read_again(&mut self) -> Result<(), FileRefusal> {
        if self.raw.way == Way::Line {
            self.raw.way = Way::Rest;
            self.input.unmark();
            return Ok(());
        }
        if self.reread == REREAD_MAX {
            return Err(FileRefusal::at(FileProblem::QuoteUnclosed, self.raw.line));
        }
        self.reread += 1;
        self.input.rewind();
        self.line = self.raw.line;
        self.raw.clear_for(Way::Line);
        self.core.reset();
        self.bare.reset();
        Ok(())
    }

    /// Drops bytes up to the end of the line; false if it is not there yet.
    fn pass_over_rest(&mut self) -> bool {
        let finished = self.input.is_finished();
        let available = self.input.available();
        match memchr::memchr2(b'\r', b'\n', available) {
            Some(at) => {
                self.raw.awaits_line_feed = available[at] == b'\r';
                self.input.consume(at + 1);
                self.line += 1;
                !self.raw.awaits_line_feed
            }
            None => {
                let length = available.len();
                self.input.consume(length);
                length == 0 && finished
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
        self.input.mark();
        true
    }

    /// Makes text of the record in hand.
    fn decode(&mut self) {
        let bytes = self.raw.bytes();
        if self.input.encoding() == Encoding::Ascii && !bytes.is_ascii() {
            // The first row with more than ASCII decides for the rest.
            self.input.set_encoding(Encoding::of_bytes(bytes, true));
        }
        let most = self.limits.cell_bytes;
        self.cells.fill(&self.raw, self.input.encoding(), most);
    }
}

/// How many cells of a record are kept.
fn room(limits: &Limits, layout: &Layout) -> usize {
    let headers = layout.mapping.columns().iter();
    limits.columns + added(headers.map(|column| column.header.as_str()))
}

fn core_for(layout: &Layout, quoting: bool) -> csv_core::Reader {
    ReaderBuilder::new()
        .delimiter(layout.delimiter.byte())
        .quoting(quoting)
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
