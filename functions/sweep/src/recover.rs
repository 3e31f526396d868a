//! Crashed blocks: what certainly was not sent returns to pending, what may
//! have been sent becomes unknown.

use platform::campaigns::Settlement;
use platform::fault::Fault;
use policy::block::{Block, Evidence, Phase, RecipientState, after_crash};
use policy::ids::{CampaignId, TenantId};
use policy::person::Person;

use crate::Deps;

/// What a visit found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recovered {
    /// Blocks settled.
    pub(crate) blocks: u64,
    /// Their recipients that are now in doubt.
    pub(crate) unknown: u64,
}

/// Settles the blocks whose worker is gone.
pub(crate) async fn crashed_blocks(
    tenant: TenantId,
    id: CampaignId,
    lost: &[Block],
    deps: &Deps,
) -> Result<Recovered, Fault> {
    let mut recovered = Recovered::default();
    let now = deps.clock.now();
    for block in lost {
        let mut block = block.clone();
        let Phase::InFlight { owner, .. } = block.phase else {
            continue;
        };
        let settlement = Settlement {
            owner,
            attempt: block.attempt,
        };
        let states = states_after(tenant, id, &block, deps).await?;
        let unknown = |states: &[RecipientState]| {
            states
                .iter()
                .filter(|state| **state == RecipientState::Unknown)
                .count() as u64
        };
        let new = unknown(&states) - unknown(&block.states);
        block.settle(states, now);
        if deps
            .campaigns
            .settle_block(tenant, id, &block, settlement)
            .await?
        {
            recovered.blocks += 1;
            recovered.unknown += new;
            tracing::warn!(campaign = %id, block = block.number, unknown = new, "crashed block settled");
        }
    }
    Ok(recovered)
}

/// The states that the evidence allows.
async fn states_after(
    tenant: TenantId,
    id: CampaignId,
    block: &Block,
    deps: &Deps,
) -> Result<Vec<RecipientState>, Fault> {
    let outcomes = deps
        .campaigns
        .outcomes(tenant, id, block.number, block.attempt)
        .await?;
    let waiting: Vec<_> = block
        .pending()
        .map(|index| block.tokens[usize::from(index)])
        .collect();
    let persons = deps.contacts.persons(tenant, &waiting).await?;
    let claimed = |person: &Person, index: u8| {
        person.claims.iter().any(|claim| {
            claim.campaign == id
                && claim.block == block.number
                && claim.index == index
                && claim.attempt == block.attempt
        })
    };
    let mut states = block.states.clone();
    for index in block.pending() {
        let at = usize::from(index);
        let evidence = match outcomes.get(&index) {
            Some(outcome) => Evidence::Recorded(outcome),
            None => match persons.get(&block.tokens[at]) {
                Some(person) if claimed(person, index) => Evidence::Claimed,
                _ => Evidence::Unclaimed,
            },
        };
        states[at] = after_crash(evidence);
    }
    Ok(states)
}
