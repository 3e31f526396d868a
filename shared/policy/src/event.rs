//! What a tenant is told of: the kinds of its events.

use std::fmt;
use std::str::FromStr;

/// What an event is about. The code is stable: tools branch on it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum EventKind {
    /// WhatsApp says something about a business account.
    AccountChanged,
    /// An operator ended a campaign, and everybody in it is settled.
    CampaignCancelled,
    /// Every recipient of a campaign is settled.
    CampaignCompleted,
    /// A campaign waits until a person lets it go on.
    CampaignHeld,
    /// A person said stop.
    ContactOptedOut,
    /// A person allowed messages again.
    ContactResumed,
    /// A person wrote, tapped or sent something that is no opt-out.
    MessageReceived,
    /// A number's quality, or what WhatsApp lets it send, changed.
    NumberChanged,
    /// A template's state, quality or category changed.
    TemplateChanged,
}

impl EventKind {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 9] = [
        Self::AccountChanged,
        Self::CampaignCancelled,
        Self::CampaignCompleted,
        Self::CampaignHeld,
        Self::ContactOptedOut,
        Self::ContactResumed,
        Self::MessageReceived,
        Self::NumberChanged,
        Self::TemplateChanged,
    ];

    /// The stable code: what it is about, a dot, and what happened.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AccountChanged => "account.changed",
            Self::CampaignCancelled => "campaign.cancelled",
            Self::CampaignCompleted => "campaign.completed",
            Self::CampaignHeld => "campaign.held",
            Self::ContactOptedOut => "contact.opted_out",
            Self::ContactResumed => "contact.resumed",
            Self::MessageReceived => "message.received",
            Self::NumberChanged => "number.changed",
            Self::TemplateChanged => "template.changed",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for EventKind {
    type Err = UnknownEventKind;

    fn from_str(code: &str) -> Result<Self, UnknownEventKind> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.code() == code).ok_or(UnknownEventKind)
    }
}

/// A text that is no kind of event.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a kind of event such as `message.received`")]
pub struct UnknownEventKind;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back_and_stand_in_order() {
        for kind in EventKind::ALL {
            assert_eq!(kind.code().parse(), Ok(kind));
        }
        assert!(EventKind::ALL.is_sorted_by_key(|kind| kind.code()));
        assert_eq!("message.sent".parse::<EventKind>(), Err(UnknownEventKind));
    }
}
