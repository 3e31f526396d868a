use std::collections::BTreeSet;

use aws_config::{BehaviorVersion, SdkConfig};
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use platform::aws::Clients;
use platform::clock::SharedClock;
use platform::ids::Ids;
use policy::phone::Region;
use tower::ServiceExt as _;

use super::*;
use crate::Config;

/// The routes over clients that reach nobody: whatever is answered here is
/// answered before anything is read.
fn unreachable() -> Router {
    let config = Config {
        contacts_table: "contacts".to_owned(),
        campaigns_table: "campaigns".to_owned(),
        files_bucket: "files".to_owned(),
        import_queue_url: "http://127.0.0.1:1/import".to_owned(),
        consent_queue_url: "http://127.0.0.1:1/consent".to_owned(),
        fanout_queue_url: "http://127.0.0.1:1/fanout".to_owned(),
        receipts_queue_url: "http://127.0.0.1:1/receipts".to_owned(),
        triggered_queue_url: "http://127.0.0.1:1/triggered".to_owned(),
        receipts_queue_url: "receipts".to_owned(),
        token_key_secret: "token-key".to_owned(),
        endpoint_key_secret: "endpoint-key".to_owned(),
        default_region: Region::INDONESIA,
        metrics: platform::metrics::MetricsSink::Nowhere,
    };
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .build();
    router(Deps::new(
        &config,
        &Clients::new(&aws),
        SharedClock::system(),
        Ids::seeded(1),
    ))
}

async fn ask(method: &str, path: &str, authorization: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = unreachable().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1024 * 1024).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Method and path of every operation, with something in the place of ids.
fn operations() -> Vec<(String, String, String)> {
    let document = serde_json::to_value(openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let mut all = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            let path = path.replace(['{', '}'], "");
            all.push((method.to_uppercase(), path, name));
        }
    }
    all
}

#[test]
fn the_document_is_reviewed() {
    insta::assert_json_snapshot!("openapi", openapi());
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let operations = operations();
    let names: BTreeSet<_> = operations.iter().map(|(_, _, name)| name).collect();
    assert_eq!(names.len(), operations.len(), "{operations:?}");
    assert!(names.len() >= 15);
}

#[tokio::test]
async fn strangers_get_nothing_from_any_operation() {
    for (method, path, _) in operations() {
        for authorization in [None, Some("Bearer secret"), Some("Basic a2V5OnM=")] {
            let (status, body) = ask(&method, &path, authorization).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert!(body.contains("urn:izin:problem:unauthorized"), "{body}");
        }
    }
}

#[tokio::test]
async fn health_and_the_document_are_for_everybody() {
    let (status, body) = ask("GET", "/healthz", None).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "ok\n"));
    let (status, body) = ask("GET", "/v1/openapi.json", None).await;
    assert_eq!(status, StatusCode::OK);
    let served: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(served, serde_json::to_value(openapi()).unwrap());
}

#[tokio::test]
async fn other_paths_and_methods_are_problems_too() {
    let (status, body) = ask("GET", "/v2/lists", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("urn:izin:problem:not_found"), "{body}");
    let (status, body) = ask("DELETE", "/v1/lists", None).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(body.contains("urn:izin:problem:method"), "{body}");
}
