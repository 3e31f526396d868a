//! Applies what the webhook queued: statuses first of all.
//!
//! **Trigger**: the receipts queue ([`ReceiptTask`]). **Reads**: whose an
//! identity is, blocks. **Writes**: grow-only status sets, one write for all
//! statuses of a block and attempt in the batch; links of identities to persons;
//! limits, and that a template or number is to be read again, as WhatsApp tells;
//! what tenants are told of, for whoever reads it and for `notify`; that WhatsApp
//! declined advertising for somebody, or that somebody wrote; answers to what
//! people asked for, which `send` decides on; and suppressions that waited for a
//! link or that an import reported, which this path can add and never lift.
//! **When it fails**: the sets are idempotent
//! and free of order, so any repetition is harmless.

mod answers;
mod declines;
mod links;
mod news;
mod requests;
mod told;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use platform::aws::Clients;
use platform::campaigns::{Campaigns, Opening, Page};
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::{Contacts, StopEvent};
use platform::fault::{Fault, chain};
use platform::invocation::Invocation;
use platform::metrics::{Metrics, MetricsSink};
use platform::objects::Objects;
use platform::queue::{Queue, ReceiptTask, StatusV1};
use platform::tier::Tiers;
use policy::block::Callback;
use policy::breaker::Breaker;
use policy::ids::{CampaignId, EventId, ImportId, TenantId};
use policy::person::SuppressionSource;
use policy::purpose::Scope;
use policy::receipt::{Status, StatusSets};
use policy::token::ContactToken;

use self::answers::Written;
use self::declines::Declines;
use self::links::Links;
use self::told::Told;

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CONTACTS_TABLE`
    pub contacts_table: String,
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_FILES_BUCKET`
    pub files_bucket: String,
    /// `IZIN_NOTIFY_QUEUE_URL`
    pub notify_queue_url: String,
    /// `IZIN_TRIGGERED_QUEUE_URL`
    pub triggered_queue_url: String,
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
            notify_queue_url: env.required("IZIN_NOTIFY_QUEUE_URL")?,
            triggered_queue_url: env.required("IZIN_TRIGGERED_QUEUE_URL")?,
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
    notify: Queue,
    objects: Objects,
    tiers: Tiers,
    triggered: Queue,
    metrics: MetricsSink,
}

impl Deps {
    /// Wires the settings to the clients.
    pub fn new(config: &Config, clients: &Clients, clock: SharedClock) -> Self {
        let dynamodb = &clients.dynamodb;
        let contacts_table = config.contacts_table.clone();
        let campaigns_table = config.campaigns_table.clone();
        Self {
            contacts: Contacts::new(dynamodb.clone(), contacts_table, clock.clone()),
            tiers: Tiers::new(dynamodb.clone(), campaigns_table.clone(), clock.clone()),
            campaigns: Campaigns::new(dynamodb.clone(), campaigns_table, clock.clone()),
            notify: Queue::new(clients.sqs.clone(), config.notify_queue_url.clone()),
            objects: Objects::new(clients.s3.clone(), config.files_bucket.clone()),
            triggered: Queue::new(clients.sqs.clone(), config.triggered_queue_url.clone()),
            metrics: config.metrics,
            clock,
        }
    }
}

/// One attempt of one block.
type Attempt = (TenantId, CampaignId, u32, u16);

/// Statuses of one attempt, and the messages they came in.
#[derive(Default)]
struct Group {
    sets: StatusSets,
    messages: BTreeSet<String>,
}

/// Handles a batch: groups its statuses by attempt, and writes each group once.
pub async fn handle(event: SqsEvent, _: Invocation, deps: &Deps) -> SqsBatchResponse {
    let mut groups: BTreeMap<Attempt, Group> = BTreeMap::new();
    let mut links = Links::default();
    let mut declines = Declines::default();
    let mut told = Told::default();
    let mut written = Written::default();
    let mut failed: BTreeSet<String> = BTreeSet::new();
    for record in event.records {
        let message_id = record.message_id.expect("SQS always sets messageId");
        match serde_json::from_str(&record.body.unwrap_or_default()) {
            Ok(ReceiptTask::BreakV1 {
                tenant,
                scope,
                id,
                code,
            }) => {
                if let Err(fault) = open(tenant, &scope, &id, code, deps).await {
                    tracing::warn!(scope, error = chain(&fault), "breaker comes again");
                    failed.insert(message_id);
                }
            }
            Ok(ReceiptTask::EventsV1 { tenant, events }) => told.see(tenant, events, &message_id),
            Ok(ReceiptTask::LinksV1 {
                tenant,
                links: seen,
            }) => {
                for link in seen {
                    links.told(tenant, link.alias.0, link.token.0, &message_id);
                }
            }
            Ok(ReceiptTask::NewsV1 { tenant, news }) => {
                for one in &news {
                    if let Err(fault) = news::apply(tenant, one, deps).await {
                        tracing::warn!(error = chain(&fault), "news comes again");
                        failed.insert(message_id.clone());
                    }
                }
            }
            Ok(ReceiptTask::RequestV1 { tenant, request }) => {
                if let Err(fault) = requests::take(tenant, request, deps).await {
                    tracing::warn!(error = chain(&fault), "request comes again");
                    failed.insert(message_id);
                }
            }
            Ok(ReceiptTask::StatusesV1 { tenant, statuses }) => {
                for status in &statuses {
                    let Some((callback, kind)) = read(status) else {
                        continue;
                    };
                    add(&mut groups, tenant, callback, kind, &message_id);
                    declines.see(tenant, status, callback, deps.clock.now(), &message_id);
                    if let Some(alias) = status.alias {
                        links.sent_to(tenant, alias.0, callback, &message_id);
                    }
                }
            }
            Ok(ReceiptTask::SuppressV1 {
                tenant,
                import,
                object,
            }) => {
                if let Err(fault) = suppress(tenant, import, &object, deps).await {
                    tracing::warn!(%import, error = chain(&fault), "opt-outs come again");
                    failed.insert(message_id);
                }
            }
            Ok(ReceiptTask::UpdateV1 { words: None, .. }) => {
                // Kept whole in its object; nothing here reads it.
            }
            Ok(ReceiptTask::UpdateV1 {
                tenant,
                object,
                words: Some(words),
            }) => {
                if let Err(fault) = words::note(tenant, object, words, deps).await {
                    tracing::warn!(error = chain(&fault), "words come again");
                    failed.insert(message_id);
                }
            }
            Ok(ReceiptTask::WroteV1 {
                tenant,
                number,
                messages,
            }) => {
                for wrote in messages {
                    written.see(tenant, &number, wrote, &message_id);
                }
            }
            Err(error) => {
                tracing::error!(message.id = message_id, %error, "message cannot be read");
                failed.insert(message_id);
            }
        }
    }
    let mut metrics = Metrics::of("receipts");
    for ((tenant, campaign, block, attempt), group) in groups {
        metrics.count("StatusWrites", 1);
        let written = deps
            .campaigns
            .add_statuses(tenant, campaign, block, attempt, &group.sets)
            .await;
        if let Err(fault) = written {
            tracing::warn!(%campaign, error = chain(&fault), "statuses come again");
            failed.extend(group.messages);
        }
    }
    let (linked, unlinked) = links.write(deps).await;
    metrics.count("LinksWritten", linked);
    failed.extend(unlinked);
    failed.extend(declines.write(deps).await);
    // After the links: they tell whom an event is about.
    let (recorded, untold) = told.write(deps).await;
    metrics.count("EventsRecorded", recorded.events);
    metrics.count("RepliesToReview", recorded.reviews);
    failed.extend(untold);
    // After the links, by which some of them are known.
    let (asked, unasked) = written.write(deps).await;
    metrics.count("AnswersAsked", asked);
    failed.extend(unasked);
    metrics.count("MessagesFailed", failed.len() as u64);
    metrics.emit(deps.clock.now(), deps.metrics);
    let mut response = SqsBatchResponse::default();
    for message_id in failed {
        response.add_failure(message_id);
    }
    response
}

/// Opens a breaker that WhatsApp told of.
async fn open(
    tenant: TenantId,
    scope: &str,
    id: &str,
    code: u32,
    deps: &Deps,
) -> Result<(), Fault> {
    let Some(breaker) = Breaker::parse(scope, Some(id)) else {
        return Err(Fault::lasting("open a breaker", "its scope is not known"));
    };
    let (opening, now) = (Opening::Answer(code), deps.clock.now());
    let campaigns = &deps.campaigns;
    if campaigns
        .open_breaker(tenant, &breaker, &opening, now)
        .await?
    {
        tracing::error!(scope, id, code, "stopped by WhatsApp");
    }
    Ok(())
}

/// Adds a suppression for everybody whom an import reported as opted out. The
/// event's id follows from import and person, so a repetition adds nothing.
async fn suppress(
    tenant: TenantId,
    import: ImportId,
    object: &str,
    deps: &Deps,
) -> Result<(), Fault> {
    let Some(reported_by) = deps.campaigns.import(tenant, import).await? else {
        return Ok(());
    };
    let now = deps.clock.now();
    for token in Page::decode(&deps.objects.get(object).await?)? {
        let stop = StopEvent {
            id: event_id(import, token),
            scope: Scope::marketing(),
            at: reported_by.created_at(),
            source: SuppressionSource::Import,
        };
        deps.contacts.stop(tenant, token, &stop, now).await?;
    }
    Ok(())
}

/// The import's id, mixed with the person's token.
fn event_id(import: ImportId, token: ContactToken) -> EventId {
    let mixed = import.uuid().as_u128() ^ u128::from_be_bytes(*token.as_bytes());
    EventId::from_uuid(uuid::Uuid::from_u128(mixed))
}

/// What a status is of; what is not ours or not known is dropped with a log
/// line, because no repetition would make it readable.
fn read(status: &StatusV1) -> Option<(Callback, Status)> {
    let callback = status.callback.parse::<Callback>().ok();
    let read = callback.zip(Status::parse(&status.status));
    if read.is_none() {
        tracing::warn!(status = status.status, "status is not of this service");
    }
    read
}

/// Adds one status to its group.
fn add(
    groups: &mut BTreeMap<Attempt, Group>,
    tenant: TenantId,
    callback: Callback,
    kind: Status,
    message_id: &str,
) {
    let place = callback.place;
    let group = groups
        .entry((tenant, callback.campaign, place.block, callback.attempt))
        .or_default();
    group.sets.apply(place.index, kind);
    group.messages.insert(message_id.to_owned());
}
