//! One person: the token they are known by, and why they get a message or not.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use platform::fault::Fault;
use policy::ids::{CampaignId, TenantId};
use policy::phone::Region;
use policy::reason::RefusalReason;
use policy::send;
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

/// Whether a person would be chosen for a campaign now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explanation {
    #[schema(value_type = String)]
    campaign_id: CampaignId,
    token: String,
    /// Whether nothing speaks against it now.
    chosen: bool,
    /// Everything that speaks against it, in the order of the rules.
    reasons: Vec<ReasonView>,
}

/// One reason.
#[derive(Serialize, ToSchema)]
struct ReasonView {
    /// A stable code.
    code: &'static str,
    /// A sentence for people.
    text: String,
}

impl From<RefusalReason> for ReasonView {
    fn from(reason: RefusalReason) -> Self {
        Self {
            code: reason.code(),
            text: reason.to_string(),
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
    let list = campaign.plan.list;
    let person = deps.contacts.person(tenant, token).await?;
    let subscriptions = deps.contacts.subscriptions(tenant, list, &[token]).await?;

    let reasons: Vec<ReasonView> = match subscriptions.get(&token) {
        Some(subscription) => {
            let now = deps.clock.now();
            send::select(now, &facts, token, &person, subscription)
                .iter()
                .flat_map(|refusal| refusal.reasons())
                .map(ReasonView::from)
                .collect()
        }
        // Nobody is chosen from outside the list, and a stop is told anyway.
        None => person
            .suppression(&facts.purpose)
            .map(|_| RefusalReason::Suppressed)
            .into_iter()
            .chain([RefusalReason::SubscriptionMissing])
            .map(ReasonView::from)
            .collect(),
    };
    Ok(Json(Explanation {
        campaign_id,
        token: token.to_string(),
        chosen: reasons.is_empty(),
        reasons,
    }))
}
