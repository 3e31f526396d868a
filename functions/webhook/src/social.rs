//! The second door: what WhatsApp tells of accounts that are linked to Amazon. It
//! does what the first does, for the same reasons, in the same order; only how it
//! knows who speaks is another matter.
//!
//! **Trigger**: the queue of a topic, to which AWS End User Messaging Social
//! publishes. **Reads**: two secrets, the number directory, persons. **Writes**: as
//! the first door, and which numbers it heard. **When it fails**: the notification stays in its queue and
//! comes again, for days; every write is safe to repeat.
//!
//! Law: a notification is forgotten only after every stop in it is committed and
//! everything else is durably queued or kept.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use platform::aws::Clients;
use platform::batch::{self, Disposition};
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::fault::{Fault, chain};
use platform::metrics::{Metrics, MetricsSink};
use platform::whatsapp::signature::VerifiedBody;
use platform::whatsapp::topic::{Notification, Topic};

use crate::delivery::{self, Incomplete};
use crate::updates;

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_SOCIAL_TOPIC_ARN`: whose notifications are believed.
    pub topic: Topic,
    door: crate::Config,
}

impl Config {
    /// Reads the settings, or names the variable that is wrong.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            topic: env.parsed("IZIN_SOCIAL_TOPIC_ARN")?,
            door: crate::Config {
                contacts_table: env.required("IZIN_CONTACTS_TABLE")?,
                campaigns_table: env.required("IZIN_CAMPAIGNS_TABLE")?,
                files_bucket: env.required("IZIN_FILES_BUCKET")?,
                receipts_queue_url: env.required("IZIN_RECEIPTS_QUEUE_URL")?,
                // This door verifies no signature and answers no challenge.
                app_secret_secret: String::new(),
                verify_token_secret: String::new(),
                token_key_secret: env.required("IZIN_TOKEN_KEY_SECRET")?,
                link_key_secret: env.optional("IZIN_LINK_KEY_SECRET"),
                metrics: MetricsSink::from_env(env),
            },
        })
    }
}

/// Everything the handler borrows; built once for each cold start.
#[derive(Clone, Debug)]
pub struct Deps {
    topic: Topic,
    door: crate::Deps,
    /// When each number was last noted as heard.
    heard: Arc<Mutex<HashMap<String, Timestamp>>>,
}

impl Deps {
    /// Wires the settings to the clients.
    pub fn new(config: &Config, clients: &Clients, clock: SharedClock) -> Self {
        Self {
            topic: config.topic.clone(),
            door: crate::Deps::new(&config.door, clients, clock),
            heard: Arc::default(),
        }
    }

    /// Notes whose word arrived here: a number of whom nothing ever did may not
    /// send. What cannot be noted is noted with the next.
    async fn note_heard(&self, body: &VerifiedBody) {
        let Ok(updates) = updates::parse(body.bytes()) else {
            return;
        };
        let numbers = updates.into_iter().filter_map(|u| u.phone_number_id);
        let now = self.door.clock.now();
        for number in numbers.collect::<BTreeSet<_>>() {
            if !self.is_news(&number, now) {
                continue;
            }
            // Only numbers that somebody registered, whatever a body names.
            let noted = async {
                if self.door.campaigns.number(&number).await?.is_some() {
                    self.door.campaigns.note_heard(&number, now).await?;
                }
                Ok::<_, Fault>(())
            };
            if let Err(fault) = noted.await {
                tracing::warn!(error = chain(&fault), "number is not noted as heard");
                self.remembered().remove(&number);
            }
        }
    }

    /// Whether the number was not noted lately; it is from now on.
    fn is_news(&self, number: &str, now: Timestamp) -> bool {
        let mut remembered = self.remembered();
        let before = remembered.get(number).copied();
        let is_news = before.is_none_or(|at| now.duration_since(at) >= NOTED);
        if is_news {
            remembered.retain(|_, at| now.duration_since(*at) < NOTED);
            remembered.insert(number.to_owned(), now);
        }
        is_news
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a note is good, in one environment.
const NOTED: SignedDuration = SignedDuration::from_mins(10);

/// Notifications of one event that are under way at once.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(10).expect("10 is not zero");

/// Handles a batch of notifications. One that cannot be done does not keep the
/// others from it.
pub async fn handle(event: SqsEvent, deps: &Deps) -> SqsBatchResponse {
    batch::run(event, AT_ONCE, |notification: Notification| async move {
        match deps.topic.believe(notification) {
            Ok(body) => match delivery::deliver(&body, &deps.door).await {
                Ok(()) => {
                    deps.note_heard(&body).await;
                    Disposition::Done
                }
                Err(Incomplete) => Disposition::Retry,
            },
            Err(reason) => {
                // Nothing in it is acted upon; a person finds it among the dead
                // letters.
                tracing::error!(%reason, "notification is not believed");
                let mut metrics = Metrics::of("webhook");
                metrics.count("Unbelieved", 1);
                metrics.emit(deps.door.clock.now(), deps.door.metrics);
                Disposition::Retry
            }
        }
    })
    .await
}
