//! The reads behind a decision: campaign, people, and what earlier attempts
//! left behind.

use std::collections::{BTreeMap, HashMap};

use futures_util::try_join;
use platform::fault::Fault;
use platform::inbound::KeptUpdate;
use policy::block::{Block, Place};
use policy::campaign::CampaignFacts;
use policy::consent::Consent;
use policy::ids::{ListId, OwnerNonce, TenantId};
use policy::person::Person;
use policy::send::Work;
use policy::subscription::Subscription;
use policy::token::ContactToken;

use crate::Deps;
use crate::range::Sender;
use crate::standing::{self, Standing};

/// What one block's decisions look at.
#[derive(Debug)]
pub(crate) struct BlockFacts {
    pub(crate) campaign: CampaignFacts,
    /// Where the people are found.
    pub(crate) place: Home,
    pub(crate) subscriptions: HashMap<ContactToken, Subscription>,
    pub(crate) persons: HashMap<ContactToken, Person>,
    /// Earlier messages to these people that are counted in the portfolio's day.
    pub(crate) standing: Standing,
    /// By index: the highest attempt that definitely made no accepted request.
    spent: BTreeMap<u8, u16>,
}

/// Reads the facts of the recipients that still wait, strongly.
pub(crate) async fn gather(
    block: &Block,
    sender: &Sender,
    deps: &Deps,
) -> Result<Option<BlockFacts>, Fault> {
    let tenant = sender.tenant;
    let Some(campaign) = deps.campaigns.campaign(tenant, sender.campaign).await? else {
        return Ok(None);
    };
    let waiting: Vec<ContactToken> = block
        .pending()
        .map(|index| block.tokens[usize::from(index)])
        .collect();
    let list = match campaign.plan.templated() {
        Some(content) => Some(content.list),
        None => home(tenant, &waiting, deps).await?,
    };
    let place = match list {
        Some(list) => Home::List(list),
        None => Home::Words,
    };
    let (subscriptions, persons, spent) = try_join!(
        subscriptions(tenant, place, &waiting, deps),
        deps.contacts.persons(tenant, &waiting),
        spent(block, sender, deps),
    )?;
    let standing = standing::gather(persons.values(), sender, deps).await;
    Ok(Some(BlockFacts {
        campaign: campaign.facts(sender.campaign),
        place,
        subscriptions,
        persons,
        standing,
        spent,
    }))
}

/// Where people and their numbers are found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Home {
    /// On a list.
    List(ListId),
    /// In what they wrote: whoever gets an answer and is on no list.
    Words,
}

impl Home {
    /// The list, where it is one.
    pub(crate) fn list(self) -> Option<ListId> {
        match self {
            Self::List(list) => Some(list),
            Self::Words => None,
        }
    }
}

/// The people of a place, read strongly.
pub(crate) async fn subscriptions(
    tenant: TenantId,
    place: Home,
    tokens: &[ContactToken],
    deps: &Deps,
) -> Result<HashMap<ContactToken, Subscription>, Fault> {
    match (place, tokens) {
        (Home::List(list), _) => deps.contacts.subscriptions(tenant, list, tokens).await,
        (Home::Words, &[token]) => {
            let stranger = stranger(tenant, token, deps).await?;
            Ok(stranger.into_iter().map(|found| (token, found)).collect())
        }
        (Home::Words, _) => Ok(HashMap::new()),
    }
}

/// Somebody who is on no list, as far as their latest message tells: the number
/// that they wrote from. It stands nowhere else, and goes with the words.
async fn stranger(
    tenant: TenantId,
    token: ContactToken,
    deps: &Deps,
) -> Result<Option<Subscription>, Fault> {
    let words = deps.campaigns.words_of(tenant, token).await?;
    let Some(latest) = words.last() else {
        return Ok(None);
    };
    let Some(bytes) = deps.objects.get_if_there(&latest.object).await? else {
        return Ok(None);
    };
    let kept: Vec<KeptUpdate> = serde_json::from_slice(&bytes)
        // The error would repeat what stands there.
        .map_err(|_| Fault::lasting("read what was kept", "it is not as it was written"))?;
    let phone = kept.iter().find_map(KeptUpdate::sender);
    Ok(phone.map(|phone| Subscription {
        phone,
        name: None,
        language: None,
        zone: None,
        external_id: None,
        attributes: BTreeMap::new(),
        consent: Consent::NeverAsked,
    }))
}

/// The list on which the one who gets an answer agreed last.
async fn home(
    tenant: TenantId,
    waiting: &[ContactToken],
    deps: &Deps,
) -> Result<Option<ListId>, Fault> {
    let &[token] = waiting else {
        return Ok(None);
    };
    let lists = deps.campaigns.list_ids(tenant).await?;
    let found = deps
        .contacts
        .subscriptions_of(tenant, &lists, token)
        .await?;
    let agreed_at = |subscription: &Subscription| match &subscription.consent {
        Consent::Granted(grant) => Some(grant.at),
        Consent::NeverAsked | Consent::Requested { .. } | Consent::Withdrawn { .. } => None,
    };
    let latest = found
        .iter()
        .max_by_key(|(list, subscription)| (agreed_at(subscription), *list));
    Ok(latest.map(|(list, _)| *list))
}

impl BlockFacts {
    /// The request that `owner` would make for the recipient at `index`.
    pub(crate) fn work(&self, block: &Block, index: u8, owner: OwnerNonce) -> Work {
        Work {
            place: Place {
                block: block.number,
                index,
            },
            attempt: block.attempt,
            owner,
            refused_attempt: self.spent.get(&index).copied(),
        }
    }
}

/// Claims of earlier attempts that are spent: a definite refusal, or a record
/// that no request was made.
async fn spent(block: &Block, sender: &Sender, deps: &Deps) -> Result<BTreeMap<u8, u16>, Fault> {
    let mut spent = BTreeMap::new();
    if block.attempt == 1 {
        return Ok(spent);
    }
    let earlier = deps
        .campaigns
        .earlier_outcomes(sender.tenant, sender.campaign, block)
        .await?;
    for (attempt, outcomes) in earlier {
        for (index, outcome) in outcomes {
            if outcome.spends_claim() {
                spent.insert(index, attempt);
            }
        }
    }
    Ok(spent)
}
