//! What WhatsApp told of limits, numbers and templates, applied.
//!
//! A tier is noted both ways, by the time at which it was told. Numbers and
//! templates are only marked, and the timer reads them anew: what a post says of
//! them may be old, and what stops them has a breaker already.

use jiff::Timestamp;
use platform::fault::Fault;
use platform::queue::NewsV1;
use policy::ids::TenantId;

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
        NewsV1::Number { account } => numbers(tenant, account, deps).await,
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

/// WhatsApp tells of a number by how it is dialled, which is noted nowhere: all
/// numbers of the account are read again.
async fn numbers(tenant: TenantId, account: &str, deps: &Deps) -> Result<(), Fault> {
    let known = deps.campaigns.account(account).await?;
    let numbers = known.filter(|known| known.tenant == tenant);
    for number in numbers.iter().flat_map(|known| &known.numbers) {
        deps.campaigns.note_number_news(tenant, number).await?;
    }
    Ok(())
}
