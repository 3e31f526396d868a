use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;

use super::*;
use crate::crash::CrashPlan;

fn start() -> Timestamp {
    "2026-11-24T03:00:00Z".parse().unwrap()
}

/// Runs `story` under `clock` to its end.
async fn under<T>(clock: &VirtualClock, story: impl Future<Output = T>) -> T {
    tokio::select! {
        () = clock.drive(async || {}) => unreachable!("the clock is driven for ever"),
        told = story => told,
    }
}

async fn wait(clock: &VirtualClock, seconds: i64) {
    clock
        .sleep_until(clock.now() + SignedDuration::from_secs(seconds))
        .await;
}

#[tokio::test]
async fn everybody_wakes_in_the_order_of_time() {
    let clock = VirtualClock::at(start());
    let woken = Mutex::new(Vec::new());
    let sleeper = async |name: &'static str, naps: &[i64]| {
        for nap in naps {
            wait(&clock, *nap).await;
            let slept = clock.now().duration_since(start()).as_secs();
            woken.lock().unwrap().push((slept, name));
        }
    };
    let both = async {
        tokio::join!(sleeper("a", &[3, 3_600]), sleeper("b", &[1, 1, 2]));
    };
    under(&clock, both).await;
    let wanted = [(1, "b"), (2, "b"), (3, "a"), (4, "b"), (3_603, "a")];
    assert_eq!(*woken.lock().unwrap(), wanted);
}

#[tokio::test]
async fn the_clock_stands_still_while_a_request_is_under_way() {
    let clock = VirtualClock::at(start());
    let hold = Hold::new(&clock);
    let story = async {
        let waits = pin_wait(&clock);
        tokio::pin!(waits);
        for _ in 0..10 * QUIET_TURNS {
            tokio::task::yield_now().await;
            assert_eq!(clock.now(), start());
        }
        drop(hold);
        waits.await;
    };
    under(&clock, story).await;
    assert_eq!(clock.now(), start() + SignedDuration::from_secs(1));
}

fn pin_wait(clock: &VirtualClock) -> BoxFuture<'_, ()> {
    clock.sleep_until(start() + SignedDuration::from_secs(1))
}

#[tokio::test]
async fn nobody_is_woken_for_a_wait_that_was_given_up() {
    let clock = VirtualClock::at(start());
    drop(clock.sleep_until(start() + SignedDuration::from_secs(5)));
    assert!(clock.lock().sleepers.is_empty());
}

#[tokio::test]
async fn a_frozen_process_does_nothing_until_it_thaws() {
    let clock = VirtualClock::at(start());
    let steps = AtomicU32::new(0);
    let process = CrashPlan::never();
    let work = process.guard(async {
        let busy = async {
            // A request under way does not hold the clock of the others.
            let _hold = Hold::new(&clock);
            for _ in 0..3 {
                wait(&clock, 10).await;
                steps.fetch_add(1, Ordering::Relaxed);
            }
        };
        let freezes = async {
            wait(&clock, 15).await;
            clock
                .freeze(clock.now() + SignedDuration::from_secs(100))
                .await;
        };
        tokio::join!(freezes, busy);
    });
    let looks = async {
        wait(&clock, 110).await;
        let during = steps.load(Ordering::Relaxed);
        assert_eq!(during, 1);
    };
    // The clock moves by hand here, because the request above holds it still.
    let hand = async {
        for _ in 0..200 {
            for _ in 0..QUIET_TURNS {
                tokio::task::yield_now().await;
            }
            clock.advance();
        }
    };
    tokio::join!(async { work.await.unwrap() }, looks, hand);
    assert_eq!(steps.load(Ordering::Relaxed), 3);
    assert_eq!(clock.now(), start() + SignedDuration::from_secs(125));
    assert_eq!(clock.lock().held, 0);
}
