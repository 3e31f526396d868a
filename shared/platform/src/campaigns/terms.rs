//! On whose terms a campaign's people are judged, before there is a block.

use policy::content::{Category, Template};
use policy::ids::TenantId;
use policy::send::Terms;

use super::{Campaign, Campaigns, SyncedTemplate};
use crate::fault::Fault;

impl Campaigns {
    /// The tenant's settings, and the category of the campaign's template as it
    /// was last read; until then the category that its purpose needs.
    pub async fn terms(&self, tenant: TenantId, campaign: &Campaign) -> Result<Terms, Fault> {
        let Some(content) = campaign.plan.templated() else {
            return Ok(self.settings(tenant).await?.terms(Category::Service));
        };
        let wanted = &content.template;
        let synced = self
            .template(tenant, &wanted.name, &wanted.language)
            .await?;
        self.terms_with(tenant, campaign, synced.as_ref()).await
    }

    /// The same, where the template was read already.
    pub async fn terms_with(
        &self,
        tenant: TenantId,
        campaign: &Campaign,
        synced: Option<&SyncedTemplate>,
    ) -> Result<Terms, Fault> {
        let template = synced.and_then(|synced| Template::parse(&synced.json).ok());
        let category = match template {
            Some(template) => template.category,
            None if campaign.plan.purpose.is_marketing() => Category::Marketing,
            None => Category::Utility,
        };
        Ok(self.settings(tenant).await?.terms(category))
    }
}
