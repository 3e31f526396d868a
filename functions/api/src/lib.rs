//! The operators' and tools' door, over HTTP.
//!
//! **Trigger**: a request; [`router()`] is the table of contents and serves its
//! own OpenAPI document. **Reads**: API keys, tenants, numbers; lists, imports
//! and campaigns with their ledgers; events and the words behind them; persons, when one is explained.
//! **Writes**: lists, imports and their upload permissions, campaigns, their
//! states, budgets and settled doubts, breakers, the directory of due work,
//! opt-outs; tasks of `ingest`, `consent`, `fanout` and, for an erasure,
//! `receipts`. It never holds the
//! WhatsApp token. **When it fails**: every
//! request may be made again. A creating one carries an `Idempotency-Key`; a
//! step of a campaign repeats its queue message; an opt-out is one event
//! however often it arrives.

mod auth;
mod breakers;
mod campaigns;
mod contacts;
mod copy;
mod events;
mod idempotency;
mod imports;
mod lists;
mod media;
mod messages;
mod numbers;
mod optouts;
mod problem;
mod request;
mod requests;
mod reviews;
mod router;
mod settings;
mod webhooks;

use platform::aws::Clients;
use platform::campaigns::Campaigns;
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::Contacts;
use platform::ids::Ids;
use platform::metrics::MetricsSink;
use platform::objects::Objects;
use platform::queue::Queue;
use platform::secrets::Secrets;
use policy::phone::Region;

pub use crate::auth::secret_sha256;
pub use crate::router::{openapi, router};

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CONTACTS_TABLE`
    pub contacts_table: String,
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_FILES_BUCKET`
    pub files_bucket: String,
    /// `IZIN_IMPORT_QUEUE_URL`
    pub import_queue_url: String,
    /// `IZIN_CONSENT_QUEUE_URL`
    pub consent_queue_url: String,
    /// `IZIN_FANOUT_QUEUE_URL`
    pub fanout_queue_url: String,
    /// `IZIN_RECEIPTS_QUEUE_URL`
    pub receipts_queue_url: String,
    /// `IZIN_TRIGGERED_QUEUE_URL`
    pub triggered_queue_url: String,
    /// `IZIN_TOKEN_KEY_SECRET`: name or ARN of the secret.
    pub token_key_secret: String,
    /// `IZIN_ENDPOINT_KEY_SECRET`: name or ARN of the secret.
    pub endpoint_key_secret: String,
    /// `IZIN_DEFAULT_REGION`, by default `ID`: what a local number means for a
    /// tenant that has not said.
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
            import_queue_url: env.required("IZIN_IMPORT_QUEUE_URL")?,
            consent_queue_url: env.required("IZIN_CONSENT_QUEUE_URL")?,
            fanout_queue_url: env.required("IZIN_FANOUT_QUEUE_URL")?,
            receipts_queue_url: env.required("IZIN_RECEIPTS_QUEUE_URL")?,
            triggered_queue_url: env.required("IZIN_TRIGGERED_QUEUE_URL")?,
            token_key_secret: env.required("IZIN_TOKEN_KEY_SECRET")?,
            endpoint_key_secret: env.required("IZIN_ENDPOINT_KEY_SECRET")?,
            default_region: env.parsed_or("IZIN_DEFAULT_REGION", Region::INDONESIA)?,
            metrics: MetricsSink::from_env(env),
        })
    }
}

/// Everything the routes borrow; built once for each cold start.
#[derive(Clone, Debug)]
pub struct Deps {
    clock: SharedClock,
    ids: Ids,
    contacts: Contacts,
    campaigns: Campaigns,
    objects: Objects,
    imports: Queue,
    consent: Queue,
    fanout: Queue,
    receipts: Queue,
    triggered: Queue,
    secrets: Secrets,
    token_key_secret: String,
    endpoint_key_secret: String,
    default_region: Region,
    metrics: MetricsSink,
}

impl Deps {
    /// Wires the settings to the clients.
    pub fn new(config: &Config, clients: &Clients, clock: SharedClock, ids: Ids) -> Self {
        let dynamodb = &clients.dynamodb;
        let contacts_table = config.contacts_table.clone();
        let campaigns_table = config.campaigns_table.clone();
        Self {
            contacts: Contacts::new(dynamodb.clone(), contacts_table, clock.clone()),
            campaigns: Campaigns::new(dynamodb.clone(), campaigns_table, clock.clone()),
            objects: Objects::new(clients.s3.clone(), config.files_bucket.clone()),
            imports: Queue::new(clients.sqs.clone(), config.import_queue_url.clone()),
            consent: Queue::new(clients.sqs.clone(), config.consent_queue_url.clone()),
            fanout: Queue::new(clients.sqs.clone(), config.fanout_queue_url.clone()),
            receipts: Queue::new(clients.sqs.clone(), config.receipts_queue_url.clone()),
            triggered: Queue::new(clients.sqs.clone(), config.triggered_queue_url.clone()),
            secrets: Secrets::new(clients.secrets.clone(), clock.clone()),
            token_key_secret: config.token_key_secret.clone(),
            endpoint_key_secret: config.endpoint_key_secret.clone(),
            default_region: config.default_region,
            metrics: config.metrics,
            ids,
            clock,
        }
    }
}
