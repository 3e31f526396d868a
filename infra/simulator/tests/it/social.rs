//! AWS End User Messaging Social: the same numbers, limits and people behind the
//! calls of Amazon.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use simulator::{FaultEffect, FaultWhen, LinkedAccount, RequestFault};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::harness::{NUMBER, WABA, World, person, promo};

const LINKED_NUMBER: &str = "phone-number-id-976c72a700aac43eaf573ae050c4d1e2";
const LINKED_WABA: &str = "waba-fb2594b8a7974770b128a409e2c4d1e2";
const TOPIC: &str = "arn:aws:sns:ap-southeast-3:123456789012:heard";
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=key/20261124/ap-southeast-3/social-messaging/aws4_request, SignedHeaders=host, Signature=00";

async fn linked() -> World {
    World::with(|config| {
        config.numbers[0].throughput_per_second = 20;
        config.linked = vec![LinkedAccount {
            waba_id: WABA.to_owned(),
            id: LINKED_WABA.to_owned(),
            phone_number_ids: BTreeMap::from([(NUMBER.to_owned(), LINKED_NUMBER.to_owned())]),
            event_destination: Some(TOPIC.to_owned()),
        }];
    })
    .await
}

/// Status, exception and body of one call.
type Answer = (u16, String, Value);

async fn read(call: reqwest::RequestBuilder) -> Answer {
    let answer = call.send().await.unwrap();
    let kind = answer.headers().get("x-amzn-errortype");
    let kind = kind.map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let status = answer.status().as_u16();
    (status, kind, answer.json().await.unwrap_or(Value::Null))
}

async fn send(world: &World, body: &Value) -> Answer {
    let url = format!("{}/v1/whatsapp/send", world.simulator.base_url());
    let call = json!({
        "originationPhoneNumberId": LINKED_NUMBER,
        "message": BASE64_STANDARD.encode(body.to_string()),
        "metaApiVersion": "v20.0",
    });
    read(
        world
            .client
            .post(url)
            .header("authorization", SIGNED)
            .json(&call),
    )
    .await
}

async fn ask(world: &World, path: &str) -> Answer {
    let url = format!("{}/v1/whatsapp/{path}", world.simulator.base_url());
    read(world.client.get(url).header("authorization", SIGNED)).await
}

#[tokio::test]
async fn a_linked_number_sends_by_amazon_only() {
    let world = linked().await;
    assert_eq!(world.code(&promo(1)).await, 10);
    let (status, kind, answer) = send(&world, &promo(1)).await;
    assert_eq!((status, kind.as_str()), (200, ""), "{answer}");
    assert!(answer["messageId"].as_str().unwrap().starts_with("wamid."));
    let log = world.simulator.person_log(&person(1)).unwrap();
    let ways: Vec<_> = log
        .requests
        .iter()
        .map(|r| (r.by_amazon, r.accepted))
        .collect();
    assert_eq!(ways, [(false, false), (true, true)]);
    // Unsigned, and by a name that nobody has.
    let url = format!("{}/v1/whatsapp/send", world.simulator.base_url());
    let (status, kind, _) = read(world.client.post(url).json(&json!({}))).await;
    assert_eq!((status, kind.as_str()), (403, "MissingAuthenticationToken"));
    let (status, kind, _) = ask(&world, "waba/details?id=waba-0").await;
    assert_eq!((status, kind.as_str()), (404, "ResourceNotFoundException"));
}

#[tokio::test]
async fn limits_and_refusals_are_exceptions() {
    let world = linked().await;
    let mut wrong = promo(1);
    wrong["template"]["components"] = json!([]);
    let (status, kind, _) = send(&world, &wrong).await;
    assert_eq!((status, kind.as_str()), (400, "InvalidParametersException"));
    for n in 2..21 {
        assert_eq!(send(&world, &promo(n)).await.0, 200, "{n}");
    }
    let (status, kind, _) = send(&world, &promo(30)).await;
    assert_eq!((status, kind.as_str()), (429, "ThrottledRequestException"));
    world.clock.advance_ms(1_000);
    for (effect, status) in [
        (FaultEffect::AcceptThenFail(502), 502),
        (FaultEffect::Fail(503), 503),
    ] {
        world.simulator.add_fault(RequestFault {
            when: FaultWhen::Chance(1.0),
            effect,
            times: Some(1),
        });
        assert_eq!(send(&world, &promo(40)).await.0, status);
    }
    let log = world.simulator.person_log(&person(40)).unwrap();
    let taken: Vec<_> = log
        .requests
        .iter()
        .map(|request| request.accepted)
        .collect();
    assert_eq!(taken, [true, false]);
}

#[tokio::test]
async fn an_account_tells_its_templates_its_numbers_and_whom_it_tells() {
    let world = linked().await;
    let (_, _, answer) = ask(&world, &format!("waba/details?id={LINKED_WABA}")).await;
    let account = &answer["account"];
    assert_eq!(account["wabaId"], WABA);
    assert_eq!(
        account["eventDestinations"][0]["eventDestinationArn"],
        TOPIC
    );
    assert_eq!(account["phoneNumbers"][0]["phoneNumberId"], LINKED_NUMBER);
    assert_eq!(account["phoneNumbers"][0]["metaPhoneNumberId"], NUMBER);
    let mut names = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("template/list?id={LINKED_WABA}&maxResults=4{after}");
        let (_, _, page) = ask(&world, &path).await;
        names.extend(page["templates"].as_array().unwrap().iter().cloned());
        let Some(next) = page["nextToken"].as_str() else {
            break;
        };
        after = format!("&nextToken={next}");
    }
    assert_eq!(names.len(), 9);
    let promo = names.iter().find(|t| t["templateName"] == "promo").unwrap();
    let id = promo["metaTemplateId"].as_str().unwrap();
    let (_, _, answer) = ask(
        &world,
        &format!("template?id={LINKED_WABA}&metaTemplateId={id}"),
    )
    .await;
    let definition: Value = serde_json::from_str(answer["template"].as_str().unwrap()).unwrap();
    assert_eq!(definition["name"], "promo");
    assert!(world.simulator.set_event_destination(WABA, None));
    let (_, _, answer) = ask(&world, &format!("waba/details?id={LINKED_WABA}")).await;
    assert_eq!(answer["account"]["eventDestinations"], json!([]));
}

type Published = Arc<Mutex<Vec<String>>>;

async fn publish(State(published): State<Published>, body: String) -> StatusCode {
    let mut published = published.lock().unwrap();
    published.push(body);
    // The first time it is not taken, and comes again.
    match published.len() {
        1 => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    }
}

#[tokio::test]
async fn what_people_do_is_published_and_not_posted() {
    let world = linked().await;
    let published = Published::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/", post(publish))
        .with_state(published.clone());
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).await.unwrap() });
    world.simulator.set_topics_url(&url);
    world.simulator.person_says(&person(1), "STOP");
    world.simulator.drain().await;
    assert!(world.webhook.posted().is_empty());
    let forms = published.lock().unwrap().clone();
    assert_eq!(forms.len(), 2, "once more after a failure");
    let form: reqwest::Url = format!("http://form/?{}", forms[1]).parse().unwrap();
    let fields: BTreeMap<_, _> = form.query_pairs().into_owned().collect();
    assert_eq!(
        (fields["Action"].as_str(), fields["TopicArn"].as_str()),
        ("Publish", TOPIC)
    );
    let event: Value = serde_json::from_str(&fields["Message"]).unwrap();
    assert_eq!(event["aws_account_id"], "123456789012");
    assert_eq!(
        event["context"]["MetaPhoneNumberIds"][0]["metaPhoneNumberId"],
        NUMBER
    );
    let entry: Value =
        serde_json::from_str(event["whatsAppWebhookEntry"].as_str().unwrap()).unwrap();
    assert_eq!(entry["id"], WABA);
    assert_eq!(
        entry["changes"][0]["value"]["messages"][0]["text"]["body"],
        "STOP"
    );
}
