//! The ground on which the other ways are built: the same tables and queues,
//! the same WhatsApp, the same faults; and the loop that Lambda's pollers make.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use emulator::aws::Aws;
use emulator::client::plain;
use emulator::crash::CrashPlan;
use emulator::meter::Meter;
use emulator::sqs::{Received, Redrive, Settings};
use emulator::template::Template;
use emulator::virtual_time::VirtualClock;
use jiff::SignedDuration;
use platform::clock::{Clock as _, SharedClock};
use serde_json::{Value, json};
use simulator::{
    Behaviour, Delay, FaultEffect, FaultWhen, RequestFault, Simulator, Tier, WebhookChaos,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Setting;
use super::count::{Run, Seen, Stage};
use crate::bench::start;
use crate::house::{self, Network, Options, Seeds};

/// How long WhatsApp takes to answer.
pub(super) const ANSWERS: Delay = Delay::ms(200, 400);

/// In the disturbed runs: how likely a process dies after one of its effects.
pub(super) const CRASH_RATE: f64 = 0.01;

/// In the disturbed runs: how likely WhatsApp takes a message and says nothing.
pub(super) const TIMEOUT_RATE: f64 = 0.02;

/// How long WhatsApp says nothing then.
const SILENCE: Duration = Duration::from_secs(25);

/// Everybody reads, so that each message has three statuses.
pub(super) fn behaviour() -> Behaviour {
    Behaviour {
        reads: 1.0,
        ..Behaviour::default()
    }
}

/// One status in each POST: the dearest case.
pub(super) fn webhooks(disturbed: bool) -> WebhookChaos {
    if disturbed {
        WebhookChaos {
            duplicate: 0.1,
            late: 0.2,
            lateness: Delay::ms(500, 120_000),
            ..WebhookChaos::default()
        }
    } else {
        WebhookChaos::default()
    }
}

/// A way to build it, message by message.
pub(super) trait Design: Send + Sync + 'static {
    /// Whether a failed message leaves the others of its batch finished.
    const PARTIAL: bool;

    /// How many workers run at once for a number of so many messages a second.
    fn workers(&self, mps: u32) -> u32;

    /// Plans one message.
    fn plan(&self, desk: &Desk, person: u32) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Sends one message.
    fn work(&self, ground: &Ground, person: u32)
    -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Takes one status.
    fn status(
        &self,
        desk: &Desk,
        status: &MessageStatus,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// A status as WhatsApp reports it.
#[derive(Debug)]
pub(super) struct MessageStatus {
    pub(super) wamid: String,
    pub(super) person: u32,
    pub(super) status: String,
}

/// The AWS of one function, counted.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) dynamodb: aws_sdk_dynamodb::Client,
    pub(super) sqs: aws_sdk_sqs::Client,
    pub(super) queue_url: String,
    meter: Meter,
}

impl Desk {
    /// Queues one person for the workers.
    pub(super) async fn queue(&self, person: u32) -> anyhow::Result<()> {
        self.sqs
            .send_message()
            .queue_url(&self.queue_url)
            .message_body(person.to_string())
            .send()
            .await?;
        Ok(())
    }
}

/// Everything that a worker has.
pub(super) struct Ground {
    pub(super) desk: Desk,
    pub(super) clock: VirtualClock,
    pub(super) mps: u32,
    crashes: CrashPlan,
    http: reqwest::Client,
    messages_url: String,
    access_token: String,
}

/// The table of the other ways: one of the template's.
pub(super) const TABLE: &str = "CampaignsTable";

const QUEUE: &str = "BaselineQueue";

/// The most messages that one invocation gets.
const BATCH: usize = 10;

/// Lambda's own long poll.
const POLL: SignedDuration = SignedDuration::from_secs(20);

/// Memory of each function.
const MEMORY_MB: f64 = 256.0;

/// Runs one way to its end.
pub(super) async fn run(design: impl Design, setting: Setting) -> anyhow::Result<Run> {
    let clock = VirtualClock::at(start());
    let told = tell(Arc::new(design), setting, &clock);
    let mut run = tokio::select! {
        told = told => told?,
        () = clock.drive(async || {}) => bail!("the clock stopped"),
    };
    run.virtual_seconds = clock.now().duration_since(start()).as_secs_f64();
    Ok(run)
}

async fn tell<D: Design>(
    design: Arc<D>,
    setting: Setting,
    clock: &VirtualClock,
) -> anyhow::Result<Run> {
    let shared = SharedClock::new(clock.clone());
    let template = Template::parse(house::TEMPLATE)?;
    let aws = Aws::start(&template, shared.clone()).await?;
    let dead = "BaselineDeadLetterQueue";
    aws.sqs.create(dead, Settings::default())?;
    let redrive = Redrive {
        target: dead.to_owned(),
        max_receives: 3,
    };
    let settings = Settings {
        visibility: SignedDuration::from_secs(180),
        redrive: Some(redrive),
        ..Settings::default()
    };
    aws.sqs.create(QUEUE, settings)?;
    let crashes = if setting.disturbed {
        CrashPlan::seeded(setting.seed, CRASH_RATE)
    } else {
        CrashPlan::never()
    };

    let seeds = Seeds::of(setting.seed);
    let simulator = Simulator::start(
        house::simulator_config(&options(setting, &shared), &seeds),
        house::simulated(&shared),
    )
    .await?;
    if setting.disturbed {
        simulator.add_fault(RequestFault {
            when: FaultWhen::Chance(TIMEOUT_RATE),
            effect: FaultEffect::AcceptThenTimeOut(SILENCE),
            times: None,
        });
    }
    let planner = desk(&aws, clock, &crashes);
    let worker = desk(&aws, clock, &crashes);
    let receiver = desk(&aws, clock, &crashes);
    let ground = Arc::new(Ground {
        desk: worker.clone(),
        clock: clock.clone(),
        mps: setting.mps,
        crashes: crashes.clone(),
        http: reqwest::Client::builder().no_proxy().build()?,
        messages_url: format!(
            "{}/v25.0/{}/messages",
            simulator.base_url(),
            Seeds::PHONE_NUMBER_ID
        ),
        access_token: seeds.access_token.clone(),
    });

    let mut tasks = JoinSet::new();
    let counts = Arc::new(Counts::default());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    simulator.set_webhook_url(&format!("http://{}/webhook", listener.local_addr()?))?;
    let webhook = Router::new()
        .route("/webhook", post(receive::<D>))
        .with_state(Arc::new(Receiver {
            design: Arc::clone(&design),
            desk: receiver.clone(),
            crashes: crashes.clone(),
            counts: Arc::clone(&counts),
        }));
    tasks.spawn(async move { drop(axum::serve(listener, webhook).await) });
    simulator.run();

    for person in 0..setting.messages {
        design.plan(&planner, person).await?;
    }
    for _ in 0..design.workers(setting.mps) {
        tasks.spawn(poll(
            Arc::clone(&design),
            Arc::clone(&ground),
            aws.sqs.clone(),
            Arc::clone(&counts),
        ));
    }
    while aws.sqs.depth(QUEUE)?.total() > 0 || !simulator.is_idle() {
        let until = clock.now() + SignedDuration::from_secs(1);
        clock.sleep_until(until).await;
    }
    let stage = |desk: &Desk| Stage {
        readings: desk.meter.read(),
        memory_mb: MEMORY_MB,
        ..Stage::default()
    };
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let stages = [
        (
            "dispatcher",
            Stage {
                invocations: 1,
                ..stage(&planner)
            },
        ),
        (
            "sender",
            Stage {
                invocations: read(&counts.batches),
                queue_requests: read(&counts.queue_requests),
                busy_seconds: read(&counts.busy_ms) as f64 / 1_000.0,
                ..stage(&worker)
            },
        ),
        (
            "webhook",
            Stage {
                invocations: read(&counts.posts),
                is_http: true,
                ..stage(&receiver)
            },
        ),
    ];
    Ok(Run {
        messages: setting.messages,
        stages: stages.map(|(name, stage)| (name.to_owned(), stage)).into(),
        seen: Seen::of(&simulator.report(), setting.messages),
        virtual_seconds: 0.0,
    })
}

fn options(setting: Setting, clock: &SharedClock) -> Options {
    Options {
        clock: clock.clone(),
        seed: setting.seed,
        limit_per_second: setting.mps,
        inbound_per_second: 0,
        tier: Tier::Unlimited,
        behaviour: behaviour(),
        webhooks: webhooks(setting.disturbed),
        parameters: Vec::new(),
        expander: None,
        poster: None,
        answers: ANSWERS,
        network: Network::default(),
        by_amazon: false,
        time_limits: false,
        crashes: CrashPlan::never(),
        variables: Vec::new(),
    }
}

fn desk(aws: &Aws, clock: &VirtualClock, crashes: &CrashPlan) -> Desk {
    let meter = Meter::default();
    let network = crashes.over(meter.over(clock.over(plain())));
    let config = aws.sdk_config_over(network);
    Desk {
        dynamodb: aws_sdk_dynamodb::Client::new(&config),
        sqs: aws_sdk_sqs::Client::new(&config),
        queue_url: aws.queue_url(QUEUE),
        meter,
    }
}

#[derive(Debug, Default)]
struct Counts {
    batches: AtomicU64,
    queue_requests: AtomicU64,
    busy_ms: AtomicU64,
    posts: AtomicU64,
}

/// One of Lambda's pollers with the worker behind it, for ever.
async fn poll<D: Design>(
    design: Arc<D>,
    ground: Arc<Ground>,
    sqs: emulator::sqs::Sqs,
    counts: Arc<Counts>,
) {
    while let Ok(batch) = sqs.poll(QUEUE, BATCH, None, POLL).await {
        if batch.is_empty() {
            continue;
        }
        counts.batches.fetch_add(1, Ordering::Relaxed);
        counts.queue_requests.fetch_add(1, Ordering::Relaxed);
        let began = ground.clock.now();
        let finished = ground.crashes.guard(work(&*design, &ground, &batch)).await;
        let busy = ground.clock.now().duration_since(began).as_millis();
        counts
            .busy_ms
            .fetch_add(u64::try_from(busy).unwrap_or(0), Ordering::Relaxed);
        // A process that was killed finished nothing that anybody knows of.
        let finished = finished.unwrap_or_default();
        counts
            .queue_requests
            .fetch_add(u64::from(!finished.is_empty()), Ordering::Relaxed);
        for receipt in finished {
            // A message that came again meanwhile is somebody else's.
            let _ = sqs.delete(QUEUE, &receipt);
        }
    }
}

/// The receipts of the messages that are finished.
async fn work<D: Design>(design: &D, ground: &Ground, batch: &[Received]) -> Vec<String> {
    let mut finished = Vec::new();
    for message in batch {
        let worked = match message.body.parse() {
            Ok(person) => design.work(ground, person).await,
            Err(error) => Err(anyhow::Error::new(error)),
        };
        match worked {
            Ok(()) => finished.push(message.receipt.clone()),
            Err(_) if D::PARTIAL => (),
            // The batch fails as a whole and comes again as a whole.
            Err(_) => return Vec::new(),
        }
    }
    finished
}

impl Ground {
    /// One request to WhatsApp; an answer other than an acceptance is an error.
    pub(super) async fn send(&self, person: u32) -> anyhow::Result<String> {
        let body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": phones_of(person),
            "type": "template",
            "template": {
                "name": Seeds::TEMPLATE,
                "language": {"code": Seeds::LANGUAGE},
                "components": [{"type": "body", "parameters": [
                    {"type": "text", "parameter_name": "nama", "text": "Wulandari"},
                ]}],
            },
            "biz_opaque_callback_data": format!("1.baseline.{person}"),
        });
        let request = self.http.post(&self.messages_url);
        let request = request.bearer_auth(&self.access_token).json(&body);
        let sent = request.send().await;
        self.crashes.after_effect("whatsapp.send").await;
        let answer: Value = sent?.error_for_status()?.json().await?;
        let wamid = answer["messages"][0]["id"].as_str();
        wamid.map(str::to_owned).context("no message id")
    }
}

fn phones_of(person: u32) -> String {
    format!("+62812{:08}", 10_000_000 + person)
}

struct Receiver<D> {
    design: Arc<D>,
    desk: Desk,
    crashes: CrashPlan,
    counts: Arc<Counts>,
}

async fn receive<D: Design>(State(receiver): State<Arc<Receiver<D>>>, body: Bytes) -> StatusCode {
    receiver.counts.posts.fetch_add(1, Ordering::Relaxed);
    let take = async {
        for status in statuses(&body) {
            receiver.design.status(&receiver.desk, &status).await?;
        }
        anyhow::Ok(())
    };
    match receiver.crashes.guard(take).await {
        Ok(Ok(())) => StatusCode::OK,
        Ok(Err(_)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn statuses(body: &[u8]) -> Vec<MessageStatus> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for entry in list(&body["entry"]) {
        for change in list(&entry["changes"]) {
            for status in list(&change["value"]["statuses"]) {
                let text = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
                let person = text("biz_opaque_callback_data")
                    .rsplit_once('.')
                    .and_then(|(_, person)| person.parse().ok());
                found.extend(person.map(|person| MessageStatus {
                    wamid: text("id"),
                    person,
                    status: text("status"),
                }));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::operator::phones;

    #[test]
    fn the_same_people_as_ours() {
        let ours = phones(3);
        let theirs: Vec<String> = (0..3).map(phones_of).collect();
        assert!(
            ours.iter()
                .map(|p| p.expose())
                .eq(theirs.iter().map(String::as_str))
        );
    }
}
