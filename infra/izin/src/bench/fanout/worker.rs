//! The function's side: a process that does nothing else.

use anyhow::{Context as _, ensure};
use aws_config::BehaviorVersion;
use aws_lambda_events::event::sqs::SqsEvent;
use emulator::meter::{Meter, Readings};
use fanout::{Config, Deps};
use jiff::SignedDuration;
use platform::aws::Clients;
use platform::campaigns::{Campaigns, Page};
use platform::clock::SharedClock;
use platform::config::Env;
use platform::invocation::Invocation;
use platform::objects::Objects;
use platform::queue::FanoutTask;
use policy::campaign::CampaignState;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::names;
use crate::bench::say;

/// What the function's process measured of itself.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Measured {
    /// How many runs the fan-out took.
    pub(super) runs: u32,
    /// Whether the campaign runs afterwards.
    pub(super) is_running: bool,
    /// Reading every page of the audience, and nothing else.
    pub(super) read_seconds: f64,
    /// The whole fan-out, its release included.
    pub(super) plan_seconds: f64,
    pub(super) write_units: f64,
    pub(super) read_units: f64,
    pub(super) requests: u64,
    /// Blocks that the same message, delivered again, wrote.
    pub(super) blocks_written_again: u64,
    /// The most memory that the process ever held, in millions of bytes.
    pub(super) peak_rss_mb: f64,
}

/// Most runs before something must be wrong.
const RUNS_MAX: u32 = 1_000;

/// Reads, plans, plans again, and prints what it took.
pub(super) async fn run(run_seconds: u32) -> anyhow::Result<()> {
    let measured = super::super::alone(move || measure(run_seconds)).await?;
    say(&serde_json::to_string(&measured).context("write the figures")?)
}

async fn measure(run_seconds: u32) -> anyhow::Result<Measured> {
    let config = Config::from_env(&Env::process())?;
    let meter = Meter::default();
    let defaults = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let over = defaults
        .into_builder()
        .http_client(meter.over(emulator::client::plain()))
        .build();
    let clients = Clients::new(&over);
    let clock = SharedClock::system();
    let read_seconds = read_alone(&config, &clients, &clock).await?;

    meter.take();
    let deps = Deps::new(&config, &clients, clock.clone());
    let (tenant, campaign) = names();
    let task = FanoutTask::PlanV1 { tenant, campaign };
    let began = clock.now();
    let mut runs = 0;
    let mut waiting = vec![serde_json::to_string(&task)?];
    while let Some(body) = waiting.pop() {
        runs += 1;
        ensure!(runs <= RUNS_MAX, "the fan-out comes to no end");
        one_run(&body, run_seconds, &deps, &clock).await?;
        waiting.extend(queued(&config, &clients).await?);
    }
    let plan_seconds = clock.now().duration_since(began).as_secs_f64();
    let planned = meter.take();

    one_run(&serde_json::to_string(&task)?, run_seconds, &deps, &clock).await?;
    let again = meter.take();
    let campaigns = Campaigns::new(
        clients.dynamodb.clone(),
        config.campaigns_table.clone(),
        clock.clone(),
    );
    let state = campaigns.campaign(tenant, campaign).await?;
    Ok(Measured {
        runs,
        is_running: state.is_some_and(|campaign| campaign.state == CampaignState::Running),
        read_seconds,
        plan_seconds,
        write_units: planned.all_write_units(),
        read_units: planned.all_read_units(),
        requests: planned.requests.values().sum(),
        blocks_written_again: puts(&again),
        peak_rss_mb: peak_rss_mb()?,
    })
}

/// Every page of the audience, read and taken apart.
async fn read_alone(
    config: &Config,
    clients: &Clients,
    clock: &SharedClock,
) -> anyhow::Result<f64> {
    let (tenant, id) = names();
    let table = config.campaigns_table.clone();
    let campaigns = Campaigns::new(clients.dynamodb.clone(), table, clock.clone());
    let objects = Objects::new(clients.s3.clone(), config.files_bucket.clone());
    let began = clock.now();
    for page in campaigns.pages(tenant, id).await? {
        let tokens = Page::decode(&objects.get(&page.object).await?)?;
        ensure!(tokens.len() == page.count as usize, "a page is not whole");
    }
    Ok(clock.now().duration_since(began).as_secs_f64())
}

async fn one_run(
    body: &str,
    run_seconds: u32,
    deps: &Deps,
    clock: &SharedClock,
) -> anyhow::Result<()> {
    let event: SqsEvent = serde_json::from_value(json!({
        "Records": [{"messageId": "1", "body": body, "attributes": {}, "messageAttributes": {}}],
    }))?;
    let life = SignedDuration::from_secs(run_seconds.into());
    let invocation = Invocation {
        deadline: clock.now().saturating_add(life)?,
    };
    let answer = fanout::handle(event, invocation, deps).await;
    ensure!(
        answer.batch_item_failures.is_empty(),
        "a run of the fan-out failed"
    );
    Ok(())
}

/// The messages that wait in the function's own queue.
async fn queued(config: &Config, clients: &Clients) -> anyhow::Result<Vec<String>> {
    let url = &config.fanout_queue_url;
    let answer = clients.sqs.receive_message().queue_url(url).send().await?;
    let mut bodies = Vec::new();
    for message in answer.messages.unwrap_or_default() {
        let receipt = message.receipt_handle.context("a message has a receipt")?;
        clients
            .sqs
            .delete_message()
            .queue_url(url)
            .receipt_handle(receipt)
            .send()
            .await?;
        bodies.push(message.body.context("a message has a body")?);
    }
    Ok(bodies)
}

/// Conditional writes of blocks that took effect.
fn puts(readings: &Readings) -> u64 {
    let puts: u64 = readings
        .requests
        .iter()
        .filter(|(operation, _)| operation.name == "PutItem")
        .map(|(_, count)| count)
        .sum();
    puts.saturating_sub(readings.failed_conditions)
}

/// `VmHWM` of this process, which Linux counts in units of 1,024 bytes.
fn peak_rss_mb() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("read the memory used")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line
        .and_then(|line| line.split_whitespace().next())
        .context("the system does not say how much memory was used")?
        .parse()?;
    Ok(kib * 1_024.0 / 1e6)
}
