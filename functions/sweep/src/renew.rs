//! Verdicts that grow old: the links and the file of a campaign are looked at
//! again before what is known of them expires.

use platform::campaigns::Campaign;
use platform::fault::Fault;
use platform::queue::{ConsentTask, ScanTask};
use policy::content::Source;
use policy::ids::{CampaignId, MediaId, TenantId};
use policy::preflight::age;

use crate::Deps;

/// Asks whoever looks. Asked at every tick until it is done; whoever is asked
/// finds a fresh verdict, and does nothing.
pub(crate) async fn ask(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    deps: &Deps,
) -> Result<(), Fault> {
    let now = deps.clock.now();
    let found = deps.campaigns.preflight(tenant, id).await?;
    if found.is_some_and(|found| age::is_to_renew(found.at, now)) {
        let task = ConsentTask::ReviewV1 {
            tenant,
            campaign: id,
        };
        deps.consent.send(&task).await?;
    }
    for media in files(campaign) {
        let known = deps.campaigns.media(tenant, media).await?;
        if known.is_some_and(|known| known.is_to_renew(now)) {
            deps.scan.send(&ScanTask::CheckV1 { tenant, media }).await?;
        }
    }
    Ok(())
}

/// The files that the mapping names.
fn files(campaign: &Campaign) -> impl Iterator<Item = MediaId> {
    let mapping = campaign.plan.templated().map(|content| &content.mapping);
    mapping
        .into_iter()
        .flat_map(|m| m.values())
        .filter_map(|source| {
            let source: Source = source.parse().ok()?;
            match source {
                Source::Media(reference) => reference.parse().ok(),
                Source::Column { .. } | Source::PreferenceLink | Source::Text(_) => None,
            }
        })
}
