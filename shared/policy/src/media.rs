//! What a file is worth: whether WhatsApp takes it, and whether it harms whom
//! it reaches.
//!
//! [`check`] reads the bytes and believes nothing that is said of them. The
//! type follows from the content; name and declared type must agree with it.
//! Then the structure is walked to its end: nothing may hang on behind, no
//! second format may hide inside, no macro, script, program or embedded file
//! may wait in a document, and nothing may unpack without bound. Links in
//! documents are judged as [`crate::links`] judges them.
//!
//! Pure, and bounded in time and memory by the limits in `data/media.json`. A
//! verdict says nothing about signatures of known malware, for which a scanner
//! is asked elsewhere.

mod archive;
mod audio;
mod foreign;
mod movie;
mod office;
mod ole;
mod pdf;
mod pdf_text;
mod picture;
mod sniff;
mod standing;
mod types;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub use crate::links::Verdict;
pub use standing::{Opinion, Scans, Standing, settle};
pub use types::Kind;

use crate::links;
use sniff::Found;
use types::{LIMITS, MediaType};

/// The data file, as it is hashed into the policy version.
pub(crate) const DATA: &str = include_str!("../data/media.json");

/// Judges a file by its bytes; what is said of it must agree.
pub fn check(bytes: &[u8], said: &Said, context: &links::Context) -> Report {
    let mut notes = Notes::default();
    let found = sniff::sniff(bytes);
    let mut report = Report {
        verdict: Verdict::Allow,
        media_type: None,
        kind: None,
        bytes: bytes.len() as u64,
        sha256: digest(bytes),
        width: None,
        height: None,
        findings: Vec::new(),
    };
    judge_name(said, &mut notes);
    if bytes.is_empty() {
        notes.block(Reason::Empty, "");
    }
    if foreign::holds_test_virus(bytes) {
        notes.block(Reason::TestVirus, "");
    }
    let mut most = None;
    let media_type = match found {
        Found::Jpeg | Found::Png | Found::Webp => {
            let picture = picture::judge(found, bytes, &mut notes);
            (report.width, report.height) = picture.size.unzip();
            most = picture.most_bytes;
            picture.mime
        }
        Found::Movie => movie::judge(bytes, &mut notes),
        Found::Aac | Found::Amr | Found::Mp3 | Found::Ogg => audio::judge(found, bytes, &mut notes),
        Found::Pdf => {
            pdf::judge(bytes, context, &mut notes);
            "application/pdf"
        }
        Found::Zip => office::judge(bytes, context, &mut notes),
        Found::Ole => ole::judge(bytes, &mut notes),
        Found::Text => {
            judge_text(bytes, context, &mut notes);
            "text/plain"
        }
        Found::Foreign(mime) => {
            notes.block(foreign::reason_of(mime), mime);
            mime
        }
        Found::Unknown => {
            if !bytes.is_empty() {
                notes.block(Reason::TypeUnknown, "");
            }
            ""
        }
    };
    if !media_type.is_empty() {
        report.media_type = Some(media_type);
    }
    match MediaType::of(media_type) {
        Some(known) => {
            report.kind = Some(known.kind);
            if report.bytes > most.unwrap_or(known.max_bytes) {
                notes.block(Reason::TooLarge, "");
            }
            judge_agreement(said, known, &mut notes);
        }
        None if media_type.is_empty() => (),
        None => notes.block(Reason::TypeNotAllowed, media_type),
    }
    report.verdict = notes.verdict();
    report.findings = notes.findings;
    report
}

/// What somebody says of a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Said {
    /// The media type, such as `image/jpeg`.
    pub media_type: Option<String>,
    /// The file's name; only its ending is looked at, and what hides in it.
    pub name: Option<String>,
}

/// The verdict, and everything that led to it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[must_use = "a verdict that nobody reads stops nothing"]
pub struct Report {
    /// The most severe of the findings; allow without any.
    pub verdict: Verdict,
    /// What the content is, whatever is said of it.
    pub media_type: Option<&'static str>,
    /// As what WhatsApp takes it; absent if it does not.
    pub kind: Option<Kind>,
    /// The size.
    pub bytes: u64,
    /// SHA-256 of the bytes, in hexadecimal: an approval is bound to it.
    pub sha256: String,
    /// Of a picture, in pixels.
    pub width: Option<u32>,
    /// Of a picture, in pixels.
    pub height: Option<u32>,
    /// Every finding, in the order in which they were made.
    pub findings: Vec<Finding>,
}

/// One reason, and where it was found.
#[derive(Clone, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// Why.
    pub reason: Reason,
    /// How severe.
    pub verdict: Verdict,
    /// The part of the file, or what it leads to; from the file, so never for
    /// logs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub place: String,
}

impl std::fmt::Debug for Finding {
    /// Without the place: a name may stand in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finding")
            .field("reason", &self.reason)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}

/// Declares the reasons with code and remedy, so that none lacks either.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $code:literal, $remedy:literal;)+) => {
        /// Why a file is not simply allowed.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason { $($(#[$doc])* $name,)+ }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// A stable code for storage, metrics and the API.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)+ }
            }
        }
    };
}

reasons! {
    /// Nothing is in it.
    Empty => "empty", "upload the file again";
    /// The content is of no type that is known.
    TypeUnknown => "type_unknown", "export the file anew as JPEG, PNG, MP4 or PDF";
    /// WhatsApp does not take the type.
    TypeNotAllowed => "type_not_allowed", "convert it to a type that WhatsApp takes";
    /// Name or declared type say something else than the content.
    TypeMismatch => "type_mismatch", "name and declare the file as what it is";
    /// The name hides its ending.
    DisguisedName => "disguised_name", "give the file a plain name";
    /// More bytes than WhatsApp takes.
    TooLarge => "too_large", "make the file smaller";
    /// Cut off, or not built as its type demands.
    Damaged => "damaged", "export the file anew";
    /// Bytes before its beginning or behind its end.
    TrailingData => "trailing_data", "export the file anew";
    /// A second format hides in it.
    Polyglot => "polyglot", "do not use this file; export the original anew";
    /// A program or a script.
    Program => "program", "do not send programs";
    /// An Android application.
    AndroidPackage => "android_package", "do not send applications; link to the store";
    /// A Java archive.
    JavaArchive => "java_archive", "do not send programs";
    /// Files packed together.
    Archive => "archive", "send the document itself";
    /// A web page, a drawing or another text that software runs.
    Markup => "markup", "export it as PDF or picture";
    /// The harmless file by which scanners are tested.
    TestVirus => "test_virus", "send something else";
    /// A document with macros.
    Macro => "macro", "save the document without macros";
    /// A script, an action or a form that acts by itself.
    ActiveContent => "active_content", "print the document to a new PDF";
    /// A file inside the document.
    EmbeddedFile => "embedded_file", "remove attachments and embedded objects";
    /// A part that is loaded from elsewhere.
    ExternalReference => "external_reference", "break the links to other files";
    /// What is encrypted cannot be checked.
    Encrypted => "encrypted", "save the file without a password";
    /// Unpacks to far more than it is.
    CompressionBomb => "compression_bomb", "export the file anew";
    /// More parts than a document has.
    TooManyEntries => "too_many_entries", "export the file anew";
    /// A part's name leads out of its folder.
    UnsafePath => "unsafe_path", "export the file anew";
    /// Readers would disagree on what is in it.
    Ambiguous => "ambiguous", "export the file anew";
    /// A picture without size, or of one that exhausts who shows it.
    PictureSize => "picture_size", "scale the picture";
    /// A link in it would be blocked in a message.
    HarmfulLink => "harmful_link", "remove the link";
    /// A link in it would be warned of in a message.
    DoubtfulLink => "doubtful_link", "look at where the link leads, and approve it by name";
    /// A scanner knows it as malware.
    Malware => "malware", "do not use this file; look for how it came about";
    /// A scanner cannot look into it, so nobody can say that it is harmless.
    NotScannable => "not_scannable", "export the file anew, smaller or plainer";
    /// The scanner does not answer; it is asked again by itself.
    ScannerUnavailable => "scanner_unavailable", "wait; see to it that the scanner runs";
    /// The store has not said yet what it found; it is looked at again by itself.
    ScanPending => "scan_pending", "wait for the scan to end";
    /// Other bytes than those that were declared.
    DigestMismatch => "digest_mismatch", "upload the file whose SHA-256 was declared";
    /// Nobody uploaded it in time.
    NotUploaded => "not_uploaded", "register the file again and upload it";
    /// There is no such file.
    UnknownFile => "unknown_file", "upload the file and name it as `media:<id>`";
    /// It is not checked yet, or was refused.
    NotUsable => "not_usable", "wait for the checks, or use another file";
    /// It was checked too long ago.
    VerdictExpired => "verdict_expired", "wait a minute: the file is being checked again";
    /// The template shows another kind of file.
    KindMismatch => "kind_mismatch", "use a file of the kind that the template's header shows";
}

/// Collects findings.
#[derive(Default)]
struct Notes {
    findings: Vec<Finding>,
}

/// How many findings are told.
const MOST_FINDINGS: usize = 64;

/// How much of a place is shown, in bytes.
const SHOWN: usize = 200;

impl Notes {
    fn block(&mut self, reason: Reason, place: &str) {
        self.note(reason, Verdict::Block, place);
    }

    fn warn(&mut self, reason: Reason, place: &str) {
        self.note(reason, Verdict::Warn, place);
    }

    fn note(&mut self, reason: Reason, verdict: Verdict, place: &str) {
        let finding = Finding {
            reason,
            verdict,
            place: place[..place.floor_char_boundary(SHOWN)].to_owned(),
        };
        let room = self.findings.len() < MOST_FINDINGS
            || !self
                .findings
                .iter()
                .any(|known| known.reason == reason && known.verdict == verdict);
        if room && !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Judges an address or a text that the file would show to people.
    fn link(&mut self, text: &str, context: &links::Context) {
        let report = links::check(text, context);
        match report.verdict {
            Verdict::Allow => (),
            Verdict::Warn => self.warn(Reason::DoubtfulLink, text),
            Verdict::Block => self.block(Reason::HarmfulLink, text),
        }
    }

    fn verdict(&self) -> Verdict {
        let severe = self.findings.iter().map(|finding| finding.verdict).max();
        severe.unwrap_or(Verdict::Allow)
    }
}

/// Whether the name hides what it ends in.
fn judge_name(said: &Said, notes: &mut Notes) {
    let Some(name) = &said.name else { return };
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{AD}')
    };
    if name.contains(hides) {
        notes.block(Reason::DisguisedName, "");
    }
}

/// Whether what is said of the file agrees with what it is.
fn judge_agreement(said: &Said, known: &MediaType, notes: &mut Notes) {
    if let Some(declared) = &said.media_type
        && !known.is_called(declared)
    {
        notes.block(Reason::TypeMismatch, declared);
    }
    if let Some(name) = &said.name
        && let Some((_, extension)) = name.rsplit_once('.')
        && !known.ends_like(extension)
    {
        notes.block(Reason::TypeMismatch, extension);
    }
}

/// How much of a text file is read for links, in bytes.
const TEXT_READ: usize = 1024 * 1024;

fn judge_text(bytes: &[u8], context: &links::Context, notes: &mut Notes) {
    let Some(text) = sniff::decode_text(bytes) else {
        notes.block(Reason::Damaged, "");
        return;
    };
    if foreign::is_script(&text) {
        notes.block(Reason::Program, "");
    }
    if foreign::is_markup(&text) {
        notes.block(Reason::Markup, "");
    }
    let read = &text[..text.floor_char_boundary(TEXT_READ)];
    notes.link(read, context);
}

/// SHA-256 of the bytes, in hexadecimal: what a file is known by.
pub fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
