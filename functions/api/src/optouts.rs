//! Opt-outs that a tenant's own systems learned of: a call, a web page, another
//! tool. Committed before the answer; from then on no send in the stopped scope
//! succeeds.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use platform::contacts::StopEvent;
use platform::events::{self, EventV1, WhatV1, WhoV1};
use platform::queue::ReceiptTask;
use policy::ids::{EventId, TenantId};
use policy::person::SuppressionSource;
use policy::phone::{PhoneNumber, Region};
use policy::purpose::{ParsePurposeError, Scope};
use policy::token::ContactToken;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::contacts;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields};

/// Somebody said stop. Takes a number, so it implements neither `Debug` nor
/// `Serialize`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOptOut {
    /// The person's number, as people write it; a local one is of the tenant's
    /// region.
    #[schema(required = true, nullable = false)]
    phone: Option<String>,
    /// What they stopped: `marketing`, `everything`, or a purpose such as
    /// `marketing.promo`.
    #[schema(required = true, nullable = false)]
    scope: Option<String>,
    /// When they said so, by default now.
    #[schema(format = DateTime)]
    at: Option<String>,
    /// The caller's own name for this event: the same name is the same event.
    event_id: Option<String>,
}

/// Longest name of an event, in bytes.
const EVENT_ID_MAX: usize = 255;

/// Stop messages to a person.
#[utoipa::path(
    post,
    path = "/v1/optouts",
    operation_id = "create_optout",
    tag = "contacts",
    request_body = NewOptOut,
    responses(
        (status = 204, description = "Committed; a repetition changes nothing"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Body(request): Body<NewOptOut>,
) -> Result<StatusCode, Problem> {
    let region = contacts::region(&deps, tenant).await?;
    let now = deps.clock.now();
    let wanted = WantedOptOut::read(&request, region, now)?;

    let key = contacts::token_key(&deps).await?;
    let token = key.contact(tenant, &wanted.phone);
    let stop = StopEvent {
        id: event_id(tenant, token, &wanted),
        scope: wanted.scope,
        at: wanted.at,
        source: SuppressionSource::Api,
    };
    deps.contacts.stop(tenant, token, &stop, now).await?;
    // A caller who gets no answer repeats the request: the event is the same.
    let told = ReceiptTask::EventsV1 {
        tenant,
        events: vec![told(tenant, token, &stop)],
    };
    deps.receipts.send(&told).await?;
    tracing::info!(contact = %token, event = %stop.id, scope = stop.scope.code(), "opt-out committed");
    Ok(StatusCode::NO_CONTENT)
}

/// What the tenant's tools are told of it.
fn told(tenant: TenantId, token: ContactToken, stop: &StopEvent) -> EventV1 {
    let what = WhatV1::ContactOptedOut {
        who: WhoV1::known_as(Some(token), None),
        scopes: vec![stop.scope.code().to_owned()],
        source: stop.source.code().to_owned(),
        review: false,
    };
    EventV1 {
        id: events::event_id(tenant, what.kind(), &[stop.id.uuid().as_bytes()]),
        at: stop.at,
        what,
    }
}

/// An opt-out that can be committed.
#[derive(Debug)]
struct WantedOptOut {
    phone: PhoneNumber,
    scope: Scope,
    at: Timestamp,
    name: Option<String>,
}

impl WantedOptOut {
    fn read(request: &NewOptOut, region: Region, now: Timestamp) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let phone = fields.phone("/phone", request.phone.as_deref(), region);
        let scope = fields.required("/scope", request.scope.as_deref());
        let scope = scope.and_then(|text| {
            parse_scope(text)
                .map_err(|_| {
                    let detail =
                        "expected `marketing`, `everything` or a purpose such as `marketing.promo`";
                    fields.refuse("/scope", "unreadable", detail);
                })
                .ok()
        });
        // A moment that lies ahead of our clock counts as now: a stop is never
        // turned away for a clock.
        let given = fields.moment("/at", request.at.as_deref());
        let at = given.map_or(now, |at| at.min(now));
        let name = request.event_id.clone();
        if name
            .as_ref()
            .is_some_and(|name| name.is_empty() || name.len() > EVENT_ID_MAX)
        {
            let detail = format!("expected 1 to {EVENT_ID_MAX} bytes");
            fields.refuse("/event_id", "out_of_range", detail);
        }
        let (phone, scope) = fields.finish_with(phone.zip(scope))?;
        Ok(Self {
            phone,
            scope,
            at,
            name,
        })
    }
}

pub(crate) fn parse_scope(text: &str) -> Result<Scope, ParsePurposeError> {
    match text {
        "everything" => Ok(Scope::Everything),
        // The stored text of "everything" is no word of the API.
        "*" => Err(ParsePurposeError),
        text => Scope::parse(text),
    }
}

/// The same opt-out has the same id however often it is reported: a UUID
/// (version 8, RFC 9562) of who, what, and the caller's name for it or else the
/// moment.
fn event_id(tenant: TenantId, token: ContactToken, wanted: &WantedOptOut) -> EventId {
    let mut hash = Sha256::new();
    hash.update(b"api-optout:v1");
    hash.update(tenant.uuid().as_bytes());
    hash.update(token.as_bytes());
    hash.update(wanted.scope.code());
    match &wanted.name {
        Some(name) => {
            hash.update(b"\0name\0");
            hash.update(name);
        }
        None => {
            hash.update(b"\0at\0");
            hash.update(wanted.at.as_millisecond().to_be_bytes());
        }
    }
    EventId::of_digest(&hash.finalize().into())
}

#[cfg(test)]
mod tests;
