//! How fast rows are read and judged on one core, next to bare CSV parsing.
//!
//! `cargo run --release -p policy --example import_speed [ROWS]`
//!
//! The file is made in memory and pushed in pieces of 256 KiB, as from an
//! object store; accepted candidates are dropped. The peer reads the same
//! bytes with the `csv` crate into byte records and judges nothing.

#![expect(clippy::print_stdout, reason = "an example reports to its user")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use policy::import::{Limits, Reader, RowOutcome, Rules, accept_row};

fn main() {
    let rows: u64 = std::env::args()
        .nth(1)
        .map_or(300_000, |rows| rows.parse().expect("ROWS is a number"));
    let file = contacts(rows);
    // The best of several runs: noise only ever makes a run slower.
    let judged = best_of(5, || judge(&file));
    let parsed = best_of(5, || parse(&file));
    let per_second = |time: Duration| rows as f64 / time.as_secs_f64();
    let megabytes = file.len() as f64 / 1e6;
    println!("{rows} rows, {megabytes:.1} MB");
    println!("read and judged  {:>12.0} rows/s", per_second(judged));
    println!("csv alone        {:>12.0} rows/s", per_second(parsed));
    println!(
        "ratio            {:>12.1}",
        judged.as_secs_f64() / parsed.as_secs_f64()
    );
}

/// A list as a shop might keep it: spellings and dates vary, one row in fifty
/// is bad.
fn contacts(rows: u64) -> String {
    let mut file = String::from("no_hp,nama,kota,tanggal persetujuan,sumber izin,poin\n");
    for row in 0..rows {
        let tail = 10_000_000 + row;
        let phone = match row % 50 {
            7 => "8.12E+11".to_owned(),
            row if row % 4 == 0 => format!("+62812{tail}"),
            row if row % 4 == 1 => format!("0812-{}-{}", tail / 10_000, tail % 10_000),
            row if row % 4 == 2 => format!("62857{tail}9"),
            _ => format!("0812{tail}"),
        };
        let (day, month) = (1 + row % 28, 1 + row % 10);
        let date = match row % 3 {
            0 => format!("2026-{month:02}-{day:02}T10:32:05+07:00"),
            1 => format!("{day:02}/{month:02}/2026"),
            _ => format!("2026-{month:02}-{day:02}"),
        };
        writeln!(
            file,
            "{phone},Budi Santoso {row},Jakarta Selatan,{date},pos,{}",
            row % 997
        )
        .expect("a string takes any text");
    }
    file
}

/// Reads and judges the whole file; nothing may be lost on the way.
fn judge(file: &str) -> u64 {
    let now = "2026-11-24T12:00:00Z".parse().expect("a moment");
    let rules = Rules::indonesian(now);
    let mut reader = Reader::new(Limits::UPLOAD, None);
    let mut rows = 0;
    let mut take = |reader: &mut Reader| {
        while let Some(record) = reader.next_record().expect("the file is sound") {
            rows += 1;
            match accept_row(&record, &rules) {
                RowOutcome::Accepted(candidate) => drop(black_box(candidate)),
                RowOutcome::Rejected { reasons } => drop(black_box(reasons)),
            }
        }
    };
    for piece in file.as_bytes().chunks(256 << 10) {
        reader.push(piece);
        take(&mut reader);
    }
    reader.finish();
    take(&mut reader);
    rows
}

fn parse(file: &str) -> u64 {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader
        .read_byte_record(&mut record)
        .expect("the file is sound")
    {
        rows += 1;
        black_box(&record);
    }
    rows
}

#[expect(clippy::disallowed_methods, reason = "an example measures real time")]
fn best_of(runs: u32, work: impl Fn() -> u64) -> Duration {
    (0..runs)
        .map(|_| {
            let start = std::time::Instant::now();
            black_box(work());
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}
