//! A range of blocks: who sends, with what; then block after block.

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::Campaign;
use platform::fault::Fault;
use platform::invocation::Invocation;
use platform::metrics::Metrics;
use platform::queue::SendTask;
use platform::rate::Lane;
use platform::whatsapp::{Credentials, Parameter};
use policy::block::Phase;
use policy::campaign::{CampaignState, template_hold};
use policy::content::{Mapping, Template};
use policy::ids::{CampaignId, OwnerNonce, TenantId};
use policy::pace::Pace;
use policy::preflight::header_file;
use policy::send::Terms;

use crate::money::{self, Intent};
use crate::pages::Pages;
use crate::{Deps, block, breaker, file};

/// Everything that the blocks of one range share.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    /// The WhatsApp Business Account.
    pub(crate) account: String,
    pub(crate) phone_number_id: String,
    pub(crate) credentials: Credentials,
    pub(crate) template: Template,
    pub(crate) mapping: Mapping,
    /// Signs the way to people's own pages, where the message carries it.
    pub(crate) pages: Option<Pages>,
    /// What its header shows, as WhatsApp takes it.
    pub(crate) header: Option<Parameter>,
    pub(crate) pace: Pace,
    pub(crate) lane: Lane,
    pub(crate) terms: Terms,
}

/// How long a worker holds a block at most.
const BLOCK_LIFE: SignedDuration = SignedDuration::from_secs(60);

/// What must be left of the invocation to begin another block.
const BLOCK_TIME: SignedDuration = SignedDuration::from_secs(30);

/// How old the description of a template may be: the timer reads it every few
/// minutes, so an older one says that nobody knows what WhatsApp says of it.
const TEMPLATE_KEPT: SignedDuration = SignedDuration::from_hours(2);

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
    let wanted = &plan.template;
    let synced = deps
        .campaigns
        .template(tenant, &wanted.name, &wanted.language)
        .await?;
    let Some(synced) = synced else {
        return refuse("its template was never read from WhatsApp");
    };
    let Ok(template) = Template::parse(&synced.json) else {
        return refuse("its template cannot be read");
    };
    let now = deps.clock.now();
    if now.duration_since(synced.synced_at) > TEMPLATE_KEPT {
        return refuse("its template was not read from WhatsApp for too long");
    }
    let present = synced.fingerprint()?;
    let approved = campaign.approved.as_ref();
    let approved = approved.map_or(&present, |approved| &approved.template);
    if let Some(reason) = template_hold(&template, &plan.purpose, approved, &present) {
        deps.campaigns.hold_campaign(tenant, id, reason).await?;
        return refuse(reason.code());
    }
    let entries = plan.mapping.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    let Ok(mapping) = Mapping::parse(entries) else {
        return refuse("its mapping cannot be read");
    };
    let pages = if mapping.leads_to_page() {
        match Pages::of(tenant, plan.list, deps).await? {
            Some(pages) => Some(pages),
            None => return refuse("the key of people's pages is too short"),
        }
    } else {
        None
    };
    let media = deps
        .campaigns
        .header_media(tenant, campaign, &template, &mapping)
        .await?;
    let media = match media {
        Ok(media) => media,
        Err(reason) => {
            deps.campaigns.hold_campaign(tenant, id, reason).await?;
            return refuse(reason.code());
        }
    };
    if let Some(reason) = deps.campaigns.preflight_hold(tenant, id, campaign).await? {
        deps.campaigns.hold_campaign(tenant, id, reason).await?;
        return refuse(reason.code());
    }
    let credentials = Credentials {
        token: deps.secrets.read(&deps.token_secret).await?,
    };
    let header = match (media, header_file(&template, &mapping)) {
        (Some(media), Some((kind, reference))) => {
            let wanted = file::Wanted {
                tenant,
                phone_number_id: &plan.sender,
                kind,
                reference,
                media,
            };
            match file::header(wanted, &credentials, deps).await? {
                Ok(header) => Some(header),
                Err(reason) => {
                    deps.campaigns.hold_campaign(tenant, id, reason).await?;
                    return refuse(reason.code());
                }
            }
        }
        _ => None,
    };
    let terms = deps
        .campaigns
        .settings(tenant)
        .await?
        .terms(template.category);
    Ok(Some(Sender {
        terms,
        tenant,
        campaign: id,
        account: number.waba,
        phone_number_id: plan.sender.clone(),
        credentials,
        template,
        mapping,
        pages,
        header,
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
