//! Which rules decided: the crate's version and a fingerprint of its data.
//!
//! Stored with every campaign and decision, so that a later reader knows which
//! tables were in force.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// The rules in force, as `0.0.0+` and 12 hexadecimal digits of the SHA-256
/// over all data files.
///
/// Law: it changes with every byte of the data.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| of(DATA));
    &VERSION
}

/// Name and text of a data file.
macro_rules! data {
    ($name:literal) => {
        ($name, include_str!(concat!("../data/", $name)))
    };
}

/// Every data file, by name; a test holds this complete.
const DATA: &[(&str, &str)] = &[
    data!("countries.json"),
    data!("error_codes.json"),
    data!("import/headers.json"),
    data!("import/words.json"),
    data!("jurisdictions.json"),
    data!("limits.json"),
    data!("links/brands.json"),
    data!("links/downloads.json"),
    data!("links/hosts.json"),
    data!("links/lures.json"),
    data!("media.json"),
    data!("prices.json"),
    data!("replies/ar.txt"),
    data!("replies/de-nl.txt"),
    data!("replies/en.txt"),
    data!("replies/es-pt.txt"),
    data!("replies/everyday.txt"),
    data!("replies/fr-it.txt"),
    data!("replies/grammar.txt"),
    data!("replies/hi.txt"),
    data!("replies/id.txt"),
    data!("replies/jv-su.txt"),
    data!("replies/ms.txt"),
    data!("replies/names.txt"),
    data!("replies/others.txt"),
    data!("social_exceptions.json"),
    data!("stop_words.json"),
];

fn of(files: &[(&str, &str)]) -> String {
    let mut hash = Sha256::new();
    for (name, text) in files {
        for part in [name, text] {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    let digits: String = hash
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    concat!(env!("CARGO_PKG_VERSION"), "+").to_owned() + &digits
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn one_byte_of_data_makes_another_version() {
        let mut files = DATA.to_vec();
        assert_eq!(of(&files), version());
        let changed = format!("{} ", files[1].1);
        files[1].1 = &changed;
        assert_ne!(of(&files), version());
    }

    #[test]
    fn every_data_file_is_in_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let mut found = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap();
                    found.push(name.to_str().unwrap().replace('\\', "/"));
                }
            }
        }
        found.sort();
        let listed: Vec<&str> = DATA.iter().map(|(name, _)| *name).collect();
        assert_eq!(found, listed, "list every file of `data/` here, by name");
    }

    #[test]
    fn every_file_is_dated() {
        for (name, text) in DATA {
            let dated = text.contains("\"as_of\": \"20")
                || text.contains("\"version\": \"20")
                || text.contains("As of 20");
            assert!(dated, "{name} does not say when it was written");
        }
    }
}
