//! Where a person's words are kept: for their copy, and for their erasure. The
//! words themselves lie in objects under `inbound/`, one for each person of a
//! delivery.

use jiff::Timestamp;
use policy::ids::{EventId, TenantId};
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use super::events::EVENTS_KEPT;
use crate::fault::Fault;
use crate::keys::{self, CampaignKey};
use crate::table::{self, millis, moment};

/// Where the words of one message lie.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WordsPlace {
    /// The event that tells of the message.
    pub event: EventId,
    /// When it was said.
    pub at: Timestamp,
    /// The object.
    pub object: String,
    /// The message's place in it.
    pub place: u32,
}

#[derive(Deserialize, Serialize)]
struct WordsItem {
    v: u8,
    object: String,
    place: u32,
    ttl: i64,
}

impl Campaigns {
    /// Notes where words of people are kept; a repetition changes nothing.
    pub async fn note_words(
        &self,
        tenant: TenantId,
        words: &[(ContactToken, WordsPlace)],
    ) -> Result<(), Fault> {
        let item = |(token, place): &(ContactToken, WordsPlace)| {
            let kept = place.at.saturating_add(EVENTS_KEPT);
            let item = WordsItem {
                v: 1,
                object: place.object.clone(),
                place: place.place,
                ttl: kept.unwrap_or(Timestamp::MAX).as_second(),
            };
            let key = CampaignKey::Words(tenant, *token, millis(place.at), place.event);
            table::encode(&key.key(), &item)
        };
        let items = words.iter().map(item).collect::<Result<Vec<_>, Fault>>()?;
        self.table.put_all(items).await
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
            let key = CampaignKey::parse(&table::key_of(&item)?);
            let Some(CampaignKey::Words(_, _, at, event)) = key else {
                return Err(Fault::lasting("find words", "a key of another kind"));
            };
            let WordsItem { object, place, .. } = table::decode(item)?;
            words.push(WordsPlace {
                event,
                at: moment(at),
                object,
                place,
            });
        }
        Ok(words)
    }

    /// A message's words are kept no more.
    pub async fn forget_words(
        &self,
        tenant: TenantId,
        token: ContactToken,
        words: &WordsPlace,
    ) -> Result<(), Fault> {
        let key = CampaignKey::Words(tenant, token, millis(words.at), words.event);
        self.table.delete(&key.key()).await
    }
}
