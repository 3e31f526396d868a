//! Lists that people said yes to.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use platform::campaigns::List;
use policy::ids::ListId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::idempotency::{self, IdempotencyKey};
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields};

/// A list to make.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewList {
    /// The operator's name for it.
    #[schema(required = true, nullable = false)]
    name: Option<String>,
}

/// A list that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeList {
    /// Its id.
    #[schema(value_type = String, example = "lst_0199a0c01e4c7aaabbbbccccddddeeee")]
    list_id: ListId,
    /// Its name.
    name: String,
}

/// Make a list.
#[utoipa::path(
    post,
    path = "/v1/lists",
    operation_id = "create_list",
    tag = "lists",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe.")),
    request_body = NewList,
    responses(
        (status = 201, description = "Made", body = MadeList),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    key: IdempotencyKey,
    Body(request): Body<NewList>,
) -> Result<(StatusCode, Json<MadeList>), Problem> {
    let mut fields = Fields::default();
    let name = fields.short_text("/name", request.name.as_deref());
    let name = fields.finish_with(name)?;

    let id = idempotency::id_for(&deps, tenant, key, "POST /v1/lists", &request).await?;
    let list_id = ListId::from_uuid(id);
    let list = List { name };
    deps.campaigns.put_list(tenant, list_id, &list).await?;
    let name = list.name;
    Ok((StatusCode::CREATED, Json(MadeList { list_id, name })))
}
