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
        cell_bytes: 5,
        ..Limits::UPLOAD
    };
    let mut reader = Reader::new(limits, None);
    reader.push(b"phone,name\n1,a\n2,longer\n3,c\n");
    reader.finish();
    assert!(reader.next_record().unwrap().is_some());
    let refusal = reader.next_record().unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "a cell holds more than 4 KiB of text (line 3, column 2)"
    );
    assert_eq!(reader.next_record().unwrap_err(), refusal);
    assert_eq!(reader.checkpoint(), None);
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
            let rest = &bytes[checkpoint.offset as usize..];
            let resumed = read(Reader::resume(Limits::UPLOAD, checkpoint.clone()), &[rest]);
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
            prop_assert!(row.cells.len() <= 4 && row.span.end - row.span.start <= 4 * 30);
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
