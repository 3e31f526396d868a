//! A single message: a campaign of one person, which runs from the start.
//!
//! It has everything that a campaign has (a name for ever, a frozen audience, a
//! ledger, an end that the timer settles), and so every law of campaigns holds
//! for it. It does not stand in the tenant's index of campaigns.

use std::collections::BTreeMap;

use jiff::Timestamp;
use policy::block::Block;
use policy::ids::{CampaignId, TenantId};
use policy::token::ContactToken;

use super::meta_item::MetaItem;
use super::{Campaigns, Due, NewCampaign, Page};
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table;

impl Campaigns {
    /// Writes a single message down, ready for a worker; doing it again under
    /// the same id changes nothing. Whoever calls queues it then.
    pub async fn create_single(
        &self,
        tenant: TenantId,
        id: CampaignId,
        plan: &NewCampaign,
        token: ContactToken,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let page = Page {
            // The block is the whole audience; there is no object.
            object: String::new(),
            count: 1,
            excluded: BTreeMap::new(),
            columns: Default::default(),
            next_shard: 0,
            next_after: None,
            last: true,
        };
        self.freeze_page(tenant, id, 0, &page).await?;
        self.plan_block(tenant, id, &Block::planned(0, vec![token], now))
            .await?;
        let meta = CampaignKey::Meta(tenant, id).key();
        let item = MetaItem::single(plan, now);
        self.table.put_new(table::encode(&meta, &item)?).await?;
        self.add_due(Due::Campaign(tenant, id)).await
    }
}
