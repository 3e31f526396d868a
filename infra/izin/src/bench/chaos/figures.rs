//! What the chaos came to, from the tables' and from WhatsApp's side.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use emulator::crash::CrashPlan;
use policy::block::RecipientState;
use policy::ids::CampaignId;
use policy::phone::PhoneNumber;
use serde::Serialize;
use serde_json::Value;
use simulator::WaId;

use super::Args;
use super::watch::{Place, Watch};
use crate::bench::PROFILE;
use crate::house::{House, Seeds};

/// The figures of one run.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    recipients: u32,
    seed: u64,
    crash_rate: f64,
    timeout_rate: f64,
    build_profile: &'static str,
    /// How long it took, by the clock of the story and by the wall.
    pub(super) virtual_seconds: f64,
    pub(super) wall_seconds: f64,
    /// People with more than one accepted message, as WhatsApp counted.
    duplicate_recipients: u64,
    /// Whether everybody was somewhere, once, at every check.
    conservation: bool,
    /// Once at the end of every moment in which the ledger changed.
    conservation_checks: u64,
    conservation_violations: u64,
    /// Processes killed after one of their effects.
    crashes: u64,
    crashes_by_effect: BTreeMap<String, u64>,
    /// Workers frozen and thawed after their deadline.
    freezes: BTreeMap<Place, u64>,
    /// Messages that WhatsApp took and did not answer.
    timeouts_injected: u64,
    /// Claims without an outcome when their worker died or froze.
    claims_left_open: u64,
    /// Recipients that were ever in doubt.
    unknown: u64,
    /// At most so many may be.
    unknown_allowed: u64,
    /// Of them, those that a status settled.
    settled: u64,
    /// Those for whom WhatsApp never had a message: nothing can settle them but
    /// a person.
    never_requested: u64,
    /// Those for whom WhatsApp took a message and who are in doubt all the same.
    unsettled: u64,
    /// People with an accepted message whom the ledger does not count as
    /// accepted, and the other way round.
    disagreements: u64,
    /// What the API says at the end.
    totals: Value,
    excluded_by_reason: Value,
    /// Messages left in dead-letter queues, by queue.
    dead_letters: BTreeMap<String, usize>,
    whatsapp: Seen,
    webhooks: simulator::WebhookReport,
    optout: Stops,
}

#[derive(Debug, Serialize)]
struct Seen {
    requests: u64,
    accepted: u64,
    unique_recipients: u64,
    limit_per_second: u32,
    max_in_sliding_second: u64,
    over_limit_windows: u64,
}

#[derive(Debug, Serialize)]
struct Stops {
    /// People who said stop while the campaign ran, before their message.
    received: u64,
    /// Claims that succeeded at a version that a stop had already raised.
    claims_after_stop: u64,
    /// From the webhook's 200 to the arrival of the last request, 0 if none
    /// came after it.
    last_request_after_200_ms: Latency,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p99: f64,
}

impl Figures {
    pub(super) async fn collect(
        args: &Args,
        house: &House,
        campaign: CampaignId,
        people: &[PhoneNumber],
        crashes: &CrashPlan,
        watch: &Watch,
        view: &Value,
    ) -> anyhow::Result<Self> {
        let report = house.simulator.report();
        let (checks, violations) = watch.checks();
        let claims_left_open = watch.claims_left_open(&crashes.crashed_processes());
        let timeouts = report.faults.values().sum();
        let ends = Ends::read(house, campaign, people, watch).await?;
        let number = &report.numbers[Seeds::PHONE_NUMBER_ID];
        Ok(Self {
            recipients: args.recipients,
            seed: args.seed,
            crash_rate: args.crash_rate,
            timeout_rate: args.timeout_rate,
            build_profile: PROFILE,
            virtual_seconds: 0.0,
            wall_seconds: 0.0,
            duplicate_recipients: report.duplicate_recipients,
            conservation: violations == 0 && view["conservation"]["holds"] == true,
            conservation_checks: checks,
            conservation_violations: violations,
            crashes: crashes.crashes().len() as u64,
            crashes_by_effect: count(crashes.crashes()),
            freezes: watch.freezes(),
            timeouts_injected: timeouts,
            claims_left_open,
            unknown: ends.unknown,
            unknown_allowed: claims_left_open + timeouts,
            settled: ends.settled,
            never_requested: ends.never_requested,
            unsettled: ends.unsettled,
            disagreements: ends.disagreements,
            totals: view["totals"].clone(),
            excluded_by_reason: view["excluded_by_reason"].clone(),
            dead_letters: dead_letters(house)?,
            whatsapp: Seen {
                requests: report.requests,
                accepted: report.accepted,
                unique_recipients: report.unique_recipients,
                limit_per_second: number.limit_per_second,
                max_in_sliding_second: number.max_in_sliding_second,
                over_limit_windows: number.over_limit_windows,
            },
            webhooks: report.webhooks,
            optout: stops(house, campaign, people).await?,
        })
    }

    pub(super) fn are_as_they_must_be(&self) -> bool {
        self.duplicate_recipients == 0
            && self.conservation
            && self.unknown <= self.unknown_allowed
            && self.unsettled == 0
            && self.disagreements == 0
            && self.optout.claims_after_stop == 0
            && self.whatsapp.over_limit_windows == 0
    }

    /// Whether there were crashes, frozen workers, unanswered requests and
    /// doubts at all.
    #[cfg(test)]
    pub(super) fn anything_went_wrong(&self) -> bool {
        self.crashes > 0
            && !self.freezes.is_empty()
            && self.timeouts_injected > 0
            && self.settled > 0
    }

    pub(super) fn table(&self) -> String {
        let mut table = format!(
            "chaos: {} people, seed {}, crash after an effect {}, accepted without an answer {}\n",
            self.recipients, self.seed, self.crash_rate, self.timeout_rate
        );
        let mut row = |name: &str, value: String| {
            writeln!(table, "  {name:<44}{value:>12}").expect("a string takes everything");
        };
        row("reached twice", self.duplicate_recipients.to_string());
        row(
            "conservation violated",
            self.conservation_violations.to_string(),
        );
        row("  of checks", self.conservation_checks.to_string());
        row("processes killed", self.crashes.to_string());
        for (place, freezes) in &self.freezes {
            row(&format!("workers frozen: {place:?}"), freezes.to_string());
        }
        row(
            "messages taken without an answer",
            self.timeouts_injected.to_string(),
        );
        row(
            "claims left open by the dead and the frozen",
            self.claims_left_open.to_string(),
        );
        row("in doubt at some time", self.unknown.to_string());
        row("  settled by a status", self.settled.to_string());
        row("  never requested", self.never_requested.to_string());
        row("  requested and still in doubt", self.unsettled.to_string());
        row(
            "ledger and WhatsApp disagree about",
            self.disagreements.to_string(),
        );
        row(
            "requests over the limit",
            self.whatsapp.over_limit_windows.to_string(),
        );
        row(
            "claims after a stop",
            self.optout.claims_after_stop.to_string(),
        );
        let latency = &self.optout.last_request_after_200_ms;
        row(
            "webhook's 200 to the last request, p50 ms",
            format!("{:.1}", latency.p50),
        );
        row(
            "webhook's 200 to the last request, p99 ms",
            format!("{:.1}", latency.p99),
        );
        row("virtual seconds", format!("{:.0}", self.virtual_seconds));
        row("seconds", format!("{:.1}", self.wall_seconds));
        write!(table, "  {}", self.totals).expect("a string takes everything");
        table
    }
}

/// What became of the recipients, in the ledger and at WhatsApp.
#[derive(Debug, Default)]
struct Ends {
    unknown: u64,
    settled: u64,
    never_requested: u64,
    unsettled: u64,
    disagreements: u64,
}

impl Ends {
    async fn read(
        house: &House,
        campaign: CampaignId,
        people: &[PhoneNumber],
        watch: &Watch,
    ) -> anyhow::Result<Self> {
        let doubted = watch.doubted();
        let tenant = house.seeds.tenant;
        let key = house.seeds.tokens();
        let reached: BTreeMap<_, bool> = people
            .iter()
            .map(|phone| {
                let person = WaId::parse(phone.expose()).ok();
                let log = person.and_then(|person| house.simulator.person_log(&person));
                let reached = log.is_some_and(|log| log.requests.iter().any(|r| r.accepted));
                (key.contact(tenant, phone), reached)
            })
            .collect();
        let mut ends = Self::default();
        for entry in house.campaigns()?.ledger(tenant, campaign).await?.values() {
            let block = &entry.block;
            for (index, (token, state)) in (0_u8..).zip(block.tokens.iter().zip(&block.states)) {
                let proved = entry.statuses.values().any(|s| s.proves_acceptance(index));
                let reached = reached.get(token).copied().unwrap_or(false);
                let in_doubt = *state == RecipientState::Unknown;
                let accepted = *state == RecipientState::Accepted || (in_doubt && proved);
                let place = (u64::from(block.number), u64::from(index));
                let was_in_doubt = in_doubt || doubted.contains(&place);
                ends.unknown += u64::from(was_in_doubt);
                ends.settled += u64::from(was_in_doubt && accepted);
                ends.never_requested += u64::from(in_doubt && !proved && !reached);
                ends.unsettled += u64::from(in_doubt && !proved && reached);
                ends.disagreements += u64::from(accepted != reached);
            }
        }
        Ok(ends)
    }
}

/// What became of those who said stop before their message.
async fn stops(
    house: &House,
    campaign: CampaignId,
    people: &[PhoneNumber],
) -> anyhow::Result<Stops> {
    let (contacts, tenant) = (house.contacts()?, house.seeds.tenant);
    let key = house.seeds.tokens();
    let mut claims_after_stop = 0;
    let mut latencies = Vec::new();
    for phone in people {
        let log = WaId::parse(phone.expose())
            .ok()
            .and_then(|person| house.simulator.person_log(&person));
        let Some(log) = log.filter(|log| !log.stops.is_empty()) else {
            continue;
        };
        let token = key.contact(tenant, phone);
        let stops = contacts.stops(tenant, token).await?;
        let person = contacts.person(tenant, token).await?;
        if let Some(heard) = stops.iter().map(|stop| stop.version).min() {
            // Every write raises the version by one: what was there below the
            // stop's version are claims, and there must be no more of them.
            let claims = person.claims.iter().filter(|c| c.campaign == campaign);
            claims_after_stop += (claims.count() as u64).saturating_sub(heard - 1);
        }
        if let Some(heard) = log.stops.first().and_then(|stop| stop.acknowledged_at) {
            let last = log.requests.iter().map(|request| request.arrived_at).max();
            let last = last.unwrap_or(heard).max(heard);
            latencies.push(last.duration_since(heard).as_millis_f64());
        }
    }
    latencies.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        let rank = (latencies.len() * percent).div_ceil(100);
        let latency = latencies.get(rank.saturating_sub(1));
        latency.copied().unwrap_or(0.0)
    };
    Ok(Stops {
        received: latencies.len() as u64,
        claims_after_stop,
        last_request_after_200_ms: Latency {
            p50: at(50),
            p99: at(99),
        },
    })
}

fn dead_letters(house: &House) -> anyhow::Result<BTreeMap<String, usize>> {
    let sqs = &house.aws.sqs;
    let mut letters = BTreeMap::new();
    for queue in sqs.names() {
        let left = sqs.depth(&queue)?.total();
        if left > 0 {
            letters.insert(queue, left);
        }
    }
    Ok(letters)
}

fn count(names: Vec<String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}
