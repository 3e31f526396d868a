//! The world of the model, and everything that may happen in it next.

use std::collections::BTreeMap;

use policy::block::{Evidence, RecipientState, after_crash};

use super::ground::{Ground, Mistake, Said};

/// Attempts of the block that are explored.
pub(super) const ATTEMPTS: u8 = 3;

/// Slots that each worker may miss.
pub(super) const FORFEITS: u8 = 1;

/// The person's item.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct Seen {
    pub(super) version: u8,
    pub(super) stopped: bool,
    /// The latest claim of the campaign: its attempt and its owner.
    pub(super) claim: Option<(u8, u8)>,
}

/// What is written down about the recipient in one attempt.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Written {
    Accepted,
    Deferred,
    Excluded,
    Refused,
    Unknown,
}

/// The block's item: one recipient.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Phase {
    Pending,
    InFlight { owner: u8, past_deadline: bool },
    Done(RecipientState),
}

/// Where a worker stands; each step is taken from one of these.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Step {
    Idle,
    /// The block is ours; facts are to be read.
    Begun,
    /// Earlier outcomes are read first, then the person; the two reads are not
    /// one.
    SpentRead,
    /// To decide on the person as read.
    ToDecide(Seen),
    /// Decided: to look at the clock, and then to claim.
    Permitted(Seen),
    ToClaim(Seen),
    /// Claimed at this version: to look at the slot and the clock.
    Claimed {
        version: u8,
    },
    /// The slot was missed: to read and decide again.
    Forfeited {
        version: u8,
    },
    /// The last look at the clock is over: to make the request.
    ToRequest,
    /// To write the outcome down, then to settle the block.
    ToRecord(Written),
    ToSettle(Written),
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Worker {
    pub(super) step: Step,
    pub(super) owner: u8,
    pub(super) attempt: u8,
    /// The highest earlier attempt with a spent claim.
    pub(super) spent: Option<u8>,
    pub(super) forfeits: u8,
}

/// The sweep reads outcomes, then the person, and then settles.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Sweep {
    Idle,
    OutcomesRead {
        owner: u8,
        attempt: u8,
        outcome: Option<Written>,
    },
    ToSettle {
        owner: u8,
        attempt: u8,
        state: RecipientState,
    },
}

/// The whole world.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct State {
    pub(super) person: Seen,
    pub(super) phase: Phase,
    pub(super) attempt: u8,
    pub(super) outcomes: BTreeMap<u8, Written>,
    pub(super) workers: [Worker; 2],
    pub(super) sweep: Sweep,
    pub(super) owners: u8,
    /// Claims made, and how many of them before the stop was committed.
    pub(super) claims: u8,
    pub(super) claims_before_stop: Option<u8>,
    /// Requests made; those that WhatsApp took; those of claims that were made
    /// after the stop.
    pub(super) requests: u8,
    pub(super) accepted: u8,
}

impl State {
    pub(super) fn start() -> Self {
        let worker = Worker {
            step: Step::Idle,
            owner: 0,
            attempt: 0,
            spent: None,
            forfeits: 0,
        };
        Self {
            person: Seen::default(),
            phase: Phase::Pending,
            attempt: 1,
            outcomes: BTreeMap::new(),
            workers: [worker.clone(), worker],
            sweep: Sweep::Idle,
            owners: 0,
            claims: 0,
            claims_before_stop: None,
            requests: 0,
            accepted: 0,
        }
    }

    /// Everything that may happen next.
    pub(super) fn next(&self, ground: &Ground) -> Vec<Self> {
        let mut next = Vec::new();
        if !self.person.stopped {
            // The webhook commits a stop.
            let mut state = self.clone();
            state.person.stopped = true;
            state.person.version += 1;
            state.claims_before_stop = Some(self.claims);
            next.push(state);
        }
        if let Phase::InFlight {
            owner,
            past_deadline: false,
        } = self.phase
        {
            let past_deadline = true;
            next.push(Self {
                phase: Phase::InFlight {
                    owner,
                    past_deadline,
                },
                ..self.clone()
            });
        }
        self.sweep(ground, &mut next);
        for at in 0..self.workers.len() {
            self.work(at, ground, &mut next);
        }
        next
    }

    fn sweep(&self, ground: &Ground, next: &mut Vec<Self>) {
        let mut state = self.clone();
        match &self.sweep {
            Sweep::Idle => {
                let Phase::InFlight {
                    owner,
                    past_deadline: true,
                } = self.phase
                else {
                    return;
                };
                state.sweep = Sweep::OutcomesRead {
                    owner,
                    attempt: self.attempt,
                    outcome: self.outcomes.get(&self.attempt).copied(),
                };
            }
            Sweep::OutcomesRead {
                owner,
                attempt,
                outcome,
            } => {
                let outcome = outcome.map(Written::outcome);
                let claimed = self.person.claim.is_some_and(|(by, _)| by == *attempt)
                    && ground.mistake != Some(Mistake::SweepIgnoresClaims);
                let evidence = match &outcome {
                    Some(outcome) => Evidence::Recorded(outcome),
                    None if claimed => Evidence::Claimed,
                    None => Evidence::Unclaimed,
                };
                state.sweep = Sweep::ToSettle {
                    owner: *owner,
                    attempt: *attempt,
                    state: after_crash(evidence),
                };
            }
            Sweep::ToSettle {
                owner,
                attempt,
                state: settled,
            } => {
                state.settle(*owner, *attempt, *settled);
                state.sweep = Sweep::Idle;
            }
        }
        next.push(state);
    }

    fn work(&self, at: usize, ground: &Ground, next: &mut Vec<Self>) {
        let worker = &self.workers[at];
        let with = |step: Step| {
            let mut state = self.clone();
            state.workers[at].step = step;
            state
        };
        if worker.step != Step::Idle {
            // It dies; another starts in its place.
            let mut state = with(Step::Idle);
            state.workers[at].forfeits = 0;
            state.workers[at].spent = None;
            next.push(state);
        }
        match &worker.step {
            Step::Idle => {
                if self.phase != Phase::Pending || self.attempt > ATTEMPTS {
                    return;
                }
                let mut state = with(Step::Begun);
                state.owners += 1;
                state.workers[at].owner = state.owners;
                state.workers[at].attempt = self.attempt;
                state.workers[at].forfeits = 0;
                state.workers[at].spent = None;
                state.phase = Phase::InFlight {
                    owner: state.owners,
                    past_deadline: false,
                };
                next.push(state);
            }
            Step::Begun => {
                let mut state = with(Step::SpentRead);
                let earlier = self.outcomes.range(..worker.attempt);
                state.workers[at].spent = earlier
                    .filter(|(_, written)| match written {
                        Written::Refused | Written::Deferred => true,
                        Written::Accepted | Written::Excluded | Written::Unknown => false,
                    })
                    .map(|(attempt, _)| *attempt)
                    .max();
                next.push(state);
            }
            Step::SpentRead => next.push(with(Step::ToDecide(self.person.clone()))),
            Step::ToDecide(seen) => next.push(match ground.decide(seen, worker) {
                Said::Send { at_version } => {
                    assert_eq!(at_version, seen.version);
                    with(Step::Permitted(seen.clone()))
                }
                Said::Settle(written) => with(Step::ToRecord(written)),
            }),
            Step::Permitted(seen) => next.push(if self.is_over(worker) {
                with(Step::ToRecord(Written::Deferred))
            } else {
                with(Step::ToClaim(seen.clone()))
            }),
            Step::ToClaim(seen) => {
                let careless = ground.mistake == Some(Mistake::ClaimAtAnyVersion);
                if self.person.version != seen.version && !careless {
                    // Lost: read again, decide again.
                    next.push(with(Step::SpentRead));
                } else {
                    let mut state = with(Step::Claimed {
                        version: seen.version + 1,
                    });
                    state.person.version += 1;
                    state.person.claim = Some((worker.attempt, worker.owner));
                    state.claims += 1;
                    next.push(state.clone());
                    // It is written, and the answer lost: nothing was requested.
                    state.workers[at].step = Step::ToRecord(Written::Deferred);
                    next.push(state);
                }
            }
            Step::Claimed { version } => {
                if worker.forfeits < FORFEITS {
                    let mut state = with(Step::Forfeited { version: *version });
                    state.workers[at].forfeits += 1;
                    next.push(state);
                }
                next.push(if self.is_over(worker) {
                    with(Step::ToRecord(Written::Deferred))
                } else {
                    with(Step::ToRequest)
                });
            }
            Step::Forfeited { version } => next.push(match ground.decide(&self.person, worker) {
                // At the version of its own claim: nothing came in between.
                Said::Send { at_version } if at_version == *version => {
                    with(Step::Claimed { version: *version })
                }
                Said::Send { .. } => with(Step::Permitted(self.person.clone())),
                Said::Settle(written) => with(Step::ToRecord(written)),
            }),
            Step::ToRequest => {
                for (taken, written) in [
                    (true, Written::Accepted),
                    (true, Written::Unknown),
                    (false, Written::Unknown),
                    (false, Written::Refused),
                ] {
                    let mut state = with(Step::ToRecord(written));
                    state.requests += 1;
                    state.accepted += u8::from(taken);
                    next.push(state);
                }
            }
            Step::ToRecord(written) => {
                let mut state = with(Step::ToSettle(*written));
                state.outcomes.insert(worker.attempt, *written);
                next.push(state);
            }
            Step::ToSettle(written) => {
                let mut state = with(Step::Idle);
                state.settle(worker.owner, worker.attempt, written.outcome().state());
                next.push(state);
            }
        }
    }

    /// Whether a worker that looks at its clock sees that its time is over:
    /// from the moment of the deadline, whoever holds the block by then.
    fn is_over(&self, worker: &Worker) -> bool {
        self.attempt != worker.attempt
            || match self.phase {
                Phase::InFlight {
                    owner,
                    past_deadline,
                } => owner != worker.owner || past_deadline,
                Phase::Pending | Phase::Done(_) => true,
            }
    }

    /// The conditional end of an attempt.
    fn settle(&mut self, by: u8, attempt: u8, state: RecipientState) {
        let ours = matches!(self.phase, Phase::InFlight { owner, .. } if owner == by);
        if !ours || self.attempt != attempt {
            return;
        }
        if state == RecipientState::Pending {
            self.attempt += 1;
            self.phase = Phase::Pending;
        } else {
            self.phase = Phase::Done(state);
        }
    }

    /// What must hold in every state.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.accepted > 1 {
            return Err("reached twice");
        }
        if self.requests > self.claims {
            return Err("a request without a claim");
        }
        if self
            .claims_before_stop
            .is_some_and(|before| self.claims > before)
        {
            return Err("a claim after a committed stop");
        }
        let may_be_taken = matches!(
            self.phase,
            Phase::InFlight { .. }
                | Phase::Done(RecipientState::Accepted | RecipientState::Unknown)
        );
        if self.accepted > 0 && !may_be_taken {
            return Err("taken by WhatsApp and lost from the ledger");
        }
        if self.accepted == 0 && self.phase == Phase::Done(RecipientState::Accepted) {
            return Err("accepted by nobody");
        }
        Ok(())
    }
}
