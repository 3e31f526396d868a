//! Stops that people said to a number before anybody owned it.
//!
//! The webhook cannot know whose people they are, so it keeps who they are in an
//! object and notes the object here, by number. Whoever is about to send from a
//! number looks here first; the timer hands what waits to the number's owner.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::{self, CampaignKey};
use crate::table;

/// How long a note is kept, in seconds: 360 days, a little less than its object.
const KEPT_SECONDS: i64 = 360 * 86_400;

/// Stops of one delivery that wait for the number's owner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WaitingStops {
    /// Which delivery.
    pub delivery: String,
    /// The object that holds them.
    pub object: String,
}

#[derive(Deserialize, Serialize)]
struct WaitingItem {
    v: u8,
    object: String,
    ttl: i64,
}

impl Campaigns {
    /// Notes that the stops in `object` wait for whoever will own `number`.
    /// A repetition of the same delivery notes nothing new.
    pub async fn note_waiting_stops(
        &self,
        number: &str,
        waiting: &WaitingStops,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let item = WaitingItem {
            v: 1,
            object: waiting.object.clone(),
            ttl: now.as_second() + KEPT_SECONDS,
        };
        let key = CampaignKey::WaitingStops(number.to_owned(), waiting.delivery.clone());
        self.put_row(&key.key(), &item).await
    }

    /// What waits for the owner of `number`, read strongly.
    pub async fn waiting_stops(&self, number: &str) -> Result<Vec<WaitingStops>, Fault> {
        let pk = keys::waiting_stops(number);
        let items = self.table.partition(&pk, "B#", true).await?;
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            if let Some(CampaignKey::WaitingStops(_, delivery)) =
                CampaignKey::parse(&table::key_of(&item)?)
            {
                let WaitingItem { object, .. } = table::decode(item)?;
                all.push(WaitingStops { delivery, object });
            }
        }
        Ok(all)
    }

    /// The stops of one delivery wait no more.
    pub async fn remove_waiting_stops(&self, number: &str, delivery: &str) -> Result<(), Fault> {
        let key = CampaignKey::WaitingStops(number.to_owned(), delivery.to_owned());
        self.table.delete(&key.key()).await
    }
}
