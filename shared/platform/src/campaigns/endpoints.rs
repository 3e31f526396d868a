//! W: where a tenant wants events posted, and how that goes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use policy::endpoint::EndpointUrl;
use policy::event::EventKind;
use policy::ids::{EndpointId, TenantId};
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::{self, CampaignKey};
use crate::table::{self, Item, millis, moment, number, text};

/// One address for events.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// The address.
    pub url: EndpointUrl,
    /// Which events; empty means all, also those of kinds to come.
    pub kinds: BTreeSet<EventKind>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which of its secrets signs; each rotation makes the next.
    pub generation: u32,
    /// Until when the secret before signs too.
    pub both_sign_until: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Why the last of them was, as a stable code.
    pub last_failure: Option<String>,
    /// Until then nothing is posted.
    pub retry_at: Option<Timestamp>,
    /// When it was switched off.
    pub disabled_at: Option<Timestamp>,
}

impl Endpoint {
    /// A new one, to which nothing was posted yet.
    pub fn new(url: EndpointUrl, kinds: BTreeSet<EventKind>, now: Timestamp) -> Self {
        Self {
            url,
            kinds,
            created_at: now,
            generation: 1,
            both_sign_until: None,
            failures: 0,
            failing_since: None,
            last_failure: None,
            retry_at: None,
            disabled_at: None,
        }
    }

    /// Whether events of this kind are posted to it.
    pub fn wants(&self, kind: EventKind) -> bool {
        self.disabled_at.is_none() && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }
}

#[derive(Deserialize, Serialize)]
struct EndpointItem {
    v: u8,
    url: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    kinds: BTreeSet<String>,
    created_at: i64,
    generation: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    both_sign_until: Option<i64>,
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_since: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled_at: Option<i64>,
}

impl From<&Endpoint> for EndpointItem {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            v: 1,
            url: endpoint.url.expose().to_string(),
            kinds: endpoint.kinds.iter().map(ToString::to_string).collect(),
            created_at: millis(endpoint.created_at),
            generation: endpoint.generation,
            both_sign_until: endpoint.both_sign_until.map(millis),
            failures: endpoint.failures,
            failing_since: endpoint.failing_since.map(millis),
            last_failure: endpoint.last_failure.clone(),
            retry_at: endpoint.retry_at.map(millis),
            disabled_at: endpoint.disabled_at.map(millis),
        }
    }
}

impl EndpointItem {
    fn decode(self) -> Result<Endpoint, Fault> {
        let damaged = |what: &'static str| Fault::lasting("read an endpoint", what);
        let kinds = self.kinds.iter().map(|kind| kind.parse());
        Ok(Endpoint {
            url: EndpointUrl::parse(&self.url)
                .map_err(|_| damaged("its address cannot be used any more"))?,
            kinds: kinds
                .collect::<Result<_, _>>()
                .map_err(|_| damaged("it wants events of an unknown kind"))?,
            created_at: moment(self.created_at),
            generation: self.generation,
            both_sign_until: self.both_sign_until.map(moment),
            failures: self.failures,
            failing_since: self.failing_since.map(moment),
            last_failure: self.last_failure,
            retry_at: self.retry_at.map(moment),
            disabled_at: self.disabled_at.map(moment),
        })
    }
}

impl Campaigns {
    /// A tenant's endpoints, oldest first: one read.
    pub async fn endpoints(&self, tenant: TenantId) -> Result<Vec<(EndpointId, Endpoint)>, Fault> {
        let pk = keys::endpoints(tenant);
        let items = self.table.partition(&pk, "", true).await?;
        let read = |item: Item| {
            let Some(CampaignKey::Endpoint(_, id)) = CampaignKey::parse(&table::key_of(&item)?)
            else {
                return Err(Fault::lasting("read an endpoint", "a key of another kind"));
            };
            Ok((id, table::decode::<EndpointItem>(item)?.decode()?))
        };
        items.into_iter().map(read).collect()
    }

    /// One endpoint, read strongly.
    pub async fn endpoint(
        &self,
        tenant: TenantId,
        id: EndpointId,
    ) -> Result<Option<Endpoint>, Fault> {
        let item: Option<EndpointItem> = self.row(&endpoint_key(tenant, id)).await?;
        item.map(EndpointItem::decode).transpose()
    }

    /// Writes an endpoint down; nothing happens if the id exists.
    pub async fn create_endpoint(
        &self,
        tenant: TenantId,
        id: EndpointId,
        endpoint: &Endpoint,
    ) -> Result<(), Fault> {
        let item = EndpointItem::from(endpoint);
        let item = table::encode(&endpoint_key(tenant, id), &item)?;
        self.table.put_new(item).await?;
        Ok(())
    }

    /// Removes an endpoint, if it is there.
    pub async fn delete_endpoint(&self, tenant: TenantId, id: EndpointId) -> Result<(), Fault> {
        self.table.delete(&endpoint_key(tenant, id)).await
    }

    /// Lets the secret after `seen` sign, and `seen` too until `both_until`;
    /// `false` if another rotation came first.
    pub async fn rotate_endpoint(
        &self,
        tenant: TenantId,
        id: EndpointId,
        seen: u32,
        both_until: Timestamp,
    ) -> Result<bool, Fault> {
        self.table
            .update_if(
                endpoint_key(tenant, id),
                "SET generation = :next, both_sign_until = :until",
                "generation = :seen",
                [
                    (":next", number(seen.saturating_add(1))),
                    (":seen", number(seen)),
                    (":until", number(millis(both_until))),
                ],
                "rotate a secret",
            )
            .await
    }

    /// Notes that a post failed, as `code` says, and that nothing is posted
    /// before `retry_at`. Of posts that fail at once, the first counts.
    pub async fn note_post_failed(
        &self,
        tenant: TenantId,
        id: EndpointId,
        seen: &Endpoint,
        code: &str,
        retry_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.table
            .update_if(
                endpoint_key(tenant, id),
                "SET failures = :next, failing_since = if_not_exists(failing_since, :now), \
                 last_failure = :code, retry_at = :retry_at",
                "failures = :seen",
                [
                    (":code", text(code)),
                    (":next", number(seen.failures.saturating_add(1))),
                    (":now", number(millis(now))),
                    (":retry_at", number(millis(retry_at))),
                    (":seen", number(seen.failures)),
                ],
                "note a post",
            )
            .await?;
        Ok(())
    }

    /// Notes that a post arrived at an endpoint that had failed.
    pub async fn note_post_arrived(&self, tenant: TenantId, id: EndpointId) -> Result<(), Fault> {
        self.table
            .update_if(
                endpoint_key(tenant, id),
                "SET failures = :none REMOVE failing_since, last_failure, retry_at",
                "failures > :none",
                [(":none", number(0))],
                "note a post",
            )
            .await?;
        Ok(())
    }

    /// Switches an endpoint off; `false` if it is off, or gone.
    pub async fn disable_endpoint(
        &self,
        tenant: TenantId,
        id: EndpointId,
        code: &str,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        self.table
            .update_if(
                endpoint_key(tenant, id),
                "SET disabled_at = :now, last_failure = :code",
                "attribute_exists(pk) AND attribute_not_exists(disabled_at)",
                [(":code", text(code)), (":now", number(millis(now)))],
                "switch an endpoint off",
            )
            .await
    }

    /// Switches an endpoint on again, with a clean record; `false` if it is gone.
    pub async fn enable_endpoint(&self, tenant: TenantId, id: EndpointId) -> Result<bool, Fault> {
        self.table
            .update_if(
                endpoint_key(tenant, id),
                "SET failures = :none \
                 REMOVE disabled_at, failing_since, last_failure, retry_at",
                "attribute_exists(pk)",
                [(":none", number(0))],
                "switch an endpoint on",
            )
            .await
    }
}

fn endpoint_key(tenant: TenantId, id: EndpointId) -> keys::Key {
    CampaignKey::Endpoint(tenant, id).key()
}
