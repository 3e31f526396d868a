//! What a host is: an address inside, a name in disguise, a place where
//! anybody can write.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use unicode_normalization::UnicodeNormalization as _;
use unicode_script::{Script, UnicodeScript as _};
use unicode_security::RestrictionLevelDetection as _;
use unicode_security::restriction_level::RestrictionLevel;
use url::{Host, Url};

use super::brands::{self, Likeness};
use super::lists::{HOSTS, LURES, holds_domain};
use super::{Context, Notes, Reason};

/// Judges `host[:port]` and returns the host as software sees it. The host is
/// known to the notes from then on.
pub(super) fn judge(raw: &str, context: &Context, notes: &mut Notes<'_>) -> Option<String> {
    let mapped: String = if raw.is_ascii() {
        raw.to_owned()
    } else {
        let mapped = raw.nfkc().collect::<String>().replace('\u{3002}', ".");
        if mapped.to_lowercase() != raw.nfc().collect::<String>().to_lowercase() {
            notes.block(Reason::Obfuscated);
        }
        mapped
    };
    // Mapping may bring forth what splits an address.
    if mapped.contains(['/', '?', '#', '@', '\\', '%']) {
        notes.block(Reason::InvalidHost);
        return None;
    }
    let Ok(url) = Url::parse(&format!("http://{mapped}/")) else {
        notes.block(Reason::InvalidHost);
        return None;
    };
    let host = url.host_str()?.trim_end_matches('.').to_owned();
    notes.host = Some(host.clone());
    match url.host()? {
        Host::Ipv4(ip) => notes.block(ip_reason(reaches_inside_v4(ip))),
        Host::Ipv6(ip) => notes.block(ip_reason(reaches_inside_v6(ip))),
        Host::Domain(_) => judge_name(&host, context, notes),
    }
    if url.port().is_some_and(|port| port != 443) {
        notes.warn(Reason::OddPort);
    }
    Some(host)
}

/// Whether `host` is `domain` or lies under it.
pub(super) fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        && !domain.is_empty()
}

/// Whether the last labels are a public suffix, or one set aside by RFC 2606.
pub(super) fn has_known_suffix(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    HOSTS.reserved_suffixes.contains(last)
        || psl::suffix(host.as_bytes())
            .is_some_and(|suffix| suffix.is_known() && suffix.as_bytes().len() < host.len())
}

/// The part of a host that somebody registered.
pub(super) fn registrable(host: &str) -> &str {
    psl::domain_str(host).unwrap_or(host)
}

fn ip_reason(inside: bool) -> Reason {
    if inside {
        Reason::SsrfTarget
    } else {
        Reason::IpLiteral
    }
}

fn reaches_inside_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    a == 0
        || a >= 240
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
}

fn reaches_inside_v6(ip: Ipv6Addr) -> bool {
    let embedded = match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
        _ => None,
    };
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        || embedded.is_some_and(reaches_inside_v4)
}

/// Whether an address is anybody's on the open internet (IANA special-purpose
/// registries): what is not known to be public is not.
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(reaches_inside_v4(ip)
                || ip.is_documentation()
                || (a, b, c) == (192, 0, 0)
                || (a, b, c) == (192, 88, 99))
        }
        IpAddr::V6(ip) => {
            let [a, b, ..] = ip.segments();
            // Global unicast, without what is set aside in it: protocols and
            // tunnels (2001::/23, 2002::/16) and documentation.
            a & 0xE000 == 0x2000
                && !(a == 0x2001 && b < 0x0200)
                && !(a == 0x2001 && b == 0x0DB8)
                && a != 0x2002
                && !(a == 0x3FFF && b < 0x1000)
        }
    }
}

fn judge_name(host: &str, context: &Context, notes: &mut Notes<'_>) {
    if !host.split('.').all(is_valid_label) || host.len() > 253 {
        notes.block(Reason::InvalidHost);
        return;
    }
    let Some((_, tld)) = host.rsplit_once('.') else {
        notes.block(Reason::SsrfTarget);
        return;
    };
    if holds_domain(&HOSTS.private_suffixes, host) {
        notes.block(Reason::SsrfTarget);
    }
    if holds_domain(&HOSTS.wildcard_dns, host) {
        notes.block(Reason::IpLiteral);
    }
    let (unicode, decoded) = idna::domain_to_unicode(host);
    if decoded.is_err() {
        notes.block(Reason::InvalidHost);
        return;
    }
    let official = brands::is_official(host);
    let suffix = psl::suffix_str(host).unwrap_or(tld);
    if !official && !context.owns_brand(host) {
        judge_likeness(host, &unicode, suffix, notes);
    }
    if official && brands::is_unconfirmed(host) && !context.owns_brand(host) {
        notes.warn(Reason::UnconfirmedBrand);
    }
    judge_script(&unicode, tld, notes);
    if HOSTS.file_like.contains(tld) {
        notes.warn(Reason::FileExtTld);
    } else if HOSTS.risky.contains(tld) && !official {
        notes.warn(Reason::RiskyTld);
    } else if !has_known_suffix(host) && !tld.starts_with("xn--") {
        notes.warn(Reason::UnknownSuffix);
    }
    let labels: Vec<&str> = host.split('.').collect();
    if labels.len() > 5 && !official {
        notes.warn(Reason::ExcessSubdomains);
    }
    if holds_domain(&HOSTS.shorteners, host) {
        notes.warn(Reason::Shortener);
    }
    let private =
        psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.typ() == Some(psl::Type::Private));
    if private || holds_domain(&HOSTS.abusable, host) {
        notes.warn(Reason::AbusableHost);
    }
    let secure_words = labels.iter().filter(|l| LURES.path_words.contains(**l));
    if !official && secure_words.count() >= 2 {
        notes.warn(Reason::ExcessSubdomains);
    }
}

fn is_valid_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn judge_likeness(host: &str, unicode: &str, suffix: &str, notes: &mut Notes<'_>) {
    // Both in Unicode, or the suffix would not be found.
    let suffix = if suffix.starts_with("xn--") {
        unicode.rsplit('.').next().unwrap_or(suffix)
    } else {
        suffix
    };
    match brands::likeness(unicode, suffix) {
        Some(Likeness::Lookalike) => notes.block(disguise(host, unicode)),
        Some(Likeness::CommonWord) => notes.warn(Reason::AmbiguousBrandWord),
        None => (),
    }
}

fn disguise(host: &str, unicode: &str) -> Reason {
    if host == unicode {
        Reason::LookalikeBrand
    } else if unicode.chars().any(is_alphabet_of_lookalikes) {
        Reason::WholeScriptHomograph
    } else {
        Reason::LatinConfusable
    }
}

fn judge_script(unicode: &str, tld: &str, notes: &mut Notes<'_>) {
    for label in unicode.split('.').filter(|label| !label.is_ascii()) {
        // A middle dot is a letter only in Catalan.
        let dotted = label.contains('\u{B7}');
        let label = label.replace('\u{B7}', "");
        if dotted {
            notes.warn(Reason::UnusualUnicode);
        }
        if label.is_ascii() {
            continue;
        }
        if label.as_str().detect_restriction_level() > RestrictionLevel::HighlyRestrictive {
            notes.block(Reason::MixedScriptHomograph);
        } else if !tld.starts_with("xn--") && label.chars().any(is_alphabet_of_lookalikes) {
            notes.warn(Reason::UnusualUnicode);
        }
    }
}

/// Letters of scripts in which Latin words can be spelled.
fn is_alphabet_of_lookalikes(c: char) -> bool {
    matches!(
        c.script(),
        Script::Cyrillic
            | Script::Greek
            | Script::Armenian
            | Script::Cherokee
            | Script::Coptic
            | Script::Georgian
            | Script::Lisu
    )
}
