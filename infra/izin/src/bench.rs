//! Measurements, each by one command: figures with the conditions under which
//! they came about.

mod chaos;
mod cost;
mod fanout;
mod import;
mod operator;
mod throttle;
mod webhook;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;

use crate::complain;

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: Bench,
}

#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Bench {
    /// Meta's door: updates per second, time to the 200, cost of statuses, and
    /// whether anything is lost while tables and queues fail.
    Webhook(webhook::Args),
    /// Crashes, frozen workers, lost answers, repeated webhooks: who is reached
    /// twice, who is lost.
    Chaos(chaos::Args),
    /// Calls and capacity per message, dollars per million, beside two other
    /// ways to build it.
    Cost(cost::Args),
    /// A fan-out at full size: memory, capacity and time of the function's process.
    Fanout(fanout::Args),
    /// How fast a number is used, as counted by WhatsApp: share, windows over the
    /// limit, leases lost to crashes, refusals, a second lane.
    Throttle(throttle::Args),
    /// A long file: rows per second, memory, capacity per row, and the code's
    /// own speed beside bare parsing.
    Import(import::Args),
}

/// Runs one measurement; exit code 1 if it fails or a figure is not as it must
/// be.
pub fn main(args: Args) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let measured = match runtime {
        Ok(runtime) => runtime.block_on(run(args.what)),
        Err(error) => Err(error.into()),
    };
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
            complain(&chain.join(": "));
            ExitCode::FAILURE
        }
    }
}

/// Whether the figures are as they must be.
pub(crate) async fn run(bench: Bench) -> anyhow::Result<bool> {
    match bench {
        Bench::Webhook(args) => webhook::run(args).await,
        Bench::Chaos(args) => chaos::run(args).await,
        Bench::Cost(args) => cost::run(args).await,
        Bench::Fanout(args) => fanout::run(args).await,
        Bench::Throttle(args) => throttle::run(args).await,
        Bench::Import(args) => import::run(args).await,
    }
}

/// Where a measurement's figures go.
#[derive(Clone, Debug, clap::Args)]
struct Output {
    /// Write the figures as JSON to FILE, or to standard output for `-`.
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
}

impl Output {
    /// JSON where it was asked for, else `table` on standard output.
    fn publish(&self, figures: &impl Serialize, table: &str) -> anyhow::Result<()> {
        let json = || serde_json::to_string_pretty(figures).context("write the figures");
        match self.json.as_deref() {
            Some("-") => say(&json()?),
            Some(file) => {
                std::fs::write(file, json()? + "\n")
                    .with_context(|| format!("cannot write {file}"))?;
                say(table)
            }
            None => say(table),
        }
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")
}

/// The profile that this was built in: figures of time depend on it.
const PROFILE: &str = if cfg!(debug_assertions) {
    "dev"
} else {
    "release"
};

/// A Tuesday, ten in the morning in Jakarta.
fn start() -> Timestamp {
    "2026-11-24T03:00:00Z"
        .parse()
        .expect("the start is a moment")
}

/// Runs `work` on a thread and a runtime of its own, as virtual time needs it.
async fn alone<T, F>(work: impl FnOnce() -> F + Send + 'static) -> anyhow::Result<T>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>>,
{
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(work())
    };
    tokio::task::spawn_blocking(run)
        .await
        .context("the measurement came to no end")?
}
