//! Templates as WhatsApp last described them.

use jiff::Timestamp;
use policy::ids::TenantId;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{millis, moment};

/// A template in Meta's own JSON, and when it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SyncedTemplate {
    /// Meta's listing entry.
    pub json: String,
    /// When it was read.
    pub synced_at: Timestamp,
}

#[derive(Deserialize, Serialize)]
struct TemplateItem {
    v: u8,
    json: String,
    synced_at: i64,
}

impl Campaigns {
    /// A template as last read, by name and language.
    pub async fn template(
        &self,
        tenant: TenantId,
        name: &str,
        language: &str,
    ) -> Result<Option<SyncedTemplate>, Fault> {
        let key = CampaignKey::Template(tenant, name.to_owned(), language.to_owned()).key();
        let item: Option<TemplateItem> = self.row(&key).await?;
        Ok(item.map(|item| SyncedTemplate {
            json: item.json,
            synced_at: moment(item.synced_at),
        }))
    }

    /// Notes a template as just read.
    pub async fn put_template(
        &self,
        tenant: TenantId,
        name: &str,
        language: &str,
        template: &SyncedTemplate,
    ) -> Result<(), Fault> {
        let key = CampaignKey::Template(tenant, name.to_owned(), language.to_owned()).key();
        let item = TemplateItem {
            v: 1,
            json: template.json.clone(),
            synced_at: millis(template.synced_at),
        };
        self.put_row(&key, &item).await
    }
}
