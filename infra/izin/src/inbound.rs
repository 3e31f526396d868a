//! The two inbound functions on a stand: `webhook` and `receipts` with clients of their
//! own roles, metered, against the emulated AWS.

pub mod load;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context as _;
use aws_lambda_events::event::sqs::SqsEvent;
use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use axum::Router;
use axum::body::Body;
use emulator::aws::Aws;
use emulator::client::{Layer, Operation, layered, plain};
use emulator::meter::Meter;
use emulator::sqs::Received;
use emulator::template::{Event, Template};
use http::{Request, Response, StatusCode};
use jiff::SignedDuration;
use platform::aws::Clients;
use platform::campaigns::{AdvertisesBy, Campaigns, Number, Transport};
use platform::clock::{ManualClock, SharedClock};
use platform::config::Env;
use platform::contacts::Contacts;
use platform::invocation::Invocation;
use platform::objects::Objects;
use platform::tier::Tiers;
use policy::block::Block;
use policy::ids::{CampaignId, TenantId};
use policy::phone::PhoneNumber;
use policy::token::{ContactToken, TokenKey};
use serde_json::json;
use tower::ServiceExt as _;
use uuid::Uuid;

use self::load::Sent;
use crate::house::TEMPLATE;

const QUEUE: &str = "ReceiptsQueue";
/// The secret that Meta signs with.
pub const APP_SECRET: &str = "the app secret of the stand";
const TOKEN_KEY: &str = "the token key of the stand, 32 bytes";
const LINK_KEY: &str = "the link key of the stand, 32 bytes.";

/// The secret that `webhook` accepts while the app secret is being exchanged.
pub const OLD_APP_SECRET: &str = "the app secret of the stand before";

/// The word that Meta must know to subscribe.
pub const VERIFY_TOKEN: &str = "the verify token of the stand";

/// The portfolio of every number.
pub const PORTFOLIO: &str = "1";

/// How the queue's poller gathers messages for `receipts`, as the template says.
#[derive(Clone, Copy, Debug)]
pub struct Gathering {
    /// Most messages of one invocation.
    pub most: usize,
    /// How long it waits for more, in seconds.
    pub window_s: u32,
    /// Most invocations at a time.
    pub at_once: u32,
}

impl Gathering {
    fn of(template: &Template) -> Option<Self> {
        let events = &template.functions.get("ReceiptsFunction")?.events;
        events.values().find_map(|event| match event {
            Event::Sqs {
                queue,
                batch_size,
                window_s,
                maximum_concurrency,
                report_batch_item_failures: _,
            } if queue == QUEUE => Some(Self {
                most: *batch_size as usize,
                window_s: *window_s,
                at_once: (*maximum_concurrency)?,
            }),
            _ => None,
        })
    }
}

/// `webhook` and `receipts`, and one number of one tenant.
pub struct Stand {
    /// The clock of both.
    pub clock: ManualClock,
    /// Whose the number is.
    pub tenant: TenantId,
    /// The campaign whose statuses come.
    pub campaign: CampaignId,
    /// The table of operations, for looking at what happened.
    pub campaigns: Campaigns,
    /// The table of people, for looking at what happened.
    pub contacts: Contacts,
    /// The messaging limits of portfolios, for looking at what happened.
    pub tiers: Tiers,
    /// What is kept.
    pub objects: Objects,
    /// What is out of order.
    pub outage: Outage,
    /// How much `receipts` gets at a time.
    pub gathering: Gathering,
    /// What `webhook` asked of AWS.
    pub webhook_meter: Meter,
    /// What `receipts` asked of AWS.
    pub receipts_meter: Meter,
    aws: Aws,
    webhook: Router,
    receipts: receipts::Deps,
    tokens: TokenKey,
}

impl fmt::Debug for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stand").finish_non_exhaustive()
    }
}

impl Stand {
    /// `over` is put between the functions and AWS; `retries` is whether the
    /// SDK asks again by itself.
    pub async fn build(
        over: impl Fn(SharedHttpClient) -> SharedHttpClient,
        retries: bool,
    ) -> anyhow::Result<Self> {
        let clock = ManualClock::at("2026-11-24T03:00:00Z".parse()?);
        let shared = SharedClock::new(clock.clone());
        let template = Template::parse(TEMPLATE)?;
        let gathering = Gathering::of(&template).context("receipts has no queue")?;
        let aws = Aws::start(&template, shared.clone()).await?;
        for (id, value) in [
            ("AppSecretSecret", OLD_APP_SECRET),
            ("AppSecretSecret", APP_SECRET),
            ("VerifyTokenSecret", VERIFY_TOKEN),
            ("TokenKeySecret", TOKEN_KEY),
            ("LinkKeySecret", LINK_KEY),
        ] {
            aws.secrets.put(id, value.to_owned());
        }
        let env = |function: &str| aws.environment(function).map(Env::given);
        let outage = Outage::default();
        let clients = |function: &str, meter: &Meter| -> anyhow::Result<Clients> {
            let http = layered(outage.clone(), over(meter.over(plain())));
            let http = aws.access(function)?.over(http);
            let mut config = aws.sdk_config_over(http).to_builder();
            if !retries {
                config.set_retry_config(Some(RetryConfig::disabled()));
            }
            Ok(Clients::new(&config.build()))
        };
        let (webhook_meter, receipts_meter) = (Meter::default(), Meter::default());
        let config = webhook::Config::from_env(&env("WebhookFunction")?)?;
        let given = clients("WebhookFunction", &webhook_meter)?;
        let router = webhook::router(webhook::Deps::new(&config, &given, shared.clone()));
        let own = Clients::new(&aws.sdk_config());
        let campaigns_table = config.campaigns_table.clone();
        let campaigns = Campaigns::new(own.dynamodb.clone(), campaigns_table, shared.clone());
        let tiers = config.campaigns_table.clone();
        let tiers = Tiers::new(own.dynamodb.clone(), tiers, shared.clone());
        let contacts_table = config.contacts_table.clone();
        let contacts = Contacts::new(own.dynamodb.clone(), contacts_table, shared.clone());
        let objects = Objects::new(own.s3.clone(), config.files_bucket.clone());
        let config = receipts::Config::from_env(&env("ReceiptsFunction")?)?;
        let given = clients("ReceiptsFunction", &receipts_meter)?;
        let receipts = receipts::Deps::new(&config, &given, shared.clone());
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        campaigns.put_number(load::NUMBER, &number(tenant)).await?;
        Ok(Self {
            clock,
            tenant,
            campaign: CampaignId::from_uuid(Uuid::from_u128(2)),
            campaigns,
            tiers,
            contacts,
            objects,
            outage,
            gathering,
            webhook_meter,
            receipts_meter,
            aws,
            webhook: router,
            receipts,
            tokens: TokenKey::new(TOKEN_KEY.as_bytes()).context("the stand's key")?,
        })
    }

    /// Plans the blocks of `messages` messages, so that statuses find them.
    pub async fn plan(&self, messages: u32) -> anyhow::Result<()> {
        let now = SharedClock::new(self.clock.clone()).now();
        for number in 0..messages.div_ceil(load::BLOCK) {
            let first = number * load::BLOCK;
            let people = (first..first + load::BLOCK).map(|n| self.token(Sent(n)));
            let tokens = people.collect::<anyhow::Result<Vec<_>>>()?;
            let block = Block::planned(number, tokens, now);
            self.campaigns
                .plan_block(self.tenant, self.campaign, &block)
                .await?;
        }
        Ok(())
    }

    /// Registers another tenant, whose number has this id.
    pub async fn other_tenant(&self, id: &str) -> anyhow::Result<TenantId> {
        let tenant = TenantId::from_uuid(Uuid::from_u128(9));
        self.campaigns.put_number(id, &number(tenant)).await?;
        Ok(tenant)
    }

    /// One POST of Meta.
    pub async fn post(&self, body: Vec<u8>) -> anyhow::Result<StatusCode> {
        let request = Request::post("/webhook")
            .header("x-hub-signature-256", load::signature(APP_SECRET, &body))
            .body(Body::from(body))?;
        Ok(self.request(request).await?.status())
    }

    /// Any request of anybody.
    pub async fn request(&self, request: Request<Body>) -> anyhow::Result<Response<Body>> {
        Ok(self.webhook.clone().oneshot(request).await?)
    }

    /// Lets `receipts` have everything that waits; the bodies of the messages.
    pub async fn settle(&self) -> anyhow::Result<Vec<String>> {
        let mut finished = Vec::new();
        while self.waiting()? > 0 {
            finished.extend(self.batch(self.gathering.most).await?.1);
        }
        Ok(finished)
    }

    /// How many messages wait.
    pub fn waiting(&self) -> anyhow::Result<usize> {
        Ok(self.aws.sqs.depth(QUEUE)?.total())
    }

    /// Forgets what waits.
    pub fn forget(&self) -> anyhow::Result<()> {
        Ok(self.aws.sqs.purge(QUEUE)?)
    }

    /// Bodies of at most `max` messages, handled as one batch; how many there
    /// were, and the bodies of those that are finished.
    pub async fn batch(&self, max: usize) -> anyhow::Result<(usize, Vec<String>)> {
        let messages = self.aws.sqs.receive(QUEUE, max, None)?;
        if messages.is_empty() {
            return Ok((0, Vec::new()));
        }
        let response = receipts::handle(event(&messages)?, self.invocation(), &self.receipts).await;
        let failed: Vec<String> = response
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier)
            .collect();
        let count = messages.len();
        let mut finished = Vec::new();
        for message in messages {
            if failed.contains(&message.id) {
                let again = SignedDuration::ZERO;
                self.aws
                    .sqs
                    .change_visibility(QUEUE, &message.receipt, again)?;
            } else {
                self.aws.sqs.delete(QUEUE, &message.receipt)?;
                finished.push(message.body);
            }
        }
        Ok((count, finished))
    }

    /// Messages that were given up, back to where they came from: what an
    /// operator does once the trouble is over.
    pub fn redrive(&self) -> anyhow::Result<usize> {
        let settings = self.aws.sqs.settings(QUEUE)?;
        let Some(redrive) = settings.redrive else {
            return Ok(0);
        };
        let mut moved = 0;
        loop {
            let buried = self.aws.sqs.receive(&redrive.target, 10, None)?;
            if buried.is_empty() {
                return Ok(moved);
            }
            for message in buried {
                let again = emulator::sqs::NewMessage::text(message.body);
                self.aws.sqs.send(QUEUE, again)?;
                self.aws.sqs.delete(&redrive.target, &message.receipt)?;
                moved += 1;
            }
        }
    }

    /// The person's token.
    pub fn token(&self, sent: Sent) -> anyhow::Result<ContactToken> {
        let phone = PhoneNumber::parse_wa_id(&sent.wa_id())?;
        Ok(self.tokens.contact(self.tenant, &phone))
    }

    fn invocation(&self) -> Invocation {
        Invocation {
            deadline: SharedClock::new(self.clock.clone()).now() + SignedDuration::from_secs(30),
        }
    }
}

/// A service of AWS that answers nothing but errors; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Outage(Arc<Mutex<Option<&'static str>>>);

impl Outage {
    /// Begins: `dynamodb`, `s3`, `sqs` or `secretsmanager`.
    pub fn begin(&self, service: &'static str) {
        *self.service() = Some(service);
    }

    /// Ends.
    pub fn end(&self) {
        *self.service() = None;
    }

    fn service(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.0.lock().expect("no holder of the outage panics")
    }
}

impl Layer for Outage {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        if *self.service() != Some(Operation::of(&request).service) {
            return next.call(request);
        }
        let body = SdkBody::from(r#"{"__type":"InternalServerError"}"#);
        let status = 500_u16.try_into().expect("it is a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

fn number(tenant: TenantId) -> Number {
    Number {
        tenant,
        portfolio: PORTFOLIO.to_owned(),
        waba: load::WABA.to_owned(),
        limit_per_second: Some(80),
        inbound_per_second: Some(2),
        advertises_by: AdvertisesBy::Messages,
        transport: Transport::CloudApi,
        tier: None,
        linked: None,
    }
}

fn event(messages: &[Received]) -> anyhow::Result<SqsEvent> {
    let records: Vec<_> = messages
        .iter()
        .map(|message| json!({"messageId": message.id, "body": message.body}))
        .collect();
    Ok(serde_json::from_value(json!({"Records": records}))?)
}
