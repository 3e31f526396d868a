//! Every interleaving of two workers, the sweep, the deadline and a stop over
//! one recipient, exhaustively: a small model of what `send` and `sweep` do
//! around the real rules (`policy::send::decide`, `policy::block`).
//!
//! A worker may freeze before every step of its own, for any time, and thaw,
//! or never move again; every look at a clock and every effect is a step by
//! itself. The tables answer as DynamoDB does: a conditional write happens or
//! not, as a whole.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;
use policy::block::{Evidence, Outcome, Place, RecipientState, after_crash};
use policy::campaign::{CampaignFacts, CampaignState};
use policy::consent::{Basis, Consent, Grant};
use policy::content::Category;
use policy::ids::{CampaignId, OwnerNonce};
use policy::jurisdiction::Jurisdictions;
use policy::person::{Claim, Person, Suppression, SuppressionSource};
use policy::phone::PhoneNumber;
use policy::purpose::{Purpose, Scope};
use policy::send::{Decision, Facts, Terms, Work, decide};
use policy::subscription::Subscription;
use policy::token::ContactToken;
use uuid::Uuid;

use crate::world::MORNING;

/// Attempts of the block that are explored.
const ATTEMPTS: u8 = 3;

/// Slots that each worker may miss.
const FORFEITS: u8 = 1;

/// The person's item.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
struct Seen {
    version: u8,
    stopped: bool,
    /// The latest claim of the campaign: its attempt and its owner.
    claim: Option<(u8, u8)>,
}

/// What is written down about the recipient in one attempt.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Written {
    Accepted,
    Deferred,
    Excluded,
    Refused,
    Unknown,
}

/// The block's item: one recipient.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Phase {
    Pending,
    InFlight { owner: u8, past_deadline: bool },
    Done(RecipientState),
}

/// Where a worker stands; each step is taken from one of these.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Step {
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
struct Worker {
    step: Step,
    owner: u8,
    attempt: u8,
    /// The highest earlier attempt with a spent claim.
    spent: Option<u8>,
    forfeits: u8,
}

/// The sweep reads outcomes, then the person, and then settles.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Sweep {
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
struct State {
    person: Seen,
    phase: Phase,
    attempt: u8,
    outcomes: BTreeMap<u8, Written>,
    workers: [Worker; 2],
    sweep: Sweep,
    owners: u8,
    /// Claims made, and how many of them before the stop was committed.
    claims: u8,
    claims_before_stop: Option<u8>,
    /// Requests made; those that WhatsApp took; those of claims that were made
    /// after the stop.
    requests: u8,
    accepted: u8,
}

/// A mistake that the exploration must find.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mistake {
    /// A claim succeeds at any version of the person.
    ClaimAtAnyVersion,
    /// The sweep takes everybody without an outcome for not requested.
    SweepIgnoresClaims,
}

/// What decisions are made from besides the state.
struct Ground {
    mistake: Option<Mistake>,
    now: Timestamp,
    campaign: CampaignFacts,
    subscription: Subscription,
    terms: Terms,
}

/// What the policy says, as far as a worker goes by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Said {
    Send { at_version: u8 },
    Settle(Written),
}

impl Ground {
    fn new(mistake: Option<Mistake>) -> Self {
        let now: Timestamp = MORNING.parse().unwrap();
        Self {
            mistake,
            now,
            campaign: CampaignFacts {
                id: CampaignId::from_uuid(Uuid::from_u128(1)),
                state: CampaignState::Running,
                purpose: Purpose::parse("marketing.promo").unwrap(),
                not_after: None,
                sender: "106540352242922".to_owned(),
                answer: None,
            },
            subscription: Subscription {
                phone: PhoneNumber::parse_e164("+6281234567890").unwrap(),
                name: None,
                language: None,
                zone: None,
                external_id: None,
                attributes: BTreeMap::new(),
                consent: Consent::Granted(Grant {
                    purposes: BTreeSet::from([Purpose::parse("marketing.promo").unwrap()]),
                    basis: Basis::ExplicitConsent,
                    at: "2026-01-01T00:00:00Z".parse().unwrap(),
                    method: "web_form".to_owned(),
                    notice: None,
                    evidence: "imp_x#1".to_owned(),
                    expires_at: None,
                }),
            },
            terms: Terms::new(Category::Marketing),
        }
    }

    /// The real decision on a person as a worker read them.
    fn decide(&self, seen: &Seen, worker: &Worker) -> Said {
        let mut person = Person {
            version: u64::from(seen.version),
            ..Person::default()
        };
        if seen.stopped {
            let stop = Suppression {
                at: self.now,
                source: SuppressionSource::Keyword,
                evidence: "evt".to_owned(),
            };
            person.suppressions.insert(Scope::marketing(), stop);
        }
        if let Some((attempt, by)) = seen.claim {
            person.claims.push(Claim {
                campaign: self.campaign.id,
                block: 0,
                index: 0,
                attempt: attempt.into(),
                owner: owner(by),
                at: self.now,
                purpose: self.campaign.purpose.clone(),
                is_marketing: true,
            });
        }
        let decision = decide(&Facts {
            now: self.now,
            campaign: &self.campaign,
            token: ContactToken::from_bytes([1; 16]),
            person: &person,
            subscription: Some(&self.subscription),
            work: Work {
                place: Place { block: 0, index: 0 },
                attempt: worker.attempt.into(),
                owner: owner(worker.owner),
                refused_attempt: worker.spent.map(u16::from),
            },
            jurisdictions: Jurisdictions::embedded(),
            terms: &self.terms,
        });
        match decision {
            Decision::Send(permit) => Said::Send {
                at_version: u8::try_from(permit.person_version()).unwrap(),
            },
            Decision::Refuse(_) => Said::Settle(Written::Excluded),
            Decision::Defer { .. } => Said::Settle(Written::Deferred),
            Decision::InDoubt => Said::Settle(Written::Unknown),
        }
    }
}

fn owner(n: u8) -> OwnerNonce {
    OwnerNonce::from_uuid(Uuid::from_u128(u128::from(n) + 100))
}

impl Written {
    fn outcome(self) -> Outcome {
        let due = Timestamp::UNIX_EPOCH;
        let reason = "handed_over".to_owned();
        match self {
            Self::Accepted => Outcome::Accepted {
                wamid: "wamid.1".to_owned(),
            },
            Self::Deferred => Outcome::Deferred { reason, due },
            Self::Excluded => Outcome::Excluded {
                reason: "suppressed".to_owned(),
            },
            Self::Refused => Outcome::Refused { code: 130_429, due },
            Self::Unknown => Outcome::Unknown,
        }
    }
}

impl State {
    fn start() -> Self {
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
    fn next(&self, ground: &Ground) -> Vec<Self> {
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
    fn check(&self) -> Result<(), &'static str> {
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
