//! Consent as evidence, not as a flag.
//!
//! A person's history is a set of [`ConsentEvent`]s; [`apply`] folds them, in
//! any order, to a [`History`], which answers for a purpose and a moment.
//! [`Consent`] is the short form that stands in a subscription, and [`export()`]
//! the long one for the person and the authorities (ISO/IEC TS 27560).

mod event;
mod export;
mod history;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use self::event::{ConsentAct, ConsentEvent, Evidence};
pub use self::export::{ExportFacts, Party, export};
pub use self::history::{ConsentStatus, History, REQUEST_LASTS, apply};
use crate::purpose::Purpose;

/// What one subscription knows about a person's yes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Consent {
    /// The person said yes, and here is the evidence.
    Granted(Grant),
    /// Nobody ever asked, or nothing was recorded.
    NeverAsked,
    /// The person was asked and has not answered.
    Requested {
        /// When the request went out.
        at: Timestamp,
    },
    /// The person took it back.
    Withdrawn {
        /// When they did.
        at: Timestamp,
    },
}

/// A recorded yes (UU 27/2022 Art. 22 and 24: recorded, and proof on demand).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// What the person agreed to.
    pub purposes: BTreeSet<Purpose>,
    /// On what legal ground.
    pub basis: Basis,
    /// When the person said so.
    pub at: Timestamp,
    /// How: `web_form`, `pos`, `keyword`, … as the source declared it.
    pub method: String,
    /// Which wording the person saw.
    pub notice: Option<Notice>,
    /// Where the proof lies: `imp_…#17` for row 17 of an import.
    pub evidence: String,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// The wording a person agreed to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// The tenant's name for it.
    pub id: String,
    /// SHA-256 of the text, in hexadecimal, where the text is known.
    pub sha256: Option<String>,
}

/// The legal ground of processing.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Basis {
    /// The person agreed to the purpose in so many words.
    ExplicitConsent,
    /// A contract or order that the message is about; service messages only.
    Relationship,
}

impl Basis {
    /// A stable code for storage and reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ExplicitConsent => "explicit_consent",
            Self::Relationship => "relationship",
        }
    }

    /// The basis a stored code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::ExplicitConsent, Self::Relationship]
            .into_iter()
            .find(|basis| basis.code() == code)
    }
}

/// Why a consent does not carry a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConsentGap {
    /// It ended.
    Expired,
    /// Its date lies in the future, so its evidence is wrong.
    NotYet,
    /// It is for something else.
    OtherPurpose,
    /// A relationship alone carries service messages only.
    RelationshipOnly,
    /// There is none.
    NeverGiven,
    /// Asked, not answered.
    Unanswered,
    /// Taken back.
    Withdrawn,
}

impl Consent {
    /// Whether this carries a message for `purpose` at `now`.
    ///
    /// Law: no answer but `Ok` lets a message leave.
    pub fn carries(&self, purpose: &Purpose, now: Timestamp) -> Result<(), ConsentGap> {
        let grant = match self {
            Self::Granted(grant) => grant,
            Self::NeverAsked => return Err(ConsentGap::NeverGiven),
            Self::Requested { .. } => return Err(ConsentGap::Unanswered),
            Self::Withdrawn { .. } => return Err(ConsentGap::Withdrawn),
        };
        if grant.at > now {
            return Err(ConsentGap::NotYet);
        }
        if grant.expires_at.is_some_and(|end| end <= now) {
            return Err(ConsentGap::Expired);
        }
        if grant.basis == Basis::Relationship && purpose.is_marketing() {
            return Err(ConsentGap::RelationshipOnly);
        }
        if !grant.purposes.iter().any(|given| given.covers(purpose)) {
            return Err(ConsentGap::OtherPurpose);
        }
        Ok(())
    }
}
