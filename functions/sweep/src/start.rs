//! A campaign whose start has come.

use std::time::Duration;

use platform::campaigns::Campaign;
use platform::fault::Fault;
use platform::queue::FanoutTask;
use policy::campaign::{CampaignState, CampaignStep};
use policy::ids::{CampaignId, TenantId};

use crate::Deps;

/// How long the task waits for the state to move.
const AHEAD: Duration = Duration::from_secs(2);

/// Starts a scheduled campaign at its moment, as an operator would.
pub(crate) async fn if_due(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    deps: &Deps,
) -> Result<(), Fault> {
    let is_due = campaign
        .start
        .as_ref()
        .is_some_and(|start| start.at() <= deps.clock.now());
    let Ok(planning) = campaign.state.apply(CampaignStep::Start) else {
        return Ok(());
    };
    if !is_due {
        return Ok(());
    }
    // The task goes first: one that finds the campaign still scheduled does
    // nothing, and the next tick sends another. The other order could leave a
    // campaign that nobody plans.
    let task = FanoutTask::PlanV1 {
        tenant,
        campaign: id,
    };
    deps.fanout.send_later(&task, AHEAD).await?;
    if deps
        .campaigns
        .move_campaign(tenant, id, CampaignState::Scheduled, planning)
        .await?
    {
        tracing::info!(campaign = %id, "campaign starts on schedule");
    }
    Ok(())
}
