//! The table of threats names tests that are there.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust source under a folder.
fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            all.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_test_that_a_threat_names_is_there() {
    let table = std::fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let mut all = String::new();
    for folder in ["functions", "infra", "shared", "tests"] {
        sources(&root().join(folder), &mut all);
    }
    let named = table.split('`').skip(1).step_by(2);
    let tests: Vec<&str> = named
        .filter_map(|name| Some(name.split_once("::")?.1))
        .collect();
    assert!(tests.len() >= 40, "{}", tests.len());
    let missing: Vec<_> = tests
        .iter()
        .filter(|name| !all.contains(&format!("fn {name}(")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn each_threat_to_the_door_and_to_links_has_a_test() {
    let table = std::fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let (door, _) = table.split_once("## Elsewhere").unwrap();
    let rows = door
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| #"));
    let mut count = 0;
    for row in rows {
        count += 1;
        assert!(row.contains("::"), "no test: {row}");
    }
    assert!(count >= 15, "{count}");
}
