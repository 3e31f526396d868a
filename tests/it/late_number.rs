//! People say stop to a number before anybody has registered it: when it sends,
//! it does not send to them.

use aws_sdk_dynamodb::types::AttributeValue;
use izin::house::Seeds;
use izin::inbound::load;
use platform::campaigns::{Number, WaitingStops};
use policy::ids::CampaignId;
use serde_json::{Value, json};

use crate::stop::{TWELVE, csv};
use crate::world::{World, wa_id};

/// A world whose campaign is ready while nobody owns its number yet, and the
/// number as it will be registered.
async fn unregistered() -> (World, CampaignId, Number) {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    let campaigns = world.house.campaigns().unwrap();
    let number = campaigns.number(Seeds::PHONE_NUMBER_ID).await.unwrap();
    let text = |text: String| AttributeValue::S(text);
    let dynamodb = &world.house.clients.dynamodb;
    dynamodb
        .delete_item()
        .table_name(
            world.house.aws.environment("SweepFunction").unwrap()["IZIN_CAMPAIGNS_TABLE"].clone(),
        )
        .key("pk", text(format!("N#{}", Seeds::PHONE_NUMBER_ID)))
        .key("sk", text("NUMBER".to_owned()))
        .send()
        .await
        .unwrap();
    (world, id, number.unwrap())
}

async fn waiting(world: &World) -> Vec<WaitingStops> {
    let campaigns = world.house.campaigns().unwrap();
    let waiting = campaigns.waiting_stops(Seeds::PHONE_NUMBER_ID).await;
    waiting.unwrap()
}

fn text(phone: &str, id: &str, words: &str) -> Value {
    json!({
        "from": wa_id(phone).expose(),
        "id": format!("wamid.{id}"),
        "timestamp": "1764000000",
        "type": "text",
        "text": {"body": words},
    })
}

#[tokio::test]
async fn what_was_said_before_the_number_was_registered_counts() {
    let (mut world, id, number) = unregistered().await;
    let messages = [
        text(TWELVE[3], "A", "halo, ini siapa?"),
        text(TWELVE[4], "B", "STOP"),
        text(TWELVE[5], "C", "hapus semua data saya"),
    ];
    let body = load::body(&[], &messages);
    let body = String::from_utf8(body).unwrap();
    let body = body.replace(load::NUMBER, Seeds::PHONE_NUMBER_ID);
    for _ in 0..2 {
        world.meta_posts(body.as_bytes()).await;
    }
    assert_eq!(waiting(&world).await.len(), 1, "the same body comes twice");

    // Registered, started, and the worker is faster than the timer.
    let campaigns = world.house.campaigns().unwrap();
    campaigns
        .put_number(Seeds::PHONE_NUMBER_ID, &number)
        .await
        .unwrap();
    world.start(id).await;
    world.house.wiring.step("FanoutQueue").await.unwrap();
    world.house.wiring.step("SendQueue").await.unwrap();
    assert_eq!(world.house.simulator.report().requests, 0);

    let view = world.finish(id).await;
    assert_eq!(view["totals"]["accepted"], 10, "{view}");
    assert_eq!(view["excluded_by_reason"]["suppressed"], 2, "{view}");
    for phone in [TWELVE[4], TWELVE[5]] {
        let log = world.house.simulator.person_log(&wa_id(phone));
        assert!(log.is_none_or(|log| log.requests.is_empty()), "{phone}");
    }
    assert_eq!(waiting(&world).await, []);
    let events = world.events(100).await;
    let stopped = events.iter().filter(|e| e["type"] == "contact.opted_out");
    let scopes: Vec<_> = stopped.map(|e| e["data"]["scopes"].to_string()).collect();
    assert_eq!(scopes.len(), 2, "{scopes:?}");

    // The same delivery once more, now that it is somebody's: nothing is new.
    world.meta_posts(body.as_bytes()).await;
    world.deliver().await;
    let again = world.events(100).await;
    let again = again.iter().filter(|e| e["type"] == "contact.opted_out");
    assert_eq!(again.count(), 2);
}
