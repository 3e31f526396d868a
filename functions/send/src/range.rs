//! A range of blocks: who sends, with what; then block after block.

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::Campaign;
use platform::fault::Fault;
use platform::invocation::Invocation;
use platform::metrics::Metrics;
use platform::queue::SendTask;
use platform::rate::Lane;
use platform::whatsapp::Credentials;
use policy::block::Phase;
use policy::campaign::CampaignState;
use policy::ids::{CampaignId, OwnerNonce, TenantId};
use policy::pace::Pace;
use policy::send::Terms;

use crate::content::{self, Content, Gap};
use crate::money::{self, Intent};
use crate::{Deps, block, breaker};

/// Everything that the blocks of one range share.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    /// The WhatsApp Business Account.
    pub(crate) account: String,
    pub(crate) phone_number_id: String,
    pub(crate) credentials: Credentials,
    pub(crate) content: Content,
    pub(crate) pace: Pace,
    pub(crate) lane: Lane,
    pub(crate) terms: Terms,
}

/// How long a worker holds a block at most.
const BLOCK_LIFE: SignedDuration = SignedDuration::from_secs(60);

/// What must be left of the invocation to begin another block.
const BLOCK_TIME: SignedDuration = SignedDuration::from_secs(30);

/// What a block leaves of the invocation, to write its end down.
const CLOSING_TIME: SignedDuration = SignedDuration::from_secs(8);

/// Sends the blocks of a range that are due, or hands the rest over.
pub(crate) async fn send(
    task: &SendTask,
    invocation: Invocation,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    let SendTask::RangeV1 {
        tenant,
        campaign: id,
        from,
        to,
    } = *task;
    let Some(campaign) = deps.campaigns.campaign(tenant, id).await? else {
        tracing::warn!(campaign = %id, "there is no such campaign");
        return Ok(());
    };
    // Released blocks of a campaign that waits stay pending; whoever lets it
    // run again releases them again. Those of one that has ended are settled by
    // the timer, which needs neither number nor template for it.
    let is_late = |now| campaign.plan.not_after.is_some_and(|end| end < now);
    if campaign.state != CampaignState::Running || is_late(deps.clock.now()) {
        return Ok(());
    }
    let Some(sender) = sender(tenant, id, &campaign, deps).await? else {
        return Ok(());
    };
    let budget = deps.campaigns.budget(tenant, id).await?;
    deps.warm_up(&sender.pace).await;
    for number in from..to {
        let now = deps.clock.now();
        if invocation.ends_within(BLOCK_TIME, now) {
            let rest = SendTask::RangeV1 {
                tenant,
                campaign: id,
                from: number,
                to,
            };
            return deps.queue_of(sender.lane).send(&rest).await;
        }
        let Some(planned) = deps.campaigns.block(tenant, id, number).await? else {
            continue;
        };
        // Done, or another's: a redelivery finds its work done.
        if !matches!(planned.phase, Phase::Pending { due } if due <= now) {
            continue;
        }
        if breaker::is_open(&sender, deps).await? {
            return Ok(());
        }
        let deadline = deadline(invocation, now);
        let owner = OwnerNonce::from_uuid(deps.ids.mint(now));
        let begun = match &budget {
            None => {
                deps.campaigns
                    .begin_block(tenant, id, &planned, owner, deadline, now)
                    .await?
            }
            Some(money) => {
                let budget = &money.budget;
                let intent = Intent {
                    owner,
                    deadline,
                    now,
                };
                match money::begin(&planned, budget, intent, &campaign, &sender, deps).await? {
                    Ok(begun) => begun,
                    Err(reason) => {
                        tracing::warn!(campaign = %id, reason = reason.code(), "campaign held");
                        deps.campaigns.hold_campaign(tenant, id, reason).await?;
                        return Ok(());
                    }
                }
            }
        };
        if let Some(begun) = begun {
            block::run(begun, owner, deadline, &sender, deps, metrics).await?;
        }
    }
    Ok(())
}

/// Past this the worker neither leases nor claims.
fn deadline(invocation: Invocation, now: Timestamp) -> Timestamp {
    let life = now.saturating_add(BLOCK_LIFE).unwrap_or(Timestamp::MAX);
    let end = invocation
        .deadline
        .saturating_sub(CLOSING_TIME)
        .unwrap_or(Timestamp::MIN);
    life.min(end)
}

/// Who sends, and with what; `None`, with a log line, where that is not known
/// well enough to send: the blocks stay pending.
async fn sender(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    deps: &Deps,
) -> Result<Option<Sender>, Fault> {
    let refuse = |why: &'static str| {
        tracing::warn!(campaign = %id, why, "campaign cannot send");
        Ok(None)
    };
    let plan = &campaign.plan;
    let Some(number) = deps.campaigns.number(&plan.sender).await? else {
        return refuse("its number is not registered");
    };
    if number.tenant != tenant {
        return refuse("its number belongs to another tenant");
    }
    let credentials = Credentials {
        token: deps.secrets.read(&deps.token_secret).await?,
    };
    let content = match content::read(tenant, campaign, &credentials, deps).await? {
        Ok(content) => content,
        Err(Gap::Hold(reason)) => {
            deps.campaigns.hold_campaign(tenant, id, reason).await?;
            return refuse(reason.code());
        }
        Err(Gap::Unknown(why)) => return refuse(why),
    };
    let terms = deps
        .campaigns
        .settings(tenant)
        .await?
        .terms(content.category());
    Ok(Some(Sender {
        terms,
        tenant,
        campaign: id,
        account: number.waba,
        phone_number_id: plan.sender.clone(),
        credentials,
        content,
        lane: if campaign.is_single {
            Lane::Triggered
        } else {
            Lane::Campaign
        },
        pace: Pace {
            transit: deps.transit,
            ..Pace::usual(number.limit_per_second, number.inbound_per_second)
        },
    }))
}
