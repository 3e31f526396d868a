//! X: what stops a tenant's messages, who or what opened it, and who closed it.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use policy::breaker::{Breaker, Subject};
use policy::ids::TenantId;
use serde::Deserialize;

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::{self, CampaignKey};
use crate::table::{self, millis, moment, number, text};

/// One breaker as it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BreakerState {
    /// What it stops.
    pub breaker: Breaker,
    /// Whether it stops it now.
    pub is_open: bool,
    /// Meta's error code that opened it; `None` if a person did.
    pub code: Option<u32>,
    /// The person who opened it.
    pub opened_by: Option<String>,
    /// When it was opened last.
    pub opened_at: Timestamp,
    /// The person who closed it last.
    pub closed_by: Option<String>,
    /// When it was closed last.
    pub closed_at: Option<Timestamp>,
}

/// What opens a breaker.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Opening {
    /// An answer of WhatsApp, with Meta's error code.
    Answer(u32),
    /// A person, by name.
    Person(String),
}

#[derive(Deserialize)]
struct BreakerItem {
    is_open: bool,
    #[serde(default)]
    meta_code: Option<u32>,
    #[serde(default)]
    opened_by: Option<String>,
    opened_at: i64,
    #[serde(default)]
    closed_by: Option<String>,
    #[serde(default)]
    closed_at: Option<i64>,
}

impl Campaigns {
    /// Every breaker that a tenant ever had open, read strongly: one read.
    pub async fn breakers(&self, tenant: TenantId) -> Result<Vec<BreakerState>, Fault> {
        let items = self
            .table
            .partition(&keys::breakers(tenant), "", true)
            .await?;
        items
            .into_iter()
            .map(|item| {
                let breaker = match CampaignKey::parse(&table::key_of(&item)?) {
                    Some(CampaignKey::Breaker(_, scope, id)) => {
                        Breaker::parse(&scope, (!id.is_empty()).then_some(id.as_str()))
                    }
                    _ => None,
                };
                let breaker = breaker
                    .ok_or_else(|| Fault::lasting("read a breaker", "a key of another kind"))?;
                let item: BreakerItem = table::decode(item)?;
                Ok(BreakerState {
                    breaker,
                    is_open: item.is_open,
                    code: item.meta_code,
                    opened_by: item.opened_by,
                    opened_at: moment(item.opened_at),
                    closed_by: item.closed_by,
                    closed_at: item.closed_at.map(moment),
                })
            })
            .collect()
    }

    /// The first open breaker that stops the messages of `subject`.
    pub async fn stopped_by(
        &self,
        tenant: TenantId,
        subject: Subject<'_>,
    ) -> Result<Option<Breaker>, Fault> {
        let states = self.breakers(tenant).await?;
        let mut open = states.into_iter().filter(|state| state.is_open);
        Ok(open
            .find(|state| state.breaker.stops(subject))
            .map(|state| state.breaker))
    }

    /// Opens a breaker; `false` if it is open already, which changes nothing.
    pub async fn open_breaker(
        &self,
        tenant: TenantId,
        breaker: &Breaker,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let (keep, drop, value) = match opening {
            Opening::Answer(code) => ("meta_code", "opened_by", number(code)),
            Opening::Person(name) => ("opened_by", "meta_code", text(name)),
        };
        self.table
            .update_if(
                breaker_key(tenant, breaker),
                &format!(
                    "SET is_open = :true, opened_at = :now, {keep} = :how \
                     REMOVE {drop}, closed_by, closed_at"
                ),
                "attribute_not_exists(pk) OR is_open = :false",
                [
                    (":false", AttributeValue::Bool(false)),
                    (":how", value),
                    (":now", number(millis(now))),
                    (":true", AttributeValue::Bool(true)),
                ],
                "open a breaker",
            )
            .await
    }

    /// Closes a breaker in the name of `by`; `false` if it is not open.
    pub async fn close_breaker(
        &self,
        tenant: TenantId,
        breaker: &Breaker,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        self.table
            .update_if(
                breaker_key(tenant, breaker),
                "SET is_open = :false, closed_by = :by, closed_at = :now",
                "is_open = :true",
                [
                    (":by", text(by)),
                    (":false", AttributeValue::Bool(false)),
                    (":now", number(millis(now))),
                    (":true", AttributeValue::Bool(true)),
                ],
                "close a breaker",
            )
            .await
    }
}

fn breaker_key(tenant: TenantId, breaker: &Breaker) -> keys::Key {
    let id = breaker.id().unwrap_or_default().to_owned();
    CampaignKey::Breaker(tenant, breaker.scope().to_owned(), id).key()
}
