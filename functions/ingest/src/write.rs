//! The second walk: staged people are compared with who is on the list, and
//! those who are new or changed are written, many calls at a time.
//!
//! What a piece comes to is counted and made durable *before* it is written: a
//! repetition finds some people there already and must not count them again.

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use platform::campaigns::ImportCounts;
use platform::fault::Fault;
use policy::subscription::Subscription;
use policy::token::ContactToken;

use crate::life::{AT_ONCE, Ended, Life};
use crate::staged::StagedPerson;

/// People read in one call (DynamoDB's quota for BatchGetItem).
const READ_EACH: usize = 100;

/// People written in one call (DynamoDB's quota for BatchWriteItem).
const WRITE_EACH: usize = 25;

/// How often a person who changes under our hands is read again.
const TRIES: usize = 4;

/// What is to be written of a piece.
#[derive(Debug, Default)]
struct Plan {
    new: Vec<(ContactToken, Subscription)>,
    changed: Vec<Change>,
    counts: ImportCounts,
}

/// A person who is on the list, and of whom the file says something else.
#[derive(Debug)]
struct Change {
    token: ContactToken,
    known: Subscription,
    new: Subscription,
}

/// Writes every piece that is not written yet, and completes the import.
pub(crate) async fn write(life: &mut Life<'_>) -> Result<Option<Ended>, Fault> {
    while life.import.progress.written < life.import.progress.staged {
        let number = life.import.progress.written;
        let plan = plan(life, number).await?;
        if life.import.progress.compared == number {
            let counts = &mut life.import.counts;
            counts.new += plan.counts.new;
            counts.changed += plan.counts.changed;
            counts.unchanged += plan.counts.unchanged;
            counts.erased_before += plan.counts.erased_before;
            life.import.progress.compared = number + 1;
            let writes = !plan.new.is_empty() || !plan.changed.is_empty();
            if writes && !life.import.dry_run {
                life.commit().await?;
            }
        }
        if !life.import.dry_run {
            carry_out(life, plan).await?;
        }
        life.import.progress.written = number + 1;
        if life.import.progress.written < life.import.progress.staged {
            life.commit().await?;
            if life.is_late() {
                return life.hand_on().await.map(Some);
            }
        }
    }
    life.complete().await.map(Some)
}

/// Compares a piece with the list. Whoever is there keeps the stronger consent,
/// and a suppression is neither written nor lifted here. Of whoever was erased,
/// and has not asked for messages since, nothing is stored.
async fn plan(life: &Life<'_>, number: u32) -> Result<Plan, Fault> {
    let import = life.id.to_string();
    let staged = life.staged(number).await?;
    let stopped = staged.people.iter().filter(|person| person.stopped);
    let stopped: Vec<ContactToken> = stopped.map(StagedPerson::token).collect();
    let people: Vec<_> = staged.into_people(&import).collect::<Result<_, _>>()?;
    let tokens: Vec<ContactToken> = people.iter().map(|(token, _)| *token).collect();
    let mut known: HashMap<ContactToken, Subscription> = HashMap::new();
    let contacts = &life.deps.contacts;
    let reads: Vec<_> = tokens
        .chunks(READ_EACH)
        .map(|tokens| {
            contacts
                .subscriptions(life.tenant, life.import.list, tokens)
                .boxed()
        })
        .collect();
    let mut answers = stream::iter(reads).buffer_unordered(AT_ONCE.get());
    while let Some(answer) = answers.try_next().await? {
        known.extend(answer);
    }
    // Whoever was erased had everything stopped before.
    let mut erased = HashSet::new();
    for tokens in stopped.chunks(READ_EACH) {
        erased.extend(contacts.erased(life.tenant, tokens).await?);
    }
    let mut plan = Plan::default();
    for (token, subscription) in people {
        if erased.contains(&token) {
            plan.counts.erased_before += 1;
            continue;
        }
        match known.remove(&token) {
            None => {
                plan.counts.new += 1;
                plan.new.push((token, subscription));
            }
            Some(known) => {
                let new = subscription.over(&known);
                if new == known {
                    plan.counts.unchanged += 1;
                } else {
                    plan.counts.changed += 1;
                    plan.changed.push(Change { token, known, new });
                }
            }
        }
    }
    Ok(plan)
}

/// Writes the new in batches, and the changed one by one, each only over what
/// was read.
async fn carry_out(life: &Life<'_>, plan: Plan) -> Result<(), Fault> {
    let (tenant, list) = (life.tenant, life.import.list);
    let contacts = &life.deps.contacts;
    let batches = plan
        .new
        .chunks(WRITE_EACH)
        .map(|people| contacts.put_subscriptions(tenant, list, people).boxed());
    let changes = plan.changed.into_iter();
    let changes = changes.map(|change| replace(life, change).boxed());
    let writes: Vec<_> = batches.chain(changes).map(Ok).collect();
    stream::iter(writes)
        .try_for_each_concurrent(AT_ONCE.get(), |write| write)
        .await
}

/// Writes a changed person. Whoever was changed by another hand in between is
/// read again and judged again; whoever was erased stays so.
async fn replace(life: &Life<'_>, change: Change) -> Result<(), Fault> {
    let (tenant, list) = (life.tenant, life.import.list);
    let contacts = &life.deps.contacts;
    let Change {
        token,
        mut known,
        mut new,
    } = change;
    for _ in 0..TRIES {
        if contacts
            .replace_subscription(tenant, list, token, &known, &new)
            .await?
        {
            return Ok(());
        }
        let found = contacts.subscriptions(tenant, list, &[token]).await?;
        let Some(found) = found.into_values().next() else {
            return Ok(());
        };
        new = new.over(&found);
        if new == found {
            return Ok(());
        }
        known = found;
    }
    Err(Fault::passing(
        "replace a subscription",
        "somebody keeps changing it",
    ))
}
