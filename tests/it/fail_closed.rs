//! What is not known is not sent, and is not lost either.

use izin::house::Seeds;
use serde_json::json;

use crate::stop::{TWELVE, csv};
use crate::world::World;

#[tokio::test]
async fn a_template_that_cannot_be_read_freezes_nothing() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    world.house.simulator.set_access_tokens(Vec::new());
    let id = world.draft_that_stays_validating(&list).await;
    let token = world.house.seeds.access_token.clone();
    world.house.simulator.set_access_tokens(vec![token.into()]);
    world.until(&id, "validated").await;
    let view = world.get(&format!("/v1/campaigns/{id}")).await;
    assert_eq!(view["totals"]["pending"], 12, "{view}");
    assert_eq!(world.house.simulator.report().requests, 0);
}

#[tokio::test]
async fn a_revoked_token_pauses_the_campaign_and_loses_nobody() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    world.house.simulator.set_access_tokens(Vec::new());
    world.start(id).await;
    world.deliver().await;
    let view = world.get(&format!("/v1/campaigns/{id}")).await;
    assert_eq!(view["campaign"]["state"], "paused", "{view}");
    // One message met the closed door; the others were not tried.
    assert_eq!(view["totals"]["rejected"], 1, "{view}");
    assert_eq!(view["totals"]["pending"], 11, "{view}");
    assert_eq!(view["conservation"]["holds"], true, "{view}");
    assert_eq!(world.house.simulator.report().accepted, 0);

    let token = world.house.seeds.access_token.clone();
    world.house.simulator.set_access_tokens(vec![token.into()]);
    assert_eq!(view["campaign"]["hold"]["reason"], "account_stopped");
    let resume = format!("/v1/campaigns/{id}/resume");
    let (status, answer) = world.request("POST", &resume, json!({})).await;
    assert_eq!(status, 409, "a person resets the breaker first: {answer}");
    let account = json!({"scope": "account", "id": Seeds::WABA, "by": "Ibu Rini"});
    world.post("/v1/breakers/reset", account).await;
    world.post(&resume, json!({})).await;
    let view = world.finish(id).await;
    assert_eq!(view["totals"]["accepted"], 11, "{view}");
}

#[tokio::test]
async fn a_cancelled_campaign_sends_nothing_more_and_accounts_for_everybody() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    world.house.wiring.step("FanoutQueue").await.unwrap();
    world
        .post(&format!("/v1/campaigns/{id}/cancel"), json!({}))
        .await;
    for _ in 0..4 {
        world.deliver().await;
        world.tick().await;
        world.to_next_event(std::time::Duration::from_secs(180));
    }
    world.deliver().await;
    let view = world.get(&format!("/v1/campaigns/{id}")).await;
    assert_eq!(view["totals"]["cancelled"], 12, "{view}");
    assert_eq!(view["conservation"]["holds"], true, "{view}");
    assert_eq!(world.house.simulator.report().requests, 0);
    // The end cannot be left.
    let (status, answer) = world
        .request("POST", &format!("/v1/campaigns/{id}/start"), json!({}))
        .await;
    assert_eq!(status, 409, "{answer}");
}
