//! Secrets, cached for a few minutes so that a rotation reaches everybody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::clock::SharedClock;
use crate::fault::Fault;

/// How long a value is used before it is read again.
const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// A secret's name, and which of its values were asked for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Asked {
    name: String,
    stages: Stages,
}

/// What was read, and when.
#[derive(Clone, Debug)]
struct Known {
    read_at: Timestamp,
    values: Vec<SecretString>,
}

/// Which values of a secret.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Stages {
    Both,
    Current,
}

/// Reads secrets by name or ARN.
#[derive(Clone, Debug)]
pub struct Secrets {
    client: aws_sdk_secretsmanager::Client,
    clock: SharedClock,
    cache: Arc<Mutex<HashMap<Asked, Known>>>,
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
        let values = self.cached(name, Stages::Current).await?;
        Ok(values
            .into_iter()
            .next()
            .expect("the current value is there"))
    }

    /// The values that are valid during a rotation: the current one first, then
    /// the previous one, if there is any. At most five minutes old.
    pub async fn read_both(&self, name: &str) -> Result<Vec<SecretString>, Fault> {
        self.cached(name, Stages::Both).await
    }

    async fn cached(&self, name: &str, stages: Stages) -> Result<Vec<SecretString>, Fault> {
        let now = self.clock.now();
        let asked = Asked {
            name: name.to_owned(),
            stages,
        };
        if let Some(known) = self.cache().get(&asked)
            && now.duration_since(known.read_at) < KEPT
        {
            return Ok(known.values.clone());
        }
        let current = self.fetch(name, "AWSCURRENT").await?;
        let mut values = vec![current.ok_or_else(|| {
            Fault::lasting(
                "read a secret",
                "there is no secret of that name with a value",
            )
        })?];
        if stages == Stages::Both {
            values.extend(self.fetch(name, "AWSPREVIOUS").await?);
        }
        let known = Known {
            read_at: now,
            values: values.clone(),
        };
        self.cache().insert(asked, known);
        Ok(values)
    }

    /// One version of a secret; `None` if there is none.
    async fn fetch(&self, name: &str, stage: &str) -> Result<Option<SecretString>, Fault> {
        let answer = self
            .client
            .get_secret_value()
            .secret_id(name)
            .version_stage(stage)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_resource_not_found_exception()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(Fault::sdk("read a secret")(error)),
        };
        let text = answer
            .secret_string
            .ok_or_else(|| Fault::lasting("read a secret", "the secret holds no text"))?;
        Ok(Some(SecretString::from(text)))
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<Asked, Known>> {
        self.cache.lock().expect("the cache's holders do not panic")
    }
}
