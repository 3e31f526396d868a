use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// One row as an outsider sees it: place and cells.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    row: u64,
    line: u64,
    span: std::ops::Range<u64>,
    cells: Vec<String>,
}

impl Seen {
    fn of(record: &Record<'_>) -> Self {
        Self {
            row: record.row(),
            line: record.line(),
            span: record.span(),
            cells: record.cells().map(str::to_owned).collect(),
        }
    }
}

/// Takes what there is, with the checkpoint after each row.
fn take(reader: &mut Reader, seen: &mut Vec<(Seen, Checkpoint)>) -> Result<(), FileRefusal> {
    while let Some(record) = reader.next_record()? {
        let row = Seen::of(&record);
        seen.push((row, reader.checkpoint().expect("a row was read")));
    }
    Ok(())
}

type Outcome = (Vec<(Seen, Checkpoint)>, Option<FileRefusal>);

fn read(mut reader: Reader, pieces: &[&[u8]]) -> Outcome {
    let mut seen = Vec::new();
    for piece in pieces {
        reader.push(piece);
        if let Err(refusal) = take(&mut reader, &mut seen) {
            return (seen, Some(refusal));
        }
    }
    reader.finish();
    let refusal = take(&mut reader, &mut seen).err();
    (seen, refusal)
}

fn read_all(bytes: &[u8]) -> Outcome {
    read(Reader::new(Limits::UPLOAD, None), &[bytes])
}

#[test]
fn a_row_knows_its_place() {
    let (seen, refusal) = read_all(b"\xef\xbb\xbfphone,name\r\n\r\n1,\"a\r\nb\"\r\n,\r\n2,c");
    assert_eq!(refusal, None);
    let places: Vec<_> = seen
        .iter()
        .map(|(seen, at)| (seen.row, seen.line, seen.span.clone(), at.line))
        .collect();
    assert_eq!(places, [(1, 3, 17..27, 5), (2, 6, 30..33, 6)]);
}

#[test]
fn offsets_are_those_of_the_file_in_utf_16() {
    let text = "\u{feff}phone,name\n1,é🌸\n2,b\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (seen, refusal) = read_all(&bytes);
    assert_eq!(refusal, None);
    assert_eq!(seen[0].0.span, 24..36);
    assert_eq!(seen[0].0.cells, ["1", "é🌸"]);
    assert_eq!(seen[1].0.span, 36..44);
}

#[test]
fn a_refusal_is_repeated() {
    let limits = Limits {
        rows: 1,
        ..Limits::UPLOAD
    };
    let mut reader = Reader::new(limits, None);
    reader.push(b"phone,name\n1,a\n2,b\n3,c\n");
    reader.finish();
    assert!(reader.next_record().unwrap().is_some());
    let refusal = reader.next_record().unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the table has more than ten million rows (line 3)"
    );
    assert_eq!(reader.next_record().unwrap_err(), refusal);
    assert_eq!(reader.checkpoint(), None);
}

/// Cells, lines and spans after something without an end.
fn places(bytes: &[u8], limits: Limits) -> Vec<(u64, std::ops::Range<u64>, Vec<String>)> {
    let (seen, refusal) = read(Reader::new(limits, None), &[bytes]);
    assert_eq!(refusal, None);
    let places = seen.into_iter();
    places
        .map(|(row, _)| (row.line, row.span, row.cells))
        .collect()
}

fn owned(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

#[test]
fn an_open_quotation_mark_costs_its_own_line() {
    let file = b"phone,name\n1,\"a,b\r\n2,c\n3,e\n";
    assert_eq!(
        places(file, Limits::UPLOAD),
        [
            (2, 11..19, owned(&["1", "\"a", "b"])),
            (3, 19..23, owned(&["2", "c"])),
            (4, 23..27, owned(&["3", "e"])),
        ]
    );
    let short = Limits {
        record_bytes: 12,
        ..Limits::UPLOAD
    };
    let file = b"phone,name\n1,\"a\n2,bbbb\n3,cccc\n";
    assert_eq!(
        places(file, short),
        [
            (2, 11..16, owned(&["1", "\"a"])),
            (3, 16..23, owned(&["2", "bbbb"])),
            (4, 23..30, owned(&["3", "cccc"])),
        ]
    );
}

#[test]
fn a_line_without_an_end_is_passed_over() {
    let short = Limits {
        record_bytes: 12,
        ..Limits::UPLOAD
    };
    let file = b"phone,name\n1,a,bbbbbbbbbbbbbbb\r\n2,\"bbbbbbbbbbbbbbbb\"\n3,c\n4,dddddddddddddd";
    assert_eq!(
        places(file, short),
        [
            (2, 11..32, owned(&["1", "a", "#TOO_LONG!"])),
            (3, 32..53, owned(&["2", "#TOO_LONG!"])),
            (4, 53..57, owned(&["3", "c"])),
            (5, 57..73, owned(&["4", "#TOO_LONG!"])),
        ]
    );
}

#[test]
fn open_quotation_marks_everywhere_are_refused_before_they_cost_much() {
    let file = "phone,name\n".to_owned() + &"1\",\"a\n".repeat(70_000);
    let (seen, refusal) = read_all(file.as_bytes());
    assert_eq!(seen.len(), 1_000);
    let expected = FileRefusal::at(FileProblem::QuoteUnclosed, 1_002);
    assert_eq!(refusal, Some(expected));
}

#[test]
fn cells_beyond_the_limit_are_counted_and_not_kept() {
    let limits = Limits {
        columns: 3,
        ..Limits::UPLOAD
    };
    let file = b"phone,name\n1,a,b,c,d\n2,a,b\n3,a,,,,,\n4,b\n";
    let mut reader = Reader::new(limits, None);
    reader.push(file);
    reader.finish();
    let mut beyond = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        let reasons: Vec<_> = record.faults().collect();
        beyond.push((record.cells().count(), !reasons.is_empty()));
    }
    assert_eq!(beyond, [(3, true), (3, true), (3, false), (2, false)]);
}

#[test]
fn rows_are_counted_against_the_limit() {
    let limits = Limits {
        rows: 2,
        ..Limits::UPLOAD
    };
    let (seen, refusal) = read(Reader::new(limits, None), &[b"phone\n1\n2\n\n3\n"]);
    assert_eq!(seen.len(), 2);
    assert_eq!(refusal, Some(FileRefusal::at(FileProblem::TooManyRows, 5)));
}

#[test]
fn a_checkpoint_survives_storage() {
    let (seen, _) = read_all("no hp;nama\n1;é\n".as_bytes());
    let checkpoint = &seen[0].1;
    let stored = serde_json::to_string(checkpoint).unwrap();
    assert_eq!(
        &serde_json::from_str::<Checkpoint>(&stored).unwrap(),
        checkpoint
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Text that is likely to hit a seam of the format.
fn nasty_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-z0-9]{1,6}",
        4 => Just(",".to_owned()),
        3 => Just("\n".to_owned()),
        1 => Just("\r".to_owned()),
        1 => Just("\r\n".to_owned()),
        2 => Just("\"".to_owned()),
        1 => Just(";".to_owned()),
        1 => Just("é".to_owned()),
        1 => Just("🌸".to_owned()),
        1 => Just("\u{feff}".to_owned()),
        1 => Just(" ".to_owned()),
        1 => "[0-9]{9,12}",
    ];
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A file in one of the encodings, sometimes with noise in it.
fn nasty_file() -> impl Strategy<Value = Vec<u8>> {
    let header = prop_oneof![
        Just("phone,name,note\n"),
        Just("no hp;nama\r\n"),
        Just("sep=,\nphone,name\n"),
        Just("title\n\nphone,name\r"),
        Just(""),
    ];
    let noise = vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (header, nasty_text(), 0..5_u8, noise).prop_map(|(header, text, encoding, noise)| {
        let text = format!("{header}{text}");
        let mut bytes = match encoding {
            0 => format!("\u{feff}{text}").into_bytes(),
            1 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            2 => encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(),
            _ => text.into_bytes(),
        };
        for (index, byte) in noise {
            if !bytes.is_empty() {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn never_panics(bytes in vec(any::<u8>(), 0..2000)) {
        let _ = read_all(&bytes);
    }

    #[test]
    fn the_cut_never_matters(
        bytes in nasty_file(),
        cuts in vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        prop_assert_eq!(read(Reader::new(Limits::UPLOAD, None), &pieces), read_all(&bytes));
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(read(Reader::new(Limits::UPLOAD, None), &single), read_all(&bytes));
    }

    #[test]
    fn any_checkpoint_gives_the_same_rest(bytes in nasty_file()) {
        let (seen, refusal) = read_all(&bytes);
        for (index, (_, checkpoint)) in seen.iter().enumerate() {
            let rest = &bytes[checkpoint.start() as usize..];
            let resumed = read(Reader::resume(Limits::UPLOAD, checkpoint.clone()), &[rest]);
            prop_assert_eq!(&resumed.0, &seen[index + 1..]);
            prop_assert_eq!(resumed.1, refusal);
        }
    }

    #[test]
    fn a_packed_file_is_read_as_what_is_in_it(bytes in nasty_file(), size in 1_usize..200) {
        let packed = gzip(&bytes);
        let pieces: Vec<&[u8]> = packed.chunks(size).collect();
        let (seen, refusal) = read(Reader::new(Limits::UPLOAD, None), &pieces);
        let (plain, plain_refusal) = read_all(&bytes);
        prop_assert_eq!(refusal, plain_refusal);
        let rows = |seen: &[(Seen, Checkpoint)]| -> Vec<Seen> {
            seen.iter().map(|(row, _)| row.clone()).collect()
        };
        prop_assert_eq!(rows(&seen), rows(&plain));
        for (index, (_, checkpoint)) in seen.iter().enumerate() {
            prop_assert_eq!(checkpoint.start(), 0);
            let resumed = read(Reader::resume(Limits::UPLOAD, checkpoint.clone()), &pieces);
            prop_assert_eq!(&resumed.0, &seen[index + 1..]);
            prop_assert_eq!(resumed.1, refusal);
        }
    }

    #[test]
    fn spans_follow_each_other(bytes in nasty_file()) {
        let (seen, _) = read_all(&bytes);
        let mut at = 0;
        for (row, checkpoint) in &seen {
            prop_assert!(at <= row.span.start && row.span.start < row.span.end);
            prop_assert!(row.span.end <= bytes.len() as u64);
            prop_assert_eq!(checkpoint.offset, row.span.end);
            at = row.span.end;
        }
    }

    #[test]
    fn small_limits_hold_wherever_the_cut_is(bytes in nasty_file(), at in any::<prop::sample::Index>()) {
        let limits = Limits { columns: 4, cell_bytes: 9, record_bytes: 30, rows: 5 };
        let (left, right) = bytes.split_at(at.index(bytes.len() + 1));
        let whole = read(Reader::new(limits, None), &[&bytes]);
        prop_assert_eq!(read(Reader::new(limits, None), &[left, right]), whole.clone());
        for (row, _) in whole.0 {
            let is_whole = row.cells.last().is_none_or(|cell| cell != "#TOO_LONG!");
            prop_assert!(row.cells.len() <= 5);
            prop_assert!(!is_whole || row.span.end - row.span.start <= 4 * 30);
        }
    }

    #[test]
    fn what_another_writer_wrote_is_read_as_it_was_meant(
        rows in vec(vec("[a-z0-9é🌸,;\"\r\n' ]{1,8}", 3), 0..12),
        wide in any::<bool>(),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["phone", "name", "note"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let mut bytes = writer.into_inner().unwrap();
        if wide {
            let text = String::from_utf8(bytes).unwrap();
            bytes = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        }
        let (seen, refusal) = read_all(&bytes);
        prop_assert_eq!(refusal, None);
        let seen: Vec<Vec<String>> = seen.into_iter().map(|(row, _)| row.cells).collect();
        let blank = |row: &Vec<String>| row.concat().bytes().all(|b| b.is_ascii_whitespace());
        let rows: Vec<Vec<String>> = rows.into_iter().filter(|row| !blank(row)).collect();
        prop_assert_eq!(seen, rows);
    }
}
