//! The dated lists, read once.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

use super::DATA;

/// Hosts and endings that say something by themselves.
pub(super) static HOSTS: LazyLock<Hosts> =
    LazyLock::new(|| serde_json::from_str(DATA[1]).expect("the compiled-in hosts are well-formed"));

/// Endings of files that run or unpack.
pub(super) static DOWNLOADS: LazyLock<Downloads> = LazyLock::new(|| {
    serde_json::from_str(DATA[2]).expect("the compiled-in downloads are well-formed")
});

/// Words that lure.
pub(super) static LURES: LazyLock<Lures> =
    LazyLock::new(|| serde_json::from_str(DATA[3]).expect("the compiled-in lures are well-formed"));

#[derive(Deserialize)]
pub(super) struct Hosts {
    pub(super) shorteners: HashSet<String>,
    pub(super) abusable: HashSet<String>,
    pub(super) wildcard_dns: HashSet<String>,
    pub(super) private_suffixes: HashSet<String>,
    pub(super) reserved_suffixes: HashSet<String>,
    pub(super) risky: HashSet<String>,
    pub(super) file_like: HashSet<String>,
}

#[derive(Deserialize)]
pub(super) struct Downloads {
    /// In any segment of a path, and in parameters.
    pub(super) anywhere: HashSet<String>,
    /// Only at the end of a path.
    pub(super) at_end: HashSet<String>,
    /// In a bare file name.
    pub(super) bare: HashSet<String>,
}

#[derive(Deserialize)]
pub(super) struct Lures {
    pub(super) secrets: Vec<String>,
    pub(super) asks: Vec<String>,
    pub(super) denials: Vec<String>,
    /// Words that turn a brand into bait.
    pub(super) bait: HashSet<String>,
    /// Those of them that turn even a common word into bait.
    pub(super) hard_bait: HashSet<String>,
    /// Those that say nothing beside a common word.
    pub(super) neutral_bait: HashSet<String>,
    pub(super) verify: Vec<String>,
    pub(super) accounts: Vec<String>,
    pub(super) threats: Vec<String>,
    pub(super) prizes: Vec<String>,
    pub(super) path_words: HashSet<String>,
    pub(super) redirect_keys: HashSet<String>,
}

/// Whether `host` or a domain it lies under is in the set.
pub(super) fn holds_domain(set: &HashSet<String>, host: &str) -> bool {
    let mut rest = host;
    loop {
        if set.contains(rest) {
            return true;
        }
        match rest.split_once('.') {
            Some((_, parent)) => rest = parent,
            None => return false,
        }
    }
}
