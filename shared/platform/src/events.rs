//! What a tenant is told of, in the three shapes that it takes: in a queue and
//! in the table ([`EventV1`]), and as tools read it ([`told`]).
//!
//! An event names people by their token, and says nothing that they wrote: the
//! words stay in the encrypted object that [`WhatV1::MessageReceived`] points
//! to.

use jiff::Timestamp;
use policy::event::EventKind;
use policy::ids::{CampaignId, EventId, TenantId};
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::queue::TokenText;

/// One event.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EventV1 {
    /// The same for the same happening, however often it is told.
    pub id: EventId,
    /// When it happened, by the clock of whoever told it.
    pub at: Timestamp,
    /// What happened.
    pub what: WhatV1,
}

/// Who it is about.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct WhoV1 {
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<TokenText>,
    /// Keyed hash of another identity, where that is all that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<TokenText>,
}

impl WhoV1 {
    /// The person, where their number is known; else the identity.
    pub fn known_as(contact: Option<ContactToken>, identity: Option<ContactToken>) -> Self {
        Self {
            contact: contact.map(TokenText),
            identity: identity.filter(|_| contact.is_none()).map(TokenText),
        }
    }
}

/// What happened, by kind.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum WhatV1 {
    /// [`EventKind::AccountChanged`]
    #[serde(rename = "account.changed")]
    AccountChanged {
        /// The WhatsApp Business Account.
        account: String,
        /// Meta's word for it, in lower case.
        event: String,
        /// The state of a ban, or the kinds of a restriction.
        details: Vec<String>,
    },
    /// [`EventKind::CampaignCancelled`]
    #[serde(rename = "campaign.cancelled")]
    CampaignCancelled(EndV1),
    /// [`EventKind::CampaignCompleted`]
    #[serde(rename = "campaign.completed")]
    CampaignCompleted(EndV1),
    /// [`EventKind::CampaignHeld`]
    #[serde(rename = "campaign.held")]
    CampaignHeld {
        /// Which.
        campaign: CampaignId,
        /// Why, as a stable code.
        reason: String,
    },
    /// [`EventKind::ContactOptedOut`]
    #[serde(rename = "contact.opted_out")]
    ContactOptedOut {
        /// Who.
        who: WhoV1,
        /// What they stopped.
        scopes: Vec<String>,
        /// How they said it, as a stable code.
        source: String,
        /// Whether a person should look at how it was read.
        review: bool,
    },
    /// [`EventKind::ContactResumed`]
    #[serde(rename = "contact.resumed")]
    ContactResumed {
        /// Who.
        who: WhoV1,
        /// How they said it, as a stable code.
        source: String,
    },
    /// [`EventKind::MessageReceived`]
    #[serde(rename = "message.received")]
    MessageReceived {
        /// Who.
        who: WhoV1,
        /// WhatsApp's id of the business number it came to.
        number: String,
        /// `text`, `button`, `image`, …
        content: String,
        /// Whether it has words that can be asked for.
        has_text: bool,
        /// Whether they ask for help.
        asks_help: bool,
        /// Whether a person should look at it: it may be a wish to stop or to
        /// go on.
        review: bool,
        /// The object that holds it as it came.
        object: String,
        /// Its place in the object.
        place: u32,
    },
    /// [`EventKind::NumberChanged`]
    #[serde(rename = "number.changed")]
    NumberChanged {
        /// The WhatsApp Business Account.
        account: String,
        /// WhatsApp's id of the number, where it is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<String>,
        /// Meta's word for it, in lower case.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<String>,
        /// The new limit as Meta writes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<String>,
    },
    /// [`EventKind::TemplateChanged`]
    #[serde(rename = "template.changed")]
    TemplateChanged {
        /// Its name.
        name: String,
        /// Its language.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        /// Its new state, in Meta's word in lower case.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<String>,
        /// Its new quality.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quality: Option<String>,
        /// Its category from now on, or soon.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        category: Option<String>,
    },
}

/// How a campaign ended: people, by what became of them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EndV1 {
    /// Which.
    pub campaign: CampaignId,
    /// The rules refused it.
    pub excluded: u64,
    /// WhatsApp took the message.
    pub accepted: u64,
    /// WhatsApp refused it for good.
    pub rejected: u64,
    /// Nobody knows.
    pub unknown: u64,
    /// It had no use any more.
    pub expired: u64,
    /// The campaign was cancelled before.
    pub cancelled: u64,
}

impl WhatV1 {
    /// Its kind.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::AccountChanged { .. } => EventKind::AccountChanged,
            Self::CampaignCancelled(_) => EventKind::CampaignCancelled,
            Self::CampaignCompleted(_) => EventKind::CampaignCompleted,
            Self::CampaignHeld { .. } => EventKind::CampaignHeld,
            Self::ContactOptedOut { .. } => EventKind::ContactOptedOut,
            Self::ContactResumed { .. } => EventKind::ContactResumed,
            Self::MessageReceived { .. } => EventKind::MessageReceived,
            Self::NumberChanged { .. } => EventKind::NumberChanged,
            Self::TemplateChanged { .. } => EventKind::TemplateChanged,
        }
    }

    /// Whom it is about, if it is about a person.
    pub const fn who(&self) -> Option<&WhoV1> {
        match self {
            Self::ContactOptedOut { who, .. }
            | Self::ContactResumed { who, .. }
            | Self::MessageReceived { who, .. } => Some(who),
            Self::AccountChanged { .. }
            | Self::CampaignCancelled(_)
            | Self::CampaignCompleted(_)
            | Self::CampaignHeld { .. }
            | Self::NumberChanged { .. }
            | Self::TemplateChanged { .. } => None,
        }
    }

    /// The same, to be completed.
    pub const fn who_mut(&mut self) -> Option<&mut WhoV1> {
        match self {
            Self::ContactOptedOut { who, .. }
            | Self::ContactResumed { who, .. }
            | Self::MessageReceived { who, .. } => Some(who),
            Self::AccountChanged { .. }
            | Self::CampaignCancelled(_)
            | Self::CampaignCompleted(_)
            | Self::CampaignHeld { .. }
            | Self::NumberChanged { .. }
            | Self::TemplateChanged { .. } => None,
        }
    }
}

impl EventV1 {
    /// The person, where they are known.
    pub fn contact(&self) -> Option<ContactToken> {
        Some(self.what.who()?.contact?.0)
    }
}

/// The id of an event, from what caused it: a UUID (version 8, RFC 9562).
pub fn event_id(tenant: TenantId, kind: EventKind, cause: &[&[u8]]) -> EventId {
    let mut digest = Sha256::new();
    let mut part = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    part(b"tenant-event:v1");
    part(tenant.uuid().as_bytes());
    part(kind.code().as_bytes());
    for bytes in cause {
        part(bytes);
    }
    EventId::of_digest(&digest.finalize().into())
}

/// An event as tools read it, by the API and by webhook: `id`, `type`,
/// `timestamp`, `data`. `external_id` is the caller's own name for the person.
pub fn told(event: &EventV1, external_id: Option<&str>) -> Value {
    json!({
        "id": event.id,
        "type": event.what.kind().code(),
        "timestamp": event.at,
        "data": data(event, external_id),
    })
}

fn data(event: &EventV1, external_id: Option<&str>) -> Value {
    let mut data = match &event.what {
        WhatV1::AccountChanged {
            account,
            event,
            details,
        } => json!({"account_id": account, "event": event, "details": details}),
        WhatV1::CampaignCancelled(end) | WhatV1::CampaignCompleted(end) => json!({
            "campaign_id": end.campaign,
            "excluded": end.excluded,
            "accepted": end.accepted,
            "rejected": end.rejected,
            "unknown": end.unknown,
            "expired": end.expired,
            "cancelled": end.cancelled,
        }),
        WhatV1::CampaignHeld { campaign, reason } => {
            json!({"campaign_id": campaign, "reason": reason})
        }
        WhatV1::ContactOptedOut {
            scopes,
            source,
            review,
            who: _,
        } => json!({"scopes": scopes, "source": source, "review": review}),
        WhatV1::ContactResumed { source, who: _ } => json!({"source": source}),
        WhatV1::MessageReceived {
            number,
            content,
            has_text,
            asks_help,
            review,
            who: _,
            object: _,
            place: _,
        } => {
            let path = has_text.then(|| format!("/v1/events/{}/text", event.id));
            json!({
                "number_id": number,
                "content": content,
                "text_path": path,
                "asks_help": asks_help,
                "review": review,
            })
        }
        WhatV1::NumberChanged {
            account,
            number,
            event,
            limit,
        } => json!({"account_id": account, "number_id": number, "event": event, "limit": limit}),
        WhatV1::TemplateChanged {
            name,
            language,
            event,
            quality,
            category,
        } => json!({
            "name": name,
            "language": language,
            "event": event,
            "quality": quality,
            "category": category,
        }),
    };
    let Some(fields) = data.as_object_mut() else {
        return data;
    };
    if let Some(who) = event.what.who() {
        let token = |token: Option<TokenText>| token.map(|token| token.0.to_string());
        fields.insert("contact".to_owned(), token(who.contact).into());
        fields.insert("identity".to_owned(), token(who.identity).into());
        fields.insert("external_id".to_owned(), external_id.into());
    }
    // What is not known is left out.
    fields.retain(|_, value| !value.is_null());
    data
}

#[cfg(test)]
mod tests;
