//! No sliding second holds more requests than the number's outbound share,
//! counted where they arrive.

use izin::house::Seeds;
use izin::people;
use serde_json::json;

use crate::world::{Setting, World};

#[tokio::test]
async fn no_sliding_second_holds_more_than_the_outbound_share() {
    let mut world = World::with(Setting {
        block_size: 100,
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(&people::csv(400, 3)).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    let view = world.finish(id).await;
    let seen = world.house.simulator.report();
    let number = &seen.numbers[Seeds::PHONE_NUMBER_ID];
    assert!(seen.accepted > 200, "{view}");
    // R − I of the world: 80 less 2.
    let most = number.max_outbound_in_sliding_second;
    assert!(most <= 78, "{most} in one second");
    // One message at a time under this clock, each with a lease of its own, which
    // takes the lead of a lease: how the share is used is for `policy::pace`.
    assert!(most >= 20, "only {most}: something waits");
    assert_eq!((number.throttled, number.over_limit_windows), (0, 0));
}

#[tokio::test]
async fn a_campaign_with_a_pace_of_its_own_keeps_it_over_all_workers() {
    let mut world = World::with(Setting {
        block_size: 10,
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(&people::csv(60, 3)).await;
    let extra = json!({"messages_per_second": 5});
    let id = world.approved_as(&list, extra).await;
    world.start(id).await;
    let view = world.finish(id).await;
    assert_eq!(view["campaign"]["messages_per_second"], 5, "{view}");
    let seen = world.house.simulator.report();
    let number = &seen.numbers[Seeds::PHONE_NUMBER_ID];
    assert!(seen.accepted > 30, "{view}");
    let most = number.max_outbound_in_sliding_second;
    // Slots of half a second may be drawn at once, and used at the number's pace.
    assert!((3..=8).contains(&most), "{most} in one second");
}
