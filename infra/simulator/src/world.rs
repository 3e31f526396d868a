//! Everything on WhatsApp's side: numbers, templates, media, people, messages,
//! and what is yet to happen.
//!
//! Synchronous and without a clock: each entry point is told the time. Events
//! happen in the order of their times, each at its own time, however late
//! anybody looks.

mod judge;
mod life;
mod media;
mod send;
mod tell;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use life::Preference;
pub(crate) use life::{Event, Stage};
pub(crate) use media::MediaShelf;
pub use send::HeldOutcome;
pub(crate) use send::{Incoming, Route, Verdict};

use crate::behaviour::Behaviour;
use crate::config::{
    BusinessNumber, Config, ConfigError, Delay, HoldPlan, LinkedAccount, UserMarketingLimit,
    WebhookChaos,
};
use crate::delivery::{Outbox, Post};
use crate::fault::FaultPlan;
use crate::limits::{HourlyCalls, PairLimit, ThroughputWindow, TierWindow};
use crate::person::{Person, PersonRef};
use crate::refusal::Refusal;
use crate::report::{Arrivals, Measure, OptOutReport, PersonLog, Report};
use crate::seed::Seed;
use crate::template::TemplateStore;
use crate::wa_id::WaId;

/// The state of a simulation.
pub(crate) struct World {
    pub(crate) seed: Seed,
    behaviour: Behaviour,
    chaos: WebhookChaos,
    answer_delay: Delay,
    user_marketing_limit: Option<UserMarketingLimit>,
    us_marketing_paused: bool,
    tier_code: u32,
    pub(crate) numbers: BTreeMap<String, NumberState>,
    first_number: String,
    tiers: HashMap<String, TierWindow>,
    management_calls_per_hour: u32,
    management_calls: HashMap<String, HourlyCalls>,
    pub(crate) templates: TemplateStore,
    pub(crate) media: MediaShelf,
    people: HashMap<WaId, PersonState>,
    by_user_id: HashMap<String, WaId>,
    pub(crate) messages: HashMap<String, Message>,
    held: Vec<String>,
    holds: Vec<(HoldPlan, u64)>,
    pub(crate) linked: Vec<LinkedAccount>,
    pub(crate) faults: FaultPlan,
    events: BTreeMap<(Timestamp, u64), Event>,
    sequence: u64,
    outbox: Outbox,
    pub(crate) measure: Measure,
}

/// One business number and what is known of it.
#[derive(Debug)]
pub(crate) struct NumberState {
    pub(crate) config: BusinessNumber,
    /// The number as a WhatsApp id.
    own: Option<WaId>,
    pub(crate) quality: String,
    pub(crate) health: String,
    window: ThroughputWindow,
    pairs: PairLimit,
    /// Year, month, and free-form messages delivered in it.
    service_month: ((i16, i8), u32),
}

/// A person and what happened to them.
#[derive(Debug)]
struct PersonState {
    person: Person,
    /// Templates accepted for this person.
    templates: u64,
    /// Messages accepted for this person.
    messages: u64,
    /// Messages this person wrote.
    written: u64,
    blocked: bool,
    marketing_off: bool,
    /// When this person last wrote to a business number.
    wrote_at: HashMap<String, Timestamp>,
    /// When marketing was delivered to this person.
    marketing: Vec<Timestamp>,
    log: PersonLog,
}

/// One accepted message.
#[derive(Debug)]
pub(crate) struct Message {
    number: String,
    to: WaId,
    /// The place of this message among those for this person.
    nth: u64,
    category: &'static str,
    in_window: bool,
    free: bool,
    callback_data: Option<String>,
    quick_replies: Vec<crate::template::QuickReply>,
    /// What was reported, for the message history.
    pub(crate) history: Vec<(&'static str, Timestamp)>,
}

impl Message {
    fn is_marketing(&self) -> bool {
        matches!(self.category, "marketing" | "marketing_lite")
    }
}

/// Prints no person: nearly all of it is about people.
impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("seed", &self.seed)
            .field("people", &self.people.len())
            .field("messages", &self.messages.len())
            .finish_non_exhaustive()
    }
}

impl World {
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let first = config.numbers.first().ok_or(ConfigError::NoNumber)?;
        let seed = Seed(config.seed);
        let mut templates = TemplateStore::default();
        for (waba_id, listed) in &config.templates {
            for (index, template) in listed.iter().enumerate() {
                templates
                    .insert(waba_id, template.clone())
                    .map_err(|source| ConfigError::Template {
                        waba_id: waba_id.clone(),
                        index,
                        source,
                    })?;
            }
        }
        let mut world = Self {
            seed,
            behaviour: config.behaviour.clone(),
            chaos: config.webhooks.clone(),
            answer_delay: config.answer_delay,
            user_marketing_limit: config.user_marketing_limit,
            us_marketing_paused: config.us_marketing_paused,
            tier_code: config.tier_code,
            numbers: BTreeMap::new(),
            first_number: first.phone_number_id.clone(),
            tiers: HashMap::new(),
            management_calls_per_hour: config.management_calls_per_hour,
            management_calls: HashMap::new(),
            templates,
            media: MediaShelf::default(),
            people: HashMap::new(),
            by_user_id: HashMap::new(),
            messages: HashMap::new(),
            held: Vec::new(),
            linked: config.linked.clone(),
            holds: config.holds.iter().map(|hold| (hold.clone(), 0)).collect(),
            faults: FaultPlan::new(seed, config.faults.clone()),
            events: BTreeMap::new(),
            sequence: 0,
            outbox: Outbox::default(),
            measure: Measure::default(),
        };
        for number in &config.numbers {
            world.add_number(number.clone());
        }
        Ok(world)
    }

    fn add_number(&mut self, number: BusinessNumber) {
        let limit_per_second = number.throughput_per_second;
        self.measure.numbers.insert(
            number.phone_number_id.clone(),
            Arrivals {
                limit_per_second,
                ..Arrivals::default()
            },
        );
        self.tiers
            .entry(number.portfolio_id.clone())
            .or_insert_with(|| TierWindow::new(number.tier));
        let state = NumberState {
            own: WaId::parse(&number.display_phone_number).ok(),
            quality: "GREEN".to_owned(),
            health: "AVAILABLE".to_owned(),
            window: ThroughputWindow::new(limit_per_second),
            pairs: PairLimit::default(),
            service_month: ((0, 0), 0),
            config: number,
        };
        self.numbers
            .insert(state.config.phone_number_id.clone(), state);
    }

    /// The number that people write to unless told otherwise.
    pub(crate) fn first_number(&self) -> String {
        self.first_number.clone()
    }

    /// What a number sent, or only the message `wamid` of it, the newest first.
    pub(crate) fn sent_by(&self, number: &str, wamid: Option<&str>) -> Vec<(&str, &Message)> {
        let all = self
            .messages
            .iter()
            .map(|(id, message)| (id.as_str(), message));
        let mut found: Vec<_> = all
            .filter(|(id, message)| message.number == number && wamid.is_none_or(|w| w == *id))
            .collect();
        found.sort_by_key(|(id, message)| (std::cmp::Reverse(message.history[0].1), *id));
        found
    }

    /// The number with this id, or the API's answer that there is none.
    pub(crate) fn number(&self, phone_number_id: &str) -> Result<&NumberState, Refusal> {
        self.numbers.get(phone_number_id).ok_or_else(|| {
            Refusal::new(
                33,
                "the business phone number does not exist or is not yours",
            )
        })
    }

    /// Whether Amazon speaks for this account.
    pub(crate) fn is_linked(&self, waba_id: &str) -> bool {
        self.linked.iter().any(|account| account.waba_id == waba_id)
    }

    /// Counts a management call against its business account.
    pub(crate) fn admit_management_call(
        &mut self,
        waba_id: &str,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let limit = self.management_calls_per_hour;
        let calls = self
            .management_calls
            .entry(waba_id.to_owned())
            .or_insert_with(|| HourlyCalls::new(limit));
        if calls.admit(at) {
            Ok(())
        } else {
            Err(Refusal::new(80_007, "too many calls in the last hour"))
        }
    }

    /// Lets everything happen that is due by `until`.
    pub(crate) fn advance(&mut self, until: Timestamp) {
        while let Some(entry) = self.events.first_entry()
            && entry.key().0 <= until
        {
            let at = entry.key().0;
            let event = entry.remove();
            self.happen(at, event);
        }
    }

    pub(crate) fn schedule(&mut self, at: Timestamp, event: Event) {
        self.sequence += 1;
        self.events.insert((at, self.sequence), event);
    }

    /// When the next thing happens or the next webhook goes out.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let event = self.events.keys().next().map(|(at, _)| *at);
        [event, self.outbox.next_due()].into_iter().flatten().min()
    }

    /// Whether nothing is to come: no event, no webhook waiting or under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.next_due().is_none() && self.measure.webhooks.under_way == 0
    }

    /// The next POST due by `until`, once all that happens by its time has.
    pub(crate) fn take_post(&mut self, until: Timestamp, now: Timestamp) -> Option<Post> {
        loop {
            let due = self.next_due().filter(|due| *due <= until)?;
            self.advance(due);
            if let Some(post) = self.outbox.take(due, self.chaos.updates_per_post) {
                self.note_posting(&post, now);
                return Some(post);
            }
        }
    }

    pub(crate) fn report(&self) -> Report {
        let recipients = self.people.values().filter(|p| p.templates > 0).count();
        let logs = self.people.iter().map(|(wa_id, state)| {
            let person = PersonRef::new(self.seed, wa_id);
            (person, &state.log)
        });
        self.measure
            .report(self.outbox.len(), recipients as u64, OptOutReport::of(logs))
    }

    pub(crate) fn person_log(&self, wa_id: &WaId) -> Option<PersonLog> {
        self.people.get(wa_id).map(|state| state.log.clone())
    }

    /// The person, made on first mention.
    fn person(&mut self, wa_id: &WaId) -> &mut PersonState {
        let (seed, behaviour, by_user_id) = (self.seed, &self.behaviour, &mut self.by_user_id);
        self.people.entry(wa_id.clone()).or_insert_with(|| {
            let person = Person::new(seed, behaviour, wa_id.clone());
            by_user_id.insert(person.user_id.clone(), wa_id.clone());
            PersonState {
                person,
                templates: 0,
                messages: 0,
                written: 0,
                blocked: false,
                marketing_off: false,
                wrote_at: HashMap::new(),
                marketing: Vec::new(),
                log: PersonLog::default(),
            }
        })
    }

    fn metadata(&self, number: &str) -> Value {
        let display = self
            .numbers
            .get(number)
            .map_or("", |state| state.config.display_phone_number.as_str());
        let digits: String = display.chars().filter(char::is_ascii_digit).collect();
        json!({"display_phone_number": digits, "phone_number_id": number})
    }
}
