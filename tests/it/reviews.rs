//! What may be a stop and is not plainly one is put before a person, who decides.

use http::StatusCode;
use izin::house::Seeds;
use izin::inbound::load;
use policy::phone::PhoneNumber;
use serde_json::{Value, json};

use crate::page::{BAMBANG, LIST, WULANDARI};
use crate::world::{Setting, World, wa_id};

async fn reviews(world: &mut World) -> Vec<Value> {
    let view = world.get("/v1/reviews").await;
    assert_eq!(view["more"], false, "{view}");
    view["reviews"].as_array().unwrap().clone()
}

async fn is_stopped(world: &World, phone: &str) -> bool {
    let phone = PhoneNumber::parse_e164(phone).unwrap();
    let tenant = world.house.seeds.tenant;
    let token = world.house.seeds.tokens().contact(tenant, &phone);
    let contacts = world.house.contacts().unwrap();
    let person = contacts.person(tenant, token).await.unwrap();
    !person.suppressions.is_empty()
}

/// A message as Meta posts it.
async fn posts(world: &mut World, phone: &str, id: &str, content: Value) {
    let mut message = json!({
        "from": wa_id(phone).expose(),
        "id": format!("wamid.{id}"),
        "timestamp": (world.now().as_second() - 5).to_string(),
    });
    for (name, value) in content.as_object().unwrap() {
        message[name] = value.clone();
    }
    let body = String::from_utf8(load::body(&[], &[message])).unwrap();
    let body = body.replace(load::NUMBER, Seeds::PHONE_NUMBER_ID);
    world.meta_posts(body.as_bytes()).await;
    world.deliver().await;
}

#[tokio::test]
async fn a_doubtful_message_waits_for_a_person_and_stops_nothing_by_itself() {
    // Whatever is told twice waits once.
    let mut world = World::with(Setting {
        twice: true,
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(LIST).await;
    let tidak = json!({"type": "text", "text": {"body": "tidak"}});
    posts(&mut world, WULANDARI, "A", tidak).await;
    let sign = json!({"type": "reaction", "reaction": {"message_id": "wamid.P", "emoji": "🛑"}});
    posts(&mut world, BAMBANG, "B", sign).await;
    let heart = json!({"type": "reaction", "reaction": {"message_id": "wamid.P", "emoji": "❤️"}});
    posts(&mut world, BAMBANG, "C", heart).await;
    let open = reviews(&mut world).await;
    let contents: Vec<_> = open.iter().map(|open| &open["content"]).collect();
    assert_eq!(contents.len(), 2, "{open:?}");
    assert!(contents.contains(&&json!("text")) && contents.contains(&&json!("reaction")));
    assert!(!json!(open).to_string().contains("tidak"), "{open:?}");
    let of = |content: &str| open.iter().find(|open| open["content"] == content).unwrap();
    let (hers, his) = (of("text").clone(), of("reaction").clone());
    let words = world.get(hers["text_path"].as_str().unwrap()).await;
    assert_eq!(words["text"], "tidak");
    assert!(!is_stopped(&world, WULANDARI).await);

    let hers = format!("/v1/reviews/{}", hers["event_id"].as_str().unwrap());
    for bad in [
        json!({"verdict": "stop"}),
        json!({"verdict": "maybe", "by": "Ibu Rini"}),
        json!({"verdict": "stop", "scope": "*", "by": "Ibu Rini"}),
    ] {
        let (status, answer) = world.request("POST", &hers, bad).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    }
    world
        .post(&hers, json!({"verdict": "stop", "by": "Ibu Rini"}))
        .await;
    assert!(is_stopped(&world, WULANDARI).await);
    let again = json!({"verdict": "no_stop", "by": "Pak Budi"});
    let (status, _) = world.request("POST", &hers, again.clone()).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it is decided");
    assert!(is_stopped(&world, WULANDARI).await);

    let his = format!("/v1/reviews/{}", his["event_id"].as_str().unwrap());
    world.post(&his, again).await;
    assert!(!is_stopped(&world, BAMBANG).await);
    assert_eq!(reviews(&mut world).await, Vec::<Value>::new());

    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    let view = world.finish(id).await;
    assert_eq!(view["totals"]["accepted"], 1, "{view}");
    assert_eq!(view["excluded_by_reason"]["suppressed"], 1, "{view}");
}

#[tokio::test]
async fn who_is_known_by_an_id_only_is_stopped_under_it() {
    let mut world = World::quiet().await;
    let spoken = json!({
        "from": Value::Null,
        "from_user_id": "ID.7712039441",
        "type": "audio",
        "audio": {"id": "7", "mime_type": "audio/ogg", "voice": true},
    });
    posts(&mut world, WULANDARI, "A", spoken).await;
    let open = reviews(&mut world).await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0]["identity"].is_string() && open[0].get("contact").is_none());
    let path = format!("/v1/reviews/{}", open[0]["event_id"].as_str().unwrap());
    world
        .post(
            &path,
            json!({"verdict": "stop", "scope": "everything", "by": "Ibu Rini"}),
        )
        .await;
    world.deliver().await;

    // Once it is known whose the id is, the stop is theirs.
    let both = json!({
        "from_user_id": "ID.7712039441",
        "type": "text",
        "text": {"body": "kapan buka?"},
    });
    assert!(!is_stopped(&world, WULANDARI).await);
    posts(&mut world, WULANDARI, "C", both).await;
    assert!(is_stopped(&world, WULANDARI).await);
}
