//! The timer: what no event brings about.
//!
//! **Trigger**: a schedule; the event's content does not matter. **Reads**: the
//! directory of due work, and what it names. **Writes**: the same things, by
//! the same code paths, as the events do. **When it fails**: the next tick
//! starts from what is there; one campaign's fault does not hold up another.

mod recover;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use platform::aws::Clients;
use platform::campaigns::{Campaign, Campaigns, Due, Page, SyncedTemplate};
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::Contacts;
use platform::fault::{Fault, chain};
use platform::invocation::Invocation;
use platform::metrics::{Metrics, MetricsSink};
use platform::queue::Queue;
use platform::secrets::Secrets;
use platform::whatsapp::{self, Credentials};
use policy::campaign::{CampaignState, CampaignStep};
use policy::ids::{CampaignId, TenantId};

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CONTACTS_TABLE`
    pub contacts_table: String,
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_SEND_QUEUE_URL`
    pub send_queue_url: String,
    /// `IZIN_WHATSAPP_TOKEN_SECRET`: name or ARN of the secret.
    pub whatsapp_token_secret: String,
    /// `IZIN_GRAPH_URL`, by default Meta's.
    pub graph_url: String,
    /// `IZIN_GRAPH_VERSION`, by default `v25.0`.
    pub graph_version: String,
    /// `AWS_LAMBDA_FUNCTION_NAME`, which Lambda sets: metric records are printed
    /// only there.
    pub metrics: MetricsSink,
}

impl Config {
    /// Reads the settings, or names the variable that is wrong.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            contacts_table: env.required("IZIN_CONTACTS_TABLE")?,
            campaigns_table: env.required("IZIN_CAMPAIGNS_TABLE")?,
            send_queue_url: env.required("IZIN_SEND_QUEUE_URL")?,
            whatsapp_token_secret: env.required("IZIN_WHATSAPP_TOKEN_SECRET")?,
            graph_url: env.parsed_or("IZIN_GRAPH_URL", "https://graph.facebook.com".to_owned())?,
            graph_version: env.parsed_or("IZIN_GRAPH_VERSION", "v25.0".to_owned())?,
            metrics: MetricsSink::from_env(env),
        })
    }
}

/// Everything the handler borrows; built once for each cold start.
#[derive(Clone, Debug)]
pub struct Deps {
    clock: SharedClock,
    contacts: Contacts,
    campaigns: Campaigns,
    send: Queue,
    secrets: Secrets,
    whatsapp: whatsapp::Client,
    token_secret: String,
    metrics: MetricsSink,
}

impl Deps {
    /// Wires the settings to the clients.
    pub fn new(config: &Config, clients: &Clients, clock: SharedClock) -> Result<Self, Fault> {
        let dynamodb = &clients.dynamodb;
        let contacts_table = config.contacts_table.clone();
        let campaigns_table = config.campaigns_table.clone();
        Ok(Self {
            contacts: Contacts::new(dynamodb.clone(), contacts_table, clock.clone()),
            campaigns: Campaigns::new(dynamodb.clone(), campaigns_table, clock.clone()),
            send: Queue::new(clients.sqs.clone(), config.send_queue_url.clone()),
            secrets: Secrets::new(clients.secrets.clone(), clock.clone()),
            whatsapp: whatsapp::Client::new(&config.graph_url, &config.graph_version)?,
            token_secret: config.whatsapp_token_secret.clone(),
            metrics: config.metrics,
            clock,
        })
    }
}

/// One tick.
pub async fn handle(_: Invocation, deps: &Deps) -> Result<(), Fault> {
    let mut metrics = Metrics::of("sweep");
    let mut first_fault = None;
    for due in deps.campaigns.due().await? {
        let Due::Campaign(tenant, id) = due else {
            continue;
        };
        if let Err(fault) = visit(tenant, id, deps, &mut metrics).await {
            tracing::warn!(campaign = %id, error = chain(&fault), "campaign waits for the next tick");
            first_fault.get_or_insert(fault);
        }
    }
    metrics.emit(deps.clock.now(), deps.metrics);
    first_fault.map_or(Ok(()), Err)
}

/// Looks at one campaign: templates while it is prepared; crashed blocks,
/// releases and the end while it runs.
async fn visit(
    tenant: TenantId,
    id: CampaignId,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    let Some(campaign) = deps.campaigns.campaign(tenant, id).await? else {
        return deps.campaigns.remove_due(Due::Campaign(tenant, id)).await;
    };
    if !campaign.state.is_final() {
        sync_template(tenant, &campaign, deps).await?;
    }
    if matches!(
        campaign.state,
        CampaignState::Running | CampaignState::Paused | CampaignState::Cancelled
    ) {
        let recovered = recover::crashed_blocks(tenant, id, deps).await?;
        metrics.count("BlocksRecovered", recovered.blocks);
        metrics.count("Unknown", recovered.unknown);
        let now = deps.clock.now();
        let report = deps.campaigns.release(tenant, id, &deps.send, now).await?;
        metrics.count("BlocksReleased", report.released as u64);
        if report.open == 0 {
            finish(tenant, id, &campaign, deps, metrics).await?;
        }
    }
    if campaign.state == CampaignState::Completed {
        deps.campaigns.remove_due(Due::Campaign(tenant, id)).await?;
    }
    Ok(())
}

/// Says "completed" only when it is true: every block of every page is done.
async fn finish(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    if let Ok(completed) = campaign.state.apply(CampaignStep::Complete) {
        let (totals, _) = deps.campaigns.totals(tenant, id).await?;
        if !totals.is_settled() {
            return Ok(());
        }
        let pages = deps.campaigns.pages(tenant, id).await?;
        let frozen: u64 = pages.iter().map(Page::judged).sum();
        let drift = frozen.abs_diff(totals.audience());
        if drift > 0 {
            // "Completed" would not be true: an alarm, and a person looks.
            tracing::error!(campaign = %id, drift, "people are not accounted for");
            metrics.count("ConservationDrift", drift);
            return Ok(());
        }
        deps.campaigns
            .move_campaign(tenant, id, campaign.state, completed)
            .await?;
        tracing::info!(campaign = %id, "campaign completed");
    } else if campaign.state != CampaignState::Cancelled {
        return Ok(());
    }
    deps.campaigns.remove_due(Due::Campaign(tenant, id)).await
}

/// How old a template's description may get before it is read again.
const TEMPLATE_KEPT: SignedDuration = SignedDuration::from_mins(10);

/// Keeps what WhatsApp says of the campaign's template fresh.
async fn sync_template(tenant: TenantId, campaign: &Campaign, deps: &Deps) -> Result<(), Fault> {
    let wanted = &campaign.plan.template;
    let now = deps.clock.now();
    let known = deps
        .campaigns
        .template(tenant, &wanted.name, &wanted.language)
        .await?;
    if known.is_some_and(|known| now.duration_since(known.synced_at) < TEMPLATE_KEPT) {
        return Ok(());
    }
    let Some(number) = deps.campaigns.number(&campaign.plan.sender).await? else {
        return Ok(());
    };
    let credentials = Credentials {
        token: deps.secrets.read(&deps.token_secret).await?,
    };
    let listed = deps
        .whatsapp
        .templates(&credentials, &number.waba, &wanted.name)
        .await?;
    let text = |entry: &serde_json::Value, name: &str| -> Option<String> {
        Some(entry.get(name)?.as_str()?.to_owned())
    };
    let by_language: BTreeMap<String, &serde_json::Value> = listed
        .iter()
        .filter(|entry| text(entry, "name").as_ref() == Some(&wanted.name))
        .filter_map(|entry| Some((text(entry, "language")?, entry)))
        .collect();
    if let Some(entry) = by_language.get(&wanted.language) {
        let template = SyncedTemplate {
            json: entry.to_string(),
            synced_at: now,
        };
        deps.campaigns
            .put_template(tenant, &wanted.name, &wanted.language, &template)
            .await?;
    }
    Ok(())
}
