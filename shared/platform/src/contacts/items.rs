//! How people are written down. `v` is the version of the shape.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use policy::consent::{Basis, Consent, Grant, Notice};
use policy::ids::{CampaignId, OwnerNonce};
use policy::limits::Counted;
use policy::person::{Claim, Person, ServiceWindow, Suppression, SuppressionSource};
use policy::phone::PhoneNumber;
use policy::purpose::{Purpose, Scope};
use policy::subscription::Subscription;
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

use super::Agreement;
use crate::fault::Fault;
use crate::keys::ContactKey;
use crate::table::{self, Item, millis, moment};

/// One person's place on one list.
#[derive(Deserialize, Serialize)]
pub(super) struct SubscriptionItem {
    v: u8,
    phone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
    consent: ConsentItem,
}

/// The part of a subscription that is about the person's agreement.
#[derive(Deserialize)]
struct AgreementItem {
    #[serde(default)]
    language: Option<String>,
    consent: ConsentItem,
}

/// A consent record; times in milliseconds.
#[derive(Deserialize, Serialize)]
struct ConsentItem {
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    purposes: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    basis: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notice_sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

impl From<&Subscription> for SubscriptionItem {
    fn from(subscription: &Subscription) -> Self {
        Self {
            v: 1,
            phone: subscription.phone.expose().to_owned(),
            name: subscription.name.clone(),
            language: subscription.language.clone(),
            zone: subscription.zone.clone(),
            external_id: subscription.external_id.clone(),
            attributes: subscription.attributes.clone(),
            consent: ConsentItem::from(&subscription.consent),
        }
    }
}

impl From<&Consent> for ConsentItem {
    fn from(consent: &Consent) -> Self {
        let bare = |state: &str, at| Self {
            state: state.to_owned(),
            at,
            purposes: BTreeSet::new(),
            basis: None,
            method: None,
            notice: None,
            notice_sha256: None,
            evidence: None,
            expires_at: None,
        };
        match consent {
            Consent::NeverAsked => bare("never_asked", None),
            Consent::Requested { at } => bare("requested", Some(millis(*at))),
            Consent::Withdrawn { at } => bare("withdrawn", Some(millis(*at))),
            Consent::Granted(grant) => Self {
                purposes: grant.purposes.iter().map(ToString::to_string).collect(),
                basis: Some(grant.basis.code().to_owned()),
                method: Some(grant.method.clone()),
                notice: grant.notice.as_ref().map(|notice| notice.id.clone()),
                notice_sha256: grant.notice.as_ref().and_then(|n| n.sha256.clone()),
                evidence: Some(grant.evidence.clone()),
                expires_at: grant.expires_at.map(millis),
                ..bare("granted", Some(millis(grant.at)))
            },
        }
    }
}

/// The consent of a subscription as its item has it.
pub(super) fn consent_value(subscription: &Subscription) -> Result<AttributeValue, Fault> {
    serde_dynamo::to_attribute_value(ConsentItem::from(&subscription.consent))
        .map_err(|error| Fault::lasting("encode a consent", error))
}

/// The person and subscription of an item.
pub(super) fn subscription(item: Item) -> Result<(ContactToken, Subscription), Fault> {
    let key = table::key_of(&item)?;
    let Some(ContactKey::Subscription { token, .. }) = ContactKey::parse(&key) else {
        return Err(damaged("the key is not a subscription's"));
    };
    let item: SubscriptionItem = table::decode(item)?;
    let subscription = Subscription {
        phone: PhoneNumber::parse_e164(&item.phone).map_err(damaged)?,
        name: item.name,
        language: item.language,
        zone: item.zone,
        external_id: item.external_id,
        attributes: item.attributes,
        consent: consent(item.consent)?,
    };
    Ok((token, subscription))
}

/// What an item says of the person's agreement.
pub(super) fn agreement(item: Item) -> Result<Agreement, Fault> {
    let item: AgreementItem = table::decode(item)?;
    Ok(Agreement {
        consent: consent(item.consent)?,
        language: item.language,
    })
}

fn consent(item: ConsentItem) -> Result<Consent, Fault> {
    let at = item.at.map(moment);
    match (item.state.as_str(), at) {
        ("never_asked", _) => Ok(Consent::NeverAsked),
        ("requested", Some(at)) => Ok(Consent::Requested { at }),
        ("withdrawn", Some(at)) => Ok(Consent::Withdrawn { at }),
        ("granted", Some(at)) => Ok(Consent::Granted(Grant {
            purposes: item
                .purposes
                .iter()
                .map(|purpose| Purpose::parse(purpose).map_err(damaged))
                .collect::<Result<_, _>>()?,
            basis: item
                .basis
                .as_deref()
                .and_then(Basis::from_code)
                .ok_or_else(|| damaged("the consent has no known basis"))?,
            at,
            method: item.method.unwrap_or_default(),
            notice: item.notice.map(|id| Notice {
                id,
                sha256: item.notice_sha256,
            }),
            evidence: item
                .evidence
                .ok_or_else(|| damaged("the consent has no evidence"))?,
            expires_at: item.expires_at.map(moment),
        })),
        _ => Err(damaged("the consent has no known state")),
    }
}

/// A person across all lists.
#[derive(Deserialize, Serialize)]
pub(super) struct PersonItem {
    v: u8,
    pub(super) version: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) suppressions: BTreeMap<String, SuppressionItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) claims: Vec<ClaimItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    declined_at: Option<i64>,
    /// Until when free texts get through, and from which business number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window_ends: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window_of: Option<String>,
}

/// A stop in force.
#[derive(Deserialize, Serialize)]
pub(super) struct SuppressionItem {
    at: i64,
    source: String,
    evidence: String,
}

/// A claim; short names, because every claim is billed by size.
#[derive(Deserialize, Serialize)]
pub(super) struct ClaimItem {
    c: CampaignId,
    b: u32,
    i: u8,
    a: u16,
    o: OwnerNonce,
    t: i64,
    /// Whether it is for advertising.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    m: bool,
    /// The purpose, where it says more than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<String>,
    /// The portfolio and the bucket of its day where the person is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    d: Option<i64>,
}

impl From<&Person> for PersonItem {
    fn from(person: &Person) -> Self {
        let window = person.service_window.as_ref();
        Self {
            v: 1,
            version: person.version,
            suppressions: person
                .suppressions
                .iter()
                .map(|(scope, suppression)| {
                    (scope.code().to_owned(), SuppressionItem::from(suppression))
                })
                .collect(),
            claims: person.claims.iter().map(ClaimItem::from).collect(),
            declined_at: person.marketing_declined_at.map(millis),
            window_ends: window.map(|window| millis(window.ends)),
            window_of: window.map(|window| window.sender.clone()),
        }
    }
}

impl From<&Suppression> for SuppressionItem {
    fn from(suppression: &Suppression) -> Self {
        Self {
            at: millis(suppression.at),
            source: suppression.source.code().to_owned(),
            evidence: suppression.evidence.clone(),
        }
    }
}

impl From<&Claim> for ClaimItem {
    fn from(claim: &Claim) -> Self {
        Self {
            c: claim.campaign,
            b: claim.block,
            i: claim.index,
            a: claim.attempt,
            o: claim.owner,
            t: millis(claim.at),
            m: claim.is_marketing,
            p: (claim.purpose != plain_purpose(claim.is_marketing))
                .then(|| claim.purpose.to_string()),
            f: claim
                .counted
                .as_ref()
                .map(|counted| counted.portfolio.clone()),
            d: claim.counted.as_ref().map(|counted| counted.bucket),
        }
    }
}

/// The person of an item.
pub(super) fn person(item: Item) -> Result<(ContactToken, Person), Fault> {
    let key = table::key_of(&item)?;
    let Some(ContactKey::Person { token, .. }) = ContactKey::parse(&key) else {
        return Err(damaged("the key is not a person's"));
    };
    let item: PersonItem = table::decode(item)?;
    let suppressions = item
        .suppressions
        .into_iter()
        .map(|(scope, item)| {
            let suppression = Suppression {
                at: moment(item.at),
                source: SuppressionSource::from_code(&item.source)
                    .ok_or_else(|| damaged("the stop has no known source"))?,
                evidence: item.evidence,
            };
            Ok((Scope::parse(&scope).map_err(damaged)?, suppression))
        })
        .collect::<Result<_, Fault>>()?;
    let claims = item
        .claims
        .into_iter()
        .map(claim)
        .collect::<Result<_, _>>()?;
    let person = Person {
        version: item.version,
        suppressions,
        claims,
        marketing_declined_at: item.declined_at.map(moment),
        service_window: item.window_of.zip(item.window_ends).map(|(sender, ends)| {
            let ends = moment(ends);
            ServiceWindow { sender, ends }
        }),
    };
    Ok((token, person))
}

fn claim(item: ClaimItem) -> Result<Claim, Fault> {
    let purpose = match item.p {
        Some(purpose) => Purpose::parse(&purpose).map_err(damaged)?,
        None => plain_purpose(item.m),
    };
    Ok(Claim {
        campaign: item.c,
        block: item.b,
        index: item.i,
        attempt: item.a,
        owner: item.o,
        at: moment(item.t),
        purpose,
        is_marketing: item.m,
        counted: item
            .f
            .zip(item.d)
            .map(|(portfolio, bucket)| Counted { portfolio, bucket }),
    })
}

/// The purpose that a claim need not spell out.
fn plain_purpose(is_marketing: bool) -> Purpose {
    if is_marketing {
        Purpose::marketing()
    } else {
        Purpose::service()
    }
}

fn damaged(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::lasting("read a person's item", source)
}
