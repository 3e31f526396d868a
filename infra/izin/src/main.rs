//! The command line: see the library.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Izin on one machine: the whole service, and the offline checks.
#[derive(Debug, Parser)]
#[command(name = "izin", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The main job, once: import, consent, send, statuses, stops, report.
    Demo(izin::demo::Args),
    /// A CSV of fictional people.
    People {
        /// How many rows.
        #[arg(long, default_value_t = 1_000)]
        rows: usize,
        /// What chance follows from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where to write it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

fn main() -> ExitCode {
    platform::telemetry::init_if_asked();
    match Cli::parse().command {
        Command::Demo(args) => izin::demo::main(args),
        Command::People { rows, seed, out } => {
            match std::fs::write(&out, izin::people::csv(rows, seed)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => izin::complain(&format!("cannot write {}: {error}", out.display())),
            }
        }
    }
}
