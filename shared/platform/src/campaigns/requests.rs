//! What people ask about their data: a copy, or erasure. A tenant has few of
//! them, so they are read together.

use jiff::Timestamp;
use policy::ids::{EventId, TenantId};
use policy::rights::{Right, Way};
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::{self, CampaignKey};
use crate::table::{self, millis, moment, number, text};

/// One person's request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// Which; the same request has the same id however often it arrives.
    pub id: EventId,
    /// Who asks.
    pub token: ContactToken,
    /// What for.
    pub right: Right,
    /// How.
    pub way: Way,
    /// When.
    pub at: Timestamp,
    /// When it was answered, and by whom; `None` while it is open.
    pub closed: Option<Closed>,
}

/// That a request was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// By whom: a name, or nobody where it was carried out by itself.
    pub by: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct RequestItem {
    v: u8,
    token: String,
    right: String,
    way: String,
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed_by: Option<String>,
}

impl RequestItem {
    fn decode(self, id: EventId) -> Result<Request, Fault> {
        let damaged = |what: &'static str| Fault::lasting("read a person's request", what);
        Ok(Request {
            id,
            token: self.token.parse().map_err(|_| damaged("it names nobody"))?,
            right: Right::from_code(&self.right).ok_or_else(|| damaged("it asks for nothing"))?,
            way: Way::from_code(&self.way).ok_or_else(|| damaged("it came by no known way"))?,
            at: moment(self.at),
            closed: self.closed_at.map(|at| Closed {
                at: moment(at),
                by: self.closed_by,
            }),
        })
    }
}

impl Campaigns {
    /// Writes a request down, open; nothing happens if it is there already.
    pub async fn open_request(&self, tenant: TenantId, request: &Request) -> Result<(), Fault> {
        let item = RequestItem {
            v: 1,
            token: request.token.to_string(),
            right: request.right.code().to_owned(),
            way: request.way.code().to_owned(),
            at: millis(request.at),
            closed_at: None,
            closed_by: None,
        };
        let key = CampaignKey::Request(tenant, request.id).key();
        self.table.put_new(table::encode(&key, &item)?).await?;
        Ok(())
    }

    /// Notes that a request was answered; `false` if there is none, or if it was
    /// answered before, which stays as it was.
    pub async fn close_request(
        &self,
        tenant: TenantId,
        id: EventId,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let key = CampaignKey::Request(tenant, id).key();
        let condition = "attribute_exists(pk) AND attribute_not_exists(closed_at)";
        let at = (":at", number(millis(now)));
        let operation = "close a person's request";
        match by {
            Some(by) => {
                let change = "SET closed_at = :at, closed_by = :by";
                let values = [at, (":by", text(by))];
                let table = &self.table;
                table
                    .update_if(key, change, condition, values, operation)
                    .await
            }
            None => {
                let change = "SET closed_at = :at";
                let table = &self.table;
                table
                    .update_if(key, change, condition, [at], operation)
                    .await
            }
        }
    }

    /// All requests of a tenant's people, oldest first.
    pub async fn requests(&self, tenant: TenantId) -> Result<Vec<Request>, Fault> {
        let items = self
            .table
            .partition(&keys::requests(tenant), "", true)
            .await?;
        let mut requests = Vec::with_capacity(items.len());
        for item in items {
            let Some(CampaignKey::Request(_, id)) = CampaignKey::parse(&table::key_of(&item)?)
            else {
                let what = "the key is not a request's";
                return Err(Fault::lasting("read a person's request", what));
            };
            requests.push(table::decode::<RequestItem>(item)?.decode(id)?);
        }
        requests.sort_by_key(|request| (request.at, request.id));
        Ok(requests)
    }
}
