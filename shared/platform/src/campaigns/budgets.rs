//! BUDGET: a campaign's money. What a block may cost is reserved in the same
//! transaction as its intent, and what was not spent goes back in the same
//! transaction as its settlement, so that a repetition changes nothing.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use jiff::Timestamp;
use policy::block::{Block, Phase};
use policy::budget::{Budget, Reservation};
use policy::ids::{CampaignId, OwnerNonce, TenantId};
use serde::Deserialize;

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{millis, number, text};

/// A budget and what is reserved of it: spent, or in the hands of a worker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CampaignBudget {
    /// The budget.
    pub budget: Budget,
    /// In millionths.
    pub reserved: u64,
}

/// What became of an intent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Begun {
    /// The block is ours.
    Block(Block),
    /// The block is not due, not pending, or not at the attempt that was read.
    NotDue,
    /// The budget has no room for it: nothing is written.
    Spent,
}

#[derive(Deserialize)]
struct BudgetItem {
    money_cap: u64,
    #[serde(default)]
    unknown_price: Option<u64>,
    #[serde(default)]
    money_reserved: u64,
}

/// How often a transaction is tried against others.
const TRIES: u32 = 10;

impl Campaigns {
    /// A campaign's budget, read strongly; `None` if it may cost what it does.
    pub async fn budget(
        &self,
        tenant: TenantId,
        id: CampaignId,
    ) -> Result<Option<CampaignBudget>, Fault> {
        let item: Option<BudgetItem> = self.row(&CampaignKey::Budget(tenant, id).key()).await?;
        Ok(item.map(|item| CampaignBudget {
            budget: Budget {
                cap: item.money_cap,
                unknown_price: item.unknown_price,
            },
            reserved: item.money_reserved,
        }))
    }

    /// Sets or changes a campaign's budget; what is reserved stays reserved.
    pub async fn put_budget(
        &self,
        tenant: TenantId,
        id: CampaignId,
        budget: &Budget,
    ) -> Result<(), Fault> {
        let mut change = "SET money_cap = :cap, \
                          money_reserved = if_not_exists(money_reserved, :none)"
            .to_owned();
        match budget.unknown_price {
            Some(_) => change.push_str(", unknown_price = :unknown"),
            None => change.push_str(" REMOVE unknown_price"),
        }
        let key = CampaignKey::Budget(tenant, id).key();
        let mut update = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
            .update_expression(change)
            .expression_attribute_values(":cap", number(budget.cap))
            .expression_attribute_values(":none", number(0));
        if let Some(price) = budget.unknown_price {
            update = update.expression_attribute_values(":unknown", number(price));
        }
        update.send().await.map_err(Fault::sdk("set a budget"))?;
        Ok(())
    }

    /// The durable intent with a reservation: [`Campaigns::begin_block`], and
    /// the money, or neither.
    #[expect(
        clippy::too_many_arguments,
        reason = "those of the intent, and the money"
    )]
    pub async fn begin_block_reserving(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: &Block,
        owner: OwnerNonce,
        deadline: Timestamp,
        now: Timestamp,
        reservation: &Reservation,
    ) -> Result<Begun, Fault> {
        for _ in 0..TRIES {
            let Some(known) = self.budget(tenant, id).await? else {
                return Err(Fault::lasting("reserve money", "there is no budget"));
            };
            let Some(room) = known.budget.cap.checked_sub(reservation.total()) else {
                return Ok(Begun::Spent);
            };
            if known.reserved > room {
                return Ok(Begun::Spent);
            }
            let money = self
                .budget_update(tenant, id)
                .update_expression("SET money_reserved = money_reserved + :price")
                .condition_expression("money_cap = :cap AND money_reserved <= :room")
                .expression_attribute_values(":cap", number(known.budget.cap))
                .expression_attribute_values(":price", number(reservation.total()))
                .expression_attribute_values(":room", number(room));
            let key = CampaignKey::Block(tenant, id, block.number).key();
            let intent = Update::builder()
                .table_name(&self.table.name)
                .key("pk", text(key.pk))
                .key("sk", text(key.sk))
                .update_expression(
                    "SET phase = :flight, #owner = :owner, deadline = :deadline, \
                     reserved = :reserved REMOVE due",
                )
                .condition_expression("attempt = :attempt AND phase = :pending AND due <= :now")
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":attempt", number(block.attempt))
                .expression_attribute_values(":deadline", number(millis(deadline)))
                .expression_attribute_values(":flight", text("in_flight"))
                .expression_attribute_values(":now", number(millis(now)))
                .expression_attribute_values(":owner", text(owner.to_string()))
                .expression_attribute_values(":pending", text("pending"))
                .expression_attribute_values(":reserved", text(reservation.to_string()));
            match self.transact([intent, money], "begin a block").await? {
                Transacted::Done => {
                    return Ok(Begun::Block(Block {
                        phase: Phase::InFlight { owner, deadline },
                        reservation: Some(reservation.clone()),
                        ..block.clone()
                    }));
                }
                Transacted::Failed(0) => return Ok(Begun::NotDue),
                Transacted::Failed(_) | Transacted::Conflict => (),
            }
        }
        Err(Fault::passing(
            "begin a block",
            "others keep reserving money",
        ))
    }

    /// Ends an attempt by `settle`, and gives `back` what it did not spend.
    pub(super) async fn settle_reserved(
        &self,
        tenant: TenantId,
        id: CampaignId,
        settle: aws_sdk_dynamodb::types::builders::UpdateBuilder,
        back: u64,
    ) -> Result<bool, Fault> {
        for _ in 0..TRIES {
            let money = self
                .budget_update(tenant, id)
                .update_expression("SET money_reserved = money_reserved - :back")
                .condition_expression("money_reserved >= :back")
                .expression_attribute_values(":back", number(back));
            match self
                .transact([settle.clone(), money], "settle a block")
                .await?
            {
                Transacted::Done => return Ok(true),
                Transacted::Failed(0) => return Ok(false),
                Transacted::Failed(_) => {
                    return Err(Fault::lasting(
                        "settle a block",
                        "its money was not reserved",
                    ));
                }
                Transacted::Conflict => (),
            }
        }
        Err(Fault::passing(
            "settle a block",
            "others keep moving the budget",
        ))
    }

    fn budget_update(
        &self,
        tenant: TenantId,
        id: CampaignId,
    ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        let key = CampaignKey::Budget(tenant, id).key();
        Update::builder()
            .table_name(&self.table.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
    }

    /// Updates together, or none of them.
    async fn transact(
        &self,
        updates: [aws_sdk_dynamodb::types::builders::UpdateBuilder; 2],
        operation: &'static str,
    ) -> Result<Transacted, Fault> {
        let mut transaction = self.table.client.transact_write_items();
        for update in updates {
            let update = update
                .build()
                .map_err(|error| Fault::lasting(operation, error))?;
            let item = TransactWriteItem::builder().update(update).build();
            transaction = transaction.transact_items(item);
        }
        let Err(error) = transaction.send().await else {
            return Ok(Transacted::Done);
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        else {
            return Err(Fault::sdk(operation)(error));
        };
        let reasons = cancelled.cancellation_reasons();
        let at = |code: &str| {
            reasons
                .iter()
                .position(|reason| reason.code() == Some(code))
        };
        if let Some(at) = at("ConditionalCheckFailed") {
            Ok(Transacted::Failed(at))
        } else if at("TransactionConflict").is_some() {
            Ok(Transacted::Conflict)
        } else {
            Err(Fault::sdk(operation)(error))
        }
    }
}

/// What became of a transaction.
enum Transacted {
    /// Everything is written.
    Done,
    /// The condition of this part does not hold.
    Failed(usize),
    /// Somebody else wrote at the same time.
    Conflict,
}
