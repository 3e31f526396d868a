//! What happened, for tools that ask: oldest first, by a cursor that they keep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use jiff::Timestamp;
use platform::campaigns::{EventCursor, RecordedEvent};
use platform::events::{WhatV1, told};
use platform::fault::Fault;
use platform::inbound::KeptUpdate;
use policy::ids::{EventId, TenantId};
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Id, Query};

/// Events of one answer, if the caller does not say.
const LIMIT: u16 = 100;

/// Most events of one answer.
const LIMIT_MAX: u16 = 200;

/// People whose names of the caller's are looked up at the same time.
const NAMES_AT_ONCE: usize = 16;

/// Which events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// The `next` of an earlier answer: only what came after it.
    after: Option<String>,
    /// How many at most, 1 to 200; by default 100.
    limit: Option<u16>,
}

/// A piece of what happened, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Events)]
pub(crate) struct EventsView {
    events: Vec<EventView>,
    /// Where to go on, now or later; keep it once you have dealt with the
    /// events. Absent as long as nothing ever happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
    /// Whether more is there already.
    more: bool,
}

/// Something that happened. It may be told again, under the same id.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    /// The same for the same happening.
    #[schema(value_type = String, example = "evt_0199a0c01e4c7aaabbbbccccddddeeee")]
    id: String,
    /// `account.changed`, `campaign.cancelled`, `campaign.completed`,
    /// `campaign.held`, `contact.opted_out`, `contact.resumed`,
    /// `message.received`, `number.changed`, `template.changed`; more may come.
    #[serde(rename = "type")]
    kind: String,
    /// When it happened, by the clock of whoever told it.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// What is known of it, by type. Of a person: `contact` (their token),
    /// `external_id` (the caller's own name for them), or `identity` where no
    /// number is known; of a message with words: `text_path`.
    #[schema(value_type = Object)]
    data: Value,
}

/// What a person wrote.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventTextView {
    /// The event.
    #[schema(value_type = String)]
    event_id: EventId,
    /// `text`, `button`, `image`, …
    content: String,
    /// The words: what was written, the label of what was tapped, or what stands
    /// under a picture.
    text: String,
}

/// List what happened, oldest first, from the oldest event that is kept (30
/// days) or after a cursor. An event can be read ten seconds after it was
/// recorded; none slips in behind a cursor later.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "list_events",
    tag = "events",
    params(
        ("after" = Option<String>, Query, description = "The `next` of an earlier answer: only what came after it."),
        ("limit" = Option<u16>, Query, description = "How many at most, 1 to 200; by default 100."),
    ),
    responses(
        (status = 200, description = "What happened", body = EventsView),
        (status = 400, description = "The cursor or the limit cannot be read", body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "What came after the cursor is no longer kept whole; begin without it", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Query(query): Query<EventsQuery>,
) -> Result<Json<EventsView>, Problem> {
    let now = deps.clock.now();
    let limit = query.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("expected a `limit` of 1 to {LIMIT_MAX}");
        return Err(Problem::malformed(detail));
    }
    let after = query.after.as_deref();
    let after: Option<EventCursor> = after
        .map(|text| text.parse().map_err(|_| Problem::bad_cursor()))
        .transpose()?;
    if after.is_some_and(|after| after.is_expired(now)) {
        return Err(Problem::cursor_expired());
    }
    let page = deps.campaigns.events(tenant, after, limit, now).await?;
    let next = page.events.last().map(EventCursor::after).or(after);
    let names = external_ids(&deps, tenant, &page.events).await?;
    let views = page.events.iter().map(|event| view(event, &names));
    Ok(Json(EventsView {
        events: views.collect::<Result<_, Fault>>()?,
        next: next.map(|next| next.to_string()),
        more: page.more,
    }))
}

/// Show one event.
#[utoipa::path(
    get,
    path = "/v1/events/{event_id}",
    operation_id = "show_event",
    tag = "events",
    params(("event_id" = String, Path, description = "The event's id")),
    responses(
        (status = 200, description = "What happened", body = EventView),
        (status = 404, description = "There is no such event, or it is no longer kept", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<EventId>,
) -> Result<Json<EventView>, Problem> {
    let event = find(&deps, tenant, id).await?;
    let names = external_ids(&deps, tenant, std::slice::from_ref(&event)).await?;
    Ok(Json(view(&event, &names)?))
}

/// Read the words behind a `message.received` event. They stay in an encrypted
/// object for 30 days, and nowhere else.
#[utoipa::path(
    get,
    path = "/v1/events/{event_id}/text",
    operation_id = "read_event_text",
    tag = "events",
    params(("event_id" = String, Path, description = "The event's id")),
    responses(
        (status = 200, description = "The words", body = EventTextView),
        (status = 404, description = "There is no such event, it has no words, or they are no longer kept", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn text(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<EventId>,
) -> Result<Response, Problem> {
    let event = find(&deps, tenant, id).await?.event;
    let WhatV1::MessageReceived {
        content,
        object,
        place,
        ..
    } = event.what
    else {
        return Err(Problem::not_found("this event has no words"));
    };
    let gone = || Problem::not_found("the words are no longer kept");
    let kept = kept(&deps, &object).await?.ok_or_else(gone)?;
    let kept = kept.into_iter().nth(place as usize).ok_or_else(gone)?;
    let Some(text) = kept.text else {
        return Err(Problem::not_found("this message has no words"));
    };
    tracing::info!(event = %id, "the words of a message were read");
    let view = EventTextView {
        event_id: id,
        content,
        text,
    };
    let mut response = Json(view).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

/// What is kept in an object, if it still is.
pub(crate) async fn kept(deps: &Deps, object: &str) -> Result<Option<Vec<KeptUpdate>>, Fault> {
    let Some(bytes) = deps.objects.get_if_there(object).await? else {
        return Ok(None);
    };
    let kept = serde_json::from_slice(&bytes)
        // The error would repeat what stands there.
        .map_err(|_| Fault::lasting("read what was kept", "it is not as it was written"))?;
    Ok(Some(kept))
}

async fn find(deps: &Deps, tenant: TenantId, id: EventId) -> Result<RecordedEvent, Problem> {
    let event = deps.campaigns.event(tenant, id).await?;
    event.ok_or_else(|| Problem::not_found("there is no such event, or it is no longer kept"))
}

/// The caller's own names for the people of some events.
async fn external_ids(
    deps: &Deps,
    tenant: TenantId,
    events: &[RecordedEvent],
) -> Result<BTreeMap<ContactToken, String>, Fault> {
    let people: BTreeSet<_> = events.iter().filter_map(|e| e.event.contact()).collect();
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let lists = deps.campaigns.list_ids(tenant).await?;
    let lists = lists.as_slice();
    let names: Vec<_> = stream::iter(people)
        .map(|token| async move {
            let name = deps.contacts.external_id(tenant, lists, token).await?;
            Ok::<_, Fault>(name.map(|name| (token, name)))
        })
        .buffer_unordered(NAMES_AT_ONCE)
        .try_collect()
        .await?;
    Ok(names.into_iter().flatten().collect())
}

fn view(event: &RecordedEvent, names: &BTreeMap<ContactToken, String>) -> Result<EventView, Fault> {
    let contact = event.event.contact();
    let name = contact.and_then(|token| names.get(&token));
    serde_json::from_value(told(&event.event, name.map(String::as_str)))
        .map_err(|error| Fault::lasting("show an event", error))
}
