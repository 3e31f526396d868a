//! What people ask about their data, for whoever answers it; and erasure on
//! behalf of somebody who asked elsewhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use platform::campaigns::Request;
use platform::contacts::StopEvent;
use platform::queue::{ReceiptTask, RequestV1, TokenText};
use policy::ids::{EventId, TenantId};
use policy::person::SuppressionSource;
use policy::purpose::Scope;
use policy::rights::{Right, Way};
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::contacts;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, Id, Query};

/// What a person asked about their data.
#[derive(Serialize, ToSchema)]
#[schema(as = Request)]
pub(crate) struct RequestView {
    #[schema(value_type = String)]
    request_id: EventId,
    /// Who asks: the person's token. The number is in their copy.
    token: String,
    /// `copy` or `erasure`.
    right: &'static str,
    /// `page`, `chat` or `api`. What was asked for in the chat waits for a person
    /// who reads the words.
    way: &'static str,
    #[schema(value_type = String, format = DateTime)]
    asked_at: Timestamp,
    /// By when it has to be answered: 3 × 24 hours after it was asked
    /// (UU 27/2022 Art. 32).
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    /// `open` or `closed`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    closed_at: Option<Timestamp>,
    /// Who answered it; nobody if it was carried out by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    closed_by: Option<String>,
}

impl From<Request> for RequestView {
    fn from(request: Request) -> Self {
        let (closed_at, closed_by) = match request.closed {
            Some(closed) => (Some(closed.at), closed.by),
            None => (None, None),
        };
        Self {
            request_id: request.id,
            token: request.token.to_string(),
            right: request.right.code(),
            way: request.way.code(),
            asked_at: request.at,
            due_at: request.right.due(request.at),
            state: if closed_at.is_some() {
                "closed"
            } else {
                "open"
            },
            closed_at,
            closed_by,
        }
    }
}

/// Requests of a tenant's people.
#[derive(Serialize, ToSchema)]
#[schema(as = Requests)]
pub(crate) struct RequestsView {
    requests: Vec<RequestView>,
}

/// Which requests to show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestsQuery {
    state: Option<String>,
}

/// List what people asked about their data, oldest first.
#[utoipa::path(
    get,
    path = "/v1/requests",
    operation_id = "list_requests",
    tag = "contacts",
    params(("state" = Option<String>, Query, description = "`open`, by default, or `all`.")),
    responses((status = 200, description = "As they stand", body = RequestsView)),
)]
pub(crate) async fn list(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Query(query): Query<RequestsQuery>,
) -> Result<Json<RequestsView>, Problem> {
    let all = match query.state.as_deref() {
        None | Some("open") => false,
        Some("all") => true,
        Some(_) => return Err(Problem::malformed("expected `open` or `all` as `state`")),
    };
    let requests = deps.campaigns.requests(tenant).await?.into_iter();
    let requests = requests.filter(|request| all || request.closed.is_none());
    let requests = requests.map(RequestView::from).collect();
    Ok(Json(RequestsView { requests }))
}

/// Who answered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseRequest {
    /// Who answered the person, by name.
    #[schema(required = true, nullable = false)]
    by: Option<String>,
}

/// Note that a request was answered.
#[utoipa::path(
    post,
    path = "/v1/requests/{request_id}/close",
    operation_id = "close_request",
    tag = "contacts",
    params(("request_id" = String, Path)),
    request_body = CloseRequest,
    responses(
        (status = 204, description = "Noted"),
        (status = 404, description = "No such request is open", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn close(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<EventId>,
    Body(request): Body<CloseRequest>,
) -> Result<StatusCode, Problem> {
    let mut fields = Fields::default();
    let by = fields.required("/by", request.by.as_deref());
    let by = fields.finish_with(by)?;
    let now = deps.clock.now();
    let campaigns = &deps.campaigns;
    if campaigns.close_request(tenant, id, Some(by), now).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("no such request is open"))
    }
}

/// Whom to erase. Takes a number, so it implements neither `Debug` nor
/// `Serialize`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureRequest {
    /// The person's number, as people write it.
    #[schema(required = true, nullable = false)]
    phone: Option<String>,
}

/// An erasure that was taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureView {
    #[schema(value_type = String)]
    request_id: EventId,
    token: String,
}

/// Erase a person: everything is stopped at once, and their place on every list
/// is deleted shortly after. That they stopped stays, as a keyed hash.
#[utoipa::path(
    post,
    path = "/v1/contacts/erase",
    operation_id = "erase_contact",
    tag = "contacts",
    request_body = ErasureRequest,
    responses(
        (status = 202, description = "Stopped; the request closes once everything is deleted", body = ErasureView),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn erase(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Body(request): Body<ErasureRequest>,
) -> Result<(StatusCode, Json<ErasureView>), Problem> {
    let region = contacts::region(&deps, tenant).await?;
    let mut fields = Fields::default();
    let phone = fields.phone("/phone", request.phone.as_deref(), region);
    let phone = fields.finish_with(phone)?;
    let token = contacts::token_key(&deps).await?.contact(tenant, &phone);
    let now = deps.clock.now();
    let id = erasure_id(tenant, token, now);
    let stop = StopEvent {
        id,
        scope: Scope::Everything,
        at: now,
        source: SuppressionSource::Api,
    };
    deps.contacts.stop(tenant, token, &stop, now).await?;
    let request = RequestV1 {
        id,
        who: TokenText(token),
        right: Right::Erasure.code().to_owned(),
        way: Way::Api.code().to_owned(),
        at: now,
    };
    let task = ReceiptTask::RequestV1 { tenant, request };
    deps.receipts.send(&task).await?;
    tracing::info!(contact = %token, request = %id, "erasure taken");
    let view = ErasureView {
        request_id: id,
        token: token.to_string(),
    };
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// A UUID (version 8, RFC 9562) of who and when.
fn erasure_id(tenant: TenantId, token: ContactToken, now: Timestamp) -> EventId {
    let mut hash = Sha256::new();
    hash.update(b"api-erasure:v1");
    hash.update(tenant.uuid().as_bytes());
    hash.update(token.as_bytes());
    hash.update(now.as_millisecond().to_be_bytes());
    EventId::of_digest(&hash.finalize().into())
}
