//! A campaign under way: crashed blocks, doubts, releases, and the end.

use jiff::SignedDuration;
use platform::campaigns::{Campaign, Due, Page, Survey};
use platform::fault::Fault;
use platform::invocation::Invocation;
use platform::metrics::Metrics;
use policy::block::RecipientState;
use policy::campaign::{CampaignState, CampaignStep};
use policy::ids::{CampaignId, TenantId};

use crate::history::Doubtful;
use crate::{Deps, canary, close, events, recover};

/// How long after its end a cancelled campaign is looked at: a fan-out that was
/// under way may write blocks for as long as a function runs, and another half
/// as long again as its queue message is hidden.
const LATE_BLOCKS: SignedDuration = SignedDuration::from_mins(20);

/// From how many blocks on a campaign is not looked at again while a release is
/// fresh: a look reads all of them.
const LARGE: u32 = 480;

/// Looks at the blocks of a campaign that runs, is paused or has ended. It is
/// given back if messages of it are in doubt.
pub(crate) async fn visit(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    held: bool,
    invocation: Invocation,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<Option<Doubtful>, Fault> {
    let now = deps.clock.now();
    let waits_for_canary = campaign.canary_blocks().is_some();
    let is_fresh = campaign.state == CampaignState::Running && !campaign.releases(now);
    if is_fresh && !waits_for_canary && campaign.blocks_planned > LARGE {
        // Released a moment ago, and a look would cost much and show little.
        return Ok(None);
    }
    let survey = deps.campaigns.survey(tenant, id, now).await?;
    let recovered = recover::crashed_blocks(tenant, id, &survey.lost, deps).await?;
    metrics.count("BlocksRecovered", recovered.blocks);
    metrics.count("Unknown", recovered.unknown);
    settle_doubts(tenant, id, &survey, deps, metrics).await?;

    if let Some(state) = closes_as(campaign, deps) {
        close::waiting_blocks(tenant, id, state, invocation, deps, metrics).await?;
    } else if !held {
        if waits_for_canary {
            canary::judge(tenant, id, campaign, deps, metrics).await?;
        }
        let report = deps
            .campaigns
            .release_surveyed(tenant, id, campaign, &survey, &deps.send, now)
            .await?;
        metrics.count("BlocksReleased", report.released as u64);
    }
    let in_doubt = !survey.doubtful.is_empty();
    if survey.open == 0 {
        return finish(tenant, id, campaign, in_doubt, deps, metrics).await;
    }
    Ok(in_doubt.then(|| Doubtful {
        tenant,
        id,
        campaign: campaign.clone(),
        has_ended: false,
    }))
}

/// As what those who still wait are settled, if there will be no message.
fn closes_as(campaign: &Campaign, deps: &Deps) -> Option<RecipientState> {
    let is_late = campaign
        .plan
        .not_after
        .is_some_and(|end| end < deps.clock.now());
    if campaign.state == CampaignState::Cancelled {
        Some(RecipientState::Cancelled)
    } else {
        is_late.then_some(RecipientState::Expired)
    }
}

/// Writes down which doubts a status has settled.
async fn settle_doubts(
    tenant: TenantId,
    id: CampaignId,
    survey: &Survey,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    for block in &survey.doubtful {
        let mut next = block.clone();
        next.states = deps.campaigns.proved(tenant, id, block).await?;
        if next.states != block.states
            && deps
                .campaigns
                .move_idle_block(tenant, id, block, &next)
                .await?
        {
            let both = block.states.iter().zip(&next.states);
            metrics.count("DoubtsSettled", both.filter(|(a, b)| a != b).count() as u64);
        }
    }
    Ok(())
}

/// Says "completed" only when it is true: every block of every page is done.
async fn finish(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    in_doubt: bool,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<Option<Doubtful>, Fault> {
    if let Ok(completed) = campaign.state.apply(CampaignStep::Complete) {
        let (totals, _) = deps.campaigns.totals(tenant, id).await?;
        if !totals.is_settled() {
            return Ok(None);
        }
        let pages = deps.campaigns.pages(tenant, id).await?;
        let frozen: u64 = pages.iter().map(Page::judged).sum();
        let drift = frozen.abs_diff(totals.audience());
        if drift > 0 {
            // "Completed" would not be true: an alarm, and a person looks.
            tracing::error!(campaign = %id, drift, "people are not accounted for");
            metrics.count("ConservationDrift", drift);
            return Ok(None);
        }
        deps.campaigns
            .move_campaign(tenant, id, campaign.state, completed)
            .await?;
        tracing::info!(campaign = %id, "campaign completed");
    } else if campaign.state == CampaignState::Cancelled {
        let ended = campaign.cancelled_at.unwrap_or(deps.clock.now());
        if deps.clock.now().duration_since(ended) < LATE_BLOCKS {
            return Ok(None);
        }
    } else {
        return Ok(None);
    }
    leave(tenant, id, campaign, in_doubt, deps).await
}

/// Tells how a campaign ended, once, and looks at it no more, unless its doubts
/// may still be settled.
pub(crate) async fn leave(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    in_doubt: bool,
    deps: &Deps,
) -> Result<Option<Doubtful>, Fault> {
    if !campaign.end_told {
        events::ended(tenant, id, campaign, deps).await?;
    }
    if !in_doubt {
        deps.campaigns.remove_due(Due::Campaign(tenant, id)).await?;
        return Ok(None);
    }
    if !campaign.end_told {
        deps.campaigns.note_end_told(tenant, id).await?;
    }
    Ok(Some(Doubtful {
        tenant,
        id,
        campaign: campaign.clone(),
        has_ended: true,
    }))
}
