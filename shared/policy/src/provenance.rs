//! Where a list comes from, and whether it looks like that.
//!
//! A tenant declares a source and signs for it; bought, rented and scraped
//! lists have no kind, so they cannot be declared. An [`Observer`] then watches
//! the rows go by, in bounded memory, and its [`Assessment`] says what does not
//! fit. Nothing is decided in silence: every reason carries its figures, and
//! `review` means that a named person looks.

mod frequent;
mod numbers;
mod observer;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;

pub use self::observer::{InvalidNumber, Observer, Row};

/// How the people of a list came to be on it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SourceKind {
    /// The tenant's own customer records.
    OwnCrm,
    /// An event of the tenant.
    OwnEvent,
    /// A shop of the tenant.
    OwnStore,
    /// A form on the tenant's own site.
    OwnWebForm,
    /// A partner whose consent text names this tenant.
    PartnerWithNamedConsent,
    /// People who wrote to the tenant on WhatsApp.
    WhatsAppInbound,
}

impl SourceKind {
    /// All of them. There is none for lists that were bought, rented, copied
    /// from a directory or exported from a group.
    pub const ALL: [Self; 6] = [
        Self::OwnCrm,
        Self::OwnEvent,
        Self::OwnStore,
        Self::OwnWebForm,
        Self::PartnerWithNamedConsent,
        Self::WhatsAppInbound,
    ];

    /// A stable code for storage and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OwnCrm => "own_crm",
            Self::OwnEvent => "own_event",
            Self::OwnStore => "own_store",
            Self::OwnWebForm => "own_web_form",
            Self::PartnerWithNamedConsent => "partner_with_named_consent",
            Self::WhatsAppInbound => "whatsapp_inbound",
        }
    }

    /// The kind a stored code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether forms on paper are typed in together, so that many people share
    /// one moment.
    const fn comes_in_batches(self) -> bool {
        matches!(self, Self::OwnEvent | Self::OwnStore)
    }
}

/// What a tenant says about a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Declaration {
    /// How the people came to be on it.
    pub kind: SourceKind,
    /// The legal entity that collected it.
    pub collector: String,
    /// The first day of collection.
    pub collected_from: Date,
    /// The last day of collection.
    pub collected_to: Date,
    /// The countries it covers, by ISO 3166-1 alpha-2 code.
    pub countries: BTreeSet<String>,
    /// SHA-256 of the words that people agreed to, in hexadecimal.
    pub consent_text_sha256: Option<String>,
    /// Where the contract with the partner lies, if one collected it.
    pub partner_contract: Option<String>,
    /// Who signed for it, and when.
    pub attestation: Option<Attestation>,
}

/// A named person's word for a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attestation {
    /// Which wording was signed.
    pub text_version: String,
    /// Whose word: a user id of the tenant, not a name.
    pub signer: String,
    /// When.
    pub at: Timestamp,
}

impl Declaration {
    /// What is missing before the list may be read at all, as stable codes.
    pub fn gaps(&self) -> Vec<&'static str> {
        let partner = self.kind == SourceKind::PartnerWithNamedConsent;
        let gaps = [
            (self.attestation.is_none(), "attestation_missing"),
            (self.collector.trim().is_empty(), "collector_missing"),
            (self.collected_to < self.collected_from, "dates_reversed"),
            (self.countries.is_empty(), "countries_missing"),
            (
                self.consent_text_sha256.is_none() && self.kind != SourceKind::WhatsAppInbound,
                "consent_text_missing",
            ),
            (
                partner && self.partner_contract.is_none(),
                "partner_contract_missing",
            ),
        ];
        gaps.into_iter()
            .filter_map(|(is_gap, code)| is_gap.then_some(code))
            .collect()
    }
}

/// What the look at a list says.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// From 0 (as declared) to 100.
    pub score: u8,
    /// What to do with it.
    pub verdict: ListVerdict,
    /// Why, the heaviest first.
    pub reasons: Vec<ListReason>,
}

impl Assessment {
    /// The verdict on a list of so many people.
    ///
    /// Law: shares tell nothing of fewer than twenty people, so a review of
    /// these for nothing but shares passes; a refusal never does.
    pub fn verdict_for(&self, people: u64) -> ListVerdict {
        match self.verdict {
            ListVerdict::Review if people < FEW => ListVerdict::Pass,
            verdict => verdict,
        }
    }
}

/// Of fewer people than this, a share is no evidence.
const FEW: u64 = 20;

/// What to do with a list.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ListVerdict {
    /// Take it.
    Pass,
    /// A named person looks first.
    Review,
    /// Do not take it.
    Refuse,
}

impl ListVerdict {
    /// A stable code for storage and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Refuse => "refuse",
            Self::Review => "review",
        }
    }
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct ListReason {
    /// A stable code. Never reuse one.
    pub code: &'static str,
    /// What to do because of it.
    pub verdict: ListVerdict,
    /// How much it adds to the score.
    pub weight: u8,
    /// How much was seen, as a share of the rows or as a number.
    pub seen: f64,
    /// How much would have been fine.
    pub fine: f64,
}

/// What others know about the people of a list; only shares and counts leave
/// the place where they are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Neighbours {
    /// Rows that stand in the lists of at least three unrelated tenants.
    pub in_other_lists: u64,
    /// Rows whose person has said stop.
    pub opted_out: u64,
}

#[cfg(test)]
mod tests;
