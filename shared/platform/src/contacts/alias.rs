//! ALIAS: another identity of a person, and the item where a stop under an
//! identity that is still unknown meets the link that makes it known.
//!
//! A stop and a link are one update each of the same item, and each reads the
//! whole item back. So whichever comes second sees the other, and carries the
//! stop to the person; if both fail half-way, the repetition does.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use policy::ids::{EventId, TenantId};
use policy::person::SuppressionSource;
use policy::purpose::Scope;
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

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
        let waiting = serde_dynamo::to_attribute_value(waiting)
            .map_err(|error| Fault::lasting("encode a stop", error))?;
        let name = format!("{WAITING}{}", stop.scope.code());
        let item = self
            .update_alias(tenant, alias, "if_not_exists(#name, :value)", name, waiting)
            .await?;
        match token(&item)? {
            Some(token) => self.stop(tenant, token, stop, now).await,
            None => Ok(()),
        }
    }

    /// Notes that `alias` is the person `token`, and commits to the person
    /// every stop that was waiting for them.
    pub async fn link(
        &self,
        tenant: TenantId,
        alias: ContactToken,
        person: ContactToken,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let value = table::text(person.to_string());
        let item = self
            .update_alias(tenant, alias, ":value", "token".to_owned(), value)
            .await?;
        for stop in waiting(item)? {
            self.stop(tenant, person, &stop, now).await?;
        }
        Ok(())
    }

    /// One update of one attribute; the whole item as it is after it.
    async fn update_alias(
        &self,
        tenant: TenantId,
        alias: ContactToken,
        operand: &str,
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
            .update_expression(format!("SET v = :v, #name = {operand}"))
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

/// Whom the item names, if it does.
fn token(item: &Item) -> Result<Option<ContactToken>, Fault> {
    item.get("token")
        .map(|token| {
            let text = token.as_s().map_err(|_| damaged("its token is no text"))?;
            text.parse().map_err(damaged)
        })
        .transpose()
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
