//! Who is who: tenants, their lists and numbers, API keys, and due work.

use policy::ids::{CampaignId, ImportId, KeyId, ListId, MediaId, TenantId};
use policy::tenant::{Document, Settings};
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::{self, CampaignKey, DUE_SHARDS, Key};
use crate::table;

/// A company that sends.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tenant {
    /// The business name that consents and messages must show.
    pub business_name: String,
    /// ISO 3166-1 code of the region whose local number forms its files use.
    pub default_region: String,
    /// What it decides for itself, as its operator wrote it.
    #[serde(default)]
    pub settings: Document,
}

impl Tenant {
    /// What the rules read of its settings. They were checked when they were
    /// written; if they cannot be used any more, nothing may be decided on them.
    pub fn settings(&self) -> Result<Settings, Fault> {
        Settings::try_from(&self.settings).map_err(|wrong| {
            let place = wrong.into_iter().next().map(|wrong| wrong.pointer);
            let place = place.unwrap_or_default();
            Fault::lasting("read a tenant's settings", format!("cannot use {place}"))
        })
    }
}

/// A list that people said yes to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct List {
    /// The operator's name for it.
    pub name: String,
}

/// A business phone number, by WhatsApp's id of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Number {
    /// Whose.
    pub tenant: TenantId,
    /// The business portfolio, which shares the 24 h tier.
    pub portfolio: String,
    /// The WhatsApp Business Account, which owns templates.
    pub waba: String,
    /// The most that the operator allows of the number's throughput limit R,
    /// messages per second, both directions; without it, as WhatsApp says. A
    /// number that is used in the WhatsApp Business app too takes 20.
    #[serde(default)]
    pub limit_per_second: Option<u32>,
    /// The share I kept for inbound traffic, messages per second; without it, a
    /// fortieth.
    #[serde(default)]
    pub inbound_per_second: Option<u32>,
    /// By which of WhatsApp's endpoints its advertising goes.
    #[serde(default)]
    pub advertises_by: AdvertisesBy,
    /// By which way its messages go.
    #[serde(default)]
    pub transport: Transport,
    /// The messaging limit of its portfolio, such as `TIER_10K`, in its operator's
    /// word, until WhatsApp announces another: Amazon cannot be asked. Without it
    /// the first tier counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// What Amazon calls it, where its account is linked there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<Linked>,
}

/// By which way the messages of a number go.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// WhatsApp's own Cloud API, with the token.
    #[default]
    CloudApi,
    /// AWS End User Messaging Social, with the role; what people answer comes by
    /// the topic of its account.
    EndUserMessagingSocial,
}

/// Names at AWS End User Messaging Social (AWS, "LinkedWhatsAppBusinessAccount").
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Linked {
    /// Of the number: `phone-number-id-` and 32 hexadecimal digits.
    pub phone_number_id: String,
    /// Of its account: `waba-` and 32 hexadecimal digits.
    pub waba_id: String,
}

impl Number {
    /// Its names at Amazon, if its messages go that way; `Err` if they should,
    /// and it has none.
    pub fn by_amazon(&self) -> Result<Option<&Linked>, NotLinked> {
        match (self.transport, &self.linked) {
            (Transport::CloudApi, _) => Ok(None),
            (Transport::EndUserMessagingSocial, Some(linked)) => Ok(Some(linked)),
            (Transport::EndUserMessagingSocial, None) => Err(NotLinked),
        }
    }
}

/// A number is to send by Amazon's way, and nothing says what it is called
/// there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the number has no names at AWS End User Messaging Social")]
pub struct NotLinked;

/// By which endpoint marketing templates go; everything else goes by `messages`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdvertisesBy {
    /// `marketing_messages`, for accounts that Meta let onto it; what cannot go
    /// there goes as usual.
    MarketingMessages,
    /// `messages`.
    #[default]
    Messages,
}

/// An API key: only its hash is kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ApiKey {
    /// Whose.
    pub tenant: TenantId,
    /// SHA-256 of the secret half, in hexadecimal. A slow hash is not needed
    /// for 256 random bits.
    pub secret_sha256: String,
}

/// Work that the timer must look at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Due {
    /// A campaign that is validating, planning, running or ending.
    Campaign(TenantId, CampaignId),
    /// An import under way.
    Import(TenantId, ImportId),
    /// A file that waits for its bytes or for a scanner.
    Media(TenantId, MediaId),
}

impl Due {
    fn key(self) -> Key {
        match self {
            Self::Campaign(tenant, campaign) => CampaignKey::DueCampaign(tenant, campaign).key(),
            Self::Import(tenant, import) => CampaignKey::DueImport(tenant, import).key(),
            Self::Media(tenant, media) => CampaignKey::DueMedia(tenant, media).key(),
        }
    }
}

/// A directory entry has nothing but its key.
#[derive(Serialize)]
struct Entry {
    v: u8,
}

impl Campaigns {
    /// A tenant and its settings.
    pub async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, Fault> {
        self.row(&CampaignKey::Tenant(tenant).key()).await
    }

    /// What the rules read of a tenant's settings; of one that nobody
    /// registered, the default.
    pub async fn settings(&self, tenant: TenantId) -> Result<Settings, Fault> {
        match self.tenant(tenant).await? {
            Some(tenant) => tenant.settings(),
            None => Ok(Settings::default()),
        }
    }

    /// Registers or changes a tenant.
    pub async fn put_tenant(&self, id: TenantId, tenant: &Tenant) -> Result<(), Fault> {
        self.put_row(&CampaignKey::Tenant(id).key(), tenant).await
    }

    /// Replaces a tenant's settings; `false` if nobody registered it.
    pub async fn put_settings(&self, tenant: TenantId, settings: &Document) -> Result<bool, Fault> {
        let key = CampaignKey::Tenant(tenant).key();
        let settings = serde_dynamo::to_attribute_value(settings)
            .map_err(|error| Fault::lasting("encode a tenant's settings", error))?;
        self.table
            .update_if(
                key,
                "SET settings = :settings",
                "attribute_exists(pk)",
                [(":settings", settings)],
                "replace a tenant's settings",
            )
            .await
    }

    /// A list of a tenant.
    pub async fn list(&self, tenant: TenantId, list: ListId) -> Result<Option<List>, Fault> {
        self.row(&CampaignKey::List(tenant, list).key()).await
    }

    /// The ids of a tenant's lists, newest first.
    pub async fn list_ids(&self, tenant: TenantId) -> Result<Vec<ListId>, Fault> {
        let pk = CampaignKey::Tenant(tenant).key().pk;
        let items = self.table.partition(&pk, "L#", true).await?;
        let mut lists = Vec::with_capacity(items.len());
        for item in &items {
            if let Some(CampaignKey::List(_, id)) = CampaignKey::parse(&table::key_of(item)?) {
                lists.push(id);
            }
        }
        lists.reverse();
        Ok(lists)
    }

    /// Registers or renames a list.
    pub async fn put_list(&self, tenant: TenantId, id: ListId, list: &List) -> Result<(), Fault> {
        self.put_row(&CampaignKey::List(tenant, id).key(), list)
            .await
    }

    /// A business phone number, by WhatsApp's id of it.
    pub async fn number(&self, id: &str) -> Result<Option<Number>, Fault> {
        self.row(&CampaignKey::Number(id.to_owned()).key()).await
    }

    /// Registers or changes a business phone number, and its account with it.
    pub async fn put_number(&self, id: &str, number: &Number) -> Result<(), Fault> {
        self.put_account(id, number).await?;
        self.put_row(&CampaignKey::Number(id.to_owned()).key(), number)
            .await
    }

    /// An API key, by its public half.
    pub async fn api_key(&self, id: KeyId) -> Result<Option<ApiKey>, Fault> {
        self.row(&CampaignKey::ApiKey(id).key()).await
    }

    /// Registers an API key.
    pub async fn put_api_key(&self, id: KeyId, key: &ApiKey) -> Result<(), Fault> {
        self.put_row(&CampaignKey::ApiKey(id).key(), key).await
    }

    /// Takes an API key away, if it is there.
    pub async fn remove_api_key(&self, id: KeyId) -> Result<(), Fault> {
        self.table.delete(&CampaignKey::ApiKey(id).key()).await
    }

    /// Asks the timer to look at something until it is done.
    pub async fn add_due(&self, due: Due) -> Result<(), Fault> {
        self.put_row(&due.key(), &Entry { v: 1 }).await
    }

    /// The timer need not look at it again.
    pub async fn remove_due(&self, due: Due) -> Result<(), Fault> {
        self.table.delete(&due.key()).await
    }

    /// Everything that the timer must look at.
    pub async fn due(&self) -> Result<Vec<Due>, Fault> {
        let mut all = Vec::new();
        for shard in 0..DUE_SHARDS {
            let items = self
                .table
                .partition(&keys::due_shard(shard), "", true)
                .await?;
            for item in items {
                match CampaignKey::parse(&table::key_of(&item)?) {
                    Some(CampaignKey::DueCampaign(tenant, campaign)) => {
                        all.push(Due::Campaign(tenant, campaign));
                    }
                    Some(CampaignKey::DueImport(tenant, import)) => {
                        all.push(Due::Import(tenant, import));
                    }
                    Some(CampaignKey::DueMedia(tenant, media)) => {
                        all.push(Due::Media(tenant, media));
                    }
                    _ => return Err(Fault::lasting("read due work", "a key of another kind")),
                }
            }
        }
        Ok(all)
    }

    pub(super) async fn row<T: serde::de::DeserializeOwned>(
        &self,
        key: &Key,
    ) -> Result<Option<T>, Fault> {
        self.table.get(key).await?.map(table::decode).transpose()
    }

    pub(super) async fn put_row<T: Serialize>(&self, key: &Key, row: &T) -> Result<(), Fault> {
        self.table.put(table::encode(key, row)?).await
    }
}
