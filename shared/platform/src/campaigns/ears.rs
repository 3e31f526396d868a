//! That a number was really heard by way of Amazon: its account may name our topic
//! and yet nothing arrive, where a policy or a key is wrong.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::CampaignKey;

#[derive(Deserialize, Serialize)]
struct Ear {
    at: Timestamp,
}

impl Campaigns {
    /// When something of a number last came to the second door and was done; a
    /// few minutes may be missing. `None` if that never happened.
    pub async fn heard_at(&self, number: &str) -> Result<Option<Timestamp>, Fault> {
        let ear: Option<Ear> = self.row(&CampaignKey::Ear(number.to_owned()).key()).await?;
        Ok(ear.map(|ear| ear.at))
    }

    /// Notes that something of a number came to the second door and was done.
    pub async fn note_heard(&self, number: &str, at: Timestamp) -> Result<(), Fault> {
        self.put_row(&CampaignKey::Ear(number.to_owned()).key(), &Ear { at })
            .await
    }
}
