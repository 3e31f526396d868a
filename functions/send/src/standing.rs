//! Who has a place in the portfolio's day already: people with an earlier
//! message of another campaign whose place certainly stands.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};
use platform::fault::chain;
use policy::block::{Callback, Outcome};
use policy::ids::CampaignId;
use policy::limits::TierBuckets;
use policy::person::Person;

use crate::Deps;
use crate::range::Sender;

/// Messages that their own worker wrote down as accepted: it gives the places of
/// those back never, whatever becomes of it.
///
/// Only that worker's word counts. What the timer settled, or a status said, is
/// about the message, and the worker may still know better about the place.
#[derive(Debug, Default)]
pub(crate) struct Standing(BTreeSet<Callback>);

/// How many ledgers are read at once.
const READS_AT_ONCE: usize = 10;

/// Reads what became of the earlier messages to `people` that are counted in the
/// portfolio's day: the ledger of each attempt once, and none for people without
/// such a message. What cannot be read does not stand.
pub(crate) async fn gather(
    people: impl Iterator<Item = &Person>,
    sender: &Sender,
    deps: &Deps,
) -> Standing {
    let bucket = TierBuckets::bucket(deps.clock.now());
    let mut ledgers = BTreeMap::<(CampaignId, u32, u16), BTreeSet<Callback>>::new();
    for person in people {
        for (message, _) in messages(person, sender, bucket) {
            let ledger = (message.campaign, message.place.block, message.attempt);
            ledgers.entry(ledger).or_default().insert(message);
        }
    }
    let read = |((campaign, block, attempt), messages)| async move {
        let outcomes = deps
            .campaigns
            .outcomes(sender.tenant, campaign, block, attempt);
        (outcomes.await, messages)
    };
    let mut reads = stream::iter(ledgers)
        .map(read)
        .buffer_unordered(READS_AT_ONCE);
    let mut standing = BTreeSet::new();
    while let Some((outcomes, messages)) = reads.next().await {
        match outcomes {
            Ok(outcomes) => standing.extend(messages.into_iter().filter(|message| {
                let outcome = outcomes.get(&message.place.index);
                matches!(outcome, Some(Outcome::Accepted { .. }))
            })),
            Err(fault) => {
                tracing::warn!(error = chain(&fault), "an earlier message counts on");
            }
        }
    }
    Standing(standing)
}

impl Standing {
    /// The messages to `person` whose places stand for one in `bucket`, with the
    /// buckets of these places.
    pub(crate) fn of(
        &self,
        person: &Person,
        sender: &Sender,
        bucket: i64,
    ) -> impl Iterator<Item = (Callback, i64)> {
        messages(person, sender, bucket).filter(|(message, _)| self.0.contains(message))
    }
}

/// Messages of other campaigns to `person` that are counted in the portfolio's
/// day.
fn messages(
    person: &Person,
    sender: &Sender,
    bucket: i64,
) -> impl Iterator<Item = (Callback, i64)> {
    let places = person.counted_in(&sender.portfolio, bucket).into_iter();
    places.filter(|(message, _)| message.campaign != sender.campaign)
}
