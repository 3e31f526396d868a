//! The two routes. Nothing but status codes leaves, and the challenge.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{HeaderMap, X_CONTENT_TYPE_OPTIONS};
use platform::fault::{Fault, chain};
use platform::metrics::Metrics;
use platform::whatsapp::signature::{self, RawBody};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::{Deps, delivery, page};

/// Most bytes of a body: Meta sends at most 3 MB.
pub const BODY_MAX: usize = 3 * 1024 * 1024;

/// The whole function as one service.
pub fn router(deps: Deps) -> Router {
    Router::new()
        .route("/webhook", get(subscribe).post(deliver))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .merge(page::routes())
        .with_state(Arc::new(deps))
}

/// What Meta asks when somebody subscribes this address.
#[derive(Deserialize)]
struct Challenge {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.verify_token", default)]
    verify_token: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
}

/// Repeats the challenge to whoever knows the verify token.
async fn subscribe(
    State(deps): State<Arc<Deps>>,
    query: Result<Query<Challenge>, QueryRejection>,
) -> Response {
    let Ok(Query(asked)) = query else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let expected = match deps.secrets.read(&deps.verify_token_secret).await {
        Ok(expected) => expected,
        Err(fault) => return failed(&deps, &fault),
    };
    if asked.mode == "subscribe" && same(&asked.verify_token, &expected) {
        // Text, and nothing that a browser could take for a page.
        ([(X_CONTENT_TYPE_OPTIONS, "nosniff")], asked.challenge).into_response()
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

/// Whether a word is the secret one, in time that does not tell how much of it
/// is right. An empty secret is nobody's.
fn same(given: &str, secret: &SecretString) -> bool {
    let secret = secret.expose_secret().trim();
    !secret.is_empty() && bool::from(given.as_bytes().ct_eq(secret.as_bytes()))
}

/// Takes a delivery. Only 200 ends Meta's repetitions.
async fn deliver(
    State(deps): State<Arc<Deps>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> StatusCode {
    let Some(signature) = headers
        .get(signature::HEADER)
        .and_then(|header| header.to_str().ok())
    else {
        return StatusCode::UNAUTHORIZED;
    };
    let body = match body {
        Ok(body) => RawBody::new(body.into()),
        Err(rejection) => return rejection.status(),
    };
    let secrets = match deps.secrets.read_both(&deps.app_secret_secret).await {
        Ok(secrets) => usable(secrets),
        Err(fault) => return failed(&deps, &fault).status(),
    };
    let Ok(body) = body.verify(signature, &secrets) else {
        return StatusCode::UNAUTHORIZED;
    };
    match delivery::deliver(&body, &deps).await {
        Ok(()) => StatusCode::OK,
        Err(delivery::Incomplete) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The secrets that can sign: an empty one would let anybody do so.
fn usable(secrets: Vec<SecretString>) -> Vec<SecretString> {
    secrets
        .into_iter()
        .map(|secret| SecretString::from(secret.expose_secret().trim()))
        .filter(|secret| !secret.expose_secret().is_empty())
        .collect()
}

/// A secret could not be read: nobody can be believed now.
fn failed(deps: &Deps, fault: &Fault) -> Response {
    tracing::error!(error = chain(fault), "webhook cannot tell who calls");
    let mut metrics = Metrics::of("webhook");
    metrics.count("Failed", 1);
    metrics.emit(deps.clock.now(), deps.metrics);
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

#[cfg(test)]
mod tests;
