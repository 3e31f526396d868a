//! The steps that an operator takes a campaign through.
//!
//! Every step may be taken again: what the timer must know is written before
//! the state moves, and the queue message is sent after it and again at every
//! repetition, so that a crash in between is mended by asking once more.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use platform::campaigns::{Campaign, Due};
use platform::fault::Fault;
use platform::queue::{ConsentTask, FanoutTask};
use policy::campaign::{CampaignState, CampaignStep, HoldReason};
use policy::ids::{CampaignId, TenantId};

use super::view::CampaignView;
use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::Id;

/// Each route is one step of the lifecycle.
macro_rules! step_route {
    ($(#[doc = $doc:literal])+ $name:ident, $path:literal, $operation:literal, $step:expr) => {
        $(#[doc = $doc])+
        #[utoipa::path(
            post,
            path = $path,
            operation_id = $operation,
            tag = "campaigns",
            params(("campaign_id" = String, Path)),
            responses(
                (status = 200, description = "Done, now or before", body = CampaignView),
                (status = 404, description = "No such campaign", body = ProblemBody, content_type = "application/problem+json"),
                (status = 409, description = "Not possible where the campaign stands", body = ProblemBody, content_type = "application/problem+json"),
            ),
        )]
        pub(crate) async fn $name(
            State(deps): State<Arc<Deps>>,
            TenantCtx { tenant }: TenantCtx,
            Id(id): Id<CampaignId>,
        ) -> Result<Json<CampaignView>, Problem> {
            take(&deps, tenant, id, $step).await.map(Json)
        }
    };
}

step_route!(
    /// Judge every person of the list, and freeze the audience.
    validate,
    "/v1/campaigns/{campaign_id}/validate",
    "validate_campaign",
    CampaignStep::Validate
);
step_route!(
    /// Begin to send.
    start,
    "/v1/campaigns/{campaign_id}/start",
    "start_campaign",
    CampaignStep::Start
);
step_route!(
    /// Hold it. What is in flight ends; nothing else begins.
    pause,
    "/v1/campaigns/{campaign_id}/pause",
    "pause_campaign",
    CampaignStep::Pause
);
step_route!(
    /// Take the schedule back; the campaign stays approved.
    unschedule,
    "/v1/campaigns/{campaign_id}/unschedule",
    "unschedule_campaign",
    CampaignStep::Unschedule
);
step_route!(
    /// End it for good. What was not sent never will be.
    cancel,
    "/v1/campaigns/{campaign_id}/cancel",
    "cancel_campaign",
    CampaignStep::Cancel
);

/// How often a step is tried against others who move the campaign.
pub(super) const TRIES: u32 = 4;

async fn take(
    deps: &Deps,
    tenant: TenantId,
    id: CampaignId,
    step: CampaignStep,
) -> Result<CampaignView, Problem> {
    for _ in 0..TRIES {
        let mut campaign = super::find(deps, tenant, id).await?;
        let Some(to) = next(campaign.state, step)? else {
            announce(deps, tenant, id, step).await?;
            return Ok(CampaignView::new(id, campaign));
        };
        prepare(deps, tenant, id, &campaign, step).await?;
        let from = campaign.state;
        if move_on(deps, tenant, id, from, to).await? {
            tracing::info!(campaign = %id, step = step.code(), %from, %to, "campaign moved");
            announce(deps, tenant, id, step).await?;
            campaign.state = to;
            campaign.hold = (to == CampaignState::Paused).then_some(HoldReason::Operator);
            return Ok(CampaignView::new(id, campaign));
        }
    }
    Err(moved_by_others())
}

async fn move_on(
    deps: &Deps,
    tenant: TenantId,
    id: CampaignId,
    from: CampaignState,
    to: CampaignState,
) -> Result<bool, Fault> {
    let campaigns = &deps.campaigns;
    match to {
        CampaignState::Paused => {
            campaigns
                .hold_campaign(tenant, id, HoldReason::Operator)
                .await
        }
        CampaignState::Cancelled => {
            campaigns
                .cancel_campaign(tenant, id, from, deps.clock.now())
                .await
        }
        _ => campaigns.move_campaign(tenant, id, from, to).await,
    }
}

/// Somebody else was faster, again and again.
pub(super) fn moved_by_others() -> Problem {
    Problem::conflict("the campaign is being moved by others; look at it and try again")
}

/// Where `step` leads from `state`; `None` if it was taken before, and perhaps
/// its work has gone on since.
fn next(state: CampaignState, step: CampaignStep) -> Result<Option<CampaignState>, Problem> {
    use CampaignState as S;
    use CampaignStep as T;

    match state.apply(step) {
        Ok(to) => Ok(Some(to)),
        Err(illegal) => match (step, state) {
            (T::Validate, S::Validating)
            | (T::Unschedule, S::Approved)
            | (T::Start, S::Planning | S::Running)
            | (T::Pause, S::Paused)
            | (T::Cancel, S::Cancelled) => Ok(None),
            _ => Err(Problem::conflict(illegal.to_string())),
        },
    }
}

/// What must stand before the state moves.
async fn prepare(
    deps: &Deps,
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    step: CampaignStep,
) -> Result<(), Problem> {
    match step {
        CampaignStep::Validate if campaign.state == CampaignState::Validated => {
            deps.campaigns.thaw_audience(tenant, id).await?;
            add_due(deps, tenant, id).await?;
        }
        CampaignStep::Validate | CampaignStep::Cancel => add_due(deps, tenant, id).await?,
        CampaignStep::Start => {
            super::control::heard(deps, tenant, campaign).await?;
            frozen(deps, tenant, id).await?;
            add_due(deps, tenant, id).await?;
        }
        // Approval, schedule and resumption have routes of their own.
        CampaignStep::Approve
        | CampaignStep::Complete
        | CampaignStep::Freeze
        | CampaignStep::Pause
        | CampaignStep::Release
        | CampaignStep::Resume
        | CampaignStep::Schedule
        | CampaignStep::Unschedule => (),
    }
    Ok(())
}

/// The timer looks at the campaign from now on.
pub(super) async fn add_due(deps: &Deps, tenant: TenantId, id: CampaignId) -> Result<(), Fault> {
    deps.campaigns.add_due(Due::Campaign(tenant, id)).await
}

/// Refuses an audience of which pages were already forgotten by a validation
/// that was asked for and never began.
pub(super) async fn frozen(deps: &Deps, tenant: TenantId, id: CampaignId) -> Result<(), Problem> {
    let pages = deps.campaigns.pages(tenant, id).await?;
    if pages.last().is_some_and(|page| page.last) {
        Ok(())
    } else {
        Err(not_frozen())
    }
}

/// There is no whole audience to agree to.
pub(super) fn not_frozen() -> Problem {
    Problem::conflict("the audience is not complete; validate the campaign again")
}

/// What must happen after the state moved, and again whenever the step is
/// repeated. Every receiver takes a repetition without harm.
pub(super) async fn announce(
    deps: &Deps,
    tenant: TenantId,
    campaign: CampaignId,
    step: CampaignStep,
) -> Result<(), Fault> {
    match step {
        CampaignStep::Validate => {
            let task = ConsentTask::ValidateV1 { tenant, campaign };
            deps.consent.send(&task).await
        }
        CampaignStep::Start | CampaignStep::Resume => {
            let task = FanoutTask::PlanV1 { tenant, campaign };
            deps.fanout.send(&task).await
        }
        CampaignStep::Approve
        | CampaignStep::Cancel
        | CampaignStep::Complete
        | CampaignStep::Freeze
        | CampaignStep::Pause
        | CampaignStep::Release
        | CampaignStep::Schedule
        | CampaignStep::Unschedule => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_taken_before_is_not_an_error() {
        use CampaignState as S;
        use CampaignStep as T;

        let answer = |state, step| next(state, step).map_err(|problem| problem.detail().to_owned());
        assert_eq!(answer(S::Draft, T::Validate), Ok(Some(S::Validating)));
        assert_eq!(answer(S::Validated, T::Validate), Ok(Some(S::Validating)));
        for (state, step) in [
            (S::Validating, T::Validate),
            (S::Approved, T::Unschedule),
            (S::Planning, T::Start),
            (S::Running, T::Start),
            (S::Paused, T::Pause),
            (S::Cancelled, T::Cancel),
        ] {
            assert_eq!(answer(state, step), Ok(None), "{step:?} at {state:?}");
        }
        for (state, step, why) in [
            (S::Draft, T::Start, "cannot start a campaign that is draft"),
            (
                S::Paused,
                T::Start,
                "cannot start a campaign that is paused",
            ),
            (
                S::Completed,
                T::Cancel,
                "cannot cancel a campaign that is completed",
            ),
            (
                S::Cancelled,
                T::Resume,
                "cannot resume a campaign that is cancelled",
            ),
        ] {
            assert_eq!(answer(state, step), Err(why.to_owned()));
        }
    }
}
