//! Cuts a text into words and looks at each, and at neighbours that make an
//! address together.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{Context, Finding, Link, Notes, Reason, host, token};

/// A cheap look: most texts hold nothing that could lead anywhere.
pub(super) fn may_hold_links(text: &str) -> bool {
    let marked =
        |b: u8| b >= 0x80 || matches!(b, b'.' | b':' | b'@' | b'\\' | b'/' | b'[' | b'(' | b'{');
    text.bytes().any(marked) || SPELLED.is_match(text)
}

static SPELLED: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build([" dot ", " titik "])
        .expect("two words fit an automaton")
});

/// Notes everything that is wrong with the addresses of a text.
pub(super) fn scan(
    text: &str,
    context: &Context,
    findings: &mut Vec<Finding>,
    links: &mut Vec<Link>,
) {
    let mut last: [&str; 3] = [""; 3];
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if !word.is_empty() {
            token::scan(at, word, context, findings, links);
            if is_spelled_out(last, word) {
                let mut notes = Notes {
                    findings,
                    at,
                    shown: word,
                    host: None,
                };
                notes.block(Reason::Obfuscated);
            }
            last = [last[1], last[2], word];
        }
        at += piece.len();
    }
}

/// Whether an address was torn apart: `https: //…`, `example . com`,
/// `example dot com`, `h t t p`.
fn is_spelled_out([first, second, before]: [&str; 3], word: &str) -> bool {
    let is = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    if is(first, "h") && is(second, "t") && is(before, "t") && is(word, "p") {
        return true;
    }
    let scheme =
        |text: &str| is(text, "http") || is(text, "https") || is(text, "hxxp") || is(text, "hxxps");
    if scheme(before) && (word.starts_with(":/") || word == ":" || word.starts_with("//")) {
        return true;
    }
    let head = before.trim_end_matches(['/', ':']);
    if head.len() < before.len()
        && scheme(head)
        && (word.starts_with("//") || begins_with_host(word))
    {
        return true;
    }
    let bracketed = [
        "[dot]", "(dot)", "{dot}", "[.]", "(.)", "{.}", "[titik]", "(titik)",
    ]
    .iter()
    .any(|dot| is(before, dot));
    let spoken = is(before, "dot") || is(before, "titik") || before == ".";
    if !(bracketed || spoken) || !second.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return false;
    }
    let ending = word
        .split(['/', '?', '#', ','])
        .next()
        .unwrap_or_default()
        .trim_end_matches(['.', '!', '?'])
        .to_ascii_lowercase();
    let common = [
        "com", "net", "org", "co.id", "my.id", "web.id", "or.id", "xyz", "biz", "top", "click",
        "site", "vip",
    ];
    common.contains(&ending.as_str())
        || ((bracketed || word.contains('/')) && host::has_known_suffix(&format!("a.{ending}")))
        || (bracketed && ending == "id")
        || (spoken && before != "." && ending == "id" && second.contains('.'))
        || (spoken && before != "." && ["example", "test"].contains(&ending.as_str()))
}

fn begins_with_host(word: &str) -> bool {
    let name = word.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let name = name
        .trim_end_matches(['.', ',', '!', ')'])
        .to_ascii_lowercase();
    name.contains('.') && host::has_known_suffix(&name)
}
