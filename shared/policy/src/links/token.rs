//! Finds the addresses in one word of a text.

use std::borrow::Cow;

use super::address;
use super::bytes::{
    ends_address, is_bidi, is_direction_override, is_dot, is_hidden, is_host, trim_end,
};
use super::lists::DOWNLOADS;
use super::{Context, Finding, Link, MOST_LINKS, Notes, Place, Reason, host, nested};

/// Notes what is wrong with the addresses of one word that begins at byte
/// `at` of the text.
pub(super) fn scan(
    at: usize,
    word: &str,
    context: &Context,
    findings: &mut Vec<Finding>,
    links: &mut Vec<Link>,
) {
    let inner = word.trim_end_matches(['.', ',', '!', '?', ':', ')']);
    let quiet = |b: u8| {
        b.is_ascii() && !matches!(b, b'.' | b':' | b'@' | b'/' | b'\\' | b'[' | b'(' | b'{')
    };
    if inner.bytes().all(quiet) {
        return;
    }
    let (clean, hidden) = strip_hidden(word);
    if !holds_mark(&clean) {
        return;
    }
    let mut notes = Notes {
        findings,
        at,
        shown: word,
        host: None,
    };
    if word.chars().any(is_direction_override) {
        notes.block(Reason::BidiControl);
    }
    if is_masked(&clean) {
        notes.block(Reason::Obfuscated);
    }
    let mut walk = Walk {
        text: &clean,
        hidden: &hidden,
        context,
        notes,
        links,
    };
    walk.run();
}

/// A hidden character, and the offset in the cleaned word before which it
/// stood.
type Hidden = Vec<(usize, char)>;

fn strip_hidden(word: &str) -> (Cow<'_, str>, Hidden) {
    if word.is_ascii() && !word.bytes().any(|b| b.is_ascii_control()) {
        return (Cow::Borrowed(word), Vec::new());
    }
    let mut clean = String::with_capacity(word.len());
    let mut hidden = Vec::new();
    for c in word.chars() {
        if is_hidden(c) {
            hidden.push((clean.len(), c));
        } else {
            clean.push(c);
        }
    }
    (Cow::Owned(clean), hidden)
}

fn holds_mark(text: &str) -> bool {
    text.chars()
        .any(|c| is_dot(c) || matches!(c, ':' | '\u{FF1A}' | '@' | '\\' | '/' | '[' | '(' | '{'))
}

/// A cheap look: what masks an address leaves one of these in it.
fn may_be_masked(word: &[u8]) -> bool {
    let marked = |b: &u8| {
        !b.is_ascii()
            || matches!(
                b,
                b'[' | b']' | b'(' | b'{' | b'}' | b'%' | b'&' | b'*' | b'/' | b';'
            )
    };
    word.iter().any(marked)
        || word
            .windows(2)
            .any(|two| two[0].eq_ignore_ascii_case(&b'h') && two[1].eq_ignore_ascii_case(&b'x'))
}

/// Whether the word hides an address from software, as `hxxp` and `[.]` do.
fn is_masked(word: &str) -> bool {
    if !may_be_masked(word.as_bytes()) {
        return false;
    }
    let lower = word.to_lowercase();
    let encoded = ["http%3a", "https%3a", "javascript%3a"];
    if encoded.iter().any(|scheme| lower.starts_with(scheme)) {
        return true;
    }
    // No scheme that is honest hides a blank in itself.
    if lower.contains('%') && nested::runs_script(&nested::decode(&lower)) {
        return true;
    }
    if lower.contains('&') && nested::runs_script(&spelled_as_entities(&lower)) {
        return true;
    }
    let disguised = [
        "hxxp", "hxtp", "h**p", "http//", "https//", "http;//", "https;//", "meow://", "[://]",
        "[:]//", "http[s]", "[s]://", "http：", "https：",
    ];
    if disguised.iter().any(|mark| lower.contains(mark))
        && (lower.contains('.') || lower.contains("//"))
    {
        return true;
    }
    let mut plain = lower;
    let mut masked = false;
    for dot in [
        "[.]", "(.)", "{.}", "[dot]", "(dot)", "{dot}", "[titik]", "(titik)", "{titik}", "[.",
        ".]", "(dot", "[,]",
    ] {
        if plain.contains(dot) {
            plain = plain.replace(dot, ".");
            masked = true;
        }
    }
    masked
        && plain
            .split(|c| !is_host(c))
            .map(|run| run.trim_matches(['.', '-']))
            .any(|run| run.contains('.') && host::has_known_suffix(run))
}

/// The text with what pages write for a colon or a blank put in.
fn spelled_as_entities(lower: &str) -> String {
    let mut plain = lower.to_owned();
    for colon in ["&colon;", "&#58;", "&#x3a;", "&#058;"] {
        plain = plain.replace(colon, ":");
    }
    for blank in ["&tab;", "&newline;", "&#9;", "&#10;", "&#x9;", "&#xa;"] {
        plain = plain.replace(blank, "");
    }
    plain
}

struct Walk<'a, 'n> {
    text: &'a str,
    hidden: &'a Hidden,
    context: &'a Context,
    notes: Notes<'n>,
    links: &'n mut Vec<Link>,
}

impl Walk<'_, '_> {
    fn run(&mut self) {
        let text = self.text;
        if text.starts_with("\\\\") && text[2..].starts_with(|c: char| c.is_alphanumeric()) {
            self.notes.block(Reason::BadScheme);
            return;
        }
        let has_variable_scheme = text.contains("}}://")
            || text.contains("www.{{")
            || (self.context.place == Place::ButtonUrl && text.starts_with("{{"));
        if has_variable_scheme {
            self.notes.block(Reason::DynamicHost);
        }
        let mut done = 0;
        let mut from = 0;
        while let Some(colon) = text[from..].find(':').map(|i| i + from) {
            from = colon + 1;
            let Some((start, kind)) = scheme_before(&text[done..colon], &text[colon + 1..]) else {
                continue;
            };
            let start = done + start;
            self.bare_hosts(done, start);
            let end = self.end_of_address(colon + 1);
            let found = &text[start..end];
            match kind {
                Kind::Web => self.web(start, end),
                Kind::Runs => self.notes.block(Reason::BadScheme),
                Kind::Opens if found.to_ascii_lowercase().contains("browser_fallback_url") => {
                    self.notes.block(Reason::BadScheme);
                }
                Kind::Opens => {
                    self.notes.warn(Reason::DeepLink);
                    self.bare_hosts(colon + 1, end);
                }
                Kind::Unknown => self.notes.block(Reason::Obfuscated),
            }
            self.judge_hidden(start, end);
            done = end.max(colon + 1);
            from = done;
        }
        self.bare_hosts(done, text.len());
    }

    fn web(&mut self, start: usize, end: usize) {
        let address = &self.text[start..end];
        if address.ends_with(':') && end == self.text.len() {
            return;
        }
        self.notes.host = None;
        let target = address::judge(address, self.context, &mut self.notes, 0);
        self.notes.host = None;
        if self.links.len() < MOST_LINKS {
            self.links.push(Link {
                shown: address.to_owned(),
                host: target.host,
            });
        }
    }

    /// Where the address that goes on at `from` ends.
    fn end_of_address(&self, from: usize) -> usize {
        let rest = &self.text[from..];
        let end = rest.find(ends_address).unwrap_or(rest.len());
        from + trim_end(&rest[..end]).len()
    }

    /// What cannot be seen inside an address, or hangs on its edge.
    fn judge_hidden(&mut self, start: usize, end: usize) {
        let first = self.hidden.partition_point(|(offset, _)| *offset < start);
        for &(offset, c) in &self.hidden[first..] {
            if offset > end {
                break;
            }
            if start < offset && offset < end {
                self.notes.block(if is_bidi(c) {
                    Reason::BidiControl
                } else {
                    Reason::ZeroWidth
                });
            } else if offset == end || (offset == start && c != '\u{FE0F}' && c != '\u{200D}') {
                self.notes.warn(Reason::UnusualUnicode);
            }
        }
    }

    /// Hosts without a scheme, e-mail addresses and file names.
    fn bare_hosts(&mut self, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let rest = &self.text[at..to];
            let Some(skip) = rest.find(is_host) else {
                return;
            };
            let run = &rest[skip..];
            let length = run.find(|c| !is_host(c)).unwrap_or(run.len());
            let end = self.bare_host(at + skip, at + skip + length, to);
            at = end.max(at + skip + length);
        }
    }

    /// Looks at one run of host characters; returns where looking goes on.
    fn bare_host(&mut self, start: usize, end: usize, to: usize) -> usize {
        let text = self.text;
        let raw = &text[start..end];
        if !raw.contains(is_dot) {
            return end;
        }
        let before = text[..start].chars().next_back();
        let after = text[end..to].chars().next();
        let name = raw.trim_matches(|c| is_dot(c) || matches!(c, '-' | '_'));
        // A digit at the end is neither a domain nor a file, unless all are.
        let is_amount = name.ends_with(|c: char| c.is_ascii_digit())
            && raw.len() == name.len()
            && name.bytes().filter(|b| *b == b'.').count() != 3
            && name.is_ascii()
            && !name.bytes().any(|b| b.is_ascii_alphabetic());
        if after == Some('@') || is_amount {
            return end;
        }
        let start_of_name = start + raw.find(name).unwrap_or_default();
        let lower = lower_dotted(name);
        if self.is_file(raw, before, after) {
            self.notes.block(Reason::DangerousDownload);
            self.judge_hidden(start, end);
            return end;
        }
        let full = start_of_name + name.len();
        let at_path =
            full == end && matches!(after, Some('/' | '?' | '#' | ':' | '\\' | '%' | '['));
        if let Some(quad) = dotted_quad(&lower) {
            if (at_path && after != Some('%')) || quad == Quad::Address {
                let stop = if at_path {
                    self.end_of_address(end)
                } else {
                    full
                };
                self.web(start_of_name, stop);
                return stop;
            }
            return end;
        }
        if !lower.contains('.') || !(host::has_known_suffix(&lower) || lower.contains(".xn--")) {
            return end;
        }
        if before == Some('@') {
            let mailbox = text[..start - 1].chars().next_back();
            if !mailbox.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+')) {
                return end;
            }
            if matches!(after, Some('/' | '\\' | ':')) && full == end {
                self.notes.block(Reason::Userinfo);
            }
            self.notes.warn(Reason::Email);
            host::judge(name, self.context, &mut self.notes);
            self.notes.host = None;
            self.judge_hidden(start, full);
            return end;
        }
        if is_prose(name, at_path) {
            return end;
        }
        if before == Some('}') || after == Some('{') {
            self.notes.block(Reason::DynamicHost);
        }
        let stop = if at_path {
            self.end_of_address(end).max(full)
        } else {
            full
        };
        self.web(start_of_name, stop);
        self.judge_hidden(start_of_name, stop);
        stop
    }

    /// Whether it is the name of a file that runs or unpacks.
    fn is_file(&self, raw: &str, before: Option<char>, after: Option<char>) -> bool {
        let name = raw.trim_end_matches(['.', '_', '-', '\u{3002}']);
        let has_stem = !name.starts_with('.') || matches!(before, Some(')' | ']'));
        let Some((_, extension)) = name.rsplit_once('.') else {
            return false;
        };
        has_stem
            && !matches!(after, Some('/' | '.'))
            && DOWNLOADS.bare.contains(&extension.to_ascii_lowercase())
    }
}

/// In lower case, with plain dots.
fn lower_dotted(name: &str) -> Cow<'_, str> {
    if name
        .bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase())
    {
        return Cow::Borrowed(name);
    }
    let plain = name.chars().map(|c| if is_dot(c) { '.' } else { c });
    Cow::Owned(plain.flat_map(char::to_lowercase).collect())
}

/// A sentence that lacks the space after its full stop, such as
/// `Terima kasih.Info lebih lanjut`.
fn is_prose(name: &str, at_path: bool) -> bool {
    let mut labels = name.split(is_dot);
    let (Some(first), Some(last), None) = (labels.next(), labels.next(), labels.next()) else {
        return false;
    };
    let mut letters = last.chars();
    let titled = letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase);
    titled && !at_path && first.chars().all(char::is_alphabetic)
}

#[derive(PartialEq)]
enum Quad {
    /// Meant as an address, from its looks.
    Address,
    /// A version or an amount of money, unless a path follows.
    Number,
}

fn dotted_quad(name: &str) -> Option<Quad> {
    let parts: Vec<&str> = name.split('.').collect();
    let octet = |p: &&str| p.parse::<u8>().is_ok() && p.bytes().all(|b| b.is_ascii_digit());
    if parts.len() != 4 || !parts.iter().all(octet) {
        return None;
    }
    let padded = parts.iter().any(|p| p.len() > 1 && p.starts_with('0'));
    let grouped = parts[1..].iter().all(|p| p.len() == 3);
    let long = parts.iter().any(|p| p.len() == 3);
    Some(if long && !grouped && !padded {
        Quad::Address
    } else {
        Quad::Number
    })
}

#[derive(Clone, Copy)]
enum Kind {
    /// Leads to a host.
    Web,
    /// Runs or shows something without a host.
    Runs,
    /// Opens an app, a call or a mail.
    Opens,
    /// Looks like a scheme, leads to a host, and is none we know.
    Unknown,
}

/// How far behind a colon the kind of its scheme is told, in bytes.
const LOOK_AHEAD: usize = 512;

/// The scheme that ends at a colon: its start, and what it does.
fn scheme_before(before: &str, after: &str) -> Option<(usize, Kind)> {
    let after = &after[..after.floor_char_boundary(LOOK_AHEAD)];
    let run = before
        .bytes()
        .rev()
        .take(32)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        .count();
    let start = before.len() - run;
    let scheme = before[start..].to_ascii_lowercase();
    let slashed = after.starts_with(['/', '\\']);
    for web in ["https", "http"] {
        if scheme.ends_with(web) && (slashed || (scheme == web && holds_host(after))) {
            return Some((before.len() - web.len(), Kind::Web));
        }
    }
    let first = after.chars().next();
    let kind = match scheme.as_str() {
        "ftp" | "ftps" | "sftp" | "ws" | "wss" if slashed => Kind::Web,
        "javascript" | "vbscript" | "livescript" | "view-source" if first.is_some() => Kind::Runs,
        "file" | "filesystem" | "content" | "smb" | "chrome" | "res" if slashed => Kind::Runs,
        "blob" | "jar" | "mhtml" if after.contains(":/") => Kind::Runs,
        "data" if is_data(after) => Kind::Runs,
        "search-ms" | "search" if after.starts_with("query=") => Kind::Runs,
        _ if (scheme.starts_with("ms-") || scheme == "search-ms") && first.is_some() => Kind::Runs,
        "tel" | "sms" | "smsto" | "mms" | "callto"
            if first.is_some_and(|c| c.is_ascii_digit() || matches!(c, '+' | '/' | '*' | '#')) =>
        {
            Kind::Opens
        }
        "mailto" | "magnet" | "upi" | "bitcoin" | "ethereum" | "itms-services"
            if first.is_some() =>
        {
            Kind::Opens
        }
        "geo" if first.is_some_and(|c| c.is_ascii_digit() || c == '-') => Kind::Opens,
        "intent" if first.is_some_and(|c| matches!(c, '/' | '#')) => Kind::Opens,
        "hxxp" | "hxxps" | "meow" => return None,
        _ if after.starts_with("//")
            && scheme.len() > 1
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            if holds_host(&after[2..]) || strsim::osa_distance(&scheme, "https") <= 2 {
                Kind::Unknown
            } else {
                Kind::Opens
            }
        }
        _ => return None,
    };
    Some((start, kind))
}

fn is_data(after: &str) -> bool {
    let after = after.to_ascii_lowercase();
    [
        "text/",
        "image/",
        "application/",
        "audio/",
        "video/",
        "font/",
        "multipart/",
        ";base64",
        ",",
    ]
    .iter()
    .any(|start| after.starts_with(start))
        && after.contains([',', ';'])
        || after.starts_with("text/html")
}

fn holds_host(after: &str) -> bool {
    let name = after
        .split(['/', '?', '#', ':', '\\'])
        .next()
        .unwrap_or_default();
    let name = trim_end(name).to_ascii_lowercase();
    name.contains('.') && host::has_known_suffix(&name)
}
