//! Every event comes twice, late or out of order, without harm.

use simulator::{Delay, WebhookChaos};

use crate::stop::{TWELVE, csv};
use crate::world::{End, Setting, World};

async fn story(setting: Setting) -> End {
    let mut world = World::with(setting).await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    world.finish(id).await;
    world.end(id, &TWELVE).await
}

#[tokio::test]
async fn every_event_twice_ends_the_same() {
    let wanted = story(Setting::default()).await;
    let end = story(Setting {
        twice: true,
        webhooks: WebhookChaos {
            duplicate: 1.0,
            ..WebhookChaos::default()
        },
        ..Setting::default()
    })
    .await;
    assert_eq!(end, wanted);
}

#[tokio::test]
async fn statuses_late_and_out_of_order_end_the_same() {
    let wanted = story(Setting::default()).await;
    let end = story(Setting {
        webhooks: WebhookChaos {
            duplicate: 0.5,
            late: 0.7,
            lateness: Delay::ms(1_000, 600_000),
            batch: 0.5,
            ..WebhookChaos::default()
        },
        ..Setting::default()
    })
    .await;
    assert_eq!(end, wanted);
}
