//! Room in the portfolio's rolling day: WhatsApp's messaging limit, reserved for
//! a block's people before their slots, and given back for those whom no message
//! reached.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use platform::fault::{Fault, chain};
use platform::rate::Lane;
use policy::block::Outcome;
use policy::reason::DeferReason;

use crate::Deps;
use crate::block::Run;
use crate::delivery::{self, Candidate, put_off};
use crate::ledger::Ledger;
use crate::range::Sender;

/// For whom room is reserved, and since when.
#[derive(Debug)]
pub(crate) struct Reserved {
    at: Timestamp,
    indices: BTreeSet<u8>,
}

/// Whether the day is full, before a campaign's block is even taken: then
/// nothing of the campaign is released until there is room. A single message may
/// be one that needs none, so its block is looked at.
pub(crate) async fn is_full(sender: &Sender, deps: &Deps) -> Result<bool, Fault> {
    if sender.lane == Lane::Triggered {
        return Ok(false);
    }
    let now = deps.clock.now();
    let until = deps.tiers.ask_again(&sender.portfolio, now).await?;
    if until <= now {
        return Ok(false);
    }
    tracing::info!(campaign = %sender.campaign, %until, "the portfolio's day is full");
    deps.campaigns
        .note_tier_full(sender.tenant, sender.campaign, until)
        .await?;
    Ok(true)
}

/// Reserves room for those of `waiting` who may be outside of their service
/// window at their slot; who finds none is put off until there is some.
pub(crate) async fn reserve(
    run: &Run<'_>,
    waiting: &mut VecDeque<Candidate>,
    ledger: &mut Ledger<'_>,
) -> Reserved {
    let deps = run.deps;
    let at = deps.clock.now();
    // A block's life is shorter than a reservation's: nobody leaves too late.
    let counts = |candidate: &Candidate| {
        let ends = candidate.person.window_of(&run.sender.phone_number_id);
        ends.is_none_or(|end| end <= run.deadline)
    };
    let mut indices: Vec<u8> = waiting
        .iter()
        .filter(|candidate| counts(candidate))
        .map(|candidate| candidate.index)
        .collect();
    let wanted = u32::try_from(indices.len()).unwrap_or(u32::MAX);
    let portfolio = &run.sender.portfolio;
    let (people, reason, due) = match deps.tiers.reserve(portfolio, at, wanted).await {
        Ok(room) => (room.people, DeferReason::TierFull.code(), room.ask_again),
        Err(fault) => {
            tracing::warn!(error = chain(&fault), "no room can be reserved");
            (0, "fault", delivery::after_fault(at))
        }
    };
    let left_out: BTreeSet<u8> = indices
        .split_off(
            usize::try_from(people)
                .unwrap_or(usize::MAX)
                .min(indices.len()),
        )
        .into_iter()
        .collect();
    if !left_out.is_empty() {
        tracing::info!(campaign = %run.sender.campaign, people = left_out.len(), reason, "no room today");
        let (out, stay) = waiting
            .drain(..)
            .partition(|candidate| left_out.contains(&candidate.index));
        *waiting = stay;
        put_off(out, reason, due, ledger);
    }
    Reserved {
        at,
        indices: indices.into_iter().collect(),
    }
}

impl Reserved {
    /// Gives back what was reserved for those of whom `outcomes` prove that no
    /// message reached them. What fails here is lost to the tier, never to
    /// WhatsApp.
    pub(crate) async fn give_back(
        &self,
        outcomes: &BTreeMap<u8, Outcome>,
        sender: &Sender,
        deps: &Deps,
    ) {
        let may_count = |index: &&u8| {
            !matches!(
                outcomes.get(index),
                Some(Outcome::Accepted { .. } | Outcome::Unknown)
            )
        };
        let unused = self.indices.iter().filter(may_count).count();
        let unused = u32::try_from(unused).unwrap_or(0);
        let given = deps.tiers.give_back(&sender.portfolio, self.at, unused);
        if let Err(fault) = given.await {
            tracing::warn!(error = chain(&fault), "room was not given back");
        }
    }
}
