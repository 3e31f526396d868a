//! How many people a portfolio may still reach today: WhatsApp's messaging
//! limit, shared by all numbers of a portfolio, over all workers together.
//!
//! One small item for each portfolio holds its tier and what is reserved. A
//! reservation is a read and a conditional write; a portfolio without a limit
//! costs a read a minute in each process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use policy::limits::{Limits, TierBuckets};
use serde::{Deserialize, Serialize};

use crate::clock::SharedClock;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{self, Table, number, text};

/// The messaging limits of all portfolios.
#[derive(Clone, Debug)]
pub struct Tiers {
    table: Table,
    /// Portfolios without a limit, and when that was read.
    unlimited: Arc<Mutex<HashMap<String, Timestamp>>>,
}

/// What a reservation came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Room {
    /// For how many people there is room.
    pub people: u32,
    /// When to ask for one more; the moment of asking, if there is room now.
    pub ask_again: Timestamp,
}

/// How long a portfolio is taken to have no limit without looking again.
const KEPT: SignedDuration = SignedDuration::from_mins(1);

/// The item. A portfolio that was never described has the first tier.
#[derive(Debug, Default, Deserialize, Serialize)]
struct TierItem {
    /// The tier as WhatsApp names it.
    #[serde(default)]
    tier: String,
    /// Rises with every change.
    #[serde(default)]
    version: u64,
    /// What is reserved, by bucket.
    #[serde(default)]
    reserved: Reserved,
}

/// Buckets and people by turns: half the size of a map.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Reserved(Vec<i64>);

impl From<&TierBuckets> for Reserved {
    fn from(buckets: &TierBuckets) -> Self {
        let entries = buckets.entries();
        Self(
            entries
                .flat_map(|(at, people)| [at, people.into()])
                .collect(),
        )
    }
}

impl From<&Reserved> for TierBuckets {
    fn from(reserved: &Reserved) -> Self {
        let pairs = reserved.0.chunks_exact(2);
        Self::from_entries(pairs.map(|pair| (pair[0], u32::try_from(pair[1]).unwrap_or(u32::MAX))))
    }
}

impl Tiers {
    /// The table `name` as `client` sees it.
    pub fn new(client: Client, name: String, clock: SharedClock) -> Self {
        Self {
            table: Table::new(client, name, clock),
            unlimited: Arc::default(),
        }
    }

    /// Reserves room for up to `wanted` people who are reached outside their
    /// service windows, within [`TierBuckets::LATEST`] after `at`.
    ///
    /// Law: no sliding day holds more than the tier allows, whoever reserves.
    pub async fn reserve(
        &self,
        portfolio: &str,
        at: Timestamp,
        wanted: u32,
    ) -> Result<Room, Fault> {
        let whole = Room {
            people: wanted,
            ask_again: at,
        };
        if wanted == 0 || self.is_unlimited(portfolio, at) {
            return Ok(whole);
        }
        loop {
            let item = self.read(portfolio).await?;
            let tier = Limits::embedded().tier(&item.tier);
            if tier.people.is_none() {
                self.note_unlimited(portfolio, at);
                return Ok(whole);
            }
            let mut buckets = TierBuckets::from(&item.reserved);
            buckets.trim(at);
            let Ok(people) = buckets.reserve(tier, at, wanted) else {
                return Ok(Room {
                    people: 0,
                    ask_again: buckets.ask_again(tier, at),
                });
            };
            if self.write(portfolio, &item, &buckets).await? {
                let ask_again = buckets.ask_again(tier, at);
                return Ok(Room { people, ask_again });
            }
        }
    }

    /// When to ask for room at or after `at`; `at`, if there is room then.
    /// Reserves nothing.
    pub async fn ask_again(&self, portfolio: &str, at: Timestamp) -> Result<Timestamp, Fault> {
        if self.is_unlimited(portfolio, at) {
            return Ok(at);
        }
        let item = self.read(portfolio).await?;
        let tier = Limits::embedded().tier(&item.tier);
        if tier.people.is_none() {
            self.note_unlimited(portfolio, at);
        }
        Ok(TierBuckets::from(&item.reserved).ask_again(tier, at))
    }

    /// Gives back what was reserved at `at` for people who were certainly not
    /// reached. What is lost with a crash is lost to the tier, never to WhatsApp.
    pub async fn give_back(
        &self,
        portfolio: &str,
        at: Timestamp,
        unused: u32,
    ) -> Result<(), Fault> {
        if unused == 0 || self.is_unlimited(portfolio, at) {
            return Ok(());
        }
        loop {
            let item = self.read(portfolio).await?;
            let mut buckets = TierBuckets::from(&item.reserved);
            buckets.give_back(at, unused);
            let is_unlimited = Limits::embedded().tier(&item.tier).people.is_none();
            if is_unlimited || self.write(portfolio, &item, &buckets).await? {
                return Ok(());
            }
        }
    }

    /// Notes the tier of a portfolio as WhatsApp names it, such as `TIER_2K`.
    pub async fn note_tier(&self, portfolio: &str, tier: &str) -> Result<(), Fault> {
        let change = "SET v = :v, tier = :tier";
        let condition = "attribute_not_exists(tier) OR tier <> :tier";
        let values = [(":v", number(1)), (":tier", text(tier))];
        self.update(portfolio, change, condition, values).await?;
        Ok(())
    }

    /// Notes the tier of a portfolio in its operator's word, where WhatsApp cannot be
    /// asked: it counts until WhatsApp announces one.
    pub async fn assume_tier(&self, portfolio: &str, tier: &str) -> Result<(), Fault> {
        let change = "SET v = :v, tier = :tier";
        let condition =
            "attribute_not_exists(heard_at) AND (attribute_not_exists(tier) OR tier <> :tier)";
        let values = [(":v", number(1)), (":tier", text(tier))];
        self.update(portfolio, change, condition, values).await?;
        Ok(())
    }

    /// Notes a tier that WhatsApp announced at `told_at`, unless a later
    /// announcement is noted: they come in any order and more than once.
    pub async fn hear_tier(
        &self,
        portfolio: &str,
        tier: &str,
        told_at: Timestamp,
    ) -> Result<(), Fault> {
        let change = "SET v = :v, tier = :tier, heard_at = :at";
        let condition = "attribute_not_exists(heard_at) OR heard_at < :at";
        let values = [
            (":v", number(1)),
            (":tier", text(tier)),
            (":at", number(table::millis(told_at))),
        ];
        self.update(portfolio, change, condition, values).await?;
        Ok(())
    }

    /// The tier of a portfolio as WhatsApp names it; empty if nobody ever said.
    pub async fn tier(&self, portfolio: &str) -> Result<String, Fault> {
        Ok(self.read(portfolio).await?.tier)
    }

    fn is_unlimited(&self, portfolio: &str, now: Timestamp) -> bool {
        let known = self.lock().get(portfolio).copied();
        known.is_some_and(|at| now.duration_since(at) < KEPT)
    }

    fn note_unlimited(&self, portfolio: &str, now: Timestamp) {
        self.lock().insert(portfolio.to_owned(), now);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.unlimited
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, portfolio: &str) -> Result<TierItem, Fault> {
        let key = CampaignKey::Tier(portfolio.to_owned()).key();
        let item = self.table.get(&key).await?;
        Ok(item.map(table::decode).transpose()?.unwrap_or_default())
    }

    /// `false` if somebody else has written since `seen`.
    async fn write(
        &self,
        portfolio: &str,
        seen: &TierItem,
        buckets: &TierBuckets,
    ) -> Result<bool, Fault> {
        let reserved = serde_dynamo::to_attribute_value(Reserved::from(buckets))
            .map_err(|error| Fault::lasting("encode a portfolio's reservations", error))?;
        let change = "SET v = :v, version = :next, reserved = :reserved";
        let condition = if seen.version == 0 {
            "attribute_not_exists(version) OR version = :seen"
        } else {
            "version = :seen"
        };
        let values = [
            (":v", number(1)),
            (":next", number(seen.version + 1)),
            (":seen", number(seen.version)),
            (":reserved", reserved),
        ];
        self.update(portfolio, change, condition, values).await
    }

    async fn update<const N: usize>(
        &self,
        portfolio: &str,
        change: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<bool, Fault> {
        let key = CampaignKey::Tier(portfolio.to_owned()).key();
        let operation = "keep a portfolio's reservations";
        self.table
            .update_if(key, change, condition, values, operation)
            .await
    }
}
