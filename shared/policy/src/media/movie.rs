//! MP4 and 3GP: boxes in boxes.

use memchr::memmem;

use super::{Notes, Reason, foreign};

/// Judges a file of boxes and returns its media type.
pub(super) fn judge(bytes: &[u8], notes: &mut Notes) -> &'static str {
    let mut movie = None;
    let mut at = 0;
    while at < bytes.len() {
        let Some((name, body, end)) = next_box(bytes, at) else {
            let rest = &bytes[at..];
            if at == 0 || movie.is_none() {
                notes.block(Reason::Damaged, "");
            } else if rest.iter().any(|byte| *byte != 0) {
                notes.block(Reason::TrailingData, "");
            }
            break;
        };
        if name == *b"moov" {
            movie = Some(body);
        }
        at = end;
    }
    if movie.is_none() {
        notes.block(Reason::Damaged, "moov");
    }
    foreign::judge(bytes, notes);
    let shows = movie.is_some_and(|movie| holds_track(movie, b"vide"));
    match bytes.get(8..11) {
        Some(b"3gp" | b"3g2") => "video/3gpp",
        _ if shows => "video/mp4",
        _ if movie.is_some_and(|movie| holds_track(movie, b"soun")) => "audio/mp4",
        Some(b"M4A" | b"M4B") => "audio/mp4",
        _ => "video/mp4",
    }
}

/// Name and content of the box at `at`, and where it ends.
fn next_box(bytes: &[u8], at: usize) -> Option<([u8; 4], &[u8], usize)> {
    let short = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    let name: [u8; 4] = bytes.get(at + 4..at + 8)?.try_into().ok()?;
    if !name
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
    {
        return None;
    }
    let (head, length) = match short {
        0 => (8, bytes.len() - at),
        1 => {
            let long = u64::from_be_bytes(bytes.get(at + 8..at + 16)?.try_into().ok()?);
            (16, usize::try_from(long).ok()?)
        }
        _ => (8, usize::try_from(short).ok()?),
    };
    let end = at.checked_add(length)?;
    (length >= head && end <= bytes.len()).then(|| (name, &bytes[at + head..end], end))
}

/// Whether a track of this handler is there.
fn holds_track(movie: &[u8], handler: &[u8]) -> bool {
    memmem::find_iter(movie, b"hdlr").any(|at| movie.get(at + 12..at + 16) == Some(handler))
}
