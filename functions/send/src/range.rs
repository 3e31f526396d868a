//! A range of blocks: who sends, with what; then block after block.

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::{AdvertisesBy, Campaign};
use platform::fault::Fault;
use platform::invocation::Invocation;
use platform::metrics::Metrics;
use platform::queue::SendTask;
use platform::rate::Lane;
use platform::whatsapp::{Endpoint, Transport};
use policy::block::Phase;
use policy::campaign::CampaignState;
use policy::content::Category;
use policy::ids::{CampaignId, OwnerNonce, TenantId};
use policy::pace::Pace;
use policy::send::Terms;

use crate::content::{self, Content, Gap};
use crate::money::{self, Intent};
use crate::{Deps, block, breaker, room, way};

/// Everything that the blocks of one range share.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    /// The WhatsApp Business Account.
    pub(crate) account: String,
    pub(crate) phone_number_id: String,
    /// Where its advertising is posted to.
    pub(crate) advertises_by: AdvertisesBy,
    /// The business portfolio, whose numbers share one messaging limit.
    pub(crate) portfolio: String,
    pub(crate) transport: Transport,
    pub(crate) content: Content,
    pub(crate) pace: Pace,
    /// The campaign's own, below the number's; thousandths of a message per
    /// second.
    pub(crate) own_milli_rate: Option<u64>,
    pub(crate) lane: Lane,
    pub(crate) terms: Terms,
}

impl Sender {
    /// Where its messages are posted to.
    pub(crate) fn endpoint(&self) -> Endpoint<'_> {
        let number = &self.phone_number_id;
        match self.advertises_by {
            AdvertisesBy::MarketingMessages if self.content.category() == Category::Marketing => {
                Endpoint::MarketingMessages(number)
            }
            AdvertisesBy::MarketingMessages | AdvertisesBy::Messages => Endpoint::Messages(number),
        }
    }
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
    deps.warm_up(&sender.transport, &sender.pace).await;
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
        // A block that nobody has looked at may hold people who have a place in
        // the day already. If this one holds none, the others of the range wait.
        let full_until = room::full_until(&sender, deps).await?;
        if let Some(until) = full_until
            && planned.attempt > 1
        {
            return room::wait(until, &sender, deps).await;
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
            let any_left = block::run(begun, owner, deadline, &sender, deps, metrics).await?;
            if let Some(until) = full_until
                && !any_left
            {
                return room::wait(until, &sender, deps).await;
            }
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
    // Said before the number was registered; the timer commits them.
    if !deps.campaigns.waiting_stops(&plan.sender).await?.is_empty() {
        return refuse("stops that people said to its number wait to be heard");
    }
    let health = deps.campaigns.number_health(tenant, &plan.sender).await?;
    let pace = Pace {
        transit: deps.transit,
        ..number.pace(health.as_ref())
    };
    let said = match way::of(&number, health.as_ref(), deps).await? {
        Ok(transport) => {
            let content = content::read(tenant, campaign, &transport, deps).await?;
            content.map(|content| (transport, content))
        }
        Err(gap) => Err(gap),
    };
    let (transport, content) = match said {
        Ok(said) => said,
        Err(Gap::Hold(reason)) => {
            deps.campaigns.hold_campaign(tenant, id, reason).await?;
            return refuse(reason.code());
        }
        Err(Gap::Unknown(why)) => return refuse(why),
    };
    if let Some(reason) = deps.campaigns.preflight_hold(tenant, id, campaign).await? {
        deps.campaigns.hold_campaign(tenant, id, reason).await?;
        return refuse(reason.code());
    }
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
        portfolio: number.portfolio,
        advertises_by: number.advertises_by,
        phone_number_id: plan.sender.clone(),
        transport,
        content,
        lane: if campaign.is_single {
            Lane::Triggered
        } else {
            Lane::Campaign
        },
        pace,
        own_milli_rate: campaign
            .controls
            .messages_per_second
            .map(|pace| u64::from(pace) * 1_000),
    }))
}
