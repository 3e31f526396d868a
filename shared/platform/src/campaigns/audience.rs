//! PLAN: the frozen audience as pages of tokens in token order.
//!
//! A page item is written once, by condition, and is at the same time the
//! checkpoint of validation: the next run goes on after the last page.

use std::collections::{BTreeMap, BTreeSet};

use policy::ids::{CampaignId, TenantId};
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table;

/// One page of a frozen audience.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Page {
    /// Key of the object that holds the tokens, 16 bytes each.
    pub object: String,
    /// How many tokens.
    pub count: u32,
    /// How many people were judged and left out, by the code of the first
    /// reason.
    pub excluded: BTreeMap<String, u64>,
    /// The columns that any of them has a value in, for the template's variables.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub columns: BTreeSet<String>,
    /// Where reading goes on: the shard, and the token after which.
    pub next_shard: u8,
    /// The last person judged in that shard, in hexadecimal; `None` at its
    /// start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<String>,
    /// Whether this is the last page.
    pub last: bool,
}

impl Page {
    /// Everybody judged on this page.
    pub fn judged(&self) -> u64 {
        u64::from(self.count) + self.excluded.values().sum::<u64>()
    }

    /// The bytes of a page's object.
    pub fn encode(tokens: &[ContactToken]) -> Vec<u8> {
        tokens.iter().flat_map(|token| *token.as_bytes()).collect()
    }

    /// The tokens of a page's object.
    pub fn decode(bytes: &[u8]) -> Result<Vec<ContactToken>, Fault> {
        let (tokens, rest) = bytes.as_chunks::<{ ContactToken::LEN }>();
        if rest.is_empty() {
            Ok(tokens
                .iter()
                .copied()
                .map(ContactToken::from_bytes)
                .collect())
        } else {
            Err(Fault::lasting(
                "read a page of the audience",
                "its length is odd",
            ))
        }
    }
}

impl Campaigns {
    /// The pages of a campaign's audience, in order.
    pub async fn pages(&self, tenant: TenantId, id: CampaignId) -> Result<Vec<Page>, Fault> {
        let pk = CampaignKey::Meta(tenant, id).key().pk;
        let items = self.table.partition(&pk, "PLAN#", true).await?;
        items.into_iter().map(table::decode).collect()
    }

    /// Freezes page `number`; `false` if another run froze it first.
    pub async fn freeze_page(
        &self,
        tenant: TenantId,
        id: CampaignId,
        number: u32,
        page: &Page,
    ) -> Result<bool, Fault> {
        let key = CampaignKey::Page(tenant, id, number).key();
        self.table.put_new(table::encode(&key, page)?).await
    }

    /// Forgets a frozen audience, so that validation may start again.
    pub async fn thaw_audience(&self, tenant: TenantId, id: CampaignId) -> Result<(), Fault> {
        let pages = self.pages(tenant, id).await?;
        // The last page goes first: what is left is a valid shorter prefix.
        for number in (0..pages.len()).rev() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let key = CampaignKey::Page(tenant, id, number).key();
            self.table.delete(&key).await?;
        }
        Ok(())
    }
}
