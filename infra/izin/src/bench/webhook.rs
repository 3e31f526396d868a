//! Meta's door under load.
//!
//! - **Speed** of `webhook`'s own code on one core, with a queue that answers at
//!   once: what one environment can take.
//! - **Time** to the 200, with every request to the emulated AWS included.
//! - **Capacity**: how many environments 4,000 updates a second take.
//! - **Cost** of statuses in requests and write units: as they come in time from
//!   a campaign, and at the worst, each in a batch of its own.
//! - **Loss** while one request to tables, queues, objects and secrets in ten
//!   fails, half of them after they took effect, and Meta posts again whatever
//!   was not answered 200.

mod capacity;
mod cost;
mod loss;
mod speed;

use std::fmt::Write as _;

use platform::clock::SharedClock;
use serde::Serialize;

use super::{Output, PROFILE, alone};

/// What is measured.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Messages whose three statuses are counted.
    #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    messages: u32,
    /// Bodies of the speed and time runs.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    posts: u32,
    /// Updates that are posted while everything fails.
    #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    disturbed: u32,
    /// How many requests of a hundred fail.
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0)]
    failures: f64,
    /// What chance follows from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    output: Output,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Figures {
    conditions: Conditions,
    speed: Vec<speed::Speed>,
    time: Vec<speed::Time>,
    capacity: capacity::Capacity,
    cost: cost::Costs,
    loss: loss::Loss,
    /// Whether every figure is as it must be.
    holds: bool,
    /// What is not.
    violations: Vec<String>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Conditions {
    profile: &'static str,
    cores: usize,
    seed: u64,
    messages: u32,
    posts: u32,
    disturbed: u32,
    failures_percent: f64,
    backend: &'static str,
}

/// Whether the figures are as they must be.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    let wall = SharedClock::system();
    let began = wall.now();
    let Args {
        messages,
        posts,
        disturbed,
        failures,
        seed,
        ref output,
    } = args;
    let speed = alone(move || speed::speeds(posts)).await?;
    let time = alone(move || speed::times(posts, seed)).await?;
    let (time, capacity) = alone(move || async move {
        let capacity = capacity::Capacity::measure(&time, seed).await?;
        anyhow::Ok((time, capacity))
    })
    .await?;
    let cost = alone(move || cost::costs(messages, seed)).await?;
    let loss = alone(move || loss::loss(disturbed, failures / 100.0, seed)).await?;
    let mut violations = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            violations.push(what.to_owned());
        }
    };
    must(
        cost.in_time.write_units_per_message <= 1.0,
        "a message's statuses cost more than one write unit when they coalesce",
    );
    must(loss.is_none(), "something was lost or invented");
    must(
        capacity.keeps_up(),
        "receipts does not keep up with 4,000 updates a second",
    );
    for time in &time {
        // Meta asks for a median of 250 ms and less than 1 % over a second.
        must(
            time.p50_ms <= 250.0 && time.over_a_second < 0.01,
            "answers take longer than Meta allows",
        );
    }
    let figures = Figures {
        conditions: Conditions {
            profile: PROFILE,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            seed,
            messages,
            posts,
            disturbed,
            failures_percent: failures,
            backend: "emulated AWS over loopback, in the same process",
        },
        speed,
        time,
        capacity,
        cost,
        loss,
        holds: violations.is_empty(),
        violations,
        seconds: wall.now().duration_since(began).as_secs_f64(),
    };
    output.publish(&figures, &table(&figures))?;
    Ok(figures.holds)
}

fn table(figures: &Figures) -> String {
    let mut table = String::new();
    let mut line = |text: String| writeln!(table, "{text}").expect("a string grows");
    let conditions = &figures.conditions;
    line(format!(
        "built as {}, {} cores, seed {}, {}",
        conditions.profile, conditions.cores, conditions.seed, conditions.backend
    ));
    line("\nspeed, one core, a queue that answers at once".to_owned());
    for speed in &figures.speed {
        line(format!(
            "{:>6} updates a body  {:>10.0} updates/s",
            speed.updates_per_post, speed.updates_per_second
        ));
    }
    line("\ntime to the answer, everything included".to_owned());
    for time in &figures.time {
        line(format!(
            "{:<32} p50 {:>7.1} ms   p99 {:>7.1} ms",
            time.bodies, time.p50_ms, time.p99_ms
        ));
    }
    let capacity = &figures.capacity;
    line(format!(
        "\nfor {:.0} updates/s",
        capacity.wanted_updates_per_second
    ));
    for door in &capacity.webhook {
        line(format!(
            "{:<32} {:>7.0} updates/s each, {:.0} environments of webhook",
            door.bodies, door.updates_per_second, door.environments
        ));
    }
    let settling = &capacity.receipts;
    line(format!(
        "{:<32} {:>7.0} updates/s each, {:.0} environments of receipts, which may have {}",
        "statuses in full batches",
        settling.updates_per_second,
        settling.environments,
        settling.allowed
    ));
    line("\ncost of statuses".to_owned());
    for (name, cost) in figures.cost.named() {
        line(format!(
            "{name:<32} {:>7.1} SQS requests and {:>7.1} write units per 1,000; {:.3} write units a message",
            cost.sqs_requests_per_1000, cost.write_units_per_1000, cost.write_units_per_message
        ));
    }
    let loss = &figures.loss;
    line(format!(
        "\nunder {} % failures: {} updates in {} bodies, posted {} times; lost: {} statuses, {} stops, {} replies; invented: {}",
        conditions.failures_percent,
        loss.updates,
        loss.bodies,
        loss.posts,
        loss.lost_statuses,
        loss.lost_stops,
        loss.lost_replies,
        loss.invented_statuses + loss.invented_stops
    ));
    for violation in &figures.violations {
        line(format!("NOT AS IT MUST BE: {violation}"));
    }
    table
}
