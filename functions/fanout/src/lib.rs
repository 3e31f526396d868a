//! Cuts a frozen audience into blocks of at most 100 and releases them.
//!
//! **Trigger**: the fan-out queue ([`FanoutTask`]). **Reads**: the pages of the
//! audience. **Writes**: blocks, each once; then the campaign runs, and
//! `release` publishes ranges of blocks. **When it fails**: block numbers and
//! contents follow from the pages alone, so a repetition plans the same blocks
//! and changes nothing that is there.

mod reopen;

use std::num::NonZeroUsize;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;
use platform::aws::Clients;
use platform::batch::{self, Disposition};
use platform::campaigns::{Campaigns, Page};
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::fault::{Fault, chain};
use platform::invocation::Invocation;
use platform::metrics::{Metrics, MetricsSink};
use platform::objects::Objects;
use platform::queue::{FanoutTask, Queue};
use policy::block::{BLOCK_MAX, Block};
use policy::campaign::{CampaignState, CampaignStep};
use policy::ids::{CampaignId, TenantId};

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_FILES_BUCKET`
    pub files_bucket: String,
    /// `IZIN_FANOUT_QUEUE_URL`
    pub fanout_queue_url: String,
    /// `IZIN_SEND_QUEUE_URL`
    pub send_queue_url: String,
    /// `IZIN_BLOCK_SIZE`: recipients of a block, at most 100, which is the
    /// default; smaller blocks lose less in a crash and cost more. A campaign
    /// keeps the size that it was first planned with.
    pub block_size: usize,
    /// `AWS_LAMBDA_FUNCTION_NAME`, which Lambda sets: metric records are printed
    /// only there.
    pub metrics: MetricsSink,
}

impl Config {
    /// Reads the settings, or names the variable that is wrong.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let block_size = env.parsed_or("IZIN_BLOCK_SIZE", BLOCK_MAX)?;
        if !(1..=BLOCK_MAX).contains(&block_size) {
            return Err(ConfigError::Unreadable {
                name: "IZIN_BLOCK_SIZE",
                reason: format!("expected 1 to {BLOCK_MAX}"),
            });
        }
        Ok(Self {
            campaigns_table: env.required("IZIN_CAMPAIGNS_TABLE")?,
            files_bucket: env.required("IZIN_FILES_BUCKET")?,
            fanout_queue_url: env.required("IZIN_FANOUT_QUEUE_URL")?,
            send_queue_url: env.required("IZIN_SEND_QUEUE_URL")?,
            block_size,
            metrics: MetricsSink::from_env(env),
        })
    }
}

/// Everything the handler borrows; built once for each cold start.
#[derive(Clone, Debug)]
pub struct Deps {
    clock: SharedClock,
    campaigns: Campaigns,
    objects: Objects,
    fanout: Queue,
    send: Queue,
    block_size: usize,
    metrics: MetricsSink,
}

impl Deps {
    /// Wires the settings to the clients.
    pub fn new(config: &Config, clients: &Clients, clock: SharedClock) -> Self {
        let campaigns_table = config.campaigns_table.clone();
        Self {
            campaigns: Campaigns::new(clients.dynamodb.clone(), campaigns_table, clock.clone()),
            objects: Objects::new(clients.s3.clone(), config.files_bucket.clone()),
            fanout: Queue::new(clients.sqs.clone(), config.fanout_queue_url.clone()),
            send: Queue::new(clients.sqs.clone(), config.send_queue_url.clone()),
            block_size: config.block_size,
            metrics: config.metrics,
            clock,
        }
    }
}

/// Blocks written at the same time.
const WIDTH: usize = 16;

/// What must be left of the invocation to begin another page.
const PAGE_TIME: SignedDuration = SignedDuration::from_secs(20);

/// Handles a batch of tasks.
pub async fn handle(event: SqsEvent, invocation: Invocation, deps: &Deps) -> SqsBatchResponse {
    batch::run(event, NonZeroUsize::MIN, |task: FanoutTask| async move {
        let FanoutTask::PlanV1 { tenant, campaign } = task;
        match plan(tenant, campaign, invocation, deps).await {
            Ok(()) => Disposition::Done,
            Err(fault) => {
                tracing::warn!(%campaign, error = chain(&fault), "planning stopped");
                Disposition::Retry
            }
        }
    })
    .await
}

/// Plans page after page, then lets the campaign run.
async fn plan(
    tenant: TenantId,
    id: CampaignId,
    invocation: Invocation,
    deps: &Deps,
) -> Result<(), Fault> {
    let pages = deps.campaigns.pages(tenant, id).await?;
    let Some((size, planned)) = begin(tenant, id, deps).await? else {
        return Ok(());
    };
    let mut first_block = 0;
    for (number, page) in (0_u32..).zip(&pages) {
        let after = first_block + blocks_of(page, size);
        if number >= planned {
            match state(tenant, id, deps).await? {
                Some(CampaignState::Planning) => (),
                // Planned already: this task came again, and only releases.
                Some(CampaignState::Running) => break,
                // Paused or ended: whoever resumes it plans on from here.
                Some(_) | None => return Ok(()),
            }
            if invocation.ends_within(PAGE_TIME, deps.clock.now()) {
                return go_on_later(tenant, id, deps).await;
            }
            plan_page(tenant, id, page, first_block, size, deps).await?;
            deps.campaigns
                .note_planned(tenant, id, number + 1, after)
                .await?;
        }
        first_block = after;
    }
    if !reopen::refused(tenant, id, invocation, deps).await? {
        return go_on_later(tenant, id, deps).await;
    }
    let running = CampaignState::Planning
        .apply(CampaignStep::Release)
        .expect("a planned campaign can be released");
    if deps
        .campaigns
        .move_campaign(tenant, id, CampaignState::Planning, running)
        .await?
    {
        let now = deps.clock.now();
        let report = deps.campaigns.release(tenant, id, &deps.send, now).await?;
        let mut metrics = Metrics::of("fanout");
        metrics.count("BlocksPlanned", first_block.into());
        metrics.count("BlocksReleased", report.released as u64);
        metrics.emit(now, deps.metrics);
        tracing::info!(campaign = %id, blocks = first_block, released = report.released, "campaign runs");
    }
    Ok(())
}

/// How many recipients a block of this campaign has, and how many pages are
/// planned; `None` if it is not to be planned. The size is what it was when
/// planning began, since block numbers follow from it.
async fn begin(tenant: TenantId, id: CampaignId, deps: &Deps) -> Result<Option<(u32, u32)>, Fault> {
    let Some(campaign) = deps.campaigns.campaign(tenant, id).await? else {
        return Ok(None);
    };
    let size = match campaign.block_size {
        Some(size) => size,
        None if campaign.state == CampaignState::Planning => {
            let size = u32::try_from(deps.block_size).unwrap_or(u32::MAX);
            deps.campaigns.fix_block_size(tenant, id, size).await?
        }
        None => return Ok(None),
    };
    Ok(Some((size, campaign.pages_planned)))
}

/// Where the campaign stands now.
async fn state(
    tenant: TenantId,
    id: CampaignId,
    deps: &Deps,
) -> Result<Option<CampaignState>, Fault> {
    let campaign = deps.campaigns.campaign(tenant, id).await?;
    Ok(campaign.map(|campaign| campaign.state))
}

/// Another run goes on from what is planned.
async fn go_on_later(tenant: TenantId, campaign: CampaignId, deps: &Deps) -> Result<(), Fault> {
    let task = FanoutTask::PlanV1 { tenant, campaign };
    deps.fanout.send(&task).await
}

/// Writes the blocks of one page, numbered from `first`.
async fn plan_page(
    tenant: TenantId,
    id: CampaignId,
    page: &Page,
    first: u32,
    size: u32,
    deps: &Deps,
) -> Result<(), Fault> {
    let tokens = Page::decode(&deps.objects.get(&page.object).await?)?;
    if tokens.len() != page.count as usize {
        return Err(Fault::lasting(
            "read a page of the audience",
            "it does not have as many people as were frozen",
        ));
    }
    let now = deps.clock.now();
    let blocks: Vec<Block> = (first..)
        .zip(tokens.chunks(size as usize))
        .map(|(number, tokens)| Block::planned(number, tokens.to_vec(), now))
        .collect();
    stream::iter(blocks)
        .map(|block| async move { deps.campaigns.plan_block(tenant, id, &block).await })
        .buffer_unordered(WIDTH)
        .try_for_each(|_| async { Ok(()) })
        .await
}

/// How many blocks a page becomes.
fn blocks_of(page: &Page, block_size: u32) -> u32 {
    page.count.div_ceil(block_size)
}
