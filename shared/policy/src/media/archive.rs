//! Zip archives, opened with distrust.
//!
//! A zip file can be built so that two readers see different things in it. So
//! whatever leaves room for two readings counts as ambiguous, even where each
//! of them is harmless.

use std::io::{Cursor, Read as _};

use memchr::memmem;
use zip::{CompressionMethod, ZipArchive};

use super::{LIMITS, Notes, Reason};

/// What is left of the bytes that a file may unpack to.
pub(super) struct Budget(u64);

impl Budget {
    pub(super) fn whole() -> Self {
        Self(LIMITS.archives.most_bytes)
    }

    /// Takes what was unpacked from `packed` bytes; `false` if that was too
    /// much.
    pub(super) fn take(&mut self, packed: u64, unpacked: u64) -> bool {
        let limits = &LIMITS.archives;
        let fits = unpacked <= limits.ratio_from_bytes
            || unpacked <= packed.saturating_mul(limits.most_ratio);
        match self.0.checked_sub(unpacked) {
            Some(left) if fits => {
                self.0 = left;
                true
            }
            _ => {
                self.0 = 0;
                false
            }
        }
    }

    /// How much `packed` bytes may unpack to.
    pub(super) fn room(&self, packed: u64) -> u64 {
        let limits = &LIMITS.archives;
        let most = packed.saturating_mul(limits.most_ratio);
        self.0.min(most.max(limits.ratio_from_bytes))
    }
}

/// An archive whose directory was read and judged.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Names by index, as the directory has them.
    pub(super) names: Vec<String>,
}

impl<'a> Archive<'a> {
    /// Reads the directory; `None`, with a reason, if that is not possible.
    pub(super) fn open(bytes: &'a [u8], notes: &mut Notes) -> Option<Self> {
        let Ok(mut zip) = ZipArchive::new(Cursor::new(bytes)) else {
            notes.block(Reason::Damaged, "");
            return None;
        };
        if zip.offset() != 0 {
            notes.block(Reason::Polyglot, "");
        }
        judge_end(bytes, zip.len(), notes);
        if zip.len() > LIMITS.archives.most_entries {
            notes.block(Reason::TooManyEntries, "");
            return None;
        }
        let names = judge_directory(bytes, &mut zip, notes)?;
        Some(Self { zip, names })
    }

    /// Unpacks one part within the budget; `None`, with a reason, if it cannot
    /// be had.
    pub(super) fn unpack(
        &mut self,
        index: usize,
        budget: &mut Budget,
        notes: &mut Notes,
    ) -> Option<Vec<u8>> {
        let name = self.names[index].clone();
        let Ok(part) = self.zip.by_index(index) else {
            notes.block(Reason::Damaged, &name);
            return None;
        };
        let packed = part.compressed_size();
        let room = budget.room(packed);
        let mut unpacked = Vec::new();
        let read = part.take(room + 1).read_to_end(&mut unpacked);
        if !budget.take(packed, unpacked.len() as u64) {
            notes.block(Reason::CompressionBomb, &name);
            return None;
        }
        if read.is_err() {
            notes.block(Reason::Damaged, &name);
            return None;
        }
        Some(unpacked)
    }
}

/// The end record: one, at the very end, and true.
fn judge_end(bytes: &[u8], entries: usize, notes: &mut Notes) {
    let Some(at) = memmem::rfind(bytes, b"PK\x05\x06") else {
        notes.block(Reason::Damaged, "");
        return;
    };
    let half = |offset: usize| {
        let two = bytes.get(at + offset..at + offset + 2)?;
        Some(usize::from(u16::from_le_bytes(two.try_into().ok()?)))
    };
    let (Some(told), Some(comment)) = (half(10), half(20)) else {
        notes.block(Reason::Damaged, "");
        return;
    };
    if at + 22 + comment != bytes.len() {
        notes.block(Reason::TrailingData, "");
    }
    if told != entries && told != usize::from(u16::MAX) {
        notes.block(Reason::Ambiguous, "");
    }
}

/// Every part by itself, and that no two share their bytes.
fn judge_directory(
    bytes: &[u8],
    zip: &mut ZipArchive<Cursor<&[u8]>>,
    notes: &mut Notes,
) -> Option<Vec<String>> {
    let mut names = Vec::with_capacity(zip.len());
    let mut spans = Vec::with_capacity(zip.len());
    let mut declared: u64 = 0;
    for index in 0..zip.len() {
        let Ok(part) = zip.by_index_raw(index) else {
            notes.block(Reason::Damaged, "");
            return None;
        };
        let name = part.name().to_owned();
        if is_unsafe(&name) || part.is_symlink() {
            notes.block(Reason::UnsafePath, &name);
        }
        if part.encrypted() {
            notes.block(Reason::Encrypted, &name);
        }
        let method = part.compression();
        if !matches!(
            method,
            CompressionMethod::Stored | CompressionMethod::Deflated
        ) {
            notes.block(Reason::Ambiguous, &name);
        }
        let start = part.header_start();
        if local_name(bytes, start) != Some(part.name_raw()) {
            notes.block(Reason::Ambiguous, &name);
        }
        let end = part.data_start().unwrap_or(start) + part.compressed_size();
        spans.push((start, end));
        declared = declared.saturating_add(part.size());
        names.push(name);
    }
    spans.sort_unstable();
    if spans.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        notes.block(Reason::Ambiguous, "");
    }
    let packed = bytes.len() as u64;
    if !Budget::whole().take(packed, declared) {
        notes.block(Reason::CompressionBomb, "");
        return None;
    }
    Some(names)
}

fn local_name(bytes: &[u8], start: u64) -> Option<&[u8]> {
    let header = bytes.get(usize::try_from(start).ok()?..)?;
    let length = usize::from(u16::from_le_bytes(header.get(26..28)?.try_into().ok()?));
    header.get(30..30 + length)
}

fn is_unsafe(name: &str) -> bool {
    name.starts_with('/')
        || name.contains(['\\', '\0', ':'])
        || name.split('/').any(|segment| segment == "..")
}
