//! ContactsTable: subscriptions, persons, their history, their aliases.

mod alias;
mod items;
mod person;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use policy::consent::Consent;
use policy::ids::{ListId, TenantId};
use policy::subscription::Subscription;
use policy::token::ContactToken;

pub use self::person::{ClaimAnswer, Claimed, RecordedStop, StopEvent};
use crate::clock::SharedClock;
use crate::fault::Fault;
use crate::keys::{self, ContactKey};
use crate::table::{self, Table};

/// The table of people.
#[derive(Clone, Debug)]
pub struct Contacts {
    table: Table,
}

/// A piece of one shard of a list, in token order.
#[derive(Debug)]
pub struct ShardPage {
    /// The people of the piece.
    pub people: Vec<(ContactToken, Subscription)>,
    /// Whether the shard goes on after the last of them.
    pub more: bool,
}

/// What a person agreed to on one list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Agreement {
    /// Their yes, or its absence.
    pub consent: Consent,
    /// BCP 47 language tag, where known.
    pub language: Option<String>,
}

impl Contacts {
    /// The table `name` as `client` sees it.
    pub fn new(client: Client, name: String, clock: SharedClock) -> Self {
        Self {
            table: Table::new(client, name, clock),
        }
    }

    /// The subscriptions of `tokens` on one list; the absent are absent.
    pub async fn subscriptions(
        &self,
        tenant: TenantId,
        list: ListId,
        tokens: &[ContactToken],
    ) -> Result<HashMap<ContactToken, Subscription>, Fault> {
        let keys: Vec<_> = tokens
            .iter()
            .map(|token| {
                ContactKey::Subscription {
                    tenant,
                    list,
                    token: *token,
                }
                .key()
            })
            .collect();
        let items = self.table.get_all(&keys, true).await?;
        items.into_iter().map(items::subscription).collect()
    }

    /// What a person agreed to on one list, and nothing else of them: the
    /// number and the name are not read.
    pub async fn agreement(
        &self,
        tenant: TenantId,
        list: ListId,
        token: ContactToken,
    ) -> Result<Option<Agreement>, Fault> {
        let key = ContactKey::Subscription {
            tenant,
            list,
            token,
        };
        let parts = ["pk", "sk", "v", "consent", "language"];
        let item = self.table.get_parts(&key.key(), &parts).await?;
        item.map(items::agreement).transpose()
    }

    /// A piece of one shard of a list after `after`, at most `limit` people.
    pub async fn shard_page(
        &self,
        tenant: TenantId,
        list: ListId,
        shard: u8,
        after: Option<ContactToken>,
        limit: i32,
    ) -> Result<ShardPage, Fault> {
        let pk = keys::list_shard(tenant, list, shard);
        let after = after.map(|token| token.to_string());
        let (page, more) = self
            .table
            .page(&pk, "", after.as_deref(), Some(limit), true)
            .await?;
        let people = page
            .into_iter()
            .map(items::subscription)
            .collect::<Result<_, _>>()?;
        Ok(ShardPage { people, more })
    }

    /// Writes subscriptions, replacing what was there.
    pub async fn put_subscriptions(
        &self,
        tenant: TenantId,
        list: ListId,
        people: &[(ContactToken, Subscription)],
    ) -> Result<(), Fault> {
        let items = people
            .iter()
            .map(|(token, subscription)| {
                let key = ContactKey::Subscription {
                    tenant,
                    list,
                    token: *token,
                };
                table::encode(&key.key(), &items::SubscriptionItem::from(subscription))
            })
            .collect::<Result<_, _>>()?;
        self.table.put_all(items).await
    }
}
