//! The most frequent values of a stream.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most frequent values of a stream, with few counters (Misra and Gries
/// 1982): a count is at most `all / COUNTERS` too low, never too high.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct HeavyHitters(BTreeMap<u64, u64>);

/// How many counters.
const COUNTERS: usize = 128;

impl HeavyHitters {
    pub(super) fn push(&mut self, value: u64) {
        if let Some(count) = self.0.get_mut(&value) {
            *count += 1;
        } else if self.0.len() < COUNTERS {
            self.0.insert(value, 1);
        } else {
            self.0.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
    }

    pub(super) fn most(&self) -> u64 {
        self.0.values().copied().max().unwrap_or(0)
    }
}
