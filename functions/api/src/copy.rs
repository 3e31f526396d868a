//! A person's copy: everything that is known of them, for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use platform::fault::Fault;
use policy::consent::Consent;
use policy::ids::{CampaignId, ListId, TenantId};
use policy::resume::Entry;
use policy::subscription::Subscription;
use policy::token::ContactToken;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::events::kept;
use crate::problem::Problem;
use crate::request::Id;

/// Everything that is known of one person, for them. Holds their number and
/// name, so it implements no `Debug`.
#[derive(Serialize, ToSchema)]
#[schema(as = PersonCopy)]
pub(crate) struct CopyView {
    token: String,
    lists: Vec<PlaceView>,
    /// Stops in force.
    stops: Vec<StandingStopView>,
    /// What they stopped and allowed again, oldest first.
    history: Vec<HistoryView>,
    /// Messages to them of the last 31 days.
    messages: Vec<SentView>,
    /// What they wrote in the last 30 days, oldest first.
    words: Vec<WordsView>,
}

/// Something they wrote.
#[derive(Serialize, ToSchema)]
#[schema(as = Words)]
struct WordsView {
    /// When; of several that came together, when the last was said.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The words: what was written, the label of what was tapped, or what stands
    /// under a picture; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    text: Option<String>,
}

/// Their place on one list.
#[derive(Serialize, ToSchema)]
struct PlaceView {
    #[schema(value_type = String)]
    list_id: ListId,
    list: String,
    phone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    external_id: Option<String>,
    attributes: BTreeMap<String, String>,
    consent: ConsentView,
}

/// What they agreed to.
#[derive(Serialize, ToSchema)]
struct ConsentView {
    /// `granted`, `requested`, `withdrawn` or `never_asked`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    at: Option<Timestamp>,
    purposes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    basis: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    evidence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    expires_at: Option<Timestamp>,
}

/// A stop in force.
#[derive(Serialize, ToSchema)]
struct StandingStopView {
    /// `*` for everything, or a purpose.
    scope: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    source: &'static str,
}

/// One entry of the history.
#[derive(Serialize, ToSchema)]
struct HistoryView {
    /// `stop` or `resume`.
    kind: &'static str,
    scope: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    source: &'static str,
}

/// One message.
#[derive(Serialize, ToSchema)]
struct SentView {
    #[schema(value_type = String)]
    campaign_id: CampaignId,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    purpose: String,
}

/// Show everything that is known of one person, so that they can have a copy.
#[utoipa::path(
    get,
    path = "/v1/contacts/{token}/copy",
    operation_id = "copy_contact",
    tag = "contacts",
    params(("token" = String, Path)),
    responses((status = 200, description = "What is known; nothing of a stranger", body = CopyView)),
)]
pub(crate) async fn show(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(token): Id<ContactToken>,
) -> Result<Json<CopyView>, Problem> {
    let ids = deps.campaigns.list_ids(tenant).await?;
    let places = deps.contacts.subscriptions_of(tenant, &ids, token).await?;
    let mut lists = Vec::with_capacity(places.len());
    for (list_id, subscription) in places {
        let list = deps.campaigns.list(tenant, list_id).await?;
        let name = list.map(|list| list.name).unwrap_or_default();
        lists.push(PlaceView::new(list_id, name, subscription));
    }
    lists.sort_by_key(|place| place.list_id);
    let person = deps.contacts.person(tenant, token).await?;
    let stops = person
        .suppressions
        .iter()
        .map(|(scope, stop)| StandingStopView {
            scope: scope.code().to_owned(),
            at: stop.at,
            source: stop.source.code(),
        });
    let messages = person.claims.iter().map(|claim| SentView {
        campaign_id: claim.campaign,
        at: claim.at,
        purpose: claim.purpose.to_string(),
    });
    let history = deps.contacts.entries(tenant, token).await?;
    let words = words(&deps, tenant, token).await?;
    Ok(Json(CopyView {
        token: token.to_string(),
        lists,
        stops: stops.collect(),
        history: history.into_iter().map(HistoryView::from).collect(),
        messages: messages.collect(),
        words,
    }))
}

/// What they wrote, as far as it is kept.
async fn words(
    deps: &Deps,
    tenant: TenantId,
    token: ContactToken,
) -> Result<Vec<WordsView>, Fault> {
    let mut words = Vec::new();
    for place in deps.campaigns.words_of(tenant, token).await? {
        let kept = kept(deps, &place.object).await?.unwrap_or_default();
        words.extend(kept.into_iter().map(|kept| WordsView {
            at: place.at,
            text: kept.text,
        }));
    }
    Ok(words)
}

impl PlaceView {
    fn new(list_id: ListId, list: String, subscription: Subscription) -> Self {
        Self {
            list_id,
            list,
            phone: subscription.phone.expose().to_owned(),
            name: subscription.name,
            language: subscription.language,
            zone: subscription.zone,
            external_id: subscription.external_id,
            attributes: subscription.attributes,
            consent: ConsentView::from(subscription.consent),
        }
    }
}

impl From<Consent> for ConsentView {
    fn from(consent: Consent) -> Self {
        let bare = |status, at| Self {
            status,
            at,
            purposes: Vec::new(),
            basis: None,
            method: None,
            evidence: None,
            expires_at: None,
        };
        match consent {
            Consent::NeverAsked => bare("never_asked", None),
            Consent::Requested { at } => bare("requested", Some(at)),
            Consent::Withdrawn { at } => bare("withdrawn", Some(at)),
            Consent::Granted(grant) => Self {
                purposes: grant.purposes.iter().map(ToString::to_string).collect(),
                basis: Some(grant.basis.code()),
                method: Some(grant.method),
                evidence: Some(grant.evidence),
                expires_at: grant.expires_at,
                ..bare("granted", Some(grant.at))
            },
        }
    }
}

impl From<Entry> for HistoryView {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::Resume { scope, at, source } => Self {
                kind: "resume",
                scope: scope.code().to_owned(),
                at,
                source: source.code(),
            },
            Entry::Stop { scope, stop } => Self {
                kind: "stop",
                scope: scope.code().to_owned(),
                at: stop.at,
                source: stop.source.code(),
            },
        }
    }
}
