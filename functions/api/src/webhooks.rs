//! Where a tenant wants events posted.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use platform::campaigns::Endpoint;
use platform::fault::Fault;
use policy::endpoint::{BOTH_SIGN, EndpointKey, EndpointUrl};
use policy::event::EventKind;
use policy::ids::{EndpointId, TenantId};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::idempotency::{self, IdempotencyKey};
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, Id};

/// Most endpoints of one tenant: each event is posted to each of them.
const MOST: usize = 10;

/// An endpoint to make. The address may hold a secret, so it implements no
/// `Debug`.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// Where to post: `https`, a public host, port 443 or 8443.
    #[schema(required = true, nullable = false)]
    url: Option<String>,
    /// The types of events to post; by default all, also those to come.
    #[serde(default)]
    events: BTreeSet<String>,
}

/// An endpoint and its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookSecretView {
    /// The endpoint.
    webhook: WebhookView,
    /// What signs posts to it, as Standard Webhooks writes it. It is not shown
    /// again; keep it.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

/// A tenant's endpoints.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhooks)]
pub(crate) struct WebhooksView {
    webhooks: Vec<WebhookView>,
}

/// An endpoint as it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    #[schema(value_type = String, example = "whk_0199a0c01e4c7aaabbbbccccddddeeee")]
    webhook_id: EndpointId,
    url: String,
    /// The types of events that are posted; none means all.
    events: Vec<&'static str>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// `on`, `failing`, or `off`.
    state: &'static str,
    /// Of one that fails: since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// Of one that fails or is off: why, as a stable code: `status_500`,
    /// `timed_out`, `unreachable`, `redirected`, `forbidden_address`, `gone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Failures in a row.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    failures: u32,
    /// Of one that fails: when it is tried again at the earliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = DateTime)]
    retry_at: Option<Timestamp>,
    /// Of one that is off: since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = DateTime)]
    off_since: Option<Timestamp>,
    /// After a rotation: until when the secret before signs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = DateTime)]
    both_sign_until: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl WebhookView {
    fn new(id: EndpointId, endpoint: &Endpoint, now: Timestamp) -> Self {
        let is_off = endpoint.disabled_at.is_some();
        let state = match (is_off, endpoint.failures) {
            (true, _) => "off",
            (false, 0) => "on",
            (false, _) => "failing",
        };
        Self {
            webhook_id: id,
            url: endpoint.url.expose().to_string(),
            events: endpoint.kinds.iter().map(|kind| kind.code()).collect(),
            created_at: endpoint.created_at,
            state,
            failing_since: endpoint.failing_since,
            reason: endpoint.last_failure.clone(),
            failures: endpoint.failures,
            retry_at: endpoint.retry_at.filter(|_| !is_off),
            off_since: endpoint.disabled_at,
            both_sign_until: endpoint.both_sign_until.filter(|until| *until > now),
        }
    }
}

/// Have events posted to an address, signed as Standard Webhooks: `webhook-id`
/// (the event's id), `webhook-timestamp`, `webhook-signature`. A post that gets
/// no 2xx is made again, later each time, for a day; it may come more than once
/// and out of order. An address that fails for a day is switched off; what it
/// missed can be read under `/v1/events`.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    operation_id = "create_webhook",
    tag = "events",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe.")),
    request_body = NewWebhook,
    responses(
        (status = 201, description = "Made", body = WebhookSecretView),
        (status = 409, description = "There are ten already", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    key: IdempotencyKey,
    Body(request): Body<NewWebhook>,
) -> Result<Response, Problem> {
    let (url, kinds) = read(&request)?;
    let id = idempotency::id_for(&deps, tenant, key, "POST /v1/webhooks", &request).await?;
    let id = EndpointId::from_uuid(id);
    let known = deps.campaigns.endpoints(tenant).await?;
    if known.len() >= MOST && !known.iter().any(|(known, _)| *known == id) {
        let detail = format!("there are {MOST} webhooks already; delete one first");
        return Err(Problem::conflict(detail));
    }
    let endpoint = Endpoint::new(url, kinds, deps.clock.now());
    deps.campaigns
        .create_endpoint(tenant, id, &endpoint)
        .await?;
    tracing::info!(webhook = %id, "webhook made");
    with_secret(StatusCode::CREATED, &deps, tenant, id).await
}

fn read(request: &NewWebhook) -> Result<(EndpointUrl, BTreeSet<EventKind>), Problem> {
    let mut fields = Fields::default();
    let url = fields.required("/url", request.url.as_deref());
    let url = url.and_then(|text| match EndpointUrl::parse(text) {
        Ok(url) => Some(url),
        Err(bad) => {
            fields.refuse("/url", "unusable", bad.to_string());
            None
        }
    });
    let mut kinds = BTreeSet::new();
    for (at, code) in request.events.iter().enumerate() {
        match code.parse() {
            Ok(kind) => {
                kinds.insert(kind);
            }
            Err(_) => {
                let known: Vec<_> = EventKind::ALL.map(EventKind::code).into();
                let detail = format!("expected one of {}", known.join(", "));
                fields.refuse(format!("/events/{at}"), "unknown", detail);
            }
        }
    }
    Ok((fields.finish_with(url)?, kinds))
}

/// List the webhooks and how posts to them go.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    operation_id = "list_webhooks",
    tag = "events",
    responses((status = 200, description = "As they stand", body = WebhooksView)),
)]
pub(crate) async fn list(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
) -> Result<Json<WebhooksView>, Problem> {
    let now = deps.clock.now();
    let known = deps.campaigns.endpoints(tenant).await?;
    let webhooks = known
        .iter()
        .map(|(id, endpoint)| WebhookView::new(*id, endpoint, now))
        .collect();
    Ok(Json(WebhooksView { webhooks }))
}

/// Show a webhook and how posts to it go.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{webhook_id}",
    operation_id = "show_webhook",
    tag = "events",
    params(("webhook_id" = String, Path)),
    responses(
        (status = 200, description = "As it stands", body = WebhookView),
        (status = 404, description = "No such webhook", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<EndpointId>,
) -> Result<Json<WebhookView>, Problem> {
    let endpoint = find(&deps, tenant, id).await?;
    Ok(Json(WebhookView::new(id, &endpoint, deps.clock.now())))
}

/// Delete a webhook. What is under way may still be posted once.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{webhook_id}",
    operation_id = "delete_webhook",
    tag = "events",
    params(("webhook_id" = String, Path)),
    responses((status = 204, description = "Deleted, now or before")),
)]
pub(crate) async fn delete(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<EndpointId>,
) -> Result<StatusCode, Problem> {
    deps.campaigns.delete_endpoint(tenant, id).await?;
    tracing::info!(webhook = %id, "webhook deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// Make a new secret. For a day posts carry both signatures, so that nothing is
/// lost while the new one is put in place.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{webhook_id}/rotate",
    operation_id = "rotate_webhook_secret",
    tag = "events",
    params(("webhook_id" = String, Path)),
    responses(
        (status = 200, description = "The new secret", body = WebhookSecretView),
        (status = 404, description = "No such webhook", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Somebody else rotates it", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn rotate(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<EndpointId>,
) -> Result<Response, Problem> {
    let endpoint = find(&deps, tenant, id).await?;
    let until = deps.clock.now().saturating_add(BOTH_SIGN);
    let until = until.unwrap_or(Timestamp::MAX);
    let seen = endpoint.generation;
    if !deps
        .campaigns
        .rotate_endpoint(tenant, id, seen, until)
        .await?
    {
        return Err(Problem::conflict("somebody else rotates this secret"));
    }
    tracing::info!(webhook = %id, "webhook has a new secret");
    with_secret(StatusCode::OK, &deps, tenant, id).await
}

/// Switch a webhook on again. What it missed is not posted; read it under
/// `/v1/events`.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{webhook_id}/enable",
    operation_id = "enable_webhook",
    tag = "events",
    params(("webhook_id" = String, Path)),
    responses(
        (status = 200, description = "On", body = WebhookView),
        (status = 404, description = "No such webhook", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn enable(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<EndpointId>,
) -> Result<Json<WebhookView>, Problem> {
    deps.campaigns.enable_endpoint(tenant, id).await?;
    let endpoint = find(&deps, tenant, id).await?;
    Ok(Json(WebhookView::new(id, &endpoint, deps.clock.now())))
}

async fn find(deps: &Deps, tenant: TenantId, id: EndpointId) -> Result<Endpoint, Problem> {
    let endpoint = deps.campaigns.endpoint(tenant, id).await?;
    endpoint.ok_or_else(|| Problem::not_found("there is no webhook under this id"))
}

/// A webhook with the secret that signs from now on.
async fn with_secret(
    status: StatusCode,
    deps: &Deps,
    tenant: TenantId,
    id: EndpointId,
) -> Result<Response, Problem> {
    let endpoint = find(deps, tenant, id).await?;
    let key = deps.secrets.read(&deps.endpoint_key_secret).await?;
    let key = EndpointKey::new(key.expose_secret().as_bytes())
        .map_err(|error| Fault::lasting("read the endpoint key", error))?;
    let view = WebhookSecretView {
        secret: key.secret(id, endpoint.generation).expose(),
        webhook: WebhookView::new(id, &endpoint, deps.clock.now()),
    };
    let mut response = (status, Json(view)).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}
