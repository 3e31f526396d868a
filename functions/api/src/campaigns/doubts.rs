//! Messages in doubt: which they are, and what a named person found out.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use platform::campaigns::Finding;
use policy::block::{Phase, RecipientState};
use policy::ids::CampaignId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, Id};

/// Most doubts of one answer.
const MOST: usize = 1_000;

/// Messages of which nobody knows whether WhatsApp took them.
#[derive(Serialize, ToSchema)]
#[schema(as = Doubts)]
pub(crate) struct DoubtsView {
    /// At most a thousand; those that are settled make room for others.
    doubts: Vec<DoubtView>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
#[schema(as = Doubt)]
struct DoubtView {
    /// Whose message it is.
    token: String,
    /// Its place in the ledger.
    block: u32,
    index: u8,
}

/// List the messages in doubt. A status that arrives settles one by itself.
#[utoipa::path(
    get,
    path = "/v1/campaigns/{campaign_id}/doubts",
    operation_id = "list_doubts",
    tag = "campaigns",
    params(("campaign_id" = String, Path)),
    responses(
        (status = 200, description = "Those that are left", body = DoubtsView),
        (status = 404, description = "No such campaign", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<CampaignId>,
) -> Result<Json<DoubtsView>, Problem> {
    super::find(&deps, tenant, id).await?;
    let doubts = deps.campaigns.doubts(tenant, id, MOST).await?;
    let view = |doubt: platform::campaigns::Doubt| DoubtView {
        token: doubt.token.to_string(),
        block: doubt.block,
        index: doubt.index,
    };
    Ok(Json(DoubtsView {
        doubts: doubts.into_iter().map(view).collect(),
    }))
}

/// What somebody found out about a message in doubt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewFinding)]
pub(crate) struct FindingRequest {
    /// The message's place in the ledger.
    #[schema(required = true, nullable = false)]
    block: Option<u32>,
    #[schema(required = true, nullable = false)]
    index: Option<u8>,
    /// `accepted`: WhatsApp took it. `not_sent`: it did not, and the message is
    /// not sent again.
    #[schema(required = true, nullable = false)]
    outcome: Option<String>,
    /// Who found it out.
    #[schema(required = true, nullable = false)]
    by: Option<String>,
    /// What it is based on, without numbers and names of people.
    #[schema(required = true, nullable = false)]
    evidence: Option<String>,
}

/// A finding as it is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Finding)]
pub(crate) struct FindingView {
    block: u32,
    index: u8,
    outcome: &'static str,
    by: String,
    evidence: String,
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
}

/// Settle one message in doubt, in somebody's name. It cannot be undone, and
/// nothing is sent by it.
#[utoipa::path(
    post,
    path = "/v1/campaigns/{campaign_id}/doubts",
    operation_id = "settle_doubt",
    tag = "campaigns",
    params(("campaign_id" = String, Path)),
    request_body = FindingRequest,
    responses(
        (status = 200, description = "Settled, now or before", body = FindingView),
        (status = 404, description = "No such campaign or message", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The message is not in doubt", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn settle(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<CampaignId>,
    Body(request): Body<FindingRequest>,
) -> Result<Json<FindingView>, Problem> {
    super::find(&deps, tenant, id).await?;
    let (number, index, finding) = read(&request, deps.clock.now())?;
    let absent = || Problem::not_found("there is no such message");
    let block = deps.campaigns.block(tenant, id, number).await?;
    let block = block.ok_or_else(absent)?;
    let state = *block.states.get(usize::from(index)).ok_or_else(absent)?;
    let known = deps.campaigns.finding(tenant, id, number, index).await?;
    if let Some(known) = known {
        if known.was_sent == finding.was_sent {
            return Ok(Json(FindingView::new(number, index, known)));
        }
        return Err(Problem::conflict("somebody found the opposite before"));
    }
    if state != RecipientState::Unknown {
        return Err(Problem::conflict("the message is not in doubt"));
    }
    if matches!(block.phase, Phase::InFlight { .. }) {
        return Err(Problem::conflict(
            "a worker holds the message's block; try again in a minute",
        ));
    }
    let proved = deps.campaigns.proved(tenant, id, &block).await?;
    if proved[usize::from(index)] == RecipientState::Accepted && !finding.was_sent {
        return Err(Problem::conflict("a status proves that WhatsApp took it"));
    }
    if !deps
        .campaigns
        .settle_doubt(tenant, id, &block, index, &finding)
        .await?
    {
        return Err(Problem::conflict(
            "the block moved meanwhile; look at it and try again",
        ));
    }
    tracing::info!(campaign = %id, block = number, index, was_sent = finding.was_sent, "doubt settled");
    Ok(Json(FindingView::new(number, index, finding)))
}

fn read(request: &FindingRequest, now: jiff::Timestamp) -> Result<(u32, u8, Finding), Problem> {
    let mut fields = Fields::default();
    let block = fields.required("/block", request.block);
    let index = fields.required("/index", request.index);
    let outcome = fields.required("/outcome", request.outcome.as_deref());
    let was_sent = outcome.and_then(|outcome| match outcome {
        "accepted" => Some(true),
        "not_sent" => Some(false),
        _ => {
            fields.refuse("/outcome", "unknown", "expected accepted or not_sent");
            None
        }
    });
    let by = fields.short_text("/by", request.by.as_deref());
    let evidence = fields.short_text("/evidence", request.evidence.as_deref());
    let finding = was_sent.zip(by.zip(evidence));
    let finding = finding.map(|(was_sent, (by, evidence))| Finding {
        was_sent,
        by,
        evidence,
        // As exact as it is kept, so that a repetition is answered the same.
        at: jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now),
    });
    let place = block.zip(index).zip(finding);
    fields.finish_with(place.map(|((block, index), finding)| (block, index, finding)))
}

impl FindingView {
    fn new(block: u32, index: u8, finding: Finding) -> Self {
        Self {
            block,
            index,
            outcome: if finding.was_sent {
                "accepted"
            } else {
                "not_sent"
            },
            by: finding.by,
            evidence: finding.evidence,
            at: finding.at,
        }
    }
}
