//! Room in the portfolio's rolling day: WhatsApp's messaging limit, reserved for
//! a block's people before their slots, and given back for those whom no message
//! reached or who are counted elsewhere.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use platform::contacts::Counting;
use platform::fault::{Fault, chain};
use platform::rate::Lane;
use platform::tier::Room;
use policy::block::Outcome;
use policy::limits::{Counted, TierBuckets};
use policy::reason::DeferReason;

use crate::Deps;
use crate::block::Run;
use crate::delivery::{self, Candidate, put_off};
use crate::ledger::Ledger;
use crate::range::Sender;

/// For whom places are counted, and where.
#[derive(Debug)]
pub(crate) struct Reserved {
    bucket: i64,
    indices: BTreeSet<u8>,
}

/// Until when the day is full, before a campaign's block is even taken; `None`
/// while there is room. A single message may be one that needs none, so its block
/// is always looked at.
pub(crate) async fn full_until(sender: &Sender, deps: &Deps) -> Result<Option<Timestamp>, Fault> {
    if sender.lane == Lane::Triggered {
        return Ok(None);
    }
    let now = deps.clock.now();
    let until = deps.tiers.ask_again(&sender.portfolio, now).await?;
    Ok((until > now).then_some(until))
}

/// Lets nothing of the campaign be released before `until`.
pub(crate) async fn wait(until: Timestamp, sender: &Sender, deps: &Deps) -> Result<(), Fault> {
    tracing::info!(campaign = %sender.campaign, %until, "the portfolio's day is full");
    deps.campaigns
        .note_tier_full(sender.tenant, sender.campaign, until)
        .await
}

/// Reserves places for those of `waiting` who may be outside of their service
/// window at their slot; who finds none is put off until there is some. Whoever
/// certainly has one already needs no room.
pub(crate) async fn reserve(
    run: &Run<'_>,
    waiting: &mut VecDeque<Candidate>,
    ledger: &mut Ledger<'_>,
) -> Reserved {
    let (deps, sender) = (run.deps, run.sender);
    let at = deps.clock.now();
    // A block's life is shorter than a reservation's: nobody leaves too late.
    let counts = |candidate: &Candidate| {
        let ends = candidate.person.window_of(&sender.phone_number_id);
        ends.is_none_or(|end| end <= run.deadline)
    };
    let bucket = TierBuckets::bucket(at);
    let earlier = |candidate: &Candidate| {
        let standing = run.facts.standing.of(&candidate.person, sender, bucket);
        standing.map(|(_, bucket)| bucket).max()
    };
    let (indices, asked): (Vec<u8>, Vec<Option<i64>>) = waiting
        .iter()
        .filter(|candidate| counts(candidate))
        .map(|candidate| (candidate.index, earlier(candidate)))
        .unzip();
    let portfolio = &sender.portfolio;
    let (room, reason) = match deps.tiers.reserve(portfolio, at, &asked).await {
        Ok(room) => (room, DeferReason::TierFull.code()),
        Err(fault) => {
            tracing::warn!(error = chain(&fault), "no room can be reserved");
            let none = Room {
                granted: vec![false; asked.len()],
                is_counted: false,
                ask_again: delivery::after_fault(at),
            };
            (none, "fault")
        }
    };
    let mut with_room = BTreeSet::new();
    let mut left_out = BTreeSet::new();
    for (index, granted) in indices.into_iter().zip(room.granted) {
        if granted {
            with_room.insert(index);
        } else {
            left_out.insert(index);
        }
    }
    if !left_out.is_empty() {
        tracing::info!(campaign = %sender.campaign, people = left_out.len(), reason, "no room today");
        let (out, stay) = waiting
            .drain(..)
            .partition(|candidate| left_out.contains(&candidate.index));
        *waiting = stay;
        put_off(out, reason, room.ask_again, ledger);
    }
    if !room.is_counted {
        with_room.clear();
    }
    for candidate in waiting {
        candidate.counted = with_room.contains(&candidate.index).then(|| Counted {
            portfolio: portfolio.clone(),
            bucket,
        });
    }
    Reserved {
        bucket,
        indices: with_room,
    }
}

/// What a claim on `candidate` says of the day, and the buckets of the earlier
/// places that end with it: none, if this message has no place of its own.
pub(crate) fn counting(run: &Run<'_>, candidate: &Candidate) -> (Counting, Vec<i64>) {
    let Some(counted) = candidate.counted.clone() else {
        return (Counting::default(), Vec::new());
    };
    let standing = &run.facts.standing;
    let standing = standing.of(&candidate.person, run.sender, counted.bucket);
    let (takes_over, buckets) = standing.unzip();
    let counting = Counting {
        counted: Some(counted),
        takes_over,
    };
    (counting, buckets)
}

impl Reserved {
    /// Gives back the places of those of whom `outcomes` prove that no message
    /// reached them; and of those whom one reached, or may have, the earlier
    /// places that their claims took over. What fails here is lost to the tier,
    /// never to WhatsApp.
    pub(crate) async fn give_back(&self, outcomes: &BTreeMap<u8, Outcome>, run: &Run<'_>) {
        let may_count = |index: &u8| {
            matches!(
                outcomes.get(index),
                Some(Outcome::Accepted { .. } | Outcome::Unknown)
            )
        };
        let mut places = BTreeMap::<i64, u32>::new();
        for _ in self.indices.iter().filter(|index| !may_count(index)) {
            *places.entry(self.bucket).or_default() += 1;
        }
        let taken_over = run.taken_over();
        for (_, buckets) in taken_over.iter().filter(|(index, _)| may_count(index)) {
            for bucket in buckets {
                *places.entry(*bucket).or_default() += 1;
            }
        }
        let (deps, portfolio) = (run.deps, &run.sender.portfolio);
        let given = deps.tiers.give_back(portfolio, &places, deps.clock.now());
        if let Err(fault) = given.await {
            tracing::warn!(error = chain(&fault), "room was not given back");
        }
    }
}
