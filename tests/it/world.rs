//! A house under a manual clock, and the operator who lives in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Bytes;
use emulator::crash::CrashPlan;
use emulator::sqs::NewMessage;
use http::{Request, StatusCode};
use izin::house::{House, Network, Options, Seeds};
use izin::inbound::load;
use jiff::{SignedDuration, Timestamp};
use platform::clock::{ManualClock, SharedClock};
use platform::expansion::Expander;
use platform::poster::Poster;
use policy::block::RecipientState;
use policy::ids::CampaignId;
use policy::phone::PhoneNumber;
use serde_json::{Value, json};
use simulator::{Behaviour, Tier, WaId, WebhookChaos};

/// A Tuesday, ten in the morning in Jakarta.
pub(crate) const MORNING: &str = "2026-11-24T03:00:00Z";

/// How a world differs from a quiet one.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) behaviour: Behaviour,
    pub(crate) webhooks: WebhookChaos,
    pub(crate) crashes: CrashPlan,
    pub(crate) block_size: usize,
    /// Delivers every queue message, request and tick twice.
    pub(crate) twice: bool,
    pub(crate) tier: Tier,
    /// What lies between the functions and AWS.
    pub(crate) network: Network,
    /// Variables beyond those of the template.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// What the stack is deployed with.
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// Who follows short links.
    pub(crate) expander: Option<Expander>,
    /// Who posts events.
    pub(crate) poster: Option<Poster>,
    /// Whether the number sends by AWS End User Messaging Social.
    pub(crate) by_amazon: bool,
}

impl Default for Setting {
    /// Everybody has WhatsApp and reads; nothing goes wrong; small blocks.
    fn default() -> Self {
        Self {
            behaviour: Behaviour {
                reads: 1.0,
                ..Behaviour::default()
            },
            webhooks: WebhookChaos::default(),
            crashes: CrashPlan::never(),
            block_size: 4,
            twice: false,
            tier: Tier::Unlimited,
            network: Network::default(),
            variables: Vec::new(),
            parameters: Vec::new(),
            expander: None,
            poster: None,
            by_amazon: false,
        }
    }
}

/// The world of one story.
pub(crate) struct World {
    pub(crate) house: House,
    pub(crate) clock: ManualClock,
    twice: bool,
    doubled: BTreeSet<String>,
    requests: u32,
}

impl World {
    /// A quiet world.
    pub(crate) async fn quiet() -> Self {
        Self::with(Setting::default()).await
    }

    pub(crate) async fn with(setting: Setting) -> Self {
        platform::telemetry::init_if_asked();
        let clock = ManualClock::at(MORNING.parse().unwrap());
        let house = House::build(Options {
            tier: setting.tier,
            behaviour: setting.behaviour,
            webhooks: setting.webhooks,
            network: setting.network,
            crashes: setting.crashes,
            parameters: setting.parameters,
            expander: setting.expander,
            poster: setting.poster,
            by_amazon: setting.by_amazon,
            variables: [
                vec![
                    ("IZIN_BLOCK_SIZE", setting.block_size.to_string()),
                    ("IZIN_IMPORT_PIECE_ROWS", "100".to_owned()),
                    // One message at a time, so that one sleeper carries the clock.
                    ("IZIN_IN_FLIGHT_MAX", "1".to_owned()),
                ],
                setting.variables,
            ]
            .concat(),
            ..Options::quiet(SharedClock::new(clock.clone()), 7, 80)
        })
        .await
        .unwrap();
        Self {
            house,
            clock,
            twice: setting.twice,
            doubled: BTreeSet::new(),
            requests: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.house.clock.now()
    }

    /// One request of the operator; made again, with the same idempotency key,
    /// until it is answered with something other than a 5xx.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        self.requests += 1;
        let key = format!("request-{}", self.requests);
        let mut answers = 0;
        for _ in 0..5 {
            let request = self.house.operators_request(method, path, &key, &body);
            let request = request.unwrap();
            let response = self.house.wiring.request(request).await;
            let status = response.status();
            if status.is_server_error() {
                continue;
            }
            answers += 1;
            if answers == 1 && self.twice {
                continue;
            }
            let answer = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
            return (status, answer);
        }
        panic!("{method} {path} was never answered");
    }

    /// A campaign as its operator sees it, with everybody accounted for.
    pub(crate) async fn view(&mut self, id: CampaignId) -> Value {
        let view = self.get(&format!("/v1/campaigns/{id}")).await;
        assert_eq!(view["conservation"]["holds"], true, "{view}");
        view
    }

    /// Ticks and deliveries, for `minutes`.
    pub(crate) async fn live(&mut self, minutes: i64) {
        for _ in 0..minutes {
            self.tick().await;
            self.deliver().await;
            self.clock.advance(SignedDuration::from_mins(1));
        }
        self.deliver().await;
    }

    /// A request that must succeed.
    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Value {
        let (status, answer) = self.request("POST", path, body).await;
        assert!(status.is_success(), "POST {path}: {status} {answer}");
        answer
    }

    /// A body that Meta posts, signed.
    pub(crate) async fn meta_posts(&mut self, body: &[u8]) {
        let signature = load::signature(&self.house.seeds.app_secret, body);
        let request = Request::post("/webhook")
            .header("host", "api.example")
            .header("content-type", "application/json")
            .header("x-hub-signature-256", signature)
            .body(Bytes::copy_from_slice(body))
            .unwrap();
        let answer = self.house.wiring.request(request).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    pub(crate) async fn get(&mut self, path: &str) -> Value {
        let (status, answer) = self.request("GET", path, Value::Null).await;
        assert!(status.is_success(), "GET {path}: {status} {answer}");
        answer
    }

    /// Registers a list and imports `csv` into it; the list and the import.
    pub(crate) async fn import(&mut self, csv: &str) -> (String, Value) {
        let list = self.post("/v1/lists", json!({"name": "Pelanggan"})).await;
        let list = list["list_id"].as_str().unwrap().to_owned();
        let made = self
            .post(
                "/v1/imports",
                json!({
                    "list_id": list,
                    "source": "own_store",
                    "attested_by": "Kepala toko",
                    "content_length": csv.len(),
                    "content_type": "text/csv",
                }),
            )
            .await;
        let upload = &made["upload"];
        let mut put = reqwest::Client::new().put(upload["url"].as_str().unwrap());
        for (name, value) in upload["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().unwrap());
        }
        let answer = put.body(csv.to_owned()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        let id = made["import_id"].as_str().unwrap().to_owned();
        for _ in 0..20 {
            self.deliver().await;
            let view = self.get(&format!("/v1/imports/{id}")).await;
            if view["state"] == "completed" || view["state"] == "refused" {
                // Opt-outs that the file reports go their own way.
                self.deliver().await;
                return (list, view);
            }
            if view["state"] == "held" {
                let act = json!({"released_by": "Ibu Rini", "note": "made for this story"});
                self.post(&format!("/v1/imports/{id}/release"), act).await;
                continue;
            }
            self.to_next_event(Duration::from_secs(3_600));
        }
        panic!("the import never ended");
    }

    /// A campaign of the seeded template to a list, written down.
    pub(crate) async fn draft(&mut self, list: &str) -> String {
        self.draft_with(list, json!({})).await
    }

    /// A draft to `list` that is asked to be validated, and cannot be for minutes.
    pub(crate) async fn draft_that_stays_validating(&mut self, list: &str) -> String {
        let id = self.draft(list).await;
        self.post(&format!("/v1/campaigns/{id}/validate"), json!({}))
            .await;
        for _ in 0..5 {
            self.tick().await;
            self.deliver().await;
            self.to_next_event(Duration::from_secs(60));
        }
        let view = self.get(&format!("/v1/campaigns/{id}")).await;
        assert_eq!(view["campaign"]["state"], "validating", "{view}");
        id
    }

    /// The same as `draft`, with the fields of `extra` added or instead.
    pub(crate) async fn draft_with(&mut self, list: &str, extra: Value) -> String {
        let draft = Seeds::campaign(list, &extra);
        let made = self.post("/v1/campaigns", draft).await;
        made["campaign_id"].as_str().unwrap().to_owned()
    }

    /// The same, as far as approved.
    pub(crate) async fn approved_campaign(&mut self, list: &str) -> CampaignId {
        self.approved_as(list, json!({})).await
    }

    /// A campaign with the fields of `extra`, as far as approved.
    pub(crate) async fn approved_as(&mut self, list: &str, extra: Value) -> CampaignId {
        let id = self.draft_with(list, extra).await;
        self.post(&format!("/v1/campaigns/{id}/validate"), json!({}))
            .await;
        self.until(&id, "validated").await;
        self.post(&format!("/v1/campaigns/{id}/approve"), json!({}))
            .await;
        id.parse().unwrap()
    }

    /// Starts an approved campaign.
    pub(crate) async fn start(&mut self, id: CampaignId) {
        self.post(&format!("/v1/campaigns/{id}/start"), json!({}))
            .await;
    }

    /// Lives on until a campaign is completed and every webhook has come.
    pub(crate) async fn finish(&mut self, id: CampaignId) -> Value {
        self.until(&id.to_string(), "completed").await;
        for _ in 0..200 {
            self.deliver().await;
            if self.house.simulator.is_idle() && self.house.wiring.next_due().unwrap().is_none() {
                return self.get(&format!("/v1/campaigns/{id}")).await;
            }
            self.to_next_event(Duration::from_secs(60));
            self.clock.advance(SignedDuration::from_millis(500));
        }
        let queues = self.house.aws.sqs.names().into_iter();
        let depths: Vec<_> = queues
            .map(|queue| {
                let depth = self.house.aws.sqs.depth(&queue).unwrap();
                (queue, depth)
            })
            .filter(|(_, depth)| depth.total() > 0)
            .collect();
        panic!(
            "the world never came to rest at {}: {depths:?}, next {:?}, webhooks next {:?}",
            self.now(),
            self.house.wiring.next_due().unwrap(),
            self.house.simulator.next_due(),
        );
    }

    /// Lives on until a campaign is in `state`.
    pub(crate) async fn until(&mut self, id: &str, state: &str) {
        // The webhooks of many people are many events.
        for _ in 0..2_000 {
            self.tick().await;
            self.deliver().await;
            let view = self.get(&format!("/v1/campaigns/{id}")).await;
            if view["campaign"]["state"] == state {
                return;
            }
            self.to_next_event(Duration::from_secs(60));
        }
        let view = self.get(&format!("/v1/campaigns/{id}")).await;
        panic!("the campaign never became {state}: {view}");
    }

    /// Delivers everything that is due now.
    pub(crate) async fn deliver(&mut self) {
        loop {
            self.double_messages();
            let queues = self.house.wiring.run_until_idle().await.unwrap();
            let webhooks = self.house.simulator.deliver_due().await;
            if queues.messages == 0 && webhooks == simulator::Delivered::default() {
                return;
            }
        }
    }

    /// One tick of the timer; a killed tick is the next one's business.
    pub(crate) async fn tick(&self) {
        for _ in 0..=u8::from(self.twice) {
            let _ = self.house.wiring.tick("SweepFunction").await.unwrap();
        }
    }

    /// Names of what the second door failed at and has not heard since.
    pub(crate) fn unheard(&self) -> Vec<String> {
        let aws = &self.house.aws;
        let bucket = aws.bucket_name("SocialBucket");
        bucket.map_or_else(Vec::new, |bucket| aws.s3.keys(&bucket).unwrap())
    }

    /// Moves the clock to whatever comes next, at most `limit` ahead.
    pub(crate) fn to_next_event(&self, limit: Duration) {
        let now = self.now();
        let limit = now + limit;
        let queues = self.house.wiring.next_due().unwrap();
        let webhooks = self.house.simulator.next_due();
        let next = queues
            .into_iter()
            .chain(webhooks)
            .filter(|at| *at > now)
            .min();
        let next = next.unwrap_or(limit).min(limit);
        self.clock
            .advance(next.duration_since(now) + SignedDuration::from_millis(1));
    }

    /// Copies every event that waits for a function and every message that waits in a
    /// queue, once.
    fn double_messages(&mut self) {
        if !self.twice {
            return;
        }
        let invocations = &self.house.aws.invocations;
        for event in invocations.waiting() {
            if self.doubled.insert(event.id.clone()) {
                assert!(invocations.double(&event.id));
            }
        }
        let sqs = &self.house.aws.sqs;
        for queue in sqs.names() {
            if queue.contains("DeadLetter") {
                continue;
            }
            for (id, body) in sqs.peek(&queue).unwrap() {
                if self.doubled.insert(id) {
                    let copy = sqs.send(&queue, NewMessage::text(body)).unwrap();
                    self.doubled.insert(copy.id);
                }
            }
        }
    }

    /// What became of everybody, as text: the same for the same end, however
    /// it was reached.
    pub(crate) async fn end(&mut self, id: CampaignId, phones: &[&str]) -> End {
        let view = self.get(&format!("/v1/campaigns/{id}")).await;
        let campaigns = self.house.campaigns().unwrap();
        let contacts = self.house.contacts().unwrap();
        let tenant = self.house.seeds.tenant;
        let key = self.house.seeds.tokens();
        let ledger = campaigns.ledger(tenant, id).await.unwrap();
        let mut people = BTreeMap::new();
        for phone in phones {
            let phone = PhoneNumber::parse_e164(phone).unwrap();
            let token = key.contact(tenant, &phone);
            let mut states = Vec::new();
            for entry in ledger.values() {
                let block = &entry.block;
                for (index, (t, state)) in (0_u8..).zip(block.tokens.iter().zip(&block.states)) {
                    // A status is the evidence that settles a doubt.
                    let proved = entry.statuses.values().any(|s| s.proves_acceptance(index));
                    if *t == token {
                        states.push(match state {
                            RecipientState::Unknown if proved => RecipientState::Accepted,
                            state => *state,
                        });
                    }
                }
            }
            let person = contacts.person(tenant, token).await.unwrap();
            let stops: Vec<_> = person
                .suppressions
                .keys()
                .map(|scope| scope.code().to_owned())
                .collect();
            let log = self.house.simulator.person_log(&wa_id(phone.expose()));
            let accepted = log.map_or(0, |log| log.requests.iter().filter(|r| r.accepted).count());
            people.insert(
                phone.expose().to_owned(),
                format!("{states:?} stops {stops:?} accepted {accepted}"),
            );
        }
        End {
            state: view["campaign"]["state"].as_str().unwrap().to_owned(),
            totals: view["totals"].to_string(),
            reasons: view["excluded_by_reason"].to_string(),
            conservation: view["conservation"]["holds"] == true,
            unknown: view["totals"]["unknown"].as_u64().unwrap(),
            duplicates: self.house.simulator.report().duplicate_recipients,
            people,
        }
    }
}

/// The end of a story.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct End {
    pub(crate) state: String,
    pub(crate) totals: String,
    pub(crate) reasons: String,
    pub(crate) conservation: bool,
    pub(crate) unknown: u64,
    pub(crate) duplicates: u64,
    pub(crate) people: BTreeMap<String, String>,
}

impl End {
    /// The people whose end is not the same in `other`.
    pub(crate) fn differs_for(&self, other: &Self) -> Vec<String> {
        let mut different = Vec::new();
        for (person, end) in &self.people {
            if other.people.get(person) != Some(end) {
                let mut line = String::new();
                let there = other.people.get(person);
                write!(line, "{person}: {end} / {there:?}").unwrap();
                different.push(line);
            }
        }
        different
    }
}

/// A number as WhatsApp writes it.
pub(crate) fn wa_id(e164: &str) -> WaId {
    WaId::parse(e164).unwrap()
}

/// A story ends with nothing left in any queue, the dead-letter queues
/// included, no event that waits for a function, and none that was given up.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for queue in self.house.aws.sqs.names() {
            let depth = self.house.aws.sqs.depth(&queue).unwrap();
            assert_eq!(depth.total(), 0, "messages are left in {queue}: {depth:?}");
        }
        let waiting = self.house.aws.invocations.waiting();
        assert!(waiting.is_empty(), "events are left: {waiting:?}");
        let lost: u64 = self
            .house
            .wiring
            .usage()
            .values()
            .map(|usage| usage.lost)
            .sum();
        assert_eq!(lost, 0, "events were lost");
        assert_eq!(self.unheard(), [""; 0], "notifications are left");
    }
}
