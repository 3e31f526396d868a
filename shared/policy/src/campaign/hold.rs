//! Why a campaign is held, and what an operator may let go on.

use std::fmt;

/// Why a paused campaign is paused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HoldReason {
    /// WhatsApp stopped the business account.
    AccountStopped,
    /// The budget has no room for the next block.
    BudgetSpent,
    /// Too many of the first people could not be reached.
    CanaryFailures,
    /// Too many of the first people had stopped marketing at WhatsApp.
    CanaryPlatformStops,
    /// A bound of the first people is passed, but it may be chance.
    CanaryReview,
    /// Too many of the first people said stop.
    CanaryStops,
    /// The fate of too many of the first people stayed unknown.
    CanaryUnanswered,
    /// Looked at again, a link of the message or the file is harmful, or there is
    /// something for which nobody has answered.
    LinksHarmful,
    /// The links of the message were last looked at too long ago.
    LinksUnchecked,
    /// The file of the message is not the one that was approved, or may not be
    /// used any more.
    MediaChanged,
    /// The file of the message was last checked too long ago.
    MediaUnchecked,
    /// WhatsApp stopped the number.
    NumberStopped,
    /// A person paused it.
    Operator,
    /// A message's price is not known, and the budget says nothing about it.
    PriceUnknown,
    /// WhatsApp refuses message after message as wrong in itself.
    RequestsRefused,
    /// What people answer to the number does not reach this service, so their
    /// stops would not be heard.
    StopsUnheard,
    /// The template says something else than what was approved.
    TemplateChanged,
    /// WhatsApp takes the template for another kind of message, which the
    /// campaign's purpose does not allow.
    TemplateRecategorised,
    /// WhatsApp refused a message because of its template.
    TemplateStopped,
    /// WhatsApp does not let the template be sent.
    TemplateUnusable,
}

impl HoldReason {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::AccountStopped,
        Self::BudgetSpent,
        Self::CanaryFailures,
        Self::CanaryPlatformStops,
        Self::CanaryReview,
        Self::CanaryStops,
        Self::CanaryUnanswered,
        Self::LinksHarmful,
        Self::LinksUnchecked,
        Self::MediaChanged,
        Self::MediaUnchecked,
        Self::NumberStopped,
        Self::Operator,
        Self::PriceUnknown,
        Self::RequestsRefused,
        Self::StopsUnheard,
        Self::TemplateChanged,
        Self::TemplateRecategorised,
        Self::TemplateStopped,
        Self::TemplateUnusable,
    ];

    /// A stable code for storage and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AccountStopped => "account_stopped",
            Self::BudgetSpent => "budget_spent",
            Self::CanaryFailures => "canary_failures",
            Self::CanaryPlatformStops => "canary_platform_stops",
            Self::CanaryReview => "canary_review",
            Self::CanaryStops => "canary_stops",
            Self::CanaryUnanswered => "canary_unanswered",
            Self::LinksHarmful => "links_harmful",
            Self::LinksUnchecked => "links_unchecked",
            Self::MediaChanged => "media_changed",
            Self::MediaUnchecked => "media_unchecked",
            Self::NumberStopped => "number_stopped",
            Self::Operator => "operator",
            Self::PriceUnknown => "price_unknown",
            Self::RequestsRefused => "requests_refused",
            Self::StopsUnheard => "stops_unheard",
            Self::TemplateChanged => "template_changed",
            Self::TemplateRecategorised => "template_recategorised",
            Self::TemplateStopped => "template_stopped",
            Self::TemplateUnusable => "template_unusable",
        }
    }

    /// The reason a stored code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Whether the first people's answers are the reason: then going on is a
    /// person's judgement, who gives a name for it.
    pub const fn is_canary(self) -> bool {
        matches!(
            self,
            Self::CanaryFailures
                | Self::CanaryPlatformStops
                | Self::CanaryReview
                | Self::CanaryStops
                | Self::CanaryUnanswered
        )
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccountStopped => "WhatsApp stopped the business account",
            Self::BudgetSpent => "the budget has no room for the next block",
            Self::CanaryFailures => "too many of the first people could not be reached",
            Self::CanaryPlatformStops => {
                "too many of the first people had stopped marketing at WhatsApp"
            }
            Self::CanaryReview => "a bound of the first people is passed, but it may be chance",
            Self::CanaryStops => "too many of the first people said stop",
            Self::CanaryUnanswered => "the fate of too many of the first people is not known",
            Self::LinksHarmful => {
                "looked at again, the message holds what is harmful or what nobody has answered \
                 for; look at its preflight and approve it again"
            }
            Self::LinksUnchecked => {
                "its links were last looked at more than seven days ago; they are looked at again"
            }
            Self::MediaChanged => {
                "the file is not the one that was approved, or may not be used; approve it again"
            }
            Self::MediaUnchecked => {
                "the file was last checked more than seven days ago; it is checked again"
            }
            Self::NumberStopped => "WhatsApp stopped the number",
            Self::Operator => "a person paused it",
            Self::PriceUnknown => "a message's price is not known; name one in the budget",
            Self::RequestsRefused => {
                "WhatsApp refuses one message after the other as wrong; look at the values it is filled with"
            }
            Self::StopsUnheard => {
                "what people answer to this number does not reach us, so nobody could say stop; \
                 make our topic the event destination of its account, and \
                 write to the number once"
            }
            Self::TemplateChanged => "the template changed since it was approved; approve it again",
            Self::TemplateRecategorised => {
                "WhatsApp put the template into a category that does not fit the purpose"
            }
            Self::TemplateStopped => "WhatsApp refused a message because of its template",
            Self::TemplateUnusable => "WhatsApp does not let the template be sent",
        })
    }
}

/// What a resumed campaign sends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ResumeScope {
    /// Those who still wait.
    #[default]
    Pending,
    /// Besides, those whose message WhatsApp refused for a reason that lay in
    /// the account, the number or the template, and is mended.
    Refused,
}

impl ResumeScope {
    /// The scope that an operator's word stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "pending" => Some(Self::Pending),
            "refused" => Some(Self::Refused),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own_and_a_sentence() {
        let codes: BTreeSet<_> = HoldReason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), HoldReason::ALL.len());
        for reason in HoldReason::ALL {
            assert_eq!(HoldReason::from_code(reason.code()), Some(reason));
            assert_eq!(reason.is_canary(), reason.code().starts_with("canary_"));
            assert!(!reason.to_string().is_empty());
        }
        assert_eq!(HoldReason::from_code("tired"), None);
    }
}
