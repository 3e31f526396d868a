//! Whoever writes gets an answer where there is one: a stop its one confirmation,
//! a call for help who writes and how to stop; and nobody gets more.

use axum::body::Bytes;
use http::{Request, StatusCode};
use izin::house::Seeds;
use izin::inbound::load;
use jiff::SignedDuration;
use policy::person::Person;
use policy::phone::PhoneNumber;
use serde_json::{Value, json};
use simulator::RequestLog;

use crate::page::{BAMBANG, LIST, WULANDARI};
use crate::world::{Setting, World, wa_id};

/// A world whose business confirms opt-outs, and the list of its people.
async fn confirming(setting: Setting) -> (World, String) {
    let mut world = World::with(setting).await;
    let (list, _) = world.import(LIST).await;
    settings(&mut world, json!({"confirm_optouts": true})).await;
    (world, list)
}

async fn settings(world: &mut World, settings: Value) {
    let (status, answer) = world.request("PUT", "/v1/settings", settings).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// Every request for a person that was no template.
fn free_texts(world: &World, phone: &str) -> Vec<RequestLog> {
    let log = world.house.simulator.person_log(&wa_id(phone));
    let requests = log.map(|log| log.requests).unwrap_or_default();
    requests
        .into_iter()
        .filter(|request| request.text.is_some())
        .collect()
}

/// What a person can read in the chat.
fn read(world: &World, phone: &str) -> Vec<String> {
    let texts = free_texts(world, phone).into_iter();
    texts
        .filter(|text| text.accepted)
        .filter_map(|text| text.text)
        .collect()
}

/// A person writes, and everything that follows from it happens.
async fn says(world: &mut World, phone: &str, words: &str) {
    world.house.simulator.person_says(&wa_id(phone), words);
    world.live(2).await;
}

/// What Meta posts when a person writes, without WhatsApp's knowing of it.
fn body(world: &World, phone: &str, words: &str, hours_ago: i64) -> Vec<u8> {
    let at = world.now() - SignedDuration::from_hours(hours_ago);
    let message = json!({
        "from": wa_id(phone).expose(),
        "id": format!("wamid.TOLD{hours_ago}"),
        "timestamp": at.as_second().to_string(),
        "type": "text",
        "text": {"body": words},
    });
    load::body(&[], &[message])
}

async fn post(world: &mut World, body: &[u8]) {
    world.meta_posts(body).await;
    world.live(2).await;
}

async fn person(world: &World, phone: &str) -> Person {
    let phone = PhoneNumber::parse_e164(phone).unwrap();
    let tenant = world.house.seeds.tenant;
    let token = world.house.seeds.tokens().contact(tenant, &phone);
    let contacts = world.house.contacts().unwrap();
    contacts.person(tenant, token).await.unwrap()
}

#[tokio::test]
async fn a_stop_is_confirmed_once_in_the_person_s_language() {
    let (mut world, list) = confirming(Setting::default()).await;
    let campaign = world.approved_campaign(&list).await;
    says(&mut world, WULANDARI, "STOP").await;
    says(&mut world, BAMBANG, "stop everything").await;
    let hers = read(&world, WULANDARI);
    assert_eq!(hers.len(), 1, "{hers:?}");
    for part in ["Toko Melati", "Promosi dan penawaran", "balas MULAI"] {
        assert!(hers[0].contains(part), "{part}: {hers:?}");
    }
    let his = read(&world, BAMBANG);
    assert_eq!(his.len(), 1, "{his:?}");
    assert!(his[0].contains("All messages"), "{his:?}");

    // She says it again, in other words, and again the day after next.
    says(&mut world, WULANDARI, "berhenti").await;
    world.clock.advance(SignedDuration::from_hours(49));
    says(&mut world, WULANDARI, "STOP").await;
    assert_eq!(read(&world, WULANDARI), hers);
    // A confirmation is no leave: the campaign reaches neither.
    world.start(campaign).await;
    let view = world.finish(campaign).await;
    assert_eq!(view["totals"]["excluded"], 2, "{view}");

    // What she takes back and says anew is another opt-out.
    says(&mut world, WULANDARI, "MULAI").await;
    world.clock.advance(SignedDuration::from_secs(5));
    says(&mut world, WULANDARI, "STOP").await;
    assert_eq!(read(&world, WULANDARI).len(), 2);
}

#[tokio::test]
async fn nothing_is_confirmed_that_nobody_asked_to_confirm() {
    let mut world = World::quiet().await;
    world.import(LIST).await;
    says(&mut world, WULANDARI, "STOP").await;
    assert_eq!(person(&world, WULANDARI).await.suppressions.len(), 1);
    assert!(free_texts(&world, WULANDARI).is_empty());
    // An opt-out that came another way opened no window.
    settings(&mut world, json!({"confirm_optouts": true})).await;
    let stop = json!({"phone": BAMBANG, "scope": "everything"});
    world.post("/v1/optouts", stop).await;
    world.live(2).await;
    assert!(free_texts(&world, BAMBANG).is_empty());
}

#[tokio::test]
async fn two_machines_that_answer_each_other_come_to_an_end() {
    let (mut world, _) = confirming(Setting::default()).await;
    // Whatever it gets, the other machine says something that asks for an answer.
    for round in 0..30 {
        let words = ["BANTUAN", "STOP", "MULAI"][round % 3];
        says(&mut world, WULANDARI, words).await;
        world.clock.advance(SignedDuration::from_secs(7));
    }
    let read = read(&world, WULANDARI);
    assert!(read.len() <= 2, "one of each kind: {read:?}");
    assert!(!read.is_empty());
}

#[tokio::test]
async fn a_webhook_that_comes_five_times_is_confirmed_once() {
    let (mut world, _) = confirming(Setting::default()).await;
    // WhatsApp's window is open.
    says(&mut world, WULANDARI, "halo kak").await;
    let told = body(&world, WULANDARI, "tolong jangan kirim lagi", 0);
    for _ in 0..5 {
        post(&mut world, &told).await;
    }
    assert_eq!(free_texts(&world, WULANDARI).len(), 1);
    assert_eq!(read(&world, WULANDARI).len(), 1);
}

#[tokio::test]
async fn everything_twice_confirms_once_and_helps_once() {
    let (mut world, _) = confirming(Setting {
        twice: true,
        ..Setting::default()
    })
    .await;
    says(&mut world, WULANDARI, "STOP").await;
    says(&mut world, BAMBANG, "HELP").await;
    assert_eq!(free_texts(&world, WULANDARI).len(), 1);
    assert_eq!(free_texts(&world, BAMBANG).len(), 1);
}

#[tokio::test]
async fn outside_the_window_there_is_no_confirmation() {
    let (mut world, _) = confirming(Setting::default()).await;
    // It was said a day ago and comes now.
    let late = body(&world, WULANDARI, "STOP", 24);
    post(&mut world, &late).await;
    assert_eq!(person(&world, WULANDARI).await.suppressions.len(), 1);
    assert!(free_texts(&world, WULANDARI).is_empty());
    // WhatsApp closes its window without a word: it refuses, and that is that.
    let fresh = body(&world, BAMBANG, "STOP", 0);
    post(&mut world, &fresh).await;
    world.live(30).await;
    let asked = free_texts(&world, BAMBANG);
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(!asked[0].accepted);
    assert_eq!(world.house.simulator.report().rejected[&131_047], 1);
}

#[tokio::test]
async fn help_says_who_writes_and_how_to_stop_once_a_day() {
    let mut world = World::quiet().await;
    world.import(LIST).await;
    for words in ["HELP", "bantuan", "INFO"] {
        says(&mut world, BAMBANG, words).await;
    }
    let his = read(&world, BAMBANG);
    assert_eq!(his.len(), 1, "{his:?}");
    assert!(
        his[0].contains("Toko Melati") && his[0].contains("Reply STOP."),
        "{his:?}"
    );
    // The way to his own page, which opens.
    let (_, address) = his[0].split_once("https://").unwrap();
    let (_, path) = address.split_once('/').unwrap();
    let request = Request::get(format!("/{path}")).header("host", "api.example");
    let request = request.body(Bytes::new()).unwrap();
    let page = world.house.wiring.request(request).await;
    assert_eq!(page.status(), StatusCode::OK);
    let page = String::from_utf8(page.body().to_vec()).unwrap();
    assert!(page.contains("6 January 2026"), "{page}");

    world.clock.advance(SignedDuration::from_hours(24));
    says(&mut world, BAMBANG, "HELP").await;
    assert_eq!(read(&world, BAMBANG).len(), 2);
    // A business may answer itself.
    settings(&mut world, json!({"answers_help_itself": true})).await;
    says(&mut world, WULANDARI, "HELP").await;
    assert!(free_texts(&world, WULANDARI).is_empty());
}

#[tokio::test]
async fn who_is_on_no_list_is_answered_like_everybody_else() {
    const STRANGER: &str = "+6281211119999";
    let (mut world, _) = confirming(Setting::default()).await;
    says(&mut world, STRANGER, "BANTUAN").await;
    let help = read(&world, STRANGER);
    assert_eq!(help.len(), 1, "{help:?}");
    // They agreed to nothing, so there is no page to show it.
    assert!(
        help[0].contains("STOP SEMUA") && !help[0].contains("http"),
        "{help:?}"
    );
    says(&mut world, STRANGER, "STOP").await;
    says(&mut world, STRANGER, "stop").await;
    let read = read(&world, STRANGER);
    assert_eq!(read.len(), 2, "{read:?}");
    assert!(read[1].contains("Anda sudah berhenti"), "{read:?}");

    // With the words goes the number: after an erasure nobody is known any more.
    let words = world.house.campaigns().unwrap();
    let tenant = world.house.seeds.tenant;
    let phone = PhoneNumber::parse_e164(STRANGER).unwrap();
    let token = world.house.seeds.tokens().contact(tenant, &phone);
    assert_eq!(words.words_of(tenant, token).await.unwrap().len(), 3);
    let erase = json!({"phone": STRANGER});
    world.post("/v1/contacts/erase", erase).await;
    world.deliver().await;
    assert_eq!(words.words_of(tenant, token).await.unwrap(), []);
}

#[tokio::test]
async fn whoever_wants_to_be_erased_gets_that_confirmation_and_nothing_more() {
    let (mut world, list) = confirming(Setting::default()).await;
    says(&mut world, WULANDARI, "tolong hapus semua data saya").await;
    let hers = read(&world, WULANDARI);
    assert_eq!(hers.len(), 1, "{hers:?}");
    assert!(hers[0].contains("Semua pesan"), "{hers:?}");
    for words in ["HELP", "stop semua", "tolong hapus semua data saya"] {
        says(&mut world, WULANDARI, words).await;
        world.clock.advance(SignedDuration::from_hours(25));
    }
    let message = json!({
        "list_id": list, "phone": WULANDARI, "sender": Seeds::PHONE_NUMBER_ID,
        "template": {"name": Seeds::TEMPLATE, "language": Seeds::LANGUAGE},
        "mapping": {"body.nama": "column:name"}, "purpose": "marketing.promo",
    });
    world.post("/v1/messages", message).await;
    world.live(2).await;
    let log = world.house.simulator.person_log(&wa_id(WULANDARI)).unwrap();
    assert_eq!(log.requests.len(), 1, "{log:?}");
}

#[tokio::test]
async fn the_kill_switch_holds_answers_too() {
    let (mut world, _) = confirming(Setting::default()).await;
    world
        .post("/v1/kill-switch", json!({"by": "Ibu Rini"}))
        .await;
    says(&mut world, WULANDARI, "STOP").await;
    world.live(5).await;
    assert!(free_texts(&world, WULANDARI).is_empty());
    world
        .post("/v1/kill-switch/lift", json!({"by": "Pak Budi"}))
        .await;
    world.live(20).await;
    assert_eq!(read(&world, WULANDARI).len(), 1);
}

/// A person who shows WhatsApp's own id only is known by their messages.
#[tokio::test]
async fn a_person_without_a_number_is_answered_once_they_are_known() {
    let mut setting = Setting::default();
    setting.behaviour.hides_number = 1.0;
    let (mut world, list) = confirming(setting).await;
    let campaign = world.approved_campaign(&list).await;
    world.start(campaign).await;
    world.finish(campaign).await;
    says(&mut world, WULANDARI, "STOP").await;
    assert_eq!(read(&world, WULANDARI).len(), 1);
}
