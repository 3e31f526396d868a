//! What a file is, by its first bytes.

use std::borrow::Cow;

/// What the first bytes tell; the structure has yet to agree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Found {
    Aac,
    Amr,
    /// Something that WhatsApp does not take, by its media type.
    Foreign(&'static str),
    Jpeg,
    /// Boxes of the ISO base media format.
    Movie,
    Mp3,
    Ogg,
    Ole,
    Pdf,
    Png,
    Text,
    Unknown,
    Webp,
    Zip,
}

/// Where a PDF's header may stand for lenient readers, in bytes.
const PDF_WITHIN: usize = 1_024;

/// Looks at the first bytes, and at all of them to find a text.
pub(super) fn sniff(bytes: &[u8]) -> Found {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"\xFF\xD8\xFF") {
        Found::Jpeg
    } else if starts(b"\x89PNG\r\n\x1A\n") {
        Found::Png
    } else if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Found::Webp
    } else if bytes.get(4..8) == Some(b"ftyp") {
        match bytes.get(8..12) {
            Some(b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1") => Found::Foreign("image/heic"),
            Some(b"avif" | b"avis") => Found::Foreign("image/avif"),
            Some(b"qt  ") => Found::Foreign("video/quicktime"),
            _ => Found::Movie,
        }
    } else if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        Found::Zip
    } else if starts(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        Found::Ole
    } else if starts(b"#!AMR\n") || starts(b"#!AMR-WB\n") {
        Found::Amr
    } else if starts(b"OggS") {
        Found::Ogg
    } else if starts(b"ID3") {
        Found::Mp3
    } else if let [0xFF, second, ..] = bytes
        && second & 0xF6 == 0xF0
    {
        Found::Aac
    } else if let [0xFF, second, ..] = bytes
        && second & 0xE0 == 0xE0
        && *second != 0xFE
    {
        Found::Mp3
    } else if holds_pdf_header(bytes) {
        Found::Pdf
    } else if let Some(mime) = foreign(bytes) {
        Found::Foreign(mime)
    } else if decode_text(bytes).is_some_and(|text| !text.is_empty()) {
        Found::Text
    } else {
        Found::Unknown
    }
}

fn holds_pdf_header(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(PDF_WITHIN)];
    memchr::memmem::find(head, b"%PDF-").is_some()
}

fn foreign(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"MZ") && bytes.len() > 2 && decode_text(bytes).is_none() {
        return Some("application/vnd.microsoft.portable-executable");
    }
    if super::foreign::is_program(bytes) && !bytes.starts_with(b"MZ") && !bytes.starts_with(b"#!") {
        return Some("application/x-executable");
    }
    let kind = infer::get(bytes)?;
    // What begins like a text is judged as one.
    (!kind.mime_type().starts_with("text/")).then(|| kind.mime_type())
}

/// The text of a file, if it is one: UTF-8 or UTF-16 with its mark, and no
/// control characters beyond those of lines.
pub(super) fn decode_text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let text = match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0xEF, 0xBB, 0xBF, ..] => {
            let (text, _, damaged) = encoding_rs::UTF_8.decode(bytes);
            (!damaged).then_some(text)?
        }
        _ => Cow::Borrowed(std::str::from_utf8(bytes).ok()?),
    };
    let odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{C}');
    (!text.contains(odd)).then_some(text)
}
