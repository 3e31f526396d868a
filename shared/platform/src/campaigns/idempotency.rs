//! Idempotency keys of the API: one key, one payload, one answer.

use policy::ids::TenantId;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table;

/// The answer that a key got.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Answer {
    /// SHA-256 of the request that got it, in hexadecimal: the same key with
    /// another payload is a mistake of the caller.
    pub request_sha256: String,
    /// The id that the request made.
    pub made: String,
    /// Seconds since 1970 after which the table forgets it.
    pub ttl: i64,
}

impl Answer {
    /// How long a key is remembered, in seconds: a day, as the draft standard
    /// "The Idempotency-Key HTTP Header Field" leaves to the server.
    pub const KEPT_SECONDS: i64 = 24 * 3600;
}

impl Campaigns {
    /// Takes `key` for a request; whoever had it first keeps it, and the answer
    /// that stands is returned.
    pub async fn take_idempotency_key(
        &self,
        tenant: TenantId,
        key: &str,
        answer: Answer,
    ) -> Result<Answer, Fault> {
        let key = CampaignKey::Idempotency(tenant, key.to_owned()).key();
        loop {
            let item = table::encode(&key, &answer)?;
            if self.table.put_new(item).await? {
                return Ok(answer);
            }
            // Expired in between: try again to take it.
            if let Some(first) = self.row(&key).await? {
                return Ok(first);
            }
        }
    }
}
