//! A whole file judged at once, for the offline check.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::header::ExplicitMapping;
use super::limits::Limits;
use super::read::Reader;
use super::reason::RowReason;
use super::record::Record;
use super::refusal::FileRefusal;
use super::row::{Candidate, RowOutcome, Rules, accept_row};

/// What a file comes to.
///
/// Law: `rows = accepted + duplicates + rejected`, and the counts of `reasons`
/// add up to `rejected`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Summary {
    /// Rows that are not blank, without the header.
    pub rows: u64,
    /// Rows that would be taken, each person once.
    pub accepted: u64,
    /// Rows with a number that an earlier accepted row has.
    pub duplicates: u64,
    /// Rows that would not be taken.
    pub rejected: u64,
    /// How many of the accepted prove no consent.
    pub without_consent: u64,
    /// The name of the encoding.
    pub encoding: String,
    /// What separates the cells.
    pub delimiter: String,
    /// Rejected rows by the code of their first reason.
    pub reasons: BTreeMap<&'static str, u64>,
}

/// What became of a row within its file.
#[derive(Clone, Copy, Debug)]
pub enum Judged<'r> {
    /// A person whom no row above names.
    Accepted(&'r Candidate),
    /// A person whom a row above names.
    Duplicate(&'r Candidate),
    /// Not taken, with all reasons.
    Rejected(&'r [RowReason]),
}

/// Judges a file that comes in pieces of any size, and shows each row to
/// `each`.
pub fn check_file<B: AsRef<[u8]>>(
    pieces: impl IntoIterator<Item = B>,
    explicit: Option<ExplicitMapping>,
    rules: &Rules,
    each: impl FnMut(&Record<'_>, Judged<'_>),
) -> Result<Summary, FileRefusal> {
    let mut check = Check {
        reader: Reader::new(Limits::UPLOAD, explicit),
        rules,
        seen: HashSet::new(),
        summary: Summary::default(),
        each,
    };
    for piece in pieces {
        check.reader.push(piece.as_ref());
        check.take()?;
    }
    check.reader.finish();
    check.take()?;
    let Check {
        reader,
        mut summary,
        ..
    } = check;
    reader.encoding().name().clone_into(&mut summary.encoding);
    if let Some(layout) = reader.layout() {
        layout.delimiter.as_str().clone_into(&mut summary.delimiter);
    }
    Ok(summary)
}

struct Check<'r, F> {
    reader: Reader,
    rules: &'r Rules,
    /// The digits of the accepted numbers; E.164 has at most fifteen.
    seen: HashSet<u64>,
    summary: Summary,
    each: F,
}

impl<F: FnMut(&Record<'_>, Judged<'_>)> Check<'_, F> {
    fn take(&mut self) -> Result<(), FileRefusal> {
        while let Some(record) = self.reader.next_record()? {
            let summary = &mut self.summary;
            summary.rows += 1;
            match accept_row(&record, self.rules) {
                RowOutcome::Accepted(candidate) => {
                    let digits = candidate.phone.canonical()[1..].parse();
                    if !self
                        .seen
                        .insert(digits.expect("a number has at most 15 digits"))
                    {
                        summary.duplicates += 1;
                        (self.each)(&record, Judged::Duplicate(&candidate));
                        continue;
                    }
                    summary.accepted += 1;
                    summary.without_consent += u64::from(candidate.consent.is_none());
                    (self.each)(&record, Judged::Accepted(&candidate));
                }
                RowOutcome::Rejected { reasons } => {
                    summary.rejected += 1;
                    *summary.reasons.entry(reasons[0].code()).or_default() += 1;
                    (self.each)(&record, Judged::Rejected(&reasons));
                }
            }
        }
        Ok(())
    }
}
