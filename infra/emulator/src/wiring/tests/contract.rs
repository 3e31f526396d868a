//! Our events, read with the types that functions read Lambda's with.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::s3::S3Event;
use aws_lambda_events::event::sqs::SqsEvent;
use lambda_http::http::Method;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, Request, RequestExt as _, RequestPayloadExt as _};

use super::*;

#[tokio::test]
async fn a_batch_is_an_sqs_event() {
    let world = World::new("SendFunction", |_| Ok(Value::Null)).await;
    world.send("SendQueue", &["one"]);
    world.wiring.step("SendQueue").await.unwrap();
    let event: SqsEvent = serde_json::from_value(world.seen()[0].clone()).unwrap();
    let record = &event.records[0];
    assert_eq!(record.body.as_deref(), Some("one"));
    assert_eq!(record.event_source.as_deref(), Some("aws:sqs"));
    assert_eq!(record.attributes["ApproximateReceiveCount"], "1");
    assert!(record.message_id.is_some());
}

#[tokio::test]
async fn a_notification_is_an_s3_event() {
    let world = World::new("IngestFunction", |_| Ok(Value::Null)).await;
    let client = aws_sdk_s3::Client::new(&world.aws.sdk_config());
    let bucket = world.aws.bucket_name("FilesBucket").unwrap();
    let put = client.put_object().bucket(&bucket).key("incoming/a b.csv");
    put.send().await.unwrap();
    world.wiring.run_until_idle().await.unwrap();
    let event: S3Event = serde_json::from_str(&world.bodies()[0][0]).unwrap();
    let record = &event.records[0];
    assert_eq!(record.s3.bucket.name.as_ref(), Some(&bucket));
    assert_eq!(record.s3.object.key.as_deref(), Some("incoming/a+b.csv"));
    assert_eq!(record.s3.object.size, Some(0));
}

#[tokio::test]
async fn a_tick_is_an_eventbridge_event() {
    let world = World::new("SweepFunction", |_| Ok(Value::Null)).await;
    world.wiring.tick("SweepFunction").await.unwrap().unwrap();
    let event: EventBridgeEvent<Value> = serde_json::from_value(world.seen()[0].clone()).unwrap();
    assert_eq!(event.detail_type, "Scheduled Event");
    assert_eq!(event.account.as_deref(), Some("000000000000"));
}

#[tokio::test]
async fn a_request_is_what_lambda_http_takes() {
    let world = World::new("ApiFunction", |_| Ok(Value::Null)).await;
    let request = ::http::Request::post("/v1/imports?list=all")
        .header("host", "izin.example")
        .header("content-type", "application/json")
        .header("cookie", "session=1");
    let request = request.body(r#"{"name":"a"}"#.into()).unwrap();
    world.wiring.request(request).await;
    let event: LambdaRequest = serde_json::from_value(world.seen()[0].clone()).unwrap();
    let request = Request::from(event);
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri().path(), "/v1/imports");
    assert_eq!(request.query_string_parameters().first("list"), Some("all"));
    assert_eq!(request.path_parameters().first("proxy"), Some("imports"));
    assert_eq!(request.headers()["cookie"], "session=1");
    let body: Value = request.json().unwrap().unwrap();
    assert_eq!(body["name"], "a");
}

#[tokio::test]
async fn a_binary_request_is_decoded_by_lambda_http() {
    let world = World::new("ApiFunction", |_| Ok(Value::Null)).await;
    let request = ::http::Request::put("/v1/media").header("content-type", "image/png");
    let request = request.body(vec![0, 159].into()).unwrap();
    world.wiring.request(request).await;
    let event: LambdaRequest = serde_json::from_value(world.seen()[0].clone()).unwrap();
    assert_eq!(Request::from(event).into_body(), Body::Binary(vec![0, 159]));
}
