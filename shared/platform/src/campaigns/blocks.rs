//! B, O and S: blocks, the outcomes of their attempts, the statuses of those.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use jiff::Timestamp;
use policy::block::{Block, Outcome, Phase};
use policy::ids::{CampaignId, OwnerNonce, TenantId};
use policy::receipt::{Status, StatusSets};

use super::block_items::{BlockItem, OutcomesItem, StatusesItem, letters};
use super::{Campaigns, KEPT_SECONDS};
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{self, millis, number, text};

/// How an attempt of a block ends.
#[derive(Clone, Copy, Debug)]
pub struct Settlement {
    /// Whose attempt.
    pub owner: OwnerNonce,
    /// Which attempt.
    pub attempt: u16,
}

impl Campaigns {
    /// Plans a block; `false` if it is planned already, which changes nothing.
    pub async fn plan_block(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: &Block,
    ) -> Result<bool, Fault> {
        let key = CampaignKey::Block(tenant, id, block.number).key();
        let item = BlockItem::encode(block, self.clock.now());
        self.table.put_new(table::encode(&key, &item)?).await
    }

    /// One block, read strongly.
    pub async fn block(
        &self,
        tenant: TenantId,
        id: CampaignId,
        number: u32,
    ) -> Result<Option<Block>, Fault> {
        self.row::<BlockItem>(&CampaignKey::Block(tenant, id, number).key())
            .await?
            .map(|item| item.decode(number))
            .transpose()
    }

    /// The durable intent, before any wire: `pending → in flight` for `owner`
    /// until `deadline`. `None` if the block is not due, not pending, or not at
    /// the attempt that was read.
    pub async fn begin_block(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: &Block,
        owner: OwnerNonce,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Block>, Fault> {
        let key = CampaignKey::Block(tenant, id, block.number).key();
        let answer = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
            .update_expression(
                "SET phase = :flight, #owner = :owner, deadline = :deadline REMOVE due",
            )
            .condition_expression(
                "attempt = :attempt AND ((phase = :pending AND due <= :now) \
                 OR (phase = :flight AND #owner = :owner))",
            )
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":attempt", number(block.attempt))
            .expression_attribute_values(":deadline", number(millis(deadline)))
            .expression_attribute_values(":flight", text("in_flight"))
            .expression_attribute_values(":now", number(millis(now)))
            .expression_attribute_values(":owner", text(owner.to_string()))
            .expression_attribute_values(":pending", text("pending"))
            .send()
            .await;
        let begun = table::held(answer, "begin a block")?;
        Ok(begun.then(|| Block {
            phase: Phase::InFlight { owner, deadline },
            ..block.clone()
        }))
    }

    /// Ends an attempt with what `block` now says; `false` if the attempt is
    /// not under way any more, which changes nothing.
    pub async fn settle_block(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: &Block,
        settlement: Settlement,
    ) -> Result<bool, Fault> {
        let key = CampaignKey::Block(tenant, id, block.number).key();
        let (phase, due) = match block.phase {
            Phase::Pending { due } => ("pending", Some(due)),
            Phase::Done => ("done", None),
            Phase::InFlight { .. } => {
                return Err(Fault::lasting("settle a block", "it is still in flight"));
            }
        };
        let expression = match due {
            Some(_) => {
                "SET phase = :phase, states = :states, attempt = :next, due = :due \
                 REMOVE #owner, deadline, reserved"
            }
            None => {
                "SET phase = :phase, states = :states, attempt = :next \
                 REMOVE due, #owner, deadline, reserved"
            }
        };
        let mut update = Update::builder()
            .table_name(&self.table.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
            .update_expression(expression)
            .condition_expression("phase = :flight AND attempt = :attempt AND #owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":attempt", number(settlement.attempt))
            .expression_attribute_values(":flight", text("in_flight"))
            .expression_attribute_values(":next", number(block.attempt))
            .expression_attribute_values(":owner", text(settlement.owner.to_string()))
            .expression_attribute_values(":phase", text(phase))
            .expression_attribute_values(":states", text(letters(&block.states)));
        if let Some(due) = due {
            update = update.expression_attribute_values(":due", number(millis(due)));
        }
        let reserved = block.reservation.as_ref();
        let back = reserved.map_or(0, |money| money.total() - money.spent(&block.states));
        if back > 0 {
            return self.settle_reserved(tenant, id, update, back).await;
        }
        let update = update
            .build()
            .map_err(|error| Fault::lasting("settle a block", error))?;
        self.update_as(&update, "settle a block").await
    }

    /// One conditional update; `false` if the condition does not hold.
    pub(super) async fn update_as(
        &self,
        update: &Update,
        operation: &'static str,
    ) -> Result<bool, Fault> {
        let answer = self
            .table
            .client
            .update_item()
            .table_name(update.table_name())
            .set_key(Some(update.key().clone()))
            .update_expression(update.update_expression())
            .set_condition_expression(update.condition_expression().map(str::to_owned))
            .set_expression_attribute_names(update.expression_attribute_names().cloned())
            .set_expression_attribute_values(update.expression_attribute_values().cloned())
            .send()
            .await;
        table::held(answer, operation)
    }

    /// Records outcomes of an attempt that are not in an earlier `part`. The
    /// attempt's owner alone writes them; of two parts that hold a recipient the
    /// later counts. A write bills the part and not what came before it.
    pub async fn record_outcomes(
        &self,
        tenant: TenantId,
        id: CampaignId,
        number: u32,
        (attempt, part): (u16, u16),
        outcomes: &BTreeMap<u8, Outcome>,
    ) -> Result<(), Fault> {
        let key = CampaignKey::Outcomes(tenant, id, number, attempt, part).key();
        let item = OutcomesItem::encode(outcomes, self.clock.now());
        self.put_row(&key, &item).await
    }

    /// The outcomes of one attempt, read strongly.
    pub async fn outcomes(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: u32,
        attempt: u16,
    ) -> Result<BTreeMap<u8, Outcome>, Fault> {
        let mut attempts = self.attempts(tenant, id, block, Some(attempt)).await?;
        Ok(attempts.remove(&attempt).unwrap_or_default())
    }

    /// The outcomes of a block's earlier attempts, read strongly in one query.
    pub async fn earlier_outcomes(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: &Block,
    ) -> Result<BTreeMap<u16, BTreeMap<u8, Outcome>>, Fault> {
        let mut earlier = self.attempts(tenant, id, block.number, None).await?;
        earlier.retain(|attempt, _| *attempt < block.attempt);
        Ok(earlier)
    }

    /// The outcomes of one attempt of a block or of all, by attempt, the parts
    /// put together.
    async fn attempts(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: u32,
        attempt: Option<u16>,
    ) -> Result<BTreeMap<u16, BTreeMap<u8, Outcome>>, Fault> {
        let mut attempts = BTreeMap::<u16, BTreeMap<u8, Outcome>>::new();
        let pk = CampaignKey::Block(tenant, id, block).key().pk;
        let prefix = CampaignKey::outcomes_prefix(block, attempt);
        for item in self.table.partition(&pk, &prefix, true).await? {
            if let Some(CampaignKey::Outcomes(_, _, _, attempt, _)) =
                CampaignKey::parse(&table::key_of(&item)?)
            {
                let part = table::decode::<OutcomesItem>(item)?.decode()?;
                attempts.entry(attempt).or_default().extend(part);
            }
        }
        Ok(attempts)
    }

    /// Adds statuses to the grow-only sets of one block and attempt: one write
    /// for any number of them, and a repetition changes nothing.
    pub async fn add_statuses(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: u32,
        attempt: u16,
        sets: &StatusSets,
    ) -> Result<(), Fault> {
        let key = CampaignKey::Statuses(tenant, id, block, attempt).key();
        let mut additions = Vec::new();
        let mut update = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(
                ":ttl",
                number(self.clock.now().as_second() + KEPT_SECONDS),
            );
        for status in Status::ALL {
            let set = sets.of(status);
            if !set.is_empty() {
                let code = status.code();
                let value = AttributeValue::Ns(set.iter().map(ToString::to_string).collect());
                additions.push(format!("#{code} :{code}"));
                update = update
                    .expression_attribute_names(format!("#{code}"), code)
                    .expression_attribute_values(format!(":{code}"), value);
            }
        }
        if additions.is_empty() {
            return Ok(());
        }
        update
            .update_expression(format!("ADD {} SET #ttl = :ttl", additions.join(", ")))
            .send()
            .await
            .map_err(Fault::sdk("add statuses"))?;
        Ok(())
    }

    /// The statuses of one attempt.
    pub async fn statuses(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: u32,
        attempt: u16,
    ) -> Result<StatusSets, Fault> {
        let key = CampaignKey::Statuses(tenant, id, block, attempt).key();
        let item = self.row::<StatusesItem>(&key).await?;
        Ok(item.map(StatusSets::from).unwrap_or_default())
    }
}
