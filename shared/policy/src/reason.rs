//! Why not, or not yet: stable codes, and a sentence for people.
//!
//! A code is stored, counted and sent to clients; never reuse one.

mod sentences;

use std::fmt;

use crate::consent::ConsentGap;

/// Why a message is refused for good.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RefusalReason {
    /// The campaign was cancelled.
    CampaignCancelled,
    /// The campaign's last useful moment has passed.
    CampaignExpired,
    /// Nobody approved and started the campaign, or it is already complete.
    CampaignNotRunning,
    /// The person said stop.
    Suppressed,
    /// The stop that the answer would confirm is not in force any more.
    NothingToConfirm,
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
    /// The message's purpose and the template's category do not belong together.
    CategoryMismatch,
    /// Free text, and the person has not written within 24 hours.
    ServiceWindowClosed,
    /// No marketing goes to the person's country.
    MarketingBlocked,
    /// Nobody reviewed the law of the person's country, and the tenant has not
    /// confirmed that it did.
    CountryUnreviewed,
    /// The law of the person's country asks for a proof that is not there.
    ConsentUnproven,
    /// No hour is good in every zone the person may be in, or nothing is known
    /// of where they are.
    NoGoodHour,
    /// The person got an answer of this kind a short while ago.
    AnsweredLately,
    /// A link or a file of the message was found harmful.
    ContentBlocked,
    /// WhatsApp refused or disabled the template.
    TemplateUnusable,
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
    /// All of them, in the order of the rules.
    pub const ALL: [Self; 26] = [
        Self::CampaignCancelled,
        Self::CampaignExpired,
        Self::CampaignNotRunning,
        Self::Suppressed,
        Self::NothingToConfirm,
        Self::SubscriptionMissing,
        Self::ConsentNeverGiven,
        Self::ConsentUnanswered,
        Self::ConsentWithdrawn,
        Self::ConsentExpired,
        Self::ConsentNotYet,
        Self::ConsentOtherPurpose,
        Self::RelationshipOnly,
        Self::CategoryMismatch,
        Self::ServiceWindowClosed,
        Self::MarketingBlocked,
        Self::CountryUnreviewed,
        Self::ConsentUnproven,
        Self::NoGoodHour,
        Self::AnsweredLately,
        Self::ContentBlocked,
        Self::TemplateUnusable,
        Self::AlreadyClaimed,
        Self::ParameterMissing,
        Self::ParameterInvalid,
        Self::MessageTooLong,
    ];

    /// A stable code for storage, metrics and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CampaignCancelled => "campaign_cancelled",
            Self::CampaignExpired => "campaign_expired",
            Self::CampaignNotRunning => "campaign_not_running",
            Self::Suppressed => "suppressed",
            Self::NothingToConfirm => "nothing_to_confirm",
            Self::SubscriptionMissing => "subscription_missing",
            Self::ConsentNeverGiven => "consent_never_given",
            Self::ConsentUnanswered => "consent_unanswered",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::ConsentExpired => "consent_expired",
            Self::ConsentNotYet => "consent_not_yet",
            Self::ConsentOtherPurpose => "consent_other_purpose",
            Self::RelationshipOnly => "relationship_only",
            Self::ConsentUnproven => "consent_unproven",
            Self::CategoryMismatch => "category_mismatch",
            Self::ServiceWindowClosed => "service_window_closed",
            Self::MarketingBlocked => "marketing_blocked",
            Self::CountryUnreviewed => "country_unreviewed",
            Self::NoGoodHour => "no_good_hour",
            Self::AnsweredLately => "answered_lately",
            Self::ContentBlocked => "content_blocked",
            Self::TemplateUnusable => "template_unusable",
            Self::AlreadyClaimed => "already_claimed",
            Self::ParameterMissing => "parameter_missing",
            Self::ParameterInvalid => "parameter_invalid",
            Self::MessageTooLong => "message_too_long",
        }
    }

    /// The reason a stored code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CampaignCancelled => "the campaign was cancelled",
            Self::CampaignExpired => "the campaign's last useful moment has passed",
            Self::CampaignNotRunning => "the campaign is not running",
            Self::Suppressed => "the person said stop",
            Self::NothingToConfirm => "the stop to confirm is not in force any more",
            Self::SubscriptionMissing => "the person is no longer on the campaign's list",
            Self::ConsentNeverGiven => "no consent was ever recorded",
            Self::ConsentUnanswered => "the person was asked and has not answered",
            Self::ConsentWithdrawn => "the person took the consent back",
            Self::ConsentExpired => "the consent has expired",
            Self::ConsentNotYet => "the consent is dated in the future",
            Self::ConsentOtherPurpose => "the consent is for another purpose",
            Self::RelationshipOnly => "a business relationship alone does not carry marketing",
            Self::ConsentUnproven => "the consent lacks a proof that the person's country asks for",
            Self::CategoryMismatch => "the template's category does not fit the message's purpose",
            Self::ServiceWindowClosed => "free text may only answer a message of the last 24 hours",
            Self::MarketingBlocked => "no marketing is delivered to the person's country",
            Self::CountryUnreviewed => "nobody has reviewed the law of the person's country",
            Self::NoGoodHour => "no hour is good in every zone the person may be in",
            Self::AnsweredLately => "the person got such an answer a short while ago",
            Self::ContentBlocked => "a link or a file of the message was found harmful",
            Self::TemplateUnusable => "WhatsApp refused or disabled the template",
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
    /// WhatsApp declined marketing for this person a short while ago.
    MarketingCoolDown,
    /// The person had enough messages of this tenant lately.
    FrequencyCap,
    /// Too soon after the last message to this person.
    PairLimit,
    /// The portfolio has reached as many people as it may in a day.
    TierFull,
    /// A link or a file of the message waits for its check, or the check is old.
    ContentUnchecked,
    /// WhatsApp does not let the template be sent at present.
    TemplateUnavailable,
    /// The person's item has no room for another claim.
    ClaimsFull,
}

impl DeferReason {
    /// All of them, in the order of the rules.
    pub const ALL: [Self; 9] = [
        Self::CampaignPaused,
        Self::QuietHours,
        Self::MarketingCoolDown,
        Self::FrequencyCap,
        Self::PairLimit,
        Self::TierFull,
        Self::ContentUnchecked,
        Self::TemplateUnavailable,
        Self::ClaimsFull,
    ];

    /// A stable code for storage, metrics and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CampaignPaused => "campaign_paused",
            Self::QuietHours => "quiet_hours",
            Self::MarketingCoolDown => "marketing_cool_down",
            Self::FrequencyCap => "frequency_cap",
            Self::PairLimit => "pair_limit",
            Self::TierFull => "tier_full",
            Self::ContentUnchecked => "content_unchecked",
            Self::TemplateUnavailable => "template_unavailable",
            Self::ClaimsFull => "claims_full",
        }
    }

    /// The reason a stored code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for DeferReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CampaignPaused => "the campaign is paused",
            Self::QuietHours => "it is not a time for advertising where the person is",
            Self::MarketingCoolDown => {
                "WhatsApp declined marketing for the person a short while ago"
            }
            Self::FrequencyCap => "the person had enough messages lately",
            Self::PairLimit => "it is too soon after the last message to the person",
            Self::TierFull => "the portfolio has reached as many people as it may in a day",
            Self::ContentUnchecked => "a link or a file of the message waits for its check",
            Self::TemplateUnavailable => "WhatsApp does not let the template be sent at present",
            Self::ClaimsFull => "the person's record has no room for another claim",
        })
    }
}

/// One or more reasons, the first being the one to show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    first: RefusalReason,
    rest: Vec<RefusalReason>,
}

impl From<RefusalReason> for Refusal {
    fn from(first: RefusalReason) -> Self {
        Self {
            first,
            rest: Vec::new(),
        }
    }
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
