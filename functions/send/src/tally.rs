//! What became of a process's slots, over all its invocations.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one process.
#[derive(Debug, Default)]
pub struct Tally {
    leases: AtomicU64,
    slots: AtomicU64,
    forfeited: AtomicU64,
}

impl Tally {
    /// Leases that were made.
    pub fn leases(&self) -> u64 {
        self.leases.load(Ordering::Relaxed)
    }

    /// Slots of these leases.
    pub fn slots(&self) -> u64 {
        self.slots.load(Ordering::Relaxed)
    }

    /// Slots that were not used: too late, of a rate that was cut, or without an
    /// open connection.
    pub fn forfeited(&self) -> u64 {
        self.forfeited.load(Ordering::Relaxed)
    }

    pub(crate) fn leased(&self, slots: u32) {
        self.leases.fetch_add(1, Ordering::Relaxed);
        self.slots.fetch_add(slots.into(), Ordering::Relaxed);
    }

    pub(crate) fn forfeit(&self) {
        self.forfeited.fetch_add(1, Ordering::Relaxed);
    }
}
