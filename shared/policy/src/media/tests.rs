//! Files are built here byte by byte: the smallest that show a rule.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

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

fn jpeg() -> Vec<u8> {
    let mut bytes =
        b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00".to_vec();
    // A frame of 16 by 8 with one component, and a scan with a stuffed byte.
    bytes.extend(b"\xFF\xC0\x00\x0B\x08\x00\x08\x00\x10\x01\x01\x11\x00");
    bytes.extend(b"\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00\x12\xFF\x00\x34\xFF\xD0\x56");
    bytes.extend(b"\xFF\xD9");
    bytes
}

fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1A\n".to_vec();
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    for (name, body) in [
        (b"IHDR", header),
        (b"IDAT", vec![0x78, 0x9C]),
        (b"IEND", vec![]),
    ] {
        bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(name);
        bytes.extend(&body);
        bytes.extend([0; 4]);
    }
    bytes
}

fn webp_of(side: u32, animated: bool) -> Vec<u8> {
    let mut body = b"WEBPVP8X\x0A\0\0\0".to_vec();
    body.push(if animated { 2 } else { 0 });
    body.extend([0; 3]);
    for _ in 0..2 {
        body.extend(&(side - 1).to_le_bytes()[..3]);
    }
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    bytes.extend(body);
    bytes
}

fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(body.len() + 8)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    bytes.extend(name);
    bytes.extend(body);
    bytes
}

fn movie(brand: &[u8; 4], handler: &[u8; 4]) -> Vec<u8> {
    let mut bytes = boxed(b"ftyp", &[brand.as_slice(), &[0, 0, 2, 0], brand].concat());
    let handler = boxed(b"hdlr", &[&[0; 8], handler.as_slice(), &[0; 12]].concat());
    let track = boxed(b"trak", &boxed(b"mdia", &handler));
    bytes.extend(boxed(b"moov", &track));
    bytes.extend(boxed(b"mdat", &[7; 100]));
    bytes
}

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, body) in parts {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(*name, options).unwrap();
        zip.write_all(body).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const WORD: &str = "wordprocessingml.document.main+xml";
const EXCEL: &str = "spreadsheetml.sheet.main+xml";
const POWERPOINT: &str = "presentationml.presentation.main+xml";

fn office(main: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let types = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Types><Override PartName="/a" ContentType="application/vnd.openxmlformats-officedocument.{main}"/></Types>"#
    );
    let mut parts = vec![
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", b"<Relationships/>".as_slice()),
    ];
    parts.extend(more);
    archive(&parts)
}

fn relation(kind: &str, target: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}" TargetMode="External"/></Relationships>"#
    )
}

fn ole(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, body) in streams {
        let path = std::path::Path::new(path);
        if let Some(parent) = path.parent() {
            file.create_storage_all(parent).unwrap();
        }
        file.create_stream(path).unwrap().write_all(body).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

fn pdf(objects: &[&str]) -> Vec<u8> {
    pdf_of(
        &objects
            .iter()
            .map(|o| o.as_bytes().to_vec())
            .collect::<Vec<_>>(),
    )
}

fn pdf_of(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    for (index, object) in objects.iter().enumerate() {
        bytes.extend(format!("{} 0 obj\n", index + 1).bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    bytes.extend(b"trailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n");
    bytes
}

/// A stream of objects, as writers since PDF 1.5 make them.
fn packed(objects: &str) -> Vec<u8> {
    let text = format!("7 0 {objects}");
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    let data = encoder.finish().unwrap();
    let mut object = format!(
        "<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length {} >>\nstream\n",
        data.len()
    )
    .into_bytes();
    object.extend(data);
    object.extend(b"\nendstream");
    object
}

fn virus() -> Vec<u8> {
    let parts = [
        "X5O!P%@AP[4\\PZX54(P^)7CC)7}",
        "$EICAR-STANDARD-",
        "ANTIVIRUS-TEST-FILE!$H+H*",
    ];
    parts.concat().into_bytes()
}

const CATALOG: &str = "<< /Type /Catalog /Pages 2 0 R >>";

#[test]
fn every_legal_type_is_accepted() {
    allows(&jpeg(), "foto.jpg", "image/jpeg");
    allows(&png_of(800, 600), "foto.PNG", "image/png");
    allows(&webp_of(512, false), "stiker.webp", "image/webp");
    allows(&movie(b"isom", b"vide"), "klip.mp4", "video/mp4");
    allows(&movie(b"3gp5", b"vide"), "klip.3gp", "video/3gpp");
    allows(&movie(b"M4A ", b"soun"), "suara.m4a", "audio/mp4");
    allows(
        b"\xFF\xF1\x50\x80\x00\xFF\xFC\xFF\xF1\x50\x80\x00\xFF\xFC"[..14].into(),
        "suara.aac",
        "audio/aac",
    );
    allows(b"#!AMR\n\x3C\x91\x17\x16\xBE\x66", "suara.amr", "audio/amr");
    allows(
        b"ID3\x04\0\0\0\0\0\x02ab\xFF\xFB\x90\x00",
        "suara.mp3",
        "audio/mpeg",
    );
    allows(
        b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01",
        "suara.ogg",
        "audio/ogg",
    );
    allows(&pdf(&[CATALOG]), "brosur.pdf", "application/pdf");
    let word = office(WORD, &[("word/document.xml", b"<w:document/>")]);
    allows(
        &word,
        "surat.docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    );
    allows(
        &office(EXCEL, &[]),
        "harga.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    );
    allows(
        &office(POWERPOINT, &[]),
        "acara.pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    );
    allows(
        &ole(&[("/WordDocument", &[0; 5_000])]),
        "surat.doc",
        "application/msword",
    );
    allows(
        &ole(&[("/Workbook", &[9, 8, 0, 0])]),
        "harga.xls",
        "application/vnd.ms-excel",
    );
    allows(
        &ole(&[("/PowerPoint Document", &[])]),
        "acara.ppt",
        "application/vnd.ms-powerpoint",
    );
    allows(
        "Selamat datang.\r\nJam buka: 10.00".as_bytes(),
        "baca.txt",
        "text/plain",
    );
}

#[test]
fn the_content_says_what_a_file_is() {
    let apk = archive(&[
        ("AndroidManifest.xml", b"\x03\0"),
        ("classes.dex", b"dex\n035\0"),
    ]);
    blocks(&apk, "undangan.jpg", Reason::AndroidPackage);
    blocks(&apk, "undangan.apk", Reason::AndroidPackage);
    let jar = archive(&[
        ("META-INF/MANIFEST.MF", b"Main-Class: A"),
        ("A.class", b"\xCA\xFE\xBA\xBE"),
    ]);
    blocks(&jar, "a.pdf", Reason::JavaArchive);
    blocks(&archive(&[("a.txt", b"a")]), "a.zip", Reason::Archive);
    blocks(b"MZ\x90\0\x03\0\0\0", "foto.png", Reason::Program);
    blocks(b"\x7FELF\x02\x01\x01\0", "foto.png", Reason::Program);
    blocks(
        b"GIF89a\x01\0\x01\0\0\0\0;",
        "foto.gif",
        Reason::TypeNotAllowed,
    );
    blocks(
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "logo.txt",
        Reason::Markup,
    );
    blocks(b"<!DOCTYPE html><p>halo", "halo.txt", Reason::Markup);
    blocks(b"#!/bin/sh\nrm -r /\n", "baca.txt", Reason::Program);
    blocks(b"{\\rtf1 halo}", "halo.doc", Reason::Markup);
    blocks(b"\0\x01\x02\x03", "data.bin", Reason::TypeUnknown);
    blocks(b"", "kosong.jpg", Reason::Empty);
    blocks(&png_of(8, 8), "foto.jpg", Reason::TypeMismatch);
    blocks(&pdf(&[CATALOG]), "brosur.pdf.exe", Reason::TypeMismatch);
    blocks(&png_of(8, 8), "foto\u{202E}gpj.png", Reason::DisguisedName);
}

#[test]
fn what_is_declared_must_be_true() {
    let declared = |mime: &str| {
        let said = Said {
            media_type: Some(mime.to_owned()),
            name: None,
        };
        render(&check(&jpeg(), &said, &links::Context::default()))
    };
    assert_eq!(declared("image/jpeg"), "allow");
    assert_eq!(declared("Image/JPG; q=1"), "allow");
    assert_eq!(declared("image/png"), "block type_mismatch");
    assert_eq!(declared("application/octet-stream"), "block type_mismatch");
}

#[test]
fn nothing_hides_in_a_picture() {
    let zip = archive(&[("a.txt", b"a")]);
    blocks(
        &[jpeg(), zip.clone()].concat(),
        "foto.jpg",
        Reason::Polyglot,
    );
    blocks(
        &[png_of(8, 8), zip.clone()].concat(),
        "foto.png",
        Reason::Polyglot,
    );
    blocks(
        &[movie(b"isom", b"vide"), boxed(b"free", &zip)].concat(),
        "a.mp4",
        Reason::Polyglot,
    );
    blocks(
        &[jpeg(), b"MZ\x90\0".to_vec()].concat(),
        "foto.jpg",
        Reason::Polyglot,
    );
    blocks(
        &[jpeg(), b"halo".to_vec()].concat(),
        "foto.jpg",
        Reason::TrailingData,
    );
    blocks(
        &[jpeg(), pdf(&[CATALOG])].concat(),
        "foto.jpg",
        Reason::Polyglot,
    );
    let mut page = jpeg();
    page.splice(
        2..2,
        b"\xFF\xFE\x00\x1B<script>alert(1)</script>".to_owned(),
    );
    blocks(&page, "foto.jpg", Reason::Polyglot);
    assert_eq!(
        render(&judged(&[jpeg(), jpeg()].concat(), "stereo.jpg")),
        "allow"
    );
    blocks(&jpeg()[..40], "foto.jpg", Reason::Damaged);
    blocks(&png_of(8, 8)[..50], "foto.png", Reason::Damaged);
    blocks(&movie(b"isom", b"vide")[..60], "a.mp4", Reason::Damaged);
}

#[test]
fn pictures_have_bounds() {
    blocks(&png_of(0, 8), "a.png", Reason::PictureSize);
    blocks(&png_of(60_000, 60_000), "a.png", Reason::PictureSize);
    blocks(&png_of(16_384, 16_384), "a.png", Reason::PictureSize);
    blocks(&webp_of(100, false), "a.webp", Reason::PictureSize);
    let report = judged(&png_of(640, 480), "a.png");
    assert_eq!((report.width, report.height), (Some(640), Some(480)));
}

#[test]
fn sizes_are_those_of_whatsapp() {
    let padded = |animated, size: usize| {
        let mut bytes = webp_of(512, animated);
        bytes.resize(size, 0);
        let length = u32::try_from(size - 8).unwrap();
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        render(&judged(&bytes, "a.webp"))
    };
    assert_eq!(padded(false, 102_400), "allow");
    assert_eq!(padded(false, 102_401), "block too_large");
    assert_eq!(padded(true, 102_401), "allow");
    assert_eq!(padded(true, 512_001), "block too_large");
}

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

#[test]
fn the_test_virus_is_found_bare_and_packed() {
    blocks(&virus(), "a.txt", Reason::TestVirus);
    blocks(&archive(&[("a.com", &virus())]), "a.zip", Reason::TestVirus);
    blocks(
        &office(WORD, &[("word/media/a.png", &virus())]),
        "a.docx",
        Reason::TestVirus,
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
        for file in [jpeg(), pdf_of(&[CATALOG.as_bytes().to_vec(), packed("<< /A 1 >>")]), office(WORD, &[])] {
            let before = check(&file, &Said::default(), &links::Context::default());
            let mut changed = file.clone();
            let at = at % changed.len();
            changed[at] ^= by;
            let after = check(&changed, &Said::default(), &links::Context::default());
            prop_assert_ne!(before.sha256, after.sha256);
        }
    }
}
