//! Reading and writing items: the few shapes that both tables use.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::SharedClock;
use crate::fault::Fault;
use crate::keys::Key;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Whether a conditional write took place: `false` if its condition did not
/// hold.
pub(crate) fn held<T, E>(
    answer: Result<T, SdkError<E, HttpResponse>>,
    operation: &'static str,
) -> Result<bool, Fault>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let Err(error) = answer else {
        return Ok(true);
    };
    let failed = error
        .as_service_error()
        .is_some_and(|error| error.code() == Some("ConditionalCheckFailedException"));
    if failed {
        Ok(false)
    } else {
        Err(Fault::sdk(operation)(error))
    }
}

/// One table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
    clock: SharedClock,
}

/// Most keys of one BatchGetItem (DynamoDB quota).
const GET_MAX: usize = 100;

/// Most items of one BatchWriteItem (DynamoDB quota).
const PUT_MAX: usize = 25;

impl Table {
    pub(crate) fn new(client: Client, name: String, clock: SharedClock) -> Self {
        Self {
            client,
            name,
            clock,
        }
    }

    /// One item, read strongly.
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Item>, Fault> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(Fault::sdk("read an item"))?;
        Ok(answer.item)
    }

    /// Some attributes of one item, read strongly.
    pub(crate) async fn get_parts(&self, key: &Key, parts: &[&str]) -> Result<Option<Item>, Fault> {
        let placeholders: Vec<_> = (0..parts.len()).map(|at| format!("#p{at}")).collect();
        let mut get = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .projection_expression(placeholders.join(","))
            .consistent_read(true);
        for (placeholder, part) in placeholders.into_iter().zip(parts) {
            get = get.expression_attribute_names(placeholder, *part);
        }
        let answer = get.send().await.map_err(Fault::sdk("read an item"))?;
        Ok(answer.item)
    }

    /// Many items; the absent are absent. Throttling is waited out.
    pub(crate) async fn get_all(&self, keys: &[Key], strong: bool) -> Result<Vec<Item>, Fault> {
        let mut items = Vec::with_capacity(keys.len());
        for keys in keys.chunks(GET_MAX) {
            let mut wanted: Vec<Item> = keys.iter().map(key_item).collect();
            let mut round = 0;
            while !wanted.is_empty() {
                let request = KeysAndAttributes::builder()
                    .set_keys(Some(wanted.clone()))
                    .consistent_read(strong)
                    .build()
                    .expect("keys are set");
                let answer = self
                    .client
                    .batch_get_item()
                    .request_items(&self.name, request)
                    .send()
                    .await
                    .map_err(Fault::sdk("read items"));
                let answer = match answer {
                    Ok(answer) => answer,
                    Err(fault) if fault.is_passing() => {
                        self.back_off("read items", &mut round).await?;
                        continue;
                    }
                    Err(fault) => return Err(fault),
                };
                wanted.clear();
                items.extend(answer.responses.into_iter().flatten().flat_map(|(_, i)| i));
                if let Some(rest) = answer.unprocessed_keys
                    && let Some((_, rest)) = rest.into_iter().next()
                {
                    wanted = rest.keys;
                    self.back_off("read items", &mut round).await?;
                }
            }
        }
        Ok(items)
    }

    /// Writes an item, whatever was there.
    pub(crate) async fn put(&self, item: Item) -> Result<(), Fault> {
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .send()
            .await
            .map_err(Fault::sdk("write an item"))?;
        Ok(())
    }

    /// Writes an item unless its key is taken; whether it was written.
    pub(crate) async fn put_new(&self, item: Item) -> Result<bool, Fault> {
        let answer = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        held(answer, "write an item")
    }

    /// Writes many items, whatever was there, again and again until none is
    /// left unprocessed. Throttling is waited out.
    pub(crate) async fn put_all(&self, items: Vec<Item>) -> Result<(), Fault> {
        for items in items.chunks(PUT_MAX) {
            let mut wanted: Vec<WriteRequest> = items
                .iter()
                .map(|item| {
                    let put = PutRequest::builder()
                        .set_item(Some(item.clone()))
                        .build()
                        .expect("the item is set");
                    WriteRequest::builder().put_request(put).build()
                })
                .collect();
            let mut round = 0;
            while !wanted.is_empty() {
                let answer = self
                    .client
                    .batch_write_item()
                    .request_items(&self.name, wanted.clone())
                    .send()
                    .await
                    .map_err(Fault::sdk("write items"));
                let answer = match answer {
                    Ok(answer) => answer,
                    Err(fault) if fault.is_passing() => {
                        self.back_off("write items", &mut round).await?;
                        continue;
                    }
                    Err(fault) => return Err(fault),
                };
                wanted.clear();
                if let Some((_, rest)) = answer
                    .unprocessed_items
                    .and_then(|rest| rest.into_iter().next())
                {
                    wanted = rest;
                    self.back_off("write items", &mut round).await?;
                }
            }
        }
        Ok(())
    }

    /// One update, whatever was there.
    pub(crate) async fn update<const N: usize>(
        &self,
        key: Key,
        change: &str,
        values: [(&str, AttributeValue); N],
        operation: &'static str,
    ) -> Result<(), Fault> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
            .update_expression(change);
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        update.send().await.map_err(Fault::sdk(operation))?;
        Ok(())
    }

    /// One conditional update; `false` if the condition does not hold.
    pub(crate) async fn update_if<const N: usize>(
        &self,
        key: Key,
        change: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
        operation: &'static str,
    ) -> Result<bool, Fault> {
        let update = self.conditional(key, change, condition, values);
        held(update.send().await, operation)
    }

    /// The same, asked once only: the SDK does not repeat what got no answer. So
    /// `false` says that nothing was changed, where after a repetition it may
    /// also say that the first try succeeded.
    pub(crate) async fn update_once_if<const N: usize>(
        &self,
        key: Key,
        change: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
        operation: &'static str,
    ) -> Result<bool, Fault> {
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let update = self.conditional(key, change, condition, values);
        held(
            update.customize().config_override(once).send().await,
            operation,
        )
    }

    fn conditional<const N: usize>(
        &self,
        key: Key,
        change: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> UpdateItemFluentBuilder {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
            .update_expression(change)
            .condition_expression(condition);
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        update
    }

    /// Removes an item, if it is there.
    pub(crate) async fn delete(&self, key: &Key) -> Result<(), Fault> {
        self.client
            .delete_item()
            .table_name(&self.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .send()
            .await
            .map_err(Fault::sdk("delete an item"))?;
        Ok(())
    }

    /// One page of a partition in sort-key order: items whose sort key starts
    /// with `prefix` and comes after `after`, and whether there are more.
    pub(crate) async fn page(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: Option<i32>,
        strong: bool,
    ) -> Result<(Vec<Item>, bool), Fault> {
        let start = after
            .map(|sk| HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))]));
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(strong)
            .set_limit(limit)
            .set_exclusive_start_key(start)
            .expression_attribute_values(":pk", text(pk));
        query = if prefix.is_empty() {
            query.key_condition_expression("pk = :pk")
        } else {
            query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix))
        };
        let answer = query
            .send()
            .await
            .map_err(Fault::sdk("query a partition"))?;
        let more = answer.last_evaluated_key.is_some();
        Ok((answer.items.unwrap_or_default(), more))
    }

    /// All items of a partition whose sort key starts with `prefix`.
    pub(crate) async fn partition(
        &self,
        pk: &str,
        prefix: &str,
        strong: bool,
    ) -> Result<Vec<Item>, Fault> {
        let mut items: Vec<Item> = Vec::new();
        loop {
            let after = match items.last() {
                Some(item) => Some(key_of(item)?.sk),
                None => None,
            };
            let (page, more) = self
                .page(pk, prefix, after.as_deref(), None, strong)
                .await?;
            let is_empty = page.is_empty();
            items.extend(page);
            if !more || is_empty {
                return Ok(items);
            }
        }
    }

    /// Waits before a rest is tried again: 25, 50, 100, … ms.
    async fn back_off(&self, operation: &'static str, round: &mut u32) -> Result<(), Fault> {
        if *round == 8 {
            return Err(Fault::passing(operation, "the table keeps leaving a rest"));
        }
        let wait = Duration::from_millis(25 << *round);
        *round += 1;
        let until = self
            .clock
            .now()
            .saturating_add(wait)
            .unwrap_or(Timestamp::MAX);
        self.clock.sleep_until(until).await;
        Ok(())
    }
}

/// A string attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub(crate) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key_item(key: &Key) -> Item {
    HashMap::from([
        ("pk".to_owned(), text(&key.pk)),
        ("sk".to_owned(), text(&key.sk)),
    ])
}

/// The key of an item.
pub(crate) fn key_of(item: &Item) -> Result<Key, Fault> {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    part("pk")
        .zip(part("sk"))
        .map(|(pk, sk)| Key { pk, sk })
        .ok_or_else(|| Fault::lasting("read an item", "it has no key"))
}

/// An item of `key` with the fields of `row`.
pub(crate) fn encode<T: Serialize>(key: &Key, row: &T) -> Result<Item, Fault> {
    let mut item: Item =
        serde_dynamo::to_item(row).map_err(|error| Fault::lasting("encode an item", error))?;
    item.extend(key_item(key));
    Ok(item)
}

/// The fields of an item.
pub(crate) fn decode<T: DeserializeOwned>(item: Item) -> Result<T, Fault> {
    serde_dynamo::from_item(item).map_err(|error| Fault::lasting("decode an item", error))
}

/// A moment as milliseconds since 1970.
pub(crate) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// The moment of milliseconds since 1970; out of range gives the end of time.
pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}
