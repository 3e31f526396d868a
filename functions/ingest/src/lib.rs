//! Reads an uploaded file, judges every row, and writes the people who can be
//! reached.
//!
//! **Trigger**: the import queue, which carries the bucket's own events and
//! our own `ImportTask`. **Reads**: the file, as a stream; who of its people said
//! stop or is on the list. **Writes**: subscriptions and nothing else of a
//! person; a report of rejected rows and a summary; the import's state.
//! Opt-outs that a file reports go by queue to the path that only adds
//! suppressions. **When it fails**: the file is judged piece by piece, and each
//! piece is staged in the bucket before the checkpoint moves past it; when all
//! was judged, the list is weighed, and only then is anybody written. Every
//! piece is the same however often it is made, so a repetition goes on from the
//! checkpoint and ends in the same table and report. Near its deadline an
//! invocation hands the rest to the next one.

mod event;
mod hash;
mod judge;
mod life;
mod marks;
mod report;
mod staged;
mod terms;
mod write;

use std::num::{NonZeroU64, NonZeroUsize};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use platform::aws::Clients;
use platform::batch::{self, Disposition};
use platform::campaigns::Campaigns;
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::Contacts;
use platform::fault::chain;
use platform::invocation::Invocation;
use platform::metrics::MetricsSink;
use platform::objects::{Notice, Objects};
use platform::queue::{ImportTask, Queue};
use platform::secrets::Secrets;
use policy::phone::Region;

pub use crate::judge::{Judge, Piece, Terms};
pub use crate::staged::{Staged, Standing};

/// Rows between two checkpoints: some megabytes of people, some seconds of work.
const PIECE_ROWS: NonZeroU64 = NonZeroU64::new(10_000).expect("it is not zero");

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CONTACTS_TABLE`
    pub contacts_table: String,
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_FILES_BUCKET`
    pub files_bucket: String,
    /// `IZIN_IMPORT_QUEUE_URL`: where the rest of a long import goes.
    pub import_queue_url: String,
    /// `IZIN_OPTOUTS_QUEUE_URL`: where reported opt-outs go.
    pub optouts_queue_url: String,
    /// `IZIN_TOKEN_KEY_SECRET`: name or ARN of the secret.
    pub token_key_secret: String,
    /// `IZIN_DEFAULT_REGION`: what a local number means where the tenant does
    /// not say; `ID` by default.
    pub default_region: Region,
    /// `IZIN_IMPORT_PIECE_ROWS`: most rows between two checkpoints; 10,000 by
    /// default.
    pub piece_rows: NonZeroU64,
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
            import_queue_url: env.required("IZIN_IMPORT_QUEUE_URL")?,
            optouts_queue_url: env.required("IZIN_OPTOUTS_QUEUE_URL")?,
            token_key_secret: env.required("IZIN_TOKEN_KEY_SECRET")?,
            default_region: env.parsed_or("IZIN_DEFAULT_REGION", Region::INDONESIA)?,
            piece_rows: env.parsed_or("IZIN_IMPORT_PIECE_ROWS", PIECE_ROWS)?,
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
    imports: Queue,
    optouts: Queue,
    secrets: Secrets,
    token_key_secret: String,
    default_region: Region,
    piece_rows: u64,
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
            imports: Queue::new(clients.sqs.clone(), config.import_queue_url.clone()),
            optouts: Queue::new(clients.sqs.clone(), config.optouts_queue_url.clone()),
            secrets: Secrets::new(clients.secrets.clone(), clock.clone()),
            token_key_secret: config.token_key_secret.clone(),
            default_region: config.default_region,
            piece_rows: config.piece_rows.get(),
            metrics: config.metrics,
            clock,
        }
    }
}

/// Handles a batch of events and tasks.
pub async fn handle(event: SqsEvent, invocation: Invocation, deps: &Deps) -> SqsBatchResponse {
    batch::run(
        event,
        NonZeroUsize::MIN,
        |notice: Notice<ImportTask>| async move {
            for (tenant, id) in event::imports(&notice) {
                if let Err(fault) = life::live(tenant, id, invocation, deps).await {
                    tracing::warn!(import = %id, error = chain(&fault), "import comes again");
                    return Disposition::Retry;
                }
            }
            Disposition::Done
        },
    )
    .await
}
