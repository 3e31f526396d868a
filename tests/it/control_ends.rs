//! How campaigns end: cancelled, too late, or in doubt; and the first people
//! who decide for the rest.

use http::StatusCode;
use izin::house::Seeds;
use izin::people;
use jiff::SignedDuration;
use policy::ids::CampaignId;
use serde_json::{Value, json};
use simulator::{Behaviour, FaultEffect, FaultWhen, RequestFault, WebhookChaos};

use crate::stop::{TWELVE, csv};
use crate::world::{Setting, World, wa_id};

async fn started(world: &mut World, file: &str, extra: Value) -> CampaignId {
    let (list, _) = world.import(file).await;
    let id = world.draft_with(&list, extra).await;
    for (step, state) in [
        ("validate", Some("validated")),
        ("approve", None),
        ("start", None),
    ] {
        world
            .post(&format!("/v1/campaigns/{id}/{step}"), json!({}))
            .await;
        if let Some(state) = state {
            world.until(&id, state).await;
        }
    }
    id.parse().unwrap()
}

#[tokio::test]
async fn a_cancelled_campaign_closes_without_its_number() {
    let mut world = World::quiet().await;
    let id = started(&mut world, &csv(&TWELVE), json!({})).await;
    world.house.wiring.step("FanoutQueue").await.unwrap();
    world
        .post(&format!("/v1/campaigns/{id}/cancel"), json!({}))
        .await;
    // The number goes to another business.
    let campaigns = world.house.campaigns().unwrap();
    let mut number = campaigns
        .number(Seeds::PHONE_NUMBER_ID)
        .await
        .unwrap()
        .unwrap();
    number.tenant = policy::ids::TenantId::from_uuid(uuid::Uuid::from_u128(9));
    campaigns
        .put_number(Seeds::PHONE_NUMBER_ID, &number)
        .await
        .unwrap();
    world.live(2).await;
    let survey = campaigns
        .survey(world.house.seeds.tenant, id, world.now())
        .await
        .unwrap();
    assert_eq!(survey.open, 0, "every block is closed");
    let end = world.view(id).await;
    assert_eq!(end["totals"]["cancelled"], 12, "{end}");
    assert_eq!(world.house.simulator.report().requests, 0);
    world.live(25).await;
    assert_eq!(campaigns.due().await.unwrap(), []);
}

#[tokio::test]
async fn what_comes_too_late_is_not_sent() {
    let mut world = World::quiet().await;
    let end = world.now() + SignedDuration::from_hours(2);
    let extra = json!({
        "not_after": end.to_string(),
        "tranche": {"people": 4, "every_minutes": 180},
    });
    let id = started(&mut world, &csv(&TWELVE), extra).await;
    world.live(125).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 4, "{end}");
    assert_eq!(end["totals"]["expired"], 8, "{end}");
}

#[tokio::test]
async fn a_named_person_settles_what_is_in_doubt() {
    let mut world = World::with(Setting {
        webhooks: WebhookChaos {
            lose_statuses: 1.0,
            ..WebhookChaos::default()
        },
        ..Setting::default()
    })
    .await;
    for phone in [TWELVE[2], TWELVE[5]] {
        world.house.simulator.add_fault(RequestFault {
            when: FaultWhen::To(wa_id(phone)),
            effect: FaultEffect::AcceptThenReset,
            times: Some(1),
        });
    }
    let id = started(&mut world, &csv(&TWELVE), json!({})).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["unknown"], 2, "{end}");
    let requests = world.house.simulator.report().requests;
    let path = format!("/v1/campaigns/{id}/doubts");
    let doubts = world.get(&path).await["doubts"].clone();
    let doubts = doubts.as_array().unwrap();
    assert_eq!(doubts.len(), 2);

    for (doubt, outcome) in doubts.iter().zip(["accepted", "not_sent"]) {
        let mut finding = json!({
            "block": doubt["block"],
            "index": doubt["index"],
            "outcome": outcome,
            "evidence": "WhatsApp's billing export",
        });
        let (status, answer) = world.request("POST", &path, finding.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        finding["by"] = json!("Ibu Rini");
        let kept = world.post(&path, finding.clone()).await;
        assert_eq!(kept["by"], "Ibu Rini");
        assert_eq!(world.post(&path, finding.clone()).await, kept, "said again");
        finding["outcome"] = json!(if outcome == "accepted" {
            "not_sent"
        } else {
            "accepted"
        });
        let (status, answer) = world.request("POST", &path, finding).await;
        assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    }
    world.live(5).await;
    let end = world.view(id).await;
    let totals = &end["totals"];
    let counts = ["unknown", "accepted", "cancelled"].map(|name| totals[name].as_u64().unwrap());
    assert_eq!(counts, [0, 11, 1], "{end}");
    assert_eq!(
        world.house.simulator.report().requests,
        requests,
        "nothing is sent by it"
    );
}

#[tokio::test]
async fn the_first_people_stop_a_campaign_that_many_of_them_stop() {
    let mut world = World::with(Setting {
        behaviour: Behaviour {
            reads: 1.0,
            presses_stop: 0.5,
            ..Behaviour::default()
        },
        ..Setting::default()
    })
    .await;
    let id = started(
        &mut world,
        &people::csv(200, 3),
        json!({"canary_percent": 20}),
    )
    .await;
    world.live(10).await;
    let held = world.view(id).await;
    assert_eq!(held["campaign"]["hold"]["reason"], "canary_stops", "{held}");
    let asked = world.house.simulator.report().requests;
    let waiting = held["totals"]["pending"].as_u64().unwrap();
    // A fifth, in whole blocks of four.
    assert!(
        asked > 0 && 4 * asked <= waiting + 20,
        "{asked} asked, {waiting} wait"
    );
    let resume = format!("/v1/campaigns/{id}/resume");
    let (status, answer) = world.request("POST", &resume, json!({})).await;
    assert_eq!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a person decides: {answer}"
    );
    world.post(&resume, json!({"by": "Ibu Rini"})).await;
    let end = world.finish(id).await;
    assert_eq!(end["campaign"]["canary"]["passed"], true, "{end}");
    assert!(
        end["totals"]["accepted"].as_u64().unwrap() > 2 * asked,
        "{end}"
    );
}

#[tokio::test]
async fn the_rest_follows_the_first_people_who_are_content() {
    let mut world = World::quiet().await;
    let id = started(
        &mut world,
        &people::csv(200, 3),
        json!({"canary_percent": 10}),
    )
    .await;
    world.house.wiring.step("FanoutQueue").await.unwrap();
    world.house.wiring.run_until_idle().await.unwrap();
    let first = world.house.simulator.report().requests;
    let waiting = world.view(id).await["totals"]["pending"].as_u64();
    let waiting = waiting.unwrap();
    assert!(
        first > 0 && 9 * first <= waiting + 40,
        "{first} asked, {waiting} wait"
    );
    let end = world.finish(id).await;
    assert!(
        end["totals"]["accepted"].as_u64().unwrap() > 4 * first,
        "{end}"
    );
    assert_eq!(end["campaign"]["canary"]["passed"], true, "{end}");
}
