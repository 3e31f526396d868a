//! What a tenant decides for itself: caps, hours, words, domains.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use policy::tenant::{Document, Settings};

use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields};

/// Show the tenant's settings.
#[utoipa::path(
    get,
    path = "/v1/settings",
    operation_id = "show_settings",
    tag = "settings",
    responses((status = 200, description = "As they were last written", body = Document)),
)]
pub(crate) async fn show(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
) -> Result<Json<Document>, Problem> {
    let known = deps.campaigns.tenant(tenant).await?;
    Ok(Json(known.map(|known| known.settings).unwrap_or_default()))
}

/// Replace the tenant's settings; what is left out returns to its default. They
/// hold from the next decision on, also for campaigns that run. None of them
/// lets more through than the law and WhatsApp do.
#[utoipa::path(
    put,
    path = "/v1/settings",
    operation_id = "replace_settings",
    tag = "settings",
    request_body = Document,
    responses(
        (status = 200, description = "Replaced", body = Document),
        (status = 404, description = "The tenant is not registered", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn replace(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Body(document): Body<Document>,
) -> Result<Json<Document>, Problem> {
    let mut fields = Fields::default();
    if let Err(wrong) = Settings::try_from(&document) {
        for field in wrong {
            fields.refuse(field.pointer, "unreadable", field.expected);
        }
    }
    fields.finish()?;
    if deps.campaigns.put_settings(tenant, &document).await? {
        Ok(Json(document))
    } else {
        Err(Problem::not_found("this tenant is not registered"))
    }
}
