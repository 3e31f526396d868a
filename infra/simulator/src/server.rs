//! The Graph API on the loopback interface, and beside it Amazon's.

mod catalog;
mod media;
mod messages;
mod social;

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::clock::Clock;
use crate::refusal::Refusal;
use crate::world::World;

/// The oldest version of the API that is still served.
const OLDEST_VERSION: u32 = 20;

/// What requests, webhooks and the driver share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    world: Mutex<World>,
    access_tokens: Mutex<Vec<SecretString>>,
    /// Told whenever something new may be due.
    pub(crate) wake: Notify,
}

impl Shared {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        world: World,
        access_tokens: Vec<SecretString>,
    ) -> Self {
        Self {
            clock,
            world: Mutex::new(world),
            access_tokens: Mutex::new(access_tokens),
            wake: Notify::new(),
        }
    }

    /// The world. A panic elsewhere does not end the measurement.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_access_tokens(&self, tokens: Vec<SecretString>) {
        *self
            .access_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = tokens;
    }

    /// Whether the caller holds a good token.
    fn authorise(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let header = headers
            .get(header::AUTHORIZATION)
            .ok_or_else(|| Refusal::new(200, "no access token"))?;
        let token = header
            .to_str()
            .ok()
            .and_then(|header| header.strip_prefix("Bearer "))
            .ok_or_else(|| Refusal::new(0, "authorization is not a bearer token"))?;
        let tokens = self
            .access_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_good = |good: &SecretString| {
            let good = good.expose_secret().as_bytes();
            bool::from(good.ct_eq(token.as_bytes()))
        };
        if tokens.iter().any(is_good) {
            Ok(())
        } else {
            Err(Refusal::new(190, "access token is not valid"))
        }
    }
}

/// Takes connections for as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = router(Arc::clone(&shared));
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let clock = Arc::clone(&shared.clock);
            connections.spawn(serve_connection(stream, router.clone(), clock));
        }
        while connections.try_join_next().is_some() {}
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/{version}/{id}", get(catalog::object))
        .route(
            "/{version}/{id}/marketing_messages",
            post(messages::send_marketing),
        )
        .route("/{version}/{id}/media", post(media::upload))
        .route("/{version}/{id}/message_history", get(catalog::history))
        .route("/{version}/{id}/message_templates", get(catalog::templates))
        .route("/{version}/{id}/messages", post(messages::send))
        .merge(social::routes())
        .fallback(async || refusal_answer(&Refusal::new(2_500, "unknown path components")))
        .with_state(shared)
}

async fn serve_connection(stream: TcpStream, router: Router, clock: Arc<dyn Clock>) {
    // Answers are small and must not wait for company.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ArrivedAt(clock.now()));
        let router = router.clone();
        async move {
            let answer: Result<Response, Infallible> = router.oneshot(request).await;
            let Ok(answer) = answer;
            match answer.extensions().get::<Reset>() {
                Some(Reset) => Err(ResetByPlan),
                None => Ok(answer),
            }
        }
    });
    // An error here is a client that left, or a reset that was planned.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// When the head of a request had been read.
#[derive(Debug, Clone, Copy)]
struct ArrivedAt(Timestamp);

/// Marks an answer that must not be given: the connection ends instead.
#[derive(Debug, Clone, Copy)]
struct Reset;

#[derive(Debug)]
struct ResetByPlan;

impl fmt::Display for ResetByPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection reset by plan")
    }
}

impl std::error::Error for ResetByPlan {}

/// Checks the version in a path, such as `v25.0`.
fn check_version(version: &str) -> Result<(), Refusal> {
    let number = version
        .strip_prefix('v')
        .and_then(|rest| rest.split_once('.'))
        .and_then(|(major, minor)| minor.parse::<u32>().ok().and(major.parse::<u32>().ok()))
        .ok_or_else(|| Refusal::new(2_500, "path does not begin with a version"))?;
    if number < OLDEST_VERSION {
        return Err(Refusal::new(2_635, "version is no longer served"));
    }
    Ok(())
}

fn refusal_answer(refusal: &Refusal) -> Response {
    let body = refusal.to_body("A0".to_owned());
    let status = StatusCode::from_u16(refusal.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    (status, axum::Json(body)).into_response()
}
