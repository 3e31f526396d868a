//! Reads an uploaded file, judges every row, and writes the people who can be
//! reached.
//!
//! **Trigger**: the import queue, which carries the bucket's own events and
//! our own `ImportTask`. **Reads**: the file, as a stream, and the persons it names.
//! **Writes**: subscriptions and nothing else of a person; a report of rejected
//! rows; the import's state. Opt-outs that a file reports go by queue to the
//! path that only adds suppressions. **When it fails**: the file is read twice,
//! first to judge and then to write, so a file that is refused changes nothing;
//! every write is the same however often it is made, so a repetition ends in
//! the same table and report.

mod event;
mod file;
mod people;

use std::num::NonZeroUsize;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use platform::aws::Clients;
use platform::batch::{self, Disposition};
use platform::campaigns::{Campaigns, Import, ImportState, Page};
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::Contacts;
use platform::fault::{Fault, chain};
use platform::invocation::Invocation;
use platform::metrics::{Metrics, MetricsSink};
use platform::objects::Objects;
use platform::queue::{Queue, ReceiptTask};
use platform::secrets::Secrets;
use policy::ids::{ImportId, TenantId};
use policy::phone::Region;
use policy::token::{ContactToken, TokenKey};
use secrecy::ExposeSecret as _;

use crate::event::Message;
use crate::file::Walk;
use crate::people::People;

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CONTACTS_TABLE`
    pub contacts_table: String,
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_FILES_BUCKET`
    pub files_bucket: String,
    /// `IZIN_RECEIPTS_QUEUE_URL`: where reported opt-outs go.
    pub receipts_queue_url: String,
    /// `IZIN_TOKEN_KEY_SECRET`: name or ARN of the secret.
    pub token_key_secret: String,
    /// `IZIN_DEFAULT_REGION`: what a local number means where the tenant does
    /// not say; `ID` by default.
    pub default_region: Region,
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
            receipts_queue_url: env.required("IZIN_RECEIPTS_QUEUE_URL")?,
            token_key_secret: env.required("IZIN_TOKEN_KEY_SECRET")?,
            default_region: env.parsed_or("IZIN_DEFAULT_REGION", Region::INDONESIA)?,
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
    objects: Objects,
    receipts: Queue,
    secrets: Secrets,
    token_key_secret: String,
    default_region: Region,
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
            campaigns: Campaigns::new(dynamodb.clone(), campaigns_table, clock.clone()),
            objects: Objects::new(clients.s3.clone(), config.files_bucket.clone()),
            receipts: Queue::new(clients.sqs.clone(), config.receipts_queue_url.clone()),
            secrets: Secrets::new(clients.secrets.clone(), clock.clone()),
            token_key_secret: config.token_key_secret.clone(),
            default_region: config.default_region,
            metrics: config.metrics,
            clock,
        }
    }
}

/// Handles a batch of events and tasks.
pub async fn handle(event: SqsEvent, _: Invocation, deps: &Deps) -> SqsBatchResponse {
    batch::run(event, NonZeroUsize::MIN, |message: Message| async move {
        for (tenant, id) in message.imports() {
            if let Err(fault) = import(tenant, id, deps).await {
                tracing::warn!(import = %id, error = chain(&fault), "import comes again");
                return Disposition::Retry;
            }
        }
        Disposition::Done
    })
    .await
}

/// Imports one file: judge all of it, then write, then say so.
async fn import(tenant: TenantId, id: ImportId, deps: &Deps) -> Result<(), Fault> {
    let Some(mut import) = deps.campaigns.import(tenant, id).await? else {
        tracing::warn!(import = %id, "there is no such import");
        return Ok(());
    };
    if matches!(import.state, ImportState::Completed | ImportState::Refused) {
        return Ok(());
    }
    let walk = walk(tenant, id, &import, deps).await?;
    let judged = match walk.judge(&deps.objects, &import.object).await? {
        Ok(judged) => judged,
        Err(refusal) => {
            import.state = ImportState::Refused;
            import.refusal = Some(format!("{refusal}; {}", refusal.remedy()));
            deps.campaigns
                .advance_import(tenant, id, &mut import)
                .await?;
            tracing::warn!(import = %id, "file refused");
            return Ok(());
        }
    };
    import.state = ImportState::Running;
    import.counts = judged.counts;
    import.reasons = judged.reasons;
    if !deps
        .campaigns
        .advance_import(tenant, id, &mut import)
        .await?
    {
        return Err(Fault::passing(
            "advance an import",
            "another worker advanced it at the same time",
        ));
    }
    let mut people = People::new(tenant, import.list, deps);
    let named = walk
        .write(&deps.objects, &import.object, &mut people)
        .await?;
    let stopped_before = people.finish().await?;
    let said_no = named.said_no;
    let said_no_here = said_no
        .iter()
        .filter(|token| named.accepted.contains(token) && !stopped_before.contains(token));
    import.counts.suppressed = (stopped_before.len() + said_no_here.count()) as u64;

    let report = format!("reports/{tenant}/{id}/rejected.csv");
    deps.objects
        .put(&report, judged.report.into_bytes(), "text/csv")
        .await?;
    if !said_no.is_empty() {
        let object = format!("optouts/{tenant}/{id}");
        let said_no: Vec<ContactToken> = said_no.into_iter().collect();
        let body = Page::encode(&said_no);
        deps.objects
            .put(&object, body, "application/octet-stream")
            .await?;
        let task = ReceiptTask::SuppressV1 {
            tenant,
            import: id,
            object,
        };
        deps.receipts.send(&task).await?;
    }
    import.state = ImportState::Completed;
    deps.campaigns
        .advance_import(tenant, id, &mut import)
        .await?;
    let counts = import.counts;
    let mut metrics = Metrics::of("ingest");
    metrics.count("ImportRows", counts.rows);
    metrics.count("ImportRejected", counts.rejected);
    metrics.emit(deps.clock.now(), deps.metrics);
    tracing::info!(import = %id, rows = counts.rows, accepted = counts.accepted, "import completed");
    Ok(())
}

/// How this file is to be judged.
async fn walk(tenant: TenantId, id: ImportId, import: &Import, deps: &Deps) -> Result<Walk, Fault> {
    let region = match deps.campaigns.tenant(tenant).await? {
        Some(tenant) => tenant
            .default_region
            .parse()
            .map_err(|error| Fault::lasting("read the tenant's region", error))?,
        None => deps.default_region,
    };
    let secret = deps.secrets.read(&deps.token_key_secret).await?;
    let key = TokenKey::new(secret.expose_secret().as_bytes())
        .map_err(|error| Fault::lasting("read the token key", error))?;
    Ok(Walk {
        tenant,
        import: id,
        region,
        // The moment of the upload's registration: the same in every run.
        now: import.created_at(),
        key,
    })
}
