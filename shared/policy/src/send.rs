//! The last word before the wire: may this message leave, now?
//!
//! Facts → [`Decision`]. The order of the rules is: campaign → suppression →
//! consent → quiet hours → claim. All refusals are collected, in that order, and refusals
//! outrank deferrals.

use jiff::{SignedDuration, Timestamp};

use crate::block::Place;
use crate::campaign::{CampaignFacts, CampaignState};
use crate::content::Category;
use crate::ids::{CampaignId, OwnerNonce};
use crate::jurisdiction::{Jurisdictions, Sector};
use crate::person::Person;
use crate::quiet_hours::SendWindow;
use crate::reason::{DeferReason, Refusal, RefusalReason};
use crate::subscription::Subscription;
use crate::token::ContactToken;

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
    /// Until when the person's own last message lets a free text through;
    /// `None` if they have not written lately.
    pub service_window_ends: Option<Timestamp>,
}

/// What the tenant and the campaign bring into a decision; the same for a
/// whole block.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Terms {
    /// What kind of message WhatsApp takes it for.
    pub category: Category,
    /// What kind of business the tenant is.
    pub sector: Sector,
    /// The tenant's own send window, which can only shorten the law's.
    pub window: Option<SendWindow>,
}

impl Terms {
    /// The terms of a general business without wishes of its own.
    pub const fn new(category: Category) -> Self {
        Self {
            category,
            sector: Sector::General,
            window: None,
        }
    }
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
}

/// How long a message of a paused campaign waits before it asks again.
const PAUSE_RECHECK: SignedDuration = SignedDuration::from_mins(15);

/// Room for claims in a person's item: beyond this a claim is deferred, so
/// that a suppression always fits.
const CLAIMS_MAX: usize = 64;

/// How long a message waits for older claims of its person to age out.
const CLAIMS_RECHECK: SignedDuration = SignedDuration::from_hours(6);

/// Decides.
///
/// Laws: no `Send` without a consent that carries the campaign's purpose now;
/// no `Send` for a suppressed purpose; no `Send` of advertising in the quiet
/// hours of any place where the person may be, and a deferral for them ends
/// outside them; no second request for one campaign and
/// person unless the first was definitely refused.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let Facts {
        now,
        campaign,
        token,
        person,
        subscription: _,
        work,
        jurisdictions: _,
        terms: _,
        service_window_ends: _,
    } = *facts;

    let claim = claim(facts);
    if claim == ClaimState::InDoubt {
        return Decision::InDoubt;
    }
    let good_hour = first_good_hour(facts);
    let never = good_hour.is_none().then_some(RefusalReason::NoGoodHour);
    let claimed = (claim == ClaimState::Elsewhere).then_some(RefusalReason::AlreadyClaimed);
    if let Some(refusal) = Refusal::collect(refusals(facts).chain(never).chain(claimed)) {
        return Decision::Refuse(refusal);
    }
    if campaign.state == CampaignState::Paused {
        return defer(now, PAUSE_RECHECK, DeferReason::CampaignPaused);
    }
    if let Some(until) = good_hour.filter(|until| *until > now) {
        let reason = DeferReason::QuietHours;
        return Decision::Defer { until, reason };
    }
    if claim == ClaimState::Free && person.claims_kept(now).count() >= CLAIMS_MAX {
        return defer(now, CLAIMS_RECHECK, DeferReason::ClaimsFull);
    }
    Decision::Send(Permit {
        campaign: campaign.id,
        token,
        person_version: person.version,
        work,
    })
}

/// The first moment from now at which the person may be sent this; `None` if
/// none comes soon. Only advertising has quiet hours.
fn first_good_hour(facts: &Facts<'_>) -> Option<Timestamp> {
    let Facts {
        now,
        campaign,
        subscription: Some(subscription),
        jurisdictions,
        terms,
        ..
    } = *facts
    else {
        return Some(facts.now);
    };
    if !campaign.purpose.is_marketing() && terms.category != Category::Marketing {
        return Some(now);
    }
    jurisdictions.first_open(
        &subscription.phone,
        subscription.zone.as_deref(),
        terms.sector,
        terms.window.as_ref(),
        now,
    )
}

fn defer(now: Timestamp, by: SignedDuration, reason: DeferReason) -> Decision {
    let until = now.saturating_add(by).unwrap_or(Timestamp::MAX);
    Decision::Defer { until, reason }
}

/// The refusals that hold whoever works on the message, in order.
fn refusals<'a>(facts: &Facts<'a>) -> impl Iterator<Item = RefusalReason> + use<'a> {
    let Facts {
        now,
        campaign,
        token: _,
        person,
        subscription,
        work: _,
        jurisdictions: _,
        terms: _,
        service_window_ends: _,
    } = *facts;
    let cancelled =
        (campaign.state == CampaignState::Cancelled).then_some(RefusalReason::CampaignCancelled);
    let expired = campaign
        .not_after
        .is_some_and(|end| end < now)
        .then_some(RefusalReason::CampaignExpired);
    let suppressed = person
        .suppression(&campaign.purpose)
        .map(|_| RefusalReason::Suppressed);
    let consent = match subscription {
        None => Some(RefusalReason::SubscriptionMissing),
        Some(subscription) => subscription
            .consent
            .carries(&campaign.purpose, now)
            .err()
            .map(RefusalReason::from),
    };
    [cancelled, expired, suppressed, consent]
        .into_iter()
        .flatten()
}

/// Whether a person belongs in a campaign's audience at all: the refusals of
/// [`decide`], before there is a block to claim for.
pub fn select(
    now: Timestamp,
    campaign: &CampaignFacts,
    token: ContactToken,
    person: &Person,
    subscription: &Subscription,
) -> Option<Refusal> {
    let category = if campaign.purpose.is_marketing() {
        Category::Marketing
    } else {
        Category::Utility
    };
    Refusal::collect(refusals(&Facts {
        now,
        campaign,
        token,
        person,
        subscription: Some(subscription),
        work: Work::NONE,
        jurisdictions: Jurisdictions::embedded(),
        terms: &Terms::new(category),
        service_window_ends: None,
    }))
}

impl Work {
    /// A stand-in for "nobody works on it": selection looks at no claim.
    const NONE: Self = Self {
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
