//! What stops a campaign from outside: an open breaker, or a template that is
//! not any more what was approved.

use platform::campaigns::Campaign;
use platform::fault::Fault;
use platform::metrics::Metrics;
use policy::breaker::Subject;
use policy::campaign::{HoldReason, template_hold};
use policy::content::Template;
use policy::ids::{CampaignId, TenantId};

use crate::Deps;

/// Holds the campaign where something stops it; whether it may not be released
/// now.
pub(crate) async fn check(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<bool, Fault> {
    let number = deps.campaigns.number(&campaign.plan.sender).await?;
    let subject = Subject {
        account: number.as_ref().map_or("", |number| &number.waba),
        number: &campaign.plan.sender,
        template: campaign.plan.template_name(),
    };
    let stopped = deps.campaigns.stopped_by(tenant, subject).await?;
    let reason = match &stopped {
        Some(breaker) => breaker.hold(),
        None => template(tenant, id, campaign, deps).await?,
    };
    if let Some(reason) = reason
        && deps.campaigns.hold_campaign(tenant, id, reason).await?
    {
        metrics.count("CampaignsHeld", 1);
        tracing::error!(campaign = %id, reason = reason.code(), "campaign held");
    }
    Ok(stopped.is_some() || reason.is_some())
}

/// What became of the template since it was approved. A category that only
/// costs something else is noted, and priced as such from now on.
async fn template(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    deps: &Deps,
) -> Result<Option<HoldReason>, Fault> {
    let Some(content) = campaign.plan.templated() else {
        return Ok(None);
    };
    let wanted = &content.template;
    let synced = deps
        .campaigns
        .template(tenant, &wanted.name, &wanted.language)
        .await?;
    let (Some(synced), Some(approved)) = (synced, &campaign.approved) else {
        return Ok(None);
    };
    let Ok(template) = Template::parse(&synced.json) else {
        return Ok(Some(HoldReason::TemplateUnusable));
    };
    let present = synced.fingerprint()?;
    let purpose = &campaign.plan.purpose;
    let reason = template_hold(&template, purpose, &approved.template, &present);
    if reason.is_none() && template.category.code() != approved.category {
        tracing::warn!(campaign = %id, from = approved.category, to = template.category.code(), "template is billed anew");
        deps.campaigns
            .note_category(tenant, id, template.category.code())
            .await?;
    }
    Ok(reason)
}
