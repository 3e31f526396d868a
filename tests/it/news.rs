//! What WhatsApp tells of limits and templates takes effect, in any order and
//! however often it is told.

use http::StatusCode;
use izin::house::Seeds;
use izin::inbound::load;
use izin::inbound::{PORTFOLIO, Stand};
use serde_json::{Value, json};

use crate::inbound::stand;
use crate::stop::{TWELVE, csv};
use crate::world::World;

/// A post about the account at `time`, in seconds since 1970, and everything
/// that follows.
async fn told(stand: &Stand, time: i64, field: &str, value: Value) {
    let change = json!({"field": field, "value": value});
    let entry = json!({"id": load::WABA, "time": time, "changes": [change]});
    let body = json!({"entry": [entry]}).to_string().into_bytes();
    assert_eq!(stand.post(body).await.unwrap(), StatusCode::OK);
    stand.settle().await.unwrap();
}

async fn tier_of(stand: &Stand) -> String {
    stand.tiers.tier(PORTFOLIO).await.unwrap()
}

#[tokio::test]
async fn the_latest_announcement_of_a_tier_holds_whatever_comes_late() {
    let stand = stand().await;
    let limit = |limit: Value| json!({"max_daily_conversations_per_business": limit});
    let field = "business_capability_update";
    told(&stand, 1_764_000_100, field, limit(json!(10_000))).await;
    assert_eq!(tier_of(&stand).await, "TIER_10K");
    // An older one, and the same again.
    told(&stand, 1_764_000_050, field, limit(json!("TIER_2K"))).await;
    told(&stand, 1_764_000_100, field, limit(json!(10_000))).await;
    assert_eq!(tier_of(&stand).await, "TIER_10K");
    // A name that nobody knows, and less than before.
    told(&stand, 1_764_000_150, field, limit(json!("TIER_9Z"))).await;
    assert_eq!(tier_of(&stand).await, "TIER_10K");
    let downgrade = json!({"event": "DOWNGRADE", "current_limit": "TIER_1K"});
    let field = "phone_number_quality_update";
    told(&stand, 1_764_000_200, field, downgrade).await;
    assert_eq!(tier_of(&stand).await, "TIER_1K");
    let now = "2026-11-24T03:00:00Z".parse().unwrap();
    let room = stand.tiers.reserve(PORTFOLIO, now, &[None; 5_000]).await;
    assert_eq!(room.unwrap().people(), 1_000);
}

#[tokio::test]
async fn a_number_is_read_again_as_soon_as_something_is_told_of_it() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    world.approved_campaign(&list).await;
    world.tick().await;
    let simulator = &world.house.simulator;
    assert!(simulator.set_number_health(Seeds::PHONE_NUMBER_ID, "YELLOW", "AVAILABLE"));
    world.tick().await;
    let quality = |numbers: &Value| numbers["numbers"][0]["quality"].clone();
    let numbers = world.get("/v1/numbers").await;
    assert_ne!(quality(&numbers), "YELLOW", "read a moment ago: {numbers}");

    let value = json!({"display_phone_number": "622155500100", "event": "FLAGGED"});
    let field = "phone_number_quality_update";
    world.house.simulator.tell(Seeds::WABA, field, value);
    world.live(1).await;
    world.tick().await;
    let numbers = world.get("/v1/numbers").await;
    assert_eq!(quality(&numbers), "YELLOW", "{numbers}");
    assert_eq!(world.events(10).await.len(), 1, "and the tenant was told");
}

#[tokio::test]
async fn a_template_is_read_again_as_soon_as_something_is_told_of_it() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    world.approved_campaign(&list).await;
    let mut changed = Seeds::template();
    changed["quality_score"]["score"] = json!("YELLOW");
    let simulator = &world.house.simulator;
    simulator.put_template(Seeds::WABA, changed).unwrap();
    world.tick().await;
    assert!(quality(&world).await.contains("GREEN"), "read a moment ago");

    let value = json!({
        "previous_quality_score": "GREEN", "new_quality_score": "YELLOW",
        "message_template_id": 1, "message_template_name": Seeds::TEMPLATE,
        "message_template_language": Seeds::LANGUAGE,
    });
    let field = "message_template_quality_update";
    world.house.simulator.tell(Seeds::WABA, field, value);
    world.live(1).await;
    world.tick().await;
    assert!(quality(&world).await.contains("YELLOW"));
    // A warning of WhatsApp's stops nothing by itself.
    let breakers = world.get("/v1/breakers").await;
    assert_eq!(breakers["breakers"], json!([]));
    let events = world.events(10).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["type"], "template.changed");
    assert_eq!(events[0]["data"]["quality"], "yellow");
}

/// What is known of the seeded template's quality.
async fn quality(world: &World) -> String {
    let campaigns = world.house.campaigns().unwrap();
    let tenant = world.house.seeds.tenant;
    let template = campaigns
        .template(tenant, Seeds::TEMPLATE, Seeds::LANGUAGE)
        .await
        .unwrap()
        .unwrap();
    let json: Value = serde_json::from_str(&template.json).unwrap();
    json["quality_score"].to_string()
}
