//! What WhatsApp told of limits and templates, applied.
//!
//! A tier is noted both ways, by the time at which it was told; a throughput
//! only rises; a template is only marked, and the timer reads it anew: what a
//! post says of it may be old, and what stops it has a breaker already.

use jiff::Timestamp;
use platform::fault::Fault;
use platform::queue::NewsV1;
use policy::ids::TenantId;
use policy::limits::Limits;
use policy::pace::Pace;

use crate::Deps;

/// Applies one piece of news. Any repetition and any order end the same.
pub(crate) async fn apply(tenant: TenantId, news: &NewsV1, deps: &Deps) -> Result<(), Fault> {
    match news {
        NewsV1::Template { name, language } => {
            deps.campaigns
                .note_template_news(tenant, name, language.as_deref())
                .await?;
            Ok(())
        }
        NewsV1::Throughput {
            account,
            number,
            level,
        } => throughput(tenant, account, number.as_deref(), level, deps).await,
        NewsV1::Tier {
            account,
            tier: name,
            told_at,
        } => tier(tenant, account, name, *told_at, deps).await,
    }
}

async fn tier(
    tenant: TenantId,
    account: &str,
    name: &str,
    told_at: Timestamp,
    deps: &Deps,
) -> Result<(), Fault> {
    let known = deps.campaigns.account(account).await?;
    let portfolio = known
        .filter(|known| known.tenant == tenant)
        .and_then(|known| known.portfolio);
    let Some(portfolio) = portfolio else {
        tracing::warn!(account, "nobody said which portfolio this account is of");
        return Ok(());
    };
    deps.tiers.hear_tier(&portfolio, name, told_at).await
}

/// WhatsApp tells of the number by how it is dialled, which is noted nowhere. So
/// an account of several numbers is left to the timer.
async fn throughput(
    tenant: TenantId,
    account: &str,
    number: Option<&str>,
    level: &str,
    deps: &Deps,
) -> Result<(), Fault> {
    let known = deps.campaigns.account(account).await?;
    let Some(known) = known.filter(|known| known.tenant == tenant) else {
        return Ok(());
    };
    let only = known.numbers.first().filter(|_| known.numbers.len() == 1);
    let Some(number) = number.or(only.map(String::as_str)) else {
        tracing::info!(account, "which of its numbers is faster is not told");
        return Ok(());
    };
    if !known.numbers.contains(number) {
        return Ok(());
    }
    let limit = Limits::embedded().throughput(level);
    let inbound = Pace::usual_inbound(limit);
    let campaigns = &deps.campaigns;
    if campaigns.raise_number_limit(number, limit, inbound).await? {
        tracing::info!(number, limit, "number may send faster");
    }
    Ok(())
}
