//! Requests that go wrong by plan.

use std::time::Duration;

use simulator::{FaultEffect, FaultWhen, HeldOutcome, HoldPlan, RequestFault};

use crate::harness::{World, person, promo};

async fn with_faults(faults: Vec<(FaultWhen, FaultEffect)>) -> World {
    World::with(|config| {
        config.faults = faults
            .into_iter()
            .map(|(when, effect)| RequestFault {
                when,
                effect,
                times: Some(1),
            })
            .collect();
    })
    .await
}

#[tokio::test]
async fn each_fault_does_what_it_says() {
    use FaultEffect as E;

    let minute = Duration::from_secs(60);
    for (effect, status, accepted) in [
        (E::Reset, None, 0),
        (E::AcceptThenReset, None, 1),
        (E::Fail(503), Some(503), 0),
        (E::AcceptThenFail(500), Some(500), 1),
        (E::Refuse(131_057), Some(500), 0),
        (E::Hold, Some(200), 1),
    ] {
        let what = format!("{effect:?}");
        let world = with_faults(vec![(FaultWhen::Nth(1), effect)]).await;
        let answer = world.try_send(&promo(1)).await;
        assert_eq!(answer.ok().map(|(status, _)| status), status, "{what}");
        assert_eq!(world.simulator.report().accepted, accepted, "{what}");
        assert_eq!(world.code(&promo(2)).await, 0, "after {what}");
        assert_eq!(world.simulator.report().faults.values().sum::<u64>(), 1);
    }
    for (effect, arrives, accepted) in [
        (E::TimeOut(minute), false, 0),
        (E::AcceptThenTimeOut(minute), false, 1),
        (E::Slow(minute), true, 1),
    ] {
        let what = format!("{effect:?}");
        let world = with_faults(vec![(FaultWhen::Nth(1), effect)]).await;
        let message = promo(1);
        let sending = world.try_send(&message);
        tokio::pin!(sending);
        // Nothing but a look at the report moves until the clock does.
        while world.simulator.report().requests == 0 {
            tokio::select! {
                biased;
                answer = &mut sending => panic!("{what} answered at once: {answer:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        assert_eq!(world.simulator.report().accepted, accepted, "{what}");
        world.clock.advance(minute);
        assert_eq!(sending.await.is_ok(), arrives, "{what}");
    }
}

#[tokio::test]
async fn a_fault_for_one_person_spares_the_others() {
    let world = with_faults(vec![(
        FaultWhen::To(person(2)),
        FaultEffect::Refuse(130_497),
    )])
    .await;
    assert_eq!(world.code(&promo(1)).await, 0);
    assert_eq!(world.code(&promo(2)).await, 130_497);
    assert_eq!(world.code(&promo(2)).await, 0, "once only");
}

#[tokio::test]
async fn faults_by_chance_follow_the_seed() {
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let world = World::with(|config| {
            config.seed = seed;
            config.faults = vec![RequestFault {
                when: FaultWhen::Chance(0.3),
                effect: FaultEffect::Fail(500),
                times: None,
            }];
        })
        .await;
        let mut statuses = Vec::new();
        for n in 0..40 {
            statuses.push(world.send(&promo(n)).await.0);
        }
        let failed = statuses.iter().filter(|status| **status == 500).count();
        assert!((4..=22).contains(&failed), "{failed} of 40 failed");
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn held_messages_are_released_or_dropped() {
    for (outcome, expected) in [
        (HeldOutcome::Drop, vec!["failed"]),
        (HeldOutcome::Release, vec!["sent", "delivered"]),
    ] {
        let world = World::with(|config| {
            config.behaviour.reads = 0.0;
            config.holds = vec![HoldPlan {
                template_name: "promo".to_owned(),
                after_messages: 1,
            }];
        })
        .await;
        let (_, first) = world.send(&promo(1)).await;
        assert_eq!(first["messages"][0]["message_status"], "accepted");
        world.simulator.drain().await;
        let before = world.webhook.statuses().len();
        let (_, second) = world.send(&promo(2)).await;
        let status = &second["messages"][0]["message_status"];
        assert_eq!(status, "held_for_quality_assessment");
        world.simulator.drain().await;
        assert_eq!(world.webhook.statuses().len(), before, "held means silent");
        assert_eq!(world.simulator.settle_held(outcome), 1);
        world.simulator.drain().await;
        assert_eq!(world.webhook.statuses()[before..], expected);
    }
}
