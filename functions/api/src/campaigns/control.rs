//! The steps that carry something with them: a start's moment, what is resumed,
//! and who decided.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use platform::campaigns::{Campaign, Scheduled, Transport};
use platform::fault::Fault;
use policy::breaker::{Breaker, Subject};
use policy::campaign::{CampaignState, CampaignStep, HoldReason, ResumeScope};
use policy::ids::{CampaignId, TenantId};
use policy::schedule::{Start, StartError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::lifecycle::{TRIES, add_due, announce, frozen, moved_by_others};
use super::view::CampaignView;
use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{FieldError, Problem, ProblemBody};
use crate::request::{Body, Fields, Id, OptionalBody};

/// When a campaign starts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleRequest {
    /// The local time, without an offset: `2026-12-01T09:00`.
    #[schema(required = true, nullable = false)]
    start_at: Option<String>,
    /// The IANA name of the zone whose clock shows it: `Asia/Jakarta`.
    #[schema(required = true, nullable = false)]
    time_zone: Option<String>,
}

/// Let an approved campaign start by itself at a local time. Said again, it
/// replaces the time. A time that the zone's clock skips is moved forward with
/// the clock; of one that it shows twice, the first counts.
#[utoipa::path(
    post,
    path = "/v1/campaigns/{campaign_id}/schedule",
    operation_id = "schedule_campaign",
    tag = "campaigns",
    params(("campaign_id" = String, Path)),
    request_body = ScheduleRequest,
    responses(
        (status = 200, description = "Scheduled", body = CampaignView),
        (status = 404, description = "No such campaign", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Not possible where the campaign stands", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn schedule(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<CampaignId>,
    Body(request): Body<ScheduleRequest>,
) -> Result<Json<CampaignView>, Problem> {
    for _ in 0..TRIES {
        let campaign = super::find(&deps, tenant, id).await?;
        let from = campaign.state;
        from.apply(CampaignStep::Schedule)
            .map_err(|illegal| Problem::conflict(illegal.to_string()))?;
        let start = read_start(&request, &campaign, &deps)?;
        frozen(&deps, tenant, id).await?;
        add_due(&deps, tenant, id).await?;
        let start = Scheduled::from(&start);
        if deps
            .campaigns
            .schedule_campaign(tenant, id, from, &start)
            .await?
        {
            tracing::info!(campaign = %id, at = %start.at(), "campaign scheduled");
            let campaign = super::find(&deps, tenant, id).await?;
            return Ok(Json(CampaignView::new(id, campaign)));
        }
    }
    Err(moved_by_others())
}

fn read_start(
    request: &ScheduleRequest,
    campaign: &Campaign,
    deps: &Deps,
) -> Result<Start, Problem> {
    let mut fields = Fields::default();
    let local = fields.required("/start_at", request.start_at.as_deref());
    let zone = fields.required("/time_zone", request.time_zone.as_deref());
    let start = local.zip(zone).and_then(|(local, zone)| {
        let not_after = campaign.plan.not_after;
        let start = Start::read(local, zone, deps.clock.now(), not_after);
        start
            .map_err(|error| {
                let (pointer, code) = match error {
                    StartError::Past => ("/start_at", "in_the_past"),
                    StartError::Time => ("/start_at", "unreadable"),
                    StartError::TooLate => ("/start_at", "too_late"),
                    StartError::Zone => ("/time_zone", "unknown"),
                };
                fields.refuse(pointer, code, error.to_string());
            })
            .ok()
    });
    fields.finish_with(start)
}

/// What a resumed campaign sends, and who says so.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeRequest {
    /// `pending` (the default): those who still wait. `refused`: besides, those
    /// whose message WhatsApp definitely refused for a reason that lay in the
    /// account, the number or the template.
    #[schema(nullable = false)]
    scope: Option<String>,
    /// Who decided. Required where the first people's answers held the campaign.
    #[schema(nullable = false)]
    by: Option<String>,
}

/// Let it go on where it was held. What held it must be mended first: an open
/// breaker reset, a spent budget raised, a changed template approved again.
#[utoipa::path(
    post,
    path = "/v1/campaigns/{campaign_id}/resume",
    operation_id = "resume_campaign",
    tag = "campaigns",
    params(("campaign_id" = String, Path)),
    request_body(content = Option<ResumeRequest>),
    responses(
        (status = 200, description = "Done, now or before", body = CampaignView),
        (status = 404, description = "No such campaign", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Not possible where the campaign stands", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn resume(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<CampaignId>,
    OptionalBody(request): OptionalBody<ResumeRequest>,
) -> Result<Json<CampaignView>, Problem> {
    for _ in 0..TRIES {
        let mut campaign = super::find(&deps, tenant, id).await?;
        let step = CampaignStep::Resume;
        match (campaign.state, campaign.state.apply(step)) {
            (_, Ok(to)) => {
                let scope = check_resume(&request, &campaign)?;
                mended(&deps, tenant, id, &campaign).await?;
                add_due(&deps, tenant, id).await?;
                let reopens = scope == ResumeScope::Refused;
                let seen = campaign.hold;
                if !deps
                    .campaigns
                    .resume_campaign(tenant, id, seen, reopens, request.by.as_deref())
                    .await?
                {
                    continue;
                }
                tracing::info!(campaign = %id, "campaign resumed");
                campaign.state = to;
            }
            // Resumed before, and perhaps its work has gone on since.
            (CampaignState::Planning | CampaignState::Running, Err(_)) => (),
            (_, Err(illegal)) => return Err(Problem::conflict(illegal.to_string())),
        }
        announce(&deps, tenant, id, step).await?;
        return Ok(Json(CampaignView::new(id, campaign)));
    }
    Err(moved_by_others())
}

/// What the request says, and whether it says enough.
fn check_resume(request: &ResumeRequest, campaign: &Campaign) -> Result<ResumeScope, Problem> {
    let mut fields = Fields::default();
    let scope = request.scope.as_deref().unwrap_or("pending");
    let scope = ResumeScope::from_code(scope);
    if scope.is_none() {
        fields.refuse("/scope", "unknown", "expected pending or refused");
    }
    let named = request.by.is_some() || campaign.hold.is_some_and(HoldReason::is_canary);
    if named {
        fields.short_text("/by", request.by.as_deref());
    }
    fields.finish_with(scope)
}

/// Whether what held the campaign is out of the way.
async fn mended(
    deps: &Deps,
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
) -> Result<(), Problem> {
    if let Some(breaker) = stopped_by(deps, tenant, campaign).await? {
        return Err(Problem::conflict(format!("{breaker}; reset it first")));
    }
    heard(deps, tenant, campaign).await?;
    if let Some(reason) = super::approval::template_holds(deps, tenant, id, campaign).await? {
        return Err(Problem::conflict(reason.to_string()));
    }
    let budget = deps.campaigns.budget(tenant, id).await?;
    let Some(known) = budget else {
        return Ok(());
    };
    match campaign.hold {
        Some(HoldReason::BudgetSpent) if known.reserved >= known.budget.cap => {
            Err(Problem::conflict("the budget is spent; raise it first"))
        }
        Some(HoldReason::PriceUnknown) if known.budget.unknown_price.is_none() => {
            Err(Problem::conflict(HoldReason::PriceUnknown.to_string()))
        }
        _ => Ok(()),
    }
}

/// Refuses where the number sends by Amazon's way and nobody knows that what
/// people answer reaches us.
pub(super) async fn heard(
    deps: &Deps,
    tenant: TenantId,
    campaign: &Campaign,
) -> Result<(), Problem> {
    let sender = &campaign.plan.sender;
    let number = deps.campaigns.number(sender).await?;
    if number.is_none_or(|number| number.transport == Transport::CloudApi) {
        return Ok(());
    }
    let health = deps.campaigns.number_health(tenant, sender).await?;
    if health.and_then(|health| health.is_heard) == Some(true) {
        return Ok(());
    }
    let reason = HoldReason::StopsUnheard;
    let error = FieldError {
        pointer: "/sender".to_owned(),
        code: reason.code(),
        detail: reason.to_string(),
    };
    Err(Problem::blocked("nobody could say stop", vec![error]))
}

/// The open breaker that stops the campaign's messages, if one does.
pub(super) async fn stopped_by(
    deps: &Deps,
    tenant: TenantId,
    campaign: &Campaign,
) -> Result<Option<Breaker>, Fault> {
    let number = deps.campaigns.number(&campaign.plan.sender).await?;
    let subject = Subject {
        account: number.as_ref().map_or("", |number| &number.waba),
        number: &campaign.plan.sender,
        template: campaign.plan.template_name(),
    };
    deps.campaigns.stopped_by(tenant, subject).await
}
