//! Files: nothing is shown that was not checked, and nothing but what was
//! approved.

use http::StatusCode;
use izin::house::Seeds;
use jiff::SignedDuration;
use policy::ids::MediaId;
use serde_json::{Value, json};

use crate::clamd::asleep;
use crate::stop::{TWELVE, csv};
use crate::world::{Setting, World};

/// The smallest picture that is whole: 16 by 8, one grey.
pub(crate) const PICTURE: &[u8] =
    b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\
    \xFF\xC0\x00\x0B\x08\x00\x08\x00\x10\x01\x01\x11\x00\
    \xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00\x12\xFF\x00\x34\xFF\xD0\x56\xFF\xD9";

impl World {
    /// Registers a file and uploads `bytes`; its id.
    async fn uploads(&mut self, name: &str, content_type: &str, bytes: &[u8]) -> String {
        let made = self.registers(name, content_type, bytes).await;
        put(&made, bytes).await;
        made["media_id"].as_str().unwrap().to_owned()
    }

    async fn registers(&mut self, name: &str, content_type: &str, bytes: &[u8]) -> Value {
        let request = json!({
            "name": name, "content_type": content_type, "content_length": bytes.len(),
        });
        self.post("/v1/media", request).await
    }

    /// The file once its queue is at rest.
    pub(crate) async fn checked(&mut self, name: &str, content_type: &str, bytes: &[u8]) -> Value {
        let id = self.uploads(name, content_type, bytes).await;
        self.deliver().await;
        self.get(&format!("/v1/media/{id}")).await
    }

    /// A campaign whose header shows `file`, validated; its id.
    pub(crate) async fn shows(&mut self, list: &str, file: &str) -> String {
        let picture = json!({
            "template": {"name": Seeds::PICTURE_TEMPLATE, "language": Seeds::LANGUAGE},
            "mapping": {"body.nama": "column:name", "header": format!("media:{file}")},
        });
        let id = self.draft_with(list, picture).await;
        let path = format!("/v1/campaigns/{id}/validate");
        self.post(&path, json!({})).await;
        self.until(&id, "validated").await;
        id
    }

    pub(crate) async fn approves_file(&mut self, id: &str) -> (StatusCode, String) {
        let path = format!("/v1/campaigns/{id}/approve");
        let (status, answer) = self.request("POST", &path, json!({})).await;
        (status, answer["errors"][0]["code"].to_string())
    }
}

/// The one request that an upload permission allows.
async fn put(made: &Value, bytes: &[u8]) {
    let upload = &made["upload"];
    let mut put = reqwest::Client::new().put(upload["url"].as_str().unwrap());
    for (name, value) in upload["headers"].as_object().unwrap() {
        put = put.header(name, value.as_str().unwrap());
    }
    let answer = put.body(bytes.to_vec()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// The reasons that block a file.
pub(crate) fn blocking(view: &Value) -> Vec<&str> {
    let findings = view["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["verdict"] == "block")
        .map(|finding| finding["reason"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_file_waits_for_a_scanner_that_is_down_and_is_usable_later() {
    let Some(mut daemon) = asleep("a clamd that is down") else {
        return;
    };
    let mut world = World::with(Setting {
        variables: vec![("IZIN_CLAMD", daemon.address.clone())],
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let view = world.checked("promo.jpg", "image/jpeg", PICTURE).await;
    assert_eq!(view["state"], "quarantined", "{view}");
    assert_eq!(view["waits_for"]["reason"], "scanner_unavailable", "{view}");
    let id = view["media_id"].as_str().unwrap().to_owned();
    let campaign = world.shows(&list, &id).await;
    let (status, code) = world.approves_file(&campaign).await;
    assert_eq!(
        (status, code.as_str()),
        (StatusCode::CONFLICT, "\"not_usable\"")
    );
    world.live(5).await;
    let view = world.get(&format!("/v1/media/{id}")).await;
    assert_eq!(view["state"], "quarantined", "{view}");
    assert!(view["waits_for"]["tries"].as_u64().unwrap() > 2, "{view}");

    daemon.wake().await.unwrap();
    world.live(20).await;
    let view = world.get(&format!("/v1/media/{id}")).await;
    assert_eq!(view["state"], "usable", "{view}");
    // What was validated without the file's verdict is looked at anew.
    let (status, code) = world.approves_file(&campaign).await;
    assert_eq!(status, StatusCode::OK, "{code}");
}

#[tokio::test]
async fn a_lost_look_is_repeated_by_the_timer() {
    let daemon = asleep("a clamd that is down, and a lost message");
    let Some(mut daemon) = daemon else { return };
    let mut world = World::with(Setting {
        variables: vec![("IZIN_CLAMD", daemon.address.clone())],
        ..Setting::default()
    })
    .await;
    let view = world.checked("promo.jpg", "image/jpeg", PICTURE).await;
    let id = view["media_id"].as_str().unwrap().to_owned();
    world.house.aws.sqs.purge("ScanQueue").unwrap();
    daemon.wake().await.unwrap();
    world.live(8).await;
    let view = world.get(&format!("/v1/media/{id}")).await;
    assert_eq!(view["state"], "usable", "{view}");
}

#[tokio::test]
async fn the_word_of_the_store_is_waited_for_where_it_scans() {
    let mut world = World::with(Setting {
        variables: vec![("IZIN_GUARDDUTY", "on".to_owned())],
        ..Setting::default()
    })
    .await;
    for (word, state) in [
        ("NO_THREATS_FOUND", "usable"),
        ("THREATS_FOUND", "rejected"),
        ("UNSUPPORTED", "rejected"),
    ] {
        let view = world.checked("promo.jpg", "image/jpeg", PICTURE).await;
        assert_eq!(view["state"], "quarantined", "{view}");
        assert_eq!(view["waits_for"]["reason"], "scan_pending", "{view}");
        let id = view["media_id"].as_str().unwrap().to_owned();
        world.tags(&id, word).await;
        world.live(2).await;
        let view = world.get(&format!("/v1/media/{id}")).await;
        assert_eq!(view["state"], state, "{word}: {view}");
    }
}

impl World {
    /// As GuardDuty would.
    async fn tags(&self, id: &str, word: &str) {
        use aws_sdk_s3::types::{Tag, Tagging};

        let tenant = self.house.seeds.tenant;
        let tag = Tag::builder()
            .key("GuardDutyMalwareScanStatus")
            .value(word)
            .build()
            .unwrap();
        let bucket = self.house.aws.environment("ScanFunction").unwrap();
        self.house
            .clients
            .s3
            .put_object_tagging()
            .bucket(&bucket["IZIN_FILES_BUCKET"])
            .key(format!("quarantine/{tenant}/{id}"))
            .tagging(Tagging::builder().tag_set(tag).build().unwrap())
            .send()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_picture_goes_out_and_is_uploaded_again_before_whatsapp_forgets_it() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let view = world.checked("promo.jpg", "image/jpeg", PICTURE).await;
    let file = view["media_id"].as_str().unwrap().to_owned();
    let mut ids = Vec::new();
    for round in 1..=3 {
        let id = world.shows(&list, &file).await;
        let (status, code) = world.approves_file(&id).await;
        assert_eq!(status, StatusCode::OK, "{code}");
        world.start(id.parse().unwrap()).await;
        let end = world.finish(id.parse().unwrap()).await;
        assert_eq!(end["totals"]["accepted"], 12, "round {round}: {end}");
        let media: MediaId = file.parse().unwrap();
        let campaigns = world.house.campaigns().unwrap();
        let (tenant, number) = (world.house.seeds.tenant, Seeds::PHONE_NUMBER_ID);
        let sha256 = policy::media::digest(PICTURE);
        let upload = campaigns
            .media_upload(tenant, media, number, &sha256)
            .await
            .unwrap();
        ids.push(upload.unwrap().id);
        // Two days later the id still works; a month later it does not.
        let days = if round == 1 { 2 } else { 31 };
        world.clock.advance(SignedDuration::from_hours(days * 24));
    }
    assert_eq!(ids[0], ids[1], "the second campaign uploads nothing");
    assert_ne!(ids[1], ids[2], "the third uploads it again");
}

#[tokio::test]
async fn other_bytes_or_none_void_the_approval() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let other = [
        &PICTURE[..20],
        b"\xFF\xFE\x00\x04ab".as_slice(),
        &PICTURE[20..],
    ]
    .concat();
    // Both of the same size, since the permission names one.
    let first = [
        &PICTURE[..20],
        b"\xFF\xFE\x00\x04cd".as_slice(),
        &PICTURE[20..],
    ]
    .concat();
    let made = world.registers("promo.jpg", "image/jpeg", &first).await;
    let file = made["media_id"].as_str().unwrap().to_owned();
    put(&made, &first).await;
    world.deliver().await;
    let id = world.shows(&list, &file).await;
    let (status, code) = world.approves_file(&id).await;
    assert_eq!(status, StatusCode::OK, "{code}");

    // The permission is still good, and somebody uploads over it.
    put(&made, &other).await;
    world.deliver().await;
    let view = world.get(&format!("/v1/media/{file}")).await;
    assert_eq!(view["state"], "usable", "{view}");
    assert_eq!(view["sha256"], policy::media::digest(&other));
    world.start(id.parse().unwrap()).await;
    world.live(2).await;
    let held = world.view(id.parse().unwrap()).await;
    assert_eq!(
        held["campaign"]["hold"]["reason"], "media_changed",
        "{held}"
    );
    assert_eq!(world.house.simulator.report().requests, 0);

    // Approved as it is now, it goes on; deleted, it stops again.
    let (status, code) = world.approves_file(&id).await;
    assert_eq!(status, StatusCode::OK, "{code}");
    let (status, _) = world
        .request("DELETE", &format!("/v1/media/{file}"), Value::Null)
        .await;
    assert_eq!(status, StatusCode::OK);
    let resume = format!("/v1/campaigns/{id}/resume");
    let (status, answer) = world.request("POST", &resume, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(world.house.simulator.report().requests, 0);
}

#[tokio::test]
async fn declared_bytes_are_the_bytes_and_nothing_waits_for_ever() {
    let mut world = World::quiet().await;
    let request = json!({
        "name": "promo.jpg", "content_type": "image/jpeg",
        "content_length": PICTURE.len(), "sha256": "0".repeat(64),
    });
    let made = world.post("/v1/media", request).await;
    put(&made, PICTURE).await;
    let never = world.registers("lain.jpg", "image/jpeg", PICTURE).await;
    world.deliver().await;
    let view = world
        .get(&format!("/v1/media/{}", made["media_id"].as_str().unwrap()))
        .await;
    assert_eq!(view["state"], "rejected", "{view}");
    assert_eq!(blocking(&view), ["digest_mismatch"]);
    world.clock.advance(SignedDuration::from_hours(2));
    world.live(3).await;
    let view = world
        .get(&format!(
            "/v1/media/{}",
            never["media_id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(view["state"], "rejected", "{view}");
    assert_eq!(blocking(&view), ["not_uploaded"]);
    // A word that is no file's id blocks the message before anybody approves.
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.shows(&list, "spring").await;
    let (status, code) = world.approves_file(&id).await;
    assert_eq!(
        (status, code.as_str()),
        (StatusCode::CONFLICT, "\"unknown_file\"")
    );
}
