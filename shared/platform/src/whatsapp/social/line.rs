//! The line that the SDK's requests take: our own client, and a note of whether
//! anything went out on it.

use std::cell::Cell;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use crate::whatsapp::client::UPLOAD_TIME;

/// How far a request came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Left {
    /// It may have left.
    Bytes,
    /// No open connection was free.
    NoConnection,
    /// It never came to the line.
    Nothing,
}

tokio::task_local! {
    static LEFT: Cell<Left>;
}

impl Left {
    /// Runs `call`, and says how far its request came.
    pub(super) async fn watch<T>(call: impl Future<Output = T>) -> (T, Self) {
        let watched = async {
            let answer = call.await;
            (answer, LEFT.with(Cell::get))
        };
        LEFT.scope(Cell::new(Self::Nothing), watched).await
    }

    fn note(self) {
        // Nobody watches calls that may be made again.
        let _ = LEFT.try_with(|left| left.set(self));
    }
}

/// A connector of the SDK over our own client, which keeps the gate.
#[derive(Clone, Debug)]
pub(super) struct Line(reqwest::Client);

/// Files take longer than messages.
const MEDIA_PATH: &str = "/v1/whatsapp/media";

impl Line {
    /// The SDK's client over `http`.
    pub(super) fn client(http: reqwest::Client) -> SharedHttpClient {
        let line = SharedHttpConnector::new(Self(http));
        http_client_fn(move |_, _| line.clone())
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.0.clone();
        HttpConnectorFuture::new(exchange(http, request))
    }
}

async fn exchange(
    http: reqwest::Client,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let user = |error| ConnectorError::user(Box::new(error));
    let request = request.try_into_http1x().map_err(user)?;
    let (head, body) = request.into_parts();
    let body = body.bytes().map(<[u8]>::to_vec).unwrap_or_default();
    let mut call = http
        .request(head.method, head.uri.to_string())
        .headers(head.headers)
        .body(body);
    if head.uri.path() == MEDIA_PATH {
        call = call.timeout(UPLOAD_TIME);
    }
    Left::Bytes.note();
    let answer = call.send().await.map_err(|error| {
        if error.is_connect() {
            Left::NoConnection.note();
        }
        failed(error)
    })?;
    let mut response = http::Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let body = answer.bytes().await.map_err(failed)?;
    let response = response
        .body(SdkBody::from(Vec::from(body)))
        .map_err(|error| ConnectorError::other(Box::new(error), None))?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(Box::new(error), None))
}

/// A failure without the address, which may carry names.
fn failed(error: reqwest::Error) -> ConnectorError {
    let error = error.without_url();
    if error.is_timeout() {
        ConnectorError::timeout(Box::new(error))
    } else {
        ConnectorError::io(Box::new(error))
    }
}
