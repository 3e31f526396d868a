//! What a simulation is told before it starts.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use crate::behaviour::Behaviour;
use crate::fault::RequestFault;

/// Everything a simulation needs to know. Start from [`Config::new`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// Signs webhooks.
    pub app_secret: SecretString,
    /// Proves, in the verification call, that Meta is calling.
    pub verify_token: SecretString,
    /// Bearer tokens that are good; two while one is being rotated.
    pub access_tokens: Vec<SecretString>,
    /// Where webhooks go. Without it they wait.
    pub webhook_url: Option<String>,
    /// The numbers a business sends from, at least one.
    pub numbers: Vec<BusinessNumber>,
    /// Business accounts that are linked to AWS End User Messaging Social.
    pub linked: Vec<LinkedAccount>,
    /// Templates by WhatsApp business account, in the shape in which the API
    /// lists them.
    pub templates: BTreeMap<String, Vec<serde_json::Value>>,
    /// What people do.
    pub behaviour: Behaviour,
    /// What happens to webhooks on their way.
    pub webhooks: WebhookChaos,
    /// What happens to requests on their way.
    pub faults: Vec<RequestFault>,
    /// Templates whose messages are held for quality assessment.
    pub holds: Vec<HoldPlan>,
    /// How long the API takes to answer a send request.
    pub answer_delay: Delay,
    /// What one person may be sent by marketing, over all businesses.
    pub user_marketing_limit: Option<UserMarketingLimit>,
    /// Whether marketing to the United States fails, as it does in the world.
    pub us_marketing_paused: bool,
    /// Code of the answer beyond the portfolio's tier. Meta's documentation
    /// names none; 131048 is the strictest that fits.
    pub tier_code: u32,
    /// Calls to templates and numbers in a rolling hour per business account;
    /// beyond it the answer is 80007.
    pub management_calls_per_hour: u32,
}

impl Config {
    /// A simulation without numbers, templates, or faults.
    pub fn new(
        app_secret: impl Into<SecretString>,
        verify_token: impl Into<SecretString>,
        access_token: impl Into<SecretString>,
    ) -> Self {
        Self {
            seed: 0,
            app_secret: app_secret.into(),
            verify_token: verify_token.into(),
            access_tokens: vec![access_token.into()],
            webhook_url: None,
            numbers: Vec::new(),
            linked: Vec::new(),
            templates: BTreeMap::new(),
            behaviour: Behaviour::default(),
            webhooks: WebhookChaos::default(),
            faults: Vec::new(),
            holds: Vec::new(),
            answer_delay: Delay::NONE,
            user_marketing_limit: None,
            us_marketing_paused: true,
            tier_code: 131_048,
            management_calls_per_hour: 5_000,
        }
    }
}

/// A number that a business sends from.
#[derive(Debug, Clone)]
pub struct BusinessNumber {
    /// The id in the path of the API.
    pub phone_number_id: String,
    /// As people see it, with plus and country code.
    pub display_phone_number: String,
    /// What goes in front of a recipient that has no plus, such as `62`.
    pub country_code: String,
    /// The WhatsApp business account it belongs to.
    pub waba_id: String,
    /// The business portfolio whose messaging tier it shares.
    pub portfolio_id: String,
    /// Messages in one sliding second, inbound and outbound together:
    /// 20, 80 or 1,000.
    pub throughput_per_second: u32,
    /// Messaging limit of the portfolio.
    pub tier: Tier,
}

/// A business account that is linked to AWS End User Messaging Social: its numbers
/// send by Amazon only, and what people do is told to Amazon only.
#[derive(Debug, Clone)]
pub struct LinkedAccount {
    /// What WhatsApp calls it.
    pub waba_id: String,
    /// What Amazon calls it: `waba-…`.
    pub id: String,
    /// What Amazon calls its numbers, by what WhatsApp calls them.
    pub phone_number_ids: BTreeMap<String, String>,
    /// ARN of the topic to which events are published. Without one nobody is
    /// told anything.
    pub event_destination: Option<String>,
}

/// How many people a portfolio may message outside a service window in a
/// rolling 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// At most so many.
    Limited(u32),
    /// No limit.
    Unlimited,
}

impl Tier {
    /// The name the API gives it, such as `TIER_2K`.
    pub fn name(self) -> String {
        match self {
            Self::Limited(people) if people >= 1_000 && people.is_multiple_of(1_000) => {
                format!("TIER_{}K", people / 1_000)
            }
            Self::Limited(people) => format!("TIER_{people}"),
            Self::Unlimited => "TIER_UNLIMITED".to_owned(),
        }
    }
}

/// A range of durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// Shortest.
    pub from: Duration,
    /// Longest.
    pub to: Duration,
}

impl Delay {
    /// No delay.
    pub const NONE: Self = Self::exactly(Duration::ZERO);

    /// Always `length`.
    pub const fn exactly(length: Duration) -> Self {
        Self {
            from: length,
            to: length,
        }
    }

    /// From so many milliseconds to so many.
    pub const fn ms(from: u64, to: u64) -> Self {
        Self {
            from: Duration::from_millis(from),
            to: Duration::from_millis(to),
        }
    }
}

/// Holds messages of a template for quality assessment.
#[derive(Debug, Clone)]
pub struct HoldPlan {
    /// The template.
    pub template_name: String,
    /// Accepted messages before the first is held.
    pub after_messages: u64,
}

/// At most `messages` marketing templates to one person in `window`.
#[derive(Debug, Clone, Copy)]
pub struct UserMarketingLimit {
    /// How many.
    pub messages: u32,
    /// In how long.
    pub window: Duration,
}

/// What happens to webhooks between Meta and the business. Probabilities are
/// per update (one status, one message), from 0 to 1.
#[derive(Debug, Clone)]
pub struct WebhookChaos {
    /// Comes twice.
    pub duplicate: f64,
    /// Comes late, so that others overtake it.
    pub late: f64,
    /// How late.
    pub lateness: Delay,
    /// A status never comes.
    pub lose_statuses: f64,
    /// A message or preference never comes.
    pub lose_messages: f64,
    /// Waits to travel with others.
    pub batch: f64,
    /// Batches leave at multiples of this.
    pub batch_window: Duration,
    /// Most updates in one POST; Meta sends up to 1,000.
    pub updates_per_post: usize,
    /// POSTs under way at once, in [`Simulator::run`](crate::Simulator::run).
    pub concurrency: usize,
    /// How long an answer may take.
    pub timeout: Duration,
    /// What follows an answer other than 200.
    pub retry: RetryPlan,
}

impl Default for WebhookChaos {
    fn default() -> Self {
        Self {
            duplicate: 0.0,
            late: 0.0,
            lateness: Delay::ms(1_000, 10_000),
            lose_statuses: 0.0,
            lose_messages: 0.0,
            batch: 0.0,
            batch_window: Duration::from_millis(250),
            updates_per_post: 1_000,
            concurrency: 16,
            timeout: Duration::from_secs(10),
            retry: RetryPlan::default(),
        }
    }
}

/// When an undelivered POST is tried again: after `first`, then after twice as
/// long each time, up to `longest` between two tries.
#[derive(Debug, Clone, Copy)]
pub struct RetryPlan {
    /// Wait before the second attempt.
    pub first: Duration,
    /// Longest wait.
    pub longest: Duration,
    /// Attempts in all, before the POST is given up.
    pub attempts: u32,
}

impl Default for RetryPlan {
    /// From one second to six hours, over about seven days.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(6 * 3_600),
            attempts: 41,
        }
    }
}

impl RetryPlan {
    /// The wait after the attempt with this number (the first is 1), or `None`
    /// once the POST is given up.
    pub(crate) fn wait_after(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let factor = 2_u32.saturating_pow(attempt - 1);
        Some(self.first.saturating_mul(factor).min(self.longest))
    }
}

/// Why a simulation could not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A template is not in the listing's shape.
    #[error("template {index} of business account {waba_id} is not in the shape of a listing")]
    Template {
        /// The business account.
        waba_id: String,
        /// Its place in the list.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// There is no number to send from.
    #[error("no business number is configured")]
    NoNumber,
    /// The webhook URL is no URL.
    #[error("webhook address is not a URL")]
    WebhookUrl,
    /// No port on the loopback interface, or no HTTP client.
    #[error("failed to listen on the loopback interface")]
    Listen(#[source] std::io::Error),
    /// The HTTP client for webhooks could not be made.
    #[error("failed to build the webhook client")]
    Client(#[source] reqwest::Error),
}
