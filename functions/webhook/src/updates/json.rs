//! Bytes to JSON, with the two defects mended that real bodies have: a text
//! cut in the middle of a character, as bytes or as `\u` escapes.

use std::borrow::Cow;

use serde_json::Value;

use super::Unreadable;

/// Reads a body. A character that was cut in two becomes U+FFFD; a damaged
/// name must not hide somebody else's stop.
pub(super) fn read(body: &[u8]) -> Result<Value, Unreadable> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(&mend_surrogates(&text)).map_err(|_| Unreadable::NotJson)
}

/// Replaces each half of a surrogate pair that stands alone.
fn mend_surrogates(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        let start = at + found;
        match (escape(text, start), escape(text, start + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => at = start + 12,
            (Some(0xd800..0xe000), _) => {
                mended.push_str(&text[copied..start]);
                mended.push_str("\\ufffd");
                at = start + 6;
                copied = at;
            }
            (Some(_), _) => at = start + 6,
            // Skips the escaped character, which may be a backslash itself.
            (None, _) => {
                let escaped = text[start + 1..].chars().next();
                at = start + 1 + escaped.map_or(0, char::len_utf8);
            }
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[copied..]);
    Cow::Owned(mended)
}

/// The code unit of a `\uXXXX` at byte `at`, if there is one.
fn escape(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_characters_are_mended_and_nothing_else_is_touched() {
        for (text, expected) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""a\ud83d\u0041""#, r#""a\ufffd\u0041""#),
            (r#""\udc00x""#, r#""\ufffdx""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            ("\"\\", "\"\\"),
            ("\\é", "\\é"),
        ] {
            assert_eq!(mend_surrogates(text), expected, "{text}");
        }
    }

    #[test]
    fn a_cut_character_does_not_hide_the_rest() {
        let mut body = b"{\"name\":\"Ar".to_vec();
        body.push(0xc3);
        body.extend(b"\",\"text\":\"stop\"}");
        assert_eq!(read(&body).unwrap()["text"], "stop");
        assert_eq!(read(b"\xef\xbb\xbf[]").unwrap(), Value::Array(Vec::new()));
        assert_eq!(read(b"{\"entry\":"), Err(Unreadable::NotJson));
    }
}
