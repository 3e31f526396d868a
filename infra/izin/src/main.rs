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
    /// The same service, listening, until it is stopped.
    Up(izin::up::Args),
    /// Measurements: figures with their conditions.
    Bench(izin::bench::Args),
    /// The policy's checks on files, offline.
    Check(izin::check::Args),
    /// Why one person would get a message, or not, or later.
    Explain(izin::explain::Args),
    /// A campaign's course before anything is sent.
    Simulate(izin::simulate::Args),
    /// Who may use a deployed service: tenants, numbers, API keys.
    Tenant(izin::tenant::Args),
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
        Command::Up(args) => izin::up::main(args),
        Command::Bench(args) => izin::bench::main(args),
        Command::Check(args) => izin::check::main(args),
        Command::Explain(args) => izin::explain::main(args),
        Command::Simulate(args) => izin::simulate::main(args),
        Command::Tenant(args) => izin::tenant::main(args),
        Command::People { rows, seed, out } => {
            match std::fs::write(&out, izin::people::csv(rows, seed)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => izin::complain(&format!("cannot write {}: {error}", out.display())),
            }
        }
    }
}
