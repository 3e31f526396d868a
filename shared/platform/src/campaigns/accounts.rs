//! Business accounts: WhatsApp tells of templates, limits and accounts without
//! naming a number.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use policy::ids::TenantId;
use serde::Deserialize;

use super::{Campaigns, Number};
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{self, number, text};

/// A WhatsApp Business Account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Whose.
    pub tenant: TenantId,
    /// The business portfolio that it belongs to; one that was written before
    /// this was noted says nothing.
    pub portfolio: Option<String>,
    /// WhatsApp's ids of its numbers, as far as they are registered.
    pub numbers: BTreeSet<String>,
}

#[derive(Deserialize)]
struct AccountItem {
    tenant: TenantId,
    #[serde(default)]
    portfolio: Option<String>,
}

impl Campaigns {
    /// An account, by WhatsApp's id of it.
    pub async fn account(&self, id: &str) -> Result<Option<Account>, Fault> {
        let key = CampaignKey::Account(id.to_owned()).key();
        let Some(item) = self.table.get(&key).await? else {
            return Ok(None);
        };
        let numbers = item.get("number_ids").and_then(|ids| ids.as_ss().ok());
        let numbers = numbers.cloned().unwrap_or_default();
        let item: AccountItem = table::decode(item)?;
        Ok(Some(Account {
            tenant: item.tenant,
            portfolio: item.portfolio,
            numbers: numbers.into_iter().collect(),
        }))
    }

    /// The tenant of a WhatsApp Business Account, by its id.
    pub async fn account_owner(&self, account: &str) -> Result<Option<TenantId>, Fault> {
        Ok(self.account(account).await?.map(|account| account.tenant))
    }

    /// Notes whose an account is and what belongs to it; done with every number
    /// that is registered.
    pub(super) async fn put_account(&self, number_id: &str, of: &Number) -> Result<(), Fault> {
        let key = CampaignKey::Account(of.waba.clone()).key();
        self.table
            .update(
                key,
                "SET v = :v, tenant = :tenant, portfolio = :portfolio ADD number_ids :number",
                [
                    (":number", AttributeValue::Ss(vec![number_id.to_owned()])),
                    (":portfolio", text(&of.portfolio)),
                    (":tenant", text(of.tenant.to_string())),
                    (":v", number(1)),
                ],
                "register an account",
            )
            .await
    }
}
