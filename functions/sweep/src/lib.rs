//! The timer: what no event brings about.
//!
//! **Trigger**: a schedule; the event's content does not matter. **Reads**: the
//! directory of due work, and what it names. **Writes**: the same things, by
//! the same code paths, as the events do. **When it fails**: the next tick
//! starts from what is there; one campaign's fault does not hold up another.

mod canary;
mod close;
mod course;
mod events;
mod files;
mod history;
mod numbers;
mod recover;
mod renew;
mod start;
mod stops;
mod templates;
mod waiting;

use jiff::SignedDuration;
use platform::aws::Clients;
use platform::campaigns::{Campaign, Campaigns, Due};
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::Contacts;
use platform::fault::{Fault, chain};
use platform::invocation::Invocation;
use platform::metrics::{Metrics, MetricsSink};
use platform::objects::Objects;
use platform::queue::Queue;
use platform::rate::Rates;
use platform::secrets::Secrets;
use platform::tier::Tiers;
use platform::whatsapp::{self, social};
use policy::campaign::CampaignState;
use policy::ids::{CampaignId, TenantId};

use crate::history::Doubtful;

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CONTACTS_TABLE`
    pub contacts_table: String,
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_CONSENT_QUEUE_URL`
    pub consent_queue_url: String,
    /// `IZIN_FANOUT_QUEUE_URL`
    pub fanout_queue_url: String,
    /// `IZIN_FILES_BUCKET`
    pub files_bucket: String,
    /// `IZIN_LINK_KEY_SECRET`: name or ARN of the secret.
    pub link_key_secret: String,
    /// `IZIN_RECEIPTS_QUEUE_URL`
    pub receipts_queue_url: String,
    /// `IZIN_SCAN_QUEUE_URL`
    pub scan_queue_url: String,
    /// `IZIN_SEND_QUEUE_URL`
    pub send_queue_url: String,
    /// `IZIN_TOKEN_KEY_SECRET`: name or ARN of the secret.
    pub token_key_secret: String,
    /// `IZIN_WHATSAPP_TOKEN_SECRET`: name or ARN of the secret.
    pub whatsapp_token_secret: String,
    /// `IZIN_GRAPH_URL`, by default Meta's.
    pub graph_url: String,
    /// `IZIN_GRAPH_VERSION`, by default `v25.0`.
    pub graph_version: String,
    /// Amazon's way, where a topic tells what people answer to it.
    pub social: Option<social::Config>,
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
            consent_queue_url: env.required("IZIN_CONSENT_QUEUE_URL")?,
            fanout_queue_url: env.required("IZIN_FANOUT_QUEUE_URL")?,
            files_bucket: env.required("IZIN_FILES_BUCKET")?,
            link_key_secret: env.required("IZIN_LINK_KEY_SECRET")?,
            receipts_queue_url: env.required("IZIN_RECEIPTS_QUEUE_URL")?,
            scan_queue_url: env.required("IZIN_SCAN_QUEUE_URL")?,
            send_queue_url: env.required("IZIN_SEND_QUEUE_URL")?,
            token_key_secret: env.required("IZIN_TOKEN_KEY_SECRET")?,
            whatsapp_token_secret: env.required("IZIN_WHATSAPP_TOKEN_SECRET")?,
            graph_url: env.parsed_or("IZIN_GRAPH_URL", "https://graph.facebook.com".to_owned())?,
            graph_version: env.parsed_or("IZIN_GRAPH_VERSION", "v25.0".to_owned())?,
            social: social::Config::from_env(env)?,
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
    consent: Queue,
    fanout: Queue,
    objects: Objects,
    rates: Rates,
    receipts: Queue,
    scan: Queue,
    send: Queue,
    secrets: Secrets,
    tiers: Tiers,
    whatsapp: whatsapp::Client,
    social: Option<social::Client>,
    token_secret: String,
    token_key_secret: String,
    link_key_secret: String,
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
            rates: Rates::new(dynamodb.clone(), campaigns_table.clone(), clock.clone()),
            tiers: Tiers::new(dynamodb.clone(), campaigns_table.clone(), clock.clone()),
            campaigns: Campaigns::new(dynamodb.clone(), campaigns_table, clock.clone()),
            consent: Queue::new(clients.sqs.clone(), config.consent_queue_url.clone()),
            fanout: Queue::new(clients.sqs.clone(), config.fanout_queue_url.clone()),
            objects: Objects::new(clients.s3.clone(), config.files_bucket.clone()),
            receipts: Queue::new(clients.sqs.clone(), config.receipts_queue_url.clone()),
            scan: Queue::new(clients.sqs.clone(), config.scan_queue_url.clone()),
            send: Queue::new(clients.sqs.clone(), config.send_queue_url.clone()),
            secrets: Secrets::new(clients.secrets.clone(), clock.clone()),
            whatsapp: whatsapp::Client::new(&config.graph_url, &config.graph_version)?,
            social: match &config.social {
                Some(social) => Some(social::Client::new(&clients.config, social)?),
                None => None,
            },
            token_secret: config.whatsapp_token_secret.clone(),
            token_key_secret: config.token_key_secret.clone(),
            link_key_secret: config.link_key_secret.clone(),
            metrics: config.metrics,
            clock,
        })
    }

    /// The same, speaking to Amazon through `social`, if at all.
    #[must_use]
    pub fn through_social(mut self, social: Option<social::Client>) -> Self {
        self.social = social;
        self
    }
}

/// What must be left of the invocation to look at another campaign, or at
/// more of its blocks.
const STEP_TIME: SignedDuration = SignedDuration::from_secs(10);

/// One tick.
pub async fn handle(invocation: Invocation, deps: &Deps) -> Result<(), Fault> {
    let mut metrics = Metrics::of("sweep");
    let mut first_fault = None;
    let mut doubtful = Vec::new();
    for due in deps.campaigns.due().await? {
        if invocation.ends_within(STEP_TIME, deps.clock.now()) {
            tracing::warn!("the next tick goes on");
            break;
        }
        let visited = match due {
            Due::Campaign(tenant, id) => {
                let visited = visit(tenant, id, invocation, deps, &mut metrics).await;
                let visited = visited.inspect_err(|fault| {
                    tracing::warn!(campaign = %id, error = chain(fault), "campaign waits for the next tick");
                });
                visited.map(|found| doubtful.extend(found))
            }
            Due::Import(..) => Ok(()),
            Due::Media(tenant, id) => files::visit(tenant, id, deps).await.inspect_err(|fault| {
                tracing::warn!(media = %id, error = chain(fault), "file waits for the next tick");
            }),
        };
        if let Err(fault) = visited {
            first_fault.get_or_insert(fault);
        }
    }
    history::ask(doubtful, invocation, deps, &mut metrics).await;
    metrics.emit(deps.clock.now(), deps.metrics);
    first_fault.map_or(Ok(()), Err)
}

/// What people said to a campaign's number before it was registered; and what
/// WhatsApp says of its template and number, read again where that is old. What
/// cannot be done of these does not keep the others from it.
async fn sync(
    tenant: TenantId,
    campaign: &Campaign,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    let heard = waiting::hear(tenant, campaign, deps, metrics).await;
    let template = templates::sync(tenant, campaign, deps).await;
    let number = numbers::sync(tenant, campaign, deps).await;
    heard.and(template).and(number)
}

/// Looks at one campaign: its template and its start while it is prepared;
/// what stops it, its blocks and its end while it runs. It is given back if
/// messages of it are in doubt.
async fn visit(
    tenant: TenantId,
    id: CampaignId,
    invocation: Invocation,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<Option<Doubtful>, Fault> {
    let Some(campaign) = deps.campaigns.campaign(tenant, id).await? else {
        deps.campaigns.remove_due(Due::Campaign(tenant, id)).await?;
        return Ok(None);
    };
    if !campaign.state.is_final() {
        renew::ask(tenant, id, &campaign, deps).await?;
    }
    match campaign.state {
        CampaignState::Draft
        | CampaignState::Validating
        | CampaignState::Validated
        | CampaignState::Approved => {
            sync(tenant, &campaign, deps, metrics).await?;
            Ok(None)
        }
        CampaignState::Scheduled => {
            let synced = sync(tenant, &campaign, deps, metrics).await;
            start::if_due(tenant, id, &campaign, deps).await?;
            synced.map(|()| None)
        }
        CampaignState::Planning | CampaignState::Running | CampaignState::Paused => {
            // What cannot be read now must not hold up the ledger.
            let synced = sync(tenant, &campaign, deps, metrics).await;
            events::held(tenant, id, &campaign, deps).await?;
            let held = stops::check(tenant, id, &campaign, deps, metrics).await?;
            let mut doubtful = None;
            if campaign.state != CampaignState::Planning {
                doubtful =
                    course::visit(tenant, id, &campaign, held, invocation, deps, metrics).await?;
            }
            synced.map(|()| doubtful)
        }
        CampaignState::Cancelled => {
            course::visit(tenant, id, &campaign, true, invocation, deps, metrics).await
        }
        CampaignState::Completed => course::leave(tenant, id, &campaign, true, deps).await,
    }
}
