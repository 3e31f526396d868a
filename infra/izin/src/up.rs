//! The standing service on one machine: everything of the house, listening,
//! until it is stopped.

use std::process::ExitCode;

use anyhow::Context as _;
use platform::clock::SharedClock;

use crate::complain;
use crate::house::{House, Options, Seeds};

/// What the standing service can be told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The number's limit, messages per second.
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    pub mps: u32,
    /// What chance, the keys and the first tenant follow from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Let the number send by AWS End User Messaging Social instead of the Cloud API.
    #[arg(long)]
    pub by_amazon: bool,
}

/// Runs until Ctrl-C.
pub fn main(args: Args) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let stood = match runtime {
        Ok(runtime) => runtime.block_on(stand(&args)),
        Err(error) => Err(error.into()),
    };
    match stood {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn stand(args: &Args) -> anyhow::Result<()> {
    let house = House::build(Options {
        time_limits: true,
        by_amazon: args.by_amazon,
        ..Options::quiet(SharedClock::system(), args.seed, args.mps)
    })
    .await?;
    house.simulator.run();
    welcome(&house);
    let mut stopped = Ok(());
    house
        .wiring
        .run(1, async { stopped = tokio::signal::ctrl_c().await })
        .await;
    stopped.context("cannot listen for Ctrl-C")
}

#[expect(
    clippy::print_stdout,
    reason = "the addresses are what the command is for"
)]
fn welcome(house: &House) {
    let url = &house.front.url;
    println!("Izin stands on this machine until Ctrl-C; AWS and WhatsApp are emulated.");
    println!("  API          {url}/v1   (its description: {url}/v1/openapi.json)");
    println!("  API key      {}", house.seeds.bearer());
    println!(
        "  sender       {} (WhatsApp's id of the number)",
        Seeds::PHONE_NUMBER_ID
    );
    println!(
        "  template     {}, language {}",
        Seeds::TEMPLATE,
        Seeds::LANGUAGE
    );
    println!("  WhatsApp     {}", house.simulator.base_url());
    println!();
    println!(
        "  curl -H 'Authorization: Bearer {}' {url}/v1/campaigns",
        house.seeds.bearer()
    );
}
