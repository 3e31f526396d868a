//! A campaign's blocks looked at one after the other, so that a campaign of
//! any size fits into memory.

use jiff::{SignedDuration, Timestamp};
use policy::block::{BLOCK_SHARDS, Block, Phase, RecipientState};
use policy::ids::{CampaignId, TenantId};

use super::Campaigns;
use super::block_items::{BlockItem, letters};
use crate::fault::Fault;
use crate::keys::{self, CampaignKey};
use crate::table::{self, millis, number, text};

/// What there is to do about a campaign's blocks.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Numbers of blocks that wait and are due, in order.
    pub due: Vec<u32>,
    /// Blocks that wait or are in flight.
    pub open: usize,
    /// Blocks in flight whose deadline passed a while ago.
    pub lost: Vec<Block>,
    /// Blocks that nobody holds and that have somebody in doubt.
    pub doubtful: Vec<Block>,
}

/// How long after its deadline a block is left alone: a request that was made
/// just before may take as long as the client's time limit.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// Blocks of one read: about half a megabyte.
const AT_ONCE: i32 = 256;

impl Survey {
    /// Notes one block as it stands at `now`.
    pub fn add(&mut self, block: Block, now: Timestamp) {
        if block.phase != Phase::Done {
            self.open += 1;
        }
        match block.phase {
            Phase::Pending { due } if due <= now => self.due.push(block.number),
            Phase::InFlight { deadline, .. } if now.duration_since(deadline) >= GRACE => {
                self.lost.push(block);
                return;
            }
            Phase::InFlight { .. } => return,
            Phase::Pending { .. } | Phase::Done => (),
        }
        if block.states.contains(&RecipientState::Unknown) {
            self.doubtful.push(block);
        }
    }
}

/// Where a walk over the blocks has come to.
#[derive(Clone, Debug, Default)]
pub struct BlockCursor {
    shard: u32,
    after: Option<String>,
}

impl Campaigns {
    /// Looks at every block once.
    pub async fn survey(
        &self,
        tenant: TenantId,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<Survey, Fault> {
        let mut survey = Survey::default();
        let mut cursor = BlockCursor::default();
        while let Some(blocks) = self.next_blocks(tenant, id, &mut cursor).await? {
            for block in blocks {
                survey.add(block, now);
            }
        }
        survey.due.sort_unstable();
        Ok(survey)
    }

    /// The blocks after `cursor`, some at a time; `None` after the last.
    pub async fn next_blocks(
        &self,
        tenant: TenantId,
        id: CampaignId,
        cursor: &mut BlockCursor,
    ) -> Result<Option<Vec<Block>>, Fault> {
        if cursor.shard == BLOCK_SHARDS {
            return Ok(None);
        }
        let pk = keys::block_shard(tenant, id, cursor.shard);
        let (items, more) = self
            .table
            .page(&pk, "B#", cursor.after.as_deref(), Some(AT_ONCE), true)
            .await?;
        let mut blocks = Vec::with_capacity(items.len());
        for item in items {
            let key = table::key_of(&item)?;
            if let Some(CampaignKey::Block(_, _, number)) = CampaignKey::parse(&key) {
                blocks.push(table::decode::<BlockItem>(item)?.decode(number)?);
            }
            cursor.after = Some(key.sk);
        }
        if !more {
            cursor.shard += 1;
            cursor.after = None;
        }
        Ok(Some(blocks))
    }

    /// Writes what `next` says of a block that nobody holds; `false` if it is
    /// not any more as it was `seen`, which changes nothing.
    pub async fn move_idle_block(
        &self,
        tenant: TenantId,
        id: CampaignId,
        seen: &Block,
        next: &Block,
    ) -> Result<bool, Fault> {
        let update = self.idle_update(tenant, id, seen, next)?;
        self.update_as(&update, "move a block").await
    }

    /// The same, to be written together with something else.
    pub(super) fn idle_update(
        &self,
        tenant: TenantId,
        id: CampaignId,
        seen: &Block,
        next: &Block,
    ) -> Result<aws_sdk_dynamodb::types::Update, Fault> {
        let held = |block: &Block| matches!(block.phase, Phase::InFlight { .. });
        if held(seen) || held(next) {
            return Err(Fault::lasting("move a block", "somebody holds it"));
        }
        let name = |phase| {
            if phase == Phase::Done {
                "done"
            } else {
                "pending"
            }
        };
        let key = CampaignKey::Block(tenant, id, seen.number).key();
        let mut update = aws_sdk_dynamodb::types::Update::builder()
            .table_name(&self.table.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
            .condition_expression("attempt = :attempt AND phase = :phase AND states = :states")
            .expression_attribute_values(":attempt", number(seen.attempt))
            .expression_attribute_values(":phase", text(name(seen.phase)))
            .expression_attribute_values(":states", text(letters(&seen.states)))
            .expression_attribute_values(":next_attempt", number(next.attempt))
            .expression_attribute_values(":next_phase", text(name(next.phase)))
            .expression_attribute_values(":next_states", text(letters(&next.states)));
        let set = "SET attempt = :next_attempt, phase = :next_phase, states = :next_states";
        update = if let Phase::Pending { due } = next.phase {
            update
                .update_expression(format!("{set}, due = :due"))
                .expression_attribute_values(":due", number(millis(due)))
        } else {
            update.update_expression(format!("{set} REMOVE due"))
        };
        update
            .build()
            .map_err(|error| Fault::lasting("move a block", error))
    }
}
