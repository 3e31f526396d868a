//! A process is killed after each of its effects in turn, and the end is the
//! same: nobody twice, nobody lost.

use emulator::crash::CrashPlan;

use crate::stop::csv;
use crate::world::{End, Setting, World};

/// Two blocks, the second not full. Every story has so many effects, and there is
/// one for each of them: few people keep both numbers small.
const PEOPLE: [&str; 3] = ["+6281211110001", "+6281211110002", "+6281211110003"];

/// How many stories run side by side, so that two cores share the work.
const STRANDS: u64 = 4;

/// The whole job under one crash plan, and everything it came to.
async fn story(crashes: CrashPlan) -> End {
    let mut world = World::with(Setting {
        crashes,
        block_size: 2,
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(&csv(&PEOPLE)).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    world.finish(id).await;
    world.end(id, &PEOPLE).await
}

/// Kills after effects `strand`, `strand + STRANDS`, … until one is not reached.
async fn kill_in_turn(strand: u64) {
    let wanted = story(CrashPlan::never()).await;
    assert_eq!((wanted.unknown, wanted.duplicates), (0, 0));
    let mut kills = 0;
    for after in (strand..).step_by(STRANDS as usize) {
        let crashes = CrashPlan::after(after);
        let end = story(crashes.clone()).await;
        let Some(effect) = crashes.crashes().pop() else {
            break;
        };
        kills += 1;
        assert_eq!(end.duplicates, 0, "after {after}, {effect}");
        assert!(end.conservation, "after {after}, {effect}: {}", end.totals);
        assert_eq!(end.state, "completed", "after {after}, {effect}");
        let differs = end.differs_for(&wanted);
        // A claim without evidence of a request may stay in doubt; one message
        // is under way at a time, so at most one person.
        let allowed = usize::try_from(end.unknown).unwrap();
        assert!(
            allowed <= 1 && differs.len() <= allowed,
            "after {after}, {effect}: {differs:#?}"
        );
        if end.unknown == 0 {
            assert_eq!(
                (&end.totals, &end.reasons),
                (&wanted.totals, &wanted.reasons),
                "after {after}, {effect}"
            );
        }
    }
    assert!(kills > 20, "only {kills} effects were reached");
}

#[tokio::test]
async fn killed_after_every_effect_1() {
    kill_in_turn(1).await;
}

#[tokio::test]
async fn killed_after_every_effect_2() {
    kill_in_turn(2).await;
}

#[tokio::test]
async fn killed_after_every_effect_3() {
    kill_in_turn(3).await;
}

#[tokio::test]
async fn killed_after_every_effect_4() {
    kill_in_turn(4).await;
}
