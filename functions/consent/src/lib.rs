//! Judges every person of a list for a campaign and freezes the audience.
//!
//! **Trigger**: the consent queue ([`ConsentTask`]). **Reads**: the list's
//! subscriptions and their persons. **Writes**: what was found in the message
//! and its links, pages of tokens in token order (objects), one `PLAN#` item
//! for each, and the campaign's state. **When it
//! fails**: a page item is at the same time the checkpoint, so the next
//! delivery goes on after the last page; near its deadline it queues itself
//! and succeeds.

mod preflight;
mod web_risk;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::SignedDuration;
use platform::aws::Clients;
use platform::batch::{self, Disposition};
use platform::campaigns::{Campaign, Campaigns, Page};
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::Contacts;
use platform::expansion::Expander;
use platform::fault::{Fault, chain};
use platform::invocation::Invocation;
use platform::keys::LIST_SHARDS;
use platform::metrics::{Metrics, MetricsSink};
use platform::objects::Objects;
use platform::queue::{ConsentTask, Queue};
use platform::reputation::HostList;
use platform::secrets::Secrets;
use policy::campaign::{CampaignState, CampaignStep};
use policy::ids::{CampaignId, ListId, TenantId};
use policy::person::Person;
use policy::reason::Refusal;
use policy::send::{self, Terms};
use policy::subscription::Subscription;
use policy::token::ContactToken;
use sha2::{Digest as _, Sha256};

use self::preflight::Message;
use self::web_risk::WebRiskDoor;

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CONTACTS_TABLE`
    pub contacts_table: String,
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_FILES_BUCKET`
    pub files_bucket: String,
    /// `IZIN_CONSENT_QUEUE_URL`
    pub consent_queue_url: String,
    /// `IZIN_FOLLOW_LINKS`: `on` or `off`; whether short links are followed to
    /// their end. Off, they stay a warning.
    pub follow_links: bool,
    /// `IZIN_LISTED_HOSTS`: hosts that count as harmful, with spaces between;
    /// may be absent.
    pub listed_hosts: String,
    /// `IZIN_WEB_RISK_SECRET`: name or ARN of the secret with the key of Google's
    /// Web Risk; nobody is asked there where it is absent or empty.
    pub web_risk_secret: Option<String>,
    /// `IZIN_WEB_RISK_URL`, by default Google's.
    pub web_risk_url: String,
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
            files_bucket: env.required("IZIN_FILES_BUCKET")?,
            consent_queue_url: env.required("IZIN_CONSENT_QUEUE_URL")?,
            follow_links: env.required("IZIN_FOLLOW_LINKS")? == "on",
            listed_hosts: env.optional("IZIN_LISTED_HOSTS").unwrap_or_default(),
            web_risk_secret: env
                .optional("IZIN_WEB_RISK_SECRET")
                .filter(|name| !name.is_empty()),
            web_risk_url: env.parsed_or("IZIN_WEB_RISK_URL", WEB_RISK.to_owned())?,
            metrics: MetricsSink::from_env(env),
        })
    }
}

/// Where Web Risk is asked (Google, "Web Risk Lookup API").
const WEB_RISK: &str = "https://webrisk.googleapis.com";

/// Everything the handler borrows; built once for each cold start.
#[derive(Clone, Debug)]
pub struct Deps {
    clock: SharedClock,
    contacts: Contacts,
    campaigns: Campaigns,
    objects: Objects,
    queue: Queue,
    expander: Option<Expander>,
    hosts: HostList,
    web_risk: WebRiskDoor,
    metrics: MetricsSink,
}

impl Deps {
    /// Wires the settings to the clients.
    pub fn new(config: &Config, clients: &Clients, clock: SharedClock) -> Result<Self, Fault> {
        let dynamodb = &clients.dynamodb;
        let contacts_table = config.contacts_table.clone();
        let campaigns_table = config.campaigns_table.clone();
        let expander = config.follow_links.then(Expander::new).transpose()?;
        Ok(Self {
            expander,
            hosts: HostList::parse(&config.listed_hosts),
            web_risk: WebRiskDoor {
                url: config.web_risk_url.clone(),
                secret: config.web_risk_secret.clone(),
                secrets: Secrets::new(clients.secrets.clone(), clock.clone()),
                client: Arc::default(),
            },
            contacts: Contacts::new(dynamodb.clone(), contacts_table, clock.clone()),
            campaigns: Campaigns::new(dynamodb.clone(), campaigns_table, clock.clone()),
            objects: Objects::new(clients.s3.clone(), config.files_bucket.clone()),
            queue: Queue::new(clients.sqs.clone(), config.consent_queue_url.clone()),
            metrics: config.metrics,
            clock,
        })
    }

    /// The same, following short links by `expander`.
    #[must_use]
    pub fn following(mut self, expander: Expander) -> Self {
        self.expander = Some(expander);
        self
    }
}

/// Most people of a page: 160 KB of tokens.
const PAGE_MAX: usize = 10_000;

/// People read in one query; with their persons, about half a megabyte.
const READ_AT_ONCE: i32 = 500;

/// What must be left of the invocation to begin another page.
const PAGE_TIME: SignedDuration = SignedDuration::from_secs(30);

/// How long to wait before looking again for a template that is not known yet.
const TEMPLATE_WAIT: Duration = Duration::from_secs(1);

/// Handles a batch of tasks.
pub async fn handle(event: SqsEvent, invocation: Invocation, deps: &Deps) -> SqsBatchResponse {
    batch::run(event, NonZeroUsize::MIN, |task: ConsentTask| async move {
        let (campaign, done) = match task {
            ConsentTask::ValidateV1 { tenant, campaign } => {
                (campaign, validate(tenant, campaign, invocation, deps).await)
            }
            ConsentTask::ReviewV1 { tenant, campaign } => (
                campaign,
                preflight::look_again(tenant, campaign, deps).await,
            ),
        };
        match done {
            Ok(()) => Disposition::Done,
            Err(fault) => {
                tracing::warn!(%campaign, error = chain(&fault), "validation stopped");
                Disposition::Retry
            }
        }
    })
    .await
}

/// Freezes page after page until the list is read, or hands over.
async fn validate(
    tenant: TenantId,
    id: CampaignId,
    invocation: Invocation,
    deps: &Deps,
) -> Result<(), Fault> {
    loop {
        let Some(campaign) = deps.campaigns.campaign(tenant, id).await? else {
            tracing::warn!(campaign = %id, "there is no such campaign");
            return Ok(());
        };
        if campaign.state != CampaignState::Validating {
            return Ok(());
        }
        let task = ConsentTask::ValidateV1 {
            tenant,
            campaign: id,
        };
        let Some(content) = campaign.plan.templated() else {
            return Ok(());
        };
        let template = &content.template;
        let known = deps
            .campaigns
            .template(tenant, &template.name, &template.language)
            .await?;
        let Some(known) = known else {
            // The timer reads it from WhatsApp; nothing is frozen before.
            tracing::info!(campaign = %id, "waiting for the template");
            return deps.queue.send_later(&task, TEMPLATE_WAIT).await;
        };
        let pages = deps.campaigns.pages(tenant, id).await?;
        if pages.last().is_some_and(|page| page.last) {
            let judged: u64 = pages.iter().map(Page::judged).sum();
            let frozen = CampaignState::Validating
                .apply(CampaignStep::Freeze)
                .expect("a validating campaign can be frozen");
            deps.campaigns
                .move_campaign(tenant, id, CampaignState::Validating, frozen)
                .await?;
            tracing::info!(campaign = %id, judged, "audience frozen");
            return Ok(());
        }
        if invocation.ends_within(PAGE_TIME, deps.clock.now()) {
            return deps.queue.send(&task).await;
        }
        let number = u32::try_from(pages.len())
            .map_err(|error| Fault::lasting("number a page of the audience", error))?;
        let terms = deps
            .campaigns
            .terms_with(tenant, &campaign, Some(&known))
            .await?;
        let message = Message::read(content, &known.json);
        if pages.is_empty() {
            preflight::look(tenant, id, message.as_ref(), &terms.links, false, deps).await?;
        }
        let judging = Judging {
            list: content.list,
            terms: &terms,
            message: message
                .as_ref()
                .filter(|message| !message.is_harmful(&terms.links)),
        };
        let page = judge_page(tenant, id, &campaign, &judging, number, pages.last(), deps).await?;
        let mut metrics = Metrics::of("consent");
        metrics.count("PeopleChosen", page.count.into());
        metrics.count("ConsentBlocked", page.excluded.values().sum());
        metrics.emit(deps.clock.now(), deps.metrics);
        // Whoever loses the race goes on from the winner's page.
        deps.campaigns
            .freeze_page(tenant, id, number, &page)
            .await?;
    }
}

/// What all people of a campaign are judged by.
struct Judging<'a> {
    list: ListId,
    terms: &'a Terms,
    message: Option<&'a Message>,
}

impl Judging<'_> {
    /// Whether this person's own values make the message harmful.
    fn content(&self, subscription: &Subscription) -> Option<Refusal> {
        self.message?
            .judge(subscription, &self.terms.links)
            .err()
            .map(Refusal::from)
    }
}

/// Reads on after `last` until a page is full or the list ends.
async fn judge_page(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    judging: &Judging<'_>,
    number: u32,
    last: Option<&Page>,
    deps: &Deps,
) -> Result<Page, Fault> {
    let facts = campaign.facts(id);
    let mut shard = last.map_or(0, |page| page.next_shard);
    let mut after: Option<ContactToken> = last
        .and_then(|page| page.next_after.as_ref())
        .map(|token| token.parse())
        .transpose()
        .map_err(|error| Fault::lasting("read a page's cursor", error))?;
    let mut tokens = Vec::new();
    let mut excluded: BTreeMap<String, u64> = BTreeMap::new();
    let mut columns: BTreeSet<String> = BTreeSet::new();

    while shard < LIST_SHARDS && tokens.len() + READ_AT_ONCE as usize <= PAGE_MAX {
        let list = judging.list;
        let read = deps
            .contacts
            .shard_page(tenant, list, shard, after, READ_AT_ONCE)
            .await?;
        let wanted: Vec<ContactToken> = read.people.iter().map(|(token, _)| *token).collect();
        let persons = deps.contacts.persons(tenant, &wanted).await?;
        let stranger = Person::default();
        let now = deps.clock.now();
        for (token, subscription) in &read.people {
            let person = persons.get(token).unwrap_or(&stranger);
            let refused = send::select(now, &facts, *token, person, subscription, judging.terms)
                .or_else(|| judging.content(subscription));
            match refused {
                None => {
                    tokens.push(*token);
                    note_columns(subscription, &mut columns);
                }
                Some(refusal) => {
                    *excluded
                        .entry(refusal.first().code().to_owned())
                        .or_insert(0) += 1;
                }
            }
        }
        match wanted.last() {
            Some(token) if read.more => after = Some(*token),
            _ => {
                shard += 1;
                after = None;
            }
        }
    }

    let body = Page::encode(&tokens);
    let object = object_key(tenant, id, number, &body);
    deps.objects
        .put(&object, body, "application/octet-stream")
        .await?;
    Ok(Page {
        object,
        count: u32::try_from(tokens.len())
            .map_err(|error| Fault::lasting("count a page of the audience", error))?,
        excluded,
        columns,
        next_shard: shard,
        next_after: after.map(|token| token.to_string()),
        last: shard == LIST_SHARDS,
    })
}

/// Most columns that are noted: a list has fewer.
const COLUMNS_MAX: usize = 200;

/// Notes the columns in which a person has a value.
fn note_columns(subscription: &Subscription, columns: &mut BTreeSet<String>) {
    let fixed = ["name", "external_id"].into_iter();
    let names = fixed.chain(subscription.attributes.keys().map(String::as_str));
    for name in names.filter(|name| subscription.value(name).is_some()) {
        if columns.len() < COLUMNS_MAX && !columns.contains(name) {
            columns.insert(name.to_owned());
        }
    }
}

/// A page's object is named by its content, so that two runs which saw the list
/// differently never write over each other.
fn object_key(tenant: TenantId, id: CampaignId, number: u32, body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let short: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("audiences/{tenant}/{id}/{number:06}-{short}")
}
