//! A person agrees to exactly this message to exactly these people.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use platform::campaigns::{Approved, Campaign, Page, SyncedTemplate, Templated};
use platform::fault::Fault;
use policy::campaign::{CampaignState, CampaignStep, HoldReason, suits, template_hold};
use policy::content::{Finding, Mapping, Severity, Template, check};
use policy::ids::{CampaignId, TenantId};
use policy::links::Verdict;
use serde::Deserialize;
use utoipa::ToSchema;

use super::lifecycle::{TRIES, moved_by_others};
use super::preflight;
use super::view::CampaignView;
use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{FieldError, Problem, ProblemBody};
use crate::request::{Fields, Id, OptionalBody};

/// Who agrees.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveRequest {
    /// Who agrees. Required where there are warnings: a named person takes them
    /// on.
    #[schema(nullable = false)]
    by: Option<String>,
}

/// Agree to send exactly this to exactly these people. Whatever blocks the
/// message is listed, all of it at once. A paused campaign whose template or
/// file changed is approved again as they now are.
#[utoipa::path(
    post,
    path = "/v1/campaigns/{campaign_id}/approve",
    operation_id = "approve_campaign",
    tag = "campaigns",
    params(("campaign_id" = String, Path)),
    request_body(content = Option<ApproveRequest>),
    responses(
        (status = 200, description = "Done, now or before", body = CampaignView),
        (status = 404, description = "No such campaign", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Not possible where the campaign stands, or something blocks the message", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn approve(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<CampaignId>,
    OptionalBody(request): OptionalBody<ApproveRequest>,
) -> Result<Json<CampaignView>, Problem> {
    let mut fields = Fields::default();
    if request.by.is_some() {
        fields.short_text("/by", request.by.as_deref());
    }
    fields.finish()?;
    let changed = [
        HoldReason::TemplateChanged,
        HoldReason::MediaChanged,
        HoldReason::LinksHarmful,
    ]
    .map(Some);
    for _ in 0..TRIES {
        let campaign = super::find(&deps, tenant, id).await?;
        let from = campaign.state;
        let to = match from.apply(CampaignStep::Approve) {
            Ok(to) => to,
            Err(_) if from == CampaignState::Approved => {
                return Ok(Json(CampaignView::new(id, campaign)));
            }
            Err(_) if changed.contains(&campaign.hold) => from,
            Err(illegal) => return Err(Problem::conflict(illegal.to_string())),
        };
        let approved = examine(&deps, tenant, id, &campaign, request.by.as_deref()).await?;
        if deps
            .campaigns
            .approve_campaign(tenant, id, from, to, &approved)
            .await?
        {
            tracing::info!(campaign = %id, "campaign approved");
            let campaign = super::find(&deps, tenant, id).await?;
            return Ok(Json(CampaignView::new(id, campaign)));
        }
    }
    Err(moved_by_others())
}

/// Looks at audience, template and mapping; what is approved, or everything
/// that stands in the way.
async fn examine(
    deps: &Deps,
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    by: Option<&str>,
) -> Result<Approved, Problem> {
    let pages = deps.campaigns.pages(tenant, id).await?;
    if !pages.last().is_some_and(|page| page.last) {
        return Err(super::lifecycle::not_frozen());
    }
    let (synced, template) = read_template(deps, tenant, campaign).await?;
    let mapping = read_mapping(campaign)?;
    let business = deps.campaigns.tenant(tenant).await?;
    let business = business
        .map(|tenant| tenant.business_name)
        .unwrap_or_default();
    let columns = columns(&pages);
    let columns: Vec<&str> = columns.iter().map(|name| name.as_str()).collect();
    let findings = check(&template, &mapping, &columns, &business);

    let (preflight, media) = preflight::present(deps, tenant, id, &template, &mapping).await?;
    let mut blockers = listed(&findings, Severity::Blocker);
    blockers.extend(preflight::listed(&preflight, Verdict::Block));
    if !suits(template.category, &campaign.plan.purpose) {
        blockers.push(FieldError {
            pointer: "/purpose".to_owned(),
            code: "category_mismatch",
            detail: "WhatsApp's category of the template does not fit the purpose.".to_owned(),
        });
    }
    if !blockers.is_empty() {
        return Err(Problem::blocked(
            "the message cannot be sent as it is",
            blockers,
        ));
    }
    let mut warnings = listed(&findings, Severity::Warning);
    warnings.extend(preflight::listed(&preflight, Verdict::Warn));
    if !warnings.is_empty() && by.is_none() {
        return Err(Problem::blocked(
            "there are warnings: whoever takes them on gives a name as `by`",
            warnings,
        ));
    }
    // A doubt about a link or a file may take a second person.
    let author = deps.campaigns.author(tenant, id).await?;
    let two = deps.campaigns.settings(tenant).await?.two_person_approval;
    policy::preflight::approve(preflight.verdict, author.as_deref(), by, two)
        .map_err(|gap| Problem::blocked(gap.to_string(), warnings))?;
    Ok(Approved {
        template: synced.fingerprint()?,
        category: template.category.code().to_owned(),
        media,
        by: by.map(str::to_owned),
    })
}

/// Why the campaign may not go on with its template, file and links as they now
/// are.
pub(super) async fn template_holds(
    deps: &Deps,
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
) -> Result<Option<HoldReason>, Problem> {
    let Some(approved) = &campaign.approved else {
        return Ok(None);
    };
    let (synced, template) = read_template(deps, tenant, campaign).await?;
    let present = synced.fingerprint()?;
    let purpose = &campaign.plan.purpose;
    if let Some(reason) = template_hold(&template, purpose, &approved.template, &present) {
        return Ok(Some(reason));
    }
    let mapping = read_mapping(campaign)?;
    let file = deps
        .campaigns
        .header_media(tenant, campaign, &template, &mapping)
        .await?;
    if let Err(reason) = file {
        return Ok(Some(reason));
    }
    Ok(deps.campaigns.preflight_hold(tenant, id, campaign).await?)
}

fn read_mapping(campaign: &Campaign) -> Result<Mapping, Problem> {
    let mapping = templated(campaign)?.mapping.iter();
    Mapping::parse(mapping.map(|(k, v)| (k.as_str(), v.as_str())))
        .map_err(|error| Problem::conflict(error.to_string()))
}

/// Nobody approves an answer to what a person wrote.
fn templated(campaign: &Campaign) -> Result<&Templated, Problem> {
    let templated = campaign.plan.templated();
    templated.ok_or_else(|| Problem::conflict("an answer has no template"))
}

async fn read_template(
    deps: &Deps,
    tenant: TenantId,
    campaign: &Campaign,
) -> Result<(SyncedTemplate, Template), Problem> {
    let wanted = &templated(campaign)?.template;
    let synced = deps
        .campaigns
        .template(tenant, &wanted.name, &wanted.language)
        .await?
        .ok_or_else(|| Problem::conflict("the template was never read from WhatsApp"))?;
    let template =
        Template::parse(&synced.json).map_err(|error| Fault::lasting("read a template", error))?;
    Ok((synced, template))
}

/// Every column in which somebody of the audience has a value.
fn columns(pages: &[Page]) -> BTreeSet<&String> {
    pages.iter().flat_map(|page| &page.columns).collect()
}

fn listed(findings: &[Finding], severity: Severity) -> Vec<FieldError> {
    findings
        .iter()
        .filter(|finding| finding.severity == severity)
        .map(|finding| FieldError {
            pointer: String::new(),
            code: finding.code,
            detail: finding.sentence.clone(),
        })
        .collect()
}
