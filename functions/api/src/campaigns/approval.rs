//! Agreeing to send: what was found in the message, and who answers for it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use platform::campaigns::{Approval, Preflighted};
use policy::campaign::CampaignStep;
use policy::ids::{CampaignId, TenantId};
use policy::preflight;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lifecycle;
use super::view::CampaignView;
use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Id};

/// An agreement.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApproval)]
pub(crate) struct ApprovalRequest {
    /// The person who agrees. Needed where the preflight warns; another person
    /// than the author where the tenant asks for two.
    approved_by: Option<String>,
}

/// Agree to send exactly this to exactly these people. What the preflight
/// blocks, nobody can approve.
#[utoipa::path(
    post,
    path = "/v1/campaigns/{campaign_id}/approve",
    operation_id = "approve_campaign",
    tag = "campaigns",
    params(("campaign_id" = String, Path)),
    request_body = Option<ApprovalRequest>,
    responses(
        (status = 200, description = "Done, now or before", body = CampaignView),
        (status = 404, description = "No such campaign", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Not possible where the campaign stands, or the message must not be sent", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn approve(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<CampaignId>,
    request: Option<Body<ApprovalRequest>>,
) -> Result<Json<CampaignView>, Problem> {
    let request = request.map(|Body(request)| request).unwrap_or_default();
    let by = request.approved_by.as_deref();
    lifecycle::take(&deps, tenant, id, CampaignStep::Approve, by)
        .await
        .map(Json)
}

/// Writes the approval of the present content down, or says what it lacks.
pub(super) async fn record(
    deps: &Deps,
    tenant: TenantId,
    id: CampaignId,
    by: Option<&str>,
) -> Result<(), Problem> {
    let found = find(deps, tenant, id).await?;
    let author = deps.campaigns.author(tenant, id).await?;
    let settings = deps.campaigns.settings(tenant).await?;
    let verdict = found.preflight.verdict;
    let two = settings.two_person_approval;
    if let Err(gap) = preflight::approve(verdict, author.as_deref(), by, two) {
        let reasons: Vec<String> = found
            .preflight
            .findings
            .iter()
            .filter(|finding| finding.verdict == verdict)
            .map(|finding| format!("{}: {}", finding.place, finding.reason))
            .collect();
        return Err(Problem::conflict(format!("{gap} ({})", reasons.join(", "))));
    }
    let by = by.map(str::trim).filter(|name| !name.is_empty());
    let approval = Approval {
        content: found.content,
        by: by.map(str::to_owned),
        at: deps.clock.now(),
    };
    deps.campaigns.put_approval(tenant, id, &approval).await?;
    Ok(())
}

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

impl From<Preflighted> for PreflightView {
    fn from(found: Preflighted) -> Self {
        use policy::links::Verdict;

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
