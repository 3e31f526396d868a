use std::io::Write as _;

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use proptest::prelude::*;

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// How an entry of a test archive is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Deflated,
    /// With its sizes behind it, as streaming writers do.
    Streamed,
    Stored,
}

fn zip(entries: &[(&str, &[u8], Way)]) -> Vec<u8> {
    let mut file = Vec::new();
    for (name, text, way) in entries {
        let mut body = text.to_vec();
        if *way != Way::Stored {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            body = encoder.finish().unwrap();
        }
        let mut sum = Crc::new();
        sum.update(text);
        let mut sizes = Vec::new();
        for number in [sum.sum(), body.len() as u32, text.len() as u32] {
            sizes.extend(number.to_le_bytes());
        }
        let streamed = *way == Way::Streamed;
        file.extend(b"PK\x03\x04\x14\0");
        file.extend([if streamed { 8 } else { 0 }, 0]);
        file.extend([if *way == Way::Stored { 0 } else { 8 }, 0, 0, 0, 0, 0]);
        file.extend(if streamed { &[0; 12] } else { &sizes[..] });
        file.extend((name.len() as u16).to_le_bytes());
        file.extend([0, 0]);
        file.extend(name.as_bytes());
        file.extend(body);
        if streamed {
            file.extend(b"PK\x07\x08");
            file.extend(sizes);
        }
    }
    file.extend(b"PK\x01\x02");
    file.extend([0; 42]);
    file.extend(b"PK\x05\x06");
    file.extend([0; 18]);
    file
}

/// What comes out, and why no more.
fn unpack<'f>(pieces: impl IntoIterator<Item = &'f [u8]>) -> (Vec<u8>, Option<FileProblem>) {
    let mut unpacker = Unpacker::new();
    let mut text = Vec::new();
    let mut take = |unpacker: &mut Unpacker| loop {
        match unpacker.next_piece() {
            Ok(Some(piece)) => {
                assert!(piece.len() <= 1 << 20, "{} bytes at once", piece.len());
                text.extend_from_slice(piece);
            }
            Ok(None) => return None,
            Err(problem) => return Some(problem),
        }
    };
    for piece in pieces {
        unpacker.push(piece);
        if let Some(problem) = take(&mut unpacker) {
            return (text, Some(problem));
        }
    }
    unpacker.finish();
    let problem = take(&mut unpacker);
    (text, problem)
}

const TEXT: &[u8] = b"phone,name\n081234567890,Budi\n";

#[test]
fn what_was_packed_comes_out() {
    let twice = [gzip(b"phone,name\n"), gzip(b"081234567890,Budi\n")].concat();
    let folder = ("ekspor/", &b""[..], Way::Stored);
    let companion = ("__MACOSX/._a.csv", &b"x"[..], Way::Streamed);
    for packed in [
        TEXT.to_vec(),
        gzip(TEXT),
        twice,
        zip(&[("a.csv", TEXT, Way::Deflated)]),
        zip(&[("a.csv", TEXT, Way::Streamed), companion]),
        zip(&[folder, ("ekspor/a.csv", TEXT, Way::Stored), companion]),
    ] {
        assert_eq!(unpack([&packed[..]]), (TEXT.to_vec(), None));
    }
    let plain: [&[u8]; 3] = [b"", b"P", b"\x1f"];
    for text in plain {
        assert_eq!(unpack([text]), (text.to_vec(), None));
    }
}

#[test]
fn what_is_no_single_sound_file_is_refused() {
    use FileProblem as P;

    let two = zip(&[("a.csv", TEXT, Way::Streamed), ("b.csv", TEXT, Way::Stored)]);
    let workbook = zip(&[("[Content_Types].xml", b"<", Way::Deflated)]);
    let mut locked = zip(&[("a.csv", TEXT, Way::Deflated)]);
    locked[6] |= 1;
    let mut other_method = zip(&[("a.csv", TEXT, Way::Deflated)]);
    other_method[8] = 14;
    let empty = zip(&[("ekspor/", b"", Way::Stored)]);
    let mut wrong_sum = zip(&[("a.csv", TEXT, Way::Deflated)]);
    wrong_sum[14] ^= 1;
    let mut wrong_descriptor = zip(&[("a.csv", TEXT, Way::Streamed)]);
    let at = wrong_descriptor
        .windows(4)
        .position(|four| four == b"PK\x07\x08");
    wrong_descriptor[at.unwrap() + 4] ^= 1;
    let mut wrong_gzip = gzip(TEXT);
    let end = wrong_gzip.len() - 1;
    wrong_gzip[end] ^= 1;
    for (packed, problem) in [
        (two, P::ArchiveSeveral),
        (workbook, P::Spreadsheet),
        (locked, P::ArchiveLocked),
        (other_method, P::Compressed),
        (empty, P::Empty),
        (wrong_sum, P::ArchiveDamaged),
        (wrong_descriptor, P::ArchiveDamaged),
        (wrong_gzip, P::ArchiveDamaged),
    ] {
        assert_eq!(unpack([&packed[..]]).1, Some(problem));
    }
}

#[test]
fn an_end_too_early_is_noticed_wherever_it_is() {
    for packed in [
        gzip(TEXT),
        zip(&[("a.csv", TEXT, Way::Deflated)]),
        zip(&[("a.csv", TEXT, Way::Streamed)]),
    ] {
        // Of the directory behind the entry nothing but its first sign counts.
        let needed = match packed.windows(4).position(|four| four == b"PK\x01\x02") {
            Some(directory) => directory + 4,
            None => packed.len(),
        };
        for length in 4..needed {
            let (_, problem) = unpack([&packed[..length]]);
            assert_eq!(problem, Some(FileProblem::ArchiveDamaged), "{length}");
        }
    }
}

#[test]
fn a_bomb_goes_off_in_our_hands_early() {
    let zeros = vec![b'0'; 64 << 20];
    for packed in [gzip(&zeros), zip(&[("a.csv", &zeros, Way::Streamed)])] {
        let (text, problem) = unpack(packed.chunks(4096));
        assert_eq!(problem, Some(FileProblem::PackedTooTightly));
        assert!(text.len() < 3 << 20, "{} bytes came out", text.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_cut_never_matters(
        text in proptest::collection::vec(any::<u8>(), 0..3_000),
        way in 0..4,
        damage in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        size in 1_usize..700,
    ) {
        let mut packed = match way {
            0 => gzip(&text),
            1 => zip(&[("a.csv", &text, Way::Deflated)]),
            2 => zip(&[("a.csv", &text, Way::Streamed)]),
            _ => zip(&[("a.csv", &text, Way::Stored)]),
        };
        if let Some((at, byte)) = damage {
            let at = at.index(packed.len());
            packed[at] = byte;
        } else {
            prop_assert_eq!(unpack([&packed[..]]), (text, None));
        }
        prop_assert_eq!(unpack(packed.chunks(size)), unpack([&packed[..]]));
    }
}
