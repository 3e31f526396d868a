//! One block: decide for everybody, then hand out slots as they are leased,
//! and write down what came of each.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, pending, select};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use platform::campaigns::Settlement;
use platform::clock::SharedClock;
use platform::fault::{Fault, chain};
use platform::metrics::Metrics;
use platform::queue::SendTask;
use platform::rate::{Lease, LeaseAnswer};
use policy::block::{Block, Outcome, Phase};
use policy::ids::OwnerNonce;
use policy::jurisdiction::Jurisdictions;
use policy::person::Person;
use policy::reason::DeferReason;
use policy::send::{Decision, Facts};

use crate::delivery::{self, Candidate, Delivered, Holding, Slot};
use crate::facts::{self, BlockFacts};
use crate::range::Sender;
use crate::{Deps, message};

/// One block under way, and the worker that holds it.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) block: &'a Block,
    pub(crate) owner: OwnerNonce,
    pub(crate) deadline: Timestamp,
    pub(crate) sender: &'a Sender,
    pub(crate) facts: &'a BlockFacts,
    pub(crate) deps: &'a Deps,
    /// WhatsApp stopped the account, the number or the template.
    pub(crate) halted: AtomicBool,
}

/// How often acceptances are written down; refusals are at once.
const RECORD_EVERY: SignedDuration = SignedDuration::from_secs(1);

/// How long before the last slot of a lease the next lease is taken.
const REFILL_LEAD: SignedDuration = SignedDuration::from_millis(150);

/// How long a block waits when slots cannot be leased.
const FAULT_RECHECK: SignedDuration = SignedDuration::from_secs(30);

/// How long a block waits when this worker's clock may not be used.
const CLOCK_RECHECK: SignedDuration = SignedDuration::from_mins(2);

/// The longest delay of a queue message (SQS quota).
const QUEUE_WAITS: SignedDuration = SignedDuration::from_mins(15);

/// Runs a block that is in flight for `owner` until `deadline`.
pub(crate) async fn run(
    mut block: Block,
    owner: OwnerNonce,
    deadline: Timestamp,
    sender: &Sender,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    let Some(facts) = facts::gather(&block, sender, deps).await? else {
        return Ok(());
    };
    let run = Run {
        block: &block,
        owner,
        deadline,
        sender,
        facts: &facts,
        deps,
        halted: AtomicBool::new(false),
    };
    let mut ledger = Ledger::new(&run);
    let waiting = run.decide_all(&mut ledger);
    let delivered = run.deliver_all(waiting, &mut ledger, metrics).await;
    if run.is_halted() {
        metrics.count("StoppedByWhatsApp", 1);
    }
    ledger.record().await?;
    let outcomes = ledger.outcomes;

    let settlement = Settlement {
        owner,
        attempt: block.attempt,
    };
    let now = deps.clock.now();
    let mut states = block.states.clone();
    for (index, outcome) in &outcomes {
        states[usize::from(*index)] = outcome.state();
    }
    let due = outcomes.values().filter_map(Outcome::due).min();
    block.settle(states, due.unwrap_or(now));
    let settled = deps
        .campaigns
        .settle_block(sender.tenant, sender.campaign, &block, settlement)
        .await?;
    if settled {
        queue_again(&block, sender, deps).await?;
    }
    for outcome in outcomes.values() {
        metrics.count(outcome_metric(outcome), 1);
    }
    delivered
}

/// Queues a block again for when the first of its recipients is due, if a queue
/// can wait that long; else the timer releases it. A message that is lost here
/// comes back by the timer too.
async fn queue_again(block: &Block, sender: &Sender, deps: &Deps) -> Result<(), Fault> {
    let Phase::Pending { due } = block.phase else {
        return Ok(());
    };
    let wait = due
        .duration_since(deps.clock.now())
        .max(SignedDuration::ZERO);
    if wait > QUEUE_WAITS {
        return Ok(());
    }
    let task = SendTask::RangeV1 {
        tenant: sender.tenant,
        campaign: sender.campaign,
        from: block.number,
        to: block.number + 1,
    };
    // Whole seconds, rounded up: a message that comes too early finds nothing due.
    let seconds = u64::try_from(wait.as_millis()).unwrap_or(0).div_ceil(1_000);
    deps.queue
        .send_later(&task, Duration::from_secs(seconds))
        .await
}

fn outcome_metric(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "Sent",
        Outcome::Rejected { .. } => "Rejected",
        Outcome::Refused { .. } => "Throttled",
        Outcome::Excluded { .. } => "Excluded",
        Outcome::Deferred { .. } => "Deferred",
        Outcome::Unknown => "Unknown",
    }
}

impl<'a> Run<'a> {
    /// Whether WhatsApp has stopped the account, the number or the template.
    pub(crate) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Relaxed)
    }

    /// Decides for everybody that waits; those who may be sent to are the
    /// candidates for slots, the others get their outcome now.
    fn decide_all(&self, ledger: &mut Ledger<'_>) -> VecDeque<Candidate> {
        let stranger = Person::default();
        let mut waiting = VecDeque::new();
        for index in self.block.pending() {
            let token = self.block.tokens[usize::from(index)];
            let person = self.facts.persons.get(&token).unwrap_or(&stranger);
            let subscription = self.facts.subscriptions.get(&token);
            let candidate = Candidate {
                index,
                token,
                person: person.clone(),
                subscription: subscription.cloned(),
                holding: Holding::Nothing,
            };
            match self.decide(&candidate) {
                Ok(permit) => waiting.push_back(Candidate {
                    holding: Holding::Permit(permit),
                    ..candidate
                }),
                Err(outcome) => ledger.note(index, outcome),
            }
        }
        waiting
    }

    /// The policy's answer for one person as they were last read, and whether
    /// the template's variables can be filled for them.
    pub(crate) fn decide(&self, candidate: &Candidate) -> Result<policy::send::Permit, Outcome> {
        let now = self.deps.clock.now();
        let decision = policy::send::decide(&Facts {
            now,
            campaign: &self.facts.campaign,
            token: candidate.token,
            person: &candidate.person,
            subscription: candidate.subscription.as_ref(),
            work: self.facts.work(self.block, candidate.index, self.owner),
            jurisdictions: Jurisdictions::embedded(),
            terms: &self.sender.terms,
        });
        let excluded = |reason: &'static str| Outcome::Excluded {
            reason: reason.to_owned(),
        };
        match decision {
            Decision::Send(permit) => match &candidate.subscription {
                Some(subscription) => message::check(self.sender, subscription)
                    .map(|()| permit)
                    .map_err(|reason| excluded(reason.code())),
                None => Err(excluded("subscription_missing")),
            },
            Decision::Refuse(refusal) => Err(excluded(refusal.first().code())),
            Decision::Defer { until, reason } => Err(Outcome::Deferred {
                reason: reason.code().to_owned(),
                // A paused campaign releases nothing; whoever resumes it finds
                // its blocks due.
                due: if reason == DeferReason::CampaignPaused {
                    now
                } else {
                    until
                },
            }),
            Decision::InDoubt => Err(Outcome::Unknown),
        }
    }

    /// Leases slots as long as somebody waits, and lets each candidate go to
    /// the wire at its slot. What has no slot by the deadline stays pending.
    async fn deliver_all(
        &self,
        mut waiting: VecDeque<Candidate>,
        ledger: &mut Ledger<'_>,
        metrics: &mut Metrics,
    ) -> Result<(), Fault> {
        let clock = &self.deps.clock;
        let room = self.deps.in_flight_max.get();
        let mut under_way = FuturesUnordered::new();
        let mut next_lease = clock.now();
        let mut failed = None;
        loop {
            if waiting.is_empty() && under_way.is_empty() {
                return failed.map_or(Ok(()), Err);
            }
            let may_lease = !waiting.is_empty() && under_way.len() < room;
            let refill = may_lease.then_some(next_lease);
            match next_step(&mut under_way, refill, clock).await {
                Step::Arrived(Delivered::Settled { index, outcome }) => {
                    ledger.note(index, outcome);
                    if let Err(fault) = ledger.record_if_due().await {
                        // The end of the block writes them all again.
                        tracing::warn!(error = chain(&fault), "outcomes are not written yet");
                    }
                }
                Step::Arrived(Delivered::Forfeited(candidate)) => {
                    metrics.count("SlotsForfeited", 1);
                    waiting.push_front(*candidate);
                }
                Step::Refill if clock.now() >= self.deadline || self.is_halted() => {
                    for candidate in waiting.drain(..) {
                        let now = clock.now();
                        ledger.note(candidate.index, delivery::handed_over(now));
                    }
                }
                Step::Refill => match self.lease(waiting.len().min(room - under_way.len())).await {
                    Err(fault) => {
                        // What is on the wire is waited for and written down; the
                        // others were certainly not sent.
                        put_off(&mut waiting, "no_slots", FAULT_RECHECK, ledger);
                        failed = Some(fault);
                    }
                    Ok(LeaseAnswer::Leased(lease)) => {
                        metrics.count("SlotsLeased", lease.count.into());
                        for at in 0..lease.count {
                            if let Some(candidate) = waiting.pop_front() {
                                let slot = Slot {
                                    at: lease.slot(at),
                                    epoch: lease.epoch,
                                };
                                under_way.push(delivery::deliver(self, candidate, slot));
                            }
                        }
                        next_lease = refill_at(&lease);
                    }
                    Ok(LeaseAnswer::Wait { until }) => next_lease = until,
                    Ok(LeaseAnswer::ClockBehind) => {
                        tracing::error!("this clock is behind: nothing is sent by it");
                        metrics.count("ClockBehind", 1);
                        put_off(&mut waiting, "clock_behind", CLOCK_RECHECK, ledger);
                    }
                },
            }
        }
    }

    /// At most a quarter of a second's slots at a time.
    async fn lease(&self, wanted: usize) -> Result<LeaseAnswer, Fault> {
        let quarter = (self.sender.pace.milli_rate() / 4_000).max(1);
        let count = (wanted as u64).min(quarter);
        let count = u32::try_from(count).expect("a quarter of a second's slots fit");
        let number = &self.sender.phone_number_id;
        let now = self.deps.clock.now();
        self.deps
            .rates
            .lease(number, count, &self.sender.pace, now)
            .await
    }
}

/// Puts everybody off who waits for a slot: no request was made for them.
fn put_off(
    waiting: &mut VecDeque<Candidate>,
    reason: &str,
    by: SignedDuration,
    ledger: &mut Ledger<'_>,
) {
    let now = ledger.deps.clock.now();
    let due = now.saturating_add(by).unwrap_or(Timestamp::MAX);
    for candidate in waiting.drain(..) {
        let outcome = Outcome::Deferred {
            reason: reason.to_owned(),
            due,
        };
        ledger.note(candidate.index, outcome);
    }
}

/// What happens first: a message arrives, or it is time for the next lease.
enum Step {
    Arrived(Delivered),
    Refill,
}

async fn next_step(
    under_way: &mut FuturesUnordered<impl Future<Output = Delivered>>,
    refill: Option<Timestamp>,
    clock: &SharedClock,
) -> Step {
    let arrival = pin!(async {
        match under_way.next().await {
            Some(delivered) => delivered,
            None => pending().await,
        }
    });
    let refill = pin!(async {
        match refill {
            Some(at) => clock.sleep_until(at).await,
            None => pending().await,
        }
    });
    match select(arrival, refill).await {
        Either::Left((delivered, _)) => Step::Arrived(delivered),
        Either::Right(((), _)) => Step::Refill,
    }
}

fn refill_at(lease: &Lease) -> Timestamp {
    lease
        .end()
        .saturating_sub(REFILL_LEAD)
        .unwrap_or(Timestamp::MIN)
}

/// The outcomes of this attempt, and how many of them are written down.
struct Ledger<'a> {
    run_block: u32,
    attempt: u16,
    sender: &'a Sender,
    deps: &'a Deps,
    outcomes: BTreeMap<u8, Outcome>,
    unwritten: bool,
    urgent: bool,
    written_at: Timestamp,
}

impl<'a> Ledger<'a> {
    fn new(run: &Run<'a>) -> Self {
        Self {
            run_block: run.block.number,
            attempt: run.block.attempt,
            sender: run.sender,
            deps: run.deps,
            outcomes: BTreeMap::new(),
            unwritten: false,
            urgent: false,
            written_at: run.deps.clock.now(),
        }
    }

    fn note(&mut self, index: u8, outcome: Outcome) {
        self.unwritten = true;
        self.urgent |= matches!(outcome, Outcome::Refused { .. } | Outcome::Rejected { .. });
        self.outcomes.insert(index, outcome);
    }

    async fn record_if_due(&mut self) -> Result<(), Fault> {
        let waited = self.deps.clock.now().duration_since(self.written_at);
        if self.urgent || waited >= RECORD_EVERY {
            self.record().await?;
        }
        Ok(())
    }

    async fn record(&mut self) -> Result<(), Fault> {
        if !self.unwritten {
            return Ok(());
        }
        self.deps
            .campaigns
            .record_outcomes(
                self.sender.tenant,
                self.sender.campaign,
                self.run_block,
                self.attempt,
                &self.outcomes,
            )
            .await?;
        self.unwritten = false;
        self.urgent = false;
        self.written_at = self.deps.clock.now();
        Ok(())
    }
}
