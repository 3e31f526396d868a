//! Secrets, cached for a few minutes so that a rotation reaches everybody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::clock::SharedClock;
use crate::fault::Fault;

/// How long a value is used before it is read again.
const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// Reads secrets by name or ARN.
#[derive(Clone, Debug)]
pub struct Secrets {
    client: aws_sdk_secretsmanager::Client,
    clock: SharedClock,
    cache: Arc<Mutex<HashMap<String, (Timestamp, SecretString)>>>,
}

impl Secrets {
    /// Reads through `client`.
    pub fn new(client: aws_sdk_secretsmanager::Client, clock: SharedClock) -> Self {
        Self {
            client,
            clock,
            cache: Arc::default(),
        }
    }

    /// The current value of a secret, at most five minutes old.
    pub async fn read(&self, name: &str) -> Result<SecretString, Fault> {
        let now = self.clock.now();
        if let Some((read_at, value)) = self.cache().get(name)
            && now.duration_since(*read_at) < KEPT
        {
            return Ok(value.clone());
        }
        let answer = self
            .client
            .get_secret_value()
            .secret_id(name)
            .send()
            .await
            .map_err(Fault::sdk("read a secret"))?;
        let text = answer
            .secret_string
            .ok_or_else(|| Fault::lasting("read a secret", "the secret holds no text"))?;
        let value = SecretString::from(text);
        self.cache().insert(name.to_owned(), (now, value.clone()));
        Ok(value)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Timestamp, SecretString)>> {
        self.cache.lock().expect("the cache's holders do not panic")
    }
}
