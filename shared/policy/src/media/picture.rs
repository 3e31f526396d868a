//! JPEG, PNG and WebP, walked to their end.

use super::sniff::Found;
use super::types::MediaType;
use super::{LIMITS, Notes, Reason, foreign};

/// What a picture turned out to be.
pub(super) struct Picture {
    pub(super) mime: &'static str,
    /// Width and height, in pixels.
    pub(super) size: Option<(u32, u32)>,
    /// The limit, where it depends on more than the type.
    pub(super) most_bytes: Option<u64>,
}

/// Judges a picture: its size, its end, and what hides in it.
pub(super) fn judge(found: Found, bytes: &[u8], notes: &mut Notes) -> Picture {
    let (mime, end) = match found {
        Found::Png => ("image/png", png_end(bytes)),
        Found::Webp => ("image/webp", webp_end(bytes)),
        _ => ("image/jpeg", jpeg_end(bytes)),
    };
    match end {
        None => notes.block(Reason::Damaged, ""),
        Some(end) => judge_rest(&bytes[end..], notes),
    }
    foreign::judge(bytes, notes);
    let size = imagesize::blob_size(bytes).ok().and_then(|size| {
        Some((
            u32::try_from(size.width).ok()?,
            u32::try_from(size.height).ok()?,
        ))
    });
    judge_size(size, found, notes);
    let animated = found == Found::Webp && is_animated(bytes);
    let most_bytes = if animated {
        MediaType::of(mime).and_then(|known| known.max_bytes_animated)
    } else {
        None
    };
    Picture {
        mime,
        size,
        most_bytes,
    }
}

fn judge_size(size: Option<(u32, u32)>, found: Found, notes: &mut Notes) {
    let limits = &LIMITS.pictures;
    let fits = size.is_some_and(|(width, height)| {
        let sides = width.min(height) > 0 && width.max(height) <= limits.longest_side;
        let sticker = width == limits.sticker_side && height == limits.sticker_side;
        sides
            && u64::from(width) * u64::from(height) <= limits.most_pixels
            && (found != Found::Webp || sticker)
    });
    if !fits {
        notes.block(Reason::PictureSize, "");
    }
}

/// Behind the picture only a second picture may stand.
fn judge_rest(rest: &[u8], notes: &mut Notes) {
    if rest
        .iter()
        .all(|byte| matches!(byte, 0 | b'\n' | b'\r' | b' ' | 0xFF))
    {
        return;
    }
    if rest.starts_with(b"\xFF\xD8\xFF") {
        // A second picture: a preview, or the other eye of a stereo pair.
        match jpeg_end(rest) {
            Some(end) => judge_rest(&rest[end..], notes),
            None => notes.block(Reason::TrailingData, ""),
        }
    } else if foreign::is_program(rest) || rest.starts_with(b"PK\x03\x04") {
        notes.block(Reason::Polyglot, "");
    } else {
        notes.block(Reason::TrailingData, "");
    }
}

/// Where the picture ends: behind its end marker.
fn jpeg_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        while *bytes.get(at)? == 0xFF {
            at += 1;
        }
        let marker = *bytes.get(at)?;
        at += 1;
        match marker {
            0xD9 => return Some(at),
            0x01 | 0xD0..=0xD8 => continue,
            0x00 => return None,
            _ => (),
        }
        let length = usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        if length < 2 {
            return None;
        }
        at += length;
        if marker == 0xDA {
            at = after_scan(bytes, at)?;
        }
    }
}

/// Where the coded data that begins at `at` gives way to the next marker.
fn after_scan(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr(0xFF, bytes.get(at..)?)?;
        match *bytes.get(at + 1)? {
            0x00 | 0xD0..=0xD7 => at += 2,
            0xFF => at += 1,
            _ => return Some(at),
        }
    }
}

fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8;
    let mut first = true;
    let mut pixels = false;
    loop {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        let length = usize::try_from(length).ok()?;
        let name = bytes.get(at + 4..at + 8)?;
        if first != (name == b"IHDR") || !name.iter().all(u8::is_ascii_alphabetic) {
            return None;
        }
        first = false;
        pixels |= name == b"IDAT";
        let end = at.checked_add(length)?.checked_add(12)?;
        if end > bytes.len() {
            return None;
        }
        if name == b"IEND" {
            return pixels.then_some(end);
        }
        at = end;
    }
}

fn webp_end(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    let end = usize::try_from(length).ok()?.checked_add(8)?;
    (end <= bytes.len()).then_some(end)
}

fn is_animated(bytes: &[u8]) -> bool {
    bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|flags| flags & 0x02 != 0)
}
