//! One block: decide for everybody, then hand out slots as they are leased,
//! and write down what came of each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::Settlement;
use platform::fault::Fault;
use platform::metrics::Metrics;
use platform::queue::SendTask;
use platform::whatsapp::Message;
use policy::block::{Block, Outcome, Phase};
use policy::ids::OwnerNonce;
use policy::jurisdiction::Jurisdictions;
use policy::limits::Limits;
use policy::person::Person;
use policy::reason::DeferReason;
use policy::send::{Decision, Facts, Permit};

use crate::delivery::{Candidate, Holding};
use crate::facts::{self, BlockFacts};
use crate::ledger::Ledger;
use crate::range::Sender;
use crate::{Deps, message, room, slots};

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
    /// Messages that the campaign's own pace has room for now.
    pub(crate) allowance: AtomicU32,
    /// Requests that got an answer, or none.
    pub(crate) answered: AtomicU32,
    /// Those of them that WhatsApp refused as wrong in themselves.
    pub(crate) refused: AtomicU32,
    /// By index: the buckets of earlier places that the claims of this run took
    /// over.
    taken_over: Mutex<BTreeMap<u8, Vec<i64>>>,
}

/// The longest delay of a queue message (SQS quota).
const QUEUE_WAITS: SignedDuration = SignedDuration::from_mins(15);

/// Runs a block that is in flight for `owner` until `deadline`; whether WhatsApp
/// was asked to take any message of it.
pub(crate) async fn run(
    mut block: Block,
    owner: OwnerNonce,
    deadline: Timestamp,
    sender: &Sender,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<bool, Fault> {
    let Some(facts) = facts::gather(&block, sender, deps).await? else {
        return Ok(false);
    };
    let run = Run {
        block: &block,
        owner,
        deadline,
        sender,
        facts: &facts,
        deps,
        halted: AtomicBool::new(false),
        allowance: AtomicU32::new(0),
        answered: AtomicU32::new(0),
        refused: AtomicU32::new(0),
        taken_over: Mutex::default(),
    };
    let mut ledger = Ledger::new(&run);
    let mut waiting = run.decide_all(&mut ledger);
    let reserved = room::reserve(&run, &mut waiting, &mut ledger).await;
    let delivered = slots::hand_out(&run, waiting, &mut ledger, metrics).await;
    if run.is_halted() {
        metrics.count("StoppedByWhatsApp", 1);
    }
    ledger.record().await?;
    let outcomes = ledger.into_outcomes();
    reserved.give_back(&outcomes, &run).await;
    let any_left = run.answered.load(Ordering::Relaxed) > 0;

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
    delivered.map(|()| any_left)
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
    deps.queue_of(sender.lane)
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

    /// Whether so many requests were wrong in themselves that the campaign is at
    /// fault, and nobody has said so yet: then nothing more is sent of it.
    pub(crate) fn repeats_a_fault(&self) -> bool {
        let refused = self.refused.load(Ordering::Relaxed);
        let answered = self.answered.load(Ordering::Relaxed);
        Limits::embedded().is_at_fault(refused, answered)
            && !self.halted.swap(true, Ordering::Relaxed)
    }

    /// Notes that the claim on the recipient at `index` took over earlier places
    /// in these buckets.
    pub(crate) fn take_over(&self, index: u8, buckets: Vec<i64>) {
        self.lock().entry(index).or_default().extend(buckets);
    }

    /// What was taken over, by index.
    pub(crate) fn taken_over(&self) -> BTreeMap<u8, Vec<i64>> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u8, Vec<i64>>> {
        self.taken_over
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether slots of this rate epoch may still be used.
    pub(crate) fn is_current(&self, epoch: u64) -> bool {
        let number = &self.sender.phone_number_id;
        self.deps.rates.is_current(number, epoch)
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
                message: None,
                counted: None,
            };
            match self.decide(&candidate) {
                Ok((permit, message)) => waiting.push_back(Candidate {
                    holding: Holding::Permit(permit),
                    message: Some(message),
                    ..candidate
                }),
                Err(outcome) => ledger.note(index, outcome),
            }
        }
        waiting
    }

    /// The policy's answer for one person as they were last read, and the
    /// message for them.
    pub(crate) fn decide(&self, candidate: &Candidate) -> Result<(Permit, Message), Outcome> {
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
            Decision::Send(permit) => match candidate.subscription.as_ref() {
                Some(subscription) => {
                    let page_at = self.deps.public_url.as_deref();
                    let list = self.facts.place.list();
                    let token = candidate.token;
                    message::compose(self.sender, list, token, subscription, now, page_at)
                        .map(|message| (permit, message))
                        .map_err(|reason| excluded(reason.code()))
                }
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
}
