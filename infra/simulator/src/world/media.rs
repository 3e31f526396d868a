//! Uploaded files: kept by kind, size and age; their bytes do not matter.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::refusal::Refusal;

/// Files by id. An id lives for 30 days and works for its number only.
#[derive(Debug, Default)]
pub(crate) struct MediaShelf {
    files: HashMap<String, File>,
    uploads: u64,
}

#[derive(Debug)]
struct File {
    number: String,
    uploaded_at: Timestamp,
}

impl MediaShelf {
    /// Keeps a file and names it.
    pub(crate) fn upload(
        &mut self,
        number: &str,
        mime: &str,
        bytes: usize,
        at: Timestamp,
    ) -> Result<String, Refusal> {
        let most = KINDS
            .iter()
            .find(|(kind, _)| *kind == mime)
            .map(|(_, most)| *most)
            .ok_or_else(|| Refusal::new(131_053, "file type is not supported"))?;
        if bytes == 0 || bytes > most {
            return Err(Refusal::new(131_053, "file is empty or too large"));
        }
        self.uploads += 1;
        let id = format!("{}", 1_037_000_000_000_000 + self.uploads);
        let file = File {
            number: number.to_owned(),
            uploaded_at: at,
        };
        self.files.insert(id.clone(), file);
        Ok(id)
    }

    /// Whether the number may use this id at this time.
    pub(crate) fn has(&self, number: &str, id: &str, at: Timestamp) -> bool {
        self.files.get(id).is_some_and(|file| {
            let age = at.duration_since(file.uploaded_at);
            file.number == number && age < SignedDuration::from_hours(30 * 24)
        })
    }
}

const MB: usize = 1_024 * 1_024;

/// MIME type and largest size in bytes.
const KINDS: &[(&str, usize)] = &[
    ("application/pdf", 100 * MB),
    ("audio/aac", 16 * MB),
    ("audio/amr", 16 * MB),
    ("audio/mp4", 16 * MB),
    ("audio/mpeg", 16 * MB),
    ("audio/ogg", 16 * MB),
    ("image/jpeg", 5 * MB),
    ("image/png", 5 * MB),
    ("image/webp", MB / 2),
    ("text/plain", 100 * MB),
    ("video/3gpp", 16 * MB),
    ("video/mp4", 16 * MB),
];
