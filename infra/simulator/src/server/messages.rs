//! `POST /{version}/{phone number id}/messages`, and `/marketing_messages`.

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
use crate::world::{Incoming, Route, Verdict};

/// The parts of a request that say whose it is and when it came.
type Head = (
    State<Arc<Shared>>,
    Extension<ArrivedAt>,
    Path<(String, String)>,
    HeaderMap,
);

pub(super) async fn send(head: Head, body: Bytes) -> Response {
    take(head, Route::Messages, &body).await
}

pub(super) async fn send_marketing(head: Head, body: Bytes) -> Response {
    take(head, Route::Marketing, &body).await
}

async fn take(head: Head, route: Route, body: &[u8]) -> Response {
    let (State(shared), Extension(ArrivedAt(arrived_at)), Path((version, id)), headers) = head;
    let request = check_version(&version)
        .and_then(|()| shared.authorise(&headers))
        .and_then(|()| parse(body));
    let incoming = Incoming {
        arrived_at,
        phone_number_id: &id,
        route,
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

pub(super) fn parse(body: &[u8]) -> Result<SendRequest, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        // The error's own text may quote the body.
        let place = format!("line {} column {}", error.line(), error.column());
        Refusal::new(100, format!("body is not a message: {place}"))
    })
}

pub(super) fn answer(verdict: Verdict) -> Response {
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
