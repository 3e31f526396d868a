//! The portfolio's rolling day.

use jiff::SignedDuration;
use policy::limits::TierFull;
use simulator::Tier;

use crate::world::{Setting, World};

#[tokio::test(flavor = "multi_thread")]
async fn workers_together_never_reserve_more_than_a_day_holds() {
    let world = World::with(Setting {
        tier: Tier::Limited(250),
        ..Setting::default()
    })
    .await;
    let tiers = world.house.tiers().unwrap();
    let now = world.now();
    let reserve = |at, wanted| {
        let tiers = tiers.clone();
        #[expect(clippy::disallowed_methods, reason = "a story has workers of its own")]
        tokio::spawn(async move { tiers.reserve("8000000000000001", at, wanted).await.unwrap() })
    };
    tiers
        .note_tier("8000000000000001", "TIER_250")
        .await
        .unwrap();
    let wishes: Vec<_> = (0..12).map(|_| reserve(now, 30)).collect();
    let mut granted = 0;
    for wish in wishes {
        match wish.await.unwrap() {
            Ok(people) => granted += people,
            Err(TierFull { until }) => assert!(until > now),
        }
    }
    assert_eq!(granted, 250);

    // What was not used can be used by others.
    tiers.give_back("8000000000000001", now, 20).await.unwrap();
    assert_eq!(reserve(now, 30).await.unwrap(), Ok(20));
    let full = reserve(now, 1).await.unwrap().unwrap_err();
    let day = SignedDuration::from_hours(24);
    assert!(full.until.duration_since(now) >= day);
    assert!(full.until.duration_since(now) <= day + SignedDuration::from_mins(10));
    assert_eq!(reserve(full.until, 300).await.unwrap(), Ok(250));

    // A portfolio that nobody described has the first tier.
    assert_eq!(
        tiers.reserve("unheard of", now, 1_000).await.unwrap(),
        Ok(250)
    );
}
