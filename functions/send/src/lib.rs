//! Sends blocks: intent, facts, decide, lease, claim, WhatsApp, outcome.
//!
//! **Trigger**: the send queue ([`SendTask`], ranges of blocks), and a queue of
//! its own for single messages and for answers to what people wrote. **Reads**: the
//! campaign, the blocks, their people, strongly. **Writes**: the intent of a
//! block, a claim on each person, slots of the number, outcomes. **When it
//! fails**: at most once. A crash before a claim leaves the person pending; a
//! crash after it leaves them in doubt, and nobody is ever asked twice by
//! itself. Near its deadline the rest of a range goes into a new message.
//!
//! `range` walks the blocks, `content` finds out what they say, `block` runs one, `slots` hands slots out to those
//! who wait, `delivery` brings one message to its slot and over the wire,
//! `ledger` keeps what came of each, `room` reserves places in the portfolio's day, `standing` finds who has one, `pages` signs the way to a person's own page, `way` says by which transport a number sends.

mod block;
mod breaker;
mod content;
mod delivery;
mod facts;
mod file;
mod ledger;
mod message;
mod money;
mod pages;
mod range;
mod reflex;
mod room;
mod slots;
mod standing;
mod tally;
mod way;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use platform::aws::Clients;
use platform::batch::{self, Disposition};
use platform::campaigns::Campaigns;
use platform::clock::SharedClock;
use platform::config::{ConfigError, Env};
use platform::contacts::Contacts;
use platform::fault::{Fault, chain};
use platform::ids::Ids;
use platform::invocation::Invocation;
use platform::metrics::{Metrics, MetricsSink};
use platform::objects::Objects;
use platform::queue::{Queue, SendTask};
use platform::rate::{Lane, Rates};
use platform::secrets::Secrets;
use platform::tier::Tiers;
use platform::whatsapp::{self, Transport, social};
use policy::pace::Pace;

use crate::reflex::Reflex;
pub use crate::tally::Tally;

/// Settings; each field is one variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `IZIN_CONTACTS_TABLE`
    pub contacts_table: String,
    /// `IZIN_CAMPAIGNS_TABLE`
    pub campaigns_table: String,
    /// `IZIN_FILES_BUCKET`: where the checked files of messages lie.
    pub files_bucket: String,
    /// `IZIN_SEND_QUEUE_URL`
    pub send_queue_url: String,
    /// `IZIN_TRIGGERED_QUEUE_URL`
    pub triggered_queue_url: String,
    /// `IZIN_WHATSAPP_TOKEN_SECRET`: name or ARN of the secret.
    pub whatsapp_token_secret: String,
    /// `IZIN_LINK_KEY_SECRET`: name or ARN of the secret that signs the links to
    /// people's own pages.
    pub link_key_secret: String,
    /// `IZIN_PUBLIC_URL`: where people's own pages are, up to `/p`; without it
    /// answers do not show the way there.
    pub public_url: Option<String>,
    /// `IZIN_GRAPH_URL`, by default Meta's.
    pub graph_url: String,
    /// `IZIN_GRAPH_VERSION`, by default `v25.0`.
    pub graph_version: String,
    /// Amazon's way, where a topic tells what people answer to it.
    pub social: Option<social::Config>,
    /// `IZIN_IN_FLIGHT_MAX`: messages of one worker under way at the same time,
    /// by default 400; each needs a connection of its own.
    pub in_flight_max: NonZeroUsize,
    /// `IZIN_TRANSIT_MS`: N of the slot proof, by how many milliseconds the way
    /// to WhatsApp may vary; by default 10.
    pub transit: SignedDuration,
    /// `AWS_LAMBDA_FUNCTION_NAME`, which Lambda sets: metric records are printed
    /// only there.
    pub metrics: MetricsSink,
}

impl Config {
    /// Reads the settings, or names the variable that is wrong.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let in_flight_max = NonZeroUsize::new(400).expect("400 is not zero");
        Ok(Self {
            contacts_table: env.required("IZIN_CONTACTS_TABLE")?,
            campaigns_table: env.required("IZIN_CAMPAIGNS_TABLE")?,
            files_bucket: env.required("IZIN_FILES_BUCKET")?,
            send_queue_url: env.required("IZIN_SEND_QUEUE_URL")?,
            triggered_queue_url: env.required("IZIN_TRIGGERED_QUEUE_URL")?,
            whatsapp_token_secret: env.required("IZIN_WHATSAPP_TOKEN_SECRET")?,
            link_key_secret: env.required("IZIN_LINK_KEY_SECRET")?,
            public_url: env
                .optional("IZIN_PUBLIC_URL")
                .map(|url| url.trim_end_matches('/').to_owned()),
            graph_url: env.parsed_or("IZIN_GRAPH_URL", "https://graph.facebook.com".to_owned())?,
            graph_version: env.parsed_or("IZIN_GRAPH_VERSION", "v25.0".to_owned())?,
            social: social::Config::from_env(env)?,
            in_flight_max: env.parsed_or("IZIN_IN_FLIGHT_MAX", in_flight_max)?,
            transit: SignedDuration::from_millis(env.parsed_or("IZIN_TRANSIT_MS", 10)?),
            metrics: MetricsSink::from_env(env),
        })
    }
}

/// Everything the handler borrows; built once for each cold start.
#[derive(Clone, Debug)]
pub struct Deps {
    clock: SharedClock,
    ids: Ids,
    contacts: Contacts,
    campaigns: Campaigns,
    objects: Objects,
    rates: Rates,
    tiers: Tiers,
    queue: Queue,
    triggered: Queue,
    secrets: Secrets,
    whatsapp: whatsapp::Client,
    social: Option<social::Client>,
    token_secret: String,
    link_key_secret: String,
    public_url: Option<String>,
    in_flight_max: NonZeroUsize,
    transit: SignedDuration,
    metrics: MetricsSink,
    tally: Arc<Tally>,
    reflex: Arc<Reflex>,
    /// When the connections of each transport were last warm.
    warm_at: Arc<Mutex<HashMap<&'static str, Timestamp>>>,
}

impl Deps {
    /// Wires the settings to the clients.
    pub fn new(
        config: &Config,
        clients: &Clients,
        clock: SharedClock,
        ids: Ids,
    ) -> Result<Self, Fault> {
        let dynamodb = &clients.dynamodb;
        let campaigns_table = config.campaigns_table.clone();
        Ok(Self {
            contacts: Contacts::new(
                dynamodb.clone(),
                config.contacts_table.clone(),
                clock.clone(),
            ),
            campaigns: Campaigns::new(dynamodb.clone(), campaigns_table.clone(), clock.clone()),
            tiers: Tiers::new(dynamodb.clone(), campaigns_table.clone(), clock.clone()),
            rates: Rates::new(dynamodb.clone(), campaigns_table, clock.clone()),
            objects: Objects::new(clients.s3.clone(), config.files_bucket.clone()),
            queue: Queue::new(clients.sqs.clone(), config.send_queue_url.clone()),
            triggered: Queue::new(clients.sqs.clone(), config.triggered_queue_url.clone()),
            secrets: Secrets::new(clients.secrets.clone(), clock.clone()),
            whatsapp: whatsapp::Client::new(&config.graph_url, &config.graph_version)?,
            social: match &config.social {
                Some(social) => Some(social::Client::new(&clients.config, social)?),
                None => None,
            },
            token_secret: config.whatsapp_token_secret.clone(),
            link_key_secret: config.link_key_secret.clone(),
            public_url: config.public_url.clone(),
            in_flight_max: config.in_flight_max,
            transit: config.transit,
            metrics: config.metrics,
            tally: Arc::default(),
            reflex: Arc::new(Reflex::new(config.in_flight_max)),
            warm_at: Arc::default(),
            clock,
            ids,
        })
    }

    /// What became of this process's slots, for measurements.
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    /// The queue that a lane's work comes from, and goes back to.
    fn queue_of(&self, lane: Lane) -> &Queue {
        match lane {
            Lane::Campaign => &self.queue,
            Lane::Triggered => &self.triggered,
        }
    }

    /// Opens the connections that a number of this pace needs when answers take
    /// their usual time, unless they were used a moment ago.
    async fn warm_up(&self, transport: &Transport, pace: &Pace) {
        let now = self.clock.now();
        let recently = self
            .warm_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(transport.code(), now);
        if recently.is_some_and(|at| now.duration_since(at) < STAYS_WARM) {
            return;
        }
        let in_flight = pace.milli_rate() * ANSWER_MS / 1_000_000 + 1;
        let wanted = usize::try_from(in_flight).unwrap_or(usize::MAX);
        transport.warm(wanted.min(self.in_flight_max.get())).await;
    }

    /// The same, speaking to WhatsApp through `whatsapp`.
    #[must_use]
    pub fn through(mut self, whatsapp: whatsapp::Client) -> Self {
        self.whatsapp = whatsapp;
        self
    }

    /// The same, speaking to Amazon through `social`, if at all.
    #[must_use]
    pub fn through_social(mut self, social: Option<social::Client>) -> Self {
        self.social = social;
        self
    }
}

/// How long WhatsApp may take to answer while no slot lacks a connection.
const ANSWER_MS: u64 = 400;

/// How long connections are taken to stay open: less than servers keep them.
const STAYS_WARM: SignedDuration = SignedDuration::from_secs(45);

/// How many tasks of one event are under way at once. A campaign's range comes
/// alone; single messages come together, and none waits for another's answer.
const TASKS_AT_ONCE: NonZeroUsize = NonZeroUsize::new(10).expect("10 is not zero");

/// Handles a batch of tasks.
pub async fn handle(event: SqsEvent, invocation: Invocation, deps: &Deps) -> SqsBatchResponse {
    batch::run(event, TASKS_AT_ONCE, |task: SendTask| async move {
        let mut metrics = Metrics::of("send");
        let sent = range::send(&task, invocation, deps, &mut metrics).await;
        metrics.emit(deps.clock.now(), deps.metrics);
        match sent {
            Ok(()) => Disposition::Done,
            Err(fault) => {
                tracing::warn!(error = chain(&fault), "range comes again");
                Disposition::Retry
            }
        }
    })
    .await
}
