//! Every interleaving of two workers, the sweep, the deadline and a stop over
//! one recipient, exhaustively: a small model of what `send` and `sweep` do
//! around the real rules (`policy::send::decide`, `policy::block`).
//!
//! A worker may freeze before every step of its own, for any time, and thaw,
//! or never move again; every look at a clock and every effect is a step by
//! itself. The tables answer as DynamoDB does: a conditional write happens or
//! not, as a whole.

mod ground;
mod state;

use std::collections::{HashMap, VecDeque};

use policy::block::RecipientState;

use self::ground::{Ground, Mistake};
use self::state::{ATTEMPTS, Phase, State};

/// Looks at every state that can be reached; the way to the first bad one.
fn explore(ground: &Ground) -> Result<Explored, (&'static str, Vec<State>)> {
    let mut explored = Explored::default();
    let mut from: HashMap<State, Option<State>> = HashMap::from([(State::start(), None)]);
    let mut waiting = VecDeque::from([State::start()]);
    while let Some(state) = waiting.pop_front() {
        explored.states += 1;
        explored.note(&state);
        if let Err(wrong) = state.check() {
            let mut way = vec![state.clone()];
            while let Some(Some(before)) = from.get(&way[way.len() - 1]) {
                way.push(before.clone());
            }
            way.reverse();
            return Err((wrong, way));
        }
        for next in state.next(ground) {
            if !from.contains_key(&next) {
                from.insert(next.clone(), Some(state.clone()));
                waiting.push_back(next);
            }
        }
    }
    Ok(explored)
}

/// What was among the states.
#[derive(Debug, Default)]
struct Explored {
    states: u64,
    sent_after_stop_by_earlier_claim: u64,
    excluded: u64,
    unknown: u64,
    accepted: u64,
    third_attempts: u64,
}

impl Explored {
    fn note(&mut self, state: &State) {
        let done = |wanted| u64::from(state.phase == Phase::Done(wanted));
        self.excluded += done(RecipientState::Excluded);
        self.unknown += done(RecipientState::Unknown);
        self.accepted += done(RecipientState::Accepted);
        self.third_attempts += u64::from(state.attempt == ATTEMPTS);
        let overtaken = state.claims_before_stop.is_some_and(|before| before > 0);
        self.sent_after_stop_by_earlier_claim += u64::from(overtaken && state.requests > 0);
    }
}

#[test]
fn no_interleaving_reaches_anybody_twice_or_after_a_stop() {
    let explored = match explore(&Ground::new(None)) {
        Ok(explored) => explored,
        Err((wrong, way)) => panic!("{wrong}:\n{way:#?}"),
    };
    // All of it was there, or nothing was proved.
    assert!(explored.states > 10_000, "{explored:?}");
    for count in [
        explored.sent_after_stop_by_earlier_claim,
        explored.excluded,
        explored.unknown,
        explored.accepted,
        explored.third_attempts,
    ] {
        assert!(count > 0, "{explored:?}");
    }
}

#[test]
fn the_exploration_finds_mistakes() {
    for (mistake, wanted) in [
        (Mistake::ClaimAtAnyVersion, "a claim after a committed stop"),
        (
            Mistake::SweepIgnoresClaims,
            "taken by WhatsApp and lost from the ledger",
        ),
    ] {
        let found = explore(&Ground::new(Some(mistake)));
        let (wrong, way) = found.expect_err("there is a way to it");
        assert_eq!(wrong, wanted, "{mistake:?}: {way:#?}");
    }
}
