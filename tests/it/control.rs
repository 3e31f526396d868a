//! What an operator does with a campaign under way: stop everything, hold, let
//! go on, end; and what the timer does in their place.

use http::StatusCode;
use izin::house::Seeds;
use jiff::SignedDuration;
use policy::ids::CampaignId;
use serde_json::{Value, json};

use crate::stop::{TWELVE, csv};
use crate::world::World;

/// A campaign to twelve people with `extra` fields, as far as approved.
async fn approved(world: &mut World, extra: Value) -> CampaignId {
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.draft_with(&list, extra).await;
    step(world, &id, "validate", json!({})).await;
    world.until(&id, "validated").await;
    step(world, &id, "approve", json!({})).await;
    id.parse().unwrap()
}

async fn step(world: &mut World, id: &str, step: &str, body: Value) -> Value {
    world
        .post(&format!("/v1/campaigns/{id}/{step}"), body)
        .await
}

async fn refused(world: &mut World, path: &str, body: Value) -> String {
    let (status, answer) = world.request("POST", path, body).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    answer["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn after_the_kill_switch_nothing_is_claimed_until_a_person_lifts_it() {
    let mut world = World::quiet().await;
    let id = approved(&mut world, json!({})).await;
    world.start(id).await;
    world.house.wiring.step("FanoutQueue").await.unwrap();
    world.house.wiring.step("SendQueue").await.unwrap();
    let before = world.house.simulator.report().requests;
    assert!(before > 0, "it is under way");
    let (status, _) = world.request("POST", "/v1/kill-switch", json!({})).await;
    assert_eq!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a person has a name"
    );
    let on = world
        .post("/v1/kill-switch", json!({"by": "Ibu Rini"}))
        .await;
    assert_eq!(
        (&on["is_open"], &on["opened_by"]),
        (&json!(true), &json!("Ibu Rini"))
    );

    world.live(10).await;
    assert_eq!(world.house.simulator.report().requests, before);
    let held = world.view(id).await;
    assert_eq!(held["stopped_by"], "the kill switch is on", "{held}");
    assert_eq!(held["totals"]["accepted"], before);
    let open = world.get("/v1/breakers").await;
    assert_eq!(open["breakers"][0]["scope"], "tenant");
    step(&mut world, &id.to_string(), "pause", json!({})).await;
    let why = refused(&mut world, &format!("/v1/campaigns/{id}/resume"), json!({})).await;
    assert_eq!(why, "the kill switch is on; reset it first");

    let off = world
        .post("/v1/kill-switch/lift", json!({"by": "Pak Budi"}))
        .await;
    assert_eq!(
        (&off["is_open"], &off["closed_by"]),
        (&json!(false), &json!("Pak Budi"))
    );
    step(&mut world, &id.to_string(), "resume", json!({})).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
    assert_eq!(world.house.simulator.report().duplicate_recipients, 0);
}

#[tokio::test]
async fn a_mended_refusal_is_sent_again_only_when_asked_for() {
    let mut world = World::quiet().await;
    let id = approved(&mut world, json!({})).await;
    world.house.simulator.set_access_tokens(Vec::new());
    world.start(id).await;
    world.deliver().await;
    let held = world.view(id).await;
    assert_eq!(
        held["campaign"]["hold"]["reason"], "account_stopped",
        "{held}"
    );
    assert_eq!(held["totals"]["rejected"], 1, "{held}");
    let token = world.house.seeds.access_token.clone();
    world.house.simulator.set_access_tokens(vec![token.into()]);
    let account = json!({"scope": "account", "id": Seeds::WABA, "by": "Ibu Rini"});
    world.post("/v1/breakers/reset", account).await;
    let (status, _) = world
        .request(
            "POST",
            &format!("/v1/campaigns/{id}/resume"),
            json!({"scope": "all"}),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    step(
        &mut world,
        &id.to_string(),
        "resume",
        json!({"scope": "refused"}),
    )
    .await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
    assert_eq!(world.house.simulator.report().duplicate_recipients, 0);
}

#[tokio::test]
async fn a_campaign_starts_by_the_clock_of_its_zone() {
    let mut world = World::quiet().await;
    let id = approved(&mut world, json!({})).await;
    let path = format!("/v1/campaigns/{id}/schedule");
    let past = json!({"start_at": "2026-11-24T09:00", "time_zone": "Asia/Jakarta"});
    let (status, answer) = world.request("POST", &path, past).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer["errors"][0]["code"], "in_the_past", "{answer}");
    // The night in which Berlin's clocks are set forward.
    let skipped = json!({"start_at": "2027-03-28T02:30", "time_zone": "Europe/Berlin"});
    let planned = world.post(&path, skipped).await;
    assert_eq!(planned["start"]["clock"], "skips", "{planned}");
    assert_eq!(planned["start"]["at"], "2027-03-28T01:30:00Z");
    step(&mut world, &id.to_string(), "unschedule", json!({})).await;
    let noon = json!({"start_at": "2026-11-24T12:00", "time_zone": "Asia/Jakarta"});
    let planned = world.post(&path, noon).await;
    assert_eq!(planned["state"], "scheduled", "{planned}");

    world.live(110).await;
    assert_eq!(
        world.house.simulator.report().requests,
        0,
        "not before noon"
    );
    world.live(15).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
}

#[tokio::test]
async fn a_budget_is_never_passed_and_the_rest_waits_for_more() {
    let mut world = World::quiet().await;
    // Eight messages of 0.0411, and not nine.
    let budget = json!({"amount": "0.35", "currency": "USD"});
    let id = approved(&mut world, json!({"budget": budget})).await;
    world.start(id).await;
    world.live(5).await;
    let held = world.view(id).await;
    assert_eq!(held["campaign"]["state"], "paused", "{held}");
    assert_eq!(held["campaign"]["hold"]["reason"], "budget_spent", "{held}");
    assert_eq!(held["totals"]["accepted"], 8, "{held}");
    assert_eq!(held["budget"]["reserved"], "0.3288", "{held}");
    let put = json!({"amount": "0.50", "currency": "USD"});
    let path = format!("/v1/campaigns/{id}/budget");
    let (status, _) = world.request("PUT", &path, put).await;
    assert_eq!(status, StatusCode::OK);
    step(&mut world, &id.to_string(), "resume", json!({})).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
    assert_eq!(end["budget"]["reserved"], "0.4932", "{end}");
}

#[tokio::test]
async fn an_audience_goes_out_in_tranches() {
    let mut world = World::quiet().await;
    let tranche = json!({"people": 4, "every_minutes": 60});
    let id = approved(&mut world, json!({"tranche": tranche})).await;
    world.start(id).await;
    for accepted in [4, 8] {
        world.live(58).await;
        let seen = world.view(id).await;
        assert_eq!(seen["totals"]["accepted"], accepted, "{seen}");
        world.live(3).await;
    }
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
}

#[tokio::test]
async fn a_paused_template_holds_its_campaigns_and_a_changed_one_is_approved_again() {
    let mut world = World::quiet().await;
    let tranche = json!({"people": 4, "every_minutes": 60});
    let id = approved(&mut world, json!({"tranche": tranche})).await;
    world.start(id).await;
    world.live(2).await;
    let (waba, name, language) = (Seeds::WABA, Seeds::TEMPLATE, Seeds::LANGUAGE);
    let simulator = &world.house.simulator;
    assert!(simulator.set_template_status(waba, name, language, "PAUSED"));
    world.live(20).await;
    let held = world.view(id).await;
    // WhatsApp told so itself, which stops it before a look at the template does.
    assert_eq!(
        held["campaign"]["hold"]["reason"], "template_stopped",
        "{held}"
    );
    let template = json!({"scope": "template", "id": name, "by": "Ibu Rini"});
    world.post("/v1/breakers/reset", template).await;
    let resume = format!("/v1/campaigns/{id}/resume");
    let why = refused(&mut world, &resume, json!({})).await;
    assert_eq!(why, "WhatsApp does not let the template be sent");

    let simulator = &world.house.simulator;
    assert!(simulator.set_template_status(waba, name, language, "APPROVED"));
    world.live(12).await;
    step(&mut world, &id.to_string(), "resume", json!({})).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
}

#[tokio::test]
async fn what_blocks_a_message_is_listed_at_approval() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let other = json!({"mapping": {"body.nama": "column:panggilan"}, "purpose": "service"});
    let id = world.draft_with(&list, other).await;
    step(&mut world, &id, "validate", json!({})).await;
    world.until(&id, "validated").await;
    let (status, answer) = world
        .request("POST", &format!("/v1/campaigns/{id}/approve"), json!({}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    let errors = answer["errors"].as_array().unwrap().iter();
    let codes: Vec<_> = errors
        .map(|error| error["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["column_missing", "category_mismatch"], "{answer}");
    assert_eq!(world.house.simulator.report().requests, 0);
}

#[tokio::test]
async fn part_of_an_audience_waits_for_its_morning_while_the_rest_is_sent() {
    let mut world = World::quiet().await;
    let mut file = "nama,no hp,tanggal persetujuan,zona waktu\n".to_owned();
    for (at, phone) in TWELVE.iter().enumerate() {
        let zone = if at % 3 == 0 {
            "Asia/Jayapura"
        } else {
            "Asia/Jakarta"
        };
        file.push_str(&format!("Wulandari,{phone},2026-01-05 10:00,{zone}\n"));
    }
    let (list, _) = world.import(&file).await;
    let id = world.approved_campaign(&list).await;
    // Half past seven in the evening in Jakarta, half past nine in Jayapura.
    let evening: jiff::Timestamp = "2026-11-24T12:30:00Z".parse().unwrap();
    world.clock.advance(evening.duration_since(world.now()));
    world.start(id).await;
    world.live(20).await;
    let seen = world.view(id).await;
    assert_eq!(seen["totals"]["accepted"], 8, "{seen}");
    assert_eq!(seen["totals"]["pending"], 4, "{seen}");
    assert_eq!(seen["campaign"]["state"], "running");
    world.clock.advance(SignedDuration::from_hours(10));
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
}
