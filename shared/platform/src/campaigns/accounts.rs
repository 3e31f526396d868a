//! Business accounts: WhatsApp tells of templates and accounts without naming a
//! number.

use policy::ids::TenantId;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::CampaignKey;

/// Whose an account is.
#[derive(Deserialize, Serialize)]
struct AccountItem {
    v: u8,
    tenant: TenantId,
}

impl Campaigns {
    /// The tenant of a WhatsApp Business Account, by its id.
    pub async fn account_owner(&self, account: &str) -> Result<Option<TenantId>, Fault> {
        let key = CampaignKey::Account(account.to_owned()).key();
        let item: Option<AccountItem> = self.row(&key).await?;
        Ok(item.map(|item| item.tenant))
    }

    /// Notes whose an account is; done with every number that is registered.
    pub(super) async fn put_account(&self, account: &str, tenant: TenantId) -> Result<(), Fault> {
        let key = CampaignKey::Account(account.to_owned()).key();
        self.put_row(&key, &AccountItem { v: 1, tenant }).await
    }
}
