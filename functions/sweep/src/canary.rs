//! The first people of a campaign: what they answered, and whether the rest
//! follows.

use jiff::SignedDuration;
use platform::campaigns::Campaign;
use platform::fault::Fault;
use platform::metrics::Metrics;
use policy::attempt::{Class, classify};
use policy::block::{Block, Outcome, Phase, RecipientState};
use policy::campaign::HoldReason;
use policy::ids::{CampaignId, TenantId};
use policy::limits::{CanaryCounts, CanaryMetric, CanaryVerdict, Limits, judge_canary};
use policy::receipt::{Status, StatusSets};

use crate::Deps;

/// Judges the first people, and lets the rest follow or holds the campaign.
pub(crate) async fn judge(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    let Some(blocks) = campaign.canary_blocks() else {
        return Ok(());
    };
    let slice = look_at(tenant, id, campaign, blocks, deps).await?;
    let limits = Limits::embedded();
    let bounds = limits.canary().of(slice.people);
    let verdict = judge_canary(&bounds, &slice.counts, slice.people.into());
    let hold = match verdict {
        CanaryVerdict::Go => {
            deps.campaigns.pass_canary(tenant, id).await?;
            tracing::info!(campaign = %id, people = slice.people, "the first people let the rest follow");
            return Ok(());
        }
        CanaryVerdict::Wait => {
            let waited = campaign.canary_asked_at.map_or(SignedDuration::ZERO, |at| {
                deps.clock.now().duration_since(at)
            });
            if slice.asked && campaign.canary_asked_at.is_none() {
                deps.campaigns
                    .note_canary_asked(tenant, id, deps.clock.now())
                    .await?;
            }
            if waited < limits.canary_wait() {
                return Ok(());
            }
            HoldReason::CanaryUnanswered
        }
        CanaryVerdict::Review(_) => HoldReason::CanaryReview,
        CanaryVerdict::Stop(CanaryMetric::Failures) => HoldReason::CanaryFailures,
        CanaryVerdict::Stop(CanaryMetric::PlatformStops) => HoldReason::CanaryPlatformStops,
        CanaryVerdict::Stop(CanaryMetric::Stops) => HoldReason::CanaryStops,
    };
    if deps.campaigns.hold_campaign(tenant, id, hold).await? {
        metrics.count("CampaignsHeld", 1);
        tracing::error!(campaign = %id, reason = hold.code(), "campaign held");
    }
    Ok(())
}

/// What the first people showed.
#[derive(Debug, Default)]
struct Slice {
    /// How many of them are to get the message.
    people: u32,
    counts: CanaryCounts,
    /// Whether nobody of them still waits.
    asked: bool,
}

async fn look_at(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    blocks: u32,
    deps: &Deps,
) -> Result<Slice, Fault> {
    let mut slice = Slice {
        asked: true,
        ..Slice::default()
    };
    for number in 0..blocks {
        let Some(block) = deps.campaigns.block(tenant, id, number).await? else {
            slice.asked = false;
            continue;
        };
        slice.asked &= block.phase == Phase::Done;
        let mut statuses = StatusSets::default();
        let mut codes: [Option<u32>; 256] = [None; 256];
        for attempt in 1..=block.attempt {
            let sets = deps.campaigns.statuses(tenant, id, number, attempt).await?;
            for status in Status::ALL {
                for index in sets.of(status) {
                    statuses.apply(*index, status);
                }
            }
            let outcomes = deps.campaigns.outcomes(tenant, id, number, attempt).await?;
            for (index, outcome) in outcomes {
                if let Outcome::Rejected { code } = outcome {
                    codes[usize::from(index)] = Some(code);
                }
            }
        }
        slice.count(&block, &statuses, &codes);
        slice.counts.stops += stops(tenant, campaign, &block, deps).await?;
    }
    Ok(slice)
}

impl Slice {
    fn count(&mut self, block: &Block, statuses: &StatusSets, codes: &[Option<u32>; 256]) {
        for (index, state) in (0..=u8::MAX).zip(&block.states) {
            let arrived = statuses.delivered.contains(&index) || statuses.read.contains(&index);
            let failed = statuses.failed.contains(&index) && !arrived;
            match state {
                RecipientState::Cancelled | RecipientState::Excluded | RecipientState::Expired => {
                    continue;
                }
                RecipientState::Rejected => {
                    self.counts.settled += 1;
                    let code = codes[usize::from(index)];
                    match classify(code, 400, false) {
                        Class::OptOut => self.counts.platform_stops += 1,
                        _ => self.counts.failures += 1,
                    }
                }
                RecipientState::Accepted | RecipientState::Pending | RecipientState::Unknown => {
                    self.counts.settled += u32::from(arrived || failed);
                    self.counts.failures += u32::from(failed);
                }
            }
            self.people += 1;
        }
    }
}

/// How many of a block said stop since the campaign was opened to them.
async fn stops(
    tenant: TenantId,
    campaign: &Campaign,
    block: &Block,
    deps: &Deps,
) -> Result<u32, Fault> {
    let asked: Vec<_> = block
        .tokens
        .iter()
        .zip(&block.states)
        .filter(|(_, state)| **state == RecipientState::Accepted)
        .map(|(token, _)| *token)
        .collect();
    let persons = deps.contacts.persons(tenant, &asked).await?;
    let since = campaign.gate.opened_at;
    let stopped = persons.values().filter(|person| {
        person
            .suppression(&campaign.plan.purpose)
            .is_some_and(|stop| since.is_none_or(|since| stop.at >= since))
    });
    Ok(u32::try_from(stopped.count()).unwrap_or(u32::MAX))
}
