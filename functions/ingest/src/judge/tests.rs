use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::civil::date;
use policy::ids::TenantId;
use policy::import::{ColumnRef, Role};
use policy::provenance::SourceKind;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::*;
use crate::hash::hex;

fn terms(mode: ImportMode) -> Terms {
    Terms {
        tenant: TenantId::from_uuid(Uuid::from_u128(1)),
        key: TokenKey::new(&[7; 32]).unwrap(),
        region: Region::INDONESIA,
        now: "2026-11-24T03:00:00Z".parse().unwrap(),
        mode,
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
        piece_rows: 7,
    }
}

/// Every trouble at some row, with text beyond ASCII late in the file.
fn file(rows: u64) -> Vec<u8> {
    let mut csv = String::from("nama,no hp,tanggal persetujuan,opt out\r\n");
    for row in 0..rows {
        let number = match row % 11 {
            3 => "0812-1111-0000".to_owned(),
            5 => "8.12E+11".to_owned(),
            _ => format!("0812{:08}", 10_000_000 + row * 7919),
        };
        let (date, out) = match row % 6 {
            1 => ("", ""),
            4 => ("2026-01-05", "ya"),
            _ => ("2026-01-05 10:00", ""),
        };
        let name = if row > 20 { "Ni Luh\nÉka" } else { "Budi" };
        write!(csv, "\"{name}\",{number},{date},{out}\r\n").unwrap();
    }
    csv.into_bytes()
}

/// A piece and where judging stands after it, as they would be stored.
type Kept = (Vec<u8>, String, String);

fn keep(judge: &Judge, piece: &Piece) -> Kept {
    let standing = judge.standing(0, piece);
    (
        piece.staged.encode().unwrap(),
        piece.rejected.clone(),
        serde_json::to_string(&standing).unwrap(),
    )
}

/// Judges to the end, the bytes cut at `cuts`.
fn walk(judge: &mut Judge, bytes: &[u8], cut: usize) -> Vec<Kept> {
    let mut kept = Vec::new();
    let mut take = |judge: &mut Judge| {
        while let Some(piece) = judge.next_piece().unwrap() {
            kept.push(keep(judge, &piece));
        }
    };
    for bytes in bytes.chunks(cut) {
        judge.push(bytes);
        take(judge);
    }
    judge.finish();
    take(judge);
    kept
}

#[test]
fn every_row_is_counted_once_and_the_hash_is_the_files() {
    let bytes = file(60);
    let mut judge = Judge::new(terms(ImportMode::Contacts));
    let pieces = walk(&mut judge, &bytes, 1_000);
    assert_eq!(pieces.len(), 9, "eight whole pieces and the rest");
    let counts = judge.counts();
    assert_eq!(counts.rows, 60);
    assert_eq!(
        counts.rows,
        counts.accepted + counts.duplicates + counts.rejected
    );
    assert!(counts.duplicates > 0 && counts.rejected > 0 && counts.opted_out > 0);
    assert!(counts.without_consent >= counts.suppressed);
    assert_eq!(judge.sha256(), hex(&Sha256::digest(&bytes)));
    assert_eq!(judge.format(), ("UTF-8", ","));
}

#[test]
fn of_a_list_of_opt_outs_only_the_numbers_count() {
    let csv =
        "no hp,tanggal persetujuan\n081211110001,not a date\n081211110002,\n0812-1111-0001,\nx,\n";
    let mut judge = Judge::new(terms(ImportMode::SuppressionList));
    judge.push(csv.as_bytes());
    judge.finish();
    let piece = judge.next_piece().unwrap().unwrap();
    let counts = judge.counts();
    assert_eq!(
        (
            counts.rows,
            counts.accepted,
            counts.duplicates,
            counts.rejected
        ),
        (4, 2, 1, 1)
    );
    assert_eq!(counts.opted_out, 2);
    assert_eq!(piece.staged.said_no.len(), 2);
    assert!(piece.staged.people.is_empty(), "nobody is put on a list");
}

#[test]
fn staged_people_come_back_as_they_went() {
    let mut judge = Judge::new(terms(ImportMode::Contacts));
    judge.push(&file(5));
    judge.finish();
    let piece = judge.next_piece().unwrap().unwrap();
    let bytes = piece.staged.encode().unwrap();
    let back = Staged::decode(&bytes).unwrap();
    let all = |staged: Staged| -> Vec<_> {
        staged
            .into_people("imp_1")
            .collect::<Result<_, _>>()
            .unwrap()
    };
    let (before, after) = (all(piece.staged), all(back));
    assert_eq!(before, after);
    assert!(!before.is_empty());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_caller_may_say_how_a_file_is_read() {
    let csv = "Sari;081211110001;02/13/2026\nBudi;081211110002;\n";
    let column = |place, role| (ColumnRef::Position(place), role);
    let mut judge = Judge::new(Terms {
        mapping: Some(ExplicitMapping {
            headerless: true,
            roles: [
                column(1, Role::Name),
                column(2, Role::Phone),
                column(3, Role::ConsentAt),
            ]
            .into(),
        }),
        date_order: DateOrder::MonthFirst,
        consent_required: true,
        ..terms(ImportMode::Contacts)
    });
    judge.push(csv.as_bytes());
    judge.finish();
    let piece = judge.next_piece().unwrap().unwrap();
    assert_eq!(judge.counts().accepted, 1);
    assert_eq!(judge.counts().without_consent, 0);
    assert!(piece.rejected.contains("consent_date_missing"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn cuts_and_resumption_change_nothing(
        cut in 1_usize..400,
        stop in 0_usize..9,
        packed in any::<bool>(),
    ) {
        let bytes = if packed { gzip(&file(60)) } else { file(60) };
        let wanted = walk(&mut Judge::new(terms(ImportMode::Contacts)), &bytes, bytes.len());
        let whole = walk(&mut Judge::new(terms(ImportMode::Contacts)), &bytes, cut);
        prop_assert_eq!(&whole, &wanted);

        // Another process goes on after piece `stop`.
        let mut judge = Judge::new(terms(ImportMode::Contacts));
        for (staged, _, _) in &wanted[..stop] {
            judge.recall(&Staged::decode(staged).unwrap()).unwrap();
        }
        let mut from = 0;
        if stop > 0 {
            let standing = serde_json::from_str(&wanted[stop - 1].2).unwrap();
            from = usize::try_from(judge.resume(standing).unwrap()).unwrap();
        }
        let rest = walk(&mut judge, &bytes[from..], cut);
        prop_assert_eq!(rest, wanted[stop..].to_vec());
        prop_assert_eq!(judge.sha256(), hex(&Sha256::digest(&bytes)));

        let mut straight = Judge::new(terms(ImportMode::Contacts));
        walk(&mut straight, &bytes, 97);
        prop_assert_eq!(judge.assess(), straight.assess());
    }
}
