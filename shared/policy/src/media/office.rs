//! What a zip archive is, and Office documents part by part.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::archive::{Archive, Budget};
use super::{LIMITS, Notes, Reason, foreign};
use crate::links;

/// Judges a zip archive and returns its media type.
pub(super) fn judge(bytes: &[u8], context: &links::Context, notes: &mut Notes) -> &'static str {
    judge_at(0, bytes, context, &mut Budget::whole(), notes)
}

fn judge_at(
    depth: u8,
    bytes: &[u8],
    context: &links::Context,
    budget: &mut Budget,
    notes: &mut Notes,
) -> &'static str {
    let Some(mut archive) = Archive::open(bytes, notes) else {
        return ZIP;
    };
    let names = archive.names.clone();
    if let Some(reason) = package(&names) {
        notes.block(reason, "");
        return match reason {
            Reason::AndroidPackage => "application/vnd.android.package-archive",
            _ => "application/java-archive",
        };
    }
    let mut media_type = ZIP;
    let documented = names.iter().any(|name| name == "[Content_Types].xml");
    for (index, name) in names.iter().enumerate() {
        if name.ends_with('/') {
            continue;
        }
        let Some(part) = archive.unpack(index, budget, notes) else {
            if budget.room(0) == 0 {
                break;
            }
            continue;
        };
        if foreign::holds_test_virus(&part) {
            notes.block(Reason::TestVirus, name);
        }
        if foreign::is_program(&part) {
            notes.block(Reason::Program, name);
        }
        if name == "[Content_Types].xml" {
            media_type = document_type(&part, notes);
        }
        if documented {
            judge_name(name, notes);
            judge_part(depth, name, &part, context, budget, notes);
        }
    }
    if media_type == ZIP {
        notes.block(Reason::Archive, "");
    }
    media_type
}

const ZIP: &str = "application/zip";

/// Packages that phones and computers install or run.
fn package(names: &[String]) -> Option<Reason> {
    let lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let is_dex = |name: &String| name.starts_with("classes") && name.ends_with(".dex");
    let android = |name: &String| {
        name == "androidmanifest.xml"
            || name == "resources.arsc"
            || is_dex(name)
            || name.ends_with(".apk")
    };
    if lower.iter().any(android) {
        return Some(Reason::AndroidPackage);
    }
    let signed = |name: &String| {
        name.starts_with("meta-inf/")
            && [".sf", ".rsa", ".dsa", ".ec", "manifest.mf"]
                .iter()
                .any(|end| name.ends_with(end))
    };
    let java = |name: &String| name.ends_with(".class") || signed(name);
    lower.iter().any(java).then_some(Reason::JavaArchive)
}

/// The document that the list of content types tells of.
fn document_type(part: &[u8], notes: &mut Notes) -> &'static str {
    let Some(text) = xml_text(part) else {
        notes.block(Reason::Damaged, "[Content_Types].xml");
        return ZIP;
    };
    let lower = text.to_ascii_lowercase();
    if lower.contains("macroenabled") || lower.contains("ms-office.vbaproject") {
        notes.block(Reason::Macro, "[Content_Types].xml");
    }
    let mains = [
        (
            "wordprocessingml.document.main+xml",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            "spreadsheetml.sheet.main+xml",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            "presentationml.presentation.main+xml",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
        (
            "word.document.macroenabled.main+xml",
            "application/vnd.ms-word.document.macroEnabled.12",
        ),
        (
            "excel.sheet.macroenabled.main+xml",
            "application/vnd.ms-excel.sheet.macroEnabled.12",
        ),
        (
            "powerpoint.presentation.macroenabled.main+xml",
            "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
        ),
        (
            "excel.sheet.binary.macroenabled.main",
            "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
        ),
        (
            "wordprocessingml.template.main+xml",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
        ),
        (
            "spreadsheetml.template.main+xml",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
        ),
        (
            "presentationml.slideshow.main+xml",
            "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
        ),
    ];
    let found = mains.iter().find(|(mark, _)| lower.contains(mark));
    found.map_or(ZIP, |(_, mime)| mime)
}

fn judge_name(name: &str, notes: &mut Notes) {
    let lower = name.to_ascii_lowercase();
    let file = lower.rsplit('/').next().unwrap_or_default();
    let within = |folder: &str| lower.split('/').any(|segment| segment == folder);
    if file.starts_with("vbaproject") || file == "vbadata.xml" || within("macrosheets") {
        notes.block(Reason::Macro, name);
    }
    if within("activex") || within("customui") || within("webextensions") {
        notes.block(Reason::ActiveContent, name);
    }
    if within("externallinks") {
        notes.block(Reason::ExternalReference, name);
    }
}

fn judge_part(
    depth: u8,
    name: &str,
    part: &[u8],
    context: &links::Context,
    budget: &mut Budget,
    notes: &mut Notes,
) {
    let lower = name.to_ascii_lowercase();
    if part.starts_with(b"PK\x03\x04") {
        // A chart carries its figures as a workbook of its own.
        if depth + 1 >= LIMITS.archives.deepest
            || judge_at(depth + 1, part, context, budget, notes) == ZIP
        {
            notes.block(Reason::EmbeddedFile, name);
        }
    } else if part.starts_with(b"\xD0\xCF\x11\xE0") || lower.contains("/embeddings/") {
        notes.block(Reason::EmbeddedFile, name);
    } else if lower.ends_with(".rels") {
        judge_relations(name, part, context, notes);
    } else if lower.ends_with(".xml") {
        judge_fields(name, part, notes);
    }
}

/// What a part leads to outside the document: links for people are judged,
/// anything that loads by itself is refused.
fn judge_relations(name: &str, part: &[u8], context: &links::Context, notes: &mut Notes) {
    let Some(text) = xml_text(part) else {
        notes.block(Reason::Damaged, name);
        return;
    };
    let mut reader = Reader::from_str(&text);
    loop {
        let tag = match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => tag,
            Ok(Event::Eof) => return,
            Ok(_) => continue,
            Err(_) => {
                notes.block(Reason::Damaged, name);
                return;
            }
        };
        let value = |wanted: &[u8]| {
            tag.attributes()
                .filter_map(Result::ok)
                .find(|attribute| {
                    attribute
                        .key
                        .local_name()
                        .as_ref()
                        .eq_ignore_ascii_case(wanted)
                })
                .and_then(|attribute| {
                    let text = std::str::from_utf8(&attribute.value).ok()?;
                    Some(quick_xml::escape::unescape(text).ok()?.into_owned())
                })
        };
        let target = value(b"Target").unwrap_or_default();
        let outside =
            value(b"TargetMode").is_some_and(|mode| mode.eq_ignore_ascii_case("External"));
        if !outside && !target.contains("://") {
            continue;
        }
        if value(b"Type").is_some_and(|kind| kind.ends_with("/hyperlink")) {
            if !target.is_empty() && !target.starts_with('#') {
                notes.link(&target, context);
            }
        } else {
            notes.block(Reason::ExternalReference, name);
        }
    }
}

/// Fields that start a program when the document is opened.
fn judge_fields(name: &str, part: &[u8], notes: &mut Notes) {
    let Some(text) = xml_text(part) else {
        notes.block(Reason::Damaged, name);
        return;
    };
    let field = |word: &str| {
        text.match_indices(word).any(|(at, _)| {
            let before = &text[..at];
            let inside = before
                .rfind("instrText")
                .or_else(|| before.rfind("w:instr="));
            inside.is_some_and(|start| at - start < 64)
        })
    };
    if text.contains("DDEAUTO") || text.contains("<ddeLink") || field("DDE ") {
        notes.block(Reason::ActiveContent, name);
    }
}

/// XML that is not UTF-8 or UTF-16 hides from whoever looks at its bytes.
fn xml_text(part: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    let (text, _, damaged) = encoding_rs::UTF_8.decode(part);
    let declared = text
        .get(..text.floor_char_boundary(128))
        .and_then(|head| head.split("encoding=").nth(1))
        .map(|rest| rest[..rest.floor_char_boundary(12)].to_ascii_lowercase());
    let plain = declared.is_none_or(|name| {
        ["utf-8", "utf-16", "us-ascii"]
            .iter()
            .any(|known| name.contains(known))
    });
    (!damaged && plain && !text.contains('\0')).then_some(text)
}
