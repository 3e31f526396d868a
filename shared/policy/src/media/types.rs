//! The dated table of types that WhatsApp takes, and our own limits.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::DATA;

/// As what WhatsApp takes a file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sound.
    Audio,
    /// Anything to read.
    Document,
    /// A picture.
    Image,
    /// A WebP picture of 512 by 512.
    Sticker,
    /// Moving pictures.
    Video,
}

impl Kind {
    /// The word by which files and clients name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Image => "image",
            Self::Sticker => "sticker",
            Self::Video => "video",
        }
    }
}

/// One type that WhatsApp takes.
#[derive(Deserialize)]
pub(super) struct MediaType {
    mime: String,
    pub(super) kind: Kind,
    pub(super) max_bytes: u64,
    #[serde(default)]
    pub(super) max_bytes_animated: Option<u64>,
    extensions: Vec<String>,
    aliases: Vec<String>,
}

impl MediaType {
    /// The type of this name.
    pub(super) fn of(mime: &str) -> Option<&'static Self> {
        TABLE.types.iter().find(|known| known.mime == mime)
    }

    /// Whether a declared type, perhaps with parameters, means this one.
    pub(super) fn is_called(&self, declared: &str) -> bool {
        let name = declared.split(';').next().unwrap_or_default().trim();
        std::iter::once(&self.mime)
            .chain(&self.aliases)
            .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether files of this type end so.
    pub(super) fn ends_like(&self, extension: &str) -> bool {
        self.extensions
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
    }
}

#[derive(Deserialize)]
pub(super) struct Limits {
    pub(super) pictures: Pictures,
    pub(super) archives: Archives,
    types: Vec<MediaType>,
}

#[derive(Deserialize)]
pub(super) struct Pictures {
    pub(super) longest_side: u32,
    pub(super) most_pixels: u64,
    pub(super) sticker_side: u32,
}

#[derive(Deserialize)]
pub(super) struct Archives {
    pub(super) most_entries: usize,
    /// Of everything unpacked, in bytes.
    pub(super) most_bytes: u64,
    /// Unpacked bytes to a packed one.
    pub(super) most_ratio: u64,
    /// Below this many unpacked bytes the ratio does not matter.
    pub(super) ratio_from_bytes: u64,
    /// Archives in archives.
    pub(super) deepest: u8,
}

static TABLE: LazyLock<Limits> =
    LazyLock::new(|| serde_json::from_str(DATA).expect("the compiled-in types are well-formed"));

/// The limits in force.
pub(super) static LIMITS: LazyLock<&'static Limits> = LazyLock::new(|| &TABLE);
