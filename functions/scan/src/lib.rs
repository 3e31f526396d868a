//! Checks uploaded files, and lets messages show the harmless ones.
//!
//! **Trigger**: the scan queue, which carries the bucket's own events and our
//! own `ScanTask`. **Reads**: the file in quarantine, whole, up to the 100 MB
//! that WhatsApp takes; the tenant's own domains. **Writes**: the file's state
//! and what was found; the very bytes that were checked, to where `send` reads
//! them. It speaks to the scanner and to nobody else outside, and holds no
//! secret. **When it fails**: the file stays in quarantine, and is looked at
//! again by its own queue and by the timer. A repetition finds the same bytes
//! settled, and does nothing.

mod check;
mod event;

use std::num::NonZeroUsize;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use platform::aws::Clients;
use platform::batch::{self, Disposition};
use platform::campaigns::Campaigns;
use platform::clamd::Clamd;
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::fault::chain;
use platform::metrics::MetricsSink;
use platform::objects::{Notice, Objects};
use platform::queue::{Queue, ScanTask};

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_FILES_BUCKET`
    pub files_bucket: String,
    /// `IZIN_SCAN_QUEUE_URL`: where a file waits that a scanner owes an answer.
    pub scan_queue_url: String,
    /// `IZIN_CLAMD`: `host:port` of a clamd; nobody is asked where it is absent
    /// or empty.
    pub clamd: Option<String>,
    /// `IZIN_GUARDDUTY`: `on` or `off`; whether GuardDuty scans what lies in
    /// quarantine and tags it. Off by default.
    pub guardduty: bool,
    /// `AWS_LAMBDA_FUNCTION_NAME`, which Lambda sets: metric records are printed
    /// only there.
    pub metrics: MetricsSink,
}

impl Config {
    /// Reads the settings, or names the variable that is wrong.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let clamd = env.optional("IZIN_CLAMD");
        Ok(Self {
            campaigns_table: env.required("IZIN_CAMPAIGNS_TABLE")?,
            files_bucket: env.required("IZIN_FILES_BUCKET")?,
            scan_queue_url: env.required("IZIN_SCAN_QUEUE_URL")?,
            clamd: clamd.filter(|address| !address.is_empty()),
            guardduty: env.optional("IZIN_GUARDDUTY").as_deref() == Some("on"),
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
    queue: Queue,
    clamd: Option<Clamd>,
    guardduty: bool,
    metrics: MetricsSink,
}

impl Deps {
    /// Wires the settings to the clients.
    pub fn new(config: &Config, clients: &Clients, clock: SharedClock) -> Self {
        let table = config.campaigns_table.clone();
        Self {
            campaigns: Campaigns::new(clients.dynamodb.clone(), table, clock.clone()),
            objects: Objects::new(clients.s3.clone(), config.files_bucket.clone()),
            queue: Queue::new(clients.sqs.clone(), config.scan_queue_url.clone()),
            clamd: config.clamd.clone().map(Clamd::new),
            guardduty: config.guardduty,
            metrics: config.metrics,
            clock,
        }
    }
}

/// Handles a batch of events and tasks.
pub async fn handle(event: SqsEvent, deps: &Deps) -> SqsBatchResponse {
    batch::run(
        event,
        NonZeroUsize::MIN,
        |notice: Notice<ScanTask>| async move {
            for (tenant, id) in event::files(&notice) {
                if let Err(fault) = check::check(tenant, id, deps).await {
                    tracing::warn!(media = %id, error = chain(&fault), "file is looked at again");
                    return Disposition::Retry;
                }
            }
            Disposition::Done
        },
    )
    .await
}
