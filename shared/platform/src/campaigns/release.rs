//! `release`: the one path by which planned blocks reach the queue.
//!
//! It reads the blocks' state and publishes ranges of those that are due: at
//! the end of planning, and on the timer, so that a lost queue message comes
//! back by itself.

use jiff::{SignedDuration, Timestamp};
use policy::block::Phase;
use policy::campaign::CampaignState;
use policy::ids::{CampaignId, TenantId};

use super::Campaigns;
use crate::fault::Fault;
use crate::queue::{Queue, SendTask};

/// Most blocks that one queue message names: at most 1,000 recipients.
const RANGE_MAX: usize = 10;

/// Into how many queue messages a release is cut at least, where it has as many
/// blocks: so many workers can share a small campaign.
const SHARES: usize = 8;

/// Most blocks of one release: a tranche. Pause, cancel and quiet hours act
/// within one tranche; at 80 messages a second this is ten minutes of work.
const TRANCHE_MAX: usize = 480;

/// How long a tranche is left alone before its remaining blocks are published
/// again.
const TRANCHE_LIFE: SignedDuration = SignedDuration::from_mins(2);

/// What a release did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ReleaseReport {
    /// Blocks published.
    pub released: usize,
    /// Blocks that still wait or are in flight, the published included.
    pub open: usize,
}

impl Campaigns {
    /// Publishes the due blocks of a running campaign, at most a tranche, unless
    /// another release did so a moment ago.
    pub async fn release(
        &self,
        tenant: TenantId,
        id: CampaignId,
        queue: &Queue,
        now: Timestamp,
    ) -> Result<ReleaseReport, Fault> {
        let Some(campaign) = self.campaign(tenant, id).await? else {
            return Ok(ReleaseReport::default());
        };
        let blocks = self.blocks(tenant, id).await?;
        let open = blocks
            .iter()
            .filter(|block| block.phase != Phase::Done)
            .count();
        let due: Vec<u32> = blocks
            .iter()
            .filter(|block| matches!(block.phase, Phase::Pending { due } if due <= now))
            .map(|block| block.number)
            .take(TRANCHE_MAX)
            .collect();
        let fresh = campaign
            .released_at
            .is_some_and(|at| now.duration_since(at) < TRANCHE_LIFE);
        // A cancelled campaign's blocks are released too: the worker settles
        // them as cancelled, and the ledger closes.
        let goes = matches!(
            campaign.state,
            CampaignState::Running | CampaignState::Cancelled
        );
        if due.is_empty() || fresh || !goes {
            return Ok(ReleaseReport { released: 0, open });
        }
        let tasks: Vec<SendTask> = ranges(&due)
            .map(|(from, to)| SendTask::RangeV1 {
                tenant,
                campaign: id,
                from,
                to,
            })
            .collect();
        queue.send_all(&tasks).await?;
        // Noted after the fact: a crash in between publishes twice, which the
        // workers' intent makes harmless; the other order could lose a tranche.
        self.note_released(tenant, id, campaign.released_at, now)
            .await?;
        Ok(ReleaseReport {
            released: due.len(),
            open,
        })
    }
}

/// Runs of neighbouring numbers, at most [`RANGE_MAX`] long and shorter where
/// there are few, as `from..to`.
fn ranges(numbers: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    let length = numbers.len().div_ceil(SHARES).clamp(1, RANGE_MAX);
    numbers
        .chunk_by(|a, b| a + 1 == *b)
        .flat_map(move |run| run.chunks(length))
        .map(|run| (run[0], run[run.len() - 1] + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_runs_that_workers_can_share() {
        let numbers: Vec<u32> = (0..17).chain([30, 31, 40]).collect();
        let small: Vec<_> = ranges(&numbers).collect();
        assert_eq!(
            small,
            [
                (0, 3),
                (3, 6),
                (6, 9),
                (9, 12),
                (12, 15),
                (15, 17),
                (30, 32),
                (40, 41)
            ]
        );
        let numbers: Vec<u32> = (0..480).collect();
        assert_eq!(ranges(&numbers).count(), 48, "ten blocks a message");
        assert_eq!(ranges(&[]).count(), 0);
    }
}
