//! Names and values in the text of a PDF.

use memchr::memmem;

/// A name, decoded, and where its value may follow.
pub(super) struct Name {
    pub(super) text: String,
    pub(super) end: usize,
}

/// What follows a name.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Value {
    Array,
    /// With the names in it.
    Dictionary(Vec<String>),
    Null,
    Other,
    /// To the object of this number.
    Reference(u32),
    String(String),
}

/// The longest name that is looked at, in bytes as written.
const LONGEST: usize = 64;

/// Every name in a text; `#4A` and the like are undone.
pub(super) fn names(text: &[u8]) -> impl Iterator<Item = Name> {
    memchr::memchr_iter(b'/', text).filter_map(|at| {
        let rest = &text[at + 1..];
        let length = rest
            .iter()
            .take(LONGEST)
            .take_while(|byte| is_regular(**byte))
            .count();
        (length > 0).then(|| Name {
            text: decode(&rest[..length]),
            end: at + 1 + length,
        })
    })
}

fn is_regular(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>[]{}/%".contains(&byte)
}

fn decode(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    let mut at = 0;
    while at < name.len() {
        let code = (name[at] == b'#')
            .then(|| name.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match code {
            Some(byte) => {
                text.push(char::from(byte));
                at += 3;
            }
            None => {
                text.push(char::from(name[at]));
                at += 1;
            }
        }
    }
    text
}

/// How much of a value is looked at, in bytes.
const VALUE: usize = 8_192;

/// The value that begins at `at`.
pub(super) fn value(text: &[u8], at: usize) -> Value {
    let text = &text[at.min(text.len())..];
    let text = skip_blank(&text[..text.len().min(VALUE)]);
    match text {
        [b'[', ..] => Value::Array,
        [b'<', b'<', rest @ ..] => Value::Dictionary(dictionary(rest)),
        [b'<', rest @ ..] => Value::String(hexadecimal(rest)),
        [b'(', rest @ ..] => Value::String(literal(rest)),
        [b'n', b'u', b'l', b'l', ..] => Value::Null,
        _ => reference(text).map_or(Value::Other, Value::Reference),
    }
}

/// White space and comments.
fn skip_blank(mut text: &[u8]) -> &[u8] {
    loop {
        let blank = text
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace() || **byte == 0)
            .count();
        text = &text[blank..];
        if !text.starts_with(b"%") {
            return text;
        }
        let line = text
            .iter()
            .take_while(|byte| !b"\r\n".contains(byte))
            .count();
        text = &text[line..];
    }
}

fn dictionary(text: &[u8]) -> Vec<String> {
    let mut depth = 1;
    let mut at = 0;
    while at + 1 < text.len() && depth > 0 {
        match &text[at..at + 2] {
            b"<<" => depth += 1,
            b">>" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    names(&text[..at]).map(|name| name.text).collect()
}

fn hexadecimal(text: &[u8]) -> String {
    let digits: Vec<u8> = text
        .iter()
        .take_while(|byte| **byte != b'>')
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .map(|digit| u8::try_from(digit).unwrap_or_default())
        .collect();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or_default())
        .collect();
    in_unicode(&bytes)
}

fn literal(text: &[u8]) -> String {
    let mut bytes = Vec::new();
    let mut depth = 1;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                let Some(&next) = text.get(at) else { break };
                at += 1;
                match next {
                    b'0'..=b'7' => {
                        let more = text[at..]
                            .iter()
                            .take(2)
                            .take_while(|byte| (b'0'..=b'7').contains(*byte))
                            .count();
                        let code = text[at - 1..at + more]
                            .iter()
                            .fold(0_u32, |code, digit| code << 3 | u32::from(digit - b'0'));
                        bytes.push((code & 0xFF) as u8);
                        at += more;
                    }
                    b'\r' | b'\n' => (),
                    b'n' | b'r' | b't' | b'b' | b'f' => bytes.push(b' '),
                    other => bytes.push(other),
                }
            }
            b'(' => {
                depth += 1;
                bytes.push(byte);
            }
            b')' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
                bytes.push(byte);
            }
            _ => bytes.push(byte),
        }
    }
    in_unicode(&bytes)
}

/// UTF-16 with its mark, or bytes that are mostly ASCII.
fn in_unicode(bytes: &[u8]) -> String {
    if bytes.starts_with(b"\xFE\xFF") {
        encoding_rs::UTF_16BE.decode(bytes).0.into_owned()
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// `12 0 R`
fn reference(text: &[u8]) -> Option<u32> {
    let mut words = words(text);
    let object = words.next()?.parse().ok()?;
    let _: u32 = words.next()?.parse().ok()?;
    (words.next()?.starts_with('R')).then_some(object)
}

fn words(text: &[u8]) -> impl Iterator<Item = &str> {
    text.split(|byte| byte.is_ascii_whitespace() || *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| std::str::from_utf8(&word[..word.len().min(16)]).unwrap_or_default())
}

/// Where the values of `12 0 obj` begin.
pub(super) fn plain_definitions(text: &[u8], object: u32) -> impl Iterator<Item = usize> {
    memmem::find_iter(text, b"obj").filter_map(move |at| {
        let before = &text[at.saturating_sub(32)..at];
        let mut back = before
            .rsplit(|byte| byte.is_ascii_whitespace() || *byte == 0)
            .filter(|word| !word.is_empty());
        let _generation: u32 = std::str::from_utf8(back.next()?).ok()?.parse().ok()?;
        // Anything may stand before the number.
        let word = back.next()?;
        let digits = word
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let number = std::str::from_utf8(&word[word.len() - digits..]).ok()?;
        (number.parse() == Ok(object)).then_some(at + 3)
    })
}

/// Where the object begins in a stream of objects: pairs of number and offset
/// come first.
pub(super) fn packed_definition(text: &[u8], object: u32) -> Option<usize> {
    let (pairs, first) = pairs(text);
    let (_, offset) = pairs.iter().find(|(number, _)| *number == object)?;
    first.checked_add(usize::try_from(*offset).ok()?)
}

/// Whether a stream begins as a stream of objects does.
pub(super) fn looks_like_objects(text: &[u8]) -> bool {
    let (pairs, _) = pairs(text);
    pairs.first().is_some_and(|(_, offset)| *offset == 0)
        && pairs.windows(2).all(|two| two[0].1 <= two[1].1)
}

fn pairs(text: &[u8]) -> (Vec<(u32, u32)>, usize) {
    let mut numbers = Vec::new();
    let mut at = 0;
    loop {
        let rest = skip_blank(&text[at..]);
        let begin = text.len() - rest.len();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&rest[..length]).ok();
        let ends = rest.get(length).is_none_or(u8::is_ascii_whitespace);
        match number.and_then(|number| number.parse().ok()) {
            Some(number) if ends => numbers.push(number),
            _ => {
                at = begin;
                break;
            }
        }
        at = begin + length;
    }
    // A number that stands alone is the first object.
    let pairs = numbers.chunks_exact(2).map(|pair| (pair[0], pair[1]));
    (pairs.collect(), at)
}
