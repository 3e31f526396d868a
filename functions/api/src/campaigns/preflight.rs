//! What was found in a campaign's message, for whoever approves it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use platform::campaigns::Preflighted;
use policy::content::{Mapping, Template};
use policy::ids::{CampaignId, TenantId};
use policy::links::{Reason, Verdict};
use policy::preflight::{self, Preflight, age};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{FieldError, Problem, ProblemBody};
use crate::request::Id;

/// What was found in a message: what blocks it, what must be answered for, and
/// where its links lead.
#[derive(Serialize, ToSchema)]
#[schema(as = Preflight)]
pub(crate) struct PreflightView {
    /// `allow`, `warn` or `block`.
    verdict: &'static str,
    /// The name of the content that was looked at. An approval holds for this
    /// content only.
    content_sha256: String,
    #[schema(value_type = String, format = DateTime)]
    checked_at: Timestamp,
    /// What stops the message.
    blockers: Vec<FindingView>,
    /// What somebody must answer for.
    warnings: Vec<FindingView>,
    links: Vec<LinkView>,
}

/// One reason.
#[derive(Serialize, ToSchema)]
struct FindingView {
    /// The part of the message: `body`, `button.0`, a variable.
    place: String,
    /// A stable code.
    reason: String,
    /// The words in question.
    shown: String,
}

/// One link.
#[derive(Serialize, ToSchema)]
struct LinkView {
    place: String,
    /// As a person sees it.
    shown: String,
    /// As it really goes; empty if nobody can follow it.
    leads_to: String,
    /// Where it ends after every redirect, where that was found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ends_at: Option<String>,
}

/// See what was found in a campaign's message.
#[utoipa::path(
    get,
    path = "/v1/campaigns/{campaign_id}/preflight",
    operation_id = "show_preflight",
    tag = "campaigns",
    params(("campaign_id" = String, Path)),
    responses(
        (status = 200, description = "As of the last validation", body = PreflightView),
        (status = 404, description = "No such campaign", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Not validated yet", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<CampaignId>,
) -> Result<Json<PreflightView>, Problem> {
    super::find(&deps, tenant, id).await?;
    find(&deps, tenant, id)
        .await
        .map(|found| Json(found.into()))
}

async fn find(deps: &Deps, tenant: TenantId, id: CampaignId) -> Result<Preflighted, Problem> {
    let found = deps.campaigns.preflight(tenant, id).await?;
    found.ok_or_else(|| {
        Problem::conflict("nobody has looked at the message; validate the campaign first")
    })
}

/// What was found in the message as it now is, and the SHA-256 of its file. A
/// template or a file that changed since the validation is looked at anew, and
/// so is what was looked at too long ago.
pub(super) async fn present(
    deps: &Deps,
    tenant: TenantId,
    id: CampaignId,
    template: &Template,
    mapping: &Mapping,
) -> Result<(Preflight, Option<String>), Problem> {
    let found = find(deps, tenant, id).await?;
    let wanted = preflight::header_file(template, mapping);
    let file = match wanted {
        Some((_, reference)) => deps.campaigns.media_named(tenant, reference).await?,
        None => None,
    };
    let file = file.map(|file| file.checked(deps.clock.now()));
    let usable = file.as_ref().filter(|file| file.is_good());
    let sha256 = usable.and_then(|file| file.sha256.clone());
    let content = preflight::fingerprint(template, mapping, sha256.as_deref());
    let is_expired = age::is_expired(found.at, deps.clock.now());
    if found.content == content && !is_expired {
        return Ok((found.preflight, sha256));
    }
    let settings = deps.campaigns.settings(tenant).await?;
    let context = settings.terms(template.category).links;
    let mut preflight = preflight::of_template(template, mapping, &context);
    // Nobody is asked here what is known of the links: validation does that.
    let unasked = Reason::ReputationUnavailable.code();
    for link in preflight.links.clone() {
        preflight.note(
            &link.place,
            unasked,
            settings.unknown_links.verdict(),
            &link.shown,
        );
    }
    if let Some((kind, reference)) = wanted {
        preflight.judge_file(Some(kind), reference, file.as_ref());
    }
    // Whoever sends reads what was found last, and must not read of what was
    // there before.
    let looked = Preflighted {
        content,
        preflight: preflight.clone(),
        at: deps.clock.now(),
    };
    deps.campaigns.put_preflight(tenant, id, &looked).await?;
    Ok((preflight, sha256))
}

/// What one finding says to whoever approves.
pub(super) fn listed(preflight: &Preflight, verdict: Verdict) -> Vec<FieldError> {
    preflight
        .findings
        .iter()
        .filter(|finding| finding.verdict == verdict)
        .map(|finding| FieldError {
            pointer: format!("/message/{}", finding.place),
            code: known_code(&finding.reason),
            detail: format!("{} in `{}`", finding.reason, finding.place),
        })
        .collect()
}

/// The code as the program has it; a code of an older release is told by its
/// detail.
pub(crate) fn known_code(code: &str) -> &'static str {
    let links = Reason::ALL.iter().map(|reason| reason.code());
    let media = policy::media::Reason::ALL
        .iter()
        .map(|reason| reason.code());
    links
        .chain(media)
        .find(|known| *known == code)
        .unwrap_or("unsafe_message")
}

impl From<Preflighted> for PreflightView {
    fn from(found: Preflighted) -> Self {
        let preflight = found.preflight;
        let of = |verdict| {
            preflight
                .findings
                .iter()
                .filter(|finding| finding.verdict == verdict)
                .map(|finding| FindingView {
                    place: finding.place.clone(),
                    reason: finding.reason.clone(),
                    shown: finding.shown.clone(),
                })
                .collect()
        };
        Self {
            verdict: preflight.verdict.code(),
            content_sha256: found.content,
            checked_at: found.at,
            blockers: of(Verdict::Block),
            warnings: of(Verdict::Warn),
            links: preflight
                .links
                .into_iter()
                .map(|link| LinkView {
                    place: link.place,
                    shown: link.shown,
                    leads_to: link.leads_to,
                    ends_at: link.ends_at,
                })
                .collect(),
        }
    }
}
