//! Campaigns: written down, led through their life, shown.

pub(crate) mod approval;
pub(crate) mod budget;
pub(crate) mod control;
pub(crate) mod doubts;
pub(crate) mod draft;
pub(crate) mod lifecycle;
pub(crate) mod preflight;
pub(crate) mod view;

use platform::campaigns::Campaign;
use policy::ids::{CampaignId, TenantId};

use crate::Deps;
use crate::problem::Problem;

async fn find(deps: &Deps, tenant: TenantId, id: CampaignId) -> Result<Campaign, Problem> {
    deps.campaigns
        .campaign(tenant, id)
        .await?
        .ok_or_else(|| Problem::not_found("there is no such campaign"))
}
