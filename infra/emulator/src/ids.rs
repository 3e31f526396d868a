//! Ids that AWS would draw at random, here counted, so that a test that runs
//! twice sees the same ones.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

/// Mints UUIDs: distinct within one process, and between processes unless they
/// start at the same millisecond.
#[derive(Debug)]
pub(crate) struct Ids {
    origin: u64,
    next: AtomicU64,
}

impl Ids {
    pub(crate) fn new(origin: Timestamp) -> Self {
        Self {
            origin: origin.as_millisecond().unsigned_abs(),
            next: AtomicU64::new(1),
        }
    }

    /// The next UUID, as text.
    pub(crate) fn mint(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let bytes = ((u128::from(self.origin) << 64) | u128::from(number)).to_be_bytes();
        let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
        id.hyphenated().to_string()
    }
}
