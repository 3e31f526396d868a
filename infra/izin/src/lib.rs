//! The whole service on one machine.
//!
//! [`house`] puts the emulated AWS, the eleven functions and the WhatsApp
//! simulator together as `template.yaml` says; the demo, the standing service
//! and the tests all live in it.

pub mod bench;
pub mod check;
pub mod demo;
pub mod explain;
pub mod house;
pub mod inbound;
pub mod people;
pub mod simulate;
pub mod tenant;
pub mod up;

use std::process::ExitCode;

/// Says on standard error what is wrong, and gives the exit code of a mistake
/// in the call or its files: 2.
#[expect(clippy::print_stderr, reason = "a command speaks to whoever called it")]
pub fn complain(message: &str) -> ExitCode {
    eprintln!("izin: {message}");
    ExitCode::from(2)
}
