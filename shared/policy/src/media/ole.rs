//! The older Office documents: streams in a compound file.

use std::io::{Cursor, Read as _};

use cfb::CompoundFile;
use memchr::memmem;

use super::{Notes, Reason, foreign};

type Compound<'a> = CompoundFile<Cursor<&'a [u8]>>;

/// Judges a compound file and returns its media type.
pub(super) fn judge(bytes: &[u8], notes: &mut Notes) -> &'static str {
    let Ok(mut file) = CompoundFile::open(Cursor::new(bytes)) else {
        notes.block(Reason::Damaged, "");
        return OTHER;
    };
    if foreign::holds_archive(bytes) {
        notes.block(Reason::Polyglot, "zip");
    }
    let entries: Vec<(String, String)> = file
        .walk()
        .map(|entry| {
            let path = entry.path().to_string_lossy().into_owned();
            (entry.name().to_owned(), path)
        })
        .collect();
    for (name, path) in &entries {
        judge_entry(name, path, notes);
    }
    let at_root = |wanted: &[&str]| {
        entries
            .iter()
            .find(|(name, path)| {
                path.trim_start_matches('/') == name
                    && wanted.iter().any(|one| name.eq_ignore_ascii_case(one))
            })
            .map(|(_, path)| path.clone())
    };
    if let Some(path) = at_root(&["WordDocument"]) {
        let stream = read(&mut file, &path, notes);
        judge_word(&stream, notes);
        "application/msword"
    } else if let Some(path) = at_root(&["Workbook", "Book"]) {
        let stream = read(&mut file, &path, notes);
        judge_excel(&stream, notes);
        "application/vnd.ms-excel"
    } else if let Some(path) = at_root(&["PowerPoint Document"]) {
        let stream = read(&mut file, &path, notes);
        judge_powerpoint(&stream, notes);
        "application/vnd.ms-powerpoint"
    } else {
        OTHER
    }
}

const OTHER: &str = "application/x-ole-storage";

fn judge_entry(name: &str, path: &str, notes: &mut Notes) {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "macros" | "vba" | "_vba_project" | "_vba_project_cur" | "dir" | "projectwm" => {
            notes.block(Reason::Macro, path);
        }
        "objectpool" | "\u{1}ole10native" | "package" | "mbd" => {
            notes.block(Reason::EmbeddedFile, path);
        }
        "encryptedpackage" | "encryptioninfo" => notes.block(Reason::Encrypted, path),
        _ if lower.starts_with("mbd") && lower.len() == 11 => {
            notes.block(Reason::EmbeddedFile, path);
        }
        _ => (),
    }
}

fn read(file: &mut Compound<'_>, path: &str, notes: &mut Notes) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = file
        .open_stream(path)
        .and_then(|mut stream| stream.read_to_end(&mut bytes));
    if read.is_err() {
        notes.block(Reason::Damaged, path);
    }
    bytes
}

fn judge_word(stream: &[u8], notes: &mut Notes) {
    let wide: Vec<u8> = b"DDEAUTO".iter().flat_map(|byte| [*byte, 0]).collect();
    if memmem::find(stream, b"DDEAUTO").is_some() || memmem::find(stream, &wide).is_some() {
        notes.block(Reason::ActiveContent, "WordDocument");
    }
    // The information block: a flag of the document's encryption.
    if stream.get(11).is_some_and(|flags| flags & 0x01 != 0) {
        notes.block(Reason::Encrypted, "WordDocument");
    }
}

/// Sheets of macros in the language before VBA, and protection by password.
fn judge_excel(stream: &[u8], notes: &mut Notes) {
    const SHEET: u16 = 0x0085;
    const PASSWORD: u16 = 0x002F;
    const EXTERNAL_NAME: u16 = 0x0023;

    let mut at = 0;
    while let Some(head) = stream.get(at..at + 4) {
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let Some(body) = stream.get(at + 4..at + 4 + length) else {
            break;
        };
        match kind {
            SHEET if body.get(5) == Some(&1) => notes.block(Reason::Macro, "Workbook"),
            PASSWORD => notes.block(Reason::Encrypted, "Workbook"),
            // A name of another program's data, not of another workbook's.
            EXTERNAL_NAME if body.first().is_some_and(|flags| flags & 0x10 != 0) => {
                notes.block(Reason::ActiveContent, "Workbook");
            }
            _ => (),
        }
        at += 4 + length;
    }
}

fn judge_powerpoint(stream: &[u8], notes: &mut Notes) {
    const VBA_INFO: u16 = 0x03FF;
    const OBJECT: u16 = 0x1011;

    let mut at = 0;
    while let Some(head) = stream.get(at..at + 8) {
        let container = head[0] & 0x0F == 0x0F;
        let kind = u16::from_le_bytes([head[2], head[3]]);
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        match kind {
            VBA_INFO => notes.block(Reason::Macro, "PowerPoint Document"),
            OBJECT => notes.block(Reason::EmbeddedFile, "PowerPoint Document"),
            _ => (),
        }
        let body = if container { 0 } else { length as usize };
        let Some(next) = (at + 8).checked_add(body) else {
            break;
        };
        at = next;
    }
}
