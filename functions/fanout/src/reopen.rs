//! A campaign that is resumed for the refused, too: whose message WhatsApp
//! refused for a reason that is mended waits again.

use jiff::SignedDuration;
use platform::campaigns::BlockCursor;
use platform::fault::Fault;
use platform::invocation::Invocation;
use policy::block::{Block, Outcome, RecipientState};
use policy::ids::{CampaignId, TenantId};

use crate::Deps;

/// What must be left of the invocation to look at more blocks.
const STEP_TIME: SignedDuration = SignedDuration::from_secs(20);

/// Reopens them, if the campaign asks for it; `false` if time ran out. Looking
/// again at a block that was reopened changes nothing.
pub(crate) async fn refused(
    tenant: TenantId,
    id: CampaignId,
    invocation: Invocation,
    deps: &Deps,
) -> Result<bool, Fault> {
    let campaign = deps.campaigns.campaign(tenant, id).await?;
    if !campaign.is_some_and(|campaign| campaign.reopens) {
        return Ok(true);
    }
    let mut cursor = BlockCursor::default();
    while let Some(blocks) = deps.campaigns.next_blocks(tenant, id, &mut cursor).await? {
        if invocation.ends_within(STEP_TIME, deps.clock.now()) {
            return Ok(false);
        }
        for block in blocks {
            if block.states.contains(&RecipientState::Rejected) {
                reopen(tenant, id, &block, deps).await?;
            }
        }
    }
    deps.campaigns.note_reopened(tenant, id).await?;
    Ok(true)
}

async fn reopen(tenant: TenantId, id: CampaignId, block: &Block, deps: &Deps) -> Result<(), Fault> {
    let mut codes: [Option<u32>; 256] = [None; 256];
    for attempt in 1..=block.attempt {
        let outcomes = deps.campaigns.outcomes(tenant, id, block.number, attempt);
        for (index, outcome) in outcomes.await? {
            // The last word about a recipient counts.
            codes[usize::from(index)] = match outcome {
                Outcome::Rejected { code } => Some(code),
                _ => None,
            };
        }
    }
    let mut next = block.clone();
    if next.reopen(|index| codes[usize::from(index)], deps.clock.now()) {
        deps.campaigns
            .move_idle_block(tenant, id, block, &next)
            .await?;
    }
    Ok(())
}
