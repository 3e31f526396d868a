//! Second formats inside a file, programs, scripts and markup.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::memmem;

use super::{Notes, Reason};

/// Notes another format inside a file that has no room for one.
pub(super) fn judge(bytes: &[u8], notes: &mut Notes) {
    if holds_archive(bytes) {
        notes.block(Reason::Polyglot, "zip");
    }
    if let Some(found) = MARKS.find(bytes) {
        notes.block(Reason::Polyglot, NAMES[found.pattern().as_usize()]);
    }
}

/// Long enough that chance does not write them into a picture.
static MARKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build([
            b"%PDF-1.".as_slice(),
            b"%PDF-2.",
            b"Rar!\x1A\x07",
            b"7z\xBC\xAF\x27\x1C",
            b"MSCF\0\0\0\0",
            b"\x7FELF\x01\x01\x01",
            b"\x7FELF\x02\x01\x01",
            b"This program cannot be run in DOS mode",
            b"This program must be run under Win32",
            b"dex\n03",
            b"<script",
            b"<?php",
            b"<!doctype html",
            b"<html>",
            b"<html ",
        ])
        .expect("the marks fit an automaton")
});

const NAMES: [&str; 15] = [
    "pdf", "pdf", "rar", "7z", "cab", "elf", "elf", "exe", "exe", "dex", "script", "php", "html",
    "html", "html",
];

/// Whether a zip reader, which looks from the end, would find an archive.
pub(super) fn holds_archive(bytes: &[u8]) -> bool {
    memmem::find_iter(bytes, b"PK\x05\x06").any(|at| {
        let word = |offset: usize| {
            let four = bytes.get(at + offset..at + offset + 4)?;
            usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
        };
        let (Some(size), Some(offset)) = (word(12), word(16)) else {
            return false;
        };
        let directory = b"PK\x01\x02";
        let begins = |from: usize| {
            bytes
                .get(from..)
                .is_some_and(|rest| rest.starts_with(directory))
        };
        at.checked_sub(size).is_some_and(begins)
            || begins(offset)
            || memmem::rfind(&bytes[..at], directory).is_some_and(|last| at - last < 0x1_0000)
    })
}

/// Whether the harmless test file of the scanners is in it.
pub(super) fn holds_test_virus(bytes: &[u8]) -> bool {
    // In two parts, so that no scanner takes this source or binary for it.
    memmem::find_iter(bytes, b"$EICAR-STANDARD-").any(|at| {
        bytes[at..]
            .get(16..)
            .is_some_and(|rest| rest.starts_with(b"ANTIVIRUS-TEST-FILE!"))
    })
}

/// Whether these bytes begin like a program or an archive of one.
pub(super) fn is_program(bytes: &[u8]) -> bool {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    starts(b"MZ")
        || starts(b"\x7FELF")
        || starts(b"dex\n03")
        || starts(b"\xCA\xFE\xBA\xBE")
        || starts(b"\xFE\xED\xFA\xCE")
        || starts(b"\xFE\xED\xFA\xCF")
        || starts(b"\xCF\xFA\xED\xFE")
        || starts(b"\xCE\xFA\xED\xFE")
        || starts(b"#!/")
        || starts(b"L\0\0\0\x01\x14\x02\0")
}

/// Whether a text would be run: by a shell, or because somebody opens it.
pub(super) fn is_script(text: &str) -> bool {
    let head: String = beginning(text);
    head.starts_with("#!")
        || head.starts_with("@echo off")
        || head.starts_with("<?php")
        || head.starts_with("powershell")
        || head.starts_with("[autorun]")
        || head.starts_with("[internetshortcut]")
        || head.starts_with("windows registry editor")
        || head.contains("createobject(\"wscript")
        || head.contains("new activexobject(")
}

/// Whether a text is a page or a drawing that software interprets.
pub(super) fn is_markup(text: &str) -> bool {
    let head = beginning(text);
    [
        "<!doctype",
        "<html",
        "<svg",
        "<script",
        "<?xml",
        "<head",
        "<body",
        "<hta:",
        "{\\rtf",
    ]
    .iter()
    .any(|start| head.starts_with(start))
        || ["<script", "<svg ", "<iframe", "javascript:"]
            .iter()
            .any(|mark| head.contains(mark))
}

/// How much of a text is looked at, in bytes.
const HEAD: usize = 4_096;

fn beginning(text: &str) -> String {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
    text[..text.floor_char_boundary(HEAD)].to_lowercase()
}

/// The reason that a type which is not taken deserves.
pub(super) fn reason_of(mime: &str) -> Reason {
    match mime {
        "application/wasm"
        | "application/x-executable"
        | "application/vnd.microsoft.portable-executable"
        | "application/java"
        | "application/x-llvm"
        | "application/x-mach-binary"
        | "application/vnd.android.dex"
        | "application/vnd.android.dey"
        | "application/x-shockwave-flash" => Reason::Program,
        "application/vnd.debian.binary-package"
        | "application/x-rpm"
        | "application/vnd.rar"
        | "application/gzip"
        | "application/x-tar"
        | "application/x-bzip2"
        | "application/vnd.bzip3"
        | "application/x-7z-compressed"
        | "application/x-xz"
        | "application/zstd"
        | "application/x-lzip"
        | "application/x-compress"
        | "application/vnd.ms-cab-compressed" => Reason::Archive,
        "application/rtf" => Reason::Markup,
        _ => Reason::TypeNotAllowed,
    }
}
