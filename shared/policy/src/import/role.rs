//! What columns mean.

use serde::{Deserialize, Serialize};

/// What a column of a contact list means.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Kept under the column's own name, for template variables.
    Attribute,
    /// When the person said yes: a date, or a date and a time.
    ConsentAt,
    /// On what legal ground.
    ConsentBasis,
    /// Where the proof lies, in the caller's words.
    ConsentEvidence,
    /// When the yes ends by itself.
    ConsentExpires,
    /// How the person said yes.
    ConsentMethod,
    /// Which wording the person saw.
    ConsentNotice,
    /// What the person agreed to.
    ConsentPurposes,
    /// Yes or no; a yes without a date is no evidence.
    ConsentStatus,
    /// The time of day that belongs to [`Role::ConsentAt`].
    ConsentTime,
    /// The caller's own id for the person.
    ExternalId,
    /// The last part of the name, joined to the first.
    FamilyName,
    /// The first part of the name, where there is no whole one.
    GivenName,
    /// Left out.
    Ignored,
    /// The person's language.
    Language,
    /// The person's name.
    Name,
    /// Says that the person unsubscribed or declined.
    OptedOut,
    /// The number; the one column that must be there.
    Phone,
    /// Another number of the same person, for rows in which the first is blank.
    PhoneOther,
    /// The person's time zone.
    Zone,
}

impl Role {
    /// All of them, in declaration order.
    pub const ALL: [Self; 20] = [
        Self::Attribute,
        Self::ConsentAt,
        Self::ConsentBasis,
        Self::ConsentEvidence,
        Self::ConsentExpires,
        Self::ConsentMethod,
        Self::ConsentNotice,
        Self::ConsentPurposes,
        Self::ConsentStatus,
        Self::ConsentTime,
        Self::ExternalId,
        Self::FamilyName,
        Self::GivenName,
        Self::Ignored,
        Self::Language,
        Self::Name,
        Self::OptedOut,
        Self::Phone,
        Self::PhoneOther,
        Self::Zone,
    ];

    /// A stable code for mappings and checkpoints.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::ConsentAt => "consent_at",
            Self::ConsentBasis => "consent_basis",
            Self::ConsentEvidence => "consent_evidence",
            Self::ConsentExpires => "consent_expires",
            Self::ConsentMethod => "consent_method",
            Self::ConsentNotice => "consent_notice",
            Self::ConsentPurposes => "consent_purposes",
            Self::ConsentStatus => "consent_status",
            Self::ConsentTime => "consent_time",
            Self::ExternalId => "external_id",
            Self::FamilyName => "family_name",
            Self::GivenName => "given_name",
            Self::Ignored => "ignored",
            Self::Language => "language",
            Self::Name => "name",
            Self::OptedOut => "opted_out",
            Self::Phone => "phone",
            Self::PhoneOther => "phone_other",
            Self::Zone => "zone",
        }
    }

    /// The role a code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// Whether only one column may have it.
    pub(super) const fn is_single(self) -> bool {
        !matches!(self, Self::Attribute | Self::Ignored | Self::PhoneOther)
    }
}
