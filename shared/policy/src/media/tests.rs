//! What a file is taken for, and what is held against it.

mod office;
mod pdf;
mod pictures;
mod samples;
mod types;

use proptest::prelude::*;

use self::samples::{CATALOG, WORD, jpeg, packed, pdf_of};
use super::*;

fn judged(bytes: &[u8], name: &str) -> Report {
    let said = Said {
        media_type: None,
        name: Some(name.to_owned()),
    };
    check(bytes, &said, &links::Context::default())
}

/// `allow`, or the verdict and its reasons.
fn render(report: &Report) -> String {
    let codes: Vec<&str> = report.findings.iter().map(|f| f.reason.code()).collect();
    format!("{} {}", report.verdict.code(), codes.join(","))
        .trim_end()
        .to_owned()
}

#[track_caller]
fn allows(bytes: &[u8], name: &str, mime: &str) {
    let report = judged(bytes, name);
    assert_eq!(render(&report), "allow", "{name}");
    assert_eq!(report.media_type, Some(mime), "{name}");
}

#[track_caller]
fn blocks(bytes: &[u8], name: &str, reason: Reason) {
    let report = judged(bytes, name);
    assert_eq!(report.verdict, Verdict::Block, "{name}");
    let found = report
        .findings
        .iter()
        .any(|finding| finding.reason == reason);
    assert!(
        found,
        "{name}: {} instead of {}",
        render(&report),
        reason.code()
    );
}

#[test]
fn every_reason_has_one_code_and_a_remedy() {
    for (index, reason) in Reason::ALL.iter().enumerate() {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
        assert!(!reason.remedy().is_empty());
        let twice = Reason::ALL[..index]
            .iter()
            .any(|other| other.code() == reason.code());
        assert!(!twice, "{}", reason.code());
    }
}

proptest! {
    #[test]
    fn no_file_is_too_odd_to_judge(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), start in 0_usize..8) {
        let starts: [&[u8]; 8] = [
            b"", b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1A\n", b"%PDF-1.4\nstream\n", b"PK\x03\x04",
            b"\0\0\0\x18ftypisom", b"RIFF\0\0\0\0WEBP", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        ];
        bytes.splice(0..0, starts[start].to_owned());
        let report = check(&bytes, &Said::default(), &links::Context::default());
        prop_assert_eq!(report.verdict == Verdict::Allow, report.findings.is_empty());
    }

    /// Whatever byte of a file changes, the fingerprint does.
    #[test]
    fn damage_never_panics_and_always_shows(at in 0_usize..400, by in 1_u8..=255) {
        for file in [jpeg(), pdf_of(&[CATALOG.as_bytes().to_vec(), packed("<< /A 1 >>")]), samples::office(WORD, &[])] {
            let before = check(&file, &Said::default(), &links::Context::default());
            let mut changed = file.clone();
            let at = at % changed.len();
            changed[at] ^= by;
            let after = check(&changed, &Said::default(), &links::Context::default());
            prop_assert_ne!(before.sha256, after.sha256);
        }
    }
}
