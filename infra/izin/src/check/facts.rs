//! A person and a campaign as `explain` and `simulate` read them.
//!
//! Person: `phone` alone is required.
//!
//! ```json
//! {
//!   "phone": "+6281234567890",
//!   "zone": "Asia/Jakarta",
//!   "consent": {
//!     "status": "granted", "purposes": ["marketing"], "basis": "explicit_consent",
//!     "at": "2026-01-15T10:00:00+07:00", "method": "web_form",
//!     "evidence": "form 4711", "notice": "promo-2026",
//!     "expires_at": "2027-01-15T10:00:00+07:00"
//!   },
//!   "stops": [{"scope": "marketing", "at": "2026-03-01T09:00:00Z", "source": "keyword"}],
//!   "messages": [{"at": "2026-11-20T03:00:00Z", "marketing": true}],
//!   "service_window_ends": "2026-11-24T12:00:00Z",
//!   "marketing_declined_at": "2026-11-23T12:00:00Z"
//! }
//! ```
//!
//! A consent's `status` is `granted`, `requested`, `withdrawn` or
//! `never_asked`; the first three need `at`, the first also `purposes`.
//!
//! Campaign: `purpose` and `category` are required.
//!
//! ```json
//! {
//!   "purpose": "marketing.promo", "category": "marketing", "state": "running",
//!   "sector": "general", "template": "approved",
//!   "starts_at": "2026-11-24T10:00:00+07:00", "not_after": "2026-11-30T20:00:00+07:00",
//!   "frequency": [{"most": 2, "within_hours": 168}], "reviewed_countries": ["MY"],
//!   "throughput": "STANDARD", "tier": "TIER_10K",
//!   "canary": {"people": 200, "wait_minutes": 30}
//! }
//! ```

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use policy::campaign::{CampaignFacts, CampaignState};
use policy::consent::{Basis, Consent, Grant, Notice};
use policy::content::{Category, TemplateStatus};
use policy::ids::{CampaignId, OwnerNonce, TenantId};
use policy::jurisdiction::Sector;
use policy::limits::FrequencyCap;
use policy::person::{Claim, Person, ServiceWindow, Suppression, SuppressionSource};
use policy::phone::PhoneNumber;
use policy::purpose::{Purpose, Scope};
use policy::send::Terms;
use policy::subscription::Subscription;
use policy::token::{ContactToken, TokenKey};
use serde::Deserialize;
use uuid::Uuid;

use super::input::Text;

/// The number that everything goes out from, and that people write to.
const SENDER: &str = "";

/// A person, as a file describes them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonFile {
    phone: Text<PhoneNumber>,
    zone: Option<String>,
    consent: Option<ConsentFile>,
    #[serde(default)]
    stops: Vec<Stop>,
    #[serde(default)]
    messages: Vec<Message>,
    service_window_ends: Option<Text<Timestamp>>,
    marketing_declined_at: Option<Text<Timestamp>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentText {
    status: String,
    at: Option<Text<Timestamp>>,
    #[serde(default)]
    purposes: Vec<Text<Purpose>>,
    basis: Option<Text<Basis>>,
    method: Option<String>,
    evidence: Option<String>,
    notice: Option<String>,
    expires_at: Option<Text<Timestamp>>,
}

#[derive(Deserialize)]
#[serde(try_from = "ConsentText")]
struct ConsentFile(Consent);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stop {
    scope: Text<Scope>,
    at: Text<Timestamp>,
    source: Option<Text<SuppressionSource>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    at: Text<Timestamp>,
    #[serde(default)]
    marketing: bool,
    purpose: Option<Text<Purpose>>,
}

impl TryFrom<ConsentText> for ConsentFile {
    type Error = &'static str;

    fn try_from(text: ConsentText) -> Result<Self, &'static str> {
        let at = || {
            text.at
                .as_ref()
                .map(|at| at.0)
                .ok_or("a consent of this status needs `at`")
        };
        Ok(Self(match text.status.as_str() {
            "never_asked" => Consent::NeverAsked,
            "requested" => Consent::Requested { at: at()? },
            "withdrawn" => Consent::Withdrawn { at: at()? },
            "granted" if text.purposes.is_empty() => {
                return Err("a granted consent needs `purposes`");
            }
            "granted" => Consent::Granted(Grant {
                at: at()?,
                purposes: text.purposes.into_iter().map(|purpose| purpose.0).collect(),
                basis: text.basis.map_or(Basis::ExplicitConsent, |basis| basis.0),
                method: text.method.unwrap_or_default(),
                notice: text.notice.map(|id| Notice { id, sha256: None }),
                evidence: text.evidence.unwrap_or_default(),
                expires_at: text.expires_at.map(|end| end.0),
            }),
            _ => {
                return Err("expected a status of the consent: `granted`, `requested`, \
                            `withdrawn` or `never_asked`");
            }
        }))
    }
}

impl PersonFile {
    /// The person across all lists.
    pub(crate) fn person(&self) -> Person {
        let suppressions = self.stops.iter().map(|stop| {
            let source = stop
                .source
                .as_ref()
                .map_or(SuppressionSource::Api, |source| source.0);
            let suppression = Suppression {
                at: stop.at.0,
                source,
                evidence: String::new(),
            };
            (stop.scope.0.clone(), suppression)
        });
        let mut claims: Vec<Claim> = self.messages.iter().map(Message::claim).collect();
        claims.sort_by_key(|claim| claim.at);
        Person {
            version: 1,
            suppressions: suppressions.collect(),
            claims,
            marketing_declined_at: self.marketing_declined_at.as_ref().map(|at| at.0),
            service_window: self.service_window_ends.as_ref().map(|end| ServiceWindow {
                sender: SENDER.to_owned(),
                ends: end.0,
            }),
        }
    }

    /// The person's place on the campaign's list.
    pub(crate) fn subscription(&self) -> Subscription {
        Subscription {
            phone: self.phone.0.clone(),
            name: None,
            language: None,
            zone: self.zone.clone(),
            external_id: None,
            attributes: Default::default(),
            consent: self
                .consent
                .as_ref()
                .map_or(Consent::NeverAsked, |consent| consent.0.clone()),
        }
    }
}

impl Message {
    fn purpose(&self) -> Purpose {
        match &self.purpose {
            Some(purpose) => purpose.0.clone(),
            None if self.marketing => Purpose::marketing(),
            None => Purpose::service(),
        }
    }

    /// An earlier message, of some other campaign.
    fn claim(&self) -> Claim {
        Claim {
            campaign: CampaignId::from_uuid(Uuid::max()),
            block: 0,
            index: 0,
            attempt: 0,
            owner: OwnerNonce::from_uuid(Uuid::nil()),
            at: self.at.0,
            purpose: self.purpose(),
            is_marketing: self.marketing || self.purpose().is_marketing(),
            counted: None,
        }
    }
}

/// A campaign, as a file describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CampaignFile {
    purpose: Text<Purpose>,
    category: Text<Category>,
    state: Option<Text<CampaignState>>,
    sector: Option<Text<Sector>>,
    template: Option<Text<TemplateStatus>>,
    pub(crate) starts_at: Option<Text<Timestamp>>,
    not_after: Option<Text<Timestamp>>,
    #[serde(default)]
    frequency: Vec<Cap>,
    #[serde(default)]
    reviewed_countries: BTreeSet<String>,
    pub(crate) throughput: Option<String>,
    pub(crate) tier: Option<String>,
    pub(crate) canary: Option<Canary>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cap {
    purpose: Option<Text<Purpose>>,
    most: u16,
    within_hours: u16,
}

/// Who comes first, and how long the rest then waits.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Canary {
    pub(crate) people: u32,
    pub(crate) wait_minutes: u16,
}

impl CampaignFile {
    pub(crate) fn facts(&self) -> CampaignFacts {
        CampaignFacts {
            id: CampaignId::from_uuid(Uuid::nil()),
            state: self
                .state
                .as_ref()
                .map_or(CampaignState::Running, |state| state.0),
            purpose: self.purpose.0.clone(),
            not_after: self.not_after.as_ref().map(|end| end.0),
            sender: SENDER.to_owned(),
            answer: None,
        }
    }

    pub(crate) fn terms(&self) -> Terms {
        let mut terms = Terms::new(self.category.0);
        terms.sector = self
            .sector
            .as_ref()
            .map_or(Sector::General, |sector| sector.0);
        terms.template = self
            .template
            .as_ref()
            .map_or(TemplateStatus::Approved, |template| template.0);
        terms
            .reviewed_countries
            .clone_from(&self.reviewed_countries);
        terms.frequency = self
            .frequency
            .iter()
            .map(|cap| FrequencyCap {
                purpose: cap
                    .purpose
                    .as_ref()
                    .map_or_else(Purpose::marketing, |purpose| purpose.0.clone()),
                most: cap.most,
                within: SignedDuration::from_hours(i64::from(cap.within_hours)),
            })
            .collect();
        terms
    }
}

/// Names a person within one run: all spellings of a number have one token.
pub(crate) fn token(phone: &PhoneNumber) -> ContactToken {
    static KEY: LazyLock<TokenKey> =
        LazyLock::new(|| TokenKey::new(&[0; 32]).expect("the key is long enough"));
    KEY.contact(TenantId::from_uuid(Uuid::nil()), phone)
}
