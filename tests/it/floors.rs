//! The floors of the house: nothing points up, and the rules are pure.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The workspace crates that a manifest names as dependencies.
fn depends_on(manifest: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(manifest).unwrap();
    let dependencies = text.split("[dependencies]").nth(1).unwrap_or_default();
    let dependencies = dependencies.split("\n[").next().unwrap();
    dependencies
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

const FUNCTIONS: [&str; 10] = [
    "api", "consent", "fanout", "ingest", "notify", "receipts", "scan", "send", "sweep", "webhook",
];

#[test]
fn functions_do_not_know_each_other_or_the_house() {
    for function in FUNCTIONS {
        let manifest = root().join("functions").join(function).join("Cargo.toml");
        for name in depends_on(&manifest) {
            let above = ["izin", "emulator", "simulator", "tests"];
            assert!(
                !FUNCTIONS.contains(&name.as_str()),
                "{function} knows {name}"
            );
            assert!(
                !above.contains(&name.as_str()),
                "{function} points up at {name}"
            );
        }
    }
}

#[test]
fn the_simulator_shares_nothing_with_the_client() {
    let names = depends_on(&root().join("infra/simulator/Cargo.toml"));
    for name in ["platform", "policy", "emulator", "izin"] {
        assert!(
            !names.iter().any(|n| n == name),
            "the simulator knows {name}"
        );
    }
}

/// Invariant 1: `policy` does no I/O; its resolved tree has nothing to do any
/// with.
#[test]
fn policy_is_pure() {
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "policy",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let forbidden = [
        "aws-",
        "async",
        "axum",
        "chrono",
        "env_logger",
        "futures",
        "getrandom",
        "http",
        "hyper",
        "log ",
        "mio",
        "rand",
        "reqwest",
        "socket2",
        "time ",
        "tokio",
        "tracing",
        "ureq",
    ];
    for line in tree.lines() {
        for name in forbidden {
            assert!(!line.starts_with(name), "policy depends on {line}");
        }
    }
    assert!(tree.lines().count() > 10, "{tree}");
}
