//! Meta's door: verifies, commits the stops, queues the rest, answers. And the
//! person's door: their own page. The door for what comes by way of Amazon is
//! [`social`], a function of its own with the same rooms behind it.
//!
//! **Trigger**: `GET /webhook` when Meta subscribes, `POST /webhook` for every
//! delivery; `GET` and `POST /p/{link}` when a person opens their page.
//! **Reads**: four secrets, the number directory, persons. **Writes**:
//! stops to the contacts, statuses to the receipts queue as ids and codes,
//! everything else to an object whose key it queues. **When it fails**: it does
//! what it can, then answers 500, and Meta delivers the same body again, for
//! days; every write is safe to repeat.
//!
//! Law: 200 is said only after every stop in the body is committed and
//! everything else is durably queued or kept.
//! Law: no JSON is read before the signature is verified.

mod asks;
mod commit;
mod delivery;
mod events;
mod names;
mod news;
mod numbers;
mod page;
mod router;
pub mod social;
mod stops;
pub mod updates;
mod waiting;
mod wrote;

use platform::aws::Clients;
use platform::campaigns::Campaigns;
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::Contacts;
use platform::metrics::MetricsSink;
use platform::objects::Objects;
use platform::queue::Queue;
use platform::secrets::Secrets;

use self::numbers::Numbers;
pub use self::router::{BODY_MAX, router};

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CONTACTS_TABLE`
    pub contacts_table: String,
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_FILES_BUCKET`
    pub files_bucket: String,
    /// `IZIN_RECEIPTS_QUEUE_URL`
    pub receipts_queue_url: String,
    /// `IZIN_APP_SECRET_SECRET`: name or ARN of the secret.
    pub app_secret_secret: String,
    /// `IZIN_VERIFY_TOKEN_SECRET`: name or ARN of the secret.
    pub verify_token_secret: String,
    /// `IZIN_TOKEN_KEY_SECRET`: name or ARN of the secret.
    pub token_key_secret: String,
    /// `IZIN_LINK_KEY_SECRET`: name or ARN of the secret; without it other
    /// identities are hashed with the token key.
    pub link_key_secret: Option<String>,
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
            app_secret_secret: env.required("IZIN_APP_SECRET_SECRET")?,
            verify_token_secret: env.required("IZIN_VERIFY_TOKEN_SECRET")?,
            token_key_secret: env.required("IZIN_TOKEN_KEY_SECRET")?,
            link_key_secret: env.optional("IZIN_LINK_KEY_SECRET"),
            metrics: MetricsSink::from_env(env),
        })
    }
}

/// Everything the handlers borrow; built once for each cold start.
#[derive(Clone, Debug)]
pub struct Deps {
    campaigns: Campaigns,
    clock: SharedClock,
    contacts: Contacts,
    numbers: Numbers,
    objects: Objects,
    receipts: Queue,
    secrets: Secrets,
    app_secret_secret: String,
    verify_token_secret: String,
    token_key_secret: String,
    link_key_secret: Option<String>,
    metrics: MetricsSink,
}

impl Deps {
    /// Wires the settings to the clients.
    pub fn new(config: &Config, clients: &Clients, clock: SharedClock) -> Self {
        let dynamodb = &clients.dynamodb;
        let contacts_table = config.contacts_table.clone();
        let campaigns_table = config.campaigns_table.clone();
        let campaigns = Campaigns::new(dynamodb.clone(), campaigns_table, clock.clone());
        Self {
            contacts: Contacts::new(dynamodb.clone(), contacts_table, clock.clone()),
            numbers: Numbers::new(campaigns.clone()),
            campaigns,
            objects: Objects::new(clients.s3.clone(), config.files_bucket.clone()),
            receipts: Queue::new(clients.sqs.clone(), config.receipts_queue_url.clone()),
            secrets: Secrets::new(clients.secrets.clone(), clock.clone()),
            app_secret_secret: config.app_secret_secret.clone(),
            verify_token_secret: config.verify_token_secret.clone(),
            token_key_secret: config.token_key_secret.clone(),
            link_key_secret: config.link_key_secret.clone(),
            metrics: config.metrics,
            clock,
        }
    }
}
