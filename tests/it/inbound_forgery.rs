//! The threats to Meta's door, a test each: forged, altered, replayed, foreign.

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use izin::inbound::load::{self, Sent};
use izin::inbound::{APP_SECRET, OLD_APP_SECRET, Stand, VERIFY_TOKEN};
use serde_json::Value;

use crate::inbound::{is_stopped, person, stand, tell};

async fn post(stand: &Stand, signature: Option<&[u8]>, body: Vec<u8>) -> StatusCode {
    let mut request = Request::post("/webhook");
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    let request = request.body(Body::from(body)).unwrap();
    let response = stand.request(request).await.unwrap();
    let status = response.status();
    let said = to_bytes(response.into_body(), 1_000).await.unwrap();
    assert!(said.is_empty() || status == StatusCode::PAYLOAD_TOO_LARGE);
    status
}

#[tokio::test]
async fn what_meta_did_not_sign_changes_nothing() {
    let stand = stand().await;
    let stop = load::text(Sent(1), "STOP");
    let body = load::body(&[load::status(stand.campaign, Sent(1), "read")], &[stop]);
    let good = load::signature(APP_SECRET, &body);
    let digits = good.strip_prefix("sha256=").unwrap().to_owned();
    let parsed: Value = serde_json::from_slice(&body).unwrap();
    let pretty = serde_json::to_vec_pretty(&parsed).unwrap();
    let cut = body[..body.len() - 1].to_vec();
    let mut flipped = body.clone();
    flipped[40] ^= 1;
    type Forgery = (&'static str, Option<Vec<u8>>, Vec<u8>);
    let forgeries: Vec<Forgery> = vec![
        ("unsigned", None, body.clone()),
        ("empty", Some(Vec::new()), body.clone()),
        ("bare", Some(digits.clone().into()), body.clone()),
        (
            "of another kind",
            Some(format!("sha1={digits}").into()),
            body.clone(),
        ),
        ("short", Some(good[..70].into()), body.clone()),
        ("long", Some(format!("{good}0").into()), body.clone()),
        ("two", Some(format!("{good}, {good}").into()), body.clone()),
        (
            "no digits",
            Some(good.replace('a', "g").replace('b', "h").into()),
            body.clone(),
        ),
        ("no text", Some(vec![0xff, 0xfe]), body.clone()),
        (
            "another key",
            Some(load::signature("another key", &body).into()),
            body.clone(),
        ),
        (
            "an empty key",
            Some(load::signature("", &body).into()),
            body.clone(),
        ),
        (
            "the verify token",
            Some(load::signature(VERIFY_TOKEN, &body).into()),
            body.clone(),
        ),
        ("altered", Some(good.clone().into()), flipped),
        ("cut", Some(good.clone().into()), cut),
        ("written anew", Some(good.clone().into()), pretty),
        ("nothing", Some(good.clone().into()), Vec::new()),
    ];
    for (what, signature, body) in forgeries {
        let status = post(&stand, signature.as_deref(), body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}");
    }
    assert_eq!(person(&stand, Sent(1)).await.version, 0);
    assert_eq!(stand.waiting().unwrap(), 0);
    // Nobody was asked for anything but the secrets.
    let asked = stand.webhook_meter.take().requests;
    assert!(asked.keys().all(|asked| asked.service == "secretsmanager"));
}

#[tokio::test]
async fn a_body_beyond_meta_s_limit_is_not_read() {
    let stand = stand().await;
    let fits = vec![b' '; webhook::BODY_MAX];
    let signature = load::signature(APP_SECRET, &fits);
    let kept = post(&stand, Some(signature.as_bytes()), fits).await;
    assert_eq!(kept, StatusCode::OK);
    let too_long = vec![b' '; webhook::BODY_MAX + 1];
    let signature = load::signature(APP_SECRET, &too_long);
    let status = post(&stand, Some(signature.as_bytes()), too_long).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn both_secrets_count_while_one_replaces_the_other() {
    let stand = stand().await;
    for (secret, sent) in [(APP_SECRET, Sent(1)), (OLD_APP_SECRET, Sent(2))] {
        let body = load::body(&[], &[load::text(sent, "STOP")]);
        let signature = load::signature(secret, &body);
        let status = post(&stand, Some(signature.as_bytes()), body).await;
        assert_eq!(status, StatusCode::OK);
        assert!(is_stopped(&stand, sent).await);
    }
    stand.settle().await.unwrap();
}

#[tokio::test]
async fn the_challenge_is_for_whoever_knows_the_word() {
    let stand = stand().await;
    let word = VERIFY_TOKEN.replace(' ', "%20");
    let asks = |mode: &str, word: &str| {
        format!("/webhook?hub.mode={mode}&hub.verify_token={word}&hub.challenge=%3Cb%3E1158")
    };
    for (uri, status, said) in [
        (asks("subscribe", &word), StatusCode::OK, "<b>1158"),
        (asks("subscribe", "guess"), StatusCode::FORBIDDEN, ""),
        (asks("subscribe", ""), StatusCode::FORBIDDEN, ""),
        (asks("unsubscribe", &word), StatusCode::FORBIDDEN, ""),
        ("/webhook".to_owned(), StatusCode::FORBIDDEN, ""),
        (
            format!("/webhook?hub.verify_token={word}"),
            StatusCode::FORBIDDEN,
            "",
        ),
    ] {
        let request = Request::get(&uri).body(Body::empty()).unwrap();
        let response = stand.request(request).await.unwrap();
        assert_eq!(response.status(), status, "{uri}");
        if status == StatusCode::OK {
            let kind = response.headers()["content-type"].to_str().unwrap();
            assert!(kind.starts_with("text/plain"), "{kind}");
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        }
        let body = to_bytes(response.into_body(), 1_000).await.unwrap();
        assert_eq!(body, said, "{uri}");
    }
}

#[tokio::test]
async fn a_stop_that_is_played_again_is_one_event() {
    let stand = stand().await;
    for _ in 0..3 {
        tell(&stand, &[], &[load::text(Sent(1), "STOP")]).await;
    }
    let token = stand.token(Sent(1)).unwrap();
    let stops = stand.contacts.stops(stand.tenant, token).await.unwrap();
    assert_eq!(stops.len(), 1);
    assert_eq!(person(&stand, Sent(1)).await.version, 1);
}

#[tokio::test]
async fn an_old_start_that_is_played_again_lifts_no_later_stop() {
    let stand = stand().await;
    let at = |words: &str, second: u32| {
        let mut text = load::text(Sent(1), words);
        text["timestamp"] = (1_764_000_000 + second).to_string().into();
        text["id"] = format!("wamid.{second}").into();
        text
    };
    let start = [at("MULAI", 10)];
    tell(&stand, &[], &[at("STOP", 5)]).await;
    tell(&stand, &[], &start).await;
    assert!(
        !is_stopped(&stand, Sent(1)).await,
        "she did ask for it once"
    );
    // At the same second the stop wins; and nothing that is older lifts it.
    tell(&stand, &[], &[at("STOP", 10)]).await;
    for _ in 0..3 {
        tell(&stand, &[], &start).await;
        assert!(is_stopped(&stand, Sent(1)).await);
    }
    tell(&stand, &[], &[at("MULAI", 11)]).await;
    assert!(!is_stopped(&stand, Sent(1)).await);
}

#[tokio::test]
async fn a_number_of_nobody_moves_nothing_and_is_kept() {
    let stand = stand().await;
    let text = |body: Vec<u8>| String::from_utf8(body).unwrap();
    let stop = load::text(Sent(1), "STOP");
    let status = load::status(stand.campaign, Sent(1), "read");
    let foreign = text(load::body(&[status], &[stop])).replace(load::NUMBER, "999");
    let foreign = foreign.replace(load::WABA, "998");
    let answer = stand.post(foreign.into_bytes()).await.unwrap();
    assert_eq!(answer, StatusCode::OK);
    assert_eq!(person(&stand, Sent(1)).await.version, 0);
    assert_eq!(stand.waiting().unwrap(), 0);
    let kept = stand.webhook_meter.take().requests;
    assert!(
        kept.keys()
            .any(|asked| asked.service == "s3" && asked.name == "PUT")
    );
}

#[tokio::test]
async fn no_tenant_s_number_speaks_of_another_tenant_s_campaign() {
    let stand = stand().await;
    let other = stand.other_tenant("777").await.unwrap();
    let status = load::status(stand.campaign, Sent(1), "read");
    let body = String::from_utf8(load::body(&[status], &[])).unwrap();
    let body = body.replace(load::NUMBER, "777").into_bytes();
    assert_eq!(stand.post(body).await.unwrap(), StatusCode::OK);
    stand.settle().await.unwrap();
    let mine = stand.campaigns.ledger(stand.tenant, stand.campaign).await;
    assert!(mine.unwrap()[&0].statuses.is_empty());
    let theirs = stand.campaigns.ledger(other, stand.campaign).await;
    assert!(theirs.unwrap().is_empty());
}
