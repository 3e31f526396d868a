//! The person's own act lifts a stop, and nothing else does.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use jiff::Timestamp;
use policy::ids::{EventId, TenantId};
use policy::person::{Suppression, SuppressionSource};
use policy::purpose::Scope;
use policy::resume::{Entry, in_force};
use policy::token::ContactToken;

use super::items::SuppressionItem;
use super::person::{HistoryItem, Written};
use super::{Contacts, person};
use crate::fault::Fault;
use crate::keys::ContactKey;
use crate::table::{self, millis, number};

/// A person's wish for messages, as it arrived.
#[derive(Clone, Debug)]
pub struct ResumeEvent {
    /// Which event; the same arrival has the same id however often it comes.
    pub id: EventId,
    /// When the person said so, by the reporter's clock.
    pub at: Timestamp,
    /// How they said it.
    pub source: SuppressionSource,
    /// Which messages they want again.
    pub scope: Scope,
}

impl Contacts {
    /// Lifts the stops that a person's own later act ends; the event and what is
    /// left of the stops are one transaction at the person's version, so that a
    /// stop that is committed meanwhile is never lost. `true` if something was
    /// lifted.
    pub async fn resume(
        &self,
        tenant: TenantId,
        token: ContactToken,
        resume: &ResumeEvent,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        loop {
            let person = self.person(tenant, token).await?;
            if person.suppressions.is_empty() {
                return Ok(false);
            }
            let mut history = self.entries(tenant, token).await?;
            history.push(Entry::Resume {
                scope: resume.scope.clone(),
                at: resume.at,
                source: resume.source,
            });
            let mut left = in_force(history);
            // Whatever has no entry in the history is no resume's to lift.
            left.retain(|scope, _| person.suppressions.contains_key(scope));
            if left.len() == person.suppressions.len() {
                return Ok(false);
            }
            let written = self
                .try_resume(tenant, token, resume, person.version, &left, now)
                .await?;
            match written {
                Written::Now => return Ok(true),
                Written::Before => return Ok(false),
                Written::Changed => (),
            }
        }
    }

    /// A person's stops and resumes.
    pub async fn entries(
        &self,
        tenant: TenantId,
        token: ContactToken,
    ) -> Result<Vec<Entry>, Fault> {
        let damaged = |error| Fault::lasting("read a person's history", error);
        let history = self.history(tenant, token).await?;
        let entries = history.into_iter().map(|(id, item)| {
            let source = SuppressionSource::from_code(&item.source).ok_or_else(|| {
                Fault::lasting("read a person's history", "the entry has no known source")
            })?;
            let at = table::moment(item.at);
            let scope = Scope::parse(&item.scope).map_err(damaged)?;
            if item.is_resume() {
                return Ok(Entry::Resume { scope, at, source });
            }
            let evidence = id.to_string();
            Ok(Entry::Stop {
                scope,
                stop: Suppression {
                    at,
                    source,
                    evidence,
                },
            })
        });
        entries.collect()
    }

    async fn try_resume(
        &self,
        tenant: TenantId,
        token: ContactToken,
        resume: &ResumeEvent,
        seen: u64,
        left: &BTreeMap<Scope, Suppression>,
        now: Timestamp,
    ) -> Result<Written, Fault> {
        let event_key = ContactKey::Event {
            tenant,
            token,
            at: millis(resume.at),
            id: resume.id,
        }
        .key();
        let entry = HistoryItem::resume(resume, seen + 1, now);
        let event = Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(table::encode(&event_key, &entry)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .expect("table and item are set");
        let left: BTreeMap<String, SuppressionItem> = left
            .iter()
            .map(|(scope, stop)| (scope.code().to_owned(), stop.into()))
            .collect();
        let left = serde_dynamo::to_attribute_value(left)
            .map_err(|error| Fault::lasting("encode a resume", error))?;
        let key = ContactKey::Person { tenant, token }.key();
        let update = Update::builder()
            .table_name(&self.table.name)
            .key("pk", table::text(key.pk))
            .key("sk", table::text(key.sk))
            .update_expression("SET version = :next, suppressions = :left")
            .condition_expression("version = :seen")
            .expression_attribute_values(":seen", number(seen))
            .expression_attribute_values(":next", number(seen + 1))
            .expression_attribute_values(":left", left)
            .build()
            .expect("key and expression are set");
        let answer = self
            .table
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(event).build())
            .transact_items(TransactWriteItem::builder().update(update).build())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Written::Now),
            Err(error) => person::cancelled("lift a stop", error),
        }
    }
}
