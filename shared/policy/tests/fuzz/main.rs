//! Any bytes at all, through unpacking, decoding, reading and judging.
//!
//! The same laws are searched with the help of coverage by the targets in
//! `fuzz/`; what is found there stays in its corpus and is replayed here.

mod laws;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

#[test]
fn the_corpus_holds_the_laws() {
    let files = files_of("fuzz/corpus/any_file");
    assert!(files.len() >= 100, "{} files", files.len());
    for file in files {
        laws::any_file(&file);
    }
    for cell in files_of("fuzz/corpus/any_cell") {
        laws::any_cell(&cell);
    }
}

/// What a tear or a slip of the editor does to a file.
#[derive(Clone, Debug)]
enum Damage {
    Byte(prop::sample::Index, u8),
    Insert(prop::sample::Index, &'static [u8]),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        const SIGNS: [&[u8]; 14] = [
            b"\"",
            b"\"\"",
            b"\n",
            b"\r",
            b"\r\n",
            b",",
            b";",
            b"\0",
            b"\xff",
            b"\xe2\x82",
            b"\xef\xbb\xbf",
            b"'",
            b"=",
            b"#TOO_LONG!",
        ];

        let at = any::<prop::sample::Index>;
        prop_oneof![
            (at(), any::<u8>()).prop_map(|(at, byte)| Self::Byte(at, byte)),
            (at(), prop::sample::select(&SIGNS[..])).prop_map(|(at, sign)| Self::Insert(at, sign)),
            (at(), 1..40_usize).prop_map(|(at, length)| Self::Remove(at, length)),
            (at(), 1..40_usize).prop_map(|(at, length)| Self::Repeat(at, length)),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Byte(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Insert(at, sign) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, sign.iter().copied());
            }
            Self::Remove(at, length) => {
                let at = at.index(bytes.len() + 1);
                let end = bytes.len().min(at + length);
                bytes.drain(at..end);
            }
            Self::Repeat(at, length) => {
                let at = at.index(bytes.len() + 1);
                let end = bytes.len().min(at + length);
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            Self::Byte(..) => (),
        }
    }
}

/// The files of a folder that are small enough to be read many times.
fn files_of(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.collect();
    paths.sort();
    let files = paths.iter().map(|path| std::fs::read(path).unwrap());
    files.filter(|bytes| bytes.len() < 4_000).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_damage_to_a_real_file(
        mut file in prop::sample::select(files_of("../../tests/fixtures/csv")),
        damage in prop::collection::vec(Damage::any(), 0..6),
    ) {
        for damage in &damage {
            damage.apply(&mut file);
        }
        laws::any_file(&file);
    }

    #[test]
    fn any_cell(
        word in prop::sample::select(&WORDS[..]),
        damage in prop::collection::vec(Damage::any(), 0..6),
    ) {
        let mut cell = word.as_bytes().to_vec();
        for damage in &damage {
            damage.apply(&mut cell);
        }
        laws::any_cell(&cell);
    }
}

/// Cells to start from.
const WORDS: [&str; 12] = [
    "+62 812-3456-7890",
    "6.281234567890E+12",
    "https://wa.me/6281234567890?text=Halo",
    "No. WA: 0812 3456 7890 atau 0813 1111 2222",
    "Minggu, 5 Januari 2025 pukul 10.22 WIB",
    "Sun Jan 05 2025 10:22:11 GMT+0700 (Western Indonesia Time)",
    "2025-01-05T10:22:11.123+07:00",
    "45662,75",
    "Ya, saya setuju menerima pesan",
    "promo; layanan | marketing.news",
    "zh-Hant-TW",
    "Asia/Jakarta",
];
