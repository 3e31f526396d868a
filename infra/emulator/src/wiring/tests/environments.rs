use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Barrier;

use super::*;

/// A function that answers with how often its environment was used, and does
/// what the first message of a batch says.
fn counting() -> Function {
    Function::starting(|| {
        let uses = AtomicU32::new(0);
        move |event: Value, _| {
            let uses = uses.fetch_add(1, Ordering::Relaxed) + 1;
            async move {
                match event["rawPath"].as_str() {
                    Some("/v1/fail") => Err(InvocationError::failed("no")),
                    Some("/v1/panic") => panic!("a bug"),
                    _ => Ok(json!(uses)),
                }
            }
        }
    })
}

async fn wire(function: Function) -> (Aws, Wiring) {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let aws = Aws::start(&small(), SharedClock::new(clock)).await.unwrap();
    let functions = [("ApiFunction".to_owned(), function)];
    let wiring = Wiring::new(&aws, functions, CrashPlan::never()).unwrap();
    (aws, wiring)
}

async fn ask(wiring: &Wiring, path: &str) -> String {
    let request = ::http::Request::get(path)
        .body(axum::body::Bytes::new())
        .unwrap();
    let response = wiring.request(request).await;
    String::from_utf8(response.body().to_vec()).unwrap()
}

#[tokio::test]
async fn an_environment_is_used_again_until_it_dies() {
    let (_aws, wiring) = wire(counting()).await;
    assert_eq!(ask(&wiring, "/v1/a").await, "1");
    assert_eq!(ask(&wiring, "/v1/a").await, "2");
    ask(&wiring, "/v1/fail").await;
    assert_eq!(ask(&wiring, "/v1/a").await, "4");
    ask(&wiring, "/v1/panic").await;
    assert_eq!(ask(&wiring, "/v1/a").await, "1");
    let usage = wiring.usage()["ApiFunction"];
    assert_eq!((usage.invocations, usage.starts), (6, 2));
}

#[tokio::test]
async fn invocations_at_once_share_no_environment() {
    let both = Arc::new(Barrier::new(2));
    let function = Function::starting(move || {
        let (both, uses) = (Arc::clone(&both), AtomicU32::new(0));
        move |_, _| {
            let (both, uses) = (Arc::clone(&both), uses.fetch_add(1, Ordering::Relaxed) + 1);
            async move {
                both.wait().await;
                Ok(json!(uses))
            }
        }
    });
    let (_aws, wiring) = wire(function).await;
    let answers = tokio::join!(ask(&wiring, "/v1/a"), ask(&wiring, "/v1/b"));
    assert_eq!(answers, ("1".to_owned(), "1".to_owned()));
    let answers = tokio::join!(ask(&wiring, "/v1/a"), ask(&wiring, "/v1/b"));
    assert_eq!(answers, ("2".to_owned(), "2".to_owned()));
    assert_eq!(wiring.usage()["ApiFunction"].starts, 2);
}
