//! Whether anything is lost while everything fails.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use emulator::faults::{Faults, Odds};
use http::StatusCode;
use platform::inbound::KeptUpdate;
use platform::queue::ReceiptTask;
use policy::receipt::{Status, StatusSets};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use serde_json::Value;

use crate::inbound::Stand;
use crate::inbound::load::{self, Sent};

/// What became of the updates.
#[derive(Debug, Default, Serialize)]
pub(super) struct Loss {
    pub(super) updates: u32,
    pub(super) bodies: usize,
    /// POSTs until every body was answered 200.
    pub(super) posts: usize,
    /// Requests to AWS that failed, by what happened to them.
    troubles: BTreeMap<String, usize>,
    /// Messages that the queue gave up and somebody put back.
    redriven: usize,
    pub(super) lost_statuses: usize,
    pub(super) lost_stops: usize,
    pub(super) lost_replies: usize,
    pub(super) invented_statuses: usize,
    pub(super) invented_stops: usize,
}

impl Loss {
    pub(super) fn is_none(&self) -> bool {
        self.lost_statuses == 0
            && self.lost_stops == 0
            && self.lost_replies == 0
            && self.invented_statuses == 0
            && self.invented_stops == 0
    }
}

/// What must be so in the end.
#[derive(Default)]
struct Wanted {
    statuses: BTreeMap<u32, StatusSets>,
    stops: BTreeSet<u32>,
    silent: BTreeSet<u32>,
    replies: BTreeSet<String>,
}

/// Posts `updates` updates, some of them many times, while `failures` of all
/// requests fail.
pub(super) async fn loss(updates: u32, failures: f64, seed: u64) -> anyhow::Result<Loss> {
    let odds = Odds {
        lost: failures / 2.0,
        partial: failures,
        throttled: failures / 2.0,
        conflict: failures,
    };
    let faults = Faults::seeded(seed, odds);
    let stand = Stand::build(|inner| faults.over(inner), false).await?;
    stand.plan(updates).await?;
    let (mut bodies, wanted) = bodies(&stand, updates, seed);
    let mut loss = Loss {
        updates,
        bodies: bodies.len(),
        ..Loss::default()
    };
    let mut finished = Vec::new();
    let mut round = 0;
    while !bodies.is_empty() {
        ensure!(round < 200, "a body is never answered 200");
        load::shuffle(&mut bodies, seed + round);
        let mut refused = Vec::new();
        for body in bodies {
            loss.posts += 1;
            match stand.post(body.clone()).await? {
                StatusCode::OK => (),
                StatusCode::INTERNAL_SERVER_ERROR => refused.push(body),
                status => anyhow::bail!("a body was answered {status}"),
            }
            if loss.posts.is_multiple_of(50) {
                finished.extend(stand.batch(stand.gathering.most).await?.1);
            }
        }
        bodies = refused;
        round += 1;
    }
    for _ in 0..10_000 {
        if stand.waiting()? == 0 {
            loss.redriven += stand.redrive()?;
        }
        if stand.waiting()? == 0 {
            break;
        }
        finished.extend(stand.batch(stand.gathering.most).await?.1);
    }
    for (trouble, _) in faults.made() {
        *loss
            .troubles
            .entry(format!("{trouble:?}").to_lowercase())
            .or_default() += 1;
    }
    look(&stand, &wanted, &finished, &mut loss).await?;
    Ok(loss)
}

/// Bodies of one to forty updates: statuses, stops, small talk.
fn bodies(stand: &Stand, updates: u32, seed: u64) -> (Vec<Vec<u8>>, Wanted) {
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut wanted = Wanted::default();
    let mut bodies = Vec::new();
    let mut done = 0;
    while done < updates {
        let (mut statuses, mut messages): (Vec<Value>, Vec<Value>) = Default::default();
        let next = updates.min(done + rng.random_range(1..=40));
        for n in done..next {
            let sent = Sent(n);
            match rng.random_range(0..20) {
                0 => {
                    messages.push(load::text(sent, "tolong jangan kirim lagi"));
                    wanted.stops.insert(n);
                }
                1 => {
                    let reply = load::text(sent, "ukuran 39 masih ada kak?");
                    wanted.replies.insert(reply["id"].to_string());
                    messages.push(reply);
                    wanted.silent.insert(n);
                }
                word => {
                    let status = Status::ALL[word % Status::ALL.len()];
                    statuses.push(load::status(stand.campaign, sent, status.code()));
                    let sets = wanted.statuses.entry(sent.block()).or_default();
                    sets.apply(sent.index(), status);
                    wanted.silent.insert(n);
                }
            }
        }
        done = next;
        let body = load::body(&statuses, &messages);
        // Meta itself delivers some bodies twice.
        if rng.random_bool(0.1) {
            bodies.push(body.clone());
        }
        bodies.push(body);
    }
    (bodies, wanted)
}

/// Compares what is there with what must be.
async fn look(
    stand: &Stand,
    wanted: &Wanted,
    finished: &[String],
    loss: &mut Loss,
) -> anyhow::Result<()> {
    let ledger = stand.campaigns.ledger(stand.tenant, stand.campaign).await?;
    let blocks: BTreeSet<u32> = wanted
        .statuses
        .keys()
        .chain(ledger.keys())
        .copied()
        .collect();
    for block in blocks {
        let none = StatusSets::default();
        let must = wanted.statuses.get(&block).unwrap_or(&none);
        let is = ledger.get(&block).and_then(|entry| entry.statuses.get(&1));
        let is = is.unwrap_or(&none);
        for status in Status::ALL {
            loss.lost_statuses += must.of(status).difference(is.of(status)).count();
            loss.invented_statuses += is.of(status).difference(must.of(status)).count();
        }
    }
    for n in &wanted.stops {
        let person = stand
            .contacts
            .person(stand.tenant, stand.token(Sent(*n))?)
            .await?;
        loss.lost_stops += usize::from(person.suppressions.is_empty());
    }
    for n in &wanted.silent {
        let person = stand
            .contacts
            .person(stand.tenant, stand.token(Sent(*n))?)
            .await?;
        loss.invented_stops += usize::from(!person.suppressions.is_empty());
    }
    let mut kept = BTreeSet::new();
    for task in finished {
        let task: ReceiptTask = serde_json::from_str(task).context("a task of the queue")?;
        if let ReceiptTask::UpdateV1 { object, .. } = task {
            let updates: Vec<KeptUpdate> =
                serde_json::from_slice(&stand.objects.get(&object).await?)?;
            kept.extend(
                updates
                    .into_iter()
                    .map(|kept| kept.update["id"].to_string()),
            );
        }
    }
    loss.lost_replies = wanted.replies.difference(&kept).count();
    Ok(())
}
