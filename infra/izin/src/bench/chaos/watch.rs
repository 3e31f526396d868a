//! Between the functions and AWS: sees which claims are open, freezes workers,
//! and says when the ledger has changed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use emulator::client::{Layer, Operation, layered};
use emulator::crash;
use emulator::virtual_time::VirtualClock;
use jiff::SignedDuration;
use platform::clock::Clock as _;
use policy::block::RecipientState;
use policy::ids::CampaignId;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

/// Where a worker freezes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    BeforeIntent,
    BetweenFactsAndClaim,
    BetweenClaimAndRequest,
    BeforeOutcome,
}

impl Place {
    /// How likely a worker freezes each time it comes by, besides the first few
    /// times: then it always does once.
    fn probability(self) -> f64 {
        match self {
            Self::BeforeIntent | Self::BeforeOutcome => 0.02,
            Self::BetweenFactsAndClaim | Self::BetweenClaimAndRequest => 0.001,
        }
    }
}

/// Which passage freezes for certain.
const CERTAIN: u64 = 3;

/// How long a worker is frozen: from just over a block's life to far beyond
/// its recovery.
const FROST_MS: std::ops::Range<i64> = 65_000..400_000;

/// What lies between the functions and AWS; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    clock: VirtualClock,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug)]
struct Seen {
    rng: SmallRng,
    campaign: Option<CampaignId>,
    audience: u64,
    /// The ledger has changed since it was checked.
    changed: bool,
    checks: u64,
    violations: u64,
    passages: BTreeMap<Place, u64>,
    freezes: BTreeMap<Place, u64>,
    /// By process: claims without an outcome.
    open: HashMap<u64, HashSet<Recipient>>,
    /// Claims that a worker had open when it froze, or made after.
    frozen_open: HashSet<Recipient>,
    frozen: HashSet<u64>,
    /// Block and index of every recipient that was written down as in doubt.
    doubted: HashSet<(u64, u64)>,
}

/// A recipient of one attempt: block, attempt, index.
type Recipient = (u64, u64, u64);

impl Watch {
    pub(super) fn new(clock: VirtualClock, seed: u64) -> Self {
        let seen = Seen {
            rng: SmallRng::seed_from_u64(seed ^ 0xf2057),
            campaign: None,
            audience: 0,
            changed: false,
            checks: 0,
            violations: 0,
            passages: BTreeMap::new(),
            freezes: BTreeMap::new(),
            open: HashMap::new(),
            frozen_open: HashSet::new(),
            frozen: HashSet::new(),
            doubted: HashSet::new(),
        };
        Self {
            clock,
            seen: Arc::new(Mutex::new(seen)),
        }
    }

    /// From now on things go wrong.
    pub(super) fn begin(&self, campaign: CampaignId, audience: u64) {
        let mut seen = self.lock();
        seen.campaign = Some(campaign);
        seen.audience = audience;
    }

    pub(super) fn audience(&self) -> u64 {
        self.lock().audience
    }

    /// The campaign, if its ledger has changed since the last check.
    pub(super) fn campaign_to_check(&self) -> Option<CampaignId> {
        let mut seen = self.lock();
        let changed = std::mem::take(&mut seen.changed);
        seen.campaign.filter(|_| changed)
    }

    pub(super) fn checked(&self, holds: bool) {
        let mut seen = self.lock();
        seen.checks += 1;
        seen.violations += u64::from(!holds);
    }

    /// Checks made, and how many failed.
    pub(super) fn checks(&self) -> (u64, u64) {
        let seen = self.lock();
        (seen.checks, seen.violations)
    }

    /// How often workers froze, by place.
    pub(super) fn freezes(&self) -> BTreeMap<Place, u64> {
        self.lock().freezes.clone()
    }

    /// Block and index of everybody who was ever in doubt.
    pub(super) fn doubted(&self) -> HashSet<(u64, u64)> {
        self.lock().doubted.clone()
    }

    /// Claims without an outcome when their worker died, for `dead` processes,
    /// or froze; each once.
    pub(super) fn claims_left_open(&self, dead: &[u64]) -> u64 {
        let seen = self.lock();
        let of_the_dead = dead.iter().filter_map(|process| seen.open.get(process));
        let mut open: HashSet<Recipient> = of_the_dead.flatten().copied().collect();
        open.extend(&seen.frozen_open);
        open.len() as u64
    }

    /// `inner` of a function that writes the ledger.
    pub(super) fn ledger_over(&self, inner: SharedHttpClient) -> SharedHttpClient {
        layered(Ledger(self.clone()), inner)
    }

    /// `inner` of the sender.
    pub(super) fn sender_over(&self, inner: SharedHttpClient) -> SharedHttpClient {
        layered(Sender(self.clone()), self.ledger_over(inner))
    }

    /// Freezes the calling worker if the dice say so.
    async fn pass(&self, place: Place) {
        let until = {
            let mut seen = self.lock();
            if seen.campaign.is_none() {
                return;
            }
            let passage = seen.passages.entry(place).or_default();
            *passage += 1;
            let certain = *passage == CERTAIN;
            let hit = seen.rng.random_bool(place.probability());
            let frost = seen.rng.random_range(FROST_MS);
            let (true, Some(process)) = (certain || hit, crash::process()) else {
                return;
            };
            *seen.freezes.entry(place).or_default() += 1;
            seen.frozen.insert(process);
            let open = seen.open.get(&process).cloned().unwrap_or_default();
            seen.frozen_open.extend(open);
            self.clock.now() + SignedDuration::from_millis(frost)
        };
        self.clock.freeze(until).await;
    }

    fn claimed(&self, recipient: Recipient) {
        let Some(process) = crash::process() else {
            return;
        };
        let mut seen = self.lock();
        seen.open.entry(process).or_default().insert(recipient);
        if seen.frozen.contains(&process) {
            seen.frozen_open.insert(recipient);
        }
    }

    fn recorded(&self, recipients: &[Recipient]) {
        let process = crash::process();
        let mut seen = self.lock();
        if let Some(open) = process.and_then(|process| seen.open.get_mut(&process)) {
            for recipient in recipients {
                open.remove(recipient);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no holder of what was seen panics")
    }
}

/// Notes that the ledger has changed.
#[derive(Debug)]
struct Ledger(Watch);

impl Layer for Ledger {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let operation = Operation::of(&request);
        let writes = operation.service == "dynamodb"
            && matches!(
                operation.name.as_str(),
                "BatchWriteItem" | "DeleteItem" | "PutItem" | "TransactWriteItems" | "UpdateItem"
            );
        let write = Write::of(&request);
        let ledger = writes && !matches!(write, Write::Claim(_) | Write::Outcomes(_));
        let watch = self.0.clone();
        let response = next.call(request);
        HttpConnectorFuture::new(async move {
            let response = response.await;
            if ledger {
                let mut seen = watch.lock();
                seen.changed = true;
                let happened = response.as_ref().is_ok_and(|r| r.status().is_success());
                if let (true, Write::States(doubted)) = (happened, write) {
                    seen.doubted.extend(doubted);
                }
            }
            response
        })
    }
}

/// Knows claims and outcomes, and where to freeze.
#[derive(Debug)]
struct Sender(Watch);

impl Layer for Sender {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let write = Write::of(&request);
        let (watch, next) = (self.0.clone(), next.clone());
        HttpConnectorFuture::new(async move {
            match write {
                Write::Intent => {
                    watch.pass(Place::BeforeIntent).await;
                    next.call(request).await
                }
                Write::Claim(recipient) => {
                    watch.pass(Place::BetweenFactsAndClaim).await;
                    let response = next.call(request).await?;
                    if response.status().is_success() {
                        watch.claimed(recipient);
                        watch.pass(Place::BetweenClaimAndRequest).await;
                    }
                    Ok(response)
                }
                Write::Outcomes(recipients) => {
                    watch.pass(Place::BeforeOutcome).await;
                    let response = next.call(request).await?;
                    if response.status().is_success() {
                        watch.recorded(&recipients);
                    }
                    Ok(response)
                }
                Write::States(_) | Write::Other => next.call(request).await,
            }
        })
    }
}

/// What a request of the sender writes.
#[derive(Debug)]
enum Write {
    Intent,
    Claim(Recipient),
    Outcomes(Vec<Recipient>),
    /// The states of a block; with block and index of those in doubt.
    States(Vec<(u64, u64)>),
    Other,
}

impl Write {
    fn of(request: &HttpRequest) -> Self {
        let body = request
            .body()
            .bytes()
            .and_then(|body| serde_json::from_slice::<Value>(body).ok());
        body.and_then(|body| Self::read(&body))
            .unwrap_or(Self::Other)
    }

    fn read(body: &Value) -> Option<Self> {
        // A block may be settled together with its campaign's money.
        let items = body["TransactItems"].as_array();
        let inner = |item: &Value| Self::read(&item["Update"]);
        if let Some(write) = items.and_then(|items| items.iter().find_map(inner)) {
            return Some(write);
        }
        let values = &body["ExpressionAttributeValues"];
        if let Some(claims) = values[":claims"]["L"].as_array() {
            let claim = &claims.last()?["M"];
            let field = |name: &str| claim[name]["N"].as_str()?.parse().ok();
            return Some(Self::Claim((field("b")?, field("a")?, field("i")?)));
        }
        if values[":deadline"].is_object() && values[":flight"].is_object() {
            return Some(Self::Intent);
        }
        if let Some(states) = values[":states"]["S"].as_str() {
            let block = body["Key"]["sk"]["S"].as_str()?.strip_prefix("B#")?;
            let block: u64 = block.parse().ok()?;
            let unknown = RecipientState::Unknown.letter();
            let states = (0_u64..).zip(states.chars());
            let doubted = states.filter(|(_, state)| *state == unknown);
            return Some(Self::States(
                doubted.map(|(index, _)| (block, index)).collect(),
            ));
        }
        let key = body["Item"]["sk"]["S"].as_str()?.strip_prefix("O#")?;
        let (block, attempt) = key.rsplit_once('#')?.0.split_once('#')?;
        let (block, attempt) = (block.parse().ok()?, attempt.parse().ok()?);
        let indexes = body["Item"]["r"]["M"].as_object()?.keys();
        let recipients = indexes.filter_map(|index| Some((block, attempt, index.parse().ok()?)));
        Some(Self::Outcomes(recipients.collect()))
    }
}
