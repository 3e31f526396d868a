//! `POST /{version}/{phone number id}/messages`.

use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::{ArrivedAt, Reset, Shared, check_version};
use crate::clock::later;
use crate::refusal::Refusal;
use crate::wire::SendRequest;
use crate::world::{Incoming, Verdict};

pub(super) async fn send(
    State(shared): State<Arc<Shared>>,
    Extension(ArrivedAt(arrived_at)): Extension<ArrivedAt>,
    Path((version, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = check_version(&version)
        .and_then(|()| shared.authorise(&headers))
        .and_then(|()| parse(&body));
    let incoming = Incoming {
        arrived_at,
        phone_number_id: &id,
        request,
    };
    let verdict = shared.world().receive(incoming);
    shared.wake.notify_one();
    if !verdict.wait.is_zero() {
        let until = later(shared.clock.now(), verdict.wait);
        shared.clock.sleep_until(until).await;
    }
    answer(verdict)
}

fn parse(body: &[u8]) -> Result<SendRequest, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        // The error's own text may quote the body.
        let place = format!("line {} column {}", error.line(), error.column());
        Refusal::new(100, format!("body is not a message: {place}"))
    })
}

fn answer(verdict: Verdict) -> Response {
    let mut answer = Response::new(Body::from(verdict.body));
    *answer.status_mut() =
        StatusCode::from_u16(verdict.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    if verdict.reset {
        answer.extensions_mut().insert(Reset);
    }
    answer
}
