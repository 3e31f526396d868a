//! PDF: what acts, what is attached, what is hidden.
//!
//! A reader finds objects by their offsets, so that what looks like a comment
//! or a picture may be an object. Nothing is skipped here because of what
//! surrounds it: names are searched in all bytes, and in every stream that
//! unpacks to objects.

use std::io::Read as _;

use flate2::bufread::ZlibDecoder;
use memchr::memmem;

use super::archive::Budget;
use super::pdf_text::{self, Name, Value};
use super::{Notes, Reason, foreign};
use crate::links;

/// Judges a PDF.
pub(super) fn judge(bytes: &[u8], context: &links::Context, notes: &mut Notes) {
    judge_bounds(bytes, notes);
    if foreign::holds_archive(bytes) {
        notes.block(Reason::Polyglot, "zip");
    }
    let texts = Texts::of(bytes, notes);
    for name in pdf_text::names(bytes) {
        if let Some(reason) = reason_of(&name.text, true) {
            notes.block(reason, &name.text);
        }
    }
    let mut links = 0;
    for text in texts.all() {
        for name in pdf_text::names(text) {
            if let Some(reason) = reason_of(&name.text, false) {
                notes.block(reason, &name.text);
            }
            match name.text.as_str() {
                "OpenAction" if !opens_quietly(text, &name, &texts) => {
                    notes.block(Reason::ActiveContent, "OpenAction");
                }
                "URI" if links < MOST_LINKS => {
                    if let Value::String(target) = pdf_text::value(text, name.end) {
                        links += 1;
                        judge_target(&target, context, notes);
                    }
                }
                _ => (),
            }
        }
    }
}

const MOST_LINKS: usize = 1_000;

/// Header first, end mark last, nothing around them.
fn judge_bounds(bytes: &[u8], notes: &mut Notes) {
    if !bytes.starts_with(b"%PDF-") {
        notes.block(Reason::TrailingData, "before the header");
    }
    match memmem::rfind(bytes, b"%%EOF") {
        None => notes.block(Reason::Damaged, "no end mark"),
        Some(at) => {
            let rest = &bytes[at + 5..];
            let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
            if !rest.iter().all(blank) {
                notes.block(Reason::TrailingData, "");
            }
        }
    }
}

/// Names that act or carry files. By chance a long one stands nowhere; a short
/// one counts only among objects.
fn reason_of(name: &str, anywhere: bool) -> Option<Reason> {
    match name {
        "JavaScript" | "Launch" | "RichMedia" | "SubmitForm" | "ImportData" => {
            Some(Reason::ActiveContent)
        }
        "EmbeddedFile" | "EmbeddedFiles" => Some(Reason::EmbeddedFile),
        _ if anywhere => None,
        "JS" | "AA" | "XFA" | "Rendition" => Some(Reason::ActiveContent),
        "GoToR" | "GoToE" => Some(Reason::ExternalReference),
        "Encrypt" => Some(Reason::Encrypted),
        _ => None,
    }
}

fn judge_target(target: &str, context: &links::Context, notes: &mut Notes) {
    let lower = target.trim().to_ascii_lowercase();
    if lower.starts_with("mailto:") || lower.starts_with("tel:") {
        return;
    }
    notes.link(target.trim(), context);
}

/// Whether what happens on opening is no more than going to a page.
fn opens_quietly(text: &[u8], name: &Name, texts: &Texts) -> bool {
    let is_quiet = |value: Value| match value {
        Value::Array | Value::Null => true,
        Value::Dictionary(names) => {
            names.iter().any(|name| name == "GoTo") && !names.iter().any(|name| name == "URI")
        }
        Value::Reference(_) | Value::String(_) | Value::Other => false,
    };
    match pdf_text::value(text, name.end) {
        Value::Reference(object) => {
            let mut meant = texts.definitions(object).peekable();
            meant.peek().is_some() && meant.all(is_quiet)
        }
        value => is_quiet(value),
    }
}

/// The file without its streams, and every stream that holds objects.
struct Texts {
    outside: Vec<u8>,
    objects: Vec<Vec<u8>>,
}

impl Texts {
    fn of(bytes: &[u8], notes: &mut Notes) -> Self {
        let mut outside = Vec::new();
        let mut objects = Vec::new();
        let mut budget = Budget::whole();
        let mut done = 0;
        for (index, (start, end)) in streams(bytes).enumerate() {
            if index == MOST_STREAMS {
                notes.block(Reason::TooManyEntries, "streams");
                break;
            }
            let data = &bytes[start..end];
            let before = &bytes[start.saturating_sub(DICTIONARY)..start];
            if let Some(text) = unpack(data, &about_stream(before), &mut budget, notes) {
                objects.push(text);
            }
            // What begins inside another stream is read, but not cut out.
            if start >= done {
                outside.extend_from_slice(&bytes[done..start]);
                outside.push(b'\n');
                if memmem::find(data, b" obj").is_some() {
                    objects.push(data.to_vec());
                }
                done = end;
            }
        }
        outside.extend_from_slice(&bytes[done..]);
        Self { outside, objects }
    }

    fn all(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.outside.as_slice()).chain(self.objects.iter().map(Vec::as_slice))
    }

    /// Every definition of an object that any reader could find.
    fn definitions(&self, object: u32) -> impl Iterator<Item = Value> {
        let plain = pdf_text::plain_definitions(&self.outside, object)
            .map(|at| pdf_text::value(&self.outside, at));
        let packed = self.objects.iter().filter_map(move |text| {
            let at = pdf_text::packed_definition(text, object)?;
            Some(pdf_text::value(text, at))
        });
        plain.chain(packed)
    }
}

/// Where the contents of streams begin and end.
///
/// Whatever looks like a stream is one: the word may stand in a comment to
/// mislead whoever takes the first for the only one.
fn streams(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let ends: Vec<usize> = memmem::find_iter(bytes, b"endstream").collect();
    memmem::find_iter(bytes, b"stream").filter_map(move |at| {
        if bytes[..at].ends_with(b"end") {
            return None;
        }
        let start = match bytes.get(at + 6..) {
            Some([b'\r', b'\n', ..]) => at + 8,
            Some([b'\n' | b'\r', ..]) => at + 7,
            _ => return None,
        };
        let next = ends.partition_point(|end| *end < start);
        Some((start, ends.get(next).copied().unwrap_or(bytes.len())))
    })
}

/// The names in the dictionary that ends before a stream.
fn about_stream(before: &[u8]) -> Vec<String> {
    let begin = memmem::rfind(before, b"obj").unwrap_or_default();
    pdf_text::names(&before[begin..])
        .map(|name| name.text)
        .collect()
}

/// How long a stream's dictionary may be, in bytes.
const DICTIONARY: usize = 16_384;

const MOST_STREAMS: usize = 100_000;

/// Unpacks a stream if it holds objects. Others are unpacked only to see that
/// they end.
fn unpack(
    data: &[u8],
    about: &[String],
    budget: &mut Budget,
    notes: &mut Notes,
) -> Option<Vec<u8>> {
    let says = |name: &str| about.iter().any(|known| known == name);
    let told = says("ObjStm") || (says("First") && says("N"));
    let coded = about
        .iter()
        .any(|name| name.ends_with("Decode") && name != "FlateDecode")
        || ["AHx", "A85", "LZW", "RL"].iter().any(|name| says(name));
    if told && (coded || says("Predictor")) {
        notes.block(Reason::Ambiguous, "objects in an unusual coding");
        return None;
    }
    if says("Image") {
        return None;
    }
    let packed = data.len() as u64;
    let mut decoder = ZlibDecoder::new(data);
    let mut head = vec![0; HEAD];
    let mut length = 0;
    while length < HEAD {
        match decoder.read(&mut head[length..]) {
            Ok(0) | Err(_) => break,
            Ok(read) => length += read,
        }
    }
    head.truncate(length);
    if length == 0 {
        let plain = !says("FlateDecode") && !says("Fl");
        if told && !plain {
            notes.block(Reason::Damaged, "objects that do not unpack");
        }
        return (told && plain).then(|| data.to_vec());
    }
    let mut text = head;
    let mut rest = decoder.take(budget.room(u64::MAX).saturating_sub(length as u64) + 1);
    let fits = if told || pdf_text::looks_like_objects(&text) {
        // A stream that breaks off is read as far as it goes, as readers do.
        let _ = rest.read_to_end(&mut text);
        budget.take(packed, text.len() as u64)
    } else {
        let counted = count(&mut rest) + length as u64;
        text.clear();
        budget.take(counted, counted)
    };
    if !fits {
        notes.block(Reason::CompressionBomb, "");
        return None;
    }
    (!text.is_empty()).then_some(text)
}

/// Enough of a stream to tell objects from anything else, in bytes.
const HEAD: usize = 2_048;

fn count(from: &mut impl std::io::Read) -> u64 {
    let mut buffer = [0; 16_384];
    let mut counted = 0;
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 {
            break;
        }
        counted += read as u64;
    }
    counted
}
