//! How fast, and how soon.

use anyhow::ensure;
use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use emulator::client::{Layer, Operation, layered};
use http::StatusCode;
use platform::clock::SharedClock;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;

use crate::inbound::Stand;
use crate::inbound::load::{self, Sent};

/// What one core takes.
#[derive(Debug, Serialize)]
pub(super) struct Speed {
    pub(super) updates_per_post: u32,
    pub(super) posts: u32,
    /// Updates per second and core: verified, read, and handed to the queue's
    /// client; the queue itself is not counted.
    pub(super) updates_per_second: f64,
}

/// How long answers take.
#[derive(Debug, Serialize)]
pub(super) struct Time {
    pub(super) bodies: &'static str,
    pub(super) posts: u32,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
    /// The part of the answers that took longer than a second.
    pub(super) over_a_second: f64,
    /// Of one environment, which answers one POST after another.
    pub(super) updates_per_second: f64,
}

/// Bodies of one status, and of many, with a queue that answers at once.
pub(super) async fn speeds(posts: u32) -> anyhow::Result<Vec<Speed>> {
    let mut speeds = Vec::new();
    for updates in [1, 10, 100, 1_000] {
        let posts = (posts / updates.min(100)).max(20);
        let stand = Stand::build(|inner| layered(QueueAtOnce, inner), true).await?;
        let body = body(&stand, 0, updates);
        // The first one reads secrets and the number.
        ensure!(stand.post(body.clone()).await? == StatusCode::OK);
        let wall = SharedClock::system();
        let began = wall.now();
        for _ in 0..posts {
            ensure!(stand.post(body.clone()).await? == StatusCode::OK);
        }
        let seconds = wall.now().duration_since(began).as_secs_f64();
        speeds.push(Speed {
            updates_per_post: updates,
            posts,
            updates_per_second: f64::from(posts) * f64::from(updates) / seconds,
        });
    }
    Ok(speeds)
}

/// Bodies one after another, as one environment of Lambda gets them.
pub(super) async fn times(posts: u32, seed: u64) -> anyhow::Result<Vec<Time>> {
    let stand = Stand::build(|inner| inner, true).await?;
    let mut times = Vec::new();
    let mut rng = SmallRng::seed_from_u64(seed);
    type Make<'a> = &'a dyn Fn(&Stand, u32) -> Vec<u8>;
    let ones: Make<'_> = &|stand, n| body(stand, n, 1);
    let hundreds: Make<'_> = &|stand, n| body(stand, n, 100);
    let stops: Make<'_> = &|_, n| load::body(&[], &[load::text(Sent(n), "STOP")]);
    let full: Make<'_> = &|stand, n| body(stand, n, 1_000);
    for (bodies, updates, share, make) in [
        ("one status", 1, 1, ones),
        ("a hundred statuses", 100, 10, hundreds),
        ("a thousand statuses", 1_000, 100, full),
        ("a stop", 1, 4, stops),
    ] {
        let posts = (posts / share).max(20);
        let mut taken = Vec::new();
        for _ in 0..posts {
            let body = make(&stand, rng.random_range(0..10_000_000));
            let wall = SharedClock::system();
            let began = wall.now();
            ensure!(stand.post(body).await? == StatusCode::OK);
            taken.push(wall.now().duration_since(began).as_secs_f64() * 1_000.0);
        }
        stand.forget()?;
        taken.sort_by(f64::total_cmp);
        let slow = taken.iter().filter(|ms| **ms > 1_000.0).count();
        let seconds = taken.iter().sum::<f64>() / 1_000.0;
        times.push(Time {
            bodies,
            posts,
            p50_ms: at(&taken, 0.5),
            p99_ms: at(&taken, 0.99),
            max_ms: at(&taken, 1.0),
            over_a_second: slow as f64 / taken.len() as f64,
            updates_per_second: f64::from(updates) * f64::from(posts) / seconds,
        });
    }
    Ok(times)
}

/// A quantile of a sorted list.
fn at(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = (last as f64 * share).ceil() as usize;
    sorted.get(place).copied().unwrap_or_default()
}

fn body(stand: &Stand, first: u32, updates: u32) -> Vec<u8> {
    let statuses: Vec<_> = (first..first + updates)
        .map(|n| load::status(stand.campaign, Sent(n), "delivered"))
        .collect();
    load::body(&statuses, &[])
}

/// A queue that takes everything and costs nothing.
#[derive(Debug)]
struct QueueAtOnce;

impl Layer for QueueAtOnce {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        if Operation::of(&request).service != "sqs" {
            return next.call(request);
        }
        let taken = SdkBody::from(r#"{"Successful":[],"Failed":[]}"#);
        let status = 200_u16.try_into().expect("it is a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, taken)))
    }
}
