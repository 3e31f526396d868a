//! What was found in a campaign's message, and who agreed to send it.
//!
//! Three rows beside META, each written by one function: the author (by the
//! draft), the preflight (by validation) and the approval. None holds the words
//! of a person, only those of the template.

use jiff::Timestamp;
use policy::ids::{CampaignId, TenantId};
use policy::preflight::Preflight;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{millis, moment};

/// A preflight, and of which content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Preflighted {
    /// The content's fingerprint.
    pub content: String,
    /// What was found.
    pub preflight: Preflight,
    /// When.
    pub at: Timestamp,
}

/// Somebody's agreement to send exactly one content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Approval {
    /// The content's fingerprint.
    pub content: String,
    /// Who agreed, where somebody gave a name.
    pub by: Option<String>,
    /// When.
    pub at: Timestamp,
}

#[derive(Deserialize, Serialize)]
struct AuthorItem {
    v: u8,
    author: String,
}

#[derive(Deserialize, Serialize)]
struct PreflightItem {
    v: u8,
    content: String,
    preflight: Preflight,
    at: i64,
}

#[derive(Deserialize, Serialize)]
struct ApprovalItem {
    v: u8,
    content: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    at: i64,
}

impl Campaigns {
    /// Writes down who wrote the campaign.
    pub async fn put_author(
        &self,
        tenant: TenantId,
        id: CampaignId,
        author: &str,
    ) -> Result<(), Fault> {
        let item = AuthorItem {
            v: 1,
            author: author.to_owned(),
        };
        self.put_row(&CampaignKey::Author(tenant, id).key(), &item)
            .await
    }

    /// Who wrote the campaign, where somebody gave a name.
    pub async fn author(&self, tenant: TenantId, id: CampaignId) -> Result<Option<String>, Fault> {
        let item: Option<AuthorItem> = self.row(&CampaignKey::Author(tenant, id).key()).await?;
        Ok(item.map(|item| item.author))
    }

    /// Writes a preflight down; the last one counts.
    pub async fn put_preflight(
        &self,
        tenant: TenantId,
        id: CampaignId,
        found: &Preflighted,
    ) -> Result<(), Fault> {
        let item = PreflightItem {
            v: 1,
            content: found.content.clone(),
            preflight: found.preflight.clone(),
            at: millis(found.at),
        };
        self.put_row(&CampaignKey::Preflight(tenant, id).key(), &item)
            .await
    }

    /// The last preflight.
    pub async fn preflight(
        &self,
        tenant: TenantId,
        id: CampaignId,
    ) -> Result<Option<Preflighted>, Fault> {
        let item: Option<PreflightItem> =
            self.row(&CampaignKey::Preflight(tenant, id).key()).await?;
        Ok(item.map(|item| Preflighted {
            content: item.content,
            preflight: item.preflight,
            at: moment(item.at),
        }))
    }

    /// Writes an approval down.
    pub async fn put_approval(
        &self,
        tenant: TenantId,
        id: CampaignId,
        approval: &Approval,
    ) -> Result<(), Fault> {
        let item = ApprovalItem {
            v: 1,
            content: approval.content.clone(),
            by: approval.by.clone(),
            at: millis(approval.at),
        };
        self.put_row(&CampaignKey::Approval(tenant, id).key(), &item)
            .await
    }

    /// The approval, if there is one.
    pub async fn approval(
        &self,
        tenant: TenantId,
        id: CampaignId,
    ) -> Result<Option<Approval>, Fault> {
        let item: Option<ApprovalItem> = self.row(&CampaignKey::Approval(tenant, id).key()).await?;
        Ok(item.map(|item| Approval {
            content: item.content,
            by: item.by,
            at: moment(item.at),
        }))
    }
}
