use ::http::{Method, Request, StatusCode};
use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::net::TcpListener;

use super::*;

async fn front(world: &World) -> Front {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.wiring.front(listener).unwrap()
}

#[tokio::test]
async fn a_request_becomes_an_event_and_the_answer_a_response() {
    let world = World::new("ApiFunction", |event| {
        Ok(json!({
            "statusCode": 201,
            "headers": {"content-type": "application/json", "x-izin": "yes"},
            "cookies": ["a=1", "b=2"],
            "body": event["body"],
            "isBase64Encoded": event["isBase64Encoded"],
        }))
    });
    let world = world.await;
    let front = front(&world).await;
    let url = format!(
        "{}/v1/campaigns/cmp_1?state=draft&tag=a&tag=b%20c",
        front.url
    );
    let request = reqwest::Client::new().post(url);
    let request = request
        .header("Content-Type", "application/json; charset=utf-8")
        .header("Cookie", "session=1; theme=dark")
        .header("X-Many", "1")
        .header("X-Many", "2")
        .body(r#"{"name":"söö"}"#);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-izin"], "yes");
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    assert_eq!(response.text().await.unwrap(), r#"{"name":"söö"}"#);

    let event = &world.seen()[0];
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "ANY /v1/{proxy+}");
    assert_eq!(event["rawPath"], "/v1/campaigns/cmp_1");
    assert_eq!(event["rawQueryString"], "state=draft&tag=a&tag=b%20c");
    assert_eq!(event["queryStringParameters"]["tag"], "a,b c");
    assert_eq!(event["pathParameters"]["proxy"], "campaigns/cmp_1");
    assert_eq!(event["cookies"], json!(["session=1", "theme=dark"]));
    assert_eq!(event["headers"]["x-many"], "1,2");
    assert_eq!(event["headers"].get("cookie"), None);
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!(event["requestContext"]["timeEpoch"], 1_795_510_800_000_i64);
    assert_eq!(
        event["requestContext"]["time"],
        "24/Nov/2026:09:00:00 +0000"
    );
}

#[tokio::test]
async fn binary_bodies_survive_both_ways() {
    let world = World::new("ApiFunction", |event| {
        assert_eq!(event["isBase64Encoded"], true);
        let image = BASE64.decode(event["body"].as_str().unwrap()).unwrap();
        let reversed: Vec<u8> = image.into_iter().rev().collect();
        Ok(json!({
            "statusCode": 200,
            "headers": {"content-type": "image/png"},
            "body": BASE64.encode(reversed),
            "isBase64Encoded": true,
        }))
    });
    let world = world.await;
    let front = front(&world).await;
    let upload = reqwest::Client::new().put(format!("{}/v1/media", front.url));
    let upload = upload
        .header("content-type", "image/png")
        .body(vec![0, 159, 146, 150]);
    let response = upload.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.bytes().await.unwrap(), vec![150, 146, 159, 0]);
}

/// Asks without a socket.
async fn ask(world: &World, method: Method, path: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path);
    let response = world
        .wiring
        .request(request.body(Bytes::new()).unwrap())
        .await;
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status(), body)
}

#[tokio::test]
async fn routes_are_those_of_the_template() {
    let world = World::new("ApiFunction", |event| Ok(event["routeKey"].clone())).await;
    let ok = |key: &str| (StatusCode::OK, format!("{key:?}"));
    let proxy = "ANY /v1/{proxy+}";
    assert_eq!(
        ask(&world, Method::GET, "/healthz").await,
        ok("GET /healthz")
    );
    assert_eq!(ask(&world, Method::DELETE, "/v1/a/b/c").await, ok(proxy));
    let missing = (
        StatusCode::NOT_FOUND,
        r#"{"message":"Not Found"}"#.to_owned(),
    );
    for (method, path) in [
        (Method::POST, "/healthz"),
        (Method::GET, "/healthz/more"),
        (Method::GET, "/v1/"),
        (Method::GET, "/v2/a"),
        (Method::GET, "/"),
    ] {
        assert_eq!(ask(&world, method, path).await, missing, "{path}");
    }
}

#[tokio::test]
async fn a_function_that_fails_is_an_internal_error() {
    let world = World::new("ApiFunction", |event| match event["rawPath"].as_str() {
        Some("/v1/fail") => Err(InvocationError::failed("no")),
        _ => Ok(json!({"statusCode": 200, "body": 5})),
    });
    let world = world.await;
    let message = r#"{"message":"Internal Server Error"}"#.to_owned();
    let expected = (StatusCode::INTERNAL_SERVER_ERROR, message);
    assert_eq!(ask(&world, Method::GET, "/v1/fail").await, expected);
    assert_eq!(ask(&world, Method::GET, "/v1/nonsense").await, expected);
}
