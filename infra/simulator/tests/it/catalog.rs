//! What the API tells about templates, numbers and past messages.

use serde_json::Value;

use crate::harness::{NUMBER, WABA, World, promo};

fn ids(listing: &Value) -> Vec<&str> {
    let data = listing["data"].as_array().unwrap();
    data.iter().map(|t| t["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn templates_are_listed_by_page_and_filter() {
    let world = World::new().await;
    let path = |query: &str| format!("{WABA}/message_templates?{query}");

    let (_, all) = world.get(&path("")).await;
    assert_eq!(ids(&all).len(), 9);
    assert!(all["paging"].get("next").is_none());
    let (_, named) = world.get(&path("name=order&status=APPROVED")).await;
    assert_eq!(ids(&named), ["1004", "1005"]);
    let (_, english) = world.get(&path("language=en_US&fields=name,status")).await;
    assert_eq!(
        english["data"][0],
        serde_json::json!({"name": "order", "status": "APPROVED", "id": "1005"})
    );

    let mut seen = Vec::new();
    let mut next = Some(world.url(&path("limit=3&category=UTILITY")));
    while let Some(url) = next {
        let request = world.client.get(url).bearer_auth(crate::harness::TOKEN);
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        seen.extend(ids(&page).iter().map(|id| (*id).to_owned()));
        next = page["paging"]["next"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, ["1003", "1004", "1005", "1006", "1007", "1008"]);

    assert_eq!(world.get("1/message_templates").await.0, 400);
    assert_eq!(world.get(&path("limit=0")).await.0, 400);
    assert_eq!(world.get(&path("after=!")).await.0, 400);
}

#[tokio::test]
async fn a_number_tells_its_health() {
    let world = World::new().await;
    let fields =
        "quality_rating,throughput,whatsapp_business_manager_messaging_limit,status,health_status";
    let path = format!("{NUMBER}?fields={fields}");
    let (_, number) = world.get(&path).await;
    assert_eq!(number["id"], NUMBER);
    assert_eq!(number["quality_rating"], "GREEN");
    assert_eq!(number["throughput"]["level"], "STANDARD");
    assert_eq!(
        number["whatsapp_business_manager_messaging_limit"],
        "TIER_UNLIMITED"
    );
    assert_eq!(number["health_status"]["can_send_message"], "AVAILABLE");

    assert!(world.simulator.set_number_health(NUMBER, "RED", "BLOCKED"));
    let (_, number) = world.get(&path).await;
    assert_eq!(number["quality_rating"], "RED");
    assert_eq!(number["health_status"]["can_send_message"], "BLOCKED");
    assert_eq!(world.code(&promo(1)).await, 131_031);
}

#[tokio::test]
async fn a_template_can_be_paused_in_mid_campaign() {
    let world = World::new().await;
    assert_eq!(world.code(&promo(1)).await, 0);
    assert!(
        world
            .simulator
            .set_template_status(WABA, "promo", "id", "PAUSED")
    );
    assert_eq!(world.code(&promo(2)).await, 132_015);
    let (_, template) = world.get("1001?fields=status").await;
    assert_eq!(template["status"], "PAUSED");

    world.simulator.step().await;
    let body: Value = serde_json::from_slice(&world.webhook.posted()[0].body).unwrap();
    let entry = &body["entry"][0];
    assert!(entry["time"].is_i64());
    let change = &entry["changes"][0];
    assert_eq!(change["field"], "message_template_status_update");
    assert_eq!(change["value"]["event"], "PAUSED");
    assert_eq!(change["value"]["message_template_id"], 1_001);
}

#[tokio::test]
async fn the_history_of_a_message_can_be_asked_for() {
    let world = World::with(|config| config.behaviour.reads = 1.0).await;
    let (_, body) = world.send(&promo(1)).await;
    let wamid = body["messages"][0]["id"].as_str().unwrap();
    world.simulator.drain().await;
    let path = format!("{NUMBER}/message_history?message_id={}", escape(wamid));
    let (_, history) = world.get(&path).await;
    let events = history["data"][0]["events"]["data"].as_array().unwrap();
    let statuses: Vec<&str> = events
        .iter()
        .map(|event| event["delivery_status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["SENT", "DELIVERED", "READ"]);
}

#[tokio::test]
async fn the_history_of_a_number_is_read_by_pages() {
    let world = World::with(|_| ()).await;
    let mut sent = Vec::new();
    for nth in 1..=5 {
        let (_, body) = world.send(&promo(nth)).await;
        sent.push(body["messages"][0]["id"].clone());
    }
    world.simulator.drain().await;
    let mut seen = Vec::new();
    let mut path = format!("{NUMBER}/message_history?limit=2");
    loop {
        let (_, page) = world.get(&path).await;
        let entries = page["data"].as_array().unwrap();
        seen.extend(entries.iter().map(|entry| entry["message_id"].clone()));
        if page["paging"]["next"].is_null() {
            break;
        }
        let after = page["paging"]["cursors"]["after"].as_str().unwrap();
        path = format!("{NUMBER}/message_history?limit=2&after={after}");
    }
    let sorted = |mut ids: Vec<Value>| {
        ids.sort_by_key(Value::to_string);
        ids
    };
    assert_eq!(seen.len(), 5);
    assert_eq!(sorted(seen), sorted(sent));
}

fn escape(text: &str) -> String {
    text.replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}
