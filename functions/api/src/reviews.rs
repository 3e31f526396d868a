//! Messages that may be stops: what waits for somebody to read it, and what they
//! decide.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use platform::campaigns::{Decision, Review, ReviewsPage};
use platform::contacts::{Act, StopEvent, act_id};
use platform::events::{EventV1, WhatV1, WhoV1, event_id};
use platform::queue::ReceiptTask;
use policy::ids::{EventId, TenantId};
use policy::person::SuppressionSource;
use policy::purpose::Scope;
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::optouts::parse_scope;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, Id, Query};

/// Messages of one answer, if the caller does not say; also the most.
const LIMIT: u16 = 200;

/// Messages that may be stops.
#[derive(Serialize, ToSchema)]
#[schema(as = Reviews)]
pub(crate) struct ReviewsView {
    reviews: Vec<ReviewView>,
    /// Whether more wait: they show once these are decided.
    more: bool,
}

/// A message that may be a stop. Until somebody decides it is none.
#[derive(Serialize, ToSchema)]
#[schema(as = Review)]
struct ReviewView {
    /// The event that tells of it.
    #[schema(value_type = String)]
    event_id: EventId,
    /// Who wrote it: the person's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    contact: Option<String>,
    /// Keyed hash of another identity, where no number is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    identity: Option<String>,
    /// `text`, `audio`, `reaction`, …
    content: String,
    #[schema(value_type = String, format = DateTime)]
    said_at: Timestamp,
    /// Where the words can be read; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    text_path: Option<String>,
}

/// How many to show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewsQuery {
    limit: Option<u16>,
}

/// List messages that may be stops and that nobody has decided about, oldest
/// first, of the last 30 days.
#[utoipa::path(
    get,
    path = "/v1/reviews",
    operation_id = "list_reviews",
    tag = "contacts",
    params(("limit" = Option<u16>, Query, description = "How many at most, 1 to 200; by default 200.")),
    responses(
        (status = 200, description = "What waits", body = ReviewsView),
        (status = 400, description = "The limit cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Query(query): Query<ReviewsQuery>,
) -> Result<Json<ReviewsView>, Problem> {
    let limit = query.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT).contains(&limit) {
        let detail = format!("expected a `limit` of 1 to {LIMIT}");
        return Err(Problem::malformed(detail));
    }
    let ReviewsPage { reviews, more } = deps.campaigns.open_reviews(tenant, limit.into()).await?;
    let reviews = reviews.into_iter().map(ReviewView::from).collect();
    Ok(Json(ReviewsView { reviews, more }))
}

impl From<Review> for ReviewView {
    fn from(review: Review) -> Self {
        Self {
            event_id: review.event,
            contact: review.contact.map(|token| token.to_string()),
            identity: review.identity.map(|token| token.to_string()),
            content: review.content,
            said_at: review.at,
            text_path: review
                .has_text
                .then(|| format!("/v1/events/{}/text", review.event)),
        }
    }
}

/// What somebody decided who read the message.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ReviewDecision)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDecision {
    /// `stop` or `no_stop`.
    #[schema(required = true, nullable = false)]
    verdict: Option<String>,
    /// What is stopped, by default `marketing`: that, `everything`, or a purpose
    /// such as `marketing.promo`.
    scope: Option<String>,
    /// Who decided, by name.
    #[schema(required = true, nullable = false)]
    by: Option<String>,
}

/// Decide whether a message is a stop. A stop is committed before the answer, as
/// of the moment at which it was said; no decision lifts a stop.
#[utoipa::path(
    post,
    path = "/v1/reviews/{event_id}",
    operation_id = "decide_review",
    tag = "contacts",
    params(("event_id" = String, Path, description = "The event that tells of the message")),
    request_body = NewDecision,
    responses(
        (status = 204, description = "Decided"),
        (status = 404, description = "Nothing waits under this id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn decide(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<EventId>,
    Body(wanted): Body<NewDecision>,
) -> Result<StatusCode, Problem> {
    let (verdict, by) = read(&wanted)?;
    let absent = || Problem::not_found("nothing waits under this id");
    let event = deps.campaigns.event(tenant, id).await?.ok_or_else(absent)?;
    let campaigns = &deps.campaigns;
    let found = campaigns.review(tenant, id, event.event.at).await?;
    let (review, decided) = found.ok_or_else(absent)?;
    let decision = Decision {
        is_stop: matches!(verdict, Verdict::Stop(_)),
        by,
    };
    if let Some(decided) = decided {
        // The same once more, from a caller who got no answer.
        let is_same = decided == decision;
        return is_same.then_some(StatusCode::NO_CONTENT).ok_or_else(absent);
    }
    let now = deps.clock.now();
    if let Verdict::Stop(scope) = &verdict {
        stop(&deps, tenant, &review, scope, now).await?;
    }
    campaigns
        .decide_review(tenant, &review, &decision, now)
        .await?;
    let is_stop = decision.is_stop;
    tracing::info!(event = %id, is_stop, "a doubtful message was decided");
    Ok(StatusCode::NO_CONTENT)
}

/// What a message is.
enum Verdict {
    NoStop,
    Stop(Scope),
}

fn read(decision: &NewDecision) -> Result<(Verdict, String), Problem> {
    let mut fields = Fields::default();
    let by = fields.required("/by", decision.by.as_deref());
    let by = by.map(str::to_owned);
    let wanted = fields.required("/verdict", decision.verdict.as_deref());
    let scope = match decision.scope.as_deref() {
        None => Some(Scope::marketing()),
        Some(text) => parse_scope(text).ok(),
    };
    if scope.is_none() {
        let detail = "expected `marketing`, `everything` or a purpose such as `marketing.promo`";
        fields.refuse("/scope", "unreadable", detail);
    }
    let verdict = match wanted {
        Some("stop") => scope.map(Verdict::Stop),
        Some("no_stop") => Some(Verdict::NoStop),
        Some(_) => {
            fields.refuse("/verdict", "unreadable", "expected `stop` or `no_stop`");
            None
        }
        None => None,
    };
    fields.finish_with(verdict.zip(by))
}

/// Commits the stop and tells of it; a repetition is the same stop.
async fn stop(
    deps: &Deps,
    tenant: TenantId,
    review: &Review,
    scope: &Scope,
    now: Timestamp,
) -> Result<(), Problem> {
    let Some(first) = review.contact.or(review.identity) else {
        return Err(Problem::not_found("nobody is known to have written it"));
    };
    let source = SuppressionSource::Api;
    let event = review.event.to_string();
    let act = Act {
        kind: "review:v1",
        wamid: Some(&event),
        said_at: Some(review.at),
        source,
        scope: scope.code(),
    };
    let event = StopEvent {
        id: act_id(tenant, first, act),
        scope: scope.clone(),
        at: review.at.min(now),
        source,
    };
    let aliases: Vec<ContactToken> = match review.contact {
        Some(_) => Vec::new(),
        None => review.identity.into_iter().collect(),
    };
    deps.contacts
        .stop_known_as(tenant, review.contact, &aliases, &event, now)
        .await?;
    let told = told(tenant, review, &event);
    let events = vec![told];
    deps.receipts
        .send(&ReceiptTask::EventsV1 { tenant, events })
        .await?;
    Ok(())
}

fn told(tenant: TenantId, review: &Review, stop: &StopEvent) -> EventV1 {
    let what = WhatV1::ContactOptedOut {
        who: WhoV1::known_as(review.contact, review.identity),
        scopes: vec![stop.scope.code().to_owned()],
        source: stop.source.code().to_owned(),
        review: false,
    };
    EventV1 {
        id: event_id(tenant, what.kind(), &[stop.id.uuid().as_bytes()]),
        at: stop.at,
        what,
    }
}
