//! `release`: the one path by which planned blocks reach the queue.
//!
//! It reads the blocks' state and publishes ranges of those that are due: at
//! the end of planning, and on the timer, so that a lost queue message comes
//! back by itself.

use jiff::{SignedDuration, Timestamp};
use policy::campaign::{CampaignState, Gate};
use policy::ids::{CampaignId, TenantId};

use super::{Campaign, Campaigns, Survey};
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
    /// Publishes the due blocks of a running campaign, as far as it is open and
    /// at most a tranche, unless another release did so a moment ago.
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
        if !campaign.releases(now) {
            return Ok(ReleaseReport::default());
        }
        let survey = self.survey(tenant, id, now).await?;
        self.release_surveyed(tenant, id, &campaign, &survey, queue, now)
            .await
    }

    /// The same, of a campaign whose blocks were just looked at.
    pub async fn release_surveyed(
        &self,
        tenant: TenantId,
        id: CampaignId,
        campaign: &Campaign,
        survey: &Survey,
        queue: &Queue,
        now: Timestamp,
    ) -> Result<ReleaseReport, Fault> {
        let open = survey.open;
        let nothing = ReleaseReport { released: 0, open };
        if survey.due.is_empty() || !campaign.releases(now) {
            return Ok(nothing);
        }
        let gate = campaign.gate_at(now);
        if gate != campaign.gate && !self.note_gate(tenant, id, campaign.gate, gate).await? {
            // Somebody else opened it and publishes.
            return Ok(nothing);
        }
        let mut due = survey.due.clone();
        due.retain(|number| *number < gate.open);
        due.truncate(TRANCHE_MAX);
        if due.is_empty() {
            return Ok(nothing);
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

impl Campaign {
    /// Whether its blocks may be published at `now`: it runs, was not released
    /// a moment ago, and waits for no room in its portfolio's day.
    pub fn releases(&self, now: Timestamp) -> bool {
        let fresh = self
            .released_at
            .is_some_and(|at| now.duration_since(at) < TRANCHE_LIFE);
        let waits = self.tier_full_until.is_some_and(|until| until > now);
        self.state == CampaignState::Running && !fresh && !waits
    }

    /// How many blocks the first people fill, while their answers are waited
    /// for.
    pub fn canary_blocks(&self) -> Option<u32> {
        let percent = self
            .controls
            .canary_percent
            .filter(|_| !self.canary_passed)?;
        Some(Gate::slice(self.blocks_planned.into(), percent, 1))
    }

    fn gate_at(&self, now: Timestamp) -> Gate {
        let size = self.block_size.unwrap_or(1);
        self.gate
            .at(now, self.canary_blocks(), self.controls.tranche, size)
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
