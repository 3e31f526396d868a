//! Whether a message's file still is what was approved.

use super::HoldReason;
use crate::content::MediaKind;
use crate::preflight::{CheckedFile, shows};

/// Why a campaign may not be sent with its header's file as it now is; `None`
/// if it may. `approved` is the SHA-256 that was approved; a message that
/// nobody approves has none.
///
/// Law: exactly the bytes that were approved are sent while they are usable
/// by a verdict that is not too old, or nothing; what nobody approved must be beyond doubt.
pub fn media_hold(
    kind: MediaKind,
    file: Option<&CheckedFile>,
    approved: Option<&str>,
) -> Option<HoldReason> {
    let fits = file.is_some_and(|file| {
        let is_it = match approved {
            Some(approved) => file.sha256.as_deref() == Some(approved),
            None => file.sha256.is_some() && file.doubts.is_empty(),
        };
        file.usable && shows(kind, file) && is_it
    });
    if !fits {
        return Some(HoldReason::MediaChanged);
    }
    file.is_some_and(|file| file.expired)
        .then_some(HoldReason::MediaUnchecked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Kind;

    #[test]
    fn exactly_the_approved_bytes_are_sent() {
        let file = CheckedFile {
            usable: true,
            expired: false,
            kind: Some(Kind::Image),
            media_type: Some("image/png".to_owned()),
            sha256: Some("a".to_owned()),
            doubts: vec![("doubtful_link".to_owned(), String::new())],
        };
        let hold =
            |file: Option<&CheckedFile>, approved| media_hold(MediaKind::Image, file, approved);
        let held = Some(HoldReason::MediaChanged);
        assert_eq!(hold(Some(&file), Some("a")), None);
        assert_eq!(hold(Some(&file), Some("b")), held);
        assert_eq!(hold(Some(&file), Some("")), held);
        assert_eq!(
            hold(Some(&file), None),
            held,
            "nobody answers for the doubt"
        );
        assert_eq!(hold(None, Some("a")), held);
        assert_eq!(media_hold(MediaKind::Video, Some(&file), Some("a")), held);
        let old = CheckedFile {
            expired: true,
            ..file.clone()
        };
        let unchecked = Some(HoldReason::MediaUnchecked);
        assert_eq!(hold(Some(&old), Some("a")), unchecked);
        assert_eq!(hold(Some(&old), Some("b")), held);
        let gone = CheckedFile {
            usable: false,
            ..file.clone()
        };
        assert_eq!(hold(Some(&gone), Some("a")), held);
        let plain = CheckedFile {
            doubts: Vec::new(),
            ..file
        };
        assert_eq!(hold(Some(&plain), None), None);
    }
}
