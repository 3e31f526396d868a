//! The import's own code on one core, with nothing behind it: what it judges and
//! stages is unpacked again and dropped. Beside it, bare CSV parsing.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Duration;

use anyhow::ensure;
use ingest::{Judge, Staged, Terms};
use jiff::civil::date;
use platform::campaigns::ImportMode;
use platform::clock::SharedClock;
use policy::import::DateOrder;
use policy::phone::Region;
use policy::provenance::{Declaration, SourceKind};
use policy::token::TokenKey;
use serde::Serialize;

use super::{REGISTERED, TENANT};

/// Most rows of a run.
const ROWS_MAX: usize = 300_000;

/// Bytes that an object store gives at a time.
const PIECE: usize = 256 << 10;

/// Runs; the best counts, because noise only makes a run slower.
const RUNS: u32 = 3;

#[derive(Debug, Serialize)]
pub(super) struct OwnSpeed {
    rows: usize,
    pub(super) rows_per_second: f64,
    pub(super) csv_rows_per_second: f64,
    /// How many times as long as bare parsing.
    pub(super) ratio_to_csv: f64,
}

pub(super) fn measure(file: &str) -> anyhow::Result<OwnSpeed> {
    let ends = file.match_indices('\n').map(|(at, _)| at + 1);
    let end = ends.take(ROWS_MAX + 1).last().unwrap_or(file.len());
    let file = &file.as_bytes()[..end];
    let (mut own, mut bare) = (Duration::MAX, Duration::MAX);
    let mut rows = 0;
    for _ in 0..RUNS {
        let (judged, time) = timed(|| import(file))?;
        own = own.min(time);
        let (parsed, time) = timed(|| parse(file))?;
        bare = bare.min(time);
        rows = parsed;
        ensure!(judged == rows as u64, "{judged} rows of {rows} were judged");
    }
    let per_second = |time: Duration| rows as f64 / time.as_secs_f64();
    Ok(OwnSpeed {
        rows,
        rows_per_second: per_second(own),
        csv_rows_per_second: per_second(bare),
        ratio_to_csv: own.as_secs_f64() / bare.as_secs_f64(),
    })
}

/// What `work` gives, and how long it takes.
fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Duration)> {
    let clock = SharedClock::system();
    let started = clock.now();
    let done = work()?;
    Ok((done, clock.now().duration_since(started).try_into()?))
}

/// Judges and stages every row, and takes the people out again; the rows.
fn import(file: &[u8]) -> anyhow::Result<u64> {
    let mut judge = Judge::new(Terms {
        tenant: TENANT,
        key: TokenKey::new(&[7; 32])?,
        region: Region::INDONESIA,
        now: REGISTERED.parse()?,
        mode: ImportMode::Contacts,
        mapping: None,
        date_order: DateOrder::DayFirst,
        consent_required: false,
        declaration: Declaration {
            kind: SourceKind::OwnStore,
            collector: String::new(),
            collected_from: date(2009, 1, 1),
            collected_to: date(2026, 11, 24),
            countries: BTreeSet::from(["ID".to_owned()]),
            consent_text_sha256: None,
            partner_contract: None,
            attestation: None,
        },
        piece_rows: 10_000,
    });
    let take = |judge: &mut Judge| -> anyhow::Result<()> {
        while let Some(piece) = judge.next_piece()? {
            black_box(&piece.rejected);
            let staged = Staged::decode(&piece.staged.encode()?)?;
            for person in staged.into_people("imp_00000000000000000000000000000001") {
                black_box(person?);
            }
        }
        Ok(())
    };
    for piece in file.chunks(PIECE) {
        judge.push(piece);
        take(&mut judge)?;
    }
    judge.finish();
    take(&mut judge)?;
    black_box((judge.assess(), judge.sha256()));
    Ok(judge.counts().rows)
}

/// Reads every record and judges nothing; the rows.
fn parse(file: &[u8]) -> anyhow::Result<usize> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record)? {
        black_box(&record);
        rows += 1;
    }
    Ok(rows)
}
