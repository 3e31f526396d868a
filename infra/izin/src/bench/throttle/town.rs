//! Everything around the workers: tables, WhatsApp, people, blocks to send.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use platform::campaigns::{Content, NewCampaign, SyncedTemplate, TemplateRef, Templated};
use platform::clock::{SetClock, SharedClock};
use platform::queue::SendTask;
use policy::block::{BLOCK_MAX, Block};
use policy::campaign::CampaignState;
use policy::consent::{Basis, Consent, Grant};
use policy::ids::{CampaignId, ListId};
use policy::pace::Pace;
use policy::phone::PhoneNumber;
use policy::purpose::Purpose;
use policy::subscription::Subscription;
use simulator::{Behaviour, BusinessNumber, Delay, NumberReport, Simulator, WaId};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::interval;
use uuid::Uuid;

use super::Args;
use crate::bench::start;
use crate::house::{House, Options, Seeds, simulated};

/// The town that the workers serve.
pub(super) struct Town {
    pub(super) house: House,
    pub(super) simulator: Arc<Simulator>,
    pub(super) clock: SharedClock,
    pub(super) campaigns: Vec<CampaignId>,
    /// One task for each block, the campaigns in turn.
    tasks: Vec<SendTask>,
    next: AtomicU32,
    list: ListId,
    singles: mpsc::UnboundedSender<SendTask>,
    waiting: Mutex<mpsc::UnboundedReceiver<SendTask>>,
    _alive: oneshot::Sender<()>,
}

impl Town {
    /// Writes down enough people for the whole time, crashes included.
    pub(super) async fn found(args: &Args) -> anyhow::Result<Arc<Self>> {
        let clock = SharedClock::new(SetClock::starting_at(start()));
        let house = House::build(Options::quiet(clock.clone(), args.seed, args.mps)).await?;
        let (simulator, alive) = simulator(args, &house.seeds, &clock).await?;
        let tenant = house.seeds.tenant;
        let now = clock.now();
        let campaigns = house.campaigns()?;
        let template = SyncedTemplate {
            json: Seeds::template().to_string(),
            synced_at: now,
            has_news: false,
        };
        campaigns
            .put_template(tenant, Seeds::TEMPLATE, Seeds::LANGUAGE, &template)
            .await?;
        let list = ListId::from_uuid(Uuid::from_u128(1));
        let ids: Vec<_> = (1..=args.campaigns)
            .map(|nth| CampaignId::from_uuid(Uuid::from_u128(nth.into())))
            .collect();
        for id in &ids {
            campaigns.create_campaign(tenant, *id, &plan(list)).await?;
            campaigns
                .move_campaign(tenant, *id, CampaignState::Draft, CampaignState::Running)
                .await?;
        }

        // A killed worker leaves a block behind, and every worker has one in hand
        // at the end.
        let messages = args.mps as usize * args.seconds as usize;
        let lost = messages as f64 * args.crash_rate * 8.0;
        let blocks = (messages + lost as usize) / BLOCK_MAX + 4 * usize::from(args.workers) + 8;
        let contacts = house.contacts()?;
        let mut tasks = Vec::new();
        for (number, first) in (0_u32..).zip((0..blocks).map(|block| block * BLOCK_MAX)) {
            let id = ids[number as usize % ids.len()];
            let number = number / ids.len() as u32;
            let key = house.seeds.tokens();
            let mut people: Vec<_> = (first..first + BLOCK_MAX)
                .map(|nth| {
                    let subscription = subscription(nth, now);
                    (key.contact(tenant, &subscription.phone), subscription)
                })
                .collect();
            people.sort_by_key(|(token, _)| *token);
            let tokens = people.iter().map(|(token, _)| *token).collect();
            let block = Block::planned(number, tokens, now);
            contacts.put_subscriptions(tenant, list, &people).await?;
            campaigns.plan_block(tenant, id, &block).await?;
            tasks.push(SendTask::RangeV1 {
                tenant,
                campaign: id,
                from: number,
                to: number + 1,
            });
        }
        let (singles, waiting) = mpsc::unbounded_channel();
        Ok(Arc::new(Self {
            list,
            singles,
            waiting: Mutex::new(waiting),
            house,
            simulator,
            clock,
            campaigns: ids,
            tasks,
            next: AtomicU32::new(0),
            _alive: alive,
        }))
    }

    /// The next block that nobody has; `None` once all are handed out.
    pub(super) fn next_task(&self) -> Option<SendTask> {
        let nth = self.next.fetch_add(1, Ordering::Relaxed);
        self.tasks.get(nth as usize).cloned()
    }

    /// The next single message, once there is one.
    pub(super) async fn next_single(&self) -> Option<SendTask> {
        self.waiting.lock().await.recv().await
    }

    /// Writes single messages down, so many a second, as the API does; when each
    /// was, and for whom.
    pub(super) async fn write_singles(
        &self,
        per_second: u32,
        seconds: u32,
    ) -> anyhow::Result<Vec<(Timestamp, WaId)>> {
        const FIRST: usize = 800_000;
        if per_second == 0 {
            return Ok(Vec::new());
        }
        let (contacts, campaigns) = (self.house.contacts()?, self.house.campaigns()?);
        let tenant = self.house.seeds.tenant;
        let key = self.house.seeds.tokens();
        let count = (per_second * seconds) as usize;
        let people: Vec<_> = (FIRST..FIRST + count)
            .map(|nth| {
                let subscription = subscription(nth, self.clock.now());
                (key.contact(tenant, &subscription.phone), subscription)
            })
            .collect();
        contacts
            .put_subscriptions(tenant, self.list, &people)
            .await?;
        let mut rhythm = interval(Duration::from_secs(1) / per_second);
        let mut written = Vec::new();
        for (nth, (token, subscription)) in (1..).zip(people) {
            rhythm.tick().await;
            let id = CampaignId::from_uuid(Uuid::from_u128((1 << 64) + nth));
            let now = self.clock.now();
            campaigns
                .create_single(tenant, id, &plan(self.list), token, now)
                .await?;
            self.singles.send(SendTask::RangeV1 {
                tenant,
                campaign: id,
                from: 0,
                to: 1,
            })?;
            written.push((now, wa_id(&subscription.phone)));
        }
        Ok(written)
    }

    /// What the number saw.
    pub(super) fn number(&self) -> NumberReport {
        let mut report = self.simulator.report();
        report
            .numbers
            .remove(Seeds::PHONE_NUMBER_ID)
            .expect("the simulator knows the number")
    }

    /// So many people write at once.
    pub(super) fn let_a_crowd_write(&self, people: u32) {
        for nth in 0..people as usize {
            let person = wa_id(&phone(700_000 + nth));
            self.simulator.person_says(&person, "Halo, masih ada?");
        }
    }

    /// People write as often as the share that is kept for them allows, for ever.
    pub(super) async fn let_people_write(&self, pace: Pace) -> Infallible {
        let gap = Duration::from_secs(1) / pace.inbound_per_second.max(1);
        let mut nth = 900_000;
        loop {
            self.wait(gap.mul_f64(1.05)).await;
            let person = wa_id(&phone(nth));
            self.simulator.person_says(&person, "Terima kasih");
            nth += 1;
        }
    }

    /// Waits in real time.
    pub(super) async fn wait(&self, length: Duration) {
        self.clock.sleep_until(self.clock.now() + length).await;
    }
}

/// WhatsApp, on a thread of its own.
async fn simulator(
    args: &Args,
    seeds: &Seeds,
    clock: &SharedClock,
) -> anyhow::Result<(Arc<Simulator>, oneshot::Sender<()>)> {
    let mut config = simulator::Config::new(
        seeds.app_secret.clone(),
        seeds.verify_token.clone(),
        seeds.access_token.clone(),
    );
    config.seed = args.seed;
    config.behaviour = Behaviour {
        reads: 0.0,
        ..Behaviour::default()
    };
    let latency = u64::from(args.latency_ms);
    let jitter = u64::from(args.jitter_ms);
    config.answer_delay = Delay::ms(latency.saturating_sub(jitter), latency + jitter);
    config.numbers = vec![BusinessNumber {
        phone_number_id: Seeds::PHONE_NUMBER_ID.to_owned(),
        display_phone_number: "+62 21 5550 0100".to_owned(),
        country_code: "62".to_owned(),
        waba_id: Seeds::WABA.to_owned(),
        portfolio_id: Seeds::PORTFOLIO.to_owned(),
        throughput_per_second: args.mps,
        tier: simulator::Tier::Unlimited,
    }];
    config
        .templates
        .insert(Seeds::WABA.to_owned(), vec![Seeds::template()]);
    let clock = simulated(clock);
    let (started, starting) = oneshot::channel();
    let (alive, over) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(async {
                let simulator = Simulator::start(config, clock).await;
                let _ = started.send(simulator.map(Arc::new));
                // Ends when the other half is dropped.
                let _ = over.await;
            }),
            Err(error) => drop(error),
        }
    });
    Ok((starting.await.context("WhatsApp did not start")??, alive))
}

fn plan(list: ListId) -> NewCampaign {
    NewCampaign {
        name: "Promo".to_owned(),
        sender: Seeds::PHONE_NUMBER_ID.to_owned(),
        content: Content::Template(Templated {
            list,
            template: TemplateRef {
                name: Seeds::TEMPLATE.to_owned(),
                language: Seeds::LANGUAGE.to_owned(),
            },
            mapping: BTreeMap::from([("body.nama".to_owned(), "column:name".to_owned())]),
        }),
        purpose: purpose(),
        not_after: None,
    }
}

fn purpose() -> Purpose {
    Purpose::parse("marketing.promo").expect("a purpose")
}

fn phone(nth: usize) -> PhoneNumber {
    PhoneNumber::parse_e164(&format!("+6281{nth:09}")).expect("a made-up number is a number")
}

fn wa_id(phone: &PhoneNumber) -> WaId {
    WaId::parse(&phone.expose()[1..]).expect("a made-up number is a number")
}

fn subscription(nth: usize, now: Timestamp) -> Subscription {
    Subscription {
        phone: phone(nth),
        name: Some("Sari".to_owned()),
        language: None,
        zone: None,
        external_id: None,
        attributes: BTreeMap::new(),
        consent: Consent::Granted(Grant {
            purposes: BTreeSet::from([purpose()]),
            basis: Basis::ExplicitConsent,
            at: now,
            method: "web_form".to_owned(),
            notice: None,
            evidence: format!("bench#{nth}"),
            expires_at: None,
        }),
    }
}
