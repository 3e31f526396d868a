//! Campaigns as an operator sees them, with what became of every message.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use platform::campaigns::{Campaign, Content, Page, TemplateRef};
use policy::answer::Answer;
use policy::campaign::CampaignState;
use policy::ids::{CampaignId, ListId};
use policy::receipt::{StatusTotals, Totals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::budget::BudgetView;
use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::{Id, Query};

/// A campaign: what was asked for, and where it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Campaign)]
pub(crate) struct CampaignView {
    #[schema(value_type = String, example = "cmp_0199a0c01e4c7aaabbbbccccddddeeee")]
    campaign_id: CampaignId,
    /// The operator's name for it.
    name: String,
    /// The list; an answer has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    list_id: Option<ListId>,
    /// From which number: WhatsApp's id of it.
    sender: String,
    /// The template; an answer has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    template: Option<TemplateView>,
    /// What it answers, if a person's own message asked for it: `confirmation` of
    /// a stop, or `help`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    answer: Option<&'static str>,
    /// Variable → source.
    mapping: BTreeMap<String, String>,
    /// What the message is for.
    purpose: String,
    /// After this moment nothing is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    not_after: Option<Timestamp>,
    /// `draft`, `validating`, `validated`, `approved`, `scheduled`, `planning`,
    /// `running`, `paused`, `completed`, `cancelled`.
    state: &'static str,
    /// Why it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    hold: Option<HoldView>,
    /// When the portfolio's messaging limit has room again, while nothing is
    /// released for want of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    tier_full_until: Option<Timestamp>,
    /// When it starts by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    start: Option<StartView>,
    /// The first people, if they are judged before the rest follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    canary: Option<CanaryView>,
    /// So many messages a second at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    messages_per_second: Option<u32>,
    /// So many people at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tranche: Option<TrancheView>,
}

/// Why a campaign is paused.
#[derive(Serialize, ToSchema)]
struct HoldView {
    /// A stable code.
    reason: &'static str,
    /// What it means.
    detail: String,
}

/// When a campaign starts by itself.
#[derive(Serialize, ToSchema)]
struct StartView {
    /// The moment.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The local time that was asked for.
    local: String,
    /// Whose clock shows it.
    time_zone: String,
    /// What that clock does then: `once`, `skips` (it is set forward over the
    /// time, and the start is as much later) or `twice` (it is set back, and the
    /// start is the first of the two).
    clock: String,
}

/// The first people of a campaign.
#[derive(Serialize, ToSchema)]
struct CanaryView {
    /// Their share, in per cent.
    percent: u8,
    /// Whether the rest may follow.
    passed: bool,
}

/// So many people at a time.
#[derive(Serialize, ToSchema)]
struct TrancheView {
    people: u32,
    every_minutes: i64,
}

/// A template by name and language.
#[derive(Serialize, ToSchema)]
struct TemplateView {
    name: String,
    language: String,
}

impl CampaignView {
    pub(crate) fn new(campaign_id: CampaignId, campaign: Campaign) -> Self {
        let paused = campaign.state == CampaignState::Paused;
        let hold = campaign.hold.filter(|_| paused).map(|reason| HoldView {
            reason: reason.code(),
            detail: reason.to_string(),
        });
        let scheduled = campaign.state == CampaignState::Scheduled;
        let start = campaign.start.filter(|_| scheduled).map(|start| StartView {
            at: start.at(),
            local: start.local,
            time_zone: start.zone,
            clock: start.clock,
        });
        let controls = campaign.controls;
        let passed = campaign.canary_passed;
        let plan = campaign.plan;
        let answer = plan.answer().map(Answer::code);
        let (list_id, template, mapping) = match plan.content {
            Content::Answer(_) => (None, None, BTreeMap::new()),
            Content::Template(content) => {
                let TemplateRef { name, language } = content.template;
                let template = TemplateView { name, language };
                (Some(content.list), Some(template), content.mapping)
            }
        };
        Self {
            campaign_id,
            name: plan.name,
            list_id,
            sender: plan.sender,
            template,
            mapping,
            answer,
            purpose: plan.purpose.to_string(),
            not_after: plan.not_after,
            state: campaign.state.code(),
            hold,
            tier_full_until: campaign.tier_full_until,
            start,
            canary: controls
                .canary_percent
                .map(|percent| CanaryView { percent, passed }),
            messages_per_second: controls.messages_per_second,
            tranche: controls.tranche.map(|tranche| TrancheView {
                people: tranche.people,
                every_minutes: tranche.every.as_mins(),
            }),
        }
    }
}

/// Which campaigns to show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    limit: Option<u16>,
    before: Option<String>,
}

/// A page of campaigns, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Campaigns)]
pub(crate) struct CampaignsView {
    campaigns: Vec<CampaignView>,
    /// What to ask for as `before` to see older ones; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    next: Option<CampaignId>,
}

const LIMIT_DEFAULT: u16 = 20;
const LIMIT_MAX: u16 = 100;

/// Campaigns read at the same time.
const WIDTH: usize = 8;

/// List campaigns, newest first.
#[utoipa::path(
    get,
    path = "/v1/campaigns",
    operation_id = "list_campaigns",
    tag = "campaigns",
    params(
        ("limit" = Option<u16>, Query, description = "How many at most, 1 to 100, by default 20."),
        ("before" = Option<String>, Query, description = "Only campaigns older than this one: the `next` of the page before."),
    ),
    responses((status = 200, description = "A page", body = CampaignsView)),
)]
pub(crate) async fn list(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Query(query): Query<ListQuery>,
) -> Result<Json<CampaignsView>, Problem> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::malformed("expected a limit of 1 to 100"));
    }
    let before = match query.before {
        Some(text) => Some(
            text.parse()
                .map_err(|_| Problem::malformed("expected a campaign's id as `before`"))?,
        ),
        None => None,
    };
    let ids = deps.campaigns.campaign_ids(tenant).await?;
    let (page, next) = page_of(ids, before, usize::from(limit));
    // An id without a campaign was written down by a request that then failed.
    let found: Vec<Option<CampaignView>> = stream::iter(page)
        .map(|id| {
            let campaigns = &deps.campaigns;
            async move {
                let campaign = campaigns.campaign(tenant, id).await?;
                Ok::<_, Problem>(campaign.map(|campaign| CampaignView::new(id, campaign)))
            }
        })
        .buffered(WIDTH)
        .try_collect()
        .await?;
    let campaigns = found.into_iter().flatten().collect();
    Ok(Json(CampaignsView { campaigns, next }))
}

/// The newest `limit` ids before `before`, newest first, and where the next
/// page begins. `ids` come oldest first.
fn page_of(
    ids: Vec<CampaignId>,
    before: Option<CampaignId>,
    limit: usize,
) -> (Vec<CampaignId>, Option<CampaignId>) {
    let mut older = ids
        .into_iter()
        .rev()
        .skip_while(|id| before.is_some_and(|before| *id >= before));
    let page: Vec<CampaignId> = older.by_ref().take(limit).collect();
    let next = older.next().and(page.last().copied());
    (page, next)
}

/// A campaign with what became of its messages.
#[derive(Serialize, ToSchema)]
pub(crate) struct CampaignDetail {
    campaign: CampaignView,
    /// Its money, if it has a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    budget: Option<BudgetView>,
    /// The open breaker that stops it, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    stopped_by: Option<String>,
    totals: TotalsView,
    /// People who were left out, by the code of the first reason.
    excluded_by_reason: BTreeMap<String, u64>,
    /// Absent until the audience is frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conservation: Option<Conservation>,
}

/// How the messages stand: `audience` is the sum of the eight after it.
/// Counted from the ledger at every call, so exact under every repetition.
#[derive(Serialize, ToSchema)]
struct TotalsView {
    /// Everybody of the list, judged so far.
    audience: u64,
    /// Left out by policy, before planning or at the wire.
    excluded: u64,
    /// Not yet decided.
    pending: u64,
    /// In the hands of a worker.
    in_flight: u64,
    /// Taken by WhatsApp.
    accepted: u64,
    /// Refused by WhatsApp for good.
    rejected: u64,
    /// A request may have been made; never sent again by itself.
    unknown: u64,
    /// Too late.
    expired: u64,
    /// Ended before its turn.
    cancelled: u64,
    statuses: StatusesView,
}

/// Of the accepted, by people: a read message was delivered and sent too.
#[derive(Serialize, ToSchema)]
struct StatusesView {
    /// Left WhatsApp's servers.
    sent: u64,
    /// Arrived.
    delivered: u64,
    /// Opened.
    read: u64,
    /// Will not arrive.
    failed: u64,
}

/// Proof that nobody was lost: the frozen audience against the ledger.
#[derive(Debug, Eq, PartialEq, Serialize, ToSchema)]
struct Conservation {
    /// People judged, by the frozen pages.
    frozen: u64,
    /// People accounted for, by the totals.
    accounted: u64,
    /// Whether they are as many.
    holds: bool,
}

/// See a campaign and what became of its messages.
#[utoipa::path(
    get,
    path = "/v1/campaigns/{campaign_id}",
    operation_id = "show_campaign",
    tag = "campaigns",
    params(("campaign_id" = String, Path)),
    responses(
        (status = 200, description = "As it stands", body = CampaignDetail),
        (status = 404, description = "No such campaign", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<CampaignId>,
) -> Result<Json<CampaignDetail>, Problem> {
    let campaign = super::find(&deps, tenant, id).await?;
    let (totals, excluded_by_reason) = deps.campaigns.totals(tenant, id).await?;
    let conservation = match campaign.state {
        CampaignState::Draft | CampaignState::Validating => None,
        CampaignState::Validated
        | CampaignState::Approved
        | CampaignState::Scheduled
        | CampaignState::Planning
        | CampaignState::Running
        | CampaignState::Paused
        | CampaignState::Completed
        | CampaignState::Cancelled => {
            let pages = deps.campaigns.pages(tenant, id).await?;
            Some(Conservation::of(&pages, &totals))
        }
    };
    let budget = deps.campaigns.budget(tenant, id).await?;
    let stopped_by = super::control::stopped_by(&deps, tenant, &campaign).await?;
    Ok(Json(CampaignDetail {
        budget: budget.map(BudgetView::from),
        stopped_by: stopped_by.map(|breaker| breaker.to_string()),
        campaign: CampaignView::new(id, campaign),
        totals: totals.into(),
        excluded_by_reason,
        conservation,
    }))
}

impl Conservation {
    fn of(pages: &[Page], totals: &Totals) -> Self {
        let frozen = pages.iter().map(Page::judged).sum();
        let accounted = totals.audience();
        Self {
            frozen,
            accounted,
            holds: frozen == accounted,
        }
    }
}

impl From<Totals> for TotalsView {
    fn from(totals: Totals) -> Self {
        let audience = totals.audience();
        let Totals {
            excluded,
            pending,
            in_flight,
            accepted,
            rejected,
            unknown,
            expired,
            cancelled,
            statuses:
                StatusTotals {
                    sent,
                    delivered,
                    read,
                    failed,
                },
        } = totals;
        Self {
            audience,
            excluded,
            pending,
            in_flight,
            accepted,
            rejected,
            unknown,
            expired,
            cancelled,
            statuses: StatusesView {
                sent,
                delivered,
                read,
                failed,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> CampaignId {
        CampaignId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn pages_run_from_new_to_old_and_meet_everything_once() {
        let ids: Vec<CampaignId> = (1..=5).map(id).collect();
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let (page, next) = page_of(ids.clone(), before, 2);
            assert!(page.len() <= 2);
            seen.extend(page);
            before = next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(seen, (1..=5).rev().map(id).collect::<Vec<_>>());
        assert_eq!(page_of(Vec::new(), None, 2), (Vec::new(), None));
        assert_eq!(page_of(ids.clone(), None, 5).1, None);
    }

    #[test]
    fn conservation_compares_the_frozen_with_the_accounted() {
        let page = Page {
            object: "audiences/…".to_owned(),
            count: 7,
            excluded: BTreeMap::from([
                ("suppressed".to_owned(), 2),
                ("consent_expired".to_owned(), 1),
            ]),
            columns: BTreeSet::new(),
            next_shard: 64,
            next_after: None,
            last: true,
        };
        let mut totals = Totals {
            excluded: 3,
            pending: 4,
            accepted: 2,
            unknown: 1,
            ..Totals::default()
        };
        let pages = [page];
        assert!(Conservation::of(&pages, &totals).holds);
        totals.accepted += 1;
        assert_eq!(
            Conservation::of(&pages, &totals),
            Conservation {
                frozen: 10,
                accounted: 11,
                holds: false
            }
        );
    }
}
