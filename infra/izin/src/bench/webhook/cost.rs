//! What statuses cost.

use anyhow::ensure;
use emulator::meter::Readings;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use crate::inbound::{Stand, load};

/// The campaign's pace, messages per second.
const PACE: f64 = 76.39;

/// The ways in which statuses come.
#[derive(Debug, Serialize)]
pub(super) struct Costs {
    /// One status a body, in the order of a campaign at full pace.
    pub(super) in_time: Cost,
    /// The same, a hundred a body.
    pub(super) in_time_hundreds: Cost,
    /// One status a body, and each in a batch of its own: nothing coalesces.
    pub(super) worst: Cost,
}

/// What one way costs.
#[derive(Debug, Serialize)]
pub(super) struct Cost {
    statuses: usize,
    /// Requests that SQS bills: sending, and the poller's receiving and
    /// deleting in tens.
    pub(super) sqs_requests_per_1000: f64,
    pub(super) write_units_per_1000: f64,
    pub(super) read_units_per_1000: f64,
    /// Of the three statuses of one message together.
    pub(super) write_units_per_message: f64,
    /// Invocations of `receipts`.
    batches: usize,
}

impl Costs {
    pub(super) fn named(&self) -> [(&'static str, &Cost); 3] {
        [
            ("as they come, one a body", &self.in_time),
            ("as they come, a hundred a body", &self.in_time_hundreds),
            ("the worst: nothing coalesces", &self.worst),
        ]
    }
}

pub(super) async fn costs(messages: u32, seed: u64) -> anyhow::Result<Costs> {
    Ok(Costs {
        in_time: cost(messages, seed, 1, None).await?,
        in_time_hundreds: cost(messages, seed, 100, None).await?,
        worst: cost((messages / 10).max(100), seed, 1, Some(1)).await?,
    })
}

/// Posts the statuses `together` in a body, and lets `receipts` have `batch`
/// messages at a time, as many as the template says unless given, or what has
/// come within the window.
async fn cost(
    messages: u32,
    seed: u64,
    together: usize,
    batch: Option<usize>,
) -> anyhow::Result<Cost> {
    let stand = Stand::build(|inner| inner, true).await?;
    let batch = batch.unwrap_or(stand.gathering.most);
    let window = f64::from(stand.gathering.window_s);
    stand.plan(messages).await?;
    let statuses = load::in_time(stand.campaign, messages, PACE, seed);
    let mut batches = 0;
    let mut received = 0;
    let mut window_ends = window;
    for posted in statuses.chunks(together) {
        let at = posted.last().map_or(0.0, |(at, _)| *at);
        while stand.waiting()? >= batch || (at > window_ends && stand.waiting()? > 0) {
            received += stand.batch(batch).await?.0;
            batches += 1;
        }
        if at > window_ends {
            window_ends = at + window;
        }
        let values: Vec<Value> = posted.iter().map(|(_, status)| status.clone()).collect();
        ensure!(stand.post(load::body(&values, &[])).await? == StatusCode::OK);
    }
    while stand.waiting()? > 0 {
        received += stand.batch(batch).await?.0;
        batches += 1;
    }
    let sent = stand.webhook_meter.take();
    let written = stand.receipts_meter.take();
    let count = statuses.len();
    let per_1000 = |n: f64| n * 1_000.0 / count as f64;
    // The poller receives and deletes ten messages at a time.
    let polled = 2 * received.div_ceil(10);
    let asked = requests(&sent, "sqs") + polled as f64;
    let units = sent.all_write_units() + written.all_write_units();
    Ok(Cost {
        statuses: count,
        sqs_requests_per_1000: per_1000(asked),
        write_units_per_1000: per_1000(units),
        read_units_per_1000: per_1000(sent.all_read_units() + written.all_read_units()),
        write_units_per_message: units / f64::from(messages),
        batches,
    })
}

fn requests(readings: &Readings, service: &str) -> f64 {
    let of = readings.requests.iter();
    of.filter(|(operation, _)| operation.service == service)
        .map(|(_, count)| *count as f64)
        .sum()
}
