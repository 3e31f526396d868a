//! The handle of a running simulation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::courier::{Courier, current_url, run_webhooks};
use crate::delivery::Delivered;
use crate::fault::RequestFault;
use crate::inbox::Inbox;
use crate::person::PersonRef;
use crate::report::{PersonLog, Report};
use crate::server::{Shared, serve};
use crate::wa_id::WaId;
use crate::world::{HeldOutcome, Preference, World};

/// A WhatsApp that listens on the loopback interface until it is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    courier: Arc<Courier>,
    webhook_url: Arc<Mutex<Option<String>>>,
    verify_token: SecretString,
    base_url: String,
    concurrency: usize,
    is_running: AtomicBool,
    /// The listener, and the webhook loop once [`Simulator::run`] was called.
    tasks: Mutex<JoinSet<()>>,
}

impl Simulator {
    /// Starts to listen. Webhooks wait for [`Simulator::run`] or for a call
    /// that delivers them.
    pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let world = World::new(&config)?;
        if let Some(url) = &config.webhook_url {
            check_url(url)?;
        }
        let courier = Courier::new(config.app_secret, config.webhooks.timeout)
            .map_err(ConfigError::Client)?;
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(ConfigError::Listen)?;
        let address = listener.local_addr().map_err(ConfigError::Listen)?;
        let shared = Arc::new(Shared::new(clock, world, config.access_tokens));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            shared,
            courier: Arc::new(courier),
            webhook_url: Arc::new(Mutex::new(config.webhook_url)),
            verify_token: config.verify_token,
            base_url: format!("http://{address}"),
            concurrency: config.webhooks.concurrency.max(1),
            is_running: AtomicBool::new(false),
            tasks: Mutex::new(tasks),
        })
    }

    /// Where the API listens, such as `http://127.0.0.1:49152`; a version
    /// follows it in the path.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where webhooks go from now on. Those that wait go there too.
    pub fn set_webhook_url(&self, url: &str) -> Result<(), ConfigError> {
        check_url(url)?;
        let mut held = self
            .webhook_url
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *held = Some(url.to_owned());
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Where events of linked accounts are published to from now on: an SNS.
    pub fn set_topics_url(&self, url: &str) {
        self.courier.set_topics_url(url);
    }

    /// To which topic Amazon publishes what people do at a linked account from
    /// now on. Whether there is such an account.
    pub fn set_event_destination(&self, waba_id: &str, topic_arn: Option<&str>) -> bool {
        let mut world = self.shared.world();
        let mut accounts = world.linked.iter_mut();
        let account = accounts.find(|account| account.waba_id == waba_id);
        account.is_some_and(|account| {
            account.event_destination = topic_arn.map(str::to_owned);
            true
        })
    }

    /// The bearer tokens that are good from now on.
    pub fn set_access_tokens(&self, tokens: Vec<SecretString>) {
        self.shared.set_access_tokens(tokens);
    }

    /// Asks the webhook Meta's verification question.
    pub async fn verify_webhook(&self) -> Result<(), VerifyWebhookError> {
        let url = self.url().ok_or(VerifyWebhookError::NoWebhook)?;
        let challenge = "1158201444";
        let (status, body) = self
            .courier
            .verify(&url, &self.verify_token, challenge)
            .await
            .map_err(VerifyWebhookError::Ask)?;
        match (status, body == challenge) {
            (200, true) => Ok(()),
            (200, false) => Err(VerifyWebhookError::WrongChallenge),
            (status, _) => Err(VerifyWebhookError::Status(status)),
        }
    }

    /// Delivers webhooks by itself from now on, at the pace of the clock.
    /// Calling it again changes nothing.
    pub fn run(&self) {
        if self.is_running.swap(true, Ordering::Relaxed) {
            return;
        }
        let webhooks = run_webhooks(
            Arc::clone(&self.shared),
            Arc::clone(&self.courier),
            Arc::clone(&self.webhook_url),
            self.concurrency,
        );
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spawn(webhooks);
    }

    /// Whether nothing is to come: nobody is about to do anything, and no
    /// webhook waits or is under way. Messages that are held do not count.
    pub fn is_idle(&self) -> bool {
        self.shared.world().is_idle()
    }

    /// When the next thing happens or the next webhook is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.shared.world().next_due()
    }

    /// Delivers the next webhook if one is due.
    pub async fn step(&self) -> Delivered {
        let now = self.shared.clock.now();
        self.deliver(now, Some(1)).await
    }

    /// Delivers all webhooks that are due, one after the other, those that
    /// become due by delivering included.
    pub async fn deliver_due(&self) -> Delivered {
        let now = self.shared.clock.now();
        self.deliver(now, None).await
    }

    /// Lets everything happen that is still to come, and delivers it, without
    /// waiting for its time and without moving the clock.
    pub async fn drain(&self) -> Delivered {
        self.deliver(Timestamp::MAX, None).await
    }

    /// The inbox of a business number: what people do there. `None` if there
    /// is no such number.
    pub fn inbox(&self, phone_number_id: &str) -> Option<Inbox<'_>> {
        self.shared.world().number(phone_number_id).ok()?;
        Some(Inbox {
            shared: &self.shared,
            number: phone_number_id.to_owned(),
        })
    }

    /// A person writes to the first business number; see [`Inbox::says`].
    pub fn person_says(&self, person: &WaId, text: &str) {
        self.first_inbox().says(person, text);
    }

    /// A person asks the first business number, in these words, to stop.
    pub fn person_says_stop(&self, person: &WaId, text: &str) {
        self.first_inbox().says_stop(person, text);
    }

    /// A person uses WhatsApp's own switch for marketing by the first number.
    pub fn person_prefers(&self, person: &WaId, preference: Preference) {
        self.first_inbox().prefers(person, preference);
    }

    /// Some of these people say stop to the first number before long; see
    /// [`Inbox::plan_early_stops`].
    pub fn plan_early_stops(&self, people: &[WaId]) -> usize {
        self.first_inbox().plan_early_stops(people)
    }

    /// A person blocks the business.
    pub fn person_blocks(&self, person: &WaId) {
        self.shared.world().block(person);
    }

    /// Adds a fault that later requests meet.
    pub fn add_fault(&self, fault: RequestFault) {
        self.shared.world().faults.add(fault);
    }

    /// Sends or drops all messages held for quality assessment; how many.
    pub fn settle_held(&self, outcome: HeldOutcome) -> usize {
        let now = self.shared.clock.now();
        let settled = self.shared.world().settle_held(now, outcome);
        self.shared.wake.notify_one();
        settled
    }

    /// Adds a template to a business account, as the API lists it, or replaces
    /// the one of its name and language.
    pub fn put_template(&self, waba_id: &str, listed: Value) -> Result<(), serde_json::Error> {
        self.shared.world().templates.insert(waba_id, listed)
    }

    /// Changes a template's status, such as to `PAUSED`, and tells the webhook.
    /// Whether there is such a template.
    pub fn set_template_status(
        &self,
        waba_id: &str,
        name: &str,
        language: &str,
        status: &str,
    ) -> bool {
        let now = self.shared.clock.now();
        let mut world = self.shared.world();
        world.advance(now);
        let Some(template) = world.templates.set_status(waba_id, name, language, status) else {
            return false;
        };
        let value = json!({
            "event": status,
            "message_template_id": template.id.parse::<u64>().unwrap_or_default(),
            "message_template_name": template.name,
            // Webhooks write the language with a hyphen.
            "message_template_language": template.language.replace('_', "-"),
            "message_template_category": template.category,
            "reason": Value::Null,
        });
        world.tell_value(now, waba_id, "message_template_status_update", value);
        drop(world);
        self.shared.wake.notify_one();
        true
    }

    /// Changes what the API tells of a number: its quality rating (`GREEN`,
    /// `YELLOW`, `RED`) and whether it can send (`AVAILABLE`, `LIMITED`,
    /// `BLOCKED`; a blocked number's requests end in 131031). Whether there is
    /// such a number.
    pub fn set_number_health(&self, phone_number_id: &str, quality: &str, health: &str) -> bool {
        let mut world = self.shared.world();
        let Some(number) = world.numbers.get_mut(phone_number_id) else {
            return false;
        };
        quality.clone_into(&mut number.quality);
        health.clone_into(&mut number.health);
        true
    }

    /// Tells the webhook the value of any field, such as `account_update`.
    pub fn tell(&self, waba_id: &str, field: &str, value: Value) {
        let now = self.shared.clock.now();
        let mut world = self.shared.world();
        world.advance(now);
        world.tell_value(now, waba_id, field, value);
        drop(world);
        self.shared.wake.notify_one();
    }

    /// What was measured so far.
    pub fn report(&self) -> Report {
        self.shared.world().report()
    }

    /// What arrived for a person and what they said, if anything did.
    pub fn person_log(&self, person: &WaId) -> Option<PersonLog> {
        self.shared.world().person_log(person)
    }

    /// How reports name a person.
    pub fn person_ref(&self, person: &WaId) -> PersonRef {
        PersonRef::new(self.shared.world().seed, person)
    }

    fn url(&self) -> Option<String> {
        current_url(&self.webhook_url)
    }

    fn first_inbox(&self) -> Inbox<'_> {
        Inbox {
            shared: &self.shared,
            number: self.shared.world().first_number(),
        }
    }

    async fn deliver(&self, until: Timestamp, most: Option<u64>) -> Delivered {
        let mut delivered = Delivered::default();
        let Some(url) = self.url() else {
            return delivered;
        };
        while most.is_none_or(|most| delivered.posts < most) {
            let now = self.shared.clock.now();
            let Some(post) = self.shared.world().take_post(until, now) else {
                break;
            };
            delivered.posts += 1;
            delivered.updates += post.updates.len() as u64;
            let arrived = self.courier.carry(&self.shared, &url, &post).await;
            delivered.failures += u64::from(!arrived);
            let now = self.shared.clock.now();
            self.shared.world().settle(post, arrived, now);
        }
        delivered
    }
}

fn check_url(url: &str) -> Result<(), ConfigError> {
    match url.parse::<reqwest::Url>() {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(()),
        Ok(_) | Err(_) => Err(ConfigError::WebhookUrl),
    }
}

/// Why Meta would not take a webhook address.
#[derive(Debug, thiserror::Error)]
pub enum VerifyWebhookError {
    /// The webhook could not be asked.
    #[error("failed to reach the webhook")]
    Ask(#[source] reqwest::Error),
    /// No address has been set.
    #[error("no webhook address is set")]
    NoWebhook,
    /// The answer's status is not 200.
    #[error("webhook answered with status {0}")]
    Status(u16),
    /// The answer's body is not the challenge.
    #[error("webhook did not repeat the challenge")]
    WrongChallenge,
}
