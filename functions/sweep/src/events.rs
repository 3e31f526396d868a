//! What the tenant is told of its campaigns: that one is held, and how one
//! ended. Told before the timer forgets about it, so a tick that dies is
//! repeated by the next, under the same ids.
//!
//! A single message has no events: whoever sent it asks for it.

use platform::campaigns::Campaign;
use platform::events::{EndV1, EventV1, WhatV1, event_id};
use platform::fault::Fault;
use platform::queue::ReceiptTask;
use policy::campaign::CampaignState;
use policy::ids::{CampaignId, TenantId};

use crate::Deps;

/// Tells once of each time that a campaign was held.
pub(crate) async fn held(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    deps: &Deps,
) -> Result<(), Fault> {
    let Some(reason) = campaign
        .hold
        .filter(|_| campaign.holds > campaign.holds_told)
    else {
        return Ok(());
    };
    if campaign.state != CampaignState::Paused || campaign.is_single {
        return Ok(());
    }
    let what = WhatV1::CampaignHeld {
        campaign: id,
        reason: reason.code().to_owned(),
    };
    tell(tenant, id, what, campaign.holds, deps).await?;
    deps.campaigns
        .note_hold_told(tenant, id, campaign.holds)
        .await
}

/// Tells how a campaign ended.
pub(crate) async fn ended(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    deps: &Deps,
) -> Result<(), Fault> {
    if campaign.is_single {
        return Ok(());
    }
    let (totals, _) = deps.campaigns.totals(tenant, id).await?;
    let end = EndV1 {
        campaign: id,
        excluded: totals.excluded,
        accepted: totals.accepted,
        rejected: totals.rejected,
        unknown: totals.unknown,
        expired: totals.expired,
        cancelled: totals.cancelled,
    };
    let what = if campaign.state == CampaignState::Cancelled {
        WhatV1::CampaignCancelled(end)
    } else {
        WhatV1::CampaignCompleted(end)
    };
    tell(tenant, id, what, 0, deps).await
}

async fn tell(
    tenant: TenantId,
    id: CampaignId,
    what: WhatV1,
    turn: u32,
    deps: &Deps,
) -> Result<(), Fault> {
    let (campaign, turn) = (id.uuid(), turn.to_be_bytes());
    let cause = [campaign.as_bytes().as_slice(), &turn];
    let event = EventV1 {
        id: event_id(tenant, what.kind(), &cause),
        at: deps.clock.now(),
        what,
    };
    let events = vec![event];
    deps.receipts
        .send(&ReceiptTask::EventsV1 { tenant, events })
        .await
}
