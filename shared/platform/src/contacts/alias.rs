//! ALIAS: another identity of a person, and the item where a stop under an
//! identity that is still unknown meets the link that makes it known.
//!
//! The item only grows: the tokens that the identity has stood for, the
//! identity that came after it, and the stops that were said under it. A stop,
//! a link and a change are one update each, and each reads the whole item back.
//! So whichever comes last sees the others, and carries the stops to the person;
//! if it fails half-way, the repetition does.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use policy::ids::{EventId, TenantId};
use policy::person::SuppressionSource;
use policy::purpose::Scope;
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::{Contacts, StopEvent};
use crate::fault::Fault;
use crate::keys::ContactKey;
use crate::table::{self, Item, millis, moment, number};

/// A stop that waits for its person. Its attribute is named by the scope.
#[derive(Deserialize, Serialize)]
struct WaitingItem {
    id: EventId,
    at: i64,
    source: String,
}

const WAITING: &str = "stop#";
const TOKENS: &str = "tokens";
const NEXT: &str = "next";

impl Contacts {
    /// Commits a stop under an identity that is no number: `alias` is its
    /// keyed hash. If the person is known, the stop is theirs when this
    /// returns; else it waits in the item for [`Contacts::link`].
    ///
    /// The first stop of a scope is the one to keep.
    pub async fn stop_alias(
        &self,
        tenant: TenantId,
        alias: ContactToken,
        stop: &StopEvent,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let waiting = WaitingItem {
            id: stop.id,
            at: millis(stop.at),
            source: stop.source.code().to_owned(),
        };
        let waiting: AttributeValue = serde_dynamo::to_attribute_value(waiting)
            .map_err(|error| Fault::lasting("encode a stop", error))?;
        let mut tokens = BTreeSet::new();
        let mut chain = Chain::from(alias);
        while let Some(alias) = chain.next() {
            let name = format!("{WAITING}{}", stop.scope.code());
            let update = "SET v = :v, #name = if_not_exists(#name, :value)";
            let item = self
                .update_alias(tenant, alias, update, name, waiting.clone())
                .await?;
            tokens.extend(set(&item, TOKENS)?);
            chain.add(set(&item, NEXT)?);
        }
        for token in tokens {
            self.stop(tenant, token, stop, now).await?;
        }
        Ok(())
    }

    /// Notes that `alias` is the person `token`, and commits to the person
    /// every stop that was waiting for them.
    ///
    /// An identity that stood for another token before is the same person under
    /// another number: what they stopped there is stopped here.
    pub async fn link(
        &self,
        tenant: TenantId,
        alias: ContactToken,
        person: ContactToken,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut stops = Vec::new();
        let mut others = BTreeSet::new();
        let mut chain = Chain::from(alias);
        while let Some(alias) = chain.next() {
            let value = AttributeValue::Ss(vec![person.to_string()]);
            let update = "ADD #name :value SET v = :v";
            let item = self
                .update_alias(tenant, alias, update, TOKENS.to_owned(), value)
                .await?;
            others.extend(set(&item, TOKENS)?);
            chain.add(set(&item, NEXT)?);
            stops.extend(waiting(item)?);
        }
        for stop in stops {
            self.stop(tenant, person, &stop, now).await?;
        }
        others.remove(&person);
        for other in others {
            self.moved(tenant, other, person, now).await?;
        }
        Ok(())
    }

    /// Notes that whoever was known as `from` is known as `to` from now on, and
    /// carries over what is known of them.
    pub async fn alias_moved(
        &self,
        tenant: TenantId,
        from: ContactToken,
        to: ContactToken,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if from == to {
            return Ok(());
        }
        let value = AttributeValue::Ss(vec![to.to_string()]);
        let update = "ADD #name :value SET v = :v";
        let item = self
            .update_alias(tenant, from, update, NEXT.to_owned(), value)
            .await?;
        for token in set(&item, TOKENS)? {
            self.link(tenant, to, token, now).await?;
        }
        for stop in waiting(item)? {
            self.stop_alias(tenant, to, &stop, now).await?;
        }
        Ok(())
    }

    /// Whom each of these identities stands for, as far as is known; read
    /// without waiting for the last write.
    pub async fn linked(
        &self,
        tenant: TenantId,
        aliases: &[ContactToken],
    ) -> Result<BTreeMap<ContactToken, BTreeSet<ContactToken>>, Fault> {
        let keys: Vec<_> = aliases
            .iter()
            .map(|alias| {
                let alias = *alias;
                ContactKey::Alias { tenant, alias }.key()
            })
            .collect();
        let mut linked = BTreeMap::new();
        for item in self.table.get_all(&keys, false).await? {
            if let Some(ContactKey::Alias { alias, .. }) = ContactKey::parse(&table::key_of(&item)?)
            {
                linked.insert(alias, set(&item, TOKENS)?);
            }
        }
        Ok(linked)
    }

    /// One update of one attribute; the whole item as it is after it.
    async fn update_alias(
        &self,
        tenant: TenantId,
        alias: ContactToken,
        update: &str,
        name: String,
        value: AttributeValue,
    ) -> Result<Item, Fault> {
        let key = ContactKey::Alias { tenant, alias }.key();
        let answer = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", table::text(key.pk))
            .key("sk", table::text(key.sk))
            .update_expression(update)
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":v", number(1))
            .expression_attribute_values(":value", value)
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(Fault::sdk("write an alias"))?;
        Ok(answer.attributes.unwrap_or_default())
    }
}

/// A set of tokens in the item.
pub(super) fn set(item: &Item, name: &str) -> Result<BTreeSet<ContactToken>, Fault> {
    let Some(value) = item.get(name) else {
        return Ok(BTreeSet::new());
    };
    let texts = value
        .as_ss()
        .map_err(|_| damaged("it has no set of tokens"))?;
    texts
        .iter()
        .map(|text| text.parse().map_err(damaged))
        .collect()
}

/// The stops that wait in the item.
fn waiting(item: Item) -> Result<Vec<StopEvent>, Fault> {
    let mut stops = Vec::new();
    for (name, value) in item {
        let Some(scope) = name.strip_prefix(WAITING) else {
            continue;
        };
        let waiting: WaitingItem = serde_dynamo::from_attribute_value(value).map_err(damaged)?;
        stops.push(StopEvent {
            id: waiting.id,
            scope: Scope::parse(scope).map_err(damaged)?,
            at: moment(waiting.at),
            source: SuppressionSource::from_code(&waiting.source)
                .ok_or_else(|| damaged("the stop has no known source"))?,
        });
    }
    Ok(stops)
}

fn damaged(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::lasting("read an alias", source)
}
