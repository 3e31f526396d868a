//! One message: claim the person just before the slot, make the one request at
//! the slot, and say what came of it.

use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use platform::contacts::{ClaimAnswer, Claimed, StopEvent};
use platform::fault::chain;
use platform::whatsapp::{Answer, Message, Sent};
use policy::attempt::{self, CallResult, Next};
use policy::block::{Callback, Outcome, Place};
use policy::campaign::HoldReason;
use policy::ids::EventId;
use policy::limits::Counted;
use policy::person::{Person, SuppressionSource};
use policy::purpose::Scope;
use policy::send::Permit;
use policy::subscription::Subscription;
use policy::token::ContactToken;

use crate::block::Run;
use crate::ledger::Ledger;
use crate::{breaker, facts, room};

/// Somebody who waits for a slot.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) index: u8,
    pub(crate) token: ContactToken,
    /// As last read.
    pub(crate) person: Person,
    /// As last read; `None` if they are not on the list any more.
    pub(crate) subscription: Option<Subscription>,
    pub(crate) holding: Holding,
    /// The message for them, with the last yes.
    pub(crate) message: Option<Message>,
    /// Their place in the portfolio's day; `None` if none was reserved.
    pub(crate) counted: Option<Counted>,
}

/// What the worker holds for a candidate.
#[derive(Debug)]
pub(crate) enum Holding {
    /// Nothing yet.
    Nothing,
    /// The policy's yes.
    Permit(Permit),
    /// The policy's yes and the claim, from before a forfeited slot.
    Claim(Claimed),
}

/// A moment at which one request may be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) at: Timestamp,
    /// The rate epoch of its lease.
    pub(crate) epoch: u64,
}

/// How one slot was used.
#[derive(Debug)]
pub(crate) enum Delivered {
    /// The slot was missed and no request made: the candidate waits again.
    Forfeited(Box<Candidate>),
    /// Something is known about the recipient.
    Settled {
        /// Whose.
        index: u8,
        /// What.
        outcome: Outcome,
    },
}

/// How long somebody waits for whom a service gave no answer.
const FAULT_RECHECK: SignedDuration = SignedDuration::from_secs(30);

/// When somebody is due again for whom a service gave no answer `now`.
pub(crate) fn after_fault(now: Timestamp) -> Timestamp {
    now.saturating_add(FAULT_RECHECK).unwrap_or(Timestamp::MAX)
}

/// An outcome that says: no request was made, whoever comes next may try.
pub(crate) fn handed_over(now: Timestamp) -> Outcome {
    Outcome::Deferred {
        reason: "handed_over".to_owned(),
        due: now,
    }
}

/// An outcome that says: no request was made, since the world failed.
fn failed_before(now: Timestamp) -> Outcome {
    Outcome::Deferred {
        reason: "fault".to_owned(),
        due: after_fault(now),
    }
}

/// Puts off people for whom no request was made.
pub(crate) fn put_off(
    candidates: impl IntoIterator<Item = Candidate>,
    reason: &'static str,
    due: Timestamp,
    ledger: &mut Ledger<'_>,
) {
    for candidate in candidates {
        let outcome = Outcome::Deferred {
            reason: reason.to_owned(),
            due,
        };
        ledger.note(candidate.index, outcome);
    }
}

/// Brings one candidate to the wire at `slot`.
pub(crate) async fn deliver(run: &Run<'_>, mut candidate: Candidate, slot: Slot) -> Delivered {
    let clock = &run.deps.clock;
    let index = candidate.index;
    let settled = |outcome| Delivered::Settled { index, outcome };
    let lead = slot
        .at
        .saturating_sub(run.deps.reflex.claim_lead())
        .unwrap_or(slot.at);
    clock.sleep_until(lead).await;
    if clock.now().duration_since(slot.at) > run.sender.pace.lateness {
        // Nobody is claimed for a slot that cannot be used.
        candidate.holding = match candidate.holding {
            Holding::Claim(claimed) => Holding::Claim(claimed),
            Holding::Nothing | Holding::Permit(_) => Holding::Nothing,
        };
        return Delivered::Forfeited(Box::new(candidate));
    }

    let began = clock.now();
    let claimed = match hold(run, &mut candidate).await {
        Ok(claimed) => claimed,
        Err(outcome) => return settled(outcome),
    };
    let claimed_in = clock.now().duration_since(began);
    run.deps.reflex.note(claimed_in);
    clock.sleep_until(slot.at).await;
    if let Err(outcome) = may_go_on(run) {
        return settled(outcome);
    }
    // Used late, or faster than WhatsApp takes it, the slot would break the
    // proof: it is never used then.
    let late = clock.now().duration_since(slot.at);
    if late > run.sender.pace.lateness || !run.is_current(slot.epoch) {
        tracing::debug!(
            late_us = %late.as_micros(),
            claim_us = %claimed_in.as_micros(),
            "slot was missed"
        );
        return forfeit(candidate, claimed);
    }
    match request(run, &candidate, claimed).await {
        Some(Sent::Answered(answer)) => settled(outcome(run, index, answer, slot).await),
        Some(Sent::Unused(claimed)) if run.sender.transport.warm(1).await => {
            tracing::debug!("no open connection was free");
            forfeit(candidate, claimed)
        }
        Some(Sent::Unused(_) | Sent::Unmade(_)) => settled(not_connected(run)),
        None => settled(failed_before(clock.now())),
    }
}

/// The slot is gone; the claim stays, and is worth a new decision.
fn forfeit(candidate: Candidate, claimed: Claimed) -> Delivered {
    Delivered::Forfeited(Box::new(Candidate {
        holding: Holding::Claim(claimed),
        ..candidate
    }))
}

/// The claim for one request. Every round decides anew on the person as they
/// are now; a stop that was committed makes the claim fail and the next
/// decision refuse.
async fn hold(run: &Run<'_>, candidate: &mut Candidate) -> Result<Claimed, Outcome> {
    let deps = run.deps;
    may_go_on(run)?;
    let tenant = run.sender.tenant;
    let mut permit = match std::mem::replace(&mut candidate.holding, Holding::Nothing) {
        Holding::Permit(permit) => permit,
        Holding::Claim(claimed) => {
            // A forfeited slot voids the permit: read, decide, and go on only
            // at the version of our own claim.
            read_again(run, candidate).await?;
            match claimed.renew(decide(run, candidate)?) {
                Ok(claimed) => return Ok(claimed),
                Err(permit) => permit,
            }
        }
        Holding::Nothing => {
            read_again(run, candidate).await?;
            decide(run, candidate)?
        }
    };
    loop {
        let now = deps.clock.now();
        may_go_on(run)?;
        let (counting, places) = room::counting(run, candidate);
        let answer = deps
            .contacts
            .claim(tenant, permit, &candidate.person, counting, now)
            .await;
        match answer {
            Ok(ClaimAnswer::Claimed(claimed)) => {
                run.take_over(candidate.index, places);
                return Ok(claimed);
            }
            Ok(ClaimAnswer::Lost(_)) => {
                // Their subscription may have narrowed with the same write.
                read_again(run, candidate).await?;
                permit = decide(run, candidate)?;
            }
            Err(fault) => {
                // The claim may stand, but no request was made for it.
                tracing::warn!(error = chain(&fault), "claim failed");
                return Err(failed_before(now));
            }
        }
    }
}

/// The policy's yes, and the message that goes with it.
fn decide(run: &Run<'_>, candidate: &mut Candidate) -> Result<Permit, Outcome> {
    let (permit, message) = run.decide(candidate)?;
    candidate.message = Some(message);
    Ok(permit)
}

/// Past its deadline, or once WhatsApp has stopped it, a worker neither claims
/// nor sends; what it holds a claim for was certainly not requested.
fn may_go_on(run: &Run<'_>) -> Result<(), Outcome> {
    let now = run.deps.clock.now();
    if now >= run.deadline || run.is_halted() {
        Err(handed_over(now))
    } else {
        Ok(())
    }
}

/// Reads the candidate's person and subscription again, strongly.
async fn read_again(run: &Run<'_>, candidate: &mut Candidate) -> Result<(), Outcome> {
    let deps = run.deps;
    let tenant = run.sender.tenant;
    let tokens = [candidate.token];
    let read = async {
        let person = deps.contacts.person(tenant, candidate.token).await?;
        let place = run.facts.place;
        let mut subscriptions = facts::subscriptions(tenant, place, &tokens, deps).await?;
        Ok::<_, platform::fault::Fault>((person, subscriptions.remove(&candidate.token)))
    };
    match read.await {
        Ok((person, subscription)) => {
            candidate.person = person;
            candidate.subscription = subscription;
            Ok(())
        }
        Err(fault) => {
            tracing::warn!(error = chain(&fault), "facts cannot be read");
            Err(failed_before(deps.clock.now()))
        }
    }
}

/// The one request; `None` if there is nothing to send, and so no request.
async fn request(run: &Run<'_>, candidate: &Candidate, claimed: Claimed) -> Option<Sent> {
    let sender = run.sender;
    let callback = Callback {
        campaign: sender.campaign,
        place: Place {
            block: run.block.number,
            index: candidate.index,
        },
        attempt: run.block.attempt,
    }
    .to_string();
    let sent = sender.transport.send(
        sender.endpoint(),
        claimed,
        &candidate.subscription.as_ref()?.phone,
        candidate.message.as_ref()?,
        &callback,
    );
    Some(sent.await)
}

/// WhatsApp cannot be reached: certainly no request was made.
fn not_connected(run: &Run<'_>) -> Outcome {
    let now = run.deps.clock.now();
    let fraction = run.deps.ids.fraction();
    match attempt::decide(&CallResult::NotSent, run.block.attempt, now, fraction) {
        Next::Reconnect { due } => Outcome::Deferred {
            reason: "not_connected".to_owned(),
            due,
        },
        _ => failed_before(now),
    }
}

/// What an answer means, and what it asks for besides.
async fn outcome(run: &Run<'_>, index: u8, answer: Answer, slot: Slot) -> Outcome {
    let deps = run.deps;
    let sender = run.sender;
    let now = deps.clock.now();
    let result = match &answer {
        Answer::Accepted { .. } => CallResult::Accepted,
        Answer::NoAnswer => CallResult::NoAnswer,
        Answer::Refused(refused) => CallResult::Answered {
            code: refused.code,
            http_status: refused.http_status,
            is_transient: refused.is_transient,
        },
    };
    let attempts = run.block.attempt;
    run.answered.fetch_add(1, Ordering::Relaxed);
    let next = attempt::decide(&result, attempts, now, deps.ids.fraction());
    let outcome = match next {
        Next::Accept => match answer {
            Answer::Accepted { wamid } => Outcome::Accepted { wamid },
            Answer::Refused(_) | Answer::NoAnswer => Outcome::Unknown,
        },
        Next::Reconnect { .. } => not_connected(run),
        Next::Retry { code, due } => {
            if attempt::slows_number(code) {
                let rate = sender.pace.milli_rate();
                let slowed = deps
                    .rates
                    .slow_down(&sender.phone_number_id, slot.epoch, rate)
                    .await;
                if let Err(fault) = slowed {
                    tracing::warn!(error = chain(&fault), "number was not slowed down");
                }
            }
            Outcome::Refused { code, due }
        }
        Next::Reject { code } => {
            if result.is_wrong_in_itself() {
                run.refused.fetch_add(1, Ordering::Relaxed);
            }
            if attempt::cools_down(code) {
                note_declined(run, index, now).await;
            }
            Outcome::Rejected { code }
        }
        Next::RecordOptOut { code } => {
            record_stop(run, index, now).await;
            Outcome::Rejected { code }
        }
        Next::StopAccount { code } | Next::StopNumber { code } | Next::StopTemplate { code } => {
            halt(run, &next).await;
            Outcome::Rejected { code }
        }
        Next::Unknown => Outcome::Unknown,
    };
    if run.repeats_a_fault() {
        breaker::hold(run.sender, HoldReason::RequestsRefused, deps).await;
    }
    outcome
}

/// WhatsApp says that the person stopped marketing there: their word counts
/// here too.
async fn record_stop(run: &Run<'_>, index: u8, now: Timestamp) {
    let token = run.block.tokens[usize::from(index)];
    let stop = StopEvent {
        id: EventId::from_uuid(run.deps.ids.mint(now)),
        scope: Scope::marketing(),
        at: now,
        source: SuppressionSource::Error131050,
    };
    let stopped = run
        .deps
        .contacts
        .stop(run.sender.tenant, token, &stop, now)
        .await;
    if let Err(fault) = stopped {
        // The failed status that follows says it again, through the webhook.
        tracing::warn!(contact.token = %token, error = chain(&fault), "stop was not recorded");
    }
}

/// WhatsApp keeps advertising from the person for a while: no other campaign
/// tries before that is over.
async fn note_declined(run: &Run<'_>, index: u8, now: Timestamp) {
    let token = run.block.tokens[usize::from(index)];
    let contacts = &run.deps.contacts;
    let noted = contacts.note_declined(run.sender.tenant, token, now).await;
    if let Err(fault) = noted {
        // The next try is refused too, and notes it then.
        tracing::warn!(contact.token = %token, error = chain(&fault), "decline was not noted");
    }
}

/// The account, the number or the template is stopped: nothing is sent behind
/// it until a person has looked at it, and this block makes no further request.
async fn halt(run: &Run<'_>, next: &Next) {
    run.halted.store(true, Ordering::Relaxed);
    breaker::open(run.sender, next, run.deps).await;
}
