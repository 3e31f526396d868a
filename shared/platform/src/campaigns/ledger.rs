//! A campaign's ledger read as a whole: what became of everybody.

use std::collections::BTreeMap;

use policy::block::{Block, Outcome, RecipientState};
use policy::campaign::CampaignState;
use policy::ids::{CampaignId, TenantId};
use policy::receipt::{StatusSets, Totals};

use super::Campaigns;
use super::block_items::{BlockItem, OutcomesItem, StatusesItem};
use crate::fault::Fault;
use crate::keys::{self, CampaignKey};
use crate::table::{self, Item};

/// One block with everything known of its attempts.
#[derive(Clone, Debug)]
pub struct BlockLedger {
    /// The block.
    pub block: Block,
    /// Outcomes by attempt, then index.
    pub outcomes: BTreeMap<u16, BTreeMap<u8, Outcome>>,
    /// Status sets by attempt.
    pub statuses: BTreeMap<u16, StatusSets>,
}

impl Campaigns {
    /// Every block of a campaign with its outcomes and statuses, by number.
    pub async fn ledger(
        &self,
        tenant: TenantId,
        id: CampaignId,
    ) -> Result<BTreeMap<u32, BlockLedger>, Fault> {
        let mut ledger: BTreeMap<u32, BlockLedger> = BTreeMap::new();
        for shard in 0..policy::block::BLOCK_SHARDS {
            // In sort-key order blocks (B) come before outcomes (O) and statuses (S).
            let pk = keys::block_shard(tenant, id, shard);
            for item in self.table.partition(&pk, "", true).await? {
                add_to_ledger(&mut ledger, item)?;
            }
        }
        Ok(ledger)
    }

    /// How a campaign's messages stand, and why people were excluded, counted
    /// from pages, blocks, outcomes and statuses: exact under redelivery,
    /// because nothing is a counter.
    pub async fn totals(
        &self,
        tenant: TenantId,
        id: CampaignId,
    ) -> Result<(Totals, BTreeMap<String, u64>), Fault> {
        let mut totals = Totals::default();
        let mut reasons = BTreeMap::new();
        let mut frozen = 0;
        for page in self.pages(tenant, id).await? {
            frozen += u64::from(page.count);
            for (reason, count) in page.excluded {
                totals.excluded += count;
                *reasons.entry(reason).or_insert(0) += count;
            }
        }
        let mut planned = 0;
        for ledger in self.ledger(tenant, id).await?.values() {
            planned += ledger.block.tokens.len() as u64;
            let statuses: Vec<_> = ledger.statuses.values().cloned().collect();
            totals.add(&ledger.block, &statuses);
            for (index, state) in (0..=u8::MAX).zip(&ledger.block.states) {
                if *state == RecipientState::Excluded
                    && let Some(reason) = ledger.exclusion(index)
                {
                    *reasons.entry(reason.to_owned()).or_insert(0) += 1;
                }
            }
        }
        // Frozen, but not cut into blocks: still waiting for a decision, unless
        // the campaign ended and there will be none.
        let unplanned = frozen.saturating_sub(planned);
        let ended = unplanned > 0
            && self
                .campaign(tenant, id)
                .await?
                .is_some_and(|campaign| campaign.state == CampaignState::Cancelled);
        if ended {
            totals.cancelled += unplanned;
        } else {
            totals.pending += unplanned;
        }
        Ok((totals, reasons))
    }
}

impl BlockLedger {
    fn exclusion(&self, index: u8) -> Option<&str> {
        self.outcomes
            .values()
            .rev()
            .find_map(|outcomes| match outcomes.get(&index) {
                Some(Outcome::Excluded { reason }) => Some(reason.as_str()),
                _ => None,
            })
    }
}

fn add_to_ledger(ledger: &mut BTreeMap<u32, BlockLedger>, item: Item) -> Result<(), Fault> {
    match CampaignKey::parse(&table::key_of(&item)?) {
        Some(CampaignKey::Block(_, _, number)) => {
            let block = table::decode::<BlockItem>(item)?.decode(number)?;
            ledger.insert(
                number,
                BlockLedger {
                    block,
                    outcomes: BTreeMap::new(),
                    statuses: BTreeMap::new(),
                },
            );
        }
        Some(CampaignKey::Outcomes(_, _, number, attempt, _)) => {
            if let Some(entry) = ledger.get_mut(&number) {
                let outcomes = table::decode::<OutcomesItem>(item)?.decode()?;
                entry.outcomes.entry(attempt).or_default().extend(outcomes);
            }
        }
        Some(CampaignKey::Statuses(_, _, number, attempt)) => {
            if let Some(entry) = ledger.get_mut(&number) {
                let sets = table::decode::<StatusesItem>(item)?.into();
                entry.statuses.insert(attempt, sets);
            }
        }
        _ => {
            return Err(Fault::lasting(
                "read a campaign's ledger",
                "a key of another kind",
            ));
        }
    }
    Ok(())
}
