//! Chance that does not depend on the order in which things happen.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

use crate::config::Delay;

/// The one seed of a simulation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// A stream of chance for one question (`domain`) about one thing (`key`).
    ///
    /// The same seed, question and thing give the same stream, whatever was
    /// asked before.
    pub(crate) fn chance(self, domain: &str, key: &str) -> Chance {
        Chance(SmallRng::from_seed(self.digest(domain, key)))
    }

    /// 32 bytes that name (`domain`, `key`) under this seed.
    pub(crate) fn digest(self, domain: &str, key: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.0.to_be_bytes())
            .chain_update(domain)
            .chain_update([0])
            .chain_update(key)
            .finalize()
            .into()
    }
}

/// One stream of chance.
#[derive(Debug)]
pub(crate) struct Chance(SmallRng);

impl Chance {
    /// Whether something of this probability happens. Out-of-range
    /// probabilities count as never and always.
    pub(crate) fn hits(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// A number in `0..1`.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0.random()
    }

    /// A delay from its range, every length equally likely.
    pub(crate) fn delay(&mut self, delay: Delay) -> Duration {
        let width = delay.to.saturating_sub(delay.from);
        delay.from + width.mul_f64(self.fraction())
    }

    /// One of `items`.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.0.random_range(0..items.len())]
    }
}
