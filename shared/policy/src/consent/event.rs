//! What happened to a consent, and what proves it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::Grant;
use crate::ids::{EventId, ImportId};
use crate::purpose::{Purpose, Scope};

/// One entry of a person's history. Never changed, only added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConsentEvent {
    /// Which one; the same arrival has the same id however often it comes.
    pub id: EventId,
    /// When it happened, by the clock of whoever reported it.
    pub at: Timestamp,
    /// When it was written down, by our own clock.
    pub recorded_at: Timestamp,
    /// What happened.
    pub act: ConsentAct,
    /// What proves it.
    pub evidence: Evidence,
}

impl ConsentEvent {
    /// When it counts: what is reported from the future happened, at the
    /// latest, when it was reported.
    pub fn counts_at(&self) -> Timestamp {
        self.at.min(self.recorded_at)
    }
}

/// What happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ConsentAct {
    /// The person said yes.
    Give(Grant),
    /// An earlier yes turned out to be none: wrong person, forged, unlawful.
    Invalidate {
        /// Which event was none.
        event: EventId,
    },
    /// The person was asked and said no.
    Refuse {
        /// To what.
        purposes: BTreeSet<Purpose>,
    },
    /// The person was asked.
    Request {
        /// For what.
        purposes: BTreeSet<Purpose>,
    },
    /// The person took it back.
    Withdraw {
        /// How much of it.
        scope: Scope,
    },
}

/// What proves an event: where to look, never the text or the number itself.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Evidence {
    /// An advertisement that opened a chat. It opens a conversation, no more.
    ClickToWhatsApp {
        /// Which advertisement.
        ad: String,
        /// The person's first message.
        wamid: String,
    },
    /// The person answered our own request, from their own phone.
    DoubleOptIn {
        /// Our request.
        request_wamid: String,
        /// Their answer.
        reply_wamid: String,
    },
    /// A form within WhatsApp.
    Flow {
        /// Which answer.
        flow_token: String,
        /// SHA-256 of the answer, in hexadecimal.
        response_sha256: String,
    },
    /// A row of an imported file.
    Import {
        /// Which file.
        import: ImportId,
        /// Which row, counted from 1.
        row: u64,
    },
    /// The person wrote a word for it, first.
    Keyword {
        /// Their message.
        wamid: String,
    },
    /// A signed form.
    Paper {
        /// SHA-256 of the scan, in hexadecimal.
        scan_sha256: String,
        /// When it was signed.
        signed_on: Date,
        /// Where.
        location: String,
    },
    /// A sale in a shop.
    PointOfSale {
        /// Which shop.
        store: String,
        /// Which receipt.
        receipt: String,
    },
    /// The person's own page, reached by their own link.
    PreferencePage,
    /// A code that opened a chat. It opens a conversation, no more.
    QrCode {
        /// Where it was shown.
        placement: String,
        /// The person's message.
        wamid: String,
    },
    /// What a tenant's system or operator says.
    Reported {
        /// The caller's own reference.
        reference: String,
    },
    /// A recorded call.
    Verbal {
        /// SHA-256 of the recording, in hexadecimal.
        recording_sha256: String,
        /// Where in it the person says yes, in seconds.
        offset_s: u32,
    },
    /// A form on the tenant's site.
    WebForm {
        /// Which page.
        url: String,
        /// SHA-256 of the words beside the box, in hexadecimal.
        text_sha256: String,
    },
    /// WhatsApp's own stop and resume control.
    WhatsAppControl,
}

impl Evidence {
    /// A stable code for storage and reports.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ClickToWhatsApp { .. } => "click_to_whatsapp",
            Self::DoubleOptIn { .. } => "double_opt_in",
            Self::Flow { .. } => "flow",
            Self::Import { .. } => "import",
            Self::Keyword { .. } => "keyword",
            Self::Paper { .. } => "paper",
            Self::PointOfSale { .. } => "point_of_sale",
            Self::PreferencePage => "preference_page",
            Self::QrCode { .. } => "qr_code",
            Self::Reported { .. } => "reported",
            Self::Verbal { .. } => "verbal",
            Self::WebForm { .. } => "web_form",
            Self::WhatsAppControl => "whatsapp_control",
        }
    }

    /// Whether we saw the person do it, from their own phone or by their own
    /// link. Only that restores what a person took back; what others say about
    /// the person does not.
    pub const fn is_own_act(&self) -> bool {
        match self {
            Self::DoubleOptIn { .. }
            | Self::Flow { .. }
            | Self::Keyword { .. }
            | Self::PreferencePage => true,
            // WhatsApp's resume ends WhatsApp's stop, not what the person told
            // the business.
            Self::ClickToWhatsApp { .. }
            | Self::Import { .. }
            | Self::Paper { .. }
            | Self::PointOfSale { .. }
            | Self::QrCode { .. }
            | Self::Reported { .. }
            | Self::Verbal { .. }
            | Self::WebForm { .. }
            | Self::WhatsAppControl => false,
        }
    }

    /// Whether it can prove a yes at all: opening a chat is none.
    pub const fn proves_yes(&self) -> bool {
        match self {
            Self::ClickToWhatsApp { .. } | Self::QrCode { .. } | Self::WhatsAppControl => false,
            Self::DoubleOptIn { .. }
            | Self::Flow { .. }
            | Self::Import { .. }
            | Self::Keyword { .. }
            | Self::Paper { .. }
            | Self::PointOfSale { .. }
            | Self::PreferencePage
            | Self::Reported { .. }
            | Self::Verbal { .. }
            | Self::WebForm { .. } => true,
        }
    }
}
