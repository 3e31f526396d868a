//! What a block may cost, reserved with its intent.

use jiff::Timestamp;
use platform::campaigns::{Begun, Campaign};
use platform::fault::Fault;
use policy::block::Block;
use policy::budget::{self, Budget, Reservation};
use policy::campaign::HoldReason;
use policy::ids::OwnerNonce;

use crate::Deps;
use crate::range::Sender;

/// Who begins a block, when, and until when it is theirs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intent {
    pub(crate) owner: OwnerNonce,
    pub(crate) deadline: Timestamp,
    pub(crate) now: Timestamp,
}

/// The intent of a block with its money; or why the campaign has to be held.
pub(crate) async fn begin(
    block: &Block,
    budget: &Budget,
    intent: Intent,
    campaign: &Campaign,
    sender: &Sender,
    deps: &Deps,
) -> Result<Result<Option<Block>, HoldReason>, Fault> {
    let Some(reservation) = reservation(block, budget, intent.now, campaign, sender, deps).await?
    else {
        return Ok(Err(HoldReason::PriceUnknown));
    };
    let begun = deps
        .campaigns
        .begin_block_reserving(
            sender.tenant,
            sender.campaign,
            block,
            intent.owner,
            intent.deadline,
            intent.now,
            &reservation,
        )
        .await?;
    Ok(match begun {
        Begun::Block(block) => Ok(Some(block)),
        Begun::NotDue => Ok(None),
        Begun::Spent => Err(HoldReason::BudgetSpent),
    })
}

/// The price of everybody in the block who waits; `None` if one of them has
/// none. Who is not on the list now counts as the dearest of the others, should
/// they come back before the decision.
async fn reservation(
    block: &Block,
    budget: &Budget,
    now: Timestamp,
    campaign: &Campaign,
    sender: &Sender,
    deps: &Deps,
) -> Result<Option<Reservation>, Fault> {
    let waiting: Vec<_> = block
        .pending()
        .map(|index| block.tokens[usize::from(index)])
        .collect();
    let mut prices = vec![0; block.tokens.len()];
    // An answer is no campaign of an operator, who alone sets budgets.
    let Some(content) = campaign.plan.templated() else {
        return Ok(Some(Reservation::new(prices)));
    };
    let people = deps
        .contacts
        .subscriptions(sender.tenant, content.list, &waiting)
        .await?;
    let mut gone = Vec::new();
    for index in block.pending() {
        let at = usize::from(index);
        let Some(subscription) = people.get(&block.tokens[at]) else {
            gone.push(at);
            continue;
        };
        let category = sender.content.category();
        match budget::price(&subscription.phone, category, now, budget.unknown_price) {
            Some(price) => prices[at] = price,
            None => return Ok(None),
        }
    }
    let dearest = prices.iter().copied().max().unwrap_or(0);
    for at in gone {
        prices[at] = dearest;
    }
    Ok(Some(Reservation::new(prices)))
}
