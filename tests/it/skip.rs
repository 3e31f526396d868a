//! Stories that need a tool which this machine may lack.

use std::io::Write as _;

/// Says that a story was not told, and what would let it be told. Written past
/// the test runner's capture, which hides what a passing test prints.
pub(crate) fn skipped(story: &str, remedy: &str) {
    let _ = writeln!(std::io::stdout().lock(), "\nSKIPPED {story}: {remedy}");
}
