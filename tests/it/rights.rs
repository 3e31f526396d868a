//! What people ask about their data: a copy, which the business hands out, and
//! erasure, which happens.

use http::StatusCode;
use izin::house::Seeds;
use izin::inbound::load;
use jiff::SignedDuration;
use policy::person::Person;
use policy::phone::PhoneNumber;
use policy::token::ContactToken;
use serde_json::{Value, json};

use crate::page::{BAMBANG, LIST, WULANDARI, ask, link, text};
use crate::world::{World, wa_id};

fn token(world: &World) -> ContactToken {
    let phone = PhoneNumber::parse_e164(WULANDARI).unwrap();
    let tenant = world.house.seeds.tenant;
    world.house.seeds.tokens().contact(tenant, &phone)
}

async fn person(world: &World) -> Person {
    let contacts = world.house.contacts().unwrap();
    let tenant = world.house.seeds.tenant;
    contacts.person(tenant, token(world)).await.unwrap()
}

/// Requests as the operator sees them.
async fn requests(world: &mut World, state: &str) -> Vec<Value> {
    let view = world.get(&format!("/v1/requests?state={state}")).await;
    view["requests"].as_array().unwrap().clone()
}

/// On how many lists she is.
async fn places(world: &mut World) -> usize {
    let path = format!("/v1/contacts/{}/copy", token(world));
    let copy = world.get(&path).await;
    copy["lists"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_copy_is_asked_for_on_the_page_and_handed_out_by_the_business() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(LIST).await;
    let page = format!("/p/{}?lang=en", link(&world, &list, WULANDARI));
    // Looking asks for nothing, and no address can say that somebody did.
    let shown = ask(&world, "GET", &format!("{page}&do=copy&done=copy"), "").await;
    assert!(text(&shown).contains("Ask for a copy of my data"));
    assert!(!text(&shown).contains("recorded"));
    for _ in 0..3 {
        let answer = ask(&world, "POST", &page, "do=copy").await;
        assert_eq!(answer.status(), StatusCode::OK);
        let html = text(&answer);
        assert!(html.contains("Your request is recorded."), "{html}");
        for private in ["Wulandari", "8121111", "<script", "http"] {
            assert!(!html.contains(private), "{private}: {html}");
        }
        world.deliver().await;
    }
    let open = requests(&mut world, "open").await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0]["token"], token(&world).to_string());
    assert_eq!(
        (&open[0]["right"], &open[0]["way"]),
        (&json!("copy"), &json!("page"))
    );
    let day = |field: &str| open[0][field].as_str().unwrap().parse().unwrap();
    let (asked, due): (jiff::Timestamp, jiff::Timestamp) = (day("asked_at"), day("due_at"));
    assert_eq!(due.duration_since(asked), SignedDuration::from_hours(72));

    let copy = world
        .get(&format!("/v1/contacts/{}/copy", token(&world)))
        .await;
    assert_eq!(copy["lists"][0]["phone"], WULANDARI, "{copy}");
    assert_eq!(copy["lists"][0]["name"], "Wulandari", "{copy}");
    assert_eq!(copy["lists"][0]["consent"]["status"], "granted", "{copy}");
    let id = open[0]["request_id"].as_str().unwrap();
    let path = format!("/v1/requests/{id}/close");
    let (status, _) = world.request("POST", &path, json!({})).await;
    assert_eq!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a person has a name"
    );
    world.post(&path, json!({"by": "Ibu Rini"})).await;
    let (status, _) = world
        .request("POST", &path, json!({"by": "Pak Budi"}))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it is closed");
    assert!(requests(&mut world, "open").await.is_empty());
    let all = requests(&mut world, "all").await;
    assert_eq!(all[0]["closed_by"], "Ibu Rini", "{all:?}");

    // The next day it is another request.
    world.clock.advance(SignedDuration::from_hours(24));
    ask(&world, "POST", &page, "do=copy").await;
    world.deliver().await;
    assert_eq!(requests(&mut world, "open").await.len(), 1);
}

#[tokio::test]
async fn erasure_takes_a_second_tap_and_what_was_stopped_survives_it() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(LIST).await;
    let (other, _) = world.import(LIST).await;
    let planned = world.approved_campaign(&other).await;
    let page = format!("/p/{}", link(&world, &list, WULANDARI));

    let first = ask(&world, "POST", &page, "do=erase").await;
    assert_eq!(first.status(), StatusCode::OK);
    assert!(
        text(&first).contains("Ya, hapus data saya"),
        "{}",
        text(&first)
    );
    world.deliver().await;
    assert!(person(&world).await.suppressions.is_empty());
    assert_eq!(places(&mut world).await, 2);

    let second = ask(&world, "POST", &page, "do=erase%3Asure").await;
    assert!(
        text(&second).contains("Sudah diterima."),
        "{}",
        text(&second)
    );
    // The stop stands before the answer, the rest follows.
    assert_eq!(person(&world).await.suppressions.len(), 1);
    world.deliver().await;
    assert_eq!(places(&mut world).await, 0);
    let all = requests(&mut world, "all").await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        (&all[0]["right"], &all[0]["state"]),
        (&json!("erasure"), &json!("closed"))
    );
    let shown = ask(&world, "GET", &page, "").await;
    assert!(
        text(&shown).contains("Tidak ada persetujuan"),
        "{}",
        text(&shown)
    );

    // What was planned before does not reach her, nor what a later list brings.
    world.start(planned).await;
    let view = world.finish(planned).await;
    assert_eq!(view["totals"]["accepted"], 1, "{view}");
    let again = LIST.replace("081211110001", "+62 812-1111-0001");
    let (again, import) = world.import(&again).await;
    let counts = &import["counts"];
    assert_eq!(counts["suppressed"], 1, "{import}");
    assert_eq!(
        (&counts["erased_before"], &counts["new"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(places(&mut world).await, 0);
    let later = world.approved_campaign(&again).await;
    let view = world.get(&format!("/v1/campaigns/{later}")).await;
    assert_eq!(view["totals"]["audience"], 1, "{view}");
    let log = world.house.simulator.person_log(&wa_id(WULANDARI));
    assert!(log.is_none_or(|log| log.requests.is_empty()));
}

#[tokio::test]
async fn the_operator_s_erasure_does_what_the_page_s_does() {
    let mut world = World::quiet().await;
    world.import(LIST).await;
    let taken = world
        .post("/v1/contacts/erase", json!({"phone": "0812-1111-0001"}))
        .await;
    assert_eq!(taken["token"], token(&world).to_string());
    assert_eq!(person(&world).await.suppressions.len(), 1);
    world.deliver().await;
    assert_eq!(places(&mut world).await, 0);
    let all = requests(&mut world, "all").await;
    assert_eq!(
        (&all[0]["way"], &all[0]["state"]),
        (&json!("api"), &json!("closed"))
    );
    assert_eq!(all[0]["request_id"], taken["request_id"]);
}

/// Two people write at the same moment.
fn two_messages() -> Vec<u8> {
    let message = |phone: &str, words: &str| {
        json!({
            "from": wa_id(phone).expose(),
            "id": format!("wamid.{}", words.len()),
            "timestamp": "1764000000",
            "type": "text",
            "text": {"body": words},
        })
    };
    let messages = [
        message(WULANDARI, "kapan buka kak?"),
        message(BAMBANG, "ada ukuran L?"),
    ];
    let body = String::from_utf8(load::body(&[], &messages)).unwrap();
    body.replace(load::NUMBER, Seeds::PHONE_NUMBER_ID)
        .into_bytes()
}

/// What she wrote, as her copy has it.
async fn words(world: &mut World) -> Vec<Value> {
    let path = format!("/v1/contacts/{}/copy", token(world));
    let copy = world.get(&path).await;
    let words = copy["words"].as_array().unwrap().iter();
    words.map(|words| words["text"].clone()).collect()
}

#[tokio::test]
async fn a_copy_holds_the_person_s_words_and_erasure_takes_them_and_no_others() {
    let mut world = World::quiet().await;
    world.import(LIST).await;
    world.meta_posts(&two_messages()).await;
    world.deliver().await;
    assert_eq!(words(&mut world).await, ["kapan buka kak?"]);
    // What is plainly a stop is somebody's word too.
    let stop = "STOP, saya di rumah sakit";
    world.house.simulator.person_says(&wa_id(WULANDARI), stop);
    world.deliver().await;
    assert_eq!(words(&mut world).await, ["kapan buka kak?", stop]);
    let events = world.events(100).await;
    let texts: Vec<String> = events
        .iter()
        .filter(|event| event["type"] == "message.received")
        .map(|event| event["data"]["text_path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(texts.len(), 2, "{events:?}");

    let phone = json!({"phone": WULANDARI});
    world.post("/v1/contacts/erase", phone).await;
    // Meta repeats what it could not deliver the first time, before and after.
    for _ in 0..2 {
        world.meta_posts(&two_messages()).await;
        world.deliver().await;
        assert_eq!(words(&mut world).await, Vec::<Value>::new());
        let mut read = Vec::new();
        for path in &texts {
            let (status, answer) = world.request("GET", path, Value::Null).await;
            read.push((status, answer["text"].clone()));
        }
        read.sort_by_key(|(status, _)| *status);
        assert_eq!(read[0], (StatusCode::OK, json!("ada ukuran L?")));
        assert_eq!(read[1].0, StatusCode::NOT_FOUND);
    }

    // A list brings nothing of her back, until she asks for messages herself.
    let (_, import) = world.import(LIST).await;
    assert_eq!(import["counts"]["erased_before"], 1, "{import}");
    assert_eq!(places(&mut world).await, 0);
    world.clock.advance(SignedDuration::from_secs(5));
    world
        .house
        .simulator
        .person_says(&wa_id(WULANDARI), "MULAI");
    world.deliver().await;
    let (_, import) = world.import(LIST).await;
    assert_eq!(import["counts"]["erased_before"], 0, "{import}");
    assert_eq!(places(&mut world).await, 1);
}

#[tokio::test]
async fn words_in_the_chat_stop_at_once_and_erase_only_when_somebody_read_them() {
    let mut world = World::quiet().await;
    world.import(LIST).await;
    let words = "tolong hapus semua data saya";
    world.house.simulator.person_says(&wa_id(WULANDARI), words);
    world.deliver().await;
    assert_eq!(person(&world).await.suppressions.len(), 1);
    assert_eq!(places(&mut world).await, 1);
    let open = requests(&mut world, "open").await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(
        (&open[0]["right"], &open[0]["way"]),
        (&json!("erasure"), &json!("chat"))
    );
    assert!(!open[0].to_string().contains("hapus"));
}

#[tokio::test]
async fn one_purpose_is_allowed_again_without_the_others() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(LIST).await;
    let page = format!("/p/{}?lang=en", link(&world, &list, WULANDARI));
    for act in ["do=stop%3Aservice", "do=stop%3Amarketing"] {
        ask(&world, "POST", &page, act).await;
        world.clock.advance(SignedDuration::from_secs(5));
    }
    let shown = ask(&world, "GET", &page, "").await;
    let html = text(&shown);
    assert!(html.contains("Allow again: Offers and news"), "{html}");
    assert!(html.contains("Allow everything again"), "{html}");
    let acted = ask(&world, "POST", &page, "do=resume%3Amarketing").await;
    assert_eq!(acted.status(), StatusCode::SEE_OTHER);
    let back = acted.headers()["location"].to_str().unwrap().to_owned();
    let done = ask(&world, "GET", &back, "").await;
    assert!(
        text(&done).contains("The rest stays stopped."),
        "{}",
        text(&done)
    );
    let left: Vec<_> = person(&world).await.suppressions.into_keys().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].code(), "service");
    // Somebody who stopped everything has not taken that back with one purpose.
    ask(&world, "POST", &page, "do=stop%3A*").await;
    world.clock.advance(SignedDuration::from_secs(5));
    ask(&world, "POST", &page, "do=resume%3Aservice").await;
    let left: Vec<_> = person(&world).await.suppressions.into_keys().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].code(), "*");
    // The tenant is told of all of it.
    world.deliver().await;
}
