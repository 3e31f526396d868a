//! Webhooks and their way.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use simulator::{Delay, RetryPlan, VerifyWebhookError, WebhookChaos};

use crate::harness::{APP_SECRET, NUMBER, WABA, World, person, promo};

#[tokio::test]
async fn statuses_come_in_time_with_pricing_and_callback_data() {
    let world = World::with(|config| {
        config.behaviour.reads = 1.0;
        config.behaviour.sent_after = Delay::ms(100, 100);
        config.behaviour.delivered_after = Delay::ms(200, 200);
        config.behaviour.read_after = Delay::ms(300, 300);
    })
    .await;
    let (_, answer) = world.send(&promo(1)).await;
    assert_eq!(world.simulator.deliver_due().await.posts, 0);
    for (after, status) in [(100, "sent"), (200, "delivered"), (300, "read")] {
        world.clock.advance_ms(after - 1);
        assert_eq!(world.simulator.deliver_due().await.posts, 0);
        world.clock.advance_ms(1);
        assert_eq!(world.simulator.deliver_due().await.posts, 1);
        let (field, _, update) = world.webhook.updates().pop().unwrap();
        assert_eq!(field, "messages");
        assert_eq!(update["status"], status);
        assert_eq!(update["id"], answer["messages"][0]["id"]);
        assert_eq!(update["biz_opaque_callback_data"], "1.cmp_a.3.0.1.1");
        assert_eq!(update["pricing"]["category"], "marketing");
        assert!(update["timestamp"].is_string());
        assert_eq!(update["recipient_id"], "628110000001");
    }
    assert_eq!(world.simulator.next_due(), None);
    let body: Value = serde_json::from_slice(&world.webhook.posted()[0].body).unwrap();
    assert_eq!(body["object"], "whatsapp_business_account");
    assert_eq!(body["entry"][0]["id"], WABA);
    let metadata = &body["entry"][0]["changes"][0]["value"]["metadata"];
    assert_eq!(metadata["phone_number_id"], NUMBER);
    assert_eq!(metadata["display_phone_number"], "622155501000");
}

#[tokio::test]
async fn every_post_is_signed_over_its_raw_body() {
    let world = World::new().await;
    world
        .simulator
        .person_says(&person(1), "Apakah ini 👍 \"baik\"?");
    world.simulator.deliver_due().await;
    let posted = &world.webhook.posted()[0];
    let mut mac = Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes()).unwrap();
    mac.update(&posted.body);
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(posted.signature, format!("sha256={hex}"));
    assert_eq!(posted.signature.len(), 71);
}

#[tokio::test]
async fn the_webhook_proves_itself() {
    let world = World::new().await;
    world.simulator.verify_webhook().await.unwrap();
    let world = World::with(|config| config.verify_token = "other".to_owned().into()).await;
    let refused = world.simulator.verify_webhook().await;
    assert!(matches!(refused, Err(VerifyWebhookError::Status(403))));
    let world = World::with(|config| config.webhook_url = None).await;
    let refused = world.simulator.verify_webhook().await;
    assert!(matches!(refused, Err(VerifyWebhookError::NoWebhook)));
}

#[tokio::test]
async fn what_is_not_answered_with_200_comes_again_later_and_later() {
    let world = World::with(|config| {
        config.webhooks.retry = RetryPlan {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            attempts: 4,
        };
    })
    .await;
    world.webhook.will_answer(&[500, 204, 302]);
    world.simulator.person_says_stop(&person(1), "STOP");
    assert_eq!(world.simulator.deliver_due().await.failures, 1);
    for wait in [1, 2, 4] {
        world.clock.advance(Duration::from_millis(wait * 1_000 - 1));
        assert_eq!(
            world.simulator.deliver_due().await.posts,
            0,
            "before {wait} s"
        );
        world.clock.advance_ms(1);
        assert_eq!(
            world.simulator.deliver_due().await.posts,
            1,
            "after {wait} s"
        );
    }
    let report = world.simulator.report();
    let webhooks = report.webhooks;
    assert_eq!(
        (webhooks.posts, webhooks.retries, webhooks.failures),
        (4, 3, 3)
    );
    assert_eq!((webhooks.given_up, webhooks.waiting), (0, 0));
    let bodies = world.webhook.posted();
    assert!(bodies.iter().all(|posted| posted.body == bodies[0].body));
    let stop = &world.simulator.person_log(&person(1)).unwrap().stops[0];
    let (posted, acknowledged) = (stop.posted_at.unwrap(), stop.acknowledged_at.unwrap());
    assert_eq!(acknowledged.duration_since(posted).as_secs(), 7);

    world.webhook.will_answer(&[500; 9]);
    world.simulator.person_says(&person(2), "Halo");
    let drained = world.simulator.drain().await;
    assert_eq!((drained.posts, drained.failures), (4, 4));
    assert_eq!(world.simulator.report().webhooks.given_up, 1);
    assert_eq!(world.simulator.next_due(), None);
}

#[tokio::test]
async fn updates_that_wait_for_company_travel_together() {
    let world = World::with(|config| {
        config.behaviour.reads = 0.0;
        config.webhooks.batch = 1.0;
        config.webhooks.batch_window = Duration::from_secs(10);
        config.webhooks.updates_per_post = 15;
    })
    .await;
    for n in 0..20 {
        assert_eq!(world.code(&promo(n)).await, 0);
    }
    // Those of another window travel by themselves.
    world.clock.advance(Duration::from_secs(20));
    for n in 20..22 {
        assert_eq!(world.code(&promo(n)).await, 0);
    }
    let drained = world.simulator.drain().await;
    assert_eq!((drained.posts, drained.updates), (3 + 1, 40 + 4));
}

fn chaos() -> WebhookChaos {
    WebhookChaos {
        duplicate: 0.2,
        late: 0.3,
        lose_statuses: 0.1,
        batch: 0.5,
        ..WebhookChaos::default()
    }
}

/// Sends the same campaign in the given order; all webhooks, as sorted text.
async fn webhooks(seed: u64, order: impl Iterator<Item = u32>) -> (World, Vec<String>) {
    let world = World::with(|config| {
        config.seed = seed;
        config.webhooks = chaos();
        config.behaviour.says_stop = 0.2;
        config.behaviour.chats = 0.3;
        config.behaviour.on_whatsapp = 0.9;
    })
    .await;
    for n in order {
        assert_eq!(world.code(&promo(n)).await, 0);
    }
    world.simulator.drain().await;
    let updates = world.webhook.updates();
    let mut updates: Vec<String> = updates.iter().map(|(.., u)| u.to_string()).collect();
    updates.sort();
    (world, updates)
}

#[tokio::test]
async fn the_seed_decides_whatever_the_order() {
    let (first_world, first) = webhooks(1, 0..60).await;
    let (second_world, second) = webhooks(1, 0..60).await;
    let (_, backwards) = webhooks(1, (0..60).rev()).await;
    let (_, other) = webhooks(2, 0..60).await;
    assert_eq!(first, backwards);
    assert_ne!(first, other);
    // In the same order, the POSTs agree byte for byte.
    let bytes = |world: &World| -> Vec<Vec<u8>> {
        world
            .webhook
            .posted()
            .into_iter()
            .map(|posted| posted.body)
            .collect()
    };
    assert_eq!(first, second);
    assert_eq!(bytes(&first_world), bytes(&second_world));
}

#[tokio::test]
async fn chance_loses_doubles_and_reorders() {
    let (world, updates) = webhooks(3, 0..75).await;
    let report = world.simulator.report().webhooks;
    assert!(
        report.lost > 0 && report.duplicated > 0 && report.late > 0,
        "{report:?}"
    );
    assert_eq!(
        updates.len() as u64,
        report.updates - report.lost + report.duplicated
    );
    let unique: std::collections::BTreeSet<&String> = updates.iter().collect();
    assert_eq!(unique.len() as u64, report.updates - report.lost);
    let statuses = world.webhook.updates();
    let timestamps: Vec<&str> = statuses
        .iter()
        .filter_map(|(_, list, update)| {
            (list == "statuses").then(|| update["timestamp"].as_str())?
        })
        .collect();
    assert!(!timestamps.is_sorted(), "some overtake others");
}

#[tokio::test]
async fn stops_are_lost_only_when_asked_for() {
    let world = World::with(|config| config.webhooks.lose_messages = 1.0).await;
    world.simulator.person_says_stop(&person(1), "STOP");
    assert_eq!(world.simulator.drain().await.posts, 0);
    let opt_out = world.simulator.report().opt_out;
    assert_eq!((opt_out.never_posted, opt_out.stops_before_message), (1, 1));
}

#[tokio::test]
async fn webhooks_wait_for_an_address() {
    let mut url = None;
    let world = World::with(|config| url = config.webhook_url.take()).await;
    world.simulator.person_says(&person(1), "Halo");
    assert_eq!(world.simulator.drain().await.posts, 0);
    assert!(world.simulator.set_webhook_url("no url").is_err());
    world.simulator.set_webhook_url(&url.unwrap()).unwrap();
    assert_eq!(world.simulator.deliver_due().await.posts, 1);
}

#[tokio::test]
async fn by_itself_it_delivers_as_the_clock_moves() {
    let mut world = World::with(|config| {
        config.behaviour.reads = 0.0;
        config.behaviour.sent_after = Delay::ms(500, 500);
        config.behaviour.delivered_after = Delay::ms(500, 500);
    })
    .await;
    world.simulator.run();
    world.webhook.will_answer(&[503]);
    assert_eq!(world.code(&promo(1)).await, 0);
    world.clock.advance_ms(500);
    world.arrivals.recv().await.unwrap();
    // The first attempt failed; it is repeated a second later.
    while world.simulator.report().webhooks.failures == 0 {
        tokio::task::yield_now().await;
    }
    world.clock.advance_ms(1_000);
    world.arrivals.recv().await.unwrap();
    world.arrivals.recv().await.unwrap();
    let mut statuses = world.webhook.statuses();
    statuses.sort();
    assert_eq!(statuses, ["delivered", "sent", "sent"]);
}

#[tokio::test]
async fn only_so_many_posts_are_under_way() {
    let mut world = World::with(|config| config.webhooks.concurrency = 2).await;
    world.webhook.gate.forget_permits(usize::MAX >> 3);
    for n in 0..5 {
        world.simulator.person_says(&person(n), "Halo");
    }
    world.simulator.run();
    for _ in 0..2 {
        world.arrivals.recv().await.unwrap();
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let webhooks = world.simulator.report().webhooks;
    assert_eq!((webhooks.under_way, webhooks.waiting), (2, 3));
    world.webhook.gate.add_permits(5);
    for _ in 0..3 {
        world.arrivals.recv().await.unwrap();
    }
    while !world.simulator.is_idle() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.simulator.report().webhooks.posts, 5);
}
