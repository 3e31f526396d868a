//! Hands slots out as they are leased, and keeps three things going side by
//! side: messages on their way, the next lease, and the writing down.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::atomic::Ordering;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use platform::fault::{Fault, chain};
use platform::metrics::Metrics;
use platform::rate::{Ask, Lease, LeaseAnswer};

use crate::block::Run;
use crate::breaker;
use crate::delivery::{self, Candidate, Delivered, Slot, put_off};
use crate::ledger::Ledger;

/// Beyond what a lease and a claim take, how long before the end of a lease the
/// next one is asked for.
const REFILL_SLACK: SignedDuration = SignedDuration::from_millis(70);

/// Over how long those who wait for slots spread their next asking.
const SPREAD: SignedDuration = SignedDuration::from_millis(20);

/// How long a block waits when this worker's clock may not be used.
const CLOCK_RECHECK: SignedDuration = SignedDuration::from_mins(2);

/// Leases slots as long as somebody waits, and lets each candidate go to the
/// wire at its slot. What has no slot by the deadline stays pending.
pub(crate) async fn hand_out(
    run: &Run<'_>,
    mut waiting: VecDeque<Candidate>,
    ledger: &mut Ledger<'_>,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    let clock = &run.deps.clock;
    let reflex = &run.deps.reflex;
    let mut under_way = FuturesUnordered::new();
    let mut leasing: Option<BoxFuture<'_, Result<LeaseAnswer, Fault>>> = None;
    let mut writing: Option<BoxFuture<'_, Result<(), Fault>>> = None;
    let mut next_lease = clock.now();
    let mut failed = None;
    loop {
        if writing.is_none() {
            writing = ledger.due_write();
        }
        let nothing_left = waiting.is_empty() && under_way.is_empty();
        if nothing_left && leasing.is_none() && writing.is_none() {
            return failed.map_or(Ok(()), Err);
        }
        let room = reflex.room();
        let may_lease = !waiting.is_empty() && under_way.len() < room && leasing.is_none();
        tokio::select! {
            biased;
            Some(delivered) = under_way.next(), if !under_way.is_empty() => match delivered {
                Delivered::Settled { index, outcome } => {
                    reflex.used(true);
                    ledger.note(index, outcome);
                }
                Delivered::Forfeited(candidate) => {
                    metrics.count("SlotsForfeited", 1);
                    run.deps.tally.forfeit();
                    reflex.used(false);
                    waiting.push_front(*candidate);
                }
            },
            answer = end_of(&mut leasing) => {
                leasing = None;
                match answer {
                    Err(fault) => {
                        // What is on the wire is waited for and written down; the
                        // others were certainly not sent.
                        put_off(waiting.drain(..), "no_slots", delivery::after_fault(run.deps.clock.now()), ledger);
                        failed = Some(fault);
                    }
                    Ok(LeaseAnswer::Leased(lease)) => {
                        metrics.count("SlotsLeased", lease.count.into());
                        run.deps.tally.leased(lease.count);
                        for at in 0..lease.count {
                            let Some(candidate) = waiting.pop_front() else { break };
                            let (at, epoch) = (lease.slot(at), lease.epoch);
                            let slot = Slot { at, epoch };
                            under_way.push(delivery::deliver(run, candidate, slot));
                        }
                        next_lease = refill_at(run, &lease);
                    }
                    Ok(LeaseAnswer::Wait { until }) => {
                        let spread = SPREAD.mul_f64(run.deps.ids.fraction());
                        next_lease = until.saturating_add(spread).unwrap_or(Timestamp::MAX);
                    }
                    Ok(LeaseAnswer::ClockOff) => {
                        tracing::error!("this clock is off: nothing is sent by it");
                        metrics.count("ClockOff", 1);
                        put_off(waiting.drain(..), "clock_off", in_a_while(run, CLOCK_RECHECK), ledger);
                    }
                }
            }
            written = end_of(&mut writing) => {
                writing = None;
                ledger.written(&written);
                if let Err(fault) = written {
                    // The next write has them too.
                    tracing::warn!(error = chain(&fault), "outcomes are not written yet");
                }
            }
            () = clock.sleep_until(next_lease), if may_lease => {
                if clock.now() >= run.deadline || run.is_halted() {
                    for candidate in waiting.drain(..) {
                        ledger.note(candidate.index, delivery::handed_over(clock.now()));
                    }
                } else {
                    let wanted = waiting.len().min(room - under_way.len());
                    leasing = Some(Box::pin(lease(run, wanted)));
                }
            }
        }
    }
}

/// Slots of the number, for so many at most; none while a breaker is open.
async fn lease(run: &Run<'_>, wanted: usize) -> Result<LeaseAnswer, Fault> {
    let sender = run.sender;
    let looked = run.deps.clock.now();
    if breaker::is_open(sender, run.deps).await? {
        run.halted.store(true, Ordering::Relaxed);
        return Ok(LeaseAnswer::Wait { until: looked });
    }
    let ask = Ask {
        lane: sender.lane,
        wanted: u32::try_from(wanted).unwrap_or(u32::MAX),
        milli_rate: sender.pace.milli_rate(),
        lead: run.deps.reflex.lease_lead(),
    };
    let ask = match allowance(run, ask).await? {
        Ok(wanted) => Ask { wanted, ..ask },
        Err(answer) => return Ok(answer),
    };
    let number = &sender.phone_number_id;
    // A look holds for so long only: slots beyond it are dropped.
    match run.deps.rates.lease(number, ask).await? {
        LeaseAnswer::Leased(lease) if breaker::is_beyond(looked, lease.end()) => {
            Ok(LeaseAnswer::Wait { until: looked })
        }
        answer => {
            if let LeaseAnswer::Leased(lease) = &answer {
                let left = run.allowance.load(Ordering::Relaxed);
                let left = left.saturating_sub(lease.count);
                run.allowance.store(left, Ordering::Relaxed);
            }
            Ok(answer)
        }
    }
}

/// How many of the wanted slots the campaign's own pace has room for: it has a
/// slot clock too, from which all its workers draw. What is drawn and finds no
/// slot of the number is kept for the next.
async fn allowance(run: &Run<'_>, ask: Ask) -> Result<Result<u32, LeaseAnswer>, Fault> {
    let Some(own) = run
        .sender
        .own_milli_rate
        .filter(|own| *own < ask.milli_rate)
    else {
        return Ok(Ok(ask.wanted));
    };
    let kept = run.allowance.load(Ordering::Relaxed);
    if kept > 0 {
        return Ok(Ok(ask.wanted.min(kept)));
    }
    let drawn = Ask {
        milli_rate: own,
        ..ask
    };
    let clock = run.sender.campaign.to_string();
    match run.deps.rates.lease(&clock, drawn).await? {
        LeaseAnswer::Leased(lease) => {
            run.allowance.store(lease.count, Ordering::Relaxed);
            Ok(Ok(lease.count))
        }
        answer => Ok(Err(answer)),
    }
}

fn in_a_while(run: &Run<'_>, by: SignedDuration) -> Timestamp {
    let now = run.deps.clock.now();
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The end of work that may be under way; never, if it is not.
async fn end_of<T>(work: &mut Option<BoxFuture<'_, T>>) -> T {
    match work {
        Some(work) => work.await,
        None => pending().await,
    }
}

fn refill_at(run: &Run<'_>, lease: &Lease) -> Timestamp {
    let lead = run.deps.reflex.lease_lead() + REFILL_SLACK;
    lease.end().saturating_sub(lead).unwrap_or(Timestamp::MIN)
}
