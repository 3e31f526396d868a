//! What a tenant decides for itself holds from the next decision on.

use http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;

use crate::world::World;

const LIST: &str = "nama,no hp,tanggal persetujuan\n\
                    Wulandari,081211110001,2026-01-05 10:00\n\
                    Bambang,081211110002,2026-01-06 10:00\n";

#[tokio::test]
async fn a_cap_makes_the_second_campaign_wait() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(LIST).await;
    let cap = json!({"frequency": [{"most": 1, "within_hours": 24}]});
    let (status, answer) = world.request("PUT", "/v1/settings", cap.clone()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let kept = world.get("/v1/settings").await;
    assert_eq!(kept["frequency"][0]["purpose"], "marketing");

    let first = world.approved_campaign(&list).await;
    world.start(first).await;
    let view = world.finish(first).await;
    assert_eq!(view["totals"]["accepted"], 2, "{view}");

    let second = world.approved_campaign(&list).await;
    let phone = json!({"phone": "0812-1111-0001"});
    let token = world.post("/v1/contacts/token", phone).await;
    let token = token["token"].as_str().unwrap().to_owned();
    let path = format!("/v1/contacts/{token}/explain?campaign={second}");
    let explained = world.get(&path).await;
    assert_eq!(explained["decision"], "defer", "{explained}");
    assert_eq!(explained["reasons"][0]["code"], "frequency_cap");

    world.start(second).await;
    world.deliver().await;
    let view = world.get(&format!("/v1/campaigns/{second}")).await;
    assert_eq!(view["totals"]["accepted"], 0, "{view}");
    assert_eq!(view["totals"]["pending"], 2, "{view}");
    world.clock.advance(SignedDuration::from_hours(25));
    let view = world.finish(second).await;
    assert_eq!(view["totals"]["accepted"], 2, "{view}");
}

#[tokio::test]
async fn settings_that_cannot_be_used_change_nothing() {
    let mut world = World::quiet().await;
    let bad = json!({
        "sector": "bank",
        "keywords": [{"text": "STOP", "means": "other"}],
    });
    let (status, problem) = world.request("PUT", "/v1/settings", bad).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/sector", "/keywords/0"]);
    assert_eq!(world.get("/v1/settings").await["sector"], json!(null));
}
