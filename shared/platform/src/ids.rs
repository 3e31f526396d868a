//! The only minter of ids: UUIDv7 (RFC 9562) from the clock and randomness.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rand::rngs::{OsRng, SmallRng};
use rand::{Rng as _, SeedableRng as _, TryRngCore as _};
use secrecy::SecretString;
use uuid::Uuid;

use crate::fault::Fault;

/// A secret: 256 random bits of the operating system, in hexadecimal.
pub fn secret() -> Result<SecretString, Fault> {
    let mut bytes = [0; 32];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Fault::lasting("draw a secret", error))?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(digits.into())
}

/// Mints ids; cheap to clone and shared by everything in one process.
#[derive(Clone, Debug)]
pub struct Ids(Arc<Mutex<SmallRng>>);

impl Ids {
    /// Ids that nobody can foresee.
    pub fn random() -> Self {
        Self(Arc::new(Mutex::new(SmallRng::from_os_rng())))
    }

    /// The same ids in every run, for tests and the demo.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(SmallRng::seed_from_u64(seed))))
    }

    /// A UUIDv7 of `now`.
    pub fn mint(&self, now: Timestamp) -> Uuid {
        let random: [u8; 10] = self.0.lock().expect("minting does not panic").random();
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A number in `[0, 1)`, for jitter.
    pub fn fraction(&self) -> f64 {
        self.0.lock().expect("drawing does not panic").random()
    }
}
