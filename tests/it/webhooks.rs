//! Events are posted to the addresses that tenants name: signed, until they
//! arrive, and nowhere inside a network.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use emulator::sqs::NewMessage;
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use platform::outside::Town;
use platform::poster::Poster;
use policy::endpoint::EndpointKey;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stop::{TWELVE, csv};
use crate::world::{Setting, World, wa_id};

/// A tenant's own server: it keeps what is posted, and answers as it is told,
/// 204 when it is told nothing.
#[derive(Clone, Default)]
struct Crm {
    posts: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Crm {
    /// Listens, as `crm.example.com`.
    async fn open() -> (Self, Setting) {
        let crm = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(take).with_state(crm.clone());
        #[expect(
            clippy::disallowed_methods,
            reason = "the server answers as long as the story lasts"
        )]
        tokio::spawn(async move { axum::serve(listener, router).await });
        let names = vec!["crm.example.com"];
        let setting = Setting {
            poster: Some(Poster::within(Town { names, port }).unwrap()),
            ..Setting::default()
        };
        (crm, setting)
    }

    fn answers(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    fn posts(&self) -> Vec<(HeaderMap, Bytes)> {
        self.posts.lock().unwrap().clone()
    }

    fn ids(&self) -> Vec<String> {
        let posts = self.posts();
        let id = |(headers, _): &(HeaderMap, Bytes)| text(headers, "webhook-id");
        posts.iter().map(id).collect()
    }
}

async fn take(State(crm): State<Crm>, headers: HeaderMap, body: Bytes) -> Response {
    crm.posts.lock().unwrap().push((headers, body));
    match crm.answers.lock().unwrap().pop_front() {
        Some(302) => Redirect::to("http://127.0.0.1/").into_response(),
        status => StatusCode::from_u16(status.unwrap_or(204))
            .unwrap()
            .into_response(),
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers[name].to_str().unwrap().to_owned()
}

impl World {
    /// A webhook to the tenant's own server; its id and its secret.
    async fn webhook(&mut self, events: &[&str]) -> (String, String) {
        let wanted = json!({"url": "https://crm.example.com/hooks?key=17", "events": events});
        let made = self.post("/v1/webhooks", wanted).await;
        let id = made["webhook"]["webhook_id"].as_str().unwrap().to_owned();
        (id, made["secret"].as_str().unwrap().to_owned())
    }

    async fn hears(&mut self, phone: &str, words: &str) {
        self.house.simulator.person_says(&wa_id(phone), words);
        self.deliver().await;
        self.clock.advance(SignedDuration::from_secs(6));
        self.deliver().await;
    }

    /// Lives on for as long as `minutes`, in steps of one, without the timer.
    async fn wait(&mut self, minutes: i64) {
        for _ in 0..minutes {
            self.clock.advance(SignedDuration::from_mins(1));
            self.deliver().await;
        }
    }

    async fn shown(&mut self, id: &str) -> Value {
        self.get(&format!("/v1/webhooks/{id}")).await
    }

    /// What `secret` of the endpoint signs, as any library of Standard Webhooks
    /// checks it.
    fn signature(&self, id: &str, generation: u32, post: &(HeaderMap, Bytes)) -> String {
        let key = EndpointKey::new(self.house.seeds.endpoint_key.as_bytes()).unwrap();
        let secret = key.secret(id.parse().unwrap(), generation);
        let (headers, body) = post;
        let at: i64 = text(headers, "webhook-timestamp").parse().unwrap();
        let at = Timestamp::from_second(at).unwrap();
        secret.sign(&text(headers, "webhook-id"), at, body)
    }
}

#[tokio::test]
async fn an_event_arrives_signed_and_says_what_the_api_says() {
    let (crm, setting) = Crm::open().await;
    let mut world = World::with(setting).await;
    world.import(&csv(&TWELVE)).await;
    let (id, secret) = world.webhook(&["message.received"]).await;
    assert!(secret.starts_with("whsec_"), "{secret}");
    let shown = world.shown(&id).await.to_string();
    assert!(
        !shown.contains("whsec_"),
        "the secret is shown once: {shown}"
    );

    world.hears(TWELVE[0], "Wulandari tanya harga").await;
    world.hears(TWELVE[1], "STOP").await;
    let posts = crm.posts();
    assert_eq!(posts.len(), 1, "only what was asked for");
    let (headers, body) = &posts[0];
    assert_eq!(text(headers, "content-type"), "application/json");
    let signed = text(headers, "webhook-signature");
    assert_eq!(signed, world.signature(&id, 1, &posts[0]));
    let age = world.now().as_second() - text(headers, "webhook-timestamp").parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age}");

    let told: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(told["id"], text(headers, "webhook-id"));
    assert_eq!(told["type"], "message.received");
    assert!(!told.to_string().contains("Wulandari"), "{told}");
    let listed = world.events(100).await;
    assert!(listed.contains(&told), "{listed:?}");
    // Deleted, it is told nothing more.
    let (status, _) = world
        .request("DELETE", &format!("/v1/webhooks/{id}"), Value::Null)
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    world.hears(TWELVE[2], "halo").await;
    assert_eq!(crm.posts().len(), 1);
}

#[tokio::test]
async fn what_does_not_arrive_comes_again_under_the_same_name() {
    let (crm, setting) = Crm::open().await;
    let mut world = World::with(setting).await;
    let (id, _) = world.webhook(&[]).await;
    crm.answers(&[500, 302]);
    world.hears(TWELVE[0], "halo").await;
    assert_eq!(crm.posts().len(), 1);
    let shown = world.shown(&id).await;
    assert_eq!(shown["state"], "failing", "{shown}");
    assert_eq!(shown["reason"], "status_500");
    world.wait(1).await;
    let shown = world.shown(&id).await;
    assert_eq!(
        shown["reason"], "redirected",
        "and nobody followed: {shown}"
    );
    assert_eq!(shown["failures"], 2);
    world.wait(3).await;
    let ids = crm.ids();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(ids.iter().all(|other| *other == ids[0]), "{ids:?}");
    let shown = world.shown(&id).await;
    assert_eq!(shown["state"], "on", "{shown}");
    assert_eq!(shown["reason"], Value::Null);
}

#[tokio::test]
async fn a_message_of_the_queue_that_comes_twice_is_posted_under_one_name() {
    let (crm, setting) = Crm::open().await;
    let mut world = World::with(setting).await;
    world.webhook(&[]).await;
    let simulator = &world.house.simulator;
    simulator.person_says(&wa_id(TWELVE[0]), "halo");
    simulator.deliver_due().await;
    world.clock.advance(SignedDuration::from_secs(6));
    world.house.wiring.step("ReceiptsQueue").await.unwrap();
    let sqs = &world.house.aws.sqs;
    let waiting = sqs.peek("NotifyQueue").unwrap();
    assert_eq!(waiting.len(), 1);
    for (_, body) in waiting {
        assert!(
            !body.contains("halo") && !body.contains("8121111"),
            "{body}"
        );
        sqs.send("NotifyQueue", NewMessage::text(body)).unwrap();
    }
    world.deliver().await;
    let posts = crm.posts();
    assert_eq!(posts.len(), 2);
    let ids = crm.ids();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(posts[0].1, posts[1].1);
}

#[tokio::test]
async fn an_endpoint_that_fails_for_a_day_is_switched_off_until_somebody_switches_it_on() {
    let (crm, setting) = Crm::open().await;
    let mut world = World::with(setting).await;
    let (id, _) = world.webhook(&[]).await;
    crm.answers(&[503; 5_000]);
    world.hears(TWELVE[0], "halo").await;
    // An hour in steps, the rest of the day in strides.
    world.wait(60).await;
    let within_an_hour = crm.posts().len();
    assert!((5..=9).contains(&within_an_hour), "{within_an_hour} posts");
    for n in 0..24 {
        world.clock.advance(SignedDuration::from_mins(58));
        world.hears(TWELVE[n % 12], &format!("halo {n}")).await;
        world.wait(2).await;
    }
    let shown = world.shown(&id).await;
    assert_eq!(shown["state"], "off", "{shown}");
    assert_eq!(shown["reason"], "status_503");
    assert!(shown["off_since"].is_string());
    world.wait(30).await;
    let before = crm.posts().len();
    world.hears(TWELVE[1], "ada orang?").await;
    assert_eq!(crm.posts().len(), before, "off is off");

    crm.answers.lock().unwrap().clear();
    let on = world
        .post(&format!("/v1/webhooks/{id}/enable"), json!({}))
        .await;
    assert_eq!(on["state"], "on", "{on}");
    world.hears(TWELVE[2], "halo lagi").await;
    assert_eq!(crm.posts().len(), before + 1);
    // Nothing is lost: it can be read.
    assert_eq!(world.events(200).await.len(), 27);
}

#[tokio::test]
async fn an_endpoint_that_says_it_is_gone_is_not_asked_again() {
    let (crm, setting) = Crm::open().await;
    let mut world = World::with(setting).await;
    let (id, _) = world.webhook(&[]).await;
    crm.answers(&[410]);
    world.hears(TWELVE[0], "halo").await;
    world.hears(TWELVE[1], "halo").await;
    world.wait(30).await;
    assert_eq!(crm.posts().len(), 1);
    let shown = world.shown(&id).await;
    assert_eq!(
        (shown["state"].clone(), shown["reason"].clone()),
        (json!("off"), json!("gone"))
    );
}

#[tokio::test]
async fn two_secrets_sign_while_one_is_exchanged() {
    let (crm, setting) = Crm::open().await;
    let mut world = World::with(setting).await;
    let (id, first) = world.webhook(&[]).await;
    let rotated = world
        .post(&format!("/v1/webhooks/{id}/rotate"), json!({}))
        .await;
    let second = rotated["secret"].as_str().unwrap();
    assert_ne!(first, second);
    world.hears(TWELVE[0], "halo").await;
    world.clock.advance(SignedDuration::from_hours(24));
    world.hears(TWELVE[1], "halo").await;
    let posts = crm.posts();
    let signatures: Vec<Vec<String>> = posts
        .iter()
        .map(|(headers, _)| {
            let all = text(headers, "webhook-signature");
            all.split(' ').map(str::to_owned).collect()
        })
        .collect();
    let [old, new] = [1, 2].map(|generation| world.signature(&id, generation, &posts[0]));
    assert_eq!(signatures[0], [new, old]);
    assert_eq!(signatures[1], [world.signature(&id, 2, &posts[1])]);
}

#[tokio::test]
async fn no_address_inside_a_network_is_taken_or_reached() {
    let (crm, setting) = Crm::open().await;
    let mut world = World::with(setting).await;
    for address in [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::ffff:127.0.0.1]/",
        "https://0x7f.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://metadata.google.internal/",
        "http://crm.example.com/",
    ] {
        let (status, problem) = world
            .request("POST", "/v1/webhooks", json!({"url": address}))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        assert_eq!(problem["errors"][0]["pointer"], "/url");
        assert!(!problem.to_string().contains(address), "{problem}");
    }
    let wanted = json!({"url": "https://crm.example.com/", "events": ["message.sent"]});
    let (status, problem) = world.request("POST", "/v1/webhooks", wanted).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/events/0");
    // A good name that leads inside: the connection's own resolver says so.
    let wanted = json!({"url": "https://rebinds.example.com/"});
    let made = world.post("/v1/webhooks", wanted).await;
    let id = made["webhook"]["webhook_id"].as_str().unwrap().to_owned();
    world.hears(TWELVE[0], "halo").await;
    let shown = world.shown(&id).await;
    assert_eq!(shown["reason"], "forbidden_address", "{shown}");
    let (status, _) = world
        .request("DELETE", &format!("/v1/webhooks/{id}"), Value::Null)
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    world.wait(2).await;
    assert!(crm.posts().is_empty());
}

#[tokio::test]
async fn ten_addresses_are_enough_and_a_repeated_request_makes_one() {
    let mut world = World::with(Setting {
        twice: true,
        ..Setting::default()
    })
    .await;
    for n in 0..10 {
        let url = format!("https://crm{n}.example.com/");
        world.post("/v1/webhooks", json!({"url": url})).await;
    }
    let listed = world.get("/v1/webhooks").await;
    assert_eq!(listed["webhooks"].as_array().unwrap().len(), 10, "{listed}");
    let (status, _) = world
        .request(
            "POST",
            "/v1/webhooks",
            json!({"url": "https://crm.example.com/"}),
        )
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
}
