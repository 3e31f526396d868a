//! Who bears a brand's name without being the brand.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

use super::DATA;
use super::lists::{LURES, holds_domain};

/// How a host resembles a brand.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Likeness {
    /// A common word that is a brand too.
    CommonWord,
    /// The brand, or a disguise of it.
    Lookalike,
}

/// Whether the host belongs to a brand, or to the Indonesian state, which
/// gives its names to nobody else.
pub(super) fn is_official(host: &str) -> bool {
    holds_domain(&BRANDS.domains, host) || host.ends_with(".go.id") || host.ends_with(".mil.id")
}

/// Whether the host is one that we only believe to be a brand's.
pub(super) fn is_unconfirmed(host: &str) -> bool {
    holds_domain(&BRANDS.unconfirmed, host)
}

/// Whether the text between two slashes is a brand's domain.
pub(super) fn is_official_segment(segment: &str) -> bool {
    let segment = segment.to_ascii_lowercase();
    BRANDS
        .domains
        .contains(segment.strip_prefix("www.").unwrap_or(&segment))
}

/// Compares a host, in Unicode and lower case, with every brand. `suffix` is
/// the part that the registry gave.
pub(super) fn likeness(host: &str, suffix: &str) -> Option<Likeness> {
    let own = host.strip_suffix(suffix).unwrap_or(host);
    let own = own.strip_suffix('.').unwrap_or(own);
    if holds_official_prefix(host)
        || looks_official(host)
        || holds_inner_registry(host)
        || is_flattened(own)
    {
        return Some(Likeness::Lookalike);
    }
    let best = own.split('.').filter_map(label_likeness).max();
    if best == Some(Likeness::CommonWord) && is_baited(own) {
        return Some(Likeness::Lookalike);
    }
    best
}

/// The short names, common words too, that a host bears and no agent of the
/// brand's: `jne-gudang`.
pub(super) fn short_names(host: &str) -> impl Iterator<Item = &str> {
    let words = || host.split(['.', '-', '_']);
    let is_agent = words().any(|word| AGENTS.contains(&word));
    words().filter(move |word| {
        !is_agent && word.len() <= 4 && BRANDS.words.get(*word) == Some(&Strength::Weak)
    })
}

/// How those call themselves who work for a brand without being it.
const AGENTS: [&str; 7] = ["agen", "agent", "konter", "kurir", "loket", "mitra", "toko"];

/// Whether bait stands beside a brand that is a common word: in another label
/// of the host, or as all the rest of a label.
fn is_baited(own: &str) -> bool {
    let words = || own.split(['.', '-', '_']).filter(|word| !word.is_empty());
    let is_weak = |word: &str| BRANDS.words.get(word) == Some(&Strength::Weak);
    words().any(|word| LURES.hard_bait.contains(word))
        || own.split('.').any(|label| {
            let (weak, rest): (Vec<&str>, Vec<&str>) = label
                .split(['-', '_'])
                .filter(|word| !word.is_empty())
                .partition(|word| is_weak(word));
            !weak.is_empty()
                && rest.iter().all(|word| is_bait(word, Bait::Any))
                && rest.iter().any(|word| !is_bait(word, Bait::Neutral))
        })
}

/// A brand's domain, seen rather than read: `brl.co.id.example`.
fn looks_official(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let seen: Vec<String> = labels.iter().map(|label| see(label)).collect();
    (0..labels.len()).any(|start| {
        let (mut name, mut look) = (labels[start].to_owned(), seen[start].clone());
        (start + 1..labels.len()).any(|end| {
            name.push('.');
            name.push_str(labels[end]);
            look.push('.');
            look.push_str(&seen[end]);
            BRANDS.seen_domains.contains(&look) && !BRANDS.domains.contains(&name)
        })
    })
}

/// A label with the letters that the eye confuses made one, however short.
fn see(label: &str) -> String {
    fold(label).replace('l', "i")
}

/// An Indonesian registry's ending in front of somebody else's domain:
/// `cek.go.id.example`, `go.id-cek.example`. Nobody who may register under one
/// writes it there.
fn holds_inner_registry(host: &str) -> bool {
    host.match_indices(".id").any(|(at, _)| {
        let zone = host[..at].rsplit('.').next().unwrap_or_default();
        REGISTRIES.contains(&zone) && host[at + 3..].starts_with(['.', '-'])
    })
}

/// A brand's domain with dashes for its dots: `bca-co-id`.
fn is_flattened(own: &str) -> bool {
    own.split('.').any(|label| {
        let dotted = label.replace('-', ".");
        let ends = ["-co-id", "-go-id"].iter().any(|end| label.contains(end));
        ends && BRANDS
            .domain_finder
            .find_overlapping_iter(&dotted)
            .any(|found| {
                let before = dotted[..found.start()].chars().next_back();
                let after = dotted[found.end()..].chars().next();
                let name = &dotted[found.start()..found.end()];
                matches!(before, None | Some('.'))
                    && matches!(after, None | Some('.'))
                    && name.matches('.').count() > 1
            })
    })
}

/// Second-level endings of `.id` (PANDI's list), save those that are words.
const REGISTRIES: [&str; 8] = ["ac", "co", "desa", "go", "mil", "or", "sch", "web"];

/// The official domain of a brand in front of somebody else's:
/// `bca.co.id.example`.
fn holds_official_prefix(host: &str) -> bool {
    BRANDS
        .domain_finder
        .find_overlapping_iter(host)
        .any(|found| {
            let before = host[..found.start()].chars().next_back();
            let after = host[found.end()..].chars().next();
            matches!(before, None | Some('.' | '-')) && matches!(after, Some('.' | '-'))
        })
}

fn label_likeness(label: &str) -> Option<Likeness> {
    let words: Vec<&str> = label.split(['-', '_']).filter(|w| !w.is_empty()).collect();
    if words.len() > 1 && words.iter().all(|word| word.len() == 1) {
        // Spelled out: `j-n-t`.
        return word_likeness(&words.concat());
    }
    let mut best = None;
    let mut weak = false;
    for (index, word) in words.iter().enumerate() {
        match word_likeness(word) {
            Some(Likeness::Lookalike) => return Some(Likeness::Lookalike),
            Some(Likeness::CommonWord) => {
                weak = true;
                best = Some(Likeness::CommonWord);
            }
            None => (),
        }
        let mut joined = (*word).to_owned();
        for next in words.iter().skip(index + 1).take(2) {
            joined.push_str(next);
            if matches!(BRANDS.words.get(joined.as_str()), Some(Strength::Strong)) {
                return Some(Likeness::Lookalike);
            }
        }
        if holds_glued_brand(word) {
            return Some(Likeness::Lookalike);
        }
    }
    // A common word with a letter doubled is meant to be a brand once bait
    // stands beside it.
    let baited = words.iter().any(|word| LURES.hard_bait.contains(*word));
    if baited && (weak || words.iter().any(|word| is_doubled_brand(word))) {
        return Some(Likeness::Lookalike);
    }
    best
}

fn word_likeness(word: &str) -> Option<Likeness> {
    if let Some(strength) = BRANDS.words.get(word) {
        return Some(match strength {
            Strength::Weak => Likeness::CommonWord,
            Strength::Exact | Strength::Strong => Likeness::Lookalike,
        });
    }
    if is_numbered_brand(word) || is_stretched_brand(word) || is_ministry(word) {
        return Some(Likeness::Lookalike);
    }
    if BRANDS.ordinary.contains(word) || word.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let folded = fold(word);
    if !word.is_ascii() && BRANDS.folded.contains(&fold_capitals(word)) {
        // Small letters of an alphabet may differ where its capitals do not.
        return Some(Likeness::Lookalike);
    }
    // Written otherwise, seen the same: a disguise even of a common word.
    if BRANDS.folded.contains(&folded) && !BRANDS.ordinary.contains(word) {
        return Some(Likeness::Lookalike);
    }
    BRANDS
        .fuzzy
        .iter()
        .any(|brand| one_slip_apart(&folded, brand) || same_but_doubled(&folded, brand))
        .then_some(Likeness::Lookalike)
}

/// A brand with a number behind it: `bni46`.
fn is_numbered_brand(word: &str) -> bool {
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    name.len() < word.len()
        && matches!(
            BRANDS.words.get(name),
            Some(Strength::Exact | Strength::Strong)
        )
}

/// A ministry, which are called alike and have names under `.go.id`:
/// `kemenkop`, `kementerianbumn`.
fn is_ministry(word: &str) -> bool {
    word.starts_with("kemen")
        && (7..=20).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_lowercase())
        && !BRANDS.ordinary.contains(word)
}

/// A short brand with a letter written twice: `plnn`.
fn is_stretched_brand(word: &str) -> bool {
    let Some(at) = word.as_bytes().windows(2).position(|two| two[0] == two[1]) else {
        return false;
    };
    let mut once = word.to_owned();
    if !word.is_char_boundary(at) || !word.is_char_boundary(at + 1) {
        return false;
    }
    once.remove(at);
    BRANDS.words.get(&once) == Some(&Strength::Exact)
}

fn is_doubled_brand(word: &str) -> bool {
    BRANDS
        .words
        .keys()
        .any(|brand| brand.len() >= 4 && word != brand.as_str() && same_but_doubled(word, brand))
}

/// A brand and nothing but bait in one word: `loginbca`, `shopeepromo`.
fn holds_glued_brand(word: &str) -> bool {
    BRANDS.word_finder.find_overlapping_iter(word).any(|found| {
        let brand = &word[found.start()..found.end()];
        let needed = match BRANDS.words.get(brand) {
            Some(Strength::Strong) => 0,
            Some(Strength::Exact) => 4,
            Some(Strength::Weak) | None => 5,
        };
        let kind = if needed == 5 { Bait::Hard } else { Bait::Any };
        let (before, after) = (&word[..found.start()], &word[found.end()..]);
        if needed == 0 && brand.len() >= UNMISTAKABLE && before.len() + after.len() > 0 {
            return true;
        }
        is_bait(before, kind)
            && is_bait(after, kind)
            && (before.len().max(after.len()) >= needed)
            && before.len() + after.len() > 0
    })
}

/// From how many letters on a brand is no part of another word.
const UNMISTAKABLE: usize = 8;

/// Which words count as bait.
#[derive(Clone, Copy)]
enum Bait {
    /// All of them.
    Any,
    /// Those that turn even a common word into bait.
    Hard,
    /// Those that say nothing beside a common word.
    Neutral,
}

/// Whether a text is made of bait words and digits only.
fn is_bait(text: &str, kind: Bait) -> bool {
    let bait = match kind {
        Bait::Any => &LURES.bait,
        Bait::Hard => &LURES.hard_bait,
        Bait::Neutral => &LURES.neutral_bait,
    };
    let mut reachable = vec![false; text.len() + 1];
    reachable[0] = true;
    for start in 0..text.len() {
        if !reachable[start] {
            continue;
        }
        if text.as_bytes()[start].is_ascii_digit() {
            reachable[start + 1] = true;
        }
        for length in 2..=(text.len() - start).min(LONGEST_BAIT) {
            let word = text.get(start..start + length);
            let counts =
                |word: &str| bait.contains(word) || (matches!(kind, Bait::Any) && is_strong(word));
            if word.is_some_and(counts) {
                reachable[start + length] = true;
            }
        }
    }
    reachable[text.len()]
}

/// Whether it is a brand and no common word: beside another brand it is bait.
fn is_strong(word: &str) -> bool {
    matches!(
        BRANDS.words.get(word),
        Some(Strength::Exact | Strength::Strong)
    )
}

/// In bytes.
const LONGEST_BAIT: usize = 16;

/// What the eye sees: confusable letters, digits for letters, `rn` for `m`.
pub(super) fn fold(word: &str) -> String {
    if word.is_ascii() {
        merge(word)
    } else {
        let lower: String = word.chars().flat_map(char::to_lowercase).collect();
        merge(&skeleton(&lower))
    }
}

/// What the eye sees of the capitals.
fn fold_capitals(word: &str) -> String {
    merge(&skeleton(&word.to_uppercase()))
}

fn skeleton(word: &str) -> String {
    unicode_security::skeleton(word)
        .nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

fn merge(plain: &str) -> String {
    let plain = plain.replace("rn", "m").replace("vv", "w");
    let long = plain.chars().count() > 3;
    plain
        .chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | 'l' | '|' if long => 'i',
            '1' => 'i',
            '3' => 'e',
            '4' => 'a',
            '5' => 's',
            other => other,
        })
        .collect()
}

/// The same letters, other ones of them doubled: `shoope`.
fn same_but_doubled(word: &str, brand: &str) -> bool {
    let once = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.dedup();
        bytes
    };
    word.len().abs_diff(brand.len()) <= 2
        && word.as_bytes().first() == brand.as_bytes().first()
        && once(word) == once(brand)
}

/// At most one letter added, lost, changed or swapped.
fn one_slip_apart(word: &str, brand: &str) -> bool {
    if word.len().abs_diff(brand.len()) > 1 {
        return false;
    }
    let same_start = word.bytes().zip(brand.bytes()).take_while(|(a, b)| a == b);
    let same_end = word
        .bytes()
        .rev()
        .zip(brand.bytes().rev())
        .take_while(|(a, b)| a == b);
    same_start.count() + same_end.count() + 2 >= brand.len()
        && strsim::osa_distance(word, brand) <= 1
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Strength {
    /// Warns.
    Weak,
    /// Blocks.
    Exact,
    /// Blocks, and so do near misses.
    Strong,
}

struct Brands {
    domains: HashSet<String>,
    /// Those of them that nobody has confirmed.
    unconfirmed: HashSet<String>,
    domain_finder: AhoCorasick,
    words: HashMap<String, Strength>,
    word_finder: AhoCorasick,
    folded: HashSet<String>,
    fuzzy: Vec<String>,
    ordinary: HashSet<String>,
    named: HashMap<String, Vec<String>>,
    seen_domains: HashSet<String>,
}

/// The domains of the brand that people call by this word, in lower case.
pub(super) fn domains_of(word: &str) -> Option<&'static [String]> {
    BRANDS.named.get(word).map(Vec::as_slice)
}

static BRANDS: LazyLock<Brands> = LazyLock::new(|| {
    let file: File = serde_json::from_str(DATA[0]).expect("the compiled-in brands are well-formed");
    let mut words = HashMap::new();
    let mut named = HashMap::new();
    for row in &file.rows {
        let strengths = [
            (&row.weak, Strength::Weak),
            (&row.exact, Strength::Exact),
            (&row.tokens, Strength::Strong),
        ];
        for (list, strength) in strengths {
            for word in list {
                words.insert(word.clone(), strength);
                named.insert(word.clone(), row.domains.clone());
            }
        }
    }
    // What stands before a brand's suffix names the brand too.
    for row in &file.rows {
        for domain in &row.domains {
            let label = domain.split('.').next().unwrap_or_default();
            let whole = psl::domain_str(domain) == Some(domain.as_str());
            if whole && label.len() >= LONG_LABEL && !file.ordinary.contains(label) {
                words.entry(label.to_owned()).or_insert(Strength::Strong);
                named
                    .entry(label.to_owned())
                    .or_insert_with(|| row.domains.clone());
            }
        }
    }
    let domains: HashSet<String> = file.rows.into_iter().flat_map(|row| row.domains).collect();
    let lacks_digits = |word: &&String| !word.bytes().any(|b| b.is_ascii_digit());
    let finder = |patterns: Vec<&String>| {
        AhoCorasick::new(patterns).expect("the compiled-in brands fit an automaton")
    };
    Brands {
        domain_finder: finder(domains.iter().collect()),
        word_finder: finder(words.keys().collect()),
        folded: words
            .keys()
            .filter(lacks_digits)
            .map(|word| fold(word))
            .collect(),
        fuzzy: words
            .iter()
            .filter(|(word, strength)| **strength == Strength::Strong && word.len() >= 5)
            .map(|(word, _)| fold(word))
            .collect(),
        seen_domains: domains
            .iter()
            .map(|domain| {
                let labels: Vec<String> = domain.split('.').map(see).collect();
                labels.join(".")
            })
            .collect(),
        domains,
        words,
        unconfirmed: file.unconfirmed,
        ordinary: file.ordinary,
        named,
    }
});

/// How long a label must be to stand for its brand, in bytes.
const LONG_LABEL: usize = 6;

#[derive(Deserialize)]
struct File {
    /// Words of the language within one letter of a brand.
    ordinary: HashSet<String>,
    /// Domains of `rows` that are guesses.
    unconfirmed: HashSet<String>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    domains: Vec<String>,
    tokens: Vec<String>,
    exact: Vec<String>,
    weak: Vec<String>,
}
