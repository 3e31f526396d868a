//! The main job, once and in real time, as a person would watch it.
//!
//! The demo is a client of the service's own HTTP API; only the people and
//! WhatsApp are simulated. The clock is set to a Tuesday morning in Jakarta, so
//! that quiet hours do not get in the way and every run is the same.

mod client;
mod drive;
mod file;
mod report;
mod screen;
mod stops;

use std::path::PathBuf;
use std::process::ExitCode;

use jiff::Timestamp;
use platform::clock::{SetClock, SharedClock};

use crate::complain;

/// What the demo can be told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Import this CSV instead of the shipped one of 1,000 fictional people.
    #[arg(long, value_name = "FILE", conflicts_with = "recipients")]
    pub csv: Option<PathBuf>,
    /// Make up this many rows of fictional people instead.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub recipients: Option<u32>,
    /// The number's limit, messages per second: 20, 80 or 1,000 at WhatsApp.
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    pub mps: u32,
    /// What chance follows from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Let the number send by AWS End User Messaging Social instead of the Cloud API.
    #[arg(long)]
    pub by_amazon: bool,
    /// No progress, only the report.
    #[arg(long)]
    pub quiet: bool,
    /// Write the report as JSON to FILE, or to standard output for `-`.
    #[arg(long, value_name = "FILE")]
    pub json: Option<String>,
}

/// A Tuesday, ten in the morning in Jakarta.
const START: &str = "2026-11-24T03:00:00Z";

/// Runs the demo; exit code 2 for a file that cannot be imported, 130 after
/// Ctrl-C, 1 if anything failed or the figures are not as they must be.
pub fn main(args: Args) -> ExitCode {
    let screen = screen::Screen::new(&args);
    screen.say("Izin demo: the whole service in this process, AWS and WhatsApp emulated.");
    let file = match file::load(&args) {
        Ok(file) => file,
        Err(problem) => return complain(&problem.to_string()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("cannot start: {error}")),
    };
    let start: Timestamp = START.parse().expect("the start is a moment");
    let clock = SharedClock::new(SetClock::starting_at(start));
    let finished = runtime.block_on(drive::run(&args, &file, clock, &screen));
    // What still runs in the background has nothing more to say.
    runtime.shutdown_background();
    match finished {
        Ok(report) => report::publish(&report, &args, &screen),
        Err(error) => {
            screen.clear();
            let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
            complain(&chain.join(": "));
            ExitCode::FAILURE
        }
    }
}
