//! From events to an answer.
//!
//! A history only grows: it keeps the latest withdrawal of each scope, and
//! every yes. What holds follows from that alone, so that the order and the
//! repetition of events cannot matter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Consent, ConsentAct, ConsentEvent, Grant};
use crate::ids::EventId;
use crate::purpose::{Purpose, Scope};

/// How long a request for consent waits for its answer: a bare "yes" after
/// that answers something else.
pub const REQUEST_LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Everything a person ever said about being messaged.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct History {
    given: BTreeMap<EventId, Given>,
    invalid: BTreeSet<EventId>,
    requested: BTreeMap<Purpose, Timestamp>,
    withdrawn: BTreeMap<Scope, Timestamp>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Given {
    at: Timestamp,
    is_own_act: bool,
    grant: Grant,
}

/// What holds for one purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConsentStatus<'a> {
    /// A yes, and it ended by itself.
    Expired(&'a Grant),
    /// A yes in force.
    Granted(&'a Grant),
    /// Nobody ever asked, or nothing was recorded.
    NeverAsked,
    /// The person was asked and has not answered.
    Requested {
        /// When.
        at: Timestamp,
    },
    /// The person said no, or took their yes back.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

impl ConsentStatus<'_> {
    /// A stable code for storage and reports.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expired(_) => "expired",
            Self::Granted(_) => "granted",
            Self::NeverAsked => "never_asked",
            Self::Requested { .. } => "requested",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

/// Adds one event.
///
/// Law: any order and repetition of events ends in the same history.
pub fn apply(mut history: History, event: &ConsentEvent) -> History {
    let at = event.counts_at();
    match &event.act {
        ConsentAct::Give(grant) if event.evidence.proves_yes() => {
            history.given.insert(
                event.id,
                Given {
                    at,
                    is_own_act: event.evidence.is_own_act(),
                    grant: Grant {
                        at,
                        ..grant.clone()
                    },
                },
            );
        }
        ConsentAct::Give(_) => (),
        ConsentAct::Invalidate { event } => {
            history.invalid.insert(*event);
        }
        ConsentAct::Refuse { purposes } => {
            for purpose in purposes {
                latest(&mut history.withdrawn, Scope::Purpose(purpose.clone()), at);
            }
        }
        ConsentAct::Request { purposes } => {
            for purpose in purposes {
                latest(&mut history.requested, purpose.clone(), at);
            }
        }
        ConsentAct::Withdraw { scope } => latest(&mut history.withdrawn, scope.clone(), at),
    }
    history
}

fn latest<K: Ord>(moments: &mut BTreeMap<K, Timestamp>, key: K, at: Timestamp) {
    let known = moments.entry(key).or_insert(at);
    *known = at.max(*known);
}

impl History {
    /// The history of some events.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a ConsentEvent>) -> Self {
        events.into_iter().fold(Self::default(), apply)
    }

    /// What holds for `purpose` at `now`.
    ///
    /// Law: a withdrawal beats every yes that is older or as old, and every
    /// later one that is not the person's own act, until such an act comes.
    pub fn status(&self, purpose: &Purpose, now: Timestamp) -> ConsentStatus<'_> {
        let withdrawn = self
            .withdrawn
            .iter()
            .filter(|(scope, _)| scope.covers(purpose))
            .map(|(_, at)| *at)
            .max();
        let is_after = |given: &Given| withdrawn.is_none_or(|at| given.at > at);
        let yes = || self.yes(purpose).filter(|given| is_after(given));
        let restored = withdrawn.is_none() || yes().any(|given| given.is_own_act);
        let in_force = |given: &&Given| given.grant.carries_on(now);
        let last = |given: &&Given| (given.at, given.is_own_act);
        if restored {
            if let Some(given) = yes().filter(in_force).max_by_key(last) {
                return ConsentStatus::Granted(&given.grant);
            }
            if let Some(given) = yes().max_by_key(last) {
                return ConsentStatus::Expired(&given.grant);
            }
        }
        match (withdrawn, self.request(purpose)) {
            (Some(at), Some(asked)) if asked > at => ConsentStatus::Requested { at: asked },
            (Some(at), _) => ConsentStatus::Withdrawn { at },
            (None, Some(asked)) => ConsentStatus::Requested { at: asked },
            (None, None) => ConsentStatus::NeverAsked,
        }
    }

    /// The short form for a subscription: the purposes of `of_interest` that
    /// are in force, from the oldest yes to the first end; else what stands in
    /// their way. A purpose of which a part was taken back is left out: the
    /// short form cannot say "all but".
    ///
    /// Law: it carries nothing that the history does not.
    pub fn consent(&self, of_interest: &BTreeSet<Purpose>, now: Timestamp) -> Consent {
        let mut whole: Option<Grant> = None;
        let mut gap = Consent::NeverAsked;
        for purpose in of_interest {
            match self.status(purpose, now) {
                ConsentStatus::Granted(_) | ConsentStatus::Expired(_)
                    if let Some(at) = self.part_withdrawn(purpose, now) =>
                {
                    gap = Consent::Withdrawn { at };
                }
                ConsentStatus::Granted(grant) | ConsentStatus::Expired(grant) => {
                    let grant = Grant {
                        purposes: BTreeSet::from([purpose.clone()]),
                        ..grant.clone()
                    };
                    whole = Some(match whole {
                        None => grant,
                        Some(sum) => join(sum, grant, now),
                    });
                }
                ConsentStatus::NeverAsked => (),
                ConsentStatus::Requested { at } => {
                    if gap == Consent::NeverAsked {
                        gap = Consent::Requested { at };
                    }
                }
                ConsentStatus::Withdrawn { at } => gap = Consent::Withdrawn { at },
            }
        }
        whole.map_or(gap, Consent::Granted)
    }

    /// Whether a bare "yes" at `now` answers a request for `purpose`: the
    /// second half of a double opt-in.
    pub fn awaits_answer(&self, purpose: &Purpose, now: Timestamp) -> bool {
        let Some(asked) = self.request(purpose) else {
            return false;
        };
        let is_fresh = asked <= now && now.duration_since(asked) <= REQUEST_LASTS;
        let is_answered = self.yes(purpose).any(|given| given.at > asked)
            || self
                .withdrawn
                .iter()
                .any(|(scope, at)| scope.covers(purpose) && *at >= asked);
        is_fresh && !is_answered
    }

    /// When a purpose under `purpose` was taken back that does not hold again.
    fn part_withdrawn(&self, purpose: &Purpose, now: Timestamp) -> Option<Timestamp> {
        self.withdrawn.iter().find_map(|(scope, at)| match scope {
            Scope::Purpose(part) if purpose.covers(part) => {
                let holds = matches!(self.status(part, now), ConsentStatus::Granted(_));
                (!holds).then_some(*at)
            }
            Scope::Everything | Scope::Purpose(_) => None,
        })
    }

    /// The latest request that covers `purpose`.
    fn request(&self, purpose: &Purpose) -> Option<Timestamp> {
        self.requested
            .iter()
            .filter(|(asked, _)| asked.covers(purpose))
            .map(|(_, at)| *at)
            .max()
    }

    /// Every yes to `purpose` that was not found to be none.
    fn yes(&self, purpose: &Purpose) -> impl Iterator<Item = &Given> {
        self.given
            .iter()
            .filter(|(id, _)| !self.invalid.contains(id))
            .map(|(_, given)| given)
            .filter(|given| given.grant.purposes.iter().any(|yes| yes.covers(purpose)))
    }
}

impl Grant {
    fn carries_on(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Two grants as one: nothing lasts longer than the shorter of them. One that
/// has ended gives way to one that has not.
fn join(a: Grant, b: Grant, now: Timestamp) -> Grant {
    match (a.carries_on(now), b.carries_on(now)) {
        (true, false) => return a,
        (false, true) => return b,
        (true, true) | (false, false) => (),
    }
    let expires_at = match (a.expires_at, b.expires_at) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let at = a.at.min(b.at);
    let purposes = a.purposes.union(&b.purposes).cloned().collect();
    // The ground that carries less: a relationship carries no marketing.
    let basis = a.basis.max(b.basis);
    let shown = if a.at >= b.at { a } else { b };
    Grant {
        purposes,
        basis,
        at,
        expires_at,
        ..shown
    }
}

#[cfg(test)]
mod tests;
