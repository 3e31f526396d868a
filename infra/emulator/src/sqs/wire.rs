//! The AWS JSON 1.0 protocol of SQS: `X-Amz-Target: AmazonSQS.<Operation>`.

mod attributes;
mod batch;
mod message;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Sqs, SqsError};
use crate::account::ACCOUNT;

pub(crate) use message::system_attributes;

use message::{RawMessage, Receive};

/// What a request may be long at most: a full batch, with room for its JSON
/// escapes.
const MAX_REQUEST_BYTES: usize = 8 * super::MAX_BYTES;

pub(super) async fn serve(sqs: Sqs, listener: TcpListener) {
    let url = listener
        .local_addr()
        .map(|address| format!("http://{address}"));
    let server = Server {
        sqs,
        url: url.unwrap_or_default(),
    };
    let router = Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(server);
    // Serving ends only with the task that serves.
    drop(axum::serve(listener, router).await);
}

#[derive(Clone, Debug)]
struct Server {
    sqs: Sqs,
    url: String,
}

async fn answer(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.strip_prefix("AmazonSQS."));
    let answer = server.call(operation.unwrap_or_default(), &body).await;
    let (status, code, body) = match answer {
        Ok(body) => (StatusCode::OK, None, body),
        Err(error) => {
            let code = error.code();
            let kind = code.rsplit('.').next().unwrap_or(code);
            let body = json!({"__type": format!("com.amazonaws.sqs#{kind}"), "message": error.to_string()});
            (StatusCode::BAD_REQUEST, Some(code), body)
        }
    };
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        http::HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    if let Some(code) = code
        && let Ok(value) = format!("{code};Sender").parse()
    {
        headers.insert("x-amzn-query-error", value);
    }
    response
}

impl Server {
    async fn call(&self, operation: &str, body: &[u8]) -> Result<Value, SqsError> {
        match operation {
            "ChangeMessageVisibility" => self.change_visibility(parse(body)?),
            "ChangeMessageVisibilityBatch" => self.change_visibility_batch(parse(body)?),
            "CreateQueue" => self.create(parse(body)?),
            "DeleteMessage" => self.delete(parse(body)?),
            "DeleteMessageBatch" => self.delete_batch(parse(body)?),
            "DeleteQueue" => {
                let Named { queue_url } = parse(body)?;
                self.sqs.remove(name(&queue_url)?)?;
                Ok(json!({}))
            }
            "GetQueueAttributes" => self.attributes(parse(body)?),
            "GetQueueUrl" => self.url_of(parse(body)?),
            "ListQueues" => self.list(parse(body)?),
            "PurgeQueue" => {
                let Named { queue_url } = parse(body)?;
                self.sqs.purge(name(&queue_url)?)?;
                Ok(json!({}))
            }
            "ReceiveMessage" => self.receive(parse(body)?).await,
            "SendMessage" => self.send(parse(body)?),
            "SendMessageBatch" => self.send_batch(parse(body)?),
            "SetQueueAttributes" => self.configure(parse(body)?),
            _ => Err(SqsError::Unsupported("the operation is not emulated")),
        }
    }

    fn send(&self, request: RawMessage) -> Result<Value, SqsError> {
        let queue_url = request.queue_url.clone();
        let sent = self.sqs.send(name(&queue_url)?, request.read()?)?;
        Ok(json!({
            "MessageId": sent.id,
            "MD5OfMessageBody": sent.body_md5,
            "MD5OfMessageAttributes": sent.attributes_md5,
        }))
    }

    async fn receive(&self, request: Receive) -> Result<Value, SqsError> {
        let queue = name(&request.queue_url)?;
        let max = request.max_number_of_messages.unwrap_or(1);
        if !(1..=10).contains(&max) {
            return Err(SqsError::InvalidParameter(
                "MaxNumberOfMessages must be from 1 to 10",
            ));
        }
        if request.wait_time_seconds.is_some_and(|wait| wait > 20) {
            return Err(SqsError::InvalidParameter(
                "WaitTimeSeconds must be from 0 to 20",
            ));
        }
        let visibility = request.visibility_timeout.map(visibility).transpose()?;
        let wait = match request.wait_time_seconds {
            Some(wait) => SignedDuration::from_secs(wait.into()),
            None => self.sqs.settings(queue)?.wait,
        };
        let received = self.sqs.poll(queue, max, visibility, wait).await?;
        if received.is_empty() {
            return Ok(json!({}));
        }
        let shown: Vec<_> = received
            .iter()
            .map(|message| request.show(message))
            .collect();
        Ok(json!({ "Messages": shown }))
    }

    fn delete(&self, request: Delete) -> Result<Value, SqsError> {
        self.sqs
            .delete(name(&request.queue_url)?, &request.receipt_handle)?;
        Ok(json!({}))
    }

    fn change_visibility(&self, request: ChangeVisibility) -> Result<Value, SqsError> {
        let visibility = visibility(request.visibility_timeout)?;
        let queue = name(&request.queue_url)?;
        self.sqs
            .change_visibility(queue, &request.receipt_handle, visibility)?;
        Ok(json!({}))
    }

    fn url_of(&self, request: GetUrl) -> Result<Value, SqsError> {
        self.sqs.settings(&request.queue_name)?;
        Ok(json!({ "QueueUrl": self.url(&request.queue_name) }))
    }

    fn list(&self, request: List) -> Result<Value, SqsError> {
        let names = self.sqs.names().into_iter();
        let wanted = names.filter(|name| name.starts_with(&request.queue_name_prefix));
        let urls: Vec<_> = wanted.map(|name| self.url(&name)).collect();
        Ok(json!({ "QueueUrls": urls }))
    }

    fn url(&self, queue: &str) -> String {
        queue_url(&self.url, queue)
    }
}

/// The URL of `queue` on the server at `server`.
pub(crate) fn queue_url(server: &str, queue: &str) -> String {
    format!("{server}/{ACCOUNT}/{queue}")
}

/// The name of the queue at `url`.
fn name(url: &str) -> Result<&str, SqsError> {
    let owner_and_name = url.rsplit_once('/');
    let owned = owner_and_name.filter(|(owner, _)| owner.ends_with(ACCOUNT));
    owned
        .map(|(_, name)| name)
        .ok_or(SqsError::QueueDoesNotExist)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body)
        .map_err(|_| SqsError::InvalidParameter("the request is not what the operation takes"))
}

fn visibility(seconds: u32) -> Result<SignedDuration, SqsError> {
    match seconds {
        0..=43_200 => Ok(SignedDuration::from_secs(seconds.into())),
        _ => Err(SqsError::InvalidParameter(
            "VisibilityTimeout must be from 0 to 43200",
        )),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetUrl {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    #[serde(default)]
    queue_name_prefix: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    queue_url: String,
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeVisibility {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: u32,
}
