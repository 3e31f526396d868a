//! Types, sizes and names.

use super::samples::{
    CATALOG, EXCEL, POWERPOINT, WORD, archive, jpeg, movie, office, ole, pdf, png_of, virus,
    webp_of,
};
use super::{allows, blocks, judged, render};
use crate::media::*;

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
fn the_test_virus_is_found_bare_and_packed() {
    blocks(&virus(), "a.txt", Reason::TestVirus);
    blocks(&archive(&[("a.com", &virus())]), "a.zip", Reason::TestVirus);
    blocks(
        &office(WORD, &[("word/media/a.png", &virus())]),
        "a.docx",
        Reason::TestVirus,
    );
}
