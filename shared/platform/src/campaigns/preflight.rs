//! What was found in a campaign's message, and who wrote it.
//!
//! Two rows beside META: the author, written with the draft, and the preflight,
//! written by validation. Neither holds the words of a person, only those of
//! the template.

use jiff::Timestamp;
use policy::campaign::{HoldReason, links_hold};
use policy::ids::{CampaignId, TenantId};
use policy::preflight::Preflight;
use serde::{Deserialize, Serialize};

use super::{Campaign, Campaigns};
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

    /// Why a campaign may not be sent by what was last found in its message. A
    /// single message has no preflight: it was looked at when it was taken.
    pub async fn preflight_hold(
        &self,
        tenant: TenantId,
        id: CampaignId,
        campaign: &Campaign,
    ) -> Result<Option<HoldReason>, Fault> {
        let found = self.preflight(tenant, id).await?;
        let approved = campaign.approved.as_ref();
        Ok(found.zip(approved).and_then(|(found, approved)| {
            let (verdict, answered) = (found.preflight.verdict, approved.by.is_some());
            links_hold(verdict, found.at, answered, self.clock.now())
        }))
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
}
