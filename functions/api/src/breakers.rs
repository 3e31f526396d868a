//! What stops messages at once: the kill switch, which a person turns, and the
//! breakers, which WhatsApp's answers open and a person resets.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use platform::campaigns::{BreakerState, Opening};
use policy::attempt;
use policy::breaker::Breaker;
use policy::ids::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields};

/// How long after the switch the last slot may come of a worker that did not see
/// it: a look at the breakers holds for 1.2 s, and late slots are not used.
const LAST_SLOT: SignedDuration = SignedDuration::from_millis(1_500);

/// Every breaker that was ever open.
#[derive(Serialize, ToSchema)]
#[schema(as = Breakers)]
pub(crate) struct BreakersView {
    breakers: Vec<BreakerView>,
}

/// One breaker.
#[derive(Serialize, ToSchema)]
#[schema(as = Breaker)]
pub(crate) struct BreakerView {
    /// `account`, `number`, `template`, or `tenant` for the kill switch.
    scope: &'static str,
    /// Which account, number or template.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id: Option<String>,
    /// Whether it stops messages now.
    is_open: bool,
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// Who opened it, if a person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    opened_by: Option<String>,
    /// Meta's error code that opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<u32>,
    /// What the code means.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    meaning: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    closed_at: Option<Timestamp>,
    /// Who closed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    closed_by: Option<String>,
}

impl From<BreakerState> for BreakerView {
    fn from(state: BreakerState) -> Self {
        Self {
            scope: state.breaker.scope(),
            id: state.breaker.id().map(str::to_owned),
            is_open: state.is_open,
            opened_at: state.opened_at,
            opened_by: state.opened_by,
            meaning: state.code.and_then(attempt::meaning),
            code: state.code,
            closed_at: state.closed_at,
            closed_by: state.closed_by,
        }
    }
}

/// List the breakers, the kill switch among them.
#[utoipa::path(
    get,
    path = "/v1/breakers",
    operation_id = "list_breakers",
    tag = "breakers",
    responses((status = 200, description = "As they stand", body = BreakersView)),
)]
pub(crate) async fn list(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
) -> Result<Json<BreakersView>, Problem> {
    let breakers = deps.campaigns.breakers(tenant).await?;
    Ok(Json(BreakersView {
        breakers: breakers.into_iter().map(BreakerView::from).collect(),
    }))
}

/// Who acts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActRequest {
    /// Who acts, by name.
    #[schema(required = true, nullable = false)]
    by: Option<String>,
}

/// Stop everything of this tenant at once. When the answer is there, no claim
/// and no request follows, whatever campaign, number or account it is.
#[utoipa::path(
    post,
    path = "/v1/kill-switch",
    operation_id = "stop_everything",
    tag = "breakers",
    request_body = ActRequest,
    responses(
        (status = 200, description = "Stopped, now or before", body = BreakerView),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn stop_everything(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Body(request): Body<ActRequest>,
) -> Result<Json<BreakerView>, Problem> {
    let by = name(request.by.as_deref())?;
    let opened = deps
        .campaigns
        .open_breaker(
            tenant,
            &Breaker::Tenant,
            &Opening::Person(by),
            deps.clock.now(),
        )
        .await?;
    if opened {
        tracing::error!(tenant = %tenant, "everything is stopped");
    }
    let last = deps.clock.now().saturating_add(LAST_SLOT);
    deps.clock.sleep_until(last.unwrap_or(Timestamp::MAX)).await;
    show(&deps, tenant, &Breaker::Tenant).await
}

/// Lift the kill switch. Campaigns that ran go on.
#[utoipa::path(
    post,
    path = "/v1/kill-switch/lift",
    operation_id = "lift_kill_switch",
    tag = "breakers",
    request_body = ActRequest,
    responses(
        (status = 200, description = "Lifted, now or before", body = BreakerView),
        (status = 404, description = "It was never on", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn lift(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Body(request): Body<ActRequest>,
) -> Result<Json<BreakerView>, Problem> {
    let by = name(request.by.as_deref())?;
    close(&deps, tenant, &Breaker::Tenant, &by).await
}

/// Which breaker to reset, and who says that its cause is mended.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequest {
    /// `account`, `number` or `template`.
    #[schema(required = true, nullable = false)]
    scope: Option<String>,
    /// Which one.
    #[schema(required = true, nullable = false)]
    id: Option<String>,
    /// Who acts, by name.
    #[schema(required = true, nullable = false)]
    by: Option<String>,
}

/// Reset a breaker whose cause is mended. The campaigns that it held wait to be
/// resumed.
#[utoipa::path(
    post,
    path = "/v1/breakers/reset",
    operation_id = "reset_breaker",
    tag = "breakers",
    request_body = ResetRequest,
    responses(
        (status = 200, description = "Reset, now or before", body = BreakerView),
        (status = 404, description = "It was never open", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn reset(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Body(request): Body<ResetRequest>,
) -> Result<Json<BreakerView>, Problem> {
    let mut fields = Fields::default();
    let scope = fields.required("/scope", request.scope.as_deref());
    let id = fields.required("/id", request.id.as_deref());
    let breaker = scope.zip(id).and_then(|(scope, id)| {
        let breaker = Breaker::parse(scope, Some(id));
        if breaker.is_none() {
            fields.refuse("/scope", "unknown", "expected account, number or template");
        }
        breaker
    });
    let by = fields.short_text("/by", request.by.as_deref());
    let (breaker, by) = fields.finish_with(breaker.zip(by))?;
    close(&deps, tenant, &breaker, &by).await
}

fn name(by: Option<&str>) -> Result<String, Problem> {
    let mut fields = Fields::default();
    let by = fields.short_text("/by", by);
    fields.finish_with(by)
}

async fn close(
    deps: &Deps,
    tenant: TenantId,
    breaker: &Breaker,
    by: &str,
) -> Result<Json<BreakerView>, Problem> {
    let now = deps.clock.now();
    if deps
        .campaigns
        .close_breaker(tenant, breaker, by, now)
        .await?
    {
        tracing::warn!(tenant = %tenant, scope = breaker.scope(), "breaker closed");
    }
    show(deps, tenant, breaker).await
}

async fn show(
    deps: &Deps,
    tenant: TenantId,
    breaker: &Breaker,
) -> Result<Json<BreakerView>, Problem> {
    let states = deps.campaigns.breakers(tenant).await?;
    let known = states.into_iter().find(|state| state.breaker == *breaker);
    known
        .map(|state| Json(state.into()))
        .ok_or_else(|| Problem::not_found("this breaker was never open"))
}
