//! Why not, or not yet: stable codes, and a sentence for people.
//!
//! A code is stored, counted and sent to clients; never reuse one.

use std::fmt;

use crate::consent::ConsentGap;

/// Why a message is refused for good.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RefusalReason {
    /// The campaign was cancelled.
    CampaignCancelled,
    /// The campaign's last useful moment has passed.
    CampaignExpired,
    /// The person said stop.
    Suppressed,
    /// The person is on no list of this campaign any more.
    SubscriptionMissing,
    /// No consent was ever recorded.
    ConsentNeverGiven,
    /// The person was asked and has not answered.
    ConsentUnanswered,
    /// The person took the consent back.
    ConsentWithdrawn,
    /// The consent ended by itself.
    ConsentExpired,
    /// The consent's date lies in the future.
    ConsentNotYet,
    /// The consent is for another purpose.
    ConsentOtherPurpose,
    /// A relationship alone does not carry marketing.
    RelationshipOnly,
    /// No hour is good in every zone the person may be in, or nothing is known
    /// of where they are.
    NoGoodHour,
    /// Another request for this campaign already has this person.
    AlreadyClaimed,
    /// A template variable has no value for this person.
    ParameterMissing,
    /// A template variable has a value that WhatsApp refuses.
    ParameterInvalid,
    /// The text is too long once this person's values are in it.
    MessageTooLong,
}

impl RefusalReason {
    /// A stable code for storage, metrics and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CampaignCancelled => "campaign_cancelled",
            Self::CampaignExpired => "campaign_expired",
            Self::Suppressed => "suppressed",
            Self::SubscriptionMissing => "subscription_missing",
            Self::ConsentNeverGiven => "consent_never_given",
            Self::ConsentUnanswered => "consent_unanswered",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::ConsentExpired => "consent_expired",
            Self::ConsentNotYet => "consent_not_yet",
            Self::ConsentOtherPurpose => "consent_other_purpose",
            Self::RelationshipOnly => "relationship_only",
            Self::NoGoodHour => "no_good_hour",
            Self::AlreadyClaimed => "already_claimed",
            Self::ParameterMissing => "parameter_missing",
            Self::ParameterInvalid => "parameter_invalid",
            Self::MessageTooLong => "message_too_long",
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CampaignCancelled => "the campaign was cancelled",
            Self::CampaignExpired => "the campaign's last useful moment has passed",
            Self::Suppressed => "the person said stop",
            Self::SubscriptionMissing => "the person is no longer on the campaign's list",
            Self::ConsentNeverGiven => "no consent was ever recorded",
            Self::ConsentUnanswered => "the person was asked and has not answered",
            Self::ConsentWithdrawn => "the person took the consent back",
            Self::ConsentExpired => "the consent has expired",
            Self::ConsentNotYet => "the consent is dated in the future",
            Self::ConsentOtherPurpose => "the consent is for another purpose",
            Self::RelationshipOnly => "a business relationship alone does not carry marketing",
            Self::NoGoodHour => "no hour is good in every zone the person may be in",
            Self::AlreadyClaimed => "another request of this campaign already has this person",
            Self::ParameterMissing => "a template variable has no value for this person",
            Self::ParameterInvalid => "a template variable has a value that WhatsApp refuses",
            Self::MessageTooLong => "the text is too long once the person's values are in it",
        })
    }
}

impl From<ConsentGap> for RefusalReason {
    fn from(gap: ConsentGap) -> Self {
        match gap {
            ConsentGap::Expired => Self::ConsentExpired,
            ConsentGap::NotYet => Self::ConsentNotYet,
            ConsentGap::OtherPurpose => Self::ConsentOtherPurpose,
            ConsentGap::RelationshipOnly => Self::RelationshipOnly,
            ConsentGap::NeverGiven => Self::ConsentNeverGiven,
            ConsentGap::Unanswered => Self::ConsentUnanswered,
            ConsentGap::Withdrawn => Self::ConsentWithdrawn,
        }
    }
}

/// Why a message has to wait.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DeferReason {
    /// An operator paused the campaign.
    CampaignPaused,
    /// It is not a time at which the person may be sent advertising.
    QuietHours,
    /// The person's item has no room for another claim.
    ClaimsFull,
}

impl DeferReason {
    /// A stable code for storage, metrics and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CampaignPaused => "campaign_paused",
            Self::QuietHours => "quiet_hours",
            Self::ClaimsFull => "claims_full",
        }
    }
}

/// One or more reasons, the first being the one to show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    first: RefusalReason,
    rest: Vec<RefusalReason>,
}

impl Refusal {
    /// Gathers reasons in the order of the rules; none gives `None`.
    pub fn collect(reasons: impl IntoIterator<Item = RefusalReason>) -> Option<Self> {
        let mut reasons = reasons.into_iter();
        let first = reasons.next()?;
        Some(Self {
            first,
            rest: reasons.collect(),
        })
    }

    /// The reason to show and to count by.
    pub fn first(&self) -> RefusalReason {
        self.first
    }

    /// All of them, in the order of the rules.
    pub fn reasons(&self) -> impl Iterator<Item = RefusalReason> {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }
}
