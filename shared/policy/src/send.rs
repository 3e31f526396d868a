//! The last word before the wire: may this message leave, now?
//!
//! Facts → [`Decision`]. The order of the rules is: campaign → suppression →
//! consent → category and service window → country and quiet hours →
//! frequency → pair → tier → content → claim. All refusals are collected, in
//! that order, and refusals outrank deferrals.
//!
//! An answer to what the person wrote (module [`crate::answer`]) is decided by the
//! same rules, save that it needs no consent and minds neither caps nor the
//! night; of somebody who stopped everything, only the one confirmation passes.

mod rules;
mod terms;

use jiff::Timestamp;

pub use self::terms::{ContentVerdict, Terms};
use crate::block::Place;
use crate::campaign::CampaignFacts;
use crate::ids::{CampaignId, OwnerNonce};
use crate::jurisdiction::Jurisdictions;
use crate::person::Person;
use crate::purpose::Purpose;
use crate::reason::{DeferReason, Refusal, RefusalReason};
use crate::subscription::Subscription;
use crate::token::ContactToken;

pub(crate) use self::rules::has_quiet_hours;
pub use self::rules::{Objection, objections};

/// Everything the decision may look at. The function gathers it; the fields
/// hold values, never handles.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The moment of the decision.
    pub now: Timestamp,
    /// The campaign, read strongly.
    pub campaign: &'a CampaignFacts,
    /// Who it is.
    pub token: ContactToken,
    /// The person across all lists, read strongly.
    pub person: &'a Person,
    /// The person's place on the campaign's list; `None` if it is gone.
    pub subscription: Option<&'a Subscription>,
    /// The message's place in the ledger, and who works on it.
    pub work: Work,
    /// What law and good manners ask for, by country.
    pub jurisdictions: &'a Jurisdictions,
    /// What the tenant and the campaign bring along.
    pub terms: &'a Terms,
}

/// Which request this would be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Work {
    /// The message's place in the ledger.
    pub place: Place,
    /// Which attempt of the block.
    pub attempt: u16,
    /// Who asks.
    pub owner: OwnerNonce,
    /// The highest attempt whose *definite refusal* is recorded for this
    /// place: its claim is spent, and a later attempt may claim again.
    pub refused_attempt: Option<u16>,
}

/// What to do with one message.
#[derive(Debug, Eq, PartialEq)]
#[must_use]
pub enum Decision {
    /// Ask again later.
    Defer {
        /// When to ask again.
        until: Timestamp,
        /// Why.
        reason: DeferReason,
    },
    /// An earlier owner claimed this person for this campaign and left no
    /// outcome: whether a request was made is unknown, and stays so until a
    /// status or a person settles it.
    InDoubt,
    /// Not now and not later.
    Refuse(Refusal),
    /// Send.
    Send(Permit),
}

/// Proof that the policy allowed exactly this request.
///
/// No constructor and no `Clone`: the WhatsApp client takes a claimed one by
/// value, so no code path can send without having asked.
#[derive(Debug, Eq, PartialEq)]
#[must_use]
pub struct Permit {
    campaign: CampaignId,
    token: ContactToken,
    person_version: u64,
    work: Work,
    purpose: Purpose,
    is_marketing: bool,
}

impl Permit {
    /// For which campaign.
    pub fn campaign(&self) -> CampaignId {
        self.campaign
    }

    /// For whom.
    pub fn token(&self) -> ContactToken {
        self.token
    }

    /// The version of the person that the decision saw.
    pub fn person_version(&self) -> u64 {
        self.person_version
    }

    /// Which request.
    pub fn work(&self) -> Work {
        self.work
    }

    /// What it is for, for the claim to remember.
    pub fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// Whether it is advertising, for the claim to remember.
    pub fn is_marketing(&self) -> bool {
        self.is_marketing
    }
}

/// Decides.
///
/// Laws: no `Send` without a consent that carries the campaign's purpose now,
/// save an answer within the window that the person's own message opened; no
/// `Send` for a suppressed purpose, save one confirmation of the very stop; no
/// `Send` of advertising in the quiet
/// hours of any place where the person may be, and a deferral of advertising
/// ends outside them; no second request for one campaign and person unless
/// the first was definitely refused.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let claim = claim(facts);
    if claim == ClaimState::InDoubt {
        return Decision::InDoubt;
    }
    let objections = objections(facts);
    if let Some(refusal) = Refusal::collect(refusals(objections.clone())) {
        return Decision::Refuse(refusal);
    }
    // The first reason is the one to show; the last end is the one to wait for.
    let wait = objections
        .filter_map(|objection| match objection {
            Objection::Defer { until, reason } => Some((until, reason)),
            Objection::Refuse(_) => None,
        })
        .reduce(|(until, reason), (other, _)| (until.max(other), reason));
    if let Some((until, reason)) = wait {
        return match rules::first_good_hour(facts, until) {
            Some(until) => Decision::Defer { until, reason },
            None => Decision::Refuse(Refusal::from(RefusalReason::NoGoodHour)),
        };
    }
    Decision::Send(Permit {
        campaign: facts.campaign.id,
        token: facts.token,
        person_version: facts.person.version,
        work: facts.work,
        purpose: facts.campaign.purpose.clone(),
        is_marketing: rules::is_marketing(facts),
    })
}

fn refusals(objections: impl Iterator<Item = Objection>) -> impl Iterator<Item = RefusalReason> {
    objections.filter_map(|objection| match objection {
        Objection::Refuse(reason) => Some(reason),
        Objection::Defer { .. } => None,
    })
}

/// Whether a person belongs in a campaign's audience at all: the refusals of
/// [`decide`] that last, before there is a block to claim for.
pub fn select(
    now: Timestamp,
    campaign: &CampaignFacts,
    token: ContactToken,
    person: &Person,
    subscription: &Subscription,
    terms: &Terms,
) -> Option<Refusal> {
    let facts = Facts {
        now,
        campaign,
        token,
        person,
        subscription: Some(subscription),
        work: Work::NONE,
        jurisdictions: Jurisdictions::embedded(),
        terms,
    };
    Refusal::collect(refusals(objections(&facts)).filter(|reason| {
        // Whether it runs yet, and who claims whom, is not about the person.
        !matches!(
            reason,
            RefusalReason::CampaignNotRunning | RefusalReason::AlreadyClaimed
        )
    }))
}

impl Work {
    /// Nobody works on it: for questions outside any block.
    pub const NONE: Self = Self {
        place: Place { block: 0, index: 0 },
        attempt: 0,
        owner: OwnerNonce::from_uuid(uuid::Uuid::nil()),
        refused_attempt: None,
    };
}

/// What the person's claims say about this request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ClaimState {
    /// No claim of this campaign, or only spent ones.
    Free,
    /// Our own, from before a forfeited slot.
    Ours,
    /// An earlier attempt's, without an outcome.
    InDoubt,
    /// Another place in the same campaign has this person.
    Elsewhere,
}

fn claim(facts: &Facts<'_>) -> ClaimState {
    let Some(claim) = facts.person.claim_of(facts.campaign.id) else {
        return ClaimState::Free;
    };
    let work = facts.work;
    let place = Place {
        block: claim.block,
        index: claim.index,
    };
    if place != work.place {
        ClaimState::Elsewhere
    } else if claim.owner == work.owner && claim.attempt == work.attempt {
        ClaimState::Ours
    } else if work
        .refused_attempt
        .is_some_and(|refused| claim.attempt <= refused)
    {
        ClaimState::Free
    } else {
        ClaimState::InDoubt
    }
}

#[cfg(test)]
mod tests;
