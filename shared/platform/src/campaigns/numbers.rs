//! What WhatsApp says of a number: how fast it may send, how many people its
//! portfolio may reach in a day, and whether it may send at all.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use policy::ids::TenantId;
use policy::limits::Limits;
use policy::pace::Pace;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use super::directory::Number;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table;

/// A number as WhatsApp last described it (Meta, "Business phone numbers").
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NumberHealth {
    /// The level of its throughput, such as `STANDARD`.
    #[serde(default)]
    pub throughput: Option<String>,
    /// Its quality: `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    #[serde(default)]
    pub quality: Option<String>,
    /// The messaging limit of its portfolio, such as `TIER_2K`.
    #[serde(default)]
    pub tier: Option<String>,
    /// Whether it may send: `AVAILABLE`, `LIMITED`, `BLOCKED`.
    #[serde(default)]
    pub can_send: Option<String>,
    /// Its state, such as `CONNECTED`.
    #[serde(default)]
    pub status: Option<String>,
    /// Of a number that sends by Amazon's way: whether what people answer to it
    /// goes to the topic that this service listens to, ever arrived, and still
    /// does while it sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_heard: Option<bool>,
    /// Of such a number: since when it sends and nothing of it arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unheard_since: Option<Timestamp>,
    /// When that was read.
    pub read_at: Timestamp,
    /// Whether WhatsApp told something of it since: it is to be read again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_news: bool,
}

impl Number {
    /// How fast it may send: no faster than its operator allows, and no faster
    /// than WhatsApp takes it. Of a number of which neither is known, WhatsApp's
    /// least throughput that is not a fixed one is taken.
    pub fn pace(&self, health: Option<&NumberHealth>) -> Pace {
        let level = health.and_then(|health| health.throughput.as_deref());
        let allowed = self.limit_per_second;
        let taken = level.map(|level| Limits::embedded().throughput(level));
        let limit = match (allowed, taken) {
            (Some(allowed), Some(taken)) => allowed.min(taken),
            (Some(allowed), None) => allowed,
            (None, Some(taken)) => taken,
            (None, None) => Limits::embedded().throughput(""),
        };
        let inbound = self.inbound_per_second;
        let inbound = inbound.unwrap_or_else(|| Pace::usual_inbound(limit));
        Pace::usual(limit, inbound.min(limit))
    }
}

impl Campaigns {
    /// What WhatsApp last said of a number; `None` if it was never asked.
    pub async fn number_health(
        &self,
        tenant: TenantId,
        number: &str,
    ) -> Result<Option<NumberHealth>, Fault> {
        let key = CampaignKey::NumberHealth(tenant, number.to_owned()).key();
        self.row(&key).await
    }

    /// What WhatsApp last said of each number of a tenant that a campaign was
    /// validated for, by its id of the number.
    pub async fn numbers_health(
        &self,
        tenant: TenantId,
    ) -> Result<Vec<(String, NumberHealth)>, Fault> {
        let pk = CampaignKey::Tenant(tenant).key().pk;
        let items = self.table.partition(&pk, "N#", false).await?;
        let mut numbers = Vec::with_capacity(items.len());
        for item in items {
            if let Some(CampaignKey::NumberHealth(_, number)) =
                CampaignKey::parse(&table::key_of(&item)?)
            {
                numbers.push((number, table::decode(item)?));
            }
        }
        Ok(numbers)
    }

    /// Notes that WhatsApp told something of a number; nothing happens if it was
    /// never asked about it.
    pub async fn note_number_news(&self, tenant: TenantId, number: &str) -> Result<(), Fault> {
        self.table
            .update_if(
                CampaignKey::NumberHealth(tenant, number.to_owned()).key(),
                "SET has_news = :true",
                "attribute_exists(pk)",
                [(":true", AttributeValue::Bool(true))],
                "note news of a number",
            )
            .await?;
        Ok(())
    }

    /// Notes what WhatsApp just said of a number.
    pub async fn put_number_health(
        &self,
        tenant: TenantId,
        number: &str,
        health: &NumberHealth,
    ) -> Result<(), Fault> {
        let key = CampaignKey::NumberHealth(tenant, number.to_owned()).key();
        self.put_row(&key, health).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AdvertisesBy, Transport};
    use super::*;

    fn limit(allowed: Option<u32>, level: Option<&str>) -> u32 {
        let number = Number {
            tenant: TenantId::from_uuid(uuid::Uuid::nil()),
            portfolio: "1".to_owned(),
            waba: "2".to_owned(),
            limit_per_second: allowed,
            inbound_per_second: None,
            advertises_by: AdvertisesBy::default(),
            transport: Transport::default(),
            tier: None,
            linked: None,
        };
        let health = level.map(|level| NumberHealth {
            throughput: Some(level.to_owned()),
            quality: None,
            tier: None,
            can_send: None,
            status: None,
            is_heard: None,
            unheard_since: None,
            read_at: Timestamp::UNIX_EPOCH,
            has_news: false,
        });
        number.pace(health.as_ref()).limit_per_second
    }

    #[test]
    fn the_slower_of_two_limits_holds() {
        assert_eq!(limit(None, None), 80);
        assert_eq!(limit(None, Some("HIGH")), 1_000);
        assert_eq!(limit(None, Some("NOT_APPLICABLE")), 80);
        assert_eq!(limit(Some(20), None), 20);
        assert_eq!(limit(Some(20), Some("STANDARD")), 20, "a fixed one");
        assert_eq!(limit(Some(1_000), Some("STANDARD")), 80, "not upgraded yet");
    }
}
