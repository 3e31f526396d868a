//! B, O and S: blocks, the outcomes of their attempts, the statuses of those.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use policy::block::{Block, Outcome, Phase, RecipientState};
use policy::campaign::CampaignState;
use policy::ids::{CampaignId, OwnerNonce, TenantId};
use policy::receipt::{Status, StatusSets, Totals};
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

use super::{Campaigns, KEPT_SECONDS};
use crate::fault::Fault;
use crate::keys::{self, CampaignKey};
use crate::table::{self, Item, millis, moment, number, text};

/// A block as the table has it. Small, because every update bills all of it.
#[derive(Deserialize, Serialize)]
struct BlockItem {
    v: u8,
    #[serde(with = "serde_bytes_shim")]
    tokens: Vec<u8>,
    states: String,
    attempt: u16,
    phase: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerNonce>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<i64>,
    ttl: i64,
}

/// Bytes as one binary attribute instead of a list of numbers.
mod serde_bytes_shim {
    use serde::de::{Deserializer, Visitor};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }

        from.deserialize_byte_buf(Bytes)
    }
}

impl BlockItem {
    fn encode(block: &Block, now: Timestamp) -> Self {
        let (phase, due, owner, deadline) = match block.phase {
            Phase::Pending { due } => ("pending", Some(millis(due)), None, None),
            Phase::InFlight { owner, deadline } => {
                ("in_flight", None, Some(owner), Some(millis(deadline)))
            }
            Phase::Done => ("done", None, None, None),
        };
        Self {
            v: 1,
            tokens: block.tokens.iter().flat_map(|t| *t.as_bytes()).collect(),
            states: letters(&block.states),
            attempt: block.attempt,
            phase: phase.to_owned(),
            due,
            owner,
            deadline,
            ttl: now.as_second() + KEPT_SECONDS,
        }
    }

    fn decode(self, number: u32) -> Result<Block, Fault> {
        let damaged = |what: &'static str| Fault::lasting("read a block's item", what);
        let (tokens, rest) = self.tokens.as_chunks::<{ ContactToken::LEN }>();
        let states = self
            .states
            .chars()
            .map(RecipientState::from_letter)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| damaged("a recipient has no known state"))?;
        if !rest.is_empty() || tokens.len() != states.len() {
            return Err(damaged("tokens and states differ in length"));
        }
        let phase = match (self.phase.as_str(), self.due, self.owner, self.deadline) {
            ("pending", Some(due), _, _) => Phase::Pending { due: moment(due) },
            ("in_flight", _, Some(owner), Some(deadline)) => Phase::InFlight {
                owner,
                deadline: moment(deadline),
            },
            ("done", ..) => Phase::Done,
            _ => return Err(damaged("it has no known phase")),
        };
        Ok(Block {
            number,
            tokens: tokens
                .iter()
                .copied()
                .map(ContactToken::from_bytes)
                .collect(),
            states,
            attempt: self.attempt,
            phase,
        })
    }
}

fn letters(states: &[RecipientState]) -> String {
    states.iter().map(|state| state.letter()).collect()
}

/// One outcome; short names, because every write bills all of them.
#[derive(Deserialize, Serialize)]
struct OutcomeItem {
    s: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    w: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    d: Option<i64>,
}

impl From<&Outcome> for OutcomeItem {
    fn from(outcome: &Outcome) -> Self {
        let bare = |s: &str| Self {
            s: s.to_owned(),
            w: None,
            c: None,
            r: None,
            d: None,
        };
        match outcome {
            Outcome::Accepted { wamid } => Self {
                w: Some(wamid.clone()),
                ..bare("a")
            },
            Outcome::Rejected { code } => Self {
                c: Some(*code),
                ..bare("r")
            },
            Outcome::Refused { code, due } => Self {
                c: Some(*code),
                d: Some(millis(*due)),
                ..bare("f")
            },
            Outcome::Excluded { reason } => Self {
                r: Some(reason.clone()),
                ..bare("x")
            },
            Outcome::Deferred { reason, due } => Self {
                r: Some(reason.clone()),
                d: Some(millis(*due)),
                ..bare("d")
            },
            Outcome::Unknown => bare("u"),
        }
    }
}

impl OutcomeItem {
    fn decode(self) -> Option<Outcome> {
        Some(match (self.s.as_str(), self.w, self.c, self.r, self.d) {
            ("a", Some(wamid), ..) => Outcome::Accepted { wamid },
            ("r", _, Some(code), ..) => Outcome::Rejected { code },
            ("f", _, Some(code), _, Some(due)) => Outcome::Refused {
                code,
                due: moment(due),
            },
            ("x", _, _, Some(reason), _) => Outcome::Excluded { reason },
            ("d", _, _, Some(reason), Some(due)) => Outcome::Deferred {
                reason,
                due: moment(due),
            },
            ("u", ..) => Outcome::Unknown,
            _ => return None,
        })
    }
}

#[derive(Deserialize, Serialize)]
struct OutcomesItem {
    v: u8,
    r: BTreeMap<String, OutcomeItem>,
    ttl: i64,
}

impl OutcomesItem {
    fn decode(self) -> Result<BTreeMap<u8, Outcome>, Fault> {
        self.r
            .into_iter()
            .map(|(index, outcome)| Some((index.parse().ok()?, outcome.decode()?)))
            .collect::<Option<_>>()
            .ok_or_else(|| Fault::lasting("read outcomes", "an outcome cannot be read"))
    }
}

#[derive(Deserialize)]
struct StatusesItem {
    #[serde(default)]
    sent: Vec<u8>,
    #[serde(default)]
    delivered: Vec<u8>,
    #[serde(default)]
    read: Vec<u8>,
    #[serde(default)]
    failed: Vec<u8>,
}

impl From<StatusesItem> for StatusSets {
    fn from(item: StatusesItem) -> Self {
        Self {
            sent: item.sent.into_iter().collect(),
            delivered: item.delivered.into_iter().collect(),
            read: item.read.into_iter().collect(),
            failed: item.failed.into_iter().collect(),
        }
    }
}

/// How an attempt of a block ends.
#[derive(Clone, Copy, Debug)]
pub struct Settlement {
    /// Whose attempt.
    pub owner: OwnerNonce,
    /// Which attempt.
    pub attempt: u16,
}

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
        match answer {
            Ok(_) => Ok(Some(Block {
                phase: Phase::InFlight { owner, deadline },
                ..block.clone()
            })),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(None)
            }
            Err(error) => Err(Fault::sdk("begin a block")(error)),
        }
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
                "SET phase = :phase, states = :states, attempt = :next, due = :due REMOVE #owner, deadline"
            }
            None => {
                "SET phase = :phase, states = :states, attempt = :next REMOVE due, #owner, deadline"
            }
        };
        let mut update = self
            .table
            .client
            .update_item()
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
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(Fault::sdk("settle a block")(error)),
        }
    }

    /// Records the outcomes of an attempt so far. Its owner alone writes them,
    /// and always all of them.
    pub async fn record_outcomes(
        &self,
        tenant: TenantId,
        id: CampaignId,
        number: u32,
        attempt: u16,
        outcomes: &BTreeMap<u8, Outcome>,
    ) -> Result<(), Fault> {
        let key = CampaignKey::Outcomes(tenant, id, number, attempt).key();
        let item = OutcomesItem {
            v: 1,
            r: outcomes
                .iter()
                .map(|(index, outcome)| (index.to_string(), outcome.into()))
                .collect(),
            ttl: self.clock.now().as_second() + KEPT_SECONDS,
        };
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
        let key = CampaignKey::Outcomes(tenant, id, block, attempt).key();
        match self.row::<OutcomesItem>(&key).await? {
            Some(item) => item.decode(),
            None => Ok(BTreeMap::new()),
        }
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

    /// The blocks of a campaign, by number.
    pub async fn blocks(&self, tenant: TenantId, id: CampaignId) -> Result<Vec<Block>, Fault> {
        let mut blocks = Vec::new();
        for shard in 0..policy::block::BLOCK_SHARDS {
            let pk = keys::block_shard(tenant, id, shard);
            for item in self.table.partition(&pk, "B#", true).await? {
                if let Some(CampaignKey::Block(_, _, number)) =
                    CampaignKey::parse(&table::key_of(&item)?)
                {
                    blocks.push(table::decode::<BlockItem>(item)?.decode(number)?);
                }
            }
        }
        blocks.sort_by_key(|block| block.number);
        Ok(blocks)
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
        Some(CampaignKey::Outcomes(_, _, number, attempt)) => {
            if let Some(entry) = ledger.get_mut(&number) {
                let outcomes = table::decode::<OutcomesItem>(item)?.decode()?;
                entry.outcomes.insert(attempt, outcomes);
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
