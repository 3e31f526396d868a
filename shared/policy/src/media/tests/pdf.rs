//! PDF, and the links of documents.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::samples::{CATALOG, archive, packed, pdf, pdf_of};
use super::{blocks, judged, render};
use crate::media::*;

#[test]
fn a_pdf_does_nothing_by_itself() {
    let active = |object: &str| blocks(&pdf(&[CATALOG, object]), "a.pdf", Reason::ActiveContent);
    active("<< /S /JavaScript /JS (app.alert\\(1\\)) >>");
    active("<< /S /Java#53cript /JS (x) >>");
    active("<< /S /Launch /F (cmd.exe) >>");
    active("<< /#4cau#6E#63h 3 0 R >>");
    active("<< /AA << /O 3 0 R >> >>");
    active("<< /AcroForm << /XFA 3 0 R >> >>");
    active("<< /S /SubmitForm /F (https://a.example) >>");
    active("<< /Subtype /RichMedia >>");
    active("<< /OpenAction << /S /URI /URI (https://tokokita.com) >> >>");
    active("<< /OpenAction 99 0 R >>");
    for quiet in [
        "<< /OpenAction [3 0 R /FitH null] >>",
        "<< /OpenAction << /S /GoTo /D [3 0 R /Fit] >> >>",
        "<< /OpenAction 3 0 R >>",
    ] {
        let file = pdf(&[CATALOG, quiet, "[4 0 R /XYZ null null null]"]);
        assert_eq!(render(&judged(&file, "a.pdf")), "allow", "{quiet}");
    }
    blocks(
        &pdf(&[CATALOG, "<< /Type /EmbeddedFile >>"]),
        "a.pdf",
        Reason::EmbeddedFile,
    );
    blocks(
        &pdf(&[CATALOG, "<< /S /GoToR /F (a.pdf) >>"]),
        "a.pdf",
        Reason::ExternalReference,
    );
    blocks(&pdf(&["<< /Encrypt 5 0 R >>"]), "a.pdf", Reason::Encrypted);
}

#[test]
fn nothing_hides_in_the_streams_of_a_pdf() {
    let with = |object: Vec<u8>| pdf_of(&[CATALOG.as_bytes().to_vec(), object]);
    blocks(
        &with(packed("<< /S /JavaScript /JS (x) >>")),
        "a.pdf",
        Reason::ActiveContent,
    );
    blocks(
        &with(packed("<< /AA 3 0 R >>")),
        "a.pdf",
        Reason::ActiveContent,
    );
    assert_eq!(
        render(&judged(&with(packed("<< /Type /Page >>")), "a.pdf")),
        "allow"
    );
    // The type of the stream need not be said for a reader to use it.
    let mut untold = packed("<< /JS (x) >>");
    let at = memchr::memmem::find(&untold, b"ObjStm").unwrap();
    untold.splice(at..at + 6, *b"Nothing");
    blocks(&with(untold), "a.pdf", Reason::ActiveContent);
    let mut coded = packed("<< /Type /Page >>");
    let at = memchr::memmem::find(&coded, b"/FlateDecode").unwrap();
    coded.splice(at..at + 12, *b"[/ASCIIHexDecode /FlateDecode]");
    blocks(&with(coded), "a.pdf", Reason::Ambiguous);
    // A comment that opens a stream hides nothing of what follows.
    let hidden = [b"%stream\n".to_vec(), packed("<< /JS (x) >>")].concat();
    blocks(&with(hidden), "a.pdf", Reason::ActiveContent);
    let plain = b"<< /Length 60 >>\nstream\n9 0 obj << /AA 3 0 R >> endobj\nendstream".to_vec();
    blocks(&with(plain), "a.pdf", Reason::ActiveContent);
    let opening = pdf_of(&[
        b"<< /OpenAction 7 0 R >>".to_vec(),
        packed("<< /S /URI /URI (https://tokokita.com) >>"),
    ]);
    blocks(&opening, "a.pdf", Reason::ActiveContent);
    let mut zeros = ZlibEncoder::new(Vec::new(), Compression::best());
    zeros.write_all(&vec![b' '; 220_000_000]).unwrap();
    let mut bomb = b"<< /Filter /FlateDecode >>\nstream\n".to_vec();
    bomb.extend(zeros.finish().unwrap());
    bomb.extend(b"\nendstream");
    blocks(&with(bomb), "a.pdf", Reason::CompressionBomb);
}

#[test]
fn the_links_of_a_document_are_judged() {
    let linked = |target: &str| {
        let object = format!("<< /S /URI /URI ({target}) >>");
        render(&judged(&pdf(&[CATALOG, &object]), "a.pdf"))
    };
    assert_eq!(linked("https://tokokita.com/katalog"), "allow");
    assert_eq!(linked("mailto:halo@tokokita.com"), "allow");
    assert_eq!(linked("http://tokokita.com"), "warn doubtful_link");
    assert_eq!(
        linked("https://contoh.com/undangan.apk"),
        "block harmful_link"
    );
    assert_eq!(
        linked("https://contoh.com/\\165ndangan.ap\\153"),
        "block harmful_link"
    );
    let hexadecimal = "<< /S /URI /URI <6A6176617363726970743A616C657274283129> >>";
    blocks(&pdf(&[CATALOG, hexadecimal]), "a.pdf", Reason::HarmfulLink);
    blocks(
        b"Klik https://contoh.com/undangan.apk",
        "a.txt",
        Reason::HarmfulLink,
    );
}

#[test]
fn a_pdf_begins_and_ends_as_one() {
    let good = pdf(&[CATALOG]);
    blocks(
        &[b"junk\n".to_vec(), good.clone()].concat(),
        "a.pdf",
        Reason::TrailingData,
    );
    blocks(
        &[good.clone(), b"junk".to_vec()].concat(),
        "a.pdf",
        Reason::TrailingData,
    );
    blocks(
        &[good.clone(), archive(&[("a", b"a")])].concat(),
        "a.pdf",
        Reason::Polyglot,
    );
    blocks(&good[..good.len() - 8], "a.pdf", Reason::Damaged);
}
