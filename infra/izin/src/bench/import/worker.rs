//! The importer: a process that does nothing else, so that its peak memory is
//! the import's.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use aws_lambda_events::event::sqs::SqsEvent;
use emulator::aws::{Aws, Endpoints};
use emulator::client::plain;
use emulator::meter::Meter;
use jiff::SignedDuration;
use platform::aws::Clients;
use platform::campaigns::{Campaigns, ImportState};
use platform::clock::SharedClock;
use platform::config::Env;
use platform::invocation::Invocation;
use platform::queue::ImportTask;
use policy::ids::{ImportId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bench::say;

/// What a second process needs to know.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Job {
    endpoints: [String; 4],
    variables: BTreeMap<String, String>,
    tenant: TenantId,
    import: ImportId,
}

/// What it tells when it is done.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Work {
    pub(super) seconds: f64,
    pub(super) invocations: u32,
    pub(super) peak_rss_mib: f64,
    pub(super) requests: BTreeMap<String, u64>,
    pub(super) read_units: BTreeMap<String, f64>,
    pub(super) write_units: BTreeMap<String, f64>,
    pub(super) failed_conditions: u64,
}

impl Job {
    pub(super) fn new(aws: &Aws, tenant: TenantId, import: ImportId) -> anyhow::Result<Self> {
        let Endpoints {
            dynamodb,
            s3,
            secrets,
            sqs,
        } = aws.endpoints().clone();
        Ok(Self {
            endpoints: [dynamodb, s3, secrets, sqs],
            variables: aws.environment("IngestFunction")?,
            tenant,
            import,
        })
    }
}

/// The time that Lambda gives an invocation, as the template says.
const LASTS: SignedDuration = SignedDuration::from_secs(300);

/// Invokes the function until the import has ended.
pub(super) async fn run(job: &Path) -> anyhow::Result<()> {
    let job = std::fs::read(job).context("cannot read the job")?;
    let Job {
        endpoints: [dynamodb, s3, secrets, sqs],
        variables,
        tenant,
        import,
    } = serde_json::from_slice(&job)?;
    let endpoints = Endpoints {
        dynamodb,
        s3,
        secrets,
        sqs,
    };
    let meter = Meter::default();
    let metered = Clients::new(&endpoints.sdk_config_over(meter.over(plain())));
    let unmetered = Clients::new(&endpoints.sdk_config_over(plain()));
    let clock = SharedClock::system();
    let env = Env::given(variables);
    let config = ingest::Config::from_env(&env)?;
    let deps = ingest::Deps::new(&config, &metered, clock.clone());
    let table = config.campaigns_table.clone();
    let campaigns = Campaigns::new(unmetered.dynamodb, table, clock.clone());

    let started = clock.now();
    let mut invocations = 0;
    loop {
        let deadline = clock.now().saturating_add(LASTS)?;
        let answer = ingest::handle(event(tenant, import)?, Invocation { deadline }, &deps).await;
        invocations += 1;
        ensure!(
            answer.batch_item_failures.is_empty(),
            "an invocation failed"
        );
        let import = campaigns.import(tenant, import).await?;
        let state = import.context("the import is gone")?.state;
        if !matches!(state, ImportState::Awaiting | ImportState::Running) {
            break;
        }
    }
    let seconds = clock.now().duration_since(started).as_secs_f64();
    let readings = meter.read();
    let requests = readings.requests.into_iter();
    let work = Work {
        seconds,
        invocations,
        peak_rss_mib: peak_rss_mib()?,
        requests: requests
            .map(|(operation, count)| (operation.to_string(), count))
            .collect(),
        read_units: readings.read_units,
        write_units: readings.write_units,
        failed_conditions: readings.failed_conditions,
    };
    say(&serde_json::to_string(&work)?)
}

/// The message that starts it.
fn event(tenant: TenantId, import: ImportId) -> anyhow::Result<SqsEvent> {
    let task = serde_json::to_string(&ImportTask::ContinueV1 { tenant, import })?;
    let event = json!({"Records": [{
        "messageId": "1", "receiptHandle": "1", "body": task,
        "attributes": {}, "messageAttributes": {}, "md5OfBody": "",
        "eventSource": "aws:sqs", "eventSourceARN": "", "awsRegion": "",
    }]});
    Ok(serde_json::from_value(event)?)
}

/// The most memory that this process ever held, as Linux counts it.
fn peak_rss_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot read the memory")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: f64 = kib
        .context("the system does not tell the memory")?
        .parse()?;
    Ok(kib / 1024.0)
}
