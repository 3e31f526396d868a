//! The blocks of a campaign that sends no more: whoever still waits in them is
//! settled, without number, template or queue.

use futures_util::{StreamExt as _, stream};
use platform::campaigns::BlockCursor;
use platform::fault::Fault;
use platform::invocation::Invocation;
use platform::metrics::Metrics;
use policy::block::{Block, Phase, RecipientState};
use policy::ids::{CampaignId, TenantId};

use crate::{Deps, STEP_TIME};

/// Blocks written at the same time.
const WIDTH: usize = 16;

/// Settles everybody who waits as `state`, as far as time goes; the next tick
/// does the rest. A block that a worker takes meanwhile is the worker's.
pub(crate) async fn waiting_blocks(
    tenant: TenantId,
    id: CampaignId,
    state: RecipientState,
    invocation: Invocation,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    let mut cursor = BlockCursor::default();
    while let Some(blocks) = deps.campaigns.next_blocks(tenant, id, &mut cursor).await? {
        if invocation.ends_within(STEP_TIME, deps.clock.now()) {
            return Ok(());
        }
        let waiting = blocks
            .into_iter()
            .filter(|block| matches!(block.phase, Phase::Pending { .. }));
        let mut closing = stream::iter(waiting)
            .map(|block| close(tenant, id, block, state, deps))
            .buffer_unordered(WIDTH);
        while let Some(closed) = closing.next().await {
            metrics.count("BlocksClosed", closed?.into());
        }
    }
    Ok(())
}

async fn close(
    tenant: TenantId,
    id: CampaignId,
    block: Block,
    state: RecipientState,
    deps: &Deps,
) -> Result<bool, Fault> {
    let mut next = block.clone();
    next.close(state);
    deps.campaigns
        .move_idle_block(tenant, id, &block, &next)
        .await
}
