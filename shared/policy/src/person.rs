//! What is known of a person across all lists: who said stop, and who claimed
//! the right to message them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::block::{Callback, Place};
use crate::ids::{CampaignId, OwnerNonce};
use crate::limits::{Counted, TierBuckets};
use crate::purpose::{Purpose, Scope};

/// One person within one tenant. The default is a stranger: version 0.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Person {
    /// Rises with every write; a claim succeeds only at the version that the
    /// decision saw.
    pub version: u64,
    /// Stops in force, by scope.
    pub suppressions: BTreeMap<Scope, Suppression>,
    /// Recent claims, oldest first.
    pub claims: Vec<Claim>,
    /// When WhatsApp last declined advertising for the person (131049), where
    /// known: they get too much of it, from whomever.
    pub marketing_declined_at: Option<Timestamp>,
    /// What the person's own last message lets through; `None` if they have not
    /// written lately.
    pub service_window: Option<ServiceWindow>,
}

/// A while in which free texts get through, to whoever wrote (Meta, "Customer
/// service windows").
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceWindow {
    /// From which business number: the one that the person wrote to.
    pub sender: String,
    /// Until when.
    pub ends: Timestamp,
}

impl Person {
    /// The stop that covers `purpose`, if any; the widest first.
    pub fn suppression(&self, purpose: &Purpose) -> Option<&Suppression> {
        self.suppressions
            .iter()
            .find_map(|(scope, suppression)| scope.covers(purpose).then_some(suppression))
    }

    /// The latest claim of `campaign` on this person.
    pub fn claim_of(&self, campaign: CampaignId) -> Option<&Claim> {
        self.claims
            .iter()
            .rev()
            .find(|claim| claim.campaign == campaign)
    }

    /// Until when a free text from the business number `sender` gets through.
    pub fn window_of(&self, sender: &str) -> Option<Timestamp> {
        let window = self.service_window.as_ref()?;
        (window.sender == sender).then_some(window.ends)
    }

    /// The messages whose places in the day of `portfolio` may still count for
    /// one in `bucket`, and where they are counted: each once, however often it
    /// was claimed.
    pub fn counted_in(&self, portfolio: &str, bucket: i64) -> BTreeMap<Callback, i64> {
        let places = self.claims.iter().filter_map(|claim| {
            let counted = claim.counted.as_ref()?;
            let counts = counted.portfolio == portfolio
                && TierBuckets::is_within_reach(counted.bucket, bucket);
            counts.then(|| (claim.message(), counted.bucket))
        });
        places.collect()
    }

    /// The claims to keep when `now` adds another: trimmed by age, never by
    /// count, so that no live block loses its claim.
    pub fn claims_kept(&self, now: Timestamp) -> impl Iterator<Item = &Claim> {
        let oldest = now.saturating_sub(CLAIM_KEPT).unwrap_or(Timestamp::MIN);
        self.claims.iter().filter(move |claim| claim.at >= oldest)
    }
}

/// How long a claim is remembered: longer than a block can live, and longer
/// than the 30 days in which a template message may still arrive (Meta,
/// "Time-to-live").
pub const CLAIM_KEPT: SignedDuration = SignedDuration::from_hours(24 * 31);

/// A stop in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Suppression {
    /// When the person said so, by the clock of whoever reported it.
    pub at: Timestamp,
    /// How they said it.
    pub source: SuppressionSource,
    /// The event that proves it.
    pub evidence: String,
}

/// How a stop reached us.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SuppressionSource {
    /// A tenant's system or operator, by the API.
    Api,
    /// A quick-reply button of a template.
    Button,
    /// WhatsApp refused with 131050: the person stopped marketing there.
    Error131050,
    /// A list of opt-outs.
    Import,
    /// Free text.
    Keyword,
    /// The person's own page.
    Page,
    /// WhatsApp's own stop control.
    UserPreferences,
}

impl SuppressionSource {
    const ALL: [Self; 7] = [
        Self::Api,
        Self::Button,
        Self::Error131050,
        Self::Import,
        Self::Keyword,
        Self::Page,
        Self::UserPreferences,
    ];

    /// A stable code for storage and reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Button => "button",
            Self::Error131050 => "error_131050",
            Self::Import => "import",
            Self::Keyword => "keyword",
            Self::Page => "page",
            Self::UserPreferences => "user_preferences",
        }
    }

    /// The source a stored code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.code() == code)
    }
}

/// The recorded right of one worker to make one request to one person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// For which campaign.
    pub campaign: CampaignId,
    /// The block that plans the message.
    pub block: u32,
    /// The person's place in that block.
    pub index: u8,
    /// Which attempt of the block.
    pub attempt: u16,
    /// Whose it is.
    pub owner: OwnerNonce,
    /// When it was made, by the worker's clock.
    pub at: Timestamp,
    /// What the message is for: caps on how often count by purpose.
    pub purpose: Purpose,
    /// Whether anybody takes it for advertising, its purpose or WhatsApp.
    pub is_marketing: bool,
    /// Where the person's place in the rolling day is counted; `None` if none
    /// was reserved for this message, or a later one has taken it over.
    pub counted: Option<Counted>,
}

impl Claim {
    /// The message that it is for, as WhatsApp hands it back.
    pub fn message(&self) -> Callback {
        Callback {
            campaign: self.campaign,
            place: Place {
                block: self.block,
                index: self.index,
            },
            attempt: self.attempt,
        }
    }
}
