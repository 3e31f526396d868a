//! Throughput, pair, tier, and marketing limits.

use std::time::Duration;

use simulator::{Tier, UserMarketingLimit};

use crate::harness::{NUMBER, World, person, promo, text};

#[tokio::test]
async fn throughput_counts_a_sliding_second_in_and_out() {
    let world = World::with(|config| config.numbers[0].throughput_per_second = 20).await;
    world.simulator.person_says(&person(900), "Halo");
    for n in 0..19 {
        assert_eq!(world.code(&promo(n)).await, 0, "request {n}");
        world.clock.advance_ms(10);
    }
    assert_eq!(world.code(&promo(19)).await, 130_429);
    world.clock.advance_ms(809);
    assert_eq!(
        world.code(&promo(20)).await,
        130_429,
        "999 ms after the first"
    );
    world.clock.advance_ms(1);
    assert_eq!(world.code(&promo(21)).await, 0, "the first two have left");

    let report = world.simulator.report();
    assert_eq!(report.rejected[&130_429], 2);
    let number = &report.numbers[NUMBER];
    assert_eq!(number.throttled, 2);
    assert_eq!((number.requests, number.inbound), (22, 1));
    // Measured over what arrived, whether or not it was let in.
    assert_eq!(number.max_in_sliding_second, 22);
    assert_eq!(number.max_outbound_in_sliding_second, 21);
    assert_eq!(number.over_limit_windows, 3);
    assert_eq!(number.limit_per_second, 20);
    assert!((number.mean_per_second - 21.0).abs() < 1e-9);
    assert!((number.utilisation - 1.05).abs() < 1e-9);
}

#[tokio::test]
async fn a_pair_may_borrow_and_must_pay_back() {
    let world = World::new().await;
    world.simulator.person_says(&person(1), "Halo");
    for _ in 0..10 {
        assert_eq!(world.code(&text(1)).await, 0);
    }
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(world.code(&text(1)).await, 131_056);
    assert_eq!(world.code(&promo(2)).await, 0, "others are unaffected");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.code(&text(1)).await, 0);
}

#[tokio::test]
async fn the_tier_counts_people_outside_a_service_window() {
    let world = World::with(|config| config.numbers[0].tier = Tier::Limited(2)).await;
    world.simulator.person_says(&person(9), "Halo");
    assert_eq!(
        world.code(&promo(9)).await,
        0,
        "inside the window, not counted"
    );
    assert_eq!(world.code(&promo(1)).await, 0);
    assert_eq!(world.code(&promo(2)).await, 0);
    assert_eq!(world.code(&promo(3)).await, 131_048);
    assert_eq!(world.code(&promo(1)).await, 0, "known already");
    world.clock.advance(Duration::from_secs(86_400));
    assert_eq!(world.code(&promo(3)).await, 0);
}

#[tokio::test]
async fn a_person_gets_only_so_much_marketing() {
    let world = World::with(|config| {
        config.user_marketing_limit = Some(UserMarketingLimit {
            messages: 1,
            window: Duration::from_secs(86_400),
        });
    })
    .await;
    assert_eq!(world.code(&promo(1)).await, 0);
    world.simulator.drain().await;
    assert_eq!(world.code(&promo(1)).await, 0, "the refusal comes later");
    world.simulator.drain().await;
    assert_eq!(world.webhook.failures(), [131_049]);
    assert_eq!(world.simulator.report().failed[&131_049], 1);
}

#[tokio::test]
async fn marketing_does_not_reach_the_united_states() {
    let world = World::new().await;
    let mut body = promo(1);
    body["to"] = "+12125550123".into();
    assert_eq!(world.code(&body).await, 0);
    body["to"] = "+14165550123".into();
    assert_eq!(world.code(&body).await, 0);
    world.simulator.drain().await;
    assert_eq!(world.webhook.failures(), [131_049]);
}

#[tokio::test]
async fn management_calls_are_counted_by_the_hour() {
    let world = World::with(|config| config.management_calls_per_hour = 2).await;
    assert_eq!(world.get(NUMBER).await.0, 200);
    assert_eq!(world.get(NUMBER).await.0, 200);
    let (status, body) = world.get(NUMBER).await;
    assert_eq!(
        (status, body["error"]["code"].as_u64()),
        (400, Some(80_007))
    );
}
