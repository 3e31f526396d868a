use serde_json::json;
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_hosts_file_covers_what_lies_under_its_names() {
    let list = HostList::parse(
        "# as published\n127.0.0.1\tJahat.example # malware\n0.0.0.0 a.example b.example\n\nnur-name.example.\n::1 localhost\n",
    );
    for listed in [
        "jahat.example",
        "www.jahat.example",
        "b.example",
        "nur-name.example",
    ] {
        assert!(list.hold(listed), "{listed}");
    }
    for other in ["example", "c.example", "xjahat.example", "localhost"] {
        assert!(!list.hold(other), "{other}");
    }
}

async fn web_risk(server: &MockServer, budget: u32) -> WebRisk {
    WebRisk::new(&server.uri(), "s3cret".to_owned().into(), budget).unwrap()
}

#[tokio::test]
async fn a_listing_counts_until_it_expires() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1/uris:search"))
        .and(query_param("uri", "https://jahat.example/a?b=c"))
        .and(header("x-goog-api-key", "s3cret"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({
            "threat": {"threatTypes": ["MALWARE"], "expireTime": "2026-11-24T04:00:00Z"},
        })))
        .expect(2)
        .mount(&server)
        .await;
    let web_risk = web_risk(&server, 10).await;
    let jahat = url("https://jahat.example/a?b=c");
    for now in [
        "2026-11-24T03:00:00Z",
        "2026-11-24T03:59:59Z",
        "2026-11-24T04:00:00Z",
    ] {
        assert_eq!(web_risk.standing(&jahat, at(now)).await, Standing::Listed);
    }
}

#[tokio::test]
async fn silence_is_no_allowance_and_money_has_an_end() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(503))
        .mount(&server)
        .await;
    let web_risk = web_risk(&server, 2).await;
    let now = at("2026-11-24T03:00:00Z");
    let (a, b, c) = (
        url("https://a.example"),
        url("https://b.example"),
        url("https://c.example"),
    );
    assert_eq!(web_risk.standing(&a, now).await, Standing::Unlisted);
    // Remembered, without a request.
    assert_eq!(web_risk.standing(&a, now).await, Standing::Unlisted);
    assert_eq!(web_risk.standing(&b, now).await, Standing::Unavailable);
    assert_eq!(web_risk.standing(&c, now).await, Standing::Unavailable);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}
