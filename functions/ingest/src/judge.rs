//! The first walk: bytes in, judged pieces out. It touches nothing outside its
//! own memory, and from any piece on it goes on the same.

use std::collections::{BTreeMap, HashSet};
use std::mem;

use jiff::Timestamp;
use platform::campaigns::{ImportCounts, ImportMode};
use platform::fault::Fault;
use policy::ids::TenantId;
use policy::import::{
    DateOrder, ExplicitMapping, FileRefusal, Limits, Packing, Reader, Record, Report, RowOutcome,
    RowReason, Rules, accept_row, number, opt_out,
};
use policy::phone::Region;
use policy::provenance::{Assessment, Declaration, InvalidNumber, Neighbours, Observer, Row};
use policy::token::{ContactToken, TokenKey};

use crate::hash::Hash;
use crate::marks::{Mark, Marks};
use crate::staged::{Staged, StagedPerson, Standing};

/// Most bytes of a file in one piece: rows of 64 KiB must not fill the memory.
const PIECE_BYTES: u64 = 16 << 20;

/// How one file is judged.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Whose file it is.
    pub tenant: TenantId,
    /// Names people.
    pub key: TokenKey,
    /// What a local number means.
    pub region: Region,
    /// The moment of judgement, the same in every run.
    pub now: Timestamp,
    /// What the file is for.
    pub mode: ImportMode,
    /// What columns mean, unless their headers tell.
    pub mapping: Option<ExplicitMapping>,
    /// How dates are read.
    pub date_order: DateOrder,
    /// Whether a row without the date of a consent is rejected.
    pub consent_required: bool,
    /// What the list is said to be.
    pub declaration: Declaration,
    /// Most rows of a piece.
    pub piece_rows: u64,
}

/// Judges a file that is pushed in pieces of any size.
///
/// Law: however the bytes are cut, and from whatever piece it is resumed, the
/// pieces are the same.
#[derive(Debug)]
pub struct Judge {
    terms: Terms,
    rules: Rules,
    reader: Reader,
    finished: bool,
    ended: bool,
    report: Option<Report>,
    marks: Marks,
    observer: Observer,
    hash: Hash,
    counts: ImportCounts,
    reasons: BTreeMap<String, u64>,
    not_in_plan: u64,
    /// People who had said stop and of whom neither file nor list knew.
    stopped_strangers: u64,
    piece: Piece,
    /// Row and byte after which the piece in hand begins.
    piece_from: (u64, u64),
    /// Byte after the last record.
    last_end: u64,
}

/// A piece of a file, judged.
#[derive(Debug, Default)]
pub struct Piece {
    /// Its people.
    pub staged: Staged,
    /// Its rejected rows, as lines of the report.
    pub rejected: String,
    /// Whether the file ends with it.
    pub is_last: bool,
}

impl Judge {
    /// Starts at the beginning of a file.
    pub fn new(terms: Terms) -> Self {
        let rules = Rules {
            region: terms.region,
            date_order: terms.date_order,
            consent_required: terms.consent_required,
            ..Rules::indonesian(terms.now)
        };
        Self {
            observer: Observer::new(terms.declaration.clone(), terms.now),
            rules,
            reader: Reader::new(Limits::UPLOAD, terms.mapping.clone()),
            finished: false,
            ended: false,
            report: None,
            marks: Marks::default(),
            hash: Hash::default(),
            counts: ImportCounts::default(),
            reasons: BTreeMap::new(),
            not_in_plan: 0,
            stopped_strangers: 0,
            piece: Piece::default(),
            piece_from: (0, 0),
            last_end: 0,
            terms,
        }
    }

    /// Takes in a piece that was judged before. Called for all of them, in
    /// order, before [`resume`](Self::resume).
    pub fn recall(&mut self, staged: &Staged) -> Result<(), Fault> {
        for person in &staged.people {
            self.marks.add(person.token(), Mark::Accepted);
            if person.stopped {
                self.marks.add(person.token(), Mark::Stopped);
            }
            observe(&mut self.observer, person)?;
        }
        for &token in &staged.said_no {
            let token = ContactToken::from_bytes(token);
            self.marks.add(token, Mark::SaidNo);
            if self.terms.mode == ImportMode::SuppressionList {
                self.marks.add(token, Mark::Accepted);
            }
        }
        Ok(())
    }

    /// Goes on after the last piece that was recalled; the file's bytes are
    /// wanted from the answer on.
    pub fn resume(&mut self, standing: Standing) -> Result<u64, Fault> {
        for _ in 0..standing.counts.duplicates {
            self.observer.push_invalid(InvalidNumber::Duplicate);
        }
        for _ in 0..standing.not_in_plan {
            self.observer.push_invalid(InvalidNumber::NotInPlan);
        }
        self.counts = standing.counts;
        self.reasons = standing.reasons;
        self.not_in_plan = standing.not_in_plan;
        self.stopped_strangers = standing.stopped_strangers;
        let Some(checkpoint) = standing.reader else {
            return Ok(0);
        };
        let start = checkpoint.start();
        self.piece_from = (checkpoint.row, checkpoint.offset);
        self.last_end = checkpoint.offset;
        if start > 0 {
            self.hash = Hash::resume(&standing.hash, start)?;
        }
        self.reader = Reader::resume(Limits::UPLOAD, checkpoint);
        Ok(start)
    }

    /// Adds the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
        self.hash.push(bytes);
    }

    /// Says that there are no more bytes.
    pub fn finish(&mut self) {
        self.reader.finish();
        self.finished = true;
    }

    /// The next whole piece; `None` if more bytes are needed, or after the last.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, FileRefusal> {
        while let Some(record) = self.reader.next_record()? {
            let end = record.span().end;
            let row = record.row();
            self.last_end = end;
            judge_row(
                &record,
                &self.terms,
                &self.rules,
                &mut self.report,
                &mut Ledger {
                    marks: &mut self.marks,
                    observer: &mut self.observer,
                    counts: &mut self.counts,
                    reasons: &mut self.reasons,
                    not_in_plan: &mut self.not_in_plan,
                    piece: &mut self.piece,
                },
            );
            let (first_row, first_byte) = self.piece_from;
            if row - first_row >= self.terms.piece_rows || end - first_byte >= PIECE_BYTES {
                self.piece_from = (row, end);
                self.hash_up_to(end);
                return Ok(Some(mem::take(&mut self.piece)));
            }
        }
        if self.finished && !self.ended {
            self.ended = true;
            self.hash.advance(u64::MAX);
            let last = mem::take(&mut self.piece);
            return Ok(Some(Piece {
                is_last: true,
                ..last
            }));
        }
        self.hash_up_to(self.last_end);
        Ok(None)
    }

    /// Hashes up to byte `end` of the text. A packed file is read from its
    /// beginning in every run, so all that came is hashed.
    fn hash_up_to(&mut self, end: u64) {
        match self.reader.packing() {
            Packing::Plain => self.hash.advance(end),
            Packing::Gzip | Packing::Zip => self.hash.advance(u64::MAX),
        }
    }

    /// Notes which people of a piece had said stop, and how many of them are
    /// strangers: neither on the list already nor reported by their own row.
    pub fn note_stopped(&mut self, piece: &mut Piece, stopped: &[ContactToken], strangers: u64) {
        let set: HashSet<ContactToken> = stopped.iter().copied().collect();
        for person in &mut piece.staged.people {
            person.stopped = set.contains(&person.token());
        }
        for &token in stopped {
            let added = self.marks.add(token, Mark::Stopped);
            self.counts.suppressed += u64::from(added.suppresses);
        }
        self.stopped_strangers += strangers;
    }

    /// Where judging stands after the piece that came last.
    pub fn standing(&self, opt_outs: u32, piece: &Piece) -> Standing {
        let header = self.report.as_ref().map(Report::header);
        let header = header.map(str::to_owned).or_else(|| {
            let layout = self.reader.layout()?;
            Some(Report::new(layout).header().to_owned())
        });
        Standing {
            reader: self.reader.checkpoint(),
            hash: match self.reader.packing() {
                Packing::Plain => self.hash.state(),
                // Whoever goes on begins at the beginning.
                Packing::Gzip | Packing::Zip => String::new(),
            },
            counts: self.counts,
            reasons: self.reasons.clone(),
            not_in_plan: self.not_in_plan,
            stopped_strangers: self.stopped_strangers,
            opt_outs,
            has_rejected: !piece.rejected.is_empty(),
            report_header: header.unwrap_or_default(),
        }
    }

    /// What was counted so far.
    pub fn counts(&self) -> ImportCounts {
        self.counts
    }

    /// Bytes of the file that were read, those of the row in hand left out.
    pub fn offset(&self) -> u64 {
        self.hash.upto
    }

    /// Name of the encoding and of the delimiter, as far as they are known.
    pub fn format(&self) -> (&str, &str) {
        let delimiter = self.reader.layout().map(|layout| layout.delimiter.as_str());
        (self.reader.encoding().name(), delimiter.unwrap_or_default())
    }

    /// Once ended: SHA-256 of the whole file, in hexadecimal.
    pub fn sha256(&self) -> String {
        self.hash.value()
    }

    /// What the list looks like, next to what it is said to be.
    pub fn assess(&self) -> Assessment {
        self.observer.assess(&Neighbours {
            opted_out: self.stopped_strangers,
            ..Neighbours::default()
        })
    }
}

/// What judging adds up.
struct Ledger<'j> {
    marks: &'j mut Marks,
    observer: &'j mut Observer,
    counts: &'j mut ImportCounts,
    reasons: &'j mut BTreeMap<String, u64>,
    not_in_plan: &'j mut u64,
    piece: &'j mut Piece,
}

/// One row goes where it belongs.
fn judge_row(
    record: &Record<'_>,
    terms: &Terms,
    rules: &Rules,
    report: &mut Option<Report>,
    ledger: &mut Ledger<'_>,
) {
    ledger.counts.rows += 1;
    let reasons = match terms.mode {
        ImportMode::Contacts => judge_contact(record, terms, rules, ledger),
        ImportMode::SuppressionList => judge_opt_out(record, terms, rules, ledger),
    };
    let Err(reasons) = reasons else {
        return;
    };
    ledger.counts.rejected += 1;
    if reasons.iter().any(|why| matches!(why, RowReason::Phone(_))) {
        *ledger.not_in_plan += 1;
        ledger.observer.push_invalid(InvalidNumber::NotInPlan);
    }
    let first = reasons.first().map_or("unknown", |reason| reason.code());
    match ledger.reasons.get_mut(first) {
        Some(count) => *count += 1,
        None => {
            ledger.reasons.insert(first.to_owned(), 1);
        }
    }
    let report = report.get_or_insert_with(|| Report::new(record.layout()));
    ledger
        .piece
        .rejected
        .push_str(&report.row(record, &reasons));
}

fn judge_contact(
    record: &Record<'_>,
    terms: &Terms,
    rules: &Rules,
    ledger: &mut Ledger<'_>,
) -> Result<(), Vec<RowReason>> {
    match accept_row(record, rules) {
        RowOutcome::Accepted(candidate) => {
            let token = terms.key.contact(terms.tenant, &candidate.phone);
            if candidate.said_no {
                ledger.say_no(token);
            }
            let added = ledger.marks.add(token, Mark::Accepted);
            ledger.counts.suppressed += u64::from(added.suppresses);
            if !added.is_new {
                ledger.counts.duplicates += 1;
                ledger.observer.push_invalid(InvalidNumber::Duplicate);
                return Ok(());
            }
            ledger.counts.accepted += 1;
            ledger.counts.without_consent += u64::from(candidate.consent.is_none());
            ledger.observer.push(Row {
                phone: &candidate.phone,
                name: candidate.name.as_deref(),
                consent_at: candidate.consent.as_ref().map(|consent| consent.at),
                // The row itself is evidence of a dated yes.
                has_evidence: candidate.consent.is_some(),
                is_trap: false,
            });
            let person = StagedPerson::new(token, record.row(), candidate);
            ledger.piece.staged.people.push(person);
            Ok(())
        }
        RowOutcome::Rejected { reasons } => {
            // Whatever else is wrong with the row, its "no" counts.
            if let Some(phone) = opt_out(record, rules) {
                ledger.say_no(terms.key.contact(terms.tenant, &phone));
            }
            Err(reasons)
        }
    }
}

/// In a list of opt-outs a number is all that a row needs.
fn judge_opt_out(
    record: &Record<'_>,
    terms: &Terms,
    rules: &Rules,
    ledger: &mut Ledger<'_>,
) -> Result<(), Vec<RowReason>> {
    let phone = number(record, rules).map_err(|reason| vec![reason])?;
    let token = terms.key.contact(terms.tenant, &phone);
    if ledger.marks.add(token, Mark::Accepted).is_new {
        ledger.counts.accepted += 1;
        ledger.say_no(token);
    } else {
        ledger.counts.duplicates += 1;
    }
    Ok(())
}

impl Ledger<'_> {
    fn say_no(&mut self, token: ContactToken) {
        let added = self.marks.add(token, Mark::SaidNo);
        self.counts.suppressed += u64::from(added.suppresses);
        if added.is_new {
            self.counts.opted_out += 1;
            self.piece.staged.said_no.push(*token.as_bytes());
        }
    }
}

fn observe(observer: &mut Observer, person: &StagedPerson) -> Result<(), Fault> {
    let consent_at = person.consent_at();
    observer.push(Row {
        phone: &person.phone()?,
        name: person.name(),
        consent_at,
        has_evidence: consent_at.is_some(),
        is_trap: false,
    });
    Ok(())
}

#[cfg(test)]
mod tests;
