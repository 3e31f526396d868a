//! Tools learn what happened: every reply, stop and ending once, in order, with
//! the words only where they ask for them.

use http::StatusCode;
use jiff::SignedDuration;
use platform::campaigns::EVENTS_KEPT;
use serde_json::{Value, json};
use simulator::WebhookChaos;

use crate::inbound::{stand, tell};
use crate::stop::{TWELVE, csv};
use crate::world::{Setting, World, wa_id};

impl World {
    /// Everything that a tool reads from the beginning, in pieces of `limit`.
    pub(crate) async fn events(&mut self, limit: u16) -> Vec<Value> {
        self.clock.advance(SignedDuration::from_secs(15));
        self.deliver().await;
        self.clock.advance(SignedDuration::from_secs(15));
        let mut all = Vec::new();
        let mut path = format!("/v1/events?limit={limit}");
        loop {
            let page = self.get(&path).await;
            let events = page["events"].as_array().unwrap().clone();
            assert!(events.len() <= limit.into());
            all.extend(events);
            if page["more"] == false {
                return all;
            }
            let next = page["next"].as_str().unwrap();
            path = format!("/v1/events?limit={limit}&after={next}");
        }
    }
}

fn kinds(events: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    kinds
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|e| e["type"] == kind).collect()
}

/// Three people with names of the caller's.
fn named() -> String {
    let mut csv = "nama,no hp,tanggal persetujuan,external_id\n".to_owned();
    for (n, phone) in TWELVE.iter().take(3).enumerate() {
        csv.push_str(&format!("Wulandari,{phone},2026-01-05 10:00,crm-{n}\n"));
    }
    csv
}

#[tokio::test]
async fn tools_read_what_people_did_and_ask_for_their_words() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&named()).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    world.finish(id).await;
    let simulator = &world.house.simulator;
    simulator.person_says(&wa_id(TWELVE[0]), "Wulandari mau tanya harga");
    simulator.person_says(&wa_id(TWELVE[1]), "Wulandari bilang STOP");
    let optout = json!({"phone": TWELVE[2], "scope": "everything", "event_id": "call-7"});
    let (status, _) = world.request("POST", "/v1/optouts", optout).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    world.deliver().await;

    let events = world.events(100).await;
    let wanted = [
        "campaign.completed",
        "contact.opted_out",
        "contact.opted_out",
        "message.received",
    ];
    assert_eq!(kinds(&events), wanted, "{events:?}");
    let text = json!(events).to_string();
    assert!(
        !text.contains("Wulandari") && !text.contains("81211110"),
        "{text}"
    );

    let end = &of(&events, "campaign.completed")[0]["data"];
    assert_eq!(end["campaign_id"], id.to_string());
    assert_eq!(end["accepted"], 3);
    let sources: Vec<_> = of(&events, "contact.opted_out")
        .iter()
        .map(|e| format!("{} {}", e["data"]["source"], e["data"]["external_id"]))
        .collect();
    assert!(
        sources.contains(&r#""keyword" "crm-1""#.to_owned()),
        "{sources:?}"
    );
    assert!(
        sources.contains(&r#""api" "crm-2""#.to_owned()),
        "{sources:?}"
    );

    let message = of(&events, "message.received")[0];
    assert_eq!(message["data"]["external_id"], "crm-0");
    let path = message["data"]["text_path"].as_str().unwrap().to_owned();
    let words = world.get(&path).await;
    assert_eq!(words["text"], "Wulandari mau tanya harga");
    let shown = world.get(path.trim_end_matches("/text")).await;
    assert_eq!(&shown, message);
    // An event without words has none to ask for.
    let stop = of(&events, "contact.opted_out")[0]["id"].as_str().unwrap();
    let (status, _) = world
        .request("GET", &format!("/v1/events/{stop}/text"), Value::Null)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn everything_twice_is_told_once_and_in_pieces_as_in_one() {
    let mut world = World::with(Setting {
        twice: true,
        webhooks: WebhookChaos {
            duplicate: 1.0,
            ..WebhookChaos::default()
        },
        ..Setting::default()
    })
    .await;
    world.import(&csv(&TWELVE)).await;
    for (n, phone) in TWELVE.iter().enumerate() {
        let words = if n % 3 == 0 { "STOP" } else { "halo kak" };
        world.house.simulator.person_says(&wa_id(phone), words);
        world.deliver().await;
        world.clock.advance(SignedDuration::from_secs(1));
    }
    let whole = world.events(100).await;
    assert_eq!(of(&whole, "contact.opted_out").len(), 4, "{whole:?}");
    assert_eq!(of(&whole, "message.received").len(), 8, "{whole:?}");
    for limit in [1, 2, 5, 12] {
        assert_eq!(world.events(limit).await, whole, "{limit}");
    }
    // Oldest first: nobody spoke at the same moment.
    assert!(whole.is_sorted_by_key(|event| event["timestamp"].as_str()));
}

#[tokio::test]
async fn a_cursor_goes_on_and_a_bad_one_says_why_not() {
    let mut world = World::quiet().await;
    let nothing = world.get("/v1/events").await;
    assert_eq!(nothing, json!({"events": [], "more": false}));
    let person = wa_id(TWELVE[0]);
    world.house.simulator.person_says(&person, "halo");
    world.deliver().await;
    world.clock.advance(SignedDuration::from_secs(6));
    world.deliver().await;
    // Recorded, and not readable yet: another worker may be a moment behind.
    assert_eq!(world.get("/v1/events").await, nothing);
    world.clock.advance(SignedDuration::from_secs(11));
    let first = world.get("/v1/events").await;
    assert_eq!(first["events"].as_array().unwrap().len(), 1);
    let path = format!("/v1/events?after={}", first["next"].as_str().unwrap());
    let rest = world.get(&path).await;
    assert_eq!(rest["events"], json!([]));
    assert_eq!(rest["next"], first["next"], "it stands where it stood");
    world.house.simulator.person_says(&person, "ada orang?");
    world.deliver().await;
    assert_eq!(world.events(10).await.len(), 2);
    assert_eq!(
        world.get(&path).await["events"].as_array().unwrap().len(),
        1
    );

    for (query, status, code) in [
        ("after=17", StatusCode::BAD_REQUEST, "bad_cursor"),
        ("after=", StatusCode::BAD_REQUEST, "bad_cursor"),
        ("limit=0", StatusCode::BAD_REQUEST, "malformed"),
        ("limit=201", StatusCode::BAD_REQUEST, "malformed"),
        ("limit=many", StatusCode::BAD_REQUEST, "malformed"),
        ("since=1", StatusCode::BAD_REQUEST, "malformed"),
    ] {
        let (found, problem) = world
            .request("GET", &format!("/v1/events?{query}"), Value::Null)
            .await;
        assert_eq!(found, status, "{query}");
        assert_eq!(
            problem["type"],
            format!("urn:izin:problem:{code}"),
            "{query}"
        );
    }
    world.clock.advance(EVENTS_KEPT);
    let (found, problem) = world.request("GET", &path, Value::Null).await;
    assert_eq!(found, StatusCode::GONE);
    assert_eq!(problem["type"], "urn:izin:problem:cursor_expired");
    assert_eq!(world.get("/v1/events").await, nothing, "all is too old");
}

#[tokio::test]
async fn a_campaign_that_is_held_is_told_of_once_each_time() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    world.house.wiring.step("FanoutQueue").await.unwrap();
    for turn in 1..=2 {
        world
            .post(&format!("/v1/campaigns/{id}/pause"), json!({}))
            .await;
        world.live(3).await;
        let events = world.events(100).await;
        let held = of(&events, "campaign.held");
        assert_eq!(held.len(), turn, "{events:?}");
        assert_eq!(held[0]["data"]["reason"], "operator");
        assert_eq!(held[0]["data"]["campaign_id"], id.to_string());
        if turn == 1 {
            world
                .post(&format!("/v1/campaigns/{id}/resume"), json!({}))
                .await;
            world.house.wiring.step("FanoutQueue").await.unwrap();
        }
    }
    world
        .post(&format!("/v1/campaigns/{id}/cancel"), json!({}))
        .await;
    world.live(25).await;
    let events = world.events(100).await;
    let ends = of(&events, "campaign.cancelled");
    assert_eq!(ends.len(), 1, "{events:?}");
    assert_eq!(ends[0]["data"]["cancelled"], 12);
}

#[tokio::test]
async fn somebody_known_by_an_id_is_named_as_soon_as_it_is_known_whose_it_is() {
    let stand = stand().await;
    let sent = izin::inbound::load::Sent(4);
    let mut talk = izin::inbound::load::text(sent, "oke kak");
    talk["from"] = Value::Null;
    talk["from_user_id"] = sent.user_id().into();
    tell(&stand, &[], &[talk.clone()]).await;
    // The same person, with number and id together.
    let mut both = izin::inbound::load::text(sent, "halo");
    both["id"] = "wamid.BOTH".into();
    both["from_user_id"] = sent.user_id().into();
    tell(&stand, &[], &[both]).await;
    talk["id"] = "wamid.LATER".into();
    tell(&stand, &[], &[talk]).await;
    stand.clock.advance(SignedDuration::from_secs(15));
    let now = "2026-11-24T03:00:15Z".parse().unwrap();
    let page = stand.campaigns.events(stand.tenant, None, 10, now).await;
    let contacts: Vec<_> = page
        .unwrap()
        .events
        .iter()
        .map(|recorded| recorded.event.contact())
        .collect();
    let token = stand.token(sent).unwrap();
    assert_eq!(contacts.len(), 3);
    assert_eq!(contacts.iter().filter(|c| **c == Some(token)).count(), 2);
    assert_eq!(contacts.iter().filter(|c| c.is_none()).count(), 1);
}
