//! The second door: what WhatsApp tells of accounts that are linked to Amazon. It
//! does what the first does, for the same reasons, in the same order; only how it
//! knows who speaks is another matter.
//!
//! **Trigger**: a topic, to which AWS End User Messaging Social publishes and which
//! invokes the function itself; and a queue of the names of those notifications at
//! which it failed three times, which Lambda then wrote to a bucket. **Reads**: two
//! secrets, the number directory, persons, what Lambda wrote. **Writes**: as the
//! first door, and which numbers it heard; what Lambda wrote is deleted once it is
//! heard. **When it fails**: the invocation fails, or the name stays in its queue,
//! and the notification comes again, for days; every write is safe to repeat.
//!
//! Law: a notification is forgotten only after every stop in it is committed and
//! everything else is durably queued or kept.
//! Law: no queue of ours holds what people wrote.

mod event;
mod record;

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lambda_events::event::sqs::SqsBatchResponse;
use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use platform::aws::Clients;
use platform::batch::{self, Disposition};
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::fault::{Fault, chain};
use platform::metrics::{Metrics, MetricsSink};
use platform::objects::{Created, Objects};
use platform::whatsapp::signature::VerifiedBody;
use platform::whatsapp::topic::{Notification, Topic};

pub use self::event::{Event, NoEvent};
use self::record::{Foreign, Record, RecordName};
use crate::delivery::{self, Incomplete};
use crate::updates;

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_SOCIAL_TOPIC_ARN`: whose notifications are believed.
    pub topic: Topic,
    /// `IZIN_SOCIAL_BUCKET`: where Lambda writes what failed three times.
    pub social_bucket: String,
    door: crate::Config,
}

impl Config {
    /// Reads the settings, or names the variable that is wrong.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            topic: env.parsed("IZIN_SOCIAL_TOPIC_ARN")?,
            social_bucket: env.required("IZIN_SOCIAL_BUCKET")?,
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
    failed: Objects,
    door: crate::Deps,
    /// When each number was last noted as heard.
    heard: Arc<Mutex<HashMap<String, Timestamp>>>,
}

impl Deps {
    /// Wires the settings to the clients.
    pub fn new(config: &Config, clients: &Clients, clock: SharedClock) -> Self {
        Self {
            topic: config.topic.clone(),
            failed: Objects::new(clients.s3.clone(), config.social_bucket.clone()),
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

    fn count(&self, name: &'static str) {
        let mut metrics = Metrics::of("webhook");
        metrics.count(name, 1);
        metrics.emit(self.door.clock.now(), self.door.metrics);
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a note is good, in one environment.
const NOTED: SignedDuration = SignedDuration::from_mins(10);

/// Notifications of one event that are under way at once.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(10).expect("10 is not zero");

/// Something in an invocation of the topic was not done; Lambda invokes again, and
/// in the end writes the notification down.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a notification is not heard to its end")]
pub struct Unheard;

/// Handles what the topic tells, or what the queue names. One notification that
/// cannot be done does not keep the others from it.
///
/// Fails if one of the topic's was not done, since nothing less than the whole event
/// can come again; of the queue's, the answer names those that shall.
pub async fn handle(event: Event, deps: &Deps) -> Result<Option<SqsBatchResponse>, Unheard> {
    match event {
        Event::Told(notifications) => match hear_all(notifications, deps).await {
            Disposition::Done => Ok(None),
            Disposition::Retry => Err(Unheard),
        },
        Event::Named(messages) => {
            let named = |created: Created| async move { hear_again(&created, deps).await };
            Ok(Some(batch::run(messages, AT_ONCE, named).await))
        }
    }
}

/// Does with each notification what the first door does with a body.
async fn hear_all(notifications: Vec<Notification>, deps: &Deps) -> Disposition {
    let heard = stream::iter(notifications).map(|notification| hear(notification, deps));
    let heard: Vec<_> = heard.buffer_unordered(AT_ONCE.get()).collect().await;
    match heard.contains(&Disposition::Retry) {
        true => Disposition::Retry,
        false => Disposition::Done,
    }
}

async fn hear(notification: Notification, deps: &Deps) -> Disposition {
    match deps.topic.believe(notification) {
        Ok(body) => match delivery::deliver(&body, &deps.door).await {
            Ok(()) => {
                deps.note_heard(&body).await;
                Disposition::Done
            }
            Err(Incomplete) => Disposition::Retry,
        },
        Err(reason) => {
            // Nothing in it is acted upon; a person finds its name among the dead
            // letters.
            tracing::error!(%reason, "notification is not believed");
            deps.count("Unbelieved");
            Disposition::Retry
        }
    }
}

/// Hears what Lambda wrote under the keys of an event of the bucket.
async fn hear_again(created: &Created, deps: &Deps) -> Disposition {
    let mut disposition = Disposition::Done;
    for key in created.keys() {
        if hear_object(key, deps).await == Disposition::Retry {
            disposition = Disposition::Retry;
        }
    }
    disposition
}

/// Hears one object and then deletes it. One that is gone was heard before. One
/// that Lambda did not write stays where it is, and its name in the queue.
async fn hear_object(key: &str, deps: &Deps) -> Disposition {
    let Some(name) = RecordName::parse(key) else {
        // Whatever stands in a stranger's key is told by the dead letters alone.
        tracing::error!("object is not named as Lambda names what failed");
        deps.count("Unbelieved");
        return Disposition::Retry;
    };
    let bytes = match deps.failed.get_if_listed(name.key()).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Disposition::Done,
        Err(fault) => {
            tracing::warn!(
                object = name.key(),
                error = chain(&fault),
                "record is not read"
            );
            return Disposition::Retry;
        }
    };
    let notifications = match Record::parse(&bytes) {
        Ok(record) => record.notifications,
        Err(Foreign) => {
            tracing::error!(object = name.key(), "object is no record of a notification");
            deps.count("Unbelieved");
            return Disposition::Retry;
        }
    };
    if hear_all(notifications, deps).await == Disposition::Retry {
        tracing::warn!(object = name.key(), "record is not heard to its end");
        return Disposition::Retry;
    }
    match deps.failed.delete(name.key()).await {
        Ok(()) => Disposition::Done,
        Err(fault) => {
            tracing::warn!(
                object = name.key(),
                error = chain(&fault),
                "record is not deleted"
            );
            Disposition::Retry
        }
    }
}
