//! What was harmless when it was approved is looked at again before it is sent.

use http::StatusCode;
use izin::house::Seeds;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::clamd::asleep;
use crate::media::PICTURE;
use crate::stop::{TWELVE, csv};
use crate::web_risk::WebRisk;
use crate::world::{Setting, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Words in a picture's comment that nobody knows for bad yet.
const UNKNOWN_YET: &str = "IZIN-BELUM-DIKENAL";

fn commented_picture() -> Vec<u8> {
    let length = u16::try_from(UNKNOWN_YET.len() + 2).unwrap().to_be_bytes();
    let comment = [b"\xFF\xFE".as_slice(), &length, UNKNOWN_YET.as_bytes()].concat();
    [&PICTURE[..20], &comment, &PICTURE[20..]].concat()
}

async fn hold(world: &mut World, id: &str) -> Value {
    world.view(id.parse().unwrap()).await["campaign"]["hold"]["reason"].clone()
}

#[tokio::test]
async fn a_file_that_turns_out_bad_is_not_sent() {
    let Some(mut daemon) = asleep("a file that turns out bad") else {
        return;
    };
    daemon.wake().await.unwrap();
    let mut world = World::with(Setting {
        variables: vec![("IZIN_CLAMD", daemon.address.clone())],
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let picture = commented_picture();
    let file = world.checked("promo.jpg", "image/jpeg", &picture).await;
    assert_eq!(file["state"], "usable", "{file}");
    let file = file["media_id"].as_str().unwrap().to_owned();
    let id = world.shows(&list, &file).await;
    let (status, code) = world.approves_file(&id).await;
    assert_eq!(status, StatusCode::OK, "{code}");

    // Within the week the old verdict is good, and nobody scans again.
    daemon.learn(UNKNOWN_YET).await.unwrap();
    world.clock.advance(DAY * 5);
    world.live(2).await;
    let view = world.get(&format!("/v1/media/{file}")).await;
    assert_eq!(view["state"], "usable", "{view}");

    world.clock.advance(DAY + DAY / 2);
    world.live(2).await;
    let view = world.get(&format!("/v1/media/{file}")).await;
    assert_eq!(view["state"], "rejected", "{view}");
    world.start(id.parse().unwrap()).await;
    world.live(2).await;
    assert_eq!(hold(&mut world, &id).await, "media_changed");
    assert_eq!(world.house.simulator.report().requests, 0);
}

#[tokio::test]
async fn an_old_file_waits_for_a_scanner_that_is_down() {
    let Some(mut daemon) = asleep("an old file and a clamd that is down") else {
        return;
    };
    daemon.wake().await.unwrap();
    let mut world = World::with(Setting {
        variables: vec![("IZIN_CLAMD", daemon.address.clone())],
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let file = world.checked("promo.jpg", "image/jpeg", PICTURE).await;
    let file = file["media_id"].as_str().unwrap().to_owned();
    let id = world.shows(&list, &file).await;
    let (status, code) = world.approves_file(&id).await;
    assert_eq!(status, StatusCode::OK, "{code}");

    daemon.stop();
    world.clock.advance(DAY * 8);
    world.live(2).await;
    world.start(id.parse().unwrap()).await;
    world.live(2).await;
    assert_eq!(hold(&mut world, &id).await, "media_unchecked");
    let resume = format!("/v1/campaigns/{id}/resume");
    let (status, answer) = world.request("POST", &resume, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(world.house.simulator.report().requests, 0);

    daemon.wake().await.unwrap();
    world.live(2).await;
    world.post(&resume, json!({})).await;
    let end = world.finish(id.parse().unwrap()).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
}

#[tokio::test]
async fn a_link_that_turns_out_bad_is_not_sent() {
    let web_risk = WebRisk::default();
    let mut world = web_risk.asked().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let body = "Halo {{nama}}, lihat https://melati.id/promo";
    world.reads_template("katalog", body).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let id = world.validated(&list, "katalog", "Sari").await;
        let (status, codes) = world.approves(&id, json!({})).await;
        assert_eq!(status, StatusCode::OK, "{codes:?}");
        ids.push(id);
    }

    // Nobody has looked for eight days: not sent, looked at, sent.
    world.clock.advance(DAY * 8);
    world.reads_template("katalog", body).await;
    world.start(ids[0].parse().unwrap()).await;
    world.deliver().await;
    assert_eq!(hold(&mut world, &ids[0]).await, "links_unchecked");
    assert_eq!(world.house.simulator.report().requests, 0);
    world.tick().await;
    world.deliver().await;
    let resume = format!("/v1/campaigns/{}/resume", ids[0]);
    world.post(&resume, json!({})).await;
    world.live(2).await;
    let sent = world.house.simulator.report().requests;
    assert!(sent > 0, "the first people have it");

    // A week later somebody knows the link for bad.
    web_risk.list("melati.id");
    world.clock.advance(DAY * 6 + DAY / 2);
    world.reads_template("katalog", body).await;
    world.tick().await;
    world.deliver().await;
    world.start(ids[1].parse().unwrap()).await;
    world.deliver().await;
    assert_eq!(hold(&mut world, &ids[1]).await, "links_harmful");
    assert_eq!(world.house.simulator.report().requests, sent);
    let (status, codes) = world.approves(&ids[1], json!({"by": "Budi"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(codes, ["listed"]);
}

#[tokio::test]
async fn a_single_message_with_a_bad_link_or_file_is_refused_at_once() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let message = |template: &str, mapping: Value| {
        json!({
            "list_id": list, "phone": TWELVE[0], "sender": Seeds::PHONE_NUMBER_ID,
            "template": {"name": template, "language": Seeds::LANGUAGE},
            "mapping": mapping, "purpose": "marketing.promo",
        })
    };
    let refused = |answer: &Value| {
        let errors = answer["errors"].as_array().unwrap().iter();
        errors
            .map(|error| format!("{} {}", error["pointer"], error["code"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    let body = "Halo {{nama}}, ambil di https://shopee-hadiah.top/undangan.apk";
    world.reads_template("hadiah", body).await;
    let bad_link = message("hadiah", json!({"body.nama": "column:name"}));
    let (status, answer) = world.request("POST", "/v1/messages", bad_link).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert_eq!(
        refused(&answer),
        ["/template lookalike_brand", "/template dangerous_download"]
    );

    let shows = |file: &Value| {
        let header = format!("media:{}", file["media_id"].as_str().unwrap());
        let mapping = json!({"body.nama": "column:name", "header": header});
        message(Seeds::PICTURE_TEMPLATE, mapping)
    };
    let bad = world.checked("promo.jpg", "image/jpeg", b"MZ\x90\0").await;
    let (status, answer) = world.request("POST", "/v1/messages", shows(&bad)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert_eq!(refused(&answer), ["/mapping/header not_usable"]);

    let good = world.checked("promo.jpg", "image/jpeg", PICTURE).await;
    world.clock.advance(DAY * 8);
    let (status, answer) = world.request("POST", "/v1/messages", shows(&good)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert_eq!(refused(&answer), ["/mapping/header verdict_expired"]);
    assert_eq!(world.house.simulator.report().requests, 0);
    // Asked for, it is checked again.
    world.live(2).await;
    let taken = world.post("/v1/messages", shows(&good)).await;
    let id = taken["message_id"].as_str().unwrap();
    world.until(id, "completed").await;
    assert_eq!(world.house.simulator.report().requests, 1);
}
