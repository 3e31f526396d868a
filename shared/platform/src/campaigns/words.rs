//! Where a person's words are kept: for their copy, for their erasure, and for
//! the number of a stranger who gets an answer. The words themselves lie in
//! objects under `inbound/`, one for each person of a delivery.

use jiff::Timestamp;
use policy::ids::{EventId, TenantId};
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Campaigns;
use super::events::EVENTS_KEPT;
use crate::fault::Fault;
use crate::keys::{self, CampaignKey};
use crate::table::{self, millis, moment};

/// Where words of one person lie.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WordsPlace {
    /// When the last of them was said.
    pub at: Timestamp,
    /// The object.
    pub object: String,
}

#[derive(Deserialize, Serialize)]
struct WordsItem {
    v: u8,
    at: i64,
    object: String,
    ttl: i64,
}

impl WordsPlace {
    fn key(&self, tenant: TenantId, token: ContactToken) -> CampaignKey {
        let digest = Sha256::digest(self.object.as_bytes());
        CampaignKey::Words(tenant, token, EventId::of_digest(&digest.into()))
    }
}

impl Campaigns {
    /// Notes where words of a person are kept; a repetition changes nothing.
    pub async fn note_words(
        &self,
        tenant: TenantId,
        token: ContactToken,
        words: &WordsPlace,
    ) -> Result<(), Fault> {
        let kept = words.at.saturating_add(EVENTS_KEPT);
        let item = WordsItem {
            v: 1,
            at: millis(words.at),
            object: words.object.clone(),
            ttl: kept.unwrap_or(Timestamp::MAX).as_second(),
        };
        self.put_row(&words.key(tenant, token).key(), &item).await
    }

    /// Where a person's words are kept, oldest first.
    pub async fn words_of(
        &self,
        tenant: TenantId,
        token: ContactToken,
    ) -> Result<Vec<WordsPlace>, Fault> {
        let pk = keys::words_of(tenant, token);
        let items = self.table.partition(&pk, "", true).await?;
        let mut words = Vec::with_capacity(items.len());
        for item in items {
            let WordsItem { at, object, .. } = table::decode(item)?;
            let at = moment(at);
            words.push(WordsPlace { at, object });
        }
        words.sort_by(|a, b| (a.at, &a.object).cmp(&(b.at, &b.object)));
        Ok(words)
    }

    /// Words are kept no more.
    pub async fn forget_words(
        &self,
        tenant: TenantId,
        token: ContactToken,
        words: &WordsPlace,
    ) -> Result<(), Fault> {
        self.table.delete(&words.key(tenant, token).key()).await
    }
}
