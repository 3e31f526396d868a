//! A held import is let pass by a person with a name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::SignedDuration;
use platform::campaigns::{ImportState, Release};
use platform::queue::ImportTask;
use policy::ids::ImportId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::find;
use super::view::ImportView;
use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, Id};

/// A named person's act.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRelease {
    /// Who has looked at the list and lets it pass.
    #[schema(required = true, nullable = false)]
    released_by: Option<String>,
    /// Why it may pass although it does not look like its source.
    #[schema(required = true, nullable = false)]
    note: Option<String>,
}

/// How long the people of a held import are certainly kept: the bucket drops
/// them a day later.
const STAGED_LIFE: SignedDuration = SignedDuration::from_hours(29 * 24);

/// Let a held list pass. Only what a person must look at can be released; what
/// is refused stays refused.
#[utoipa::path(
    post,
    path = "/v1/imports/{import_id}/release",
    operation_id = "release_import",
    tag = "imports",
    params(("import_id" = String, Path)),
    request_body = NewRelease,
    responses(
        (status = 200, description = "It goes on", body = ImportView),
        (status = 404, description = "No such import", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is not held", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn release(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(import_id): Id<ImportId>,
    Body(request): Body<NewRelease>,
) -> Result<Json<ImportView>, Problem> {
    let mut fields = Fields::default();
    let by = fields.short_text("/released_by", request.released_by.as_deref());
    let note = fields.short_text("/note", request.note.as_deref());
    let (by, note) = fields.finish_with(by.zip(note))?;

    let mut import = find(&deps, tenant, import_id).await?;
    match (import.state, &import.release) {
        (ImportState::Held, _)
            if deps.clock.now().duration_since(import.created_at()) > STAGED_LIFE =>
        {
            return Err(Problem::conflict(
                "it was held too long and its people are no longer kept; upload the file again",
            ));
        }
        (ImportState::Held, _) => {
            import.state = ImportState::Running;
            import.release = Some(Release {
                by,
                note,
                at_ms: deps.clock.now().as_millisecond(),
            });
            let campaigns = &deps.campaigns;
            if !campaigns
                .advance_import(tenant, import_id, &mut import)
                .await?
            {
                return Err(Problem::conflict("somebody else has just released it"));
            }
            tracing::info!(import = %import_id, "held import released");
        }
        // A repetition: the message may have been lost, or all be done.
        (state, Some(release)) if release.by == by && release.note == note => {
            if state != ImportState::Running {
                return ImportView::of(&deps, tenant, import_id, import)
                    .await
                    .map(Json);
            }
        }
        _ => return Err(Problem::conflict("only a held import can be released")),
    }
    let import_task = ImportTask::ContinueV1 {
        tenant,
        import: import_id,
    };
    deps.imports.send(&import_task).await?;
    ImportView::of(&deps, tenant, import_id, import)
        .await
        .map(Json)
}
