//! Sound: frames that must follow each other.

use memchr::memmem;

use super::sniff::Found;
use super::{Notes, Reason, foreign};

/// Judges a sound and returns its media type.
pub(super) fn judge(found: Found, bytes: &[u8], notes: &mut Notes) -> &'static str {
    foreign::judge(bytes, notes);
    let (mime, sound) = match found {
        Found::Aac => ("audio/aac", is_aac(bytes)),
        Found::Amr => ("audio/amr", bytes.len() > 9),
        Found::Ogg => return ogg(bytes, notes),
        _ => ("audio/mpeg", is_mp3(bytes)),
    };
    if !sound {
        notes.block(Reason::Damaged, "");
    }
    mime
}

/// Only the Opus codec is taken.
fn ogg(bytes: &[u8], notes: &mut Notes) -> &'static str {
    let head = &bytes[..bytes.len().min(256)];
    if memmem::find(head, b"OpusHead").is_some() {
        return "audio/ogg";
    }
    notes.block(Reason::TypeNotAllowed, "ogg without opus");
    "application/ogg"
}

fn is_aac(bytes: &[u8]) -> bool {
    let length = |frame: &[u8]| -> Option<usize> {
        match frame {
            [0xFF, b, _, d, e, f, ..] if b & 0xF6 == 0xF0 => {
                Some(usize::from(d & 0x03) << 11 | usize::from(*e) << 3 | usize::from(f >> 5))
            }
            _ => None,
        }
    };
    let Some(first) = length(bytes) else {
        return false;
    };
    first >= 7
        && match bytes.get(first..) {
            Some([]) => true,
            Some(rest) => length(rest).is_some(),
            None => false,
        }
}

/// A frame's header behind the tag, if there is one.
fn is_mp3(bytes: &[u8]) -> bool {
    let mut at = 0;
    if let [b'I', b'D', b'3', _, _, _, a, b, c, d, ..] = bytes {
        if [a, b, c, d].iter().any(|byte| **byte >= 0x80) {
            return false;
        }
        at = 10
            + [a, b, c, d]
                .iter()
                .fold(0, |size, byte| size << 7 | usize::from(**byte));
    }
    let Some(rest) = bytes.get(at..) else {
        return false;
    };
    let padding = rest.iter().take_while(|byte| **byte == 0).count();
    match &rest[padding..] {
        [0xFF, b, c, ..] => {
            b & 0xE0 == 0xE0
                && b & 0x18 != 0x08
                && b & 0x06 != 0
                && c & 0xF0 != 0xF0
                && c & 0x0C != 0x0C
        }
        _ => false,
    }
}
