//! One message: claim the person just before the slot, make the one request at
//! the slot, and say what came of it.

use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use platform::contacts::{ClaimAnswer, Claimed, StopEvent};
use platform::fault::chain;
use platform::whatsapp::Answer;
use policy::attempt::{self, CallResult, Next};
use policy::block::{Callback, Outcome, Place};
use policy::ids::EventId;
use policy::person::{Person, SuppressionSource};
use policy::purpose::Scope;
use policy::send::Permit;
use policy::subscription::Subscription;
use policy::token::ContactToken;

use crate::block::Run;
use crate::{breaker, message};

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

/// How long before its slot a person is claimed: a write's usual time.
const CLAIM_LEAD: SignedDuration = SignedDuration::from_millis(20);

/// An outcome that says: no request was made, try again at once.
pub(crate) fn handed_over(now: Timestamp) -> Outcome {
    Outcome::Deferred {
        reason: "handed_over".to_owned(),
        due: now,
    }
}

/// Brings one candidate to the wire at `slot`.
pub(crate) async fn deliver(run: &Run<'_>, mut candidate: Candidate, slot: Slot) -> Delivered {
    let clock = &run.deps.clock;
    let settled = |index, outcome| Delivered::Settled { index, outcome };
    let lead = slot.at.saturating_sub(CLAIM_LEAD).unwrap_or(slot.at);
    clock.sleep_until(lead).await;
    if clock.now().duration_since(slot.at) > run.sender.pace.lateness {
        // Nobody is claimed for a slot that cannot be used.
        candidate.holding = match candidate.holding {
            Holding::Claim(claimed) => Holding::Claim(claimed),
            Holding::Nothing | Holding::Permit(_) => Holding::Nothing,
        };
        return Delivered::Forfeited(Box::new(candidate));
    }

    let claimed = match hold(run, &mut candidate).await {
        Ok(claimed) => claimed,
        Err(outcome) => return settled(candidate.index, outcome),
    };
    clock.sleep_until(slot.at).await;
    let late = clock.now().duration_since(slot.at);
    if late > run.sender.pace.lateness {
        // The request would break the proof of the slots: never used late.
        candidate.holding = Holding::Claim(claimed);
        return Delivered::Forfeited(Box::new(candidate));
    }
    if let Err(outcome) = may_go_on(run) {
        return settled(candidate.index, outcome);
    }
    let Some(subscription) = &candidate.subscription else {
        return settled(candidate.index, handed_over(clock.now()));
    };
    let outcome = request(run, candidate.index, claimed, subscription, slot).await;
    settled(candidate.index, outcome)
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
            match claimed.renew(run.decide(candidate)?) {
                Ok(claimed) => return Ok(claimed),
                Err(permit) => permit,
            }
        }
        Holding::Nothing => {
            read_again(run, candidate).await?;
            run.decide(candidate)?
        }
    };
    loop {
        let now = deps.clock.now();
        may_go_on(run)?;
        let answer = deps
            .contacts
            .claim(tenant, permit, &candidate.person, now)
            .await;
        match answer {
            Ok(ClaimAnswer::Claimed(claimed)) => return Ok(claimed),
            Ok(ClaimAnswer::Lost(_)) => {
                // Their subscription may have narrowed with the same write.
                read_again(run, candidate).await?;
                permit = run.decide(candidate)?;
            }
            Err(fault) => {
                // The claim may stand, but no request was made for it.
                tracing::warn!(error = chain(&fault), "claim failed");
                return Err(handed_over(now));
            }
        }
    }
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
        let mut subscriptions = deps
            .contacts
            .subscriptions(tenant, run.facts.list, &tokens)
            .await?;
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
            Err(handed_over(deps.clock.now()))
        }
    }
}

/// The one request, and what its answer means.
async fn request(
    run: &Run<'_>,
    index: u8,
    claimed: Claimed,
    subscription: &Subscription,
    slot: Slot,
) -> Outcome {
    let deps = run.deps;
    let sender = run.sender;
    let Ok(message) = message::compose(sender, subscription) else {
        return handed_over(deps.clock.now());
    };
    let callback = Callback {
        campaign: sender.campaign,
        place: Place {
            block: run.block.number,
            index,
        },
        attempt: run.block.attempt,
    };
    let answer = deps
        .whatsapp
        .send(
            &sender.credentials,
            &sender.phone_number_id,
            claimed,
            &subscription.phone,
            &message,
            &callback.to_string(),
        )
        .await;
    let now = deps.clock.now();
    let result = match &answer {
        Answer::Accepted { .. } => CallResult::Accepted,
        Answer::NoAnswer => CallResult::NoAnswer,
        Answer::NotSent => CallResult::NotSent,
        Answer::Refused(refused) => CallResult::Answered {
            code: refused.code,
            http_status: refused.http_status,
            is_transient: refused.is_transient,
        },
    };
    let attempts = run.block.attempt;
    let next = attempt::decide(&result, attempts, now, deps.ids.fraction());
    match next {
        Next::Accept => match answer {
            Answer::Accepted { wamid } => Outcome::Accepted { wamid },
            Answer::Refused(_) | Answer::NoAnswer | Answer::NotSent => Outcome::Unknown,
        },
        Next::Reconnect { due } => Outcome::Deferred {
            reason: "not_connected".to_owned(),
            due,
        },
        Next::Retry { code, due } => {
            if attempt::slows_number(code) {
                let slowed = deps
                    .rates
                    .slow_down(&sender.phone_number_id, slot.epoch, now)
                    .await;
                if let Err(fault) = slowed {
                    tracing::warn!(error = chain(&fault), "number was not slowed down");
                }
            }
            Outcome::Refused { code, due }
        }
        Next::Reject { code } => Outcome::Rejected { code },
        Next::RecordOptOut { code } => {
            record_stop(run, index, now).await;
            Outcome::Rejected { code }
        }
        Next::StopAccount { code } | Next::StopNumber { code } | Next::StopTemplate { code } => {
            halt(run, &next).await;
            Outcome::Rejected { code }
        }
        Next::Unknown => Outcome::Unknown,
    }
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

/// The account, the number or the template is stopped: nothing is sent behind
/// it until a person has looked at it, and this block makes no further request.
async fn halt(run: &Run<'_>, next: &Next) {
    run.halted.store(true, Ordering::Relaxed);
    breaker::open(run.sender, next, run.deps).await;
}
