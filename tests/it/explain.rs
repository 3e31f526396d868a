//! Why somebody is not messaged: every reason, in the order of the rules.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn every_reason_is_told_in_order() {
    let mut world = World::quiet().await;
    let csv = "nama,no hp,tanggal persetujuan,berlaku sampai\n\
               Wulandari,081211110001,2023-01-05 10:00,2025-01-05\n";
    let (list, _) = world.import(csv).await;
    let id = world.draft(&list).await;
    let phone = json!({"phone": "0812-1111-0001"});
    let token = world.post("/v1/contacts/token", phone.clone()).await;
    let token = token["token"].as_str().unwrap().to_owned();
    world
        .post(
            "/v1/optouts",
            json!({"phone": "0812-1111-0001", "scope": "marketing"}),
        )
        .await;
    let path = format!("/v1/contacts/{token}/explain?campaign={id}");
    let explained = world.get(&path).await;
    let codes: Vec<&str> = explained["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["code"].as_str().unwrap())
        .collect();
    let place = |code| codes.iter().position(|c| *c == code);
    assert!(place("suppressed").is_some(), "{explained}");
    assert!(
        place("suppressed") < place("consent_expired"),
        "{explained}"
    );
    assert_eq!(explained["chosen"], false);
    let events = world.events(10).await;
    assert_eq!(events.len(), 1, "the opt-out was told: {events:?}");
}
