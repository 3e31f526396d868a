//! RATE as the table has it; times in microseconds since 1970.

use policy::pace::slots::SlotClock;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::table::Item;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct RateItem {
    v: u8,
    tat: i64,
    /// What the last cut left.
    milli_rate: u64,
    epoch: u64,
    paused_until: i64,
    /// The clock of whoever leased last.
    clock: i64,
}

impl From<&SlotClock> for RateItem {
    fn from(clock: &SlotClock) -> Self {
        Self {
            v: 1,
            tat: clock.tat,
            milli_rate: clock.cut_milli_rate,
            epoch: clock.epoch,
            paused_until: clock.paused_until,
            clock: clock.stamp,
        }
    }
}

impl From<&RateItem> for SlotClock {
    fn from(item: &RateItem) -> Self {
        Self {
            tat: item.tat,
            epoch: item.epoch,
            cut_milli_rate: item.milli_rate,
            paused_until: item.paused_until,
            stamp: item.clock,
        }
    }
}

/// What a reservation's write found: the next free moment, and the clock of
/// whoever leased before.
pub(super) fn old_tat_and_stamp(old: &Item) -> Result<(i64, i64), Fault> {
    let part = |name: &str| old.get(name)?.as_n().ok()?.parse().ok();
    part("tat")
        .zip(part("clock"))
        .ok_or_else(|| Fault::lasting("lease slots", "the answer lacks what was there before"))
}
