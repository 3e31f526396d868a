//! The slot clock of a number: leases of time slots over all workers together.
//!
//! One conditional write reserves `k` slots of `1/r` seconds; the slots of all
//! leases are disjoint because every write moves `tat` (the theoretical arrival
//! time of GCRA, ITU-T I.371) forward from the value it returns. A slot that
//! is not used in time is forfeited, never used late.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use policy::pace::Pace;
use serde::{Deserialize, Serialize};

use crate::clock::SharedClock;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{self, Item, Table, number, text};

/// The slot clocks.
#[derive(Clone, Debug)]
pub struct Rates {
    table: Table,
}

/// Disjoint time slots, ours alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lease {
    /// The first slot.
    pub first: Timestamp,
    /// From one slot to the next, in microseconds.
    pub interval_us: i64,
    /// How many.
    pub count: u32,
    /// The rate epoch that the lease was made in.
    pub epoch: u64,
}

impl Lease {
    /// The moment of slot `at`, counted from 0.
    pub fn slot(&self, at: u32) -> Timestamp {
        let after = SignedDuration::from_micros(self.interval_us * i64::from(at));
        self.first.saturating_add(after).unwrap_or(Timestamp::MAX)
    }

    /// The moment after the last slot.
    pub fn end(&self) -> Timestamp {
        self.slot(self.count)
    }
}

/// The answer to a reservation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LeaseAnswer {
    /// Slots.
    Leased(Lease),
    /// Slots are reserved far enough ahead, or the number is paused: ask again
    /// then.
    Wait {
        /// When.
        until: Timestamp,
    },
    /// Our clock is behind the clock of whoever leased last by more than the
    /// guard: nothing may be sent by this clock.
    ClockBehind,
}

/// The item; times in microseconds since 1970.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct RateItem {
    v: u8,
    tat: i64,
    milli_rate: u64,
    epoch: u64,
    paused_until: i64,
    clock: i64,
}

/// How far ahead slots are reserved: a triggered message never waits longer.
const HORIZON_US: i64 = 400_000;

/// From now to the first slot of an idle number: one round trip of the lease.
const LEAD_US: i64 = 15_000;

/// How far one worker's clock may lag behind another's.
const CLOCK_GUARD_US: i64 = 1_500_000;

impl Rates {
    /// The table `name` as `client` sees it.
    pub fn new(client: Client, name: String, clock: SharedClock) -> Self {
        Self {
            table: Table::new(client, name, clock),
        }
    }

    /// Reserves at most `wanted` slots of `number` for a worker whose clock says
    /// `now`. A number without a slot clock gets one at the pace of `pace`.
    pub async fn lease(
        &self,
        phone_number_id: &str,
        wanted: u32,
        pace: &Pace,
        now: Timestamp,
    ) -> Result<LeaseAnswer, Fault> {
        let now = now.as_microsecond();
        loop {
            let Some(item) = self.read(phone_number_id).await? else {
                self.create(phone_number_id, pace, now).await?;
                continue;
            };
            if item.clock > now + CLOCK_GUARD_US {
                return Ok(LeaseAnswer::ClockBehind);
            }
            if item.paused_until > now {
                return Ok(wait(item.paused_until));
            }
            if item.tat > now + HORIZON_US {
                return Ok(wait(item.tat - HORIZON_US / 2));
            }
            // The number's own limit may have been lowered since the clock was made.
            let milli_rate = item.milli_rate.min(pace.milli_rate());
            if let Some(lease) = self
                .reserve(phone_number_id, &item, milli_rate, wanted, now)
                .await?
            {
                return Ok(LeaseAnswer::Leased(lease));
            }
        }
    }

    /// One try on what was read; `None` if another lease came in between.
    async fn reserve(
        &self,
        phone_number_id: &str,
        seen: &RateItem,
        milli_rate: u64,
        wanted: u32,
        now: i64,
    ) -> Result<Option<Lease>, Fault> {
        let interval_us = interval(milli_rate);
        let start = seen.tat.max(now + LEAD_US);
        let key = CampaignKey::Rate(phone_number_id.to_owned()).key();
        let answer = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
            .update_expression("SET tat = :end, #clock = :now")
            .condition_expression("tat = :seen AND epoch = :epoch AND paused_until = :paused")
            .expression_attribute_names("#clock", "clock")
            .expression_attribute_values(":end", number(start + interval_us * i64::from(wanted)))
            .expression_attribute_values(":epoch", number(seen.epoch))
            .expression_attribute_values(":now", number(now.max(seen.clock)))
            .expression_attribute_values(":paused", number(seen.paused_until))
            .expression_attribute_values(":seen", number(seen.tat))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Some(Lease {
                first: Timestamp::from_microsecond(start).unwrap_or(Timestamp::MAX),
                interval_us,
                count: wanted,
                epoch: seen.epoch,
            })),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(Fault::sdk("lease slots")(error)),
        }
    }

    /// Slows a number down after WhatsApp said it was too fast (130429): one
    /// cut for each epoch, however many requests saw it.
    pub async fn slow_down(
        &self,
        phone_number_id: &str,
        epoch: u64,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let Some(item) = self.read(phone_number_id).await? else {
            return Ok(());
        };
        if item.epoch != epoch {
            return Ok(());
        }
        let key = CampaignKey::Rate(phone_number_id.to_owned()).key();
        let answer = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
            .update_expression("SET milli_rate = :rate, epoch = :next, paused_until = :paused")
            .condition_expression("epoch = :epoch")
            .expression_attribute_values(":epoch", number(epoch))
            .expression_attribute_values(":next", number(epoch + 1))
            .expression_attribute_values(":paused", number(now.as_microsecond() + 1_000_000))
            .expression_attribute_values(":rate", number((item.milli_rate * 4 / 5).max(1_000)))
            .return_values(ReturnValue::None)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(Fault::sdk("slow a number down")(error)),
        }
    }

    async fn read(&self, phone_number_id: &str) -> Result<Option<RateItem>, Fault> {
        let key = CampaignKey::Rate(phone_number_id.to_owned()).key();
        self.table.get(&key).await?.map(table::decode).transpose()
    }

    async fn create(&self, phone_number_id: &str, pace: &Pace, now: i64) -> Result<(), Fault> {
        let key = CampaignKey::Rate(phone_number_id.to_owned()).key();
        let row = RateItem {
            v: 1,
            tat: 0,
            milli_rate: pace.milli_rate(),
            epoch: 1,
            paused_until: 0,
            clock: now,
        };
        let item: Item = table::encode(&key, &row)?;
        self.table.put_new(item).await?;
        Ok(())
    }
}

fn wait(until_us: i64) -> LeaseAnswer {
    LeaseAnswer::Wait {
        until: Timestamp::from_microsecond(until_us).unwrap_or(Timestamp::MAX),
    }
}

/// Microseconds from slot to slot, rounded up: the rate is never exceeded.
fn interval(milli_rate: u64) -> i64 {
    i64::try_from(1_000_000_000_u64.div_ceil(milli_rate.max(1))).unwrap_or(i64::MAX)
}
