//! Posts events to the addresses that tenants name.
//!
//! **Trigger**: the notify queue ([`NotifyTask`]), a message for each event and
//! endpoint. **Reads**: the event, the endpoint, the caller's own name for the
//! person; never a number, a name or what somebody wrote. **Writes**: how posts
//! to the endpoint go. It holds the key that signs posts and no other secret.
//! **When it fails**: a post that does not arrive is tried again by a message
//! of its own, later each time; a message that comes twice is posted twice,
//! under the same id.
//!
//! Law: a post that is repeated has the same `webhook-id`.

mod attempt;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::stream::{self, StreamExt as _};
use platform::aws::Clients;
use platform::campaigns::Campaigns;
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::Contacts;
use platform::fault::{Fault, chain};
use platform::metrics::{Metrics, MetricsSink};
use platform::poster::Poster;
use platform::queue::{NotifyTask, Queue};
use platform::secrets::Secrets;

use self::attempt::Outcome;

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CONTACTS_TABLE`
    pub contacts_table: String,
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_NOTIFY_QUEUE_URL`
    pub notify_queue_url: String,
    /// `IZIN_ENDPOINT_KEY_SECRET`: name or ARN of the secret.
    pub endpoint_key_secret: String,
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
            notify_queue_url: env.required("IZIN_NOTIFY_QUEUE_URL")?,
            endpoint_key_secret: env.required("IZIN_ENDPOINT_KEY_SECRET")?,
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
    poster: Poster,
    secrets: Secrets,
    endpoint_key_secret: String,
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
            notify: Queue::new(clients.sqs.clone(), config.notify_queue_url.clone()),
            poster: Poster::new()?,
            secrets: Secrets::new(clients.secrets.clone(), clock.clone()),
            endpoint_key_secret: config.endpoint_key_secret.clone(),
            metrics: config.metrics,
            clock,
        })
    }

    /// The same, posting through `poster`.
    #[must_use]
    pub fn through(mut self, poster: Poster) -> Self {
        self.poster = poster;
        self
    }
}

/// Posts under way at once: a whole batch.
const WIDTH: usize = 10;

/// Handles a batch: one post for each message.
pub async fn handle(event: SqsEvent, deps: &Deps) -> SqsBatchResponse {
    let attempts = event.records.into_iter().map(|record| async move {
        let message_id = record.message_id.expect("SQS always sets messageId");
        match serde_json::from_str(&record.body.unwrap_or_default()) {
            Ok(NotifyTask::PostV1 {
                tenant,
                endpoint,
                event,
                recorded_at,
            }) => {
                let task = attempt::Task {
                    tenant,
                    endpoint,
                    event,
                    recorded_at,
                };
                let outcome = task.attempt(deps).await;
                if let Err(fault) = &outcome {
                    tracing::warn!(webhook = %endpoint, event = %event, error = chain(fault), "post comes again");
                }
                (message_id, outcome.ok())
            }
            Err(error) => {
                tracing::error!(message.id = message_id, %error, "message cannot be read");
                (message_id, None)
            }
        }
    });
    let outcomes: Vec<(String, Option<Outcome>)> = stream::iter(attempts)
        .buffer_unordered(WIDTH)
        .collect()
        .await;
    let mut metrics = Metrics::of("notify");
    let mut response = SqsBatchResponse::default();
    for (message_id, outcome) in outcomes {
        match outcome {
            Some(Outcome::Arrived) => metrics.count("PostsArrived", 1),
            Some(Outcome::Deferred) => metrics.count("PostsDeferred", 1),
            Some(Outcome::Dropped) => metrics.count("PostsDropped", 1),
            Some(Outcome::Failed) => metrics.count("PostsFailed", 1),
            Some(Outcome::SwitchedOff) => metrics.count("EndpointsSwitchedOff", 1),
            None => {
                metrics.count("MessagesFailed", 1);
                response.add_failure(message_id);
            }
        }
    }
    metrics.emit(deps.clock.now(), deps.metrics);
    response
}
