//! A client of the service's HTTP API, as any marketing tool would have one.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use platform::campaigns::ImportCounts;
use policy::ids::{CampaignId, ImportId, ListId};
use policy::import::{Limits, Reader, RowOutcome, Rules, accept_row};
use policy::phone::PhoneNumber;
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::report::{Campaign, Report, Statuses};
use crate::house::{House, Seeds};

/// A client with its key.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    bearer: String,
    imported: Option<ImportView>,
    phones: Vec<PhoneNumber>,
}

/// A registered import, waiting for its file.
#[derive(Debug, Deserialize)]
pub(super) struct MadeImport {
    #[serde(rename = "import_id")]
    pub(super) id: ImportId,
    upload: Upload,
}

#[derive(Debug, Deserialize)]
struct Upload {
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
}

/// An import as the API shows it.
#[derive(Debug, Deserialize)]
pub(super) struct ImportView {
    pub(super) state: String,
    pub(super) counts: ImportCounts,
    #[serde(default)]
    pub(super) refusal: Option<String>,
}

/// A campaign as the API shows it.
#[derive(Debug, Deserialize)]
pub(super) struct CampaignView {
    campaign: LifecycleView,
    pub(super) totals: TotalsView,
    excluded_by_reason: BTreeMap<String, u64>,
    #[serde(default)]
    conservation: Option<ConservationView>,
}

#[derive(Debug, Deserialize)]
struct LifecycleView {
    state: String,
}

#[derive(Debug, Deserialize)]
struct ConservationView {
    holds: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct TotalsView {
    pub(super) audience: u64,
    pub(super) excluded: u64,
    pub(super) pending: u64,
    pub(super) in_flight: u64,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) unknown: u64,
    pub(super) expired: u64,
    pub(super) cancelled: u64,
    pub(super) statuses: StatusesView,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusesView {
    pub(super) sent: u64,
    pub(super) delivered: u64,
    pub(super) read: u64,
    pub(super) failed: u64,
}

impl CampaignView {
    /// Copies what the API says into the report.
    pub(super) fn fill(self, report: &mut Report) {
        let totals = self.totals;
        report.campaign = Campaign {
            audience: totals.audience,
            excluded: totals.excluded,
            pending: totals.pending,
            in_flight: totals.in_flight,
            accepted: totals.accepted,
            rejected: totals.rejected,
            unknown: totals.unknown,
            expired: totals.expired,
            cancelled: totals.cancelled,
        };
        report.statuses = Statuses {
            sent: totals.statuses.sent,
            delivered: totals.statuses.delivered,
            read: totals.statuses.read,
            failed: totals.statuses.failed,
        };
        report.excluded_by_reason = self.excluded_by_reason;
        report.conservation = self.conservation.is_some_and(|found| found.holds);
    }

    /// Where the campaign stands.
    pub(super) fn state(&self) -> &str {
        &self.campaign.state
    }
}

impl Client {
    pub(super) fn new(house: &House) -> anyhow::Result<Self> {
        Ok(Self {
            http: reqwest::Client::builder().build()?,
            base: house.front.url.clone(),
            bearer: house.seeds.bearer(),
            imported: None,
            phones: Vec::new(),
        })
    }

    pub(super) async fn create_list(&self, name: &str) -> anyhow::Result<ListId> {
        let made: Value = self.post("/v1/lists", json!({"name": name})).await?;
        id(&made, "list_id")
    }

    pub(super) async fn register_import(
        &self,
        list: ListId,
        bytes: usize,
    ) -> anyhow::Result<MadeImport> {
        let body = json!({
            "list_id": list,
            "source": "own_store",
            "attested_by": "Kepala toko",
            "content_length": bytes,
            "content_type": "text/csv",
        });
        self.post("/v1/imports", body).await
    }

    /// Uploads the file where the API said.
    pub(super) async fn upload(&mut self, import: &MadeImport, bytes: &[u8]) -> anyhow::Result<()> {
        let method = Method::from_bytes(import.upload.method.as_bytes())?;
        let mut request = self.http.request(method, &import.upload.url);
        for (name, value) in &import.upload.headers {
            request = request.header(name, value);
        }
        let response = request.body(bytes.to_vec()).send().await?;
        ensure!(
            response.status().is_success(),
            "the upload was answered with {}",
            response.status()
        );
        self.phones = phones(bytes);
        Ok(())
    }

    pub(super) async fn import(&self, id: ImportId) -> anyhow::Result<ImportView> {
        self.get(&format!("/v1/imports/{id}")).await
    }

    pub(super) async fn create_campaign(&self, list: ListId) -> anyhow::Result<CampaignId> {
        let name = json!({"name": "Promo akhir tahun"});
        let body = Seeds::campaign(&list.to_string(), &name);
        let made: Value = self.post("/v1/campaigns", body).await?;
        id(&made, "campaign_id")
    }

    /// Moves a campaign on: `validate`, `approve`, `start`, …
    pub(super) async fn step(&self, id: CampaignId, step: &str) -> anyhow::Result<()> {
        let _: Value = self
            .post(&format!("/v1/campaigns/{id}/{step}"), json!({}))
            .await?;
        Ok(())
    }

    pub(super) async fn campaign(&self, id: CampaignId) -> anyhow::Result<CampaignView> {
        self.get(&format!("/v1/campaigns/{id}")).await
    }

    /// Keeps what the finished import counted.
    pub(super) fn remember_import(&mut self, view: ImportView) {
        self.imported = Some(view);
    }

    pub(super) fn remembered_import(&self) -> Option<&ImportView> {
        self.imported.as_ref()
    }

    /// Everybody in the uploaded file, for looking at what happened to them.
    pub(super) fn phones(&self) -> &[PhoneNumber] {
        &self.phones
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = self.http.get(format!("{}{path}", self.base));
        self.answer("GET", path, request).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: Value) -> anyhow::Result<T> {
        let request = self.http.post(format!("{}{path}", self.base)).json(&body);
        self.answer("POST", path, request).await
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        request: RequestBuilder,
    ) -> anyhow::Result<T> {
        let response = request.bearer_auth(&self.bearer).send().await?;
        let status = response.status();
        let body = response.text().await?;
        ensure!(status.is_success(), "{method} {path}: {status} {body}");
        serde_json::from_str(&body).with_context(|| format!("{method} {path}: unexpected answer"))
    }
}

fn id<T>(made: &Value, name: &str) -> anyhow::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = made[name]
        .as_str()
        .with_context(|| format!("the answer has no {name}"))?;
    Ok(text.parse()?)
}

/// The numbers of the file's good rows, each once.
fn phones(bytes: &[u8]) -> Vec<PhoneNumber> {
    let rules = Rules::indonesian(jiff::Timestamp::MAX);
    let mut phones = std::collections::BTreeSet::new();
    let mut reader = Reader::new(Limits::UPLOAD, None);
    reader.push(bytes);
    reader.finish();
    while let Ok(Some(record)) = reader.next_record() {
        if let RowOutcome::Accepted(candidate) = accept_row(&record, &rules) {
            phones.insert(candidate.phone);
        }
    }
    phones.into_iter().collect()
}
