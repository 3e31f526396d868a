//! Addresses inside an address: redirects in parameters and paths.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;

use super::address::{self, DEEPEST};
use super::lists::LURES;
use super::{Context, Notes, Reason, Verdict, host};

/// How many parameters are looked into.
const MOST: usize = 64;

/// Judges what the path and query of a host lead on to.
pub(super) fn judge(path: &str, outer: &str, context: &Context, notes: &mut Notes<'_>, depth: u8) {
    if depth >= DEEPEST || path.len() < 4 {
        return;
    }
    let (before, fragment) = path.split_once('#').unwrap_or((path, ""));
    let (path, query) = before.split_once('?').unwrap_or((before, ""));
    let pairs = query.split(['&', ';']).chain(fragment.split('&'));
    for pair in pairs.take(MOST) {
        let (key, value) = pair.split_once('=').unwrap_or(("", pair));
        let redirects = LURES.redirect_keys.contains(&key.to_ascii_lowercase());
        judge_value(&decode(value), redirects, outer, context, notes, depth);
    }
    let path = decode(path);
    for segment in path.split('/').take(MOST) {
        // `http` begins so in base64, and hardly anything else does.
        if segment.starts_with("aHR0c") {
            judge_value(segment, false, outer, context, notes, depth);
        }
    }
    let lower = path.to_ascii_lowercase();
    let inner = ["/http:/", "/https:/", "/javascript:", "/data:text/"]
        .iter()
        .filter_map(|mark| lower.find(mark))
        .min();
    if let Some(at) = inner {
        judge_value(&path[at + 1..], false, outer, context, notes, depth);
    }
}

/// Undoes up to three rounds of percent encoding.
pub(super) fn decode(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..3 {
        if !text.contains('%') {
            break;
        }
        text = percent_decode_str(&text).decode_utf8_lossy().into_owned();
    }
    text
}

fn judge_value(
    value: &str,
    redirects: bool,
    outer: &str,
    context: &Context,
    notes: &mut Notes<'_>,
    depth: u8,
) {
    let value = value.trim();
    if runs_script(value) {
        notes.block(Reason::NestedRedirect);
        return;
    }
    if leads_somewhere(value, redirects) {
        judge_inner(value, outer, context, notes, depth);
        return;
    }
    if !(8..=4_096).contains(&value.len()) {
        return;
    }
    let coded = value.trim_end_matches('=');
    let plain = URL_SAFE_NO_PAD
        .decode(coded)
        .or_else(|_| STANDARD_NO_PAD.decode(coded));
    let Some(plain) = plain.ok().and_then(|plain| String::from_utf8(plain).ok()) else {
        return;
    };
    if runs_script(&plain) {
        notes.block(Reason::NestedRedirect);
    } else if leads_somewhere(&plain, false) {
        judge_inner(&plain, outer, context, notes, depth);
    }
}

/// Whether it begins as something that runs rather than leads somewhere.
pub(super) fn runs_script(value: &str) -> bool {
    let head: String = value
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .take(16)
        .collect::<String>()
        .to_ascii_lowercase();
    [
        "javascript:",
        "vbscript:",
        "data:text/",
        "file:/",
        "view-source:",
        "blob:http",
    ]
    .iter()
    .any(|scheme| head.starts_with(scheme))
}

fn leads_somewhere(value: &str, redirects: bool) -> bool {
    let head: String = value
        .chars()
        .take(9)
        .collect::<String>()
        .to_ascii_lowercase();
    if ["http:", "https:", "ftp://", "//", "\\\\", "/\\", "www."]
        .iter()
        .any(|start| head.starts_with(start))
    {
        return true;
    }
    let name = value.split(['/', '?', '#', ':']).next().unwrap_or_default();
    redirects
        && name.contains('.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && host::has_known_suffix(&name.to_ascii_lowercase())
}

fn judge_inner(value: &str, outer: &str, context: &Context, notes: &mut Notes<'_>, depth: u8) {
    let mut found = Vec::new();
    let mut inner = Notes {
        findings: &mut found,
        at: notes.at,
        shown: notes.shown,
        host: None,
    };
    let target = address::judge(value, context, &mut inner, depth + 1);
    if found
        .iter()
        .any(|finding| finding.verdict == Verdict::Block)
    {
        notes.block(Reason::NestedRedirect);
    } else if target
        .host
        .is_none_or(|host| host::registrable(&host) != host::registrable(outer))
    {
        notes.warn(Reason::RedirectParam);
    }
}
