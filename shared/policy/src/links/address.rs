//! Judges one web address, part by part.

use super::brands;
use super::host;
use super::lists::{DOWNLOADS, LURES};
use super::nested;
use super::{Context, Notes, Place, Reason};

/// How deep addresses within addresses are followed.
pub(super) const DEEPEST: u8 = 3;

/// What is known of an address after it was judged.
pub(super) struct Target {
    /// The host as software sees it.
    pub(super) host: Option<String>,
}

/// Judges `[scheme:]//host/path` or `host/path`, cut to its bounds.
pub(super) fn judge(address: &str, context: &Context, notes: &mut Notes<'_>, depth: u8) -> Target {
    let (scheme, rest) = split_scheme(address);
    match scheme {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => (),
        None => (),
        Some(_) => notes.warn(Reason::NotHttps),
    }
    let bare = rest.trim_start_matches(['/', '\\']);
    let slashes = &rest[..rest.len() - bare.len()];
    if scheme.is_some() && slashes != "//" {
        notes.block(Reason::Obfuscated);
    }
    let end = bare.find(['/', '?', '#', '\\']).unwrap_or(bare.len());
    let (authority, path) = bare.split_at(end);
    if path.contains('\\') {
        notes.block(Reason::Obfuscated);
    }
    if authority.contains("{{") || authority.contains("}}") {
        notes.block(Reason::DynamicHost);
        return Target { host: None };
    }
    if context.place == Place::Parameter && depth == 0 {
        notes.block(Reason::LinkInParameter);
    }
    if authority.contains('%') {
        notes.block(if authority.contains('@') {
            Reason::Userinfo
        } else {
            Reason::Obfuscated
        });
        return Target { host: None };
    }
    let name = match authority.rsplit_once('@') {
        Some((_, name)) => {
            notes.block(Reason::Userinfo);
            name
        }
        None => authority,
    };
    let Some(host) = host::judge(name, context, notes) else {
        return Target { host: None };
    };
    judge_path(path, &host, context, notes);
    nested::judge(path, &host, context, notes, depth);
    Target { host: Some(host) }
}

fn split_scheme(address: &str) -> (Option<&str>, &str) {
    match address.split_once(':') {
        Some((scheme, rest))
            if !scheme.is_empty()
                && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
                && rest.starts_with(['/', '\\']) =>
        {
            (Some(scheme), rest)
        }
        Some((scheme, rest))
            if ["http", "https"]
                .iter()
                .any(|s| scheme.eq_ignore_ascii_case(s)) =>
        {
            (Some(scheme), rest)
        }
        _ => (None, address),
    }
}

fn judge_path(path: &str, host: &str, context: &Context, notes: &mut Notes<'_>) {
    if path.len() < 2 {
        return;
    }
    let decoded = nested::decode(path);
    let (path, fragment) = decoded.split_once('#').unwrap_or((&decoded, ""));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segments: Vec<&str> = path.split('/').filter(|s| !s.trim().is_empty()).collect();
    for (index, segment) in segments.iter().enumerate() {
        let last = index + 1 == segments.len();
        let segment = segment.split(';').next().unwrap_or_default();
        if is_download(segment, last) {
            notes.block(Reason::DangerousDownload);
        }
    }
    // Pages that draw themselves keep their path behind the hash.
    let drawn = fragment
        .split(['/', '?'])
        .any(|part| is_download(part, true));
    if fragment.starts_with(['/', '!']) && drawn {
        notes.block(Reason::DangerousDownload);
    }
    let values = query
        .split(['&', ';'])
        .chain(fragment.split('&'))
        .filter_map(|pair| pair.split_once('='));
    if values
        .into_iter()
        .any(|(_, value)| is_download_value(value))
    {
        notes.block(Reason::DangerousDownload);
    }
    if brands::is_official(host) || context.owns_brand(host) {
        return;
    }
    let after_scheme = |index: usize| index > 0 && segments[index - 1].ends_with(':');
    for (index, segment) in segments.iter().enumerate() {
        if brands::is_official_segment(segment) && !after_scheme(index) {
            notes.block(Reason::LookalikeBrand);
        }
    }
    if segments.iter().any(|segment| speaks_of_signing_in(segment)) {
        notes.warn(Reason::SuspiciousPath);
        // A common word alone may be a coincidence; with a page to sign in it
        // is not.
        if notes.has_here(Reason::AmbiguousBrandWord) {
            notes.block(Reason::LookalikeBrand);
        }
    }
}

/// Whether a file name ends in something that runs or unpacks.
pub(super) fn is_download(name: &str, last: bool) -> bool {
    extension(name).is_some_and(|extension| {
        DOWNLOADS.anywhere.contains(&extension) || (last && DOWNLOADS.at_end.contains(&extension))
    })
}

fn is_download_value(value: &str) -> bool {
    extension(value).is_some_and(|extension| {
        DOWNLOADS.anywhere.contains(&extension) || DOWNLOADS.bare.contains(&extension)
    })
}

/// The ending of a file name, in lower case.
pub(super) fn extension(name: &str) -> Option<String> {
    let name = name.trim_end_matches(|c: char| c == '.' || c.is_whitespace() || c.is_control());
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && (1..=12).contains(&extension.len()))
        .then(|| extension.to_ascii_lowercase())
}

fn speaks_of_signing_in(segment: &str) -> bool {
    let segment = segment.to_ascii_lowercase();
    let stem = segment.split('.').next().unwrap_or_default();
    LURES.path_words.contains(&segment)
        || LURES.path_words.contains(stem)
        || (segment.split(['-', '_', '.']).count() <= 4
            && segment
                .split(['-', '_', '.'])
                .any(|word| LURES.path_words.contains(word)))
}
