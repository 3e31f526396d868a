//! Cost: what is called and billed from `start` to the last status, counted
//! request by request in virtual time, beside two other ways to build it that
//! run against the same services and the same WhatsApp.
//!
//! Each way runs twice: undisturbed, which is what is priced, and under the
//! same faults, which shows what the price leaves out: people reached twice,
//! people never reached, seconds over the limit.

mod baseline;
mod count;
mod figures;
mod naive;
mod ours;
mod prices;
mod sample;

use platform::clock::SharedClock;

use self::count::Way;
use self::figures::Figures;
use self::prices::Prices;
use super::{Output, alone};

/// What is counted.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Messages in the undisturbed runs, each with three statuses.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=200_000))]
    messages: u32,
    /// Messages in the runs under faults.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(100..=200_000))]
    disturbed: u32,
    /// What chance follows from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The number's limit, messages per second.
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u32).range(20..=1_000))]
    mps: u32,
    /// What the portfolio's day holds when our own sending begins.
    #[arg(long, value_enum, default_value_t = Day::Unlimited)]
    day: Day,
    #[command(flatten)]
    output: Output,
}

/// A portfolio's day.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Day {
    /// There is no limit.
    Unlimited,
    /// A tier with room for everybody.
    Limited,
    /// The same, and everybody got another campaign's message a moment ago.
    Again,
}

/// One run of one way.
#[derive(Clone, Copy, Debug)]
struct Setting {
    messages: u32,
    seed: u64,
    mps: u32,
    day: Day,
    /// Crashes after one effect in a hundred, two messages in a hundred taken
    /// without an answer, webhooks that come twice and late.
    disturbed: bool,
}

/// Whether our own figures are within their targets.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let prices = Prices::embedded()?;
    let wall = SharedClock::system();
    let began = wall.now();
    let setting = |disturbed| Setting {
        messages: if disturbed {
            args.disturbed
        } else {
            args.messages
        },
        seed: args.seed,
        mps: args.mps,
        day: args.day,
        disturbed,
    };
    let (calm, rough) = (setting(false), setting(true));
    let mut ways = Vec::new();
    for way in [Way::Izin, Way::Naive, Way::Sample] {
        let of = move |setting| async move {
            match way {
                Way::Izin => alone(move || ours::run(setting)).await,
                Way::Naive => alone(move || naive::run(setting)).await,
                Way::Sample => alone(move || sample::run(setting)).await,
            }
        };
        ways.push((way, of(calm).await?, of(rough).await?));
    }
    let mut figures = Figures::new(&args, &prices, &ways);
    figures.wall_seconds = wall.now().duration_since(began).as_secs_f64();
    args.output.publish(&figures, &figures.table())?;
    Ok(figures.are_within_targets())
}

#[cfg(test)]
mod tests {
    use super::count::Seen;
    use super::*;

    fn setting(disturbed: bool) -> Setting {
        Setting {
            messages: 100,
            seed: 1,
            mps: 80,
            day: Day::Unlimited,
            disturbed,
        }
    }

    #[tokio::test]
    async fn ours_makes_one_claim_and_little_else_for_a_message() {
        let run = ours::run(setting(false)).await.unwrap();
        let send = &run.stages["SendFunction"].readings;
        let claims = send.write_units["ContactsTable"];
        assert!((claims - 100.0).abs() < f64::EPSILON, "{claims}");
        let rest = send.all_write_units() - claims;
        assert!(rest <= 0.30 * 100.0, "{rest}");
        assert_eq!(run.seen.requests, 100);
        assert_eq!(run.stages["WebhookFunction"].invocations, 300);
    }

    #[tokio::test]
    async fn a_second_message_of_the_day_costs_a_write_and_two_reads_more_for_a_block() {
        const BLOCKS: f64 = 4.0;
        let mut units = Vec::new();
        for day in [Day::Limited, Day::Again] {
            let setting = Setting {
                day,
                messages: 400,
                ..setting(false)
            };
            let run = ours::run(setting).await.unwrap();
            let send = &run.stages["SendFunction"].readings;
            let claims = send.write_units["ContactsTable"];
            assert!((claims - 400.0).abs() < f64::EPSILON, "{claims}");
            let rest = send.all_write_units() - claims;
            assert!(rest <= 0.30 * 400.0, "{rest}");
            units.push((rest, send.all_read_units()));
        }
        // The write of the places that end, and what is read before it: the
        // places, and the ledger of the earlier block (eight kilobytes). The rest
        // is for leases, of which no two campaigns make the same number.
        let more = (units[1].0 - units[0].0, units[1].1 - units[0].1);
        assert!(more.0 > 0.0 && more.0 <= 2.0 * BLOCKS, "{units:?}");
        assert!(more.1 > 0.0 && more.1 <= 6.0 * BLOCKS, "{units:?}");
    }

    #[tokio::test]
    async fn the_other_ways_reach_people_twice_under_the_same_faults() {
        let duplicates = |seen: Seen| seen.duplicate_recipients;
        let naive = naive::run(setting(true)).await.unwrap();
        assert!(duplicates(naive.seen) > 0, "{:?}", naive.seen);
        let sample = sample::run(setting(true)).await.unwrap();
        assert!(duplicates(sample.seen) > 0, "{:?}", sample.seen);
    }
}
