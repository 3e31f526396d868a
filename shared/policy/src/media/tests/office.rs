//! Office documents, and archives as such.

use super::samples::{EXCEL, POWERPOINT, WORD, archive, office, ole, relation};
use super::{blocks, judged, render};
use crate::media::*;

#[test]
fn documents_carry_no_macros() {
    blocks(
        &office(WORD, &[("word/vbaProject.bin", b"x")]),
        "a.docx",
        Reason::Macro,
    );
    let macro_type = "application/vnd.ms-word.document.macroEnabled.main+xml";
    let types = format!("<Types><Override ContentType=\"{macro_type}\"/></Types>");
    let renamed = archive(&[("[Content_Types].xml", types.as_bytes())]);
    blocks(&renamed, "a.docx", Reason::Macro);
    blocks(&renamed, "a.docx", Reason::TypeNotAllowed);
    blocks(
        &office(EXCEL, &[("xl/macrosheets/sheet1.xml", b"<a/>")]),
        "a.xlsx",
        Reason::Macro,
    );
    blocks(
        &ole(&[("/WordDocument", &[0; 50]), ("/Macros/VBA/dir", b"x")]),
        "a.doc",
        Reason::Macro,
    );
    let sheet = [0x85, 0, 8, 0, 0, 0, 0, 0, 0, 1, 1, 0];
    blocks(&ole(&[("/Workbook", &sheet)]), "a.xls", Reason::Macro);
    let slides = [0x0F, 0, 0xFF, 0x03, 0x14, 0, 0, 0];
    blocks(
        &ole(&[("/PowerPoint Document", &slides)]),
        "a.ppt",
        Reason::Macro,
    );
    blocks(
        &ole(&[("/EncryptedPackage", b"x")]),
        "a.docx",
        Reason::Encrypted,
    );
    blocks(&ole(&[("/Foo", b"x")]), "a.msi", Reason::TypeNotAllowed);
}

#[test]
fn documents_load_nothing_by_themselves() {
    let with = |kind: &str, target: &str| {
        let text = relation(kind, target);
        office(WORD, &[("word/_rels/document.xml.rels", text.as_bytes())])
    };
    blocks(
        &with("attachedTemplate", "https://tokokita.com/a.dotm"),
        "a.docx",
        Reason::ExternalReference,
    );
    blocks(
        &with("oleObject", "file:///c:/a"),
        "a.docx",
        Reason::ExternalReference,
    );
    blocks(
        &with("hyperlink", "http://bca-login.top/a.apk"),
        "a.docx",
        Reason::HarmfulLink,
    );
    assert_eq!(
        render(&judged(
            &with("hyperlink", "https://tokokita.com/katalog"),
            "a.docx"
        )),
        "allow"
    );
    let dde = b"<w:instrText>DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe</w:instrText>";
    blocks(
        &office(WORD, &[("word/document.xml", dde)]),
        "a.docx",
        Reason::ActiveContent,
    );
    blocks(
        &office(WORD, &[("word/embeddings/oleObject1.bin", b"x")]),
        "a.docx",
        Reason::EmbeddedFile,
    );
    blocks(
        &office(WORD, &[("word/media/a.png", b"MZ\x90")]),
        "a.docx",
        Reason::Program,
    );
    let chart = office(EXCEL, &[]);
    let charted = office(POWERPOINT, &[("ppt/embeddings/a.xlsx", &chart)]);
    assert_eq!(render(&judged(&charted, "a.pptx")), "allow");
    let deeper = office(POWERPOINT, &[("ppt/embeddings/a.pptx", &charted)]);
    blocks(&deeper, "a.pptx", Reason::EmbeddedFile);
}

#[test]
fn archives_have_one_reading() {
    let good = office(WORD, &[]);
    blocks(
        &[good.clone(), b"more".to_vec()].concat(),
        "a.docx",
        Reason::TrailingData,
    );
    blocks(
        &office(WORD, &[("../../a.xml", b"<a/>")]),
        "a.docx",
        Reason::UnsafePath,
    );
    let mut renamed = good.clone();
    // The name in front of the part, not the one in the directory.
    let at = memchr::memmem::find(&renamed, b"_rels/.rels").unwrap();
    renamed[at] = b'x';
    blocks(&renamed, "a.docx", Reason::Ambiguous);
    let mut locked = good;
    let at = memchr::memmem::find(&locked, b"PK\x01\x02").unwrap();
    locked[at + 8] |= 1;
    blocks(&locked, "a.docx", Reason::Encrypted);
}

#[test]
fn nothing_unpacks_without_bound() {
    let zeros = vec![0; 40_000_000];
    let bomb = office(WORD, &[("word/document.xml", &zeros)]);
    assert!(bomb.len() < 100_000);
    blocks(&bomb, "a.docx", Reason::CompressionBomb);
    blocks(&archive(&[("a", &zeros)]), "a.zip", Reason::CompressionBomb);
    let many: Vec<String> = (0..2_001).map(|n| format!("word/{n}.xml")).collect();
    let many: Vec<(&str, &[u8])> = many
        .iter()
        .map(|n| (n.as_str(), b"<a/>".as_slice()))
        .collect();
    blocks(&office(WORD, &many), "a.docx", Reason::TooManyEntries);
}
