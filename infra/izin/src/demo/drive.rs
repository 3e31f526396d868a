//! The run itself: what a client of the API would do, and simulated people.

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use platform::clock::SharedClock;
use policy::ids::CampaignId;
use policy::pace::Pace;
use simulator::{Behaviour, WaId, WebhookChaos};

use super::Args;
use super::client::{CampaignView, Client};
use super::file::File;
use super::report::{self, Report};
use super::screen::Screen;
use super::stops::{self, PlannedStop};
use crate::house::{House, Options, Seeds};
use simulator::Delay;

/// The timer of the template ticks every minute; here as often as every two
/// seconds, so that nobody waits for it.
const HASTE: u32 = 30;

/// How far the way to the simulator may vary on a busy machine, in
/// milliseconds: N of the slot proof.
const TRANSIT_MS: i64 = 30;

/// The share of the limit that is kept for what people write: an eighth, because
/// here they answer within seconds, and their answers count too.
fn inbound(mps: u32) -> u32 {
    mps.div_ceil(8)
}

/// Runs the demo to its end or until Ctrl-C.
pub(super) async fn run(
    args: &Args,
    file: &File,
    clock: SharedClock,
    screen: &Screen,
) -> anyhow::Result<Report> {
    let began = clock.now();
    let house = House::build(Options {
        inbound_per_second: inbound(args.mps),
        behaviour: behaviour(),
        webhooks: WebhookChaos {
            duplicate: 0.03,
            late: 0.02,
            batch: 0.5,
            ..WebhookChaos::default()
        },
        time_limits: true,
        by_amazon: args.by_amazon,
        variables: vec![
            ("IZIN_GRAPH_VERSION", "v25.0".to_owned()),
            ("IZIN_TRANSIT_MS", TRANSIT_MS.to_string()),
        ],
        ..Options::quiet(clock.clone(), args.seed, args.mps)
    })
    .await?;
    house.simulator.run();
    let mut story = Story {
        args,
        client: Client::new(&house)?,
        house: &house,
        clock: clock.clone(),
        screen,
        campaign: None,
        interrupted: false,
    };
    let told = async {
        tokio::select! {
            told = story.tell(file) => told,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.context("cannot listen for Ctrl-C")?;
                bail!(Interrupted)
            }
        }
    };
    // The pollers and the timer live as long as the story is told.
    let wiring = house.wiring.clone();
    let mut outcome = None;
    wiring
        .run(HASTE, async { outcome = Some(told.await) })
        .await;
    let exit = match outcome.context("the story was not told")? {
        Ok(exit) => exit,
        Err(error) if error.is::<Interrupted>() => {
            story.interrupted = true;
            report::INTERRUPTED
        }
        Err(error) => return Err(error),
    };
    let mut report = story.report().await?;
    report.exit = exit;
    report.seconds = seconds(clock.now().duration_since(began));
    Ok(report)
}

/// Somebody pressed Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

/// What simulated people do in a hurry: the demo lasts seconds, not days.
fn behaviour() -> Behaviour {
    Behaviour {
        on_whatsapp: 0.985,
        sent_after: Delay::ms(30, 250),
        delivered_after: Delay::ms(60, 900),
        reads: 0.7,
        read_after: Delay::ms(300, 3_500),
        says_stop: 0.025,
        presses_stop: 0.012,
        switches_marketing_off: 0.004,
        chats: 0.03,
        blocks: 0.003,
        reacts_after: Delay::ms(200, 2_000),
        saturated: 0.01,
        ..Behaviour::default()
    }
}

struct Story<'a> {
    args: &'a Args,
    client: Client,
    house: &'a House,
    clock: SharedClock,
    screen: &'a Screen,
    campaign: Option<CampaignId>,
    interrupted: bool,
}

impl Story<'_> {
    async fn tell(&mut self, file: &File) -> anyhow::Result<&'static str> {
        let list = self.client.create_list("Pelanggan toko").await?;
        self.screen.say(&format!("  file: {}", file.name));
        let import = self.client.register_import(list, file.bytes.len()).await?;
        self.client.upload(&import, &file.bytes).await?;
        let imported = loop {
            let view = self.client.import(import.id).await?;
            match view.state.as_str() {
                "completed" => break view,
                "refused" => bail!(
                    "{}: {}; nothing was imported",
                    file.name,
                    view.refusal.unwrap_or_default()
                ),
                _ => self.pause(50).await,
            }
        };
        self.screen.say(&format!(
            "  imported: {} of {} rows are people who can be reached",
            imported.counts.accepted, imported.counts.rows
        ));
        self.client.remember_import(imported);
        // Opt-outs that the file reports are on their way to their own path.
        while self.house.aws.sqs.depth("ReceiptsQueue")?.total() > 0 {
            self.pause(50).await;
        }

        let campaign = self.client.create_campaign(list).await?;
        self.campaign = Some(campaign);
        self.client.step(campaign, "validate").await?;
        let validated = self.wait_for(campaign, &["validated"]).await?;
        self.screen.say(&format!(
            "  judged: {} may be messaged, {} may not",
            validated.totals.pending, validated.totals.excluded
        ));
        self.client.step(campaign, "approve").await?;

        let audience = validated.totals.pending;
        let pace = Pace {
            transit: SignedDuration::from_millis(TRANSIT_MS),
            ..Pace::usual(self.args.mps, inbound(self.args.mps))
        };
        let lasts = SignedDuration::from_millis(
            i64::try_from(audience * 1_000_000 / pace.milli_rate().max(1))
                .context("the audience is too large for a demo")?,
        );
        let now = self.clock.now();
        let seed = self.args.seed;
        let stops = stops::plan(self.house, campaign, list, now, lasts, seed).await?;
        self.client.step(campaign, "start").await?;
        self.screen.begin(audience);
        self.watch(campaign, stops, now, lasts).await
    }

    /// Shows the progress, lets people say stop at their time, and ends when
    /// everything is settled and every status has come.
    async fn watch(
        &mut self,
        campaign: CampaignId,
        stops: Vec<PlannedStop>,
        start: Timestamp,
        lasts: SignedDuration,
    ) -> anyhow::Result<&'static str> {
        let patience = SignedDuration::from_mins(2) + lasts * 2;
        let mut stops = stops.into_iter().peekable();
        let mut looked_at = Timestamp::MIN;
        loop {
            let now = self.clock.now();
            while let Some(stop) = stops.next_if(|stop| stop.at <= now) {
                self.house
                    .simulator
                    .person_says_stop(&stop.person, stop.text);
            }
            if now.duration_since(looked_at) > SignedDuration::from_millis(400) {
                looked_at = now;
                let view = self.client.campaign(campaign).await?;
                let totals = &view.totals;
                let settled = totals.accepted + totals.rejected + totals.unknown;
                self.screen.advance(
                    settled,
                    format!(
                        "delivered {}, read {}",
                        totals.statuses.delivered, totals.statuses.read
                    ),
                );
                let over = view.state() == "completed" && self.is_quiet()?;
                if over && stops.peek().is_none() {
                    return Ok(report::COMPLETED);
                }
            }
            if now.duration_since(start) > patience {
                return Ok(report::TIMED_OUT);
            }
            self.pause(20).await;
        }
    }

    /// Whether no webhook and no queue message is left.
    fn is_quiet(&self) -> anyhow::Result<bool> {
        let queues = self.house.aws.sqs.names();
        let mut left = 0;
        for queue in queues {
            left += self.house.aws.sqs.depth(&queue)?.total();
        }
        Ok(left == 0 && self.house.simulator.is_idle())
    }

    async fn wait_for(
        &self,
        campaign: CampaignId,
        states: &[&str],
    ) -> anyhow::Result<CampaignView> {
        loop {
            let view = self.client.campaign(campaign).await?;
            if states.contains(&view.state()) {
                return Ok(view);
            }
            self.pause(50).await;
        }
    }

    async fn pause(&self, millis: i64) {
        let until = self.clock.now() + SignedDuration::from_millis(millis);
        self.clock.sleep_until(until).await;
    }

    /// Puts together what the API, the tables and the simulator say.
    async fn report(&self) -> anyhow::Result<Report> {
        let mut report = Report::default();
        if let Some(imported) = self.client.remembered_import() {
            report.import = imported.counts;
        }
        let seen = self.house.simulator.report();
        if let Some(number) = seen.numbers.get(Seeds::PHONE_NUMBER_ID) {
            report.whatsapp.max_in_sliding_second = number.max_in_sliding_second;
            report.whatsapp.limit_per_second = number.limit_per_second.into();
            report.rate = number.mean_per_second;
            if let (Some(first), Some(last)) = (number.first_request_at, number.last_request_at) {
                report.sending_seconds = seconds(last.duration_since(first));
            }
        }
        report.whatsapp.requests = seen.requests;
        report.whatsapp.unique_recipients = seen.unique_recipients;
        report.whatsapp.duplicate_recipients = seen.duplicate_recipients;
        let Some(campaign) = self.campaign else {
            return Ok(report);
        };
        let view = self.client.campaign(campaign).await?;
        if self.interrupted {
            let state = view.state();
            self.screen
                .say(&format!("  stopped; the campaign is {state}"));
        }
        view.fill(&mut report);
        self.add_stops(campaign, &mut report).await?;
        report.conservation &= report.campaign.accepted == seen.accepted || self.interrupted;
        Ok(report)
    }

    /// What became of everybody who said stop.
    async fn add_stops(&self, campaign: CampaignId, report: &mut Report) -> anyhow::Result<()> {
        let contacts = self.house.contacts()?;
        let tenant = self.house.seeds.tenant;
        let key = self.house.seeds.tokens();
        let mut latencies = Vec::new();
        for phone in self.client.phones() {
            let person =
                WaId::parse(phone.expose()).context("a number is not one of WhatsApp's")?;
            let Some(log) = self.house.simulator.person_log(&person) else {
                continue;
            };
            let Some(first) = log.stops.first() else {
                continue;
            };
            report.optout.received += 1;
            let asked = log.requests.iter().any(|request| request.accepted);
            report.optout.stopped_while_pending += u64::from(!asked);
            let token = key.contact(tenant, phone);
            let stops = contacts.stops(tenant, token).await?;
            let known = contacts.person(tenant, token).await?;
            // Every write raises the version by one, and a stop notes the one it
            // made: what is above the stops before it are claims.
            if let Some(heard) = stops.iter().map(|stop| stop.version).min() {
                let claims = known
                    .claims
                    .iter()
                    .filter(|claim| claim.campaign == campaign)
                    .count() as u64;
                report.optout.requests_after_optout += claims.saturating_sub(heard - 1);
            }
            if let (Some(posted), Some(heard)) = (first.posted_at, first.acknowledged_at) {
                let last = log.requests.iter().map(|request| request.arrived_at).max();
                let last = last.unwrap_or(heard).max(heard);
                latencies.push(last.duration_since(posted).as_millis_f64());
            }
        }
        latencies.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (latencies.len() * percent).div_ceil(100);
            latencies
                .get(rank.saturating_sub(1))
                .copied()
                .unwrap_or(0.0)
        };
        report.optout.latency_ms.p50 = at(50);
        report.optout.latency_ms.p99 = at(99);
        Ok(())
    }
}

fn seconds(duration: SignedDuration) -> f64 {
    duration.as_millis_f64() / 1_000.0
}
