//! What a number of 1,000 messages a second needs: three statuses of each
//! message and what people write come to 4,000 updates a second (Meta,
//! "Webhooks", capacity).

use anyhow::ensure;
use http::StatusCode;
use platform::clock::SharedClock;
use serde::Serialize;
use serde_json::Value;

use super::speed::Time;
use crate::inbound::{Stand, load};

/// Updates a second.
const WANTED: f64 = 4_000.0;

/// How many of WhatsApp's statuses are settled to measure `receipts`.
const MESSAGES: u32 = 2_000;

/// Messages a second of the number.
const PACE: f64 = 955.0;

/// Environments that it takes, with every request to the emulated AWS included,
/// which runs on the same core.
#[derive(Debug, Serialize)]
pub(super) struct Capacity {
    pub(super) wanted_updates_per_second: f64,
    pub(super) webhook: Vec<Door>,
    pub(super) receipts: Settling,
}

/// Of `webhook`, which has one POST at a time.
#[derive(Debug, Serialize)]
pub(super) struct Door {
    pub(super) bodies: &'static str,
    pub(super) updates_per_second: f64,
    pub(super) environments: f64,
}

/// Of `receipts`, at the queue.
#[derive(Debug, Serialize)]
pub(super) struct Settling {
    pub(super) statuses: usize,
    pub(super) invocations: usize,
    pub(super) updates_per_second: f64,
    pub(super) environments: f64,
    /// Most invocations at a time, as the template says.
    pub(super) allowed: u32,
}

impl Capacity {
    pub(super) async fn measure(times: &[Time], seed: u64) -> anyhow::Result<Self> {
        let webhook = times.iter().map(|time| Door {
            bodies: time.bodies,
            updates_per_second: time.updates_per_second,
            environments: environments(time.updates_per_second),
        });
        Ok(Self {
            wanted_updates_per_second: WANTED,
            webhook: webhook.collect(),
            receipts: settle(seed).await?,
        })
    }

    /// Whether `receipts` keeps up with as many invocations as it may have.
    pub(super) fn keeps_up(&self) -> bool {
        self.receipts.environments <= f64::from(self.receipts.allowed)
    }
}

/// Statuses as they come from a number at full pace, a hundred a body, handed to
/// `receipts` in full batches.
async fn settle(seed: u64) -> anyhow::Result<Settling> {
    let stand = Stand::build(|inner| inner, true).await?;
    stand.plan(MESSAGES).await?;
    let statuses = load::in_time(stand.campaign, MESSAGES, PACE, seed);
    for posted in statuses.chunks(100) {
        let values: Vec<Value> = posted.iter().map(|(_, status)| status.clone()).collect();
        ensure!(stand.post(load::body(&values, &[])).await? == StatusCode::OK);
    }
    let wall = SharedClock::system();
    let began = wall.now();
    let mut invocations = 0;
    while stand.waiting()? > 0 {
        let (count, finished) = stand.batch(stand.gathering.most).await?;
        ensure!(finished.len() == count, "statuses were not settled");
        invocations += 1;
    }
    let seconds = wall.now().duration_since(began).as_secs_f64();
    let updates_per_second = statuses.len() as f64 / seconds;
    Ok(Settling {
        statuses: statuses.len(),
        invocations,
        updates_per_second,
        environments: environments(updates_per_second),
        allowed: stand.gathering.at_once,
    })
}

fn environments(updates_per_second: f64) -> f64 {
    (WANTED / updates_per_second).ceil()
}
