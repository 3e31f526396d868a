//! The figures, and whether they are as they must be.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::Serialize;
use simulator::WaId;

use super::Args;
use super::town::Town;
use super::worker::Work;
use crate::bench::PROFILE;

/// What was looked at while it ran.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Requests so far, at the end of each second.
    pub(super) by_second: Vec<u64>,
    /// Processor time that was spent before the first request.
    pub(super) cpu_seconds: f64,
    /// When each single message was written down, and for whom.
    pub(super) singles: Vec<(Timestamp, WaId)>,
}

/// What the measurement came to. Everything but the slots is counted at
/// WhatsApp's side.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    mps: u32,
    inbound: u32,
    seconds: u32,
    workers: u8,
    crash_rate: f64,
    campaigns: u8,
    latency_ms: u16,
    jitter_ms: u16,
    skew_ms: i32,
    seed: u64,
    profile: &'static str,
    /// Requests per second as a share of R − I.
    utilisation: f64,
    /// The rate of the slots, per second.
    r: f64,
    j_ms: i128,
    n_ms: i128,
    clock_error_ms: i128,
    requests: u64,
    accepted: u64,
    inbound_messages: u64,
    throttled: u64,
    /// Whether a crowd wrote, beyond what is kept for inbound messages.
    crowd: bool,
    duplicate_recipients: u64,
    max_outbound_in_sliding_second: u64,
    max_in_sliding_second: u64,
    /// Of both directions: a crowd fills some by itself.
    over_limit_windows: u64,
    leases: u64,
    slots: u64,
    forfeited: u64,
    crashed: u64,
    /// Accepted messages by campaign.
    by_campaign: BTreeMap<String, u64>,
    /// After refusals: seconds until the rate was at 95 % of what it was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered_after_s: Option<u64>,
    /// Single messages: how many arrived, and how long after they were written
    /// down.
    #[serde(skip_serializing_if = "Option::is_none")]
    triggered: Option<Triggered>,
    /// Processor time as a share of all cores.
    cpu_share: f64,
    bounded_by: &'static str,
}

/// The waits of single messages, in milliseconds.
#[derive(Debug, Serialize)]
struct Triggered {
    written: usize,
    arrived: usize,
    wait_p50_ms: i64,
    wait_p99_ms: i64,
    wait_max_ms: i64,
}

impl Triggered {
    fn of(town: &Town, singles: &[(Timestamp, WaId)]) -> Option<Self> {
        let mut waits: Vec<i64> = singles
            .iter()
            .filter_map(|(written, person)| {
                let log = town.simulator.person_log(person)?;
                let first = log.requests.first()?;
                Some(first.arrived_at.as_millisecond() - written.as_millisecond())
            })
            .collect();
        waits.sort_unstable();
        let at = |share: f64| {
            let place = (waits.len() as f64 * share) as usize;
            waits.get(place.min(waits.len().checked_sub(1)?)).copied()
        };
        Some(Self {
            written: singles.len(),
            arrived: waits.len(),
            wait_p50_ms: at(0.50)?,
            wait_p99_ms: at(0.99)?,
            wait_max_ms: at(1.0)?,
        })
    }
}

impl Figures {
    pub(super) fn of(args: &Args, town: &Town, work: &Work, seen: &Seen) -> Self {
        let number = town.number();
        let report = town.simulator.report();
        let pace = args.pace();
        let outbound = pace.limit_per_second - pace.inbound_per_second;
        let utilisation = number.mean_per_second / f64::from(outbound);
        let (slots, forfeited) = (
            work.slots.load(Ordering::Relaxed),
            work.forfeited.load(Ordering::Relaxed),
        );
        let by_campaign = town.campaigns.iter().map(|id| {
            let accepted = report.campaigns.get(&id.to_string());
            (
                id.to_string(),
                accepted.map_or(0, |campaign| campaign.accepted),
            )
        });
        let cpu_share = (cpu_seconds() - seen.cpu_seconds) / f64::from(args.seconds) / cores();
        Self {
            mps: args.mps,
            inbound: pace.inbound_per_second,
            seconds: args.seconds,
            workers: args.workers,
            crash_rate: args.crash_rate,
            campaigns: args.campaigns,
            latency_ms: args.latency_ms,
            jitter_ms: args.jitter_ms,
            skew_ms: args.skew_ms,
            seed: args.seed,
            profile: PROFILE,
            utilisation,
            r: pace.milli_rate() as f64 / 1_000.0,
            j_ms: pace.lateness.as_millis(),
            n_ms: pace.transit.as_millis(),
            clock_error_ms: pace.clock_error.as_millis(),
            requests: number.requests,
            accepted: report.accepted,
            inbound_messages: number.inbound,
            throttled: number.throttled,
            crowd: args.refuse,
            duplicate_recipients: report.duplicate_recipients,
            max_outbound_in_sliding_second: number.max_outbound_in_sliding_second,
            max_in_sliding_second: number.max_in_sliding_second,
            over_limit_windows: number.over_limit_windows,
            leases: work.leases.load(Ordering::Relaxed),
            slots,
            forfeited,
            crashed: work.crashed.load(Ordering::Relaxed),
            by_campaign: by_campaign.collect(),
            recovered_after_s: args
                .refuse
                .then(|| recovery(seen, args.seconds / 3))
                .flatten(),
            triggered: Triggered::of(town, &seen.singles),
            cpu_share,
            bounded_by: if utilisation >= 0.95 {
                "the number's share"
            } else if cpu_share > 0.85 {
                "processors: workers, tables and WhatsApp share them"
            } else if forfeited * 20 > slots {
                "lateness: this machine wakes the workers later than J"
            } else {
                "workers: too few messages under way"
            },
        }
    }

    /// Whether the limit held and nobody was reached twice.
    pub(super) fn held(&self) -> bool {
        let outbound = u64::from(self.mps - self.inbound);
        let within = if self.crowd {
            self.max_outbound_in_sliding_second <= outbound
        } else {
            self.over_limit_windows == 0
        };
        within && self.duplicate_recipients == 0
    }

    pub(super) fn table(&self) -> String {
        let mut table = String::new();
        let json = serde_json::to_value(self).expect("figures are plain JSON");
        for (name, value) in json.as_object().into_iter().flatten() {
            writeln!(table, "{name:<32} {value}").expect("a string grows");
        }
        table
    }
}

/// After how many seconds the rate was back.
fn recovery(seen: &Seen, refused_at: u32) -> Option<u64> {
    let rates: Vec<u64> = seen
        .by_second
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    let refused_at = refused_at as usize;
    let before = rates.get(refused_at.checked_sub(6)?..refused_at - 1)?;
    let before = before.iter().sum::<u64>() as f64 / before.len() as f64;
    let after = rates.get(refused_at + 1..)?;
    // Three seconds together, so that one good second is not taken for it.
    let back = after
        .windows(3)
        .position(|three| three.iter().sum::<u64>() as f64 / 3.0 >= before * 0.95);
    back.map(|seconds| seconds as u64 + 1)
}

/// Processor time of this process.
pub(super) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the command in parentheses, user and system time are fields 12 and 13.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}
