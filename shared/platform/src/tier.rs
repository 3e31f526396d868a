//! How many people a portfolio may still reach today: WhatsApp's messaging
//! limit, shared by all numbers of a portfolio, over all workers together.
//!
//! One small item for each portfolio holds its tier and what is reserved. A
//! reservation is a read and a conditional write; a portfolio without a limit
//! costs a read a minute in each process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use policy::limits::{Limits, Tier, TierBuckets};
use serde::{Deserialize, Serialize};

use crate::clock::SharedClock;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::rate::dates::Dates;
use crate::table::{self, Table, number, text};

/// The messaging limits of all portfolios.
#[derive(Clone, Debug)]
pub struct Tiers {
    table: Table,
    dates: Dates,
    /// Portfolios without a limit, and when that was read.
    unlimited: Arc<Mutex<HashMap<String, Timestamp>>>,
}

/// What a reservation came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Room {
    /// For each who was asked for, in the same order, whether there is a place.
    pub granted: Vec<bool>,
    /// Whether these places are counted: not in a portfolio without a limit.
    pub is_counted: bool,
    /// When to ask for one more; the moment of asking, if there is room now.
    pub ask_again: Timestamp,
}

impl Room {
    /// For how many people there is a place.
    pub fn people(&self) -> usize {
        self.granted.iter().filter(|granted| **granted).count()
    }
}

/// How long a portfolio is taken to have no limit without looking again.
const KEPT: SignedDuration = SignedDuration::from_mins(1);

const OPERATION: &str = "keep a portfolio's reservations";

/// Writes reservations.
const KEEP: &str = "SET v = :v, version = :next, reserved = :reserved";

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
        let dates = Dates::new(clock.clone());
        let config = client.config().to_builder().interceptor(dates.clone());
        let client = Client::from_conf(config.build());
        Self {
            table: Table::new(client, name, clock),
            dates,
            unlimited: Arc::default(),
        }
    }

    /// Reserves places for people who are reached outside their service windows,
    /// within [`TierBuckets::LATEST`] after `at`. `asked` has an entry for each:
    /// the bucket where they certainly have a place already, if there is one.
    /// Such people need no room; the others get what there is, in order.
    ///
    /// Law: no sliding day holds more people than the tier allows, whoever
    /// reserves. A clock that the table's dates prove wrong reserves nothing: it
    /// would forget what still counts. That is a passing fault.
    pub async fn reserve(
        &self,
        portfolio: &str,
        at: Timestamp,
        asked: &[Option<i64>],
    ) -> Result<Room, Fault> {
        let uncounted = Room {
            granted: vec![true; asked.len()],
            is_counted: false,
            ask_again: at,
        };
        if asked.is_empty() || self.is_unlimited(portfolio, at) {
            return Ok(uncounted);
        }
        loop {
            let item = self.read(portfolio).await?;
            let tier = Limits::embedded().tier(&item.tier);
            if tier.people.is_none() {
                self.note_unlimited(portfolio, at);
                return Ok(uncounted);
            }
            if !self.dates.are_bearable() {
                return Err(Fault::passing("reserve room in a day", "this clock is off"));
            }
            let mut buckets = TierBuckets::from(&item.reserved);
            buckets.trim(at);
            let granted = places(&mut buckets, tier, at, asked);
            let ask_again = buckets.ask_again(tier, at);
            let room = Room {
                granted,
                is_counted: true,
                ask_again,
            };
            if room.people() == 0 || self.write(portfolio, &item, &buckets).await? {
                return Ok(room);
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

    /// Gives back places by bucket: of people who were certainly not reached, or
    /// who are counted in a later bucket. What is lost with a crash is lost to
    /// the tier, never to WhatsApp; so nothing is given back twice where an
    /// answer got lost.
    pub async fn give_back(
        &self,
        portfolio: &str,
        places: &BTreeMap<i64, u32>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if places.values().all(|people| *people == 0) || self.is_unlimited(portfolio, now) {
            return Ok(());
        }
        loop {
            let item = self.read(portfolio).await?;
            let mut buckets = TierBuckets::from(&item.reserved);
            for (bucket, people) in places {
                buckets.give_back(*bucket, *people);
            }
            let is_unlimited = Limits::embedded().tier(&item.tier).people.is_none();
            if is_unlimited {
                return Ok(());
            }
            let key = CampaignKey::Tier(portfolio.to_owned()).key();
            let values = kept(&item, &buckets)?;
            let written = self
                .table
                .update_once_if(key, KEEP, unchanged(&item), values, OPERATION)
                .await?;
            if written {
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
        let values = kept(seen, buckets)?;
        self.update(portfolio, KEEP, unchanged(seen), values).await
    }

    async fn update<const N: usize>(
        &self,
        portfolio: &str,
        change: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<bool, Fault> {
        let key = CampaignKey::Tier(portfolio.to_owned()).key();
        self.table
            .update_if(key, change, condition, values, OPERATION)
            .await
    }
}

/// Reserves in `buckets`; for each of `asked` whether there is a place.
fn places(
    buckets: &mut TierBuckets,
    tier: Tier,
    at: Timestamp,
    asked: &[Option<i64>],
) -> Vec<bool> {
    let mut granted: Vec<bool> = asked
        .iter()
        .map(|earlier| earlier.is_some_and(|earlier| buckets.reserve_again(at, earlier)))
        .collect();
    let others = granted.iter_mut().filter(|granted| !**granted);
    let others: Vec<&mut bool> = others.collect();
    let wanted = u32::try_from(others.len()).unwrap_or(u32::MAX);
    let people = buckets.reserve(tier, at, wanted).unwrap_or(0);
    for granted in others.into_iter().zip(0..people).map(|(other, _)| other) {
        *granted = true;
    }
    granted
}

/// That nobody has reserved since `seen`.
fn unchanged(seen: &TierItem) -> &'static str {
    if seen.version == 0 {
        "attribute_not_exists(version) OR version = :seen"
    } else {
        "version = :seen"
    }
}

/// The values of [`KEEP`] and [`unchanged`].
fn kept(
    seen: &TierItem,
    buckets: &TierBuckets,
) -> Result<[(&'static str, AttributeValue); 4], Fault> {
    let reserved = serde_dynamo::to_attribute_value(Reserved::from(buckets))
        .map_err(|error| Fault::lasting("encode a portfolio's reservations", error))?;
    Ok([
        (":v", number(1)),
        (":next", number(seen.version + 1)),
        (":seen", number(seen.version)),
        (":reserved", reserved),
    ])
}
