//! An operator in virtual time: imports people and runs a campaign through the
//! HTTP API, and asks again when a function was killed under the request.

use std::fmt::Write as _;

use anyhow::{Context as _, bail, ensure};
use jiff::SignedDuration;
use policy::ids::CampaignId;
use policy::phone::PhoneNumber;
use serde_json::{Value, json};

use crate::house::{House, Seeds};

/// How often a request is repeated that was answered with a 5xx.
const TRIES: u32 = 50;

/// The operator of one house.
pub(super) struct Operator<'a> {
    house: &'a House,
    requests: u64,
}

/// `count` numbers that nobody has.
pub(super) fn phones(count: u32) -> Vec<PhoneNumber> {
    (0..count)
        .map(|n| PhoneNumber::parse_e164(&format!("+62812{:08}", 10_000_000 + n)))
        .map(|phone| phone.expect("these are numbers of that country"))
        .collect()
}

/// The people as a shop's file has them.
fn csv(phones: &[PhoneNumber]) -> String {
    let mut csv = "nama,no hp,tanggal persetujuan\n".to_owned();
    for phone in phones {
        let phone = phone.expose();
        writeln!(csv, "Wulandari,{phone},2026-01-05 10:00").expect("a string takes everything");
    }
    csv
}

impl<'a> Operator<'a> {
    pub(super) fn new(house: &'a House) -> Self {
        Self { house, requests: 0 }
    }

    /// Imports these people and prepares a campaign for them, as far as
    /// approved.
    pub(super) async fn prepare(&mut self, phones: &[PhoneNumber]) -> anyhow::Result<CampaignId> {
        let list = self.post("/v1/lists", json!({"name": "Pelanggan"})).await?;
        let list = text(&list, "list_id")?;
        let csv = csv(phones);
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
            .await?;
        self.upload(&made["upload"], csv).await?;
        let import = format!("/v1/imports/{}", text(&made, "import_id")?);
        let ended = |view: &Value| view["state"] == "completed" || view["state"] == "held";
        if self.until(&import, ended).await?["state"] == "held" {
            // Numbers in a row look made up, and they are.
            let act = json!({"released_by": "bench", "note": "these are simulated people"});
            self.post(&format!("{import}/release"), act).await?;
            self.until(&import, |view| view["state"] == "completed")
                .await?;
        }

        let draft = Seeds::campaign(list, &json!({"name": "Promo akhir tahun"}));
        let made = self.post("/v1/campaigns", draft).await?;
        let campaign: CampaignId = text(&made, "campaign_id")?.parse()?;
        self.step(campaign, "validate").await?;
        self.reach(campaign, "validated").await?;
        self.step(campaign, "approve").await?;
        Ok(campaign)
    }

    /// Moves a campaign on: `validate`, `approve`, `start`, …
    pub(super) async fn step(&mut self, campaign: CampaignId, step: &str) -> anyhow::Result<()> {
        self.post(&format!("/v1/campaigns/{campaign}/{step}"), json!({}))
            .await?;
        Ok(())
    }

    /// Waits until a campaign is in `state`; what the API says of it then.
    pub(super) async fn reach(
        &mut self,
        campaign: CampaignId,
        state: &str,
    ) -> anyhow::Result<Value> {
        let path = format!("/v1/campaigns/{campaign}");
        self.until(&path, |view| view["campaign"]["state"] == state)
            .await
    }

    /// Waits until no webhook and no message is on its way.
    pub(super) async fn rest(&mut self) -> anyhow::Result<()> {
        for _ in 0..10_000 {
            let mut left = 0;
            for queue in self.house.aws.sqs.names() {
                if !queue.contains("DeadLetter") {
                    left += self.house.aws.sqs.depth(&queue)?.total();
                }
            }
            if left == 0 && self.house.simulator.is_idle() {
                return Ok(());
            }
            self.wait(2_000).await;
        }
        bail!("the queues never came to rest")
    }

    pub(super) async fn view(&mut self, campaign: CampaignId) -> anyhow::Result<Value> {
        self.ask("GET", &format!("/v1/campaigns/{campaign}"), Value::Null)
            .await
    }

    /// Waits so long.
    pub(super) async fn wait(&self, millis: i64) {
        let clock = &self.house.clock;
        let until = clock.now() + SignedDuration::from_millis(millis);
        clock.sleep_until(until).await;
    }

    /// Asks every few seconds until the answer is as it should be.
    async fn until(
        &mut self,
        path: &str,
        is_reached: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let mut view = Value::Null;
        // Two days, which no quiet hours survive.
        for _ in 0..2 * 86_400 / 20 {
            view = self.ask("GET", path, Value::Null).await?;
            if is_reached(&view) {
                return Ok(view);
            }
            self.wait(20_000).await;
        }
        bail!("GET {path} never answered as it should: {view}")
    }

    async fn upload(&self, upload: &Value, csv: String) -> anyhow::Result<()> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut put = client.put(text(upload, "url")?);
        for (name, value) in upload["headers"].as_object().into_iter().flatten() {
            put = put.header(name, value.as_str().unwrap_or_default());
        }
        let answer = put.body(csv).send().await?;
        ensure!(answer.status().is_success(), "the upload was refused");
        Ok(())
    }

    async fn post(&mut self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.ask("POST", path, body).await
    }

    /// One request, with the same idempotency key until it is answered with
    /// something other than a 5xx.
    async fn ask(&mut self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        self.requests += 1;
        let key = format!("request-{}", self.requests);
        for _ in 0..TRIES {
            let request = self.house.operators_request(method, path, &key, &body)?;
            let answer = self.house.wiring.request(request).await;
            if answer.status().is_server_error() {
                self.wait(500).await;
                continue;
            }
            let status = answer.status();
            let said = String::from_utf8_lossy(answer.body());
            ensure!(status.is_success(), "{method} {path}: {status} {said}");
            return serde_json::from_slice(answer.body())
                .with_context(|| format!("{method} {path}: unexpected answer"));
        }
        bail!("{method} {path} was never answered")
    }
}

fn text<'a>(answer: &'a Value, name: &str) -> anyhow::Result<&'a str> {
    answer[name]
        .as_str()
        .with_context(|| format!("the answer has no {name}"))
}
