//! What WhatsApp's message history says of messages whose answer was lost.

use http::StatusCode;
use policy::ids::CampaignId;
use serde_json::{Value, json};
use simulator::{FaultEffect, FaultWhen, RequestFault, WebhookChaos};

use crate::stop::{TWELVE, csv};
use crate::world::{Setting, World, wa_id};

/// A world in which no status ever arrives.
async fn deaf() -> World {
    World::with(Setting {
        webhooks: WebhookChaos {
            lose_statuses: 1.0,
            ..WebhookChaos::default()
        },
        ..Setting::default()
    })
    .await
}

async fn wanted(world: &mut World) {
    let settings = json!({"doubts_by_history": true});
    let (status, answer) = world.request("PUT", "/v1/settings", settings).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// The next request for `phone` has no answer, and counts or not.
fn lost(world: &World, phone: &str, effect: FaultEffect) {
    world.house.simulator.add_fault(RequestFault {
        when: FaultWhen::To(wa_id(phone)),
        effect,
        times: Some(1),
    });
}

/// A campaign for the twelve whose third was reached and whose sixth was not,
/// and nobody knows either.
async fn two_in_doubt(world: &mut World) -> CampaignId {
    lost(world, TWELVE[2], FaultEffect::AcceptThenReset);
    lost(world, TWELVE[5], FaultEffect::Reset);
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["unknown"], 2, "{end}");
    id
}

fn counts(view: &Value) -> [u64; 3] {
    ["accepted", "unknown", "pending"].map(|name| view["totals"][name].as_u64().unwrap())
}

#[tokio::test]
async fn what_it_shows_was_sent_and_what_it_does_not_show_stays_in_doubt() {
    let mut world = deaf().await;
    wanted(&mut world).await;
    let id = two_in_doubt(&mut world).await;
    let requests = world.house.simulator.report().requests;
    world.live(8).await;
    assert_eq!(
        counts(&world.view(id).await),
        [10, 2, 0],
        "a status may come"
    );

    world.live(8).await;
    let view = world.view(id).await;
    assert_eq!(counts(&view), [11, 1, 0], "{view}");
    assert_eq!(view["totals"]["statuses"]["delivered"], 1, "{view}");
    let doubts = world.get(&format!("/v1/campaigns/{id}/doubts")).await;
    assert_eq!(doubts["doubts"].as_array().unwrap().len(), 1, "{doubts}");

    let receipts = |world: &World| world.house.wiring.usage()["ReceiptsFunction"].invocations;
    let told = receipts(&world);
    world.live(75).await;
    assert_eq!(receipts(&world), told, "its end is told once");
    let view = world.view(id).await;
    assert_eq!(counts(&view), [11, 1, 0], "silence proves nothing");
    assert_eq!(view["campaign"]["state"], "completed", "{view}");
    assert_eq!(world.house.simulator.report().requests, requests);
    let due = world.house.campaigns().unwrap().due().await.unwrap();
    assert_eq!(due, [], "nobody asks for ever");
}

#[tokio::test]
async fn nobody_asks_whose_tenant_does_not_want_it() {
    let mut world = deaf().await;
    let id = two_in_doubt(&mut world).await;
    world.live(2).await;
    assert_eq!(world.house.campaigns().unwrap().due().await.unwrap(), []);
    world.live(30).await;
    assert_eq!(counts(&world.view(id).await), [10, 2, 0]);
}

#[tokio::test]
async fn another_message_of_the_same_minutes_proves_nothing() {
    let mut world = deaf().await;
    wanted(&mut world).await;
    lost(&world, TWELVE[5], FaultEffect::Reset);
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let id = world.approved_campaign(&list).await;
        world.start(id).await;
        ids.push((id, world.finish(id).await["totals"]["unknown"].clone()));
    }
    assert_eq!([&ids[0].1, &ids[1].1], [1, 0], "{ids:?}");
    world.live(30).await;
    let view = world.view(ids[0].0).await;
    assert_eq!(
        counts(&view),
        [11, 1, 0],
        "it was the other campaign's: {view}"
    );
}
