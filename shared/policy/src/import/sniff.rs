//! Finding the delimiter and the header in the first lines of a file.

use csv_core::{ReadRecordResult, ReaderBuilder};
use serde::{Deserialize, Serialize};

use super::encoding::Encoding;
use super::header::{self, ExplicitMapping, Mapping};
use super::phone::looks_like_phone;
use super::refusal::{FileProblem, FileRefusal};
use super::report::{added, is_report};
use super::role::Role;

/// What separates the cells of a file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `|`
    Bar,
    /// `,`
    Comma,
    /// `;`, as spreadsheets write it where the comma is the decimal sign.
    Semicolon,
    /// A tab.
    Tab,
}

impl Delimiter {
    const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Bar];

    /// The byte itself.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Bar => b'|',
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// The character as text, for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bar => "|",
            Self::Comma => ",",
            Self::Semicolon => ";",
            Self::Tab => "\t",
        }
    }
}

/// The shape of a file: all that is needed to read it from any record on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Layout {
    /// What separates cells.
    pub delimiter: Delimiter,
    /// What the columns mean.
    pub mapping: Mapping,
}

/// A layout, and how many records of the file come before the first row.
#[derive(Debug)]
pub(super) struct Sniffed {
    pub(super) layout: Layout,
    pub(super) skip: usize,
}

/// How far down a header may stand, under titles and notes.
const HEADER_WITHIN: usize = 20;
/// How many records the decision looks at.
const SAMPLE: usize = 60;

/// Decides on the first lines; `whole` if they are the whole file.
pub(super) fn sniff(
    window: &[u8],
    whole: bool,
    encoding: Encoding,
    explicit: Option<&ExplicitMapping>,
    columns: usize,
) -> Result<Sniffed, FileRefusal> {
    let window = window.strip_prefix("\u{feff}".as_bytes()).unwrap_or(window);
    if whole && window.iter().all(u8::is_ascii_whitespace) {
        return Err(FileRefusal::at(FileProblem::Empty, 1));
    }
    let declared = declared_delimiter(window);
    let mut best: Option<(Score, Sniffed)> = None;
    let mut refusal = None;
    for delimiter in Delimiter::ALL {
        let hidden = delimiter == Delimiter::Bar && encoding.hides_bars();
        if hidden || declared.is_some_and(|declared| declared != delimiter) {
            continue;
        }
        let mut records = sample(window, whole, delimiter, encoding);
        if records.is_empty() {
            continue;
        }
        if declared.is_some() {
            records.remove(0);
        }
        let columns = columns
            + records
                .first()
                .map_or(0, |first| added(first.cells.iter().map(String::as_str)));
        // A table ends where it grows too wide.
        if let Some(wide) = records
            .iter()
            .skip(1)
            .position(|record| record.cells.len() > columns)
        {
            records.truncate(wide + 1);
        }
        let found = match explicit {
            _ if records
                .first()
                .is_some_and(|first| first.cells.len() > columns) =>
            {
                Err(FileRefusal::at(
                    FileProblem::TooManyColumns,
                    records[0].line,
                ))
            }
            Some(explicit) => with_mapping(&records, explicit),
            None => with_header(&records),
        };
        match found {
            Ok((mapping, header, score)) => {
                let skip = header + usize::from(declared.is_some());
                let layout = Layout { delimiter, mapping };
                if best.as_ref().is_none_or(|(least, _)| score > *least) {
                    best = Some((score, Sniffed { layout, skip }));
                }
            }
            Err(complaint) => {
                if refusal.is_none_or(|least| weight(complaint) > weight(least)) {
                    refusal = Some(complaint);
                }
            }
        }
    }
    match best {
        Some((_, sniffed)) => Ok(sniffed),
        // Not one record ends within the window.
        None => Err(refusal.unwrap_or(FileRefusal::at(FileProblem::LineTooLong, 1))),
    }
}

/// How much a complaint says: most if it names a column, least if it is only
/// that no column is the phone.
fn weight(refusal: FileRefusal) -> (bool, bool) {
    let names_column = refusal.column.is_some();
    let names_fault = refusal.problem != FileProblem::PhoneColumnMissing;
    (names_column, names_fault)
}

/// How well a reading fits; of two, the greater is taken.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Score {
    /// A report repeats a header that was found once, over rows that need not
    /// look like those it was found by.
    is_report: bool,
    known: usize,
    evenness: usize,
    columns: usize,
}

impl Score {
    fn of(header: &Sampled, known: usize, rows: &[Sampled]) -> Self {
        let columns = header.cells.len();
        Self {
            is_report: is_report(&header.cells),
            known,
            evenness: evenness(rows, columns),
            columns,
        }
    }
}

struct Sampled {
    line: u64,
    cells: Vec<String>,
}

/// Finds the header line and what follows from it.
fn with_header(records: &[Sampled]) -> Result<(Mapping, usize, Score), FileRefusal> {
    let mut best: Option<(Mapping, usize, Score)> = None;
    for (index, record) in records.iter().take(HEADER_WITHIN).enumerate() {
        // A contact ends the search: headers stand above contacts.
        if record.cells.iter().any(|cell| looks_like_phone(cell)) {
            break;
        }
        let Some(found) = header::recognise(&record.cells) else {
            continue;
        };
        let rows = &records[index + 1..];
        let phone = found.mapping.place(Role::Phone);
        let score = Score::of(record, found.known, rows);
        let is_weak = found.weak && !score.is_report;
        if is_weak && !phone.is_some_and(|column| holds_phones(rows, column)) {
            continue;
        }
        if best.as_ref().is_none_or(|(_, _, least)| score > *least) {
            best = Some((found.mapping, index + 1, score));
        }
    }
    best.ok_or_else(|| complaint(records))
}

/// Applies the caller's mapping to the first line, or to all lines.
fn with_mapping(
    records: &[Sampled],
    explicit: &ExplicitMapping,
) -> Result<(Mapping, usize, Score), FileRefusal> {
    let missing = |line| FileRefusal::at(FileProblem::MappedColumnMissing, line);
    if explicit.headerless {
        let width = records.iter().map(|record| record.cells.len()).max();
        let headers = vec![String::new(); width.unwrap_or(0)];
        let mapping = explicit.apply(&headers).ok_or_else(|| missing(1))?;
        let score = Score {
            is_report: false,
            known: 1,
            evenness: evenness(records, headers.len()),
            columns: headers.len(),
        };
        return Ok((mapping, 0, score));
    }
    for (index, record) in records.iter().take(HEADER_WITHIN).enumerate() {
        if let Some(mapping) = explicit.apply(&record.cells) {
            let score = Score::of(record, 1, &records[index + 1..]);
            return Ok((mapping, index + 1, score));
        }
    }
    Err(missing(records.first().map_or(1, |record| record.line)))
}

/// Why no line is a header.
fn complaint(records: &[Sampled]) -> FileRefusal {
    let Some(first) = records.first() else {
        return FileRefusal::at(FileProblem::PhoneColumnMissing, 1);
    };
    let contact = first.cells.iter().position(|cell| looks_like_phone(cell));
    if let Some(column) = contact {
        return FileRefusal::at(FileProblem::HeaderMissing, first.line).in_column(column + 1);
    }
    let refusal = FileRefusal::at(FileProblem::PhoneColumnMissing, first.line);
    let rows = &records[1..];
    let numbers = (0..first.cells.len()).find(|&column| holds_phones(rows, column));
    match numbers {
        Some(column) => refusal.in_column(column + 1),
        None => refusal,
    }
}

/// Whether most of the cells below look like phone numbers.
fn holds_phones(rows: &[Sampled], column: usize) -> bool {
    let filled = || {
        rows.iter()
            .filter_map(|row| row.cells.get(column))
            .filter(|cell| !cell.trim().is_empty())
    };
    let phones = filled().filter(|cell| looks_like_phone(cell)).count();
    phones > 0 && 2 * phones >= filled().count()
}

/// How many rows in a hundred have `width` cells, so that short samples count
/// no less than long ones.
fn evenness(rows: &[Sampled], width: usize) -> usize {
    let even = rows.iter().filter(|row| row.cells.len() == width).count();
    (100 * even).checked_div(rows.len()).unwrap_or(100)
}

/// `sep=;` on the first line, as spreadsheets understand it.
fn declared_delimiter(window: &[u8]) -> Option<Delimiter> {
    let line = window
        .split(|&byte| byte == b'\n' || byte == b'\r')
        .next()?;
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let (name, value) = line.split_at_checked(4)?;
    let byte = *value.first()?;
    (name.eq_ignore_ascii_case(b"sep=") && value.len() <= 2)
        .then(|| {
            Delimiter::ALL
                .into_iter()
                .find(|delimiter| delimiter.byte() == byte)
        })
        .flatten()
}

/// The first records as `delimiter` would cut them, decoded.
fn sample(window: &[u8], whole: bool, delimiter: Delimiter, encoding: Encoding) -> Vec<Sampled> {
    let mut core = ReaderBuilder::new().delimiter(delimiter.byte()).build();
    let mut out = vec![0; window.len() + 1];
    let mut ends = vec![0; window.len() + 2];
    let mut records = Vec::new();
    let (mut rest, mut line) = (window, 1);
    while records.len() < SAMPLE {
        let blank = rest
            .iter()
            .take_while(|b| matches!(b, b'\r' | b'\n'))
            .count();
        line += rest[..blank].iter().filter(|&&b| b == b'\n').count() as u64;
        rest = &rest[blank..];
        let (mut cells, mut written) = (0, 0);
        let start = line;
        let complete = loop {
            let (result, read, wrote, ended) =
                core.read_record(rest, &mut out[written..], &mut ends[cells..]);
            (written, cells) = (written + wrote, cells + ended);
            line += rest[..read].iter().filter(|&&b| b == b'\n').count() as u64;
            rest = &rest[read..];
            match result {
                ReadRecordResult::Record => break true,
                ReadRecordResult::InputEmpty if whole => (),
                ReadRecordResult::End
                | ReadRecordResult::InputEmpty
                | ReadRecordResult::OutputEndsFull
                | ReadRecordResult::OutputFull => break false,
            }
        };
        if !complete {
            break;
        }
        let mut from = 0;
        let cells = ends[..cells]
            .iter()
            .map(|&end| {
                let cell = encoding.decode_cell(&out[from..end]).0.trim().to_owned();
                from = end;
                cell
            })
            .collect();
        records.push(Sampled { line: start, cells });
    }
    records
}
