//! Which rules decided: the crate's version and a fingerprint of its data.
//!
//! Stored with every campaign and decision, so that a later reader knows which
//! table was in force.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

use crate::{attempt, content, import, jurisdiction, limits};

/// The rules in force, as `0.0.0+` and 12 hexadecimal digits of the SHA-256
/// over all data files.
///
/// Law: it changes with every byte of the data.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| of(&data_files()));
    &VERSION
}

/// Name and text of every compiled-in data file, in a fixed order.
fn data_files() -> [(&'static str, &'static str); 7] {
    [
        ("countries", jurisdiction::COUNTRIES),
        ("error_codes", attempt::TABLE),
        import::DATA[0],
        import::DATA[1],
        ("jurisdictions", jurisdiction::JURISDICTIONS),
        ("limits", limits::TABLE),
        ("stop_words", content::STOP_WORDS),
    ]
}

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
    use super::*;

    #[test]
    fn one_byte_of_data_makes_another_version() {
        let mut files = data_files();
        assert_eq!(of(&files), version());
        let changed = format!("{} ", files[1].1);
        files[1].1 = &changed;
        assert_ne!(of(&files), version());
    }

    #[test]
    fn every_file_is_dated() {
        for (name, text) in data_files() {
            let file: serde_json::Value = serde_json::from_str(text).unwrap();
            let day: jiff::civil::Date = file["as_of"].as_str().unwrap().parse().unwrap();
            assert!(day.year() >= 2026, "{name}");
        }
    }
}
