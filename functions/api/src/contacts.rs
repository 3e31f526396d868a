//! One person: the token they are known by, and why they get a message or not.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use platform::fault::Fault;
use policy::forecast::{self, Explanation as Reason, ObjectionKind};
use policy::ids::{CampaignId, TenantId};
use policy::jurisdiction::Jurisdictions;
use policy::phone::Region;
use policy::reason::{DeferReason, RefusalReason};
use policy::send::{Facts, Work};
use policy::token::{ContactToken, TokenKey};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, Id, Query};

/// The key that turns numbers into tokens.
pub(crate) async fn token_key(deps: &Deps) -> Result<TokenKey, Fault> {
    let secret = deps.secrets.read(&deps.token_key_secret).await?;
    TokenKey::new(secret.expose_secret().as_bytes())
        .map_err(|error| Fault::lasting("read the token key", error))
}

/// What a local number of this tenant means.
pub(crate) async fn region(deps: &Deps, tenant: TenantId) -> Result<Region, Fault> {
    match deps.campaigns.tenant(tenant).await? {
        Some(tenant) => tenant
            .default_region
            .parse()
            .map_err(|error| Fault::lasting("read the tenant's region", error)),
        None => Ok(deps.default_region),
    }
}

/// Whose token is asked for. Takes a number, so it implements neither `Debug`
/// nor `Serialize`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    /// The person's number, as people write it.
    #[schema(required = true, nullable = false)]
    phone: Option<String>,
}

/// How a person is named wherever their number must not stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenView {
    /// 32 hexadecimal digits; the same in every list of the tenant.
    token: String,
}

/// Find the token of a number. Says nothing about whether the person is known.
#[utoipa::path(
    post,
    path = "/v1/contacts/token",
    operation_id = "find_token",
    tag = "contacts",
    request_body = TokenRequest,
    responses(
        (status = 200, description = "The token", body = TokenView),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn token(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Body(request): Body<TokenRequest>,
) -> Result<Json<TokenView>, Problem> {
    let region = region(&deps, tenant).await?;
    let mut fields = Fields::default();
    let phone = fields.phone("/phone", request.phone.as_deref(), region);
    let phone = fields.finish_with(phone)?;
    let token = token_key(&deps).await?.contact(tenant, &phone).to_string();
    Ok(Json(TokenView { token }))
}

/// Which campaign the question is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainQuery {
    campaign: String,
}

/// What would happen to a person in a campaign now, and why.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explanation {
    #[schema(value_type = String)]
    campaign_id: CampaignId,
    token: String,
    /// Whether nothing speaks against it now.
    chosen: bool,
    /// `send`, `defer` or `refuse`.
    decision: &'static str,
    /// When it will be asked again, if it waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// When this campaign claimed the right to message the person, if it did.
    #[schema(value_type = Option<String>, format = DateTime)]
    claimed_at: Option<Timestamp>,
    /// Everything that speaks against it, in the order of the rules.
    reasons: Vec<ReasonView>,
    /// Which rules and data answered.
    policy_version: &'static str,
}

/// One reason.
#[derive(Serialize, ToSchema)]
struct ReasonView {
    /// `refuse`, or `defer` if it passes.
    kind: &'static str,
    /// A stable code.
    code: &'static str,
    /// A sentence for people, in English.
    text: String,
    /// The same in Indonesian.
    text_id: &'static str,
    /// Where the rule comes from: a law, a page of Meta's, or the settings.
    source: String,
    /// When it passes, if it does.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

impl From<Reason> for ReasonView {
    fn from(reason: Reason) -> Self {
        Self {
            kind: match reason.kind {
                ObjectionKind::Defer => "defer",
                ObjectionKind::Refuse => "refuse",
            },
            code: reason.code,
            text: reason.english,
            text_id: reason.indonesian,
            source: reason.source,
            until: reason.until,
        }
    }
}

/// Explain why a person gets a campaign's message or not, as of now.
#[utoipa::path(
    get,
    path = "/v1/contacts/{token}/explain",
    operation_id = "explain_contact",
    tag = "contacts",
    params(
        ("token" = String, Path),
        ("campaign" = String, Query, description = "The campaign's id."),
    ),
    responses(
        (status = 200, description = "All reasons", body = Explanation),
        (status = 404, description = "No such campaign", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn explain(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(token): Id<ContactToken>,
    Query(query): Query<ExplainQuery>,
) -> Result<Json<Explanation>, Problem> {
    let absent = || Problem::not_found("there is no such campaign");
    let campaign_id: CampaignId = query.campaign.parse().map_err(|_| absent())?;
    let campaign = deps.campaigns.campaign(tenant, campaign_id).await?;
    let campaign = campaign.ok_or_else(absent)?;
    let facts = campaign.facts(campaign_id);
    let list = campaign.plan.templated().ok_or_else(absent)?.list;
    let person = deps.contacts.person(tenant, token).await?;
    let subscriptions = deps.contacts.subscriptions(tenant, list, &[token]).await?;

    let terms = deps.campaigns.terms(tenant, &campaign).await?;
    let claimed_at = person.claim_of(campaign_id).map(|claim| claim.at);
    // The question is what the rules say, not whether it is done already.
    let mut unclaimed = person;
    unclaimed
        .claims
        .retain(|claim| claim.campaign != campaign_id);
    let reasoning = forecast::explain(&Facts {
        now: deps.clock.now(),
        campaign: &facts,
        token,
        person: &unclaimed,
        subscription: subscriptions.get(&token),
        work: Work::NONE,
        jurisdictions: Jurisdictions::embedded(),
        terms: &terms,
    });
    // Whether it runs yet is not about the person.
    let about_the_person = |reason: &Reason| {
        ![
            RefusalReason::CampaignNotRunning.code(),
            DeferReason::CampaignPaused.code(),
        ]
        .contains(&reason.code)
    };
    let reasons: Vec<ReasonView> = reasoning
        .reasons
        .into_iter()
        .filter(about_the_person)
        .map(ReasonView::from)
        .collect();
    let refused = reasons.iter().any(|reason| reason.kind == "refuse");
    Ok(Json(Explanation {
        campaign_id,
        token: token.to_string(),
        chosen: reasons.is_empty(),
        decision: match reasons.as_slice() {
            [] => "send",
            _ if refused => "refuse",
            _ => "defer",
        },
        until: reasoning.until.filter(|_| !reasons.is_empty()),
        claimed_at,
        reasons,
        policy_version: reasoning.policy_version,
    }))
}
