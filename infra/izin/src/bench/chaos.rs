//! Chaos: a campaign while everything goes wrong, in virtual time.
//!
//! Every effect of every function may be its process's last; workers freeze at
//! the four places where it hurts and thaw long after their deadline; WhatsApp
//! takes messages and does not answer; webhooks come twice and out of order.
//! What counts is what WhatsApp saw.

mod figures;
mod watch;

use anyhow::Context as _;
use emulator::client::plain;
use emulator::crash::CrashPlan;
use emulator::virtual_time::VirtualClock;
use jiff::SignedDuration;
use platform::clock::{Clock as _, SharedClock};
use platform::fault::Fault;
use policy::ids::CampaignId;
use simulator::{
    Behaviour, Delay, EarlyStops, FaultEffect, FaultWhen, RequestFault, WaId, WebhookChaos,
};

use self::figures::Figures;
use self::watch::Watch;
use super::operator::{Operator, phones};
use super::{Output, alone, start};
use crate::house::{House, Network, Options};

/// What goes wrong, and how often.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// People in the campaign.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    recipients: u32,
    /// What chance follows from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How likely a function dies after any of its effects, from 0 to 1.
    #[arg(long, value_name = "P", default_value_t = 0.01)]
    crash_rate: f64,
    /// How likely WhatsApp takes a message and never answers, from 0 to 1.
    #[arg(long, value_name = "P", default_value_t = 0.02)]
    timeout_rate: f64,
    /// The number's limit, messages per second.
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    mps: u32,
    #[command(flatten)]
    output: Output,
}

/// Whether nobody was reached twice and nothing was lost.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let output = args.output.clone();
    let wall = SharedClock::system();
    let began = wall.now();
    let mut figures = alone(move || story(args)).await?;
    figures.wall_seconds = wall.now().duration_since(began).as_secs_f64();
    output.publish(&figures, &figures.table())?;
    Ok(figures.are_as_they_must_be())
}

/// How long WhatsApp says nothing about a message that it took: longer than
/// the client waits.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(25);

async fn story(args: Args) -> anyhow::Result<Figures> {
    let clock = VirtualClock::at(start());
    let crashes = CrashPlan::seeded(args.seed, args.crash_rate);
    // The setting up is not what is measured.
    crashes.hold_fire();
    let watch = Watch::new(clock.clone(), args.seed);
    let network = {
        let (clock, watch) = (clock.clone(), watch.clone());
        Network::new(move |function| {
            let network = clock.over(plain());
            match function {
                "FanoutFunction" | "SweepFunction" => watch.ledger_over(network),
                "SendFunction" => watch.sender_over(network),
                _ => network,
            }
        })
    };
    let house = House::build(Options {
        inbound_per_second: args.mps.div_ceil(40),
        behaviour: Behaviour {
            early_stops: EarlyStops {
                fraction: 0.02,
                within: std::time::Duration::from_secs(u64::from(args.recipients / args.mps + 1)),
            },
            ..Behaviour::default()
        },
        webhooks: WebhookChaos {
            duplicate: 0.1,
            late: 0.2,
            lateness: Delay::ms(500, 120_000),
            batch: 0.5,
            ..WebhookChaos::default()
        },
        answers: Delay::ms(200, 400),
        network,
        crashes: crashes.clone(),
        ..Options::quiet(SharedClock::new(clock.clone()), args.seed, args.mps)
    })
    .await?;
    house.simulator.run();

    let mut outcome = None;
    let wiring = house.wiring.clone();
    let told = async { outcome = Some(tell(&args, &house, &crashes, &watch).await) };
    let check = async || {
        if let Some(campaign) = watch.campaign_to_check() {
            let holds = conserves(&house, campaign, watch.audience()).await;
            watch.checked(holds.unwrap_or(false));
        }
    };
    tokio::select! {
        () = wiring.run_patiently(1, told) => (),
        () = clock.drive(check) => (),
    }
    let mut figures = outcome.context("the story was not told")??;
    let lasted = clock.now().duration_since(start());
    figures.virtual_seconds = lasted.as_secs_f64();
    Ok(figures)
}

async fn tell(
    args: &Args,
    house: &House,
    crashes: &CrashPlan,
    watch: &Watch,
) -> anyhow::Result<Figures> {
    let people = phones(args.recipients);
    let mut operator = Operator::new(house);
    let campaign = operator.prepare(&people).await?;
    house.simulator.add_fault(RequestFault {
        when: FaultWhen::Chance(args.timeout_rate),
        effect: FaultEffect::AcceptThenTimeOut(SILENCE),
        times: None,
    });
    watch.begin(campaign, u64::from(args.recipients));
    crashes.open_fire();
    operator.step(campaign, "start").await?;
    let ids: Vec<WaId> = people
        .iter()
        .filter_map(|phone| WaId::parse(phone.expose()).ok())
        .collect();
    house.simulator.plan_early_stops(&ids);
    operator.reach(campaign, "completed").await?;
    operator.rest().await?;
    // Whatever comes late has come; the last look is undisturbed.
    operator
        .wait(SignedDuration::from_mins(10).as_millis() as i64)
        .await;
    crashes.hold_fire();
    operator.rest().await?;
    let view = operator.view(campaign).await?;
    Figures::collect(args, house, campaign, &people, crashes, watch, &view).await
}

/// Whether everybody is somewhere, once, at this moment.
async fn conserves(house: &House, campaign: CampaignId, audience: u64) -> Result<bool, Fault> {
    let campaigns = house
        .campaigns()
        .map_err(|error| Fault::lasting("open the table", error.to_string()))?;
    let (totals, _) = campaigns.totals(house.seeds.tenant, campaign).await?;
    Ok(totals.audience() == audience)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small enough for every day; the command does ten thousand.
    #[tokio::test]
    async fn nobody_twice_and_nobody_lost_whatever_goes_wrong() {
        let args = Args {
            recipients: 60,
            seed: 3,
            crash_rate: 0.02,
            timeout_rate: 0.1,
            mps: 80,
            output: Output { json: None },
        };
        let figures = story(args).await.unwrap();
        assert!(figures.are_as_they_must_be(), "{}", figures.table());
        // Something did go wrong.
        assert!(figures.anything_went_wrong(), "{}", figures.table());
    }
}
