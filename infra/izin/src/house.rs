//! The house: AWS, the functions and WhatsApp in one process, wired by
//! the same template that the cloud gets.

mod functions;
mod seeds;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context as _;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use axum::body::Bytes;
use axum::http::{self, Request};
use emulator::account::arn;
use emulator::aws::Aws;
use emulator::crash::CrashPlan;
use emulator::sns::topic_arn;
use emulator::template::Template;
use emulator::wiring::{Front, Wiring};
use jiff::Timestamp;
use platform::aws::Clients;
use platform::clock::SharedClock;
use platform::expansion::Expander;
use platform::ids::Ids;
use platform::outside::Town;
use platform::poster::Poster;
use policy::pace::Pace;
use serde_json::Value;
use simulator::{Behaviour, BusinessNumber, Delay, LinkedAccount, Simulator, Tier, WebhookChaos};
use tokio::net::TcpListener;

pub use self::seeds::Seeds;

/// The template that the cloud gets.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

/// How a house is furnished.
#[derive(Clone, Debug)]
pub struct Options {
    /// The clock of everything in it.
    pub clock: SharedClock,
    /// What chance and the keys follow from.
    pub seed: u64,
    /// The number's throughput limit, messages per second.
    pub limit_per_second: u32,
    /// The share of it that is kept for what people write, messages per second.
    pub inbound_per_second: u32,
    /// How many people the portfolio may reach in a day.
    pub tier: Tier,
    /// How simulated people behave.
    pub behaviour: Behaviour,
    /// What happens to webhooks on their way.
    pub webhooks: WebhookChaos,
    /// Whether functions are stopped at their time limit; not under a clock that
    /// jumps.
    pub time_limits: bool,
    /// When functions are killed.
    pub crashes: CrashPlan,
    /// Variables beyond those of the template, such as `IZIN_BLOCK_SIZE`.
    pub variables: Vec<(&'static str, String)>,
    /// What the stack is deployed with, where it is not the default.
    pub parameters: Vec<(&'static str, String)>,
    /// Who follows short links; by default nobody, so that nothing leaves this
    /// machine.
    pub expander: Option<Expander>,
    /// Who posts events; by default nobody, so that nothing leaves this machine.
    pub poster: Option<Poster>,
    /// How long WhatsApp takes to answer.
    pub answers: Delay,
    /// What lies between the functions and AWS.
    pub network: Network,
    /// Whether the number's account is linked to AWS End User Messaging Social, and
    /// sends that way.
    pub by_amazon: bool,
}

impl Options {
    /// A house where nothing goes wrong and nobody waits: a number of
    /// `limit_per_second` without a daily limit.
    pub fn quiet(clock: SharedClock, seed: u64, limit_per_second: u32) -> Self {
        Self {
            clock,
            seed,
            limit_per_second,
            inbound_per_second: Pace::usual_inbound(limit_per_second),
            tier: Tier::Unlimited,
            behaviour: Behaviour::default(),
            webhooks: WebhookChaos::default(),
            time_limits: false,
            crashes: CrashPlan::never(),
            variables: Vec::new(),
            parameters: Vec::new(),
            expander: None,
            poster: None,
            answers: Delay::NONE,
            network: Network::default(),
            by_amazon: false,
        }
    }
}

/// What lies between a function, by logical id, and AWS: layers that count,
/// delay or watch. By default nothing.
#[derive(Clone)]
pub struct Network(Arc<dyn Fn(&str) -> SharedHttpClient + Send + Sync>);

impl Network {
    /// Asks `client` for the HTTP client of each function.
    pub fn new(client: impl Fn(&str) -> SharedHttpClient + Send + Sync + 'static) -> Self {
        Self(Arc::new(client))
    }

    fn client(&self, function: &str) -> SharedHttpClient {
        (self.0)(function)
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new(|_| emulator::client::plain())
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

/// A house with everything running but the pollers.
pub struct House {
    /// The emulated AWS.
    pub aws: Aws,
    /// What starts the functions.
    pub wiring: Wiring,
    /// The emulated WhatsApp.
    pub simulator: Simulator,
    /// The HTTP API, listening.
    pub front: Front,
    /// Who was there from the start.
    pub seeds: Seeds,
    /// Clients of the emulated AWS that no crash plan counts.
    pub clients: Clients,
    /// The clock of everything.
    pub clock: SharedClock,
}

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("House").finish_non_exhaustive()
    }
}

impl House {
    /// Builds a house; call within a Tokio runtime.
    pub async fn build(options: Options) -> anyhow::Result<Self> {
        let template = Template::parse_with(TEMPLATE, &parameters(&options))
            .context("cannot read template.yaml")?;
        let clock = options.clock.clone();
        let aws = Aws::start(&template, clock.clone()).await?;
        let seeds = Seeds::of(options.seed);
        for (name, value) in seeds.secrets() {
            aws.secrets.put(name, value);
        }

        let mut config = simulator_config(&options, &seeds);
        if options.by_amazon {
            config.linked = vec![linked_account(&template)];
        }
        let simulator = Simulator::start(config, simulated(&clock)).await?;
        simulator.set_topics_url(aws.sns_url());
        // Nothing leaves this machine unless a caller asks for it.
        let mut variables = vec![("IZIN_FOLLOW_LINKS", "off".to_owned())];
        variables.extend(options.variables.clone());
        variables.push(("IZIN_GRAPH_URL", simulator.base_url().to_owned()));
        variables.push(("IZIN_SOCIAL_URL", simulator.base_url().to_owned()));
        let functions = functions::Functions {
            aws: &aws,
            clock: clock.clone(),
            ids: Ids::seeded(options.seed),
            variables,
            crashes: options.crashes.clone(),
            network: options.network.clone(),
            expander: options.expander.clone(),
            poster: match &options.poster {
                Some(poster) => poster.clone(),
                None => Poster::within(Town::empty()).context("cannot build a poster")?,
            },
        };
        let wiring = Wiring::new(&aws, functions.all()?, options.crashes.clone())?;

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let front = if options.time_limits {
            wiring.front(listener)?
        } else {
            wiring.patient_front(listener)?
        };
        simulator.set_webhook_url(&format!("{}/webhook", front.url))?;

        let clients = Clients::new(&aws.sdk_config());
        let campaigns = functions::campaigns(&aws, &clients, clock.clone())?;
        seeds.plant(&campaigns, &options).await?;
        functions::tiers(&aws, &clients, clock.clone())?
            .note_tier(Seeds::PORTFOLIO, &options.tier.name())
            .await?;
        Ok(Self {
            aws,
            wiring,
            simulator,
            front,
            seeds,
            clients,
            clock,
        })
    }

    /// A request of the seeded operator to the HTTP API, as JSON; `key` makes a
    /// repetition safe.
    pub fn operators_request(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: &Value,
    ) -> http::Result<Request<Bytes>> {
        let body = match method {
            "GET" => String::new(),
            _ => body.to_string(),
        };
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "api.example")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.seeds.bearer()))
            .header("idempotency-key", key)
            .body(Bytes::from(body))
    }

    /// The table of operations, for looking at what happened.
    pub fn campaigns(&self) -> anyhow::Result<platform::campaigns::Campaigns> {
        functions::campaigns(&self.aws, &self.clients, self.clock.clone())
    }

    /// The messaging limits of portfolios, for looking at what happened.
    pub fn tiers(&self) -> anyhow::Result<platform::tier::Tiers> {
        self.tiers_by(self.clock.clone())
    }

    /// The messaging limits of portfolios, as a process with this clock sees
    /// them.
    pub fn tiers_by(&self, clock: SharedClock) -> anyhow::Result<platform::tier::Tiers> {
        functions::tiers(&self.aws, &self.clients, clock)
    }

    /// The table of people, for looking at what happened.
    pub fn contacts(&self) -> anyhow::Result<platform::contacts::Contacts> {
        functions::contacts(&self.aws, &self.clients, self.clock.clone())
    }
}

/// The parameters of the stack that differ from their defaults.
fn parameters(options: &Options) -> BTreeMap<String, String> {
    let by_amazon = [
        ("SocialMessaging", "on".to_owned()),
        (
            "SocialSenders",
            social_arn(Seeds::LINKED_NUMBER, "phone-number-id"),
        ),
        ("SocialAccounts", social_arn(Seeds::LINKED_WABA, "waba")),
    ];
    let linked = by_amazon.iter().filter(|_| options.by_amazon);
    linked
        .chain(&options.parameters)
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

/// The ARN of what Amazon calls `id`.
fn social_arn(id: &str, kind: &str) -> String {
    let rest = id.strip_prefix(kind).unwrap_or(id).trim_start_matches('-');
    arn("social-messaging", &format!("{kind}/{rest}"))
}

/// The account as Amazon knows it: its events go to the stack's topic, if it has
/// one.
fn linked_account(template: &Template) -> LinkedAccount {
    let has_topic = template.types.contains_key(TOPIC);
    LinkedAccount {
        waba_id: Seeds::WABA.to_owned(),
        id: Seeds::LINKED_WABA.to_owned(),
        phone_number_ids: BTreeMap::from([(
            Seeds::PHONE_NUMBER_ID.to_owned(),
            Seeds::LINKED_NUMBER.to_owned(),
        )]),
        event_destination: has_topic.then(|| topic_arn(TOPIC)),
    }
}

/// The topic in the template.
const TOPIC: &str = "SocialTopic";

/// The simulator of a house.
pub(crate) fn simulator_config(options: &Options, seeds: &Seeds) -> simulator::Config {
    let mut config = simulator::Config::new(
        seeds.app_secret.clone(),
        seeds.verify_token.clone(),
        seeds.access_token.clone(),
    );
    config.seed = options.seed;
    config.behaviour = options.behaviour.clone();
    config.webhooks = options.webhooks.clone();
    config.answer_delay = options.answers;
    config.numbers = vec![BusinessNumber {
        phone_number_id: Seeds::PHONE_NUMBER_ID.to_owned(),
        display_phone_number: "+62 21 5550 0100".to_owned(),
        country_code: "62".to_owned(),
        waba_id: Seeds::WABA.to_owned(),
        portfolio_id: Seeds::PORTFOLIO.to_owned(),
        throughput_per_second: options.limit_per_second,
        tier: options.tier,
    }];
    config.templates.insert(
        Seeds::WABA.to_owned(),
        vec![Seeds::template(), Seeds::picture_template()],
    );
    config
}

/// The simulator has a clock of its own kind; this is ours in it.
#[derive(Debug)]
struct SimulatedClock(SharedClock);

impl simulator::Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.0.sleep_until(at))
    }
}

/// `clock` as the simulator takes it.
pub(crate) fn simulated(clock: &SharedClock) -> Arc<dyn simulator::Clock> {
    Arc::new(SimulatedClock(clock.clone()))
}
