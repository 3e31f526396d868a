//! `bench throttle`: real workers, each on a thread and a runtime of its own,
//! against one number; what counts is what arrived.
//!
//! Only `send` and what it needs are there: the people, the blocks and the
//! campaign are written down beforehand. Everything goes over loopback HTTP in
//! real time, so the machine is part of the measurement: how far arrivals vary
//! on it is N, which `--transit-ms` says.

mod figures;
mod leases;
mod town;
mod worker;

use std::time::Duration;

use anyhow::ensure;
use jiff::SignedDuration;
use policy::pace::Pace;

use self::figures::{Figures, Seen};
use self::town::Town;
use super::Output;

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// The number's limit, messages per second: 20, 80 or 1,000 at WhatsApp.
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    mps: u32,
    /// How long to send.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u32).range(5..=600))]
    seconds: u32,
    /// How many workers.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    workers: u8,
    /// Share of leases whose worker is killed with them.
    #[arg(long, value_name = "P", default_value_t = 0.01)]
    crash_rate: f64,
    /// N of the slot proof: by how much the way to WhatsApp may vary here.
    #[arg(long, value_name = "MS", default_value_t = 10)]
    transit_ms: u16,
    /// How long WhatsApp takes to answer, and by how much that varies, each way.
    #[arg(long, value_name = "MS", default_value_t = 300)]
    latency_ms: u16,
    /// See `--latency-ms`.
    #[arg(long, value_name = "MS", default_value_t = 100)]
    jitter_ms: u16,
    /// How many campaigns share the number.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    campaigns: u8,
    /// How many single messages a second go ahead of the campaigns.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=500))]
    triggered: u32,
    /// Lets as many people write at once as the number takes in a second, after a
    /// third of the time: WhatsApp counts them and refuses requests with 130429.
    /// Of the windows, only the outbound ones count then.
    #[arg(long)]
    refuse: bool,
    /// Sets the first worker's clock wrong by so much.
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    skew_ms: i32,
    /// What chance follows from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    output: Output,
}

impl Args {
    fn pace(&self) -> Pace {
        Pace {
            transit: SignedDuration::from_millis(self.transit_ms.into()),
            ..Pace::usual(self.mps, Pace::usual_inbound(self.mps))
        }
    }
}

/// Sends for so long, and says whether the limit held.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    ensure!(
        (0.0..=1.0).contains(&args.crash_rate),
        "--crash-rate is a share"
    );
    let town = Town::found(&args).await?;
    let crew = worker::start(&town, &args)?;
    // The time counts from the first request.
    while town.number().requests == 0 {
        town.wait(Duration::from_millis(50)).await;
    }
    let mut seen = Seen {
        cpu_seconds: figures::cpu_seconds(),
        ..Seen::default()
    };
    let watch = async {
        for second in 0..args.seconds {
            if args.refuse && second == args.seconds / 3 {
                town.let_a_crowd_write(args.mps);
            }
            town.wait(Duration::from_secs(1)).await;
            if args.refuse {
                seen.by_second.push(town.number().requests);
            }
        }
    };
    // The last single messages are to arrive within the time.
    let singles = town.write_singles(args.triggered, args.seconds.saturating_sub(3));
    let singles = tokio::select! {
        ((), singles) = async { tokio::join!(watch, singles) } => singles?,
        never = town.let_people_write(args.pace()) => match never {},
    };
    seen.singles = singles;
    let work = crew.stop().await?;
    let figures = Figures::of(&args, &town, &work, &seen);
    args.output.publish(&figures, &figures.table())?;
    Ok(figures.held())
}
