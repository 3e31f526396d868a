//! The slot clock of a number in the table: leases over all workers together.
//!
//! One blind conditional write reserves slots ([`policy::pace::slots`] says
//! which); nothing is read first, since a write that fails brings the item
//! along. Only where others were found to keep the number busy is it looked at
//! first: a look costs a fifth of a write that fails. Every answer of the table also carries its date: a clock that is
//! provably off leases nothing.

pub(crate) mod dates;
mod item;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use policy::pace::skew;
use policy::pace::slots::{Cut, Plan, Reservation, SlotClock, Start, Wish};
pub use policy::pace::slots::{Lane, Lease};

use self::dates::Dates;
use self::item::RateItem;
use crate::clock::SharedClock;
use crate::fault::Fault;
use crate::keys::{CampaignKey, Key};
use crate::table::{self, Item, Table, number, text};

/// The slot clocks, as one process knows them.
#[derive(Clone, Debug)]
pub struct Rates {
    table: Table,
    clock: SharedClock,
    dates: Dates,
    /// Each clock as last seen. It may be old: the table's conditions decide.
    seen: Arc<Mutex<HashMap<String, Seen>>>,
}

/// What a process remembers of one clock.
#[derive(Clone, Copy, Debug)]
struct Seen {
    clock: SlotClock,
    /// The last ask found it reserved by others as far as it may be.
    is_busy: bool,
}

/// What a worker asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ask {
    /// For whom.
    pub lane: Lane,
    /// How many slots at most.
    pub wanted: u32,
    /// The rate unless it was cut, thousandths of a message per second.
    pub milli_rate: u64,
    /// How long this worker needs from asking to its first slot.
    pub lead: SignedDuration,
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
    /// Our clock is provably off, against the table's dates or against whoever
    /// leased before: nothing may be sent by this clock.
    ClockOff,
}

/// Most writes of one lease; with more the others are given time.
const TRIES: usize = 6;

/// How long after so many tries.
const BREATH: SignedDuration = SignedDuration::from_millis(20);

impl Rates {
    /// The table `name` as `client` sees it.
    pub fn new(client: Client, name: String, clock: SharedClock) -> Self {
        let dates = Dates::new(clock.clone());
        let config = client.config().to_builder().interceptor(dates.clone());
        let client = Client::from_conf(config.build());
        Self {
            table: Table::new(client, name, clock.clone()),
            clock,
            dates,
            seen: Arc::default(),
        }
    }

    /// Reserves slots of `of`, a number or whatever else has a slot clock. A
    /// clock that is not there is made.
    pub async fn lease(&self, of: &str, ask: Ask) -> Result<LeaseAnswer, Fault> {
        if !self.dates.are_bearable() {
            return Ok(LeaseAnswer::ClockOff);
        }
        let now = self.clock.now();
        let wish = Wish {
            lane: ask.lane,
            wanted: ask.wanted,
            full: ask.milli_rate,
            lead_us: i64::try_from(ask.lead.as_micros()).unwrap_or(i64::MAX),
            now: now.as_microsecond(),
        };
        let mut plan = match self.seen(of) {
            None => Some(SlotClock::unused(wish.full).follow(&wish)),
            Some(seen) if seen.is_busy => None,
            Some(seen) => Some(seen.clock.follow(&wish)),
        };
        for _ in 0..TRIES {
            let tried = match plan {
                Some(Plan::Reserve(write)) => self.reserve(of, &write).await?,
                Some(Plan::Wait { until }) => {
                    self.note_busy(of, true);
                    return Ok(LeaseAnswer::Wait { until });
                }
                None => Tried::Found(self.look(of, &wish).await?),
            };
            let answered = self.clock.now().as_microsecond();
            let stamp = match &tried {
                Tried::Reserved { stamp, .. } => *stamp,
                Tried::Found(found) => found.stamp,
            };
            if !self.dates.are_bearable() || skew::is_behind_peer(stamp, answered) {
                return Ok(LeaseAnswer::ClockOff);
            }
            match tried {
                Tried::Reserved { lease, .. } => {
                    self.note_busy(of, false);
                    return Ok(LeaseAnswer::Leased(lease));
                }
                Tried::Found(found) => {
                    self.remember(of, found);
                    plan = Some(found.plan(&wish));
                }
            }
        }
        let until = now.saturating_add(BREATH).unwrap_or(Timestamp::MAX);
        Ok(LeaseAnswer::Wait { until })
    }

    /// When slots of `of` were last leased, by the clock of whoever did; `None`
    /// if they never were.
    pub async fn leased_at(&self, of: &str) -> Result<Option<Timestamp>, Fault> {
        let Some(item) = self.table.get(&rate_key(of)).await? else {
            return Ok(None);
        };
        Ok(Timestamp::from_microsecond(decode(item)?.stamp).ok())
    }

    /// Whether nothing is known of a cut since `epoch`.
    pub fn is_current(&self, of: &str, epoch: u64) -> bool {
        self.seen(of).is_none_or(|seen| seen.clock.epoch <= epoch)
    }

    /// Slows a number down after WhatsApp said that a request in a slot of
    /// `epoch` was too fast (130429): one cut for each epoch, however many
    /// requests saw it. The rate comes back by itself.
    pub async fn slow_down(&self, of: &str, epoch: u64, milli_rate: u64) -> Result<(), Fault> {
        let now = self.clock.now().as_microsecond();
        let seen = self.seen(of).map_or(
            SlotClock {
                epoch,
                ..SlotClock::unused(milli_rate)
            },
            |seen| seen.clock,
        );
        let Some(cut) = seen.cut(epoch, milli_rate, now) else {
            return Ok(());
        };
        match self.cut(of, &cut).await? {
            None => {
                let mut seen = seen;
                seen.apply_cut(&cut);
                self.remember(of, seen);
            }
            Some(found) => self.remember(of, found),
        }
        Ok(())
    }

    /// The reservation's conditional write.
    async fn reserve(&self, of: &str, write: &Reservation) -> Result<Tried, Fault> {
        let key = rate_key(of);
        let update = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .condition_expression("epoch = :epoch AND tat BETWEEN :from AND :to")
            .expression_attribute_names("#clock", "clock")
            .expression_attribute_values(":epoch", number(write.epoch))
            .expression_attribute_values(":from", number(write.tat_from))
            .expression_attribute_values(":to", number(write.tat_to))
            .expression_attribute_values(":stamp", number(write.stamp))
            .return_values(ReturnValue::UpdatedOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = match write.start {
            Start::Follow => update
                .update_expression("SET tat = tat + :length, #clock = :stamp")
                .expression_attribute_values(":length", number(write.length_us())),
            Start::At(start) => update
                .update_expression("SET tat = :end, #clock = :stamp")
                .expression_attribute_values(":end", number(start + write.length_us())),
        };
        match update.send().await {
            Ok(answer) => {
                let old = answer.attributes.unwrap_or_default();
                let (tat, stamp) = item::old_tat_and_stamp(&old)?;
                let lease = write.lease(tat);
                Ok(Tried::Reserved { lease, stamp })
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    match failed.item().cloned() {
                        Some(old) => Ok(Tried::Found(decode(old)?)),
                        None => self.create(of, write).await.map(Tried::Found),
                    }
                }
                _ => Err(Fault::sdk("lease slots")(error)),
            },
        }
    }

    /// A cut's conditional write; the clock as it is, if that epoch was cut.
    async fn cut(&self, of: &str, cut: &Cut) -> Result<Option<SlotClock>, Fault> {
        let key = rate_key(of);
        let answer = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .update_expression("SET milli_rate = :rate, epoch = :next, paused_until = :paused")
            .condition_expression("epoch = :epoch")
            .expression_attribute_values(":epoch", number(cut.epoch))
            .expression_attribute_values(":next", number(cut.epoch + 1))
            .expression_attribute_values(":paused", number(cut.paused_until))
            .expression_attribute_values(":rate", number(cut.milli_rate))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = answer else {
            return Ok(None);
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                failed.item().cloned().map(decode).transpose()
            }
            _ => Err(Fault::sdk("slow a number down")(error)),
        }
    }

    /// Makes a clock that is not there yet. If another made it meanwhile, the
    /// next write finds out.
    async fn create(&self, of: &str, write: &Reservation) -> Result<SlotClock, Fault> {
        let unused = SlotClock {
            stamp: write.stamp,
            ..SlotClock::unused(write.milli_rate)
        };
        let item: Item = table::encode(&rate_key(of), &RateItem::from(&unused))?;
        self.table.put_new(item).await?;
        Ok(unused)
    }

    /// The clock as it is, read strongly.
    async fn look(&self, of: &str, wish: &Wish) -> Result<SlotClock, Fault> {
        match self.table.get(&rate_key(of)).await? {
            Some(item) => decode(item),
            None => Ok(SlotClock {
                stamp: wish.now,
                ..SlotClock::unused(wish.full)
            }),
        }
    }

    fn seen(&self, of: &str) -> Option<Seen> {
        self.lock().get(of).copied()
    }

    fn note_busy(&self, of: &str, is_busy: bool) {
        if let Some(known) = self.lock().get_mut(of) {
            known.is_busy = is_busy;
        }
    }

    /// What is newer stays: answers may overtake each other.
    fn remember(&self, of: &str, clock: SlotClock) {
        let mut seen = self.lock();
        match seen.get_mut(of) {
            Some(known) if known.clock.epoch > clock.epoch => (),
            Some(known) => known.clock = clock,
            None => {
                let is_busy = false;
                seen.insert(of.to_owned(), Seen { clock, is_busy });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of a reservation's write.
enum Tried {
    /// The slots, and the clock of whoever leased before.
    Reserved { lease: Lease, stamp: i64 },
    /// Nothing was written: the clock is as it is.
    Found(SlotClock),
}

fn decode(item: Item) -> Result<SlotClock, Fault> {
    Ok(SlotClock::from(&table::decode::<RateItem>(item)?))
}

fn rate_key(of: &str) -> Key {
    CampaignKey::Rate(of.to_owned()).key()
}
