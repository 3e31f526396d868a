//! The file that a header shows, as part of the message.

use super::Preflight;
#[cfg(doc)]
use super::age;
use crate::content::{Header, Mapping, MediaKind, Source, Template, Variable};
use crate::links::Verdict;
use crate::media::{Kind, Reason};

/// What the checks left behind of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckedFile {
    /// Whether messages may show it.
    pub usable: bool,
    /// Whether that was said too long ago ([`age`]).
    pub expired: bool,
    /// As what WhatsApp takes it.
    pub kind: Option<Kind>,
    /// What its content is.
    pub media_type: Option<String>,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: Option<String>,
    /// The code of each doubt that somebody must answer for, and its place.
    pub doubts: Vec<(String, String)>,
}

impl CheckedFile {
    /// Whether a message may be sent with it now.
    pub fn is_good(&self) -> bool {
        self.usable && !self.expired
    }
}

/// The kind of file that a template's header shows, and the reference that
/// the mapping has for it; `None` if the header is no file or nothing is mapped.
pub fn header_file<'m>(template: &Template, mapping: &'m Mapping) -> Option<(MediaKind, &'m str)> {
    let Some(Header::Media(kind)) = &template.header else {
        return None;
    };
    match mapping.source(&Variable::HeaderMedia) {
        Some(Source::Media(reference)) => Some((*kind, reference)),
        Some(_) | None => None,
    }
}

/// Whether a template's header can show a file. Of documents, templates take
/// PDF only (Meta, "Template components").
pub fn shows(kind: MediaKind, file: &CheckedFile) -> bool {
    match kind {
        MediaKind::Document => file.media_type.as_deref() == Some("application/pdf"),
        MediaKind::Image => file.kind == Some(Kind::Image),
        MediaKind::Video => file.kind == Some(Kind::Video),
    }
}

impl Preflight {
    /// Judges the file of the header; `None` if there is no such file. The kind
    /// is `None` while nobody knows what the template shows.
    ///
    /// Law: what is not usable, was checked too long ago, or is of another kind,
    /// blocks the message; a doubt about a usable file is a warning.
    pub fn judge_file(
        &mut self,
        kind: Option<MediaKind>,
        reference: &str,
        file: Option<&CheckedFile>,
    ) {
        let mut block = |reason: Reason| {
            self.note(PLACE, reason.code(), Verdict::Block, reference);
        };
        let Some(file) = file else {
            return block(Reason::UnknownFile);
        };
        if !file.usable {
            return block(Reason::NotUsable);
        }
        if file.expired {
            block(Reason::VerdictExpired);
        }
        if kind.is_some_and(|kind| !shows(kind, file)) {
            block(Reason::KindMismatch);
        }
        for (reason, place) in &file.doubts {
            self.note(PLACE, reason, Verdict::Warn, place);
        }
    }
}

/// The part of the message that shows it.
const PLACE: &str = "header";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: Kind, media_type: &str) -> CheckedFile {
        CheckedFile {
            usable: true,
            expired: false,
            kind: Some(kind),
            media_type: Some(media_type.to_owned()),
            sha256: Some("a".repeat(64)),
            doubts: Vec::new(),
        }
    }

    fn render(kind: MediaKind, file: Option<&CheckedFile>) -> String {
        let mut preflight = Preflight::default();
        preflight.judge_file(Some(kind), "med_1", file);
        let found: Vec<&str> = preflight
            .findings
            .iter()
            .map(|finding| finding.reason.as_str())
            .collect();
        format!("{}: {}", preflight.verdict.code(), found.join(", "))
    }

    #[test]
    fn a_header_shows_what_was_checked_and_is_of_its_kind() {
        let picture = file(Kind::Image, "image/png");
        assert_eq!(render(MediaKind::Image, Some(&picture)), "allow: ");
        assert_eq!(
            render(MediaKind::Video, Some(&picture)),
            "block: kind_mismatch"
        );
        let pdf = file(Kind::Document, "application/pdf");
        assert_eq!(render(MediaKind::Document, Some(&pdf)), "allow: ");
        let sheet = file(Kind::Document, "text/plain");
        assert_eq!(
            render(MediaKind::Document, Some(&sheet)),
            "block: kind_mismatch"
        );
        assert_eq!(render(MediaKind::Image, None), "block: unknown_file");
        let old = CheckedFile {
            expired: true,
            ..picture.clone()
        };
        assert_eq!(
            render(MediaKind::Image, Some(&old)),
            "block: verdict_expired"
        );
        let waiting = CheckedFile {
            usable: false,
            ..picture
        };
        assert_eq!(
            render(MediaKind::Image, Some(&waiting)),
            "block: not_usable"
        );
    }

    #[test]
    fn a_doubt_about_a_file_is_a_warning() {
        let doubts = vec![("doubtful_link".to_owned(), "https://bit.ly/a".to_owned())];
        let pdf = CheckedFile {
            doubts,
            ..file(Kind::Document, "application/pdf")
        };
        assert_eq!(
            render(MediaKind::Document, Some(&pdf)),
            "warn: doubtful_link"
        );
    }
}
