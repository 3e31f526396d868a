//! ContactsTable: subscriptions, persons, their history, their aliases.

mod alias;
mod chain;
mod erasure;
mod items;
mod moved;
mod person;
mod resume;
mod said;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use policy::consent::Consent;
use policy::ids::{ListId, TenantId};
use policy::purpose::Purpose;
use policy::subscription::Subscription;
use policy::token::ContactToken;

pub use self::person::{ClaimAnswer, Claimed, Counting, RecordedStop, StopEvent};
pub use self::resume::ResumeEvent;
pub use self::said::{Act, act_id};
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

    /// One person's subscriptions on these lists, read strongly; lists that they
    /// are not on are absent.
    pub async fn subscriptions_of(
        &self,
        tenant: TenantId,
        lists: &[ListId],
        token: ContactToken,
    ) -> Result<Vec<(ListId, Subscription)>, Fault> {
        let key = |list: &ListId| {
            let list = *list;
            ContactKey::Subscription {
                tenant,
                list,
                token,
            }
            .key()
        };
        let keys: Vec<_> = lists.iter().map(key).collect();
        let items = self.table.get_all(&keys, true).await?;
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            if let Some(ContactKey::Subscription { list, .. }) =
                ContactKey::parse(&table::key_of(&item)?)
            {
                found.push((list, items::subscription(item)?.1));
            }
        }
        Ok(found)
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

    /// The caller's own name for a person: the first that one of `lists` has.
    /// Neither number nor name are read.
    pub async fn external_id(
        &self,
        tenant: TenantId,
        lists: &[ListId],
        token: ContactToken,
    ) -> Result<Option<String>, Fault> {
        for list in lists {
            let key = ContactKey::Subscription {
                tenant,
                list: *list,
                token,
            };
            let parts = ["pk", "sk", "external_id"];
            let item = self.table.get_parts(&key.key(), &parts).await?;
            let found = item.and_then(|item| item.get("external_id")?.as_s().ok().cloned());
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
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

    /// Writes one subscription over the one that was read, if its consent is
    /// still that; `false` if somebody has withdrawn, erased or renewed it in
    /// between.
    pub async fn replace_subscription(
        &self,
        tenant: TenantId,
        list: ListId,
        token: ContactToken,
        known: &Subscription,
        new: &Subscription,
    ) -> Result<bool, Fault> {
        let key = ContactKey::Subscription {
            tenant,
            list,
            token,
        };
        let item = table::encode(&key.key(), &items::SubscriptionItem::from(new))?;
        let answer = self
            .table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(item))
            .condition_expression("consent = :known")
            .expression_attribute_values(":known", items::consent_value(known)?)
            .send()
            .await;
        table::held(answer, "replace a subscription")
    }

    /// Those of `tokens` who have said stop to advertising, as of a moment ago:
    /// for a count. What decides on a message reads
    /// [strongly](Self::persons).
    pub async fn stopped(
        &self,
        tenant: TenantId,
        tokens: &[ContactToken],
    ) -> Result<Vec<ContactToken>, Fault> {
        let keys: Vec<_> = tokens
            .iter()
            .map(|&token| ContactKey::Person { tenant, token }.key())
            .collect();
        let mut stopped = Vec::new();
        for item in self.table.get_all(&keys, false).await? {
            let (token, person) = items::person(item)?;
            if person.suppression(&Purpose::marketing()).is_some() {
                stopped.push(token);
            }
        }
        Ok(stopped)
    }
}
