//! A simulator, a clock, a webhook that remembers, and a client.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};
use simulator::{BusinessNumber, Clock, Config, Simulator, Tier, WaId};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

pub(crate) const NUMBER: &str = "106540352242922";
pub(crate) const WABA: &str = "102290129340398";
pub(crate) const APP_SECRET: &str = "app-secret";
pub(crate) const VERIFY_TOKEN: &str = "verify-token";
pub(crate) const TOKEN: &str = "access-token";

/// A clock that moves when told to.
#[derive(Debug)]
pub(crate) struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    fn new() -> Self {
        let start = "2026-11-24T06:00:00Z".parse().unwrap();
        Self(watch::Sender::new(start))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0
            .send_modify(|now| *now = now.checked_add(by).unwrap());
    }

    pub(crate) fn advance_ms(&self, by: u64) {
        self.advance(Duration::from_millis(by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut ticks = self.0.subscribe();
        Box::pin(async move {
            ticks
                .wait_for(|now| *now >= at)
                .await
                .expect("the clock outlives its sleepers");
        })
    }
}

/// One POST that the webhook got.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) body: Vec<u8>,
    pub(crate) signature: String,
}

impl Posted {
    /// The updates in it, each as (field, list, update).
    pub(crate) fn updates(&self) -> Vec<(String, String, Value)> {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        let mut updates = Vec::new();
        for entry in body["entry"].as_array().unwrap() {
            for change in entry["changes"].as_array().unwrap() {
                let field = change["field"].as_str().unwrap();
                for list in ["messages", "statuses", "user_preferences"] {
                    for update in change["value"][list].as_array().into_iter().flatten() {
                        updates.push((field.to_owned(), list.to_owned(), update.clone()));
                    }
                }
            }
        }
        updates
    }
}

/// A webhook that remembers what it got and answers as it is told.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    posted: Arc<Mutex<Vec<Posted>>>,
    answers: Arc<Mutex<Vec<u16>>>,
    arrivals: mpsc::UnboundedSender<()>,
    /// Every answer takes one permit.
    pub(crate) gate: Arc<Semaphore>,
}

impl Webhook {
    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap().clone()
    }

    /// All updates so far, in the order of arrival.
    pub(crate) fn updates(&self) -> Vec<(String, String, Value)> {
        self.posted().iter().flat_map(Posted::updates).collect()
    }

    /// All statuses so far, as names.
    pub(crate) fn statuses(&self) -> Vec<String> {
        let of = |(_, list, update): (String, String, Value)| {
            (list == "statuses").then(|| update["status"].as_str().unwrap().to_owned())
        };
        self.updates().into_iter().filter_map(of).collect()
    }

    /// The error codes of failed statuses so far.
    pub(crate) fn failures(&self) -> Vec<u64> {
        let of = |(_, _, update): (String, String, Value)| match &update["errors"][0]["code"] {
            Value::String(code) => code.parse().ok(),
            code => code.as_u64(),
        };
        self.updates().into_iter().filter_map(of).collect()
    }

    /// The next answers; after them it is 200 for ever.
    pub(crate) fn will_answer(&self, answers: &[u16]) {
        *self.answers.lock().unwrap() = answers.to_vec();
    }
}

pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) webhook: Webhook,
    pub(crate) arrivals: mpsc::UnboundedReceiver<()>,
    pub(crate) client: reqwest::Client,
    _tasks: JoinSet<()>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (arrivals, receiver) = mpsc::unbounded_channel();
        let webhook = Webhook {
            posted: Arc::default(),
            answers: Arc::default(),
            arrivals,
            gate: Arc::new(Semaphore::new(1_000_000)),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/hook", get(verify).post(take))
            .with_state(webhook.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });

        let clock = Arc::new(ManualClock::new());
        let mut config = config();
        config.webhook_url = Some(url);
        change(&mut config);
        Self {
            simulator: Simulator::start(config, Arc::clone(&clock) as Arc<dyn Clock>)
                .await
                .unwrap(),
            clock,
            webhook,
            arrivals: receiver,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            _tasks: tasks,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/v25.0/{path}", self.simulator.base_url())
    }

    /// Sends and gives the raw result.
    pub(crate) async fn try_send(&self, body: &Value) -> reqwest::Result<(u16, String)> {
        let answer = self
            .client
            .post(self.url(&format!("{NUMBER}/messages")))
            .bearer_auth(TOKEN)
            .json(body)
            .send()
            .await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Sends and gives status and body.
    pub(crate) async fn send(&self, body: &Value) -> (u16, Value) {
        let (status, text) = self.try_send(body).await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Sends by the door for marketing and gives status and body.
    pub(crate) async fn send_marketing(&self, body: &Value) -> (u16, Value) {
        let request = self
            .client
            .post(self.url(&format!("{NUMBER}/marketing_messages")));
        let answer = request.bearer_auth(TOKEN).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Sends and gives the error code, or 0 if it was accepted.
    pub(crate) async fn code(&self, body: &Value) -> u64 {
        match self.send(body).await {
            (200, _) => 0,
            (_, body) => body["error"]["code"].as_u64().expect("an error has a code"),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(self.url(path)).bearer_auth(TOKEN);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

pub(crate) fn config() -> Config {
    let mut config = Config::new(
        APP_SECRET.to_owned(),
        VERIFY_TOKEN.to_owned(),
        TOKEN.to_owned(),
    );
    config.seed = 7;
    config.numbers = vec![BusinessNumber {
        phone_number_id: NUMBER.to_owned(),
        display_phone_number: "+62 21 5550 1000".to_owned(),
        country_code: "62".to_owned(),
        waba_id: WABA.to_owned(),
        portfolio_id: "2729063490586005".to_owned(),
        throughput_per_second: 80,
        tier: Tier::Unlimited,
    }];
    config.templates = BTreeMap::from([(WABA.to_owned(), templates())]);
    config
}

pub(crate) fn person(n: u32) -> WaId {
    WaId::parse(&number(n)).unwrap()
}

pub(crate) fn number(n: u32) -> String {
    format!("+62811{n:07}")
}

/// A marketing template for the `n`th person.
pub(crate) fn promo(n: u32) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": number(n),
        "type": "template",
        "biz_opaque_callback_data": format!("1.cmp_a.3.0.{n}.1"),
        "template": {
            "name": "promo",
            "language": {"code": "id"},
            "components": [
                {"type": "body", "parameters": [
                    {"type": "text", "parameter_name": "diskon", "text": "25%"},
                    {"type": "text", "parameter_name": "nama", "text": "Sari"},
                ]},
                {"type": "button", "sub_type": "url", "index": "0",
                 "parameters": [{"type": "text", "text": "abc123"}]},
                {"type": "button", "sub_type": "quick_reply", "index": "1",
                 "parameters": [{"type": "payload", "payload": "OPTOUT:cmp_a"}]},
            ],
        },
    })
}

/// A free-form text for the `n`th person.
pub(crate) fn text(n: u32) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "to": number(n),
        "type": "text",
        "text": {"body": "Anda tidak akan menerima promo lagi."},
    })
}

fn templates() -> Vec<Value> {
    let plain = |id: u32, name: &str, language: &str, status: &str| {
        json!({
            "id": id.to_string(), "name": name, "language": language, "status": status,
            "category": "UTILITY",
            "components": [{"type": "BODY", "text": "Pesanan {{1}} tiba {{2}}."}],
        })
    };
    vec![
        json!({
            "id": "1001", "name": "promo", "language": "id", "status": "APPROVED",
            "category": "MARKETING", "parameter_format": "NAMED",
            "components": [
                {"type": "BODY", "text": "Halo {{nama}}, diskon {{diskon}} untuk {{nama}}!"},
                {"type": "FOOTER", "text": "Tidak berminat? Ketuk Berhenti promo"},
                {"type": "BUTTONS", "buttons": [
                    {"type": "URL", "text": "Lihat", "url": "https://toko.example/{{1}}"},
                    {"type": "QUICK_REPLY", "text": "Berhenti promo"},
                ]},
            ],
        }),
        json!({
            "id": "1002", "name": "banner", "language": "id", "status": "APPROVED",
            "category": "MARKETING",
            "components": [
                {"type": "HEADER", "format": "IMAGE"},
                {"type": "BODY", "text": "Katalog baru."},
            ],
        }),
        json!({
            "id": "1003", "name": "titled", "language": "id", "status": "APPROVED",
            "category": "UTILITY",
            "components": [
                {"type": "HEADER", "format": "TEXT", "text": "Untuk {{1}}"},
                {"type": "BODY", "text": "Pesanan siap."},
                {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Buka", "url": "https://toko.example/"}]},
            ],
        }),
        json!({
            "id": "1009", "name": "code", "language": "id", "status": "APPROVED",
            "category": "AUTHENTICATION",
            "components": [{"type": "BODY", "text": "Kode: {{1}}"}],
        }),
        plain(1004, "order", "id", "APPROVED"),
        plain(1005, "order", "en_US", "APPROVED"),
        plain(1006, "paused", "id", "PAUSED"),
        plain(1007, "disabled", "id", "DISABLED"),
        plain(1008, "pending", "id", "PENDING"),
    ]
}

async fn verify(Query(query): Query<BTreeMap<String, String>>) -> Result<String, StatusCode> {
    let of = |name: &str| query.get(name).cloned().unwrap_or_default();
    if of("hub.mode") == "subscribe" && of("hub.verify_token") == VERIFY_TOKEN {
        Ok(of("hub.challenge"))
    } else {
        Err(StatusCode::FORBIDDEN)
    }
}

async fn take(State(webhook): State<Webhook>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers["x-hub-signature-256"].to_str().unwrap().to_owned();
    webhook.posted.lock().unwrap().push(Posted {
        body: body.to_vec(),
        signature,
    });
    let status = {
        let mut answers = webhook.answers.lock().unwrap();
        if answers.is_empty() {
            200
        } else {
            answers.remove(0)
        }
    };
    webhook.arrivals.send(()).unwrap();
    webhook.gate.acquire().await.unwrap().forget();
    StatusCode::from_u16(status).unwrap()
}
