//! What the real rules say about the model's recipient.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use policy::block::{Outcome, Place};
use policy::campaign::{CampaignFacts, CampaignState};
use policy::consent::{Basis, Consent, Grant};
use policy::content::Category;
use policy::ids::{CampaignId, MessageId, OwnerNonce};
use policy::jurisdiction::Jurisdictions;
use policy::person::{Claim, Person, Suppression, SuppressionSource};
use policy::phone::PhoneNumber;
use policy::purpose::{Purpose, Scope};
use policy::send::{Decision, Facts, Terms, Work, decide};
use policy::subscription::Subscription;
use policy::token::ContactToken;
use uuid::Uuid;

use super::state::{Seen, Worker, Written};
use crate::world::MORNING;

/// A mistake that the exploration must find.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mistake {
    /// A claim succeeds at any version of the person.
    ClaimAtAnyVersion,
    /// The sweep takes everybody without an outcome for not requested.
    SweepIgnoresClaims,
}

/// What decisions are made from besides the state.
pub(super) struct Ground {
    pub(super) mistake: Option<Mistake>,
    pub(super) now: Timestamp,
    pub(super) campaign: CampaignFacts,
    pub(super) subscription: Subscription,
    pub(super) terms: Terms,
}

/// What the policy says, as far as a worker goes by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Said {
    Send { at_version: u8 },
    Settle(Written),
}

impl Ground {
    pub(super) fn new(mistake: Option<Mistake>) -> Self {
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
    pub(super) fn decide(&self, seen: &Seen, worker: &Worker) -> Said {
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
                counted: None,
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

pub(super) fn owner(n: u8) -> OwnerNonce {
    OwnerNonce::from_uuid(Uuid::from_u128(u128::from(n) + 100))
}

impl Written {
    pub(super) fn outcome(self) -> Outcome {
        let due = Timestamp::UNIX_EPOCH;
        let reason = "handed_over".to_owned();
        match self {
            Self::Accepted => Outcome::Accepted {
                wamid: MessageId::new("wamid.1".to_owned()),
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
