//! A fan-out at full size: the function itself, in a process of its own, against
//! the emulated AWS of this one.
//!
//! The audience is written as `consent` would freeze it. The child reads it
//! alone first, for a measure of time; then it does what the function does with
//! its queue's message, and with the same message again. This process counts
//! what was planned.

mod audience;
mod worker;

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use emulator::aws::Aws;
use emulator::template::Template;
use platform::aws::Clients;
use platform::campaigns::Campaigns;
use platform::clock::SharedClock;
use policy::ids::{CampaignId, TenantId};
use serde::Serialize;
use uuid::Uuid;

use self::worker::Measured;
use super::{Output, PROFILE};
use crate::house::TEMPLATE;

/// What is measured.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// People of the audience.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    people: u32,
    /// What the tokens follow from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long one run of the function may take, in seconds; what is left goes
    /// on in the next.
    #[arg(long, value_name = "S", default_value_t = 120, value_parser = clap::value_parser!(u32).range(25..=900))]
    run_seconds: u32,
    /// Run as the function: for this command itself.
    #[arg(long, hide = true)]
    worker: bool,
    #[command(flatten)]
    output: Output,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Figures {
    conditions: Conditions,
    /// Blocks that stand in the table.
    blocks: u64,
    /// People in them.
    planned: u64,
    #[serde(flatten)]
    measured: Measured,
    wru_per_person: f64,
    rru_per_person: f64,
    /// How many times as long as reading the audience alone.
    time_ratio: f64,
    /// Whether every figure is as it must be.
    holds: bool,
    /// What is not.
    violations: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Conditions {
    profile: &'static str,
    cores: usize,
    seed: u64,
    people: u32,
    block_size: u32,
    run_seconds: u32,
    backend: &'static str,
}

/// Whose campaign it is.
fn names() -> (TenantId, CampaignId) {
    (
        TenantId::from_uuid(Uuid::from_u128(1)),
        CampaignId::from_uuid(Uuid::from_u128(2)),
    )
}

/// Whether the figures are as they must be.
pub(crate) async fn run(args: Args) -> anyhow::Result<bool> {
    if args.worker {
        worker::run(args.run_seconds).await?;
        return Ok(true);
    }
    let (tenant, campaign) = names();
    let clock = SharedClock::system();
    let template = Template::parse(TEMPLATE).context("read the template")?;
    let aws = Aws::start(&template, clock.clone()).await?;
    let variables = aws.environment("FanoutFunction")?;
    let clients = Clients::new(&aws.sdk_config());
    let table = variables["IZIN_CAMPAIGNS_TABLE"].clone();
    let campaigns = Campaigns::new(clients.dynamodb.clone(), table, clock.clone());
    let bucket = variables["IZIN_FILES_BUCKET"].clone();
    let audience = audience::Audience {
        people: args.people,
        seed: args.seed,
    };
    audience.freeze(&campaigns, &clients, bucket).await?;

    let measured = child(&aws, &args).await?;
    let counted = audience.count(&campaigns).await?;
    let figures = figures(&args, measured, &counted);
    args.output.publish(&figures, &table_of(&figures))?;
    ensure!(
        campaigns.campaign(tenant, campaign).await?.is_some(),
        "the campaign is gone"
    );
    Ok(figures.holds)
}

/// The function in a process of its own.
async fn child(aws: &Aws, args: &Args) -> anyhow::Result<Measured> {
    let endpoints = aws.endpoints();
    let program = std::env::current_exe().context("find this program")?;
    let mut command = Command::new(program);
    command
        .args(["bench", "fanout", "--worker", "--run-seconds"])
        .arg(args.run_seconds.to_string())
        .envs(aws.environment("FanoutFunction")?)
        .env("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb)
        .env("AWS_ENDPOINT_URL_S3", &endpoints.s3)
        .env("AWS_ENDPOINT_URL_SQS", &endpoints.sqs)
        .env("AWS_REGION", emulator::account::REGION)
        .env("AWS_ACCESS_KEY_ID", emulator::account::ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", emulator::account::SECRET_KEY)
        .env_remove("AWS_PROFILE")
        .stderr(Stdio::inherit());
    // The emulated AWS answers on other threads meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .context("wait for the function")?
        .context("run the function")?;
    ensure!(
        output.status.success(),
        "the function ended with {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).context("read the function's figures")
}

fn figures(args: &Args, measured: Measured, counted: &audience::Counted) -> Figures {
    let people = f64::from(args.people);
    let wru_per_person = measured.write_units / people;
    let rru_per_person = measured.read_units / people;
    let mut violations = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            violations.push(what.to_owned());
        }
    };
    must(
        counted.is_exact,
        "not everybody stands in one block, in order",
    );
    must(
        measured.runs > 0 && measured.is_running,
        "the campaign does not run",
    );
    must(
        measured.peak_rss_mb <= 256.0,
        "the process took more than 256 MB",
    );
    must(
        wru_per_person <= 0.06,
        "more than 0.06 write units a person",
    );
    must(rru_per_person <= 0.10, "more than 0.10 read units a person");
    must(
        measured.blocks_written_again == 0,
        "the same message again wrote a block",
    );
    Figures {
        conditions: Conditions {
            profile: PROFILE,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            seed: args.seed,
            people: args.people,
            block_size: 100,
            run_seconds: args.run_seconds,
            backend: "emulated AWS over loopback, in another process",
        },
        blocks: counted.blocks,
        planned: counted.people,
        time_ratio: measured.plan_seconds / measured.read_seconds.max(0.001),
        wru_per_person,
        rru_per_person,
        holds: violations.is_empty(),
        violations,
        measured,
    }
}

fn table_of(figures: &Figures) -> String {
    let mut text = String::new();
    let measured = &figures.measured;
    let rows: [(&str, String); 9] = [
        ("people", figures.planned.to_string()),
        ("blocks", figures.blocks.to_string()),
        ("runs of the function", measured.runs.to_string()),
        (
            "peak memory of its process",
            format!("{:.1} MB", measured.peak_rss_mb),
        ),
        (
            "write units a person",
            format!("{:.4}", figures.wru_per_person),
        ),
        (
            "read units a person",
            format!("{:.4}", figures.rru_per_person),
        ),
        (
            "reading the audience alone",
            format!("{:.2} s", measured.read_seconds),
        ),
        ("fan-out", format!("{:.2} s", measured.plan_seconds)),
        ("ratio", format!("{:.1}", figures.time_ratio)),
    ];
    for (name, value) in rows {
        writeln!(text, "{name:<28} {value:>12}").expect("a string takes everything");
    }
    let Conditions {
        profile,
        cores,
        seed,
        ..
    } = figures.conditions;
    write!(text, "{profile} build, {cores} cores, seed {seed}").expect("a string takes everything");
    for violation in &figures.violations {
        write!(text, "\nNOT AS IT MUST BE: {violation}").expect("a string takes everything");
    }
    text
}
