//! FINDING: what a named person found out about a message in doubt.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use policy::block::{Block, RecipientState};
use policy::ids::{CampaignId, TenantId};
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{self, millis};

/// A message of which nobody knows whether WhatsApp took it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Doubt {
    /// Its block.
    pub block: u32,
    /// Its place in the block.
    pub index: u8,
    /// Whose it is.
    pub token: ContactToken,
}

/// What a person found out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Whether WhatsApp took the message.
    pub was_sent: bool,
    /// Who says so.
    pub by: String,
    /// What it is based on.
    pub evidence: String,
    /// When.
    pub at: Timestamp,
}

#[derive(Deserialize, Serialize)]
struct FindingItem {
    v: u8,
    was_sent: bool,
    found_by: String,
    evidence: String,
    found_at: i64,
}

impl Campaigns {
    /// The messages in doubt, at most `limit`. A status settles a doubt, so one
    /// that has a status is none.
    pub async fn doubts(
        &self,
        tenant: TenantId,
        id: CampaignId,
        limit: usize,
    ) -> Result<Vec<Doubt>, Fault> {
        let survey = self.survey(tenant, id, self.clock.now()).await?;
        let mut doubts = Vec::new();
        for block in &survey.doubtful {
            let states = self.proved(tenant, id, block).await?;
            for (index, state) in (0..=u8::MAX).zip(states) {
                if state == RecipientState::Unknown {
                    let token = block.tokens[usize::from(index)];
                    doubts.push(Doubt {
                        block: block.number,
                        index,
                        token,
                    });
                }
            }
            if doubts.len() >= limit {
                doubts.truncate(limit);
                break;
            }
        }
        Ok(doubts)
    }

    /// The states of a block with everybody accepted whose doubt a status
    /// settles.
    pub async fn proved(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: &Block,
    ) -> Result<Vec<RecipientState>, Fault> {
        let mut states = block.states.clone();
        for attempt in 1..=block.attempt {
            let sets = self.statuses(tenant, id, block.number, attempt).await?;
            for (index, state) in (0..=u8::MAX).zip(&mut states) {
                if *state == RecipientState::Unknown && sets.proves_acceptance(index) {
                    *state = RecipientState::Accepted;
                }
            }
        }
        Ok(states)
    }

    /// Settles a doubt as a person found it; `false` if there is none any more.
    /// What was not sent is never sent by itself.
    pub async fn settle_doubt(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: &Block,
        index: u8,
        finding: &Finding,
    ) -> Result<bool, Fault> {
        let mut next = block.clone();
        match next.states.get_mut(usize::from(index)) {
            Some(state) if *state == RecipientState::Unknown => {
                *state = if finding.was_sent {
                    RecipientState::Accepted
                } else {
                    RecipientState::Cancelled
                };
            }
            Some(_) | None => return Ok(false),
        }
        let update = self.idle_update(tenant, id, block, &next)?;
        let key = CampaignKey::Finding(tenant, id, block.number, index).key();
        let item = FindingItem {
            v: 1,
            was_sent: finding.was_sent,
            found_by: finding.by.clone(),
            evidence: finding.evidence.clone(),
            found_at: millis(finding.at),
        };
        let put = Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(table::encode(&key, &item)?))
            .build()
            .map_err(|error| Fault::lasting("settle a doubt", error))?;
        let answer = self
            .table
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(update).build())
            .transact_items(TransactWriteItem::builder().put(put).build())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(
                    error.as_service_error(),
                    Some(TransactWriteItemsError::TransactionCanceledException(_))
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(Fault::sdk("settle a doubt")(error)),
        }
    }

    /// What a person found out about one message, if somebody did.
    pub async fn finding(
        &self,
        tenant: TenantId,
        id: CampaignId,
        block: u32,
        index: u8,
    ) -> Result<Option<Finding>, Fault> {
        let key = CampaignKey::Finding(tenant, id, block, index).key();
        let item: Option<FindingItem> = self.row(&key).await?;
        Ok(item.map(|item| Finding {
            was_sent: item.was_sent,
            by: item.found_by,
            evidence: item.evidence,
            at: table::moment(item.found_at),
        }))
    }
}
