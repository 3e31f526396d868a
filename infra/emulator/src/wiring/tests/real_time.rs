//! Pollers and timers, with the machine's clock.

use std::future::pending;

use tokio::sync::mpsc;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_delivers_everything_and_ticks() {
    let aws = Aws::start(&small(), SharedClock::system()).await.unwrap();
    let (report, mut reports) = mpsc::unbounded_channel();
    let ticks = report.clone();
    let send = Function::new(move |event, _| {
        for record in event["Records"].as_array().unwrap() {
            report
                .send(record["body"].as_str().unwrap().to_owned())
                .unwrap();
        }
        async { Ok(Value::Null) }
    });
    let sweep = Function::new(move |_, _| {
        ticks.send("tick".to_owned()).unwrap();
        async { Ok(Value::Null) }
    });
    let functions = [
        ("SendFunction".to_owned(), send),
        ("SweepFunction".to_owned(), sweep),
    ];
    let wiring = Wiring::new(&aws, functions, CrashPlan::never()).unwrap();
    for n in 0..20 {
        aws.sqs
            .send("SendQueue", NewMessage::text(n.to_string()))
            .unwrap();
    }
    let mut heard = Vec::new();
    let enough = async {
        while heard.len() < 20 || !heard.contains(&"tick".to_owned()) {
            heard.push(reports.recv().await.unwrap());
        }
    };
    // A thousand times as often: the first tick comes after 60 ms.
    wiring.run(1000, enough).await;
    heard.retain(|body| body != "tick");
    heard.sort_by_key(|body| body.parse::<u32>().unwrap());
    let expected: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn a_function_that_overruns_its_time_is_stopped() {
    let mut template = small();
    template.functions.get_mut("ApiFunction").unwrap().timeout_s = 0;
    let aws = Aws::start(&template, SharedClock::system()).await.unwrap();
    let function = Function::new(|_, _| pending());
    let functions = [("ApiFunction".to_owned(), function)];
    let wiring = Wiring::new(&aws, functions, CrashPlan::never()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = wiring.front(listener).unwrap();
    let response = reqwest::get(format!("{}/v1/slow", front.url))
        .await
        .unwrap();
    assert_eq!(response.status(), 503);
}
