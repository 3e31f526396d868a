//! What was seen from WhatsApp's side.

mod opt_out;
mod sliding;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

pub use opt_out::{OptOutReport, PersonLog, RequestKind, RequestLog, StopKind, StopLog};

use crate::wa_id::WaId;

/// Everything the simulator measured. Holds no phone number.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Send requests that arrived, whatever became of them.
    pub requests: u64,
    /// Send requests that were accepted, those whose answer was lost included.
    pub accepted: u64,
    /// Refused send requests by error code.
    pub rejected: BTreeMap<u32, u64>,
    /// Send requests that met a planned fault, by its kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Recipients written without a plus, and so taken for numbers of the
    /// business's own country.
    pub without_plus: u64,
    /// People with at least one accepted template message.
    pub unique_recipients: u64,
    /// People with more than one *accepted* template request in one campaign,
    /// added up over campaigns.
    pub duplicate_recipients: u64,
    /// By campaign, as `biz_opaque_callback_data` names it.
    pub campaigns: BTreeMap<String, CampaignReport>,
    /// By `phone_number_id`.
    pub numbers: BTreeMap<String, NumberReport>,
    /// Statuses that came about, by name, before any loss on the way.
    pub statuses: BTreeMap<&'static str, u64>,
    /// Failed statuses by error code.
    pub failed: BTreeMap<u32, u64>,
    /// How webhooks fared.
    pub webhooks: WebhookReport,
    /// How wishes to stop fared.
    pub opt_out: OptOutReport,
}

/// One campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CampaignReport {
    /// Template requests that arrived.
    pub requests: u64,
    /// Of these, the accepted ones.
    pub accepted: u64,
    /// People with at least one accepted request.
    pub unique_recipients: u64,
    /// People with more than one.
    pub duplicate_recipients: u64,
}

/// One business number. A window is the half-open second that ends with an
/// arrival.
#[derive(Debug, Clone, Serialize)]
pub struct NumberReport {
    /// Messages per second, in and out together, that WhatsApp allows.
    pub limit_per_second: u32,
    /// Send requests that arrived.
    pub requests: u64,
    /// Messages that people sent to this number.
    pub inbound: u64,
    /// Requests answered with 130429.
    pub throttled: u64,
    /// The fullest window, requests only.
    pub max_outbound_in_sliding_second: u64,
    /// The fullest window, inbound messages included.
    pub max_in_sliding_second: u64,
    /// Windows that hold more than the limit, inbound messages included.
    pub over_limit_windows: u64,
    /// When the first request arrived.
    pub first_request_at: Option<Timestamp>,
    /// When the last request arrived.
    pub last_request_at: Option<Timestamp>,
    /// Requests per second from the first to the last; 0 for fewer than two.
    pub mean_per_second: f64,
    /// `mean_per_second` as a share of `limit_per_second`.
    pub utilisation: f64,
}

/// The way of webhooks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WebhookReport {
    /// POSTs, retries included.
    pub posts: u64,
    /// POSTs that repeat an earlier one.
    pub retries: u64,
    /// POSTs that were not answered with 200.
    pub failures: u64,
    /// POSTs that were given up.
    pub given_up: u64,
    /// Updates that came about.
    pub updates: u64,
    /// Updates that were lost by chance.
    pub lost: u64,
    /// Updates that were sent twice by chance.
    pub duplicated: u64,
    /// Updates that were held up by chance.
    pub late: u64,
    /// POSTs that are under way.
    pub under_way: u64,
    /// Updates that still wait to be posted.
    pub waiting: u64,
}

/// The counters behind a [`Report`].
#[derive(Debug, Default)]
pub(crate) struct Measure {
    pub(crate) requests: u64,
    pub(crate) accepted: u64,
    pub(crate) rejected: BTreeMap<u32, u64>,
    pub(crate) faults: BTreeMap<&'static str, u64>,
    pub(crate) without_plus: u64,
    pub(crate) campaigns: BTreeMap<String, CampaignTally>,
    pub(crate) numbers: BTreeMap<String, Arrivals>,
    pub(crate) statuses: BTreeMap<&'static str, u64>,
    pub(crate) failed: BTreeMap<u32, u64>,
    pub(crate) webhooks: WebhookReport,
}

#[derive(Debug, Default)]
pub(crate) struct CampaignTally {
    pub(crate) requests: u64,
    pub(crate) accepted: HashMap<WaId, u32>,
}

/// When messages of one number arrived.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    pub(crate) limit_per_second: u32,
    pub(crate) outbound: Vec<Timestamp>,
    pub(crate) inbound: Vec<Timestamp>,
    pub(crate) throttled: u64,
}

impl Measure {
    pub(crate) fn report(
        &self,
        waiting: usize,
        unique_recipients: u64,
        opt_out: OptOutReport,
    ) -> Report {
        let campaigns: BTreeMap<String, CampaignReport> = self
            .campaigns
            .iter()
            .map(|(campaign, tally)| (campaign.clone(), tally.report()))
            .collect();
        Report {
            requests: self.requests,
            accepted: self.accepted,
            rejected: self.rejected.clone(),
            faults: self.faults.clone(),
            without_plus: self.without_plus,
            unique_recipients,
            duplicate_recipients: campaigns.values().map(|c| c.duplicate_recipients).sum(),
            campaigns,
            numbers: self
                .numbers
                .iter()
                .map(|(number, arrivals)| (number.clone(), arrivals.report()))
                .collect(),
            statuses: self.statuses.clone(),
            failed: self.failed.clone(),
            webhooks: WebhookReport {
                waiting: waiting as u64,
                ..self.webhooks
            },
            opt_out,
        }
    }
}

impl CampaignTally {
    fn report(&self) -> CampaignReport {
        CampaignReport {
            requests: self.requests,
            accepted: self.accepted.values().map(|n| u64::from(*n)).sum(),
            unique_recipients: self.accepted.len() as u64,
            duplicate_recipients: self.accepted.values().filter(|n| **n > 1).count() as u64,
        }
    }
}

impl Arrivals {
    fn report(&self) -> NumberReport {
        let mut outbound = self.outbound.clone();
        outbound.sort_unstable();
        let mut all = [outbound.as_slice(), self.inbound.as_slice()].concat();
        all.sort_unstable();
        let limit = u64::from(self.limit_per_second);
        let both = sliding::windows(&all, limit);
        let (first, last) = (outbound.first().copied(), outbound.last().copied());
        let mean_per_second = match (first, last) {
            (Some(first), Some(last)) if last > first => {
                (outbound.len() - 1) as f64 / last.duration_since(first).as_secs_f64()
            }
            _ => 0.0,
        };
        NumberReport {
            limit_per_second: self.limit_per_second,
            requests: outbound.len() as u64,
            inbound: self.inbound.len() as u64,
            throttled: self.throttled,
            max_outbound_in_sliding_second: sliding::windows(&outbound, limit).fullest,
            max_in_sliding_second: both.fullest,
            over_limit_windows: both.over_limit,
            first_request_at: first,
            last_request_at: last,
            mean_per_second,
            utilisation: mean_per_second / f64::from(self.limit_per_second),
        }
    }
}
