//! The AWS JSON 1.0 protocol of SQS: `X-Amz-Target: AmazonSQS.<Operation>`.

mod attributes;
mod batch;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::message::{Attribute, AttributeValue, NewMessage, Received, attributes_md5};
use super::{Sqs, SqsError, queue_arn};
use crate::account::ACCOUNT;

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

/// A message to send, alone (with its queue) or in a batch (with its id).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawMessage {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    id: String,
    message_body: String,
    #[serde(default)]
    message_attributes: Option<BTreeMap<String, RawAttribute>>,
    #[serde(default)]
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_group_id: Option<String>,
}

impl RawMessage {
    fn read(self) -> Result<NewMessage, SqsError> {
        let attributes = self.message_attributes.into_iter().flatten();
        let attributes = attributes.map(|(name, attribute)| Ok((name, attribute.read()?)));
        Ok(NewMessage {
            body: self.message_body,
            attributes: attributes.collect::<Result<_, SqsError>>()?,
            delay: self.delay_seconds.map(SignedDuration::from_secs),
            group: self.message_group_id,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawAttribute {
    data_type: String,
    #[serde(default)]
    string_value: Option<String>,
    #[serde(default)]
    binary_value: Option<String>,
}

impl RawAttribute {
    fn read(self) -> Result<Attribute, SqsError> {
        let base = self.data_type.split('.').next().unwrap_or_default();
        let value = match (base, self.string_value, self.binary_value) {
            ("String" | "Number", Some(text), None) if !text.is_empty() => {
                AttributeValue::String(text)
            }
            ("Binary", None, Some(encoded)) => {
                let decoded = BASE64.decode(encoded);
                let decoded =
                    decoded.map_err(|_| SqsError::InvalidParameter("BinaryValue is not base64"))?;
                AttributeValue::Binary(decoded)
            }
            _ => {
                return Err(SqsError::InvalidParameter(
                    "a message attribute has one value, of its type",
                ));
            }
        };
        Ok(Attribute {
            kind: self.data_type,
            value,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receive {
    queue_url: String,
    #[serde(default)]
    max_number_of_messages: Option<usize>,
    #[serde(default)]
    visibility_timeout: Option<u32>,
    #[serde(default)]
    wait_time_seconds: Option<u32>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

impl Receive {
    /// The message with the attributes this request asks for.
    fn show(&self, message: &Received) -> Value {
        let mut system = system_attributes(message);
        let asked = |name: &String| {
            let mut names = self
                .attribute_names
                .iter()
                .chain(&self.message_system_attribute_names);
            names.any(|asked| asked == "All" || asked == name)
        };
        system.retain(|name, _| asked(name));
        let mut attributes = message.attributes.clone();
        attributes.retain(|name, _| {
            self.message_attribute_names.iter().any(|asked| {
                let prefix = asked.strip_suffix(".*");
                asked == "All"
                    || asked == ".*"
                    || asked == name
                    || prefix.is_some_and(|prefix| name.starts_with(prefix))
            })
        });
        let mut shown = json!({
            "MessageId": message.id,
            "ReceiptHandle": message.receipt,
            "Body": message.body,
            "MD5OfBody": message.body_md5,
        });
        if !system.is_empty() {
            shown["Attributes"] = json!(system);
        }
        if let Some(md5) = attributes_md5(&attributes) {
            let values = attributes
                .iter()
                .map(|(name, attribute)| (name.clone(), show(attribute)));
            shown["MessageAttributes"] = Value::Object(values.collect());
            shown["MD5OfMessageAttributes"] = md5.into();
        }
        shown
    }
}

fn show(attribute: &Attribute) -> Value {
    match &attribute.value {
        AttributeValue::Binary(bytes) => {
            json!({"DataType": attribute.kind, "BinaryValue": BASE64.encode(bytes)})
        }
        AttributeValue::String(text) => json!({"DataType": attribute.kind, "StringValue": text}),
    }
}

/// The attributes that SQS itself adds to `message`, by name.
pub(crate) fn system_attributes(message: &Received) -> BTreeMap<String, String> {
    let milliseconds = |time: jiff::Timestamp| time.as_millisecond().to_string();
    let mut attributes = BTreeMap::from([
        (
            "ApproximateFirstReceiveTimestamp".to_owned(),
            milliseconds(message.first_received),
        ),
        (
            "ApproximateReceiveCount".to_owned(),
            message.receives.to_string(),
        ),
        ("SenderId".to_owned(), ACCOUNT.to_owned()),
        ("SentTimestamp".to_owned(), milliseconds(message.sent)),
    ]);
    if let Some(group) = &message.group {
        attributes.insert("MessageGroupId".to_owned(), group.clone());
    }
    if let Some(source) = &message.source {
        attributes.insert("DeadLetterQueueSourceArn".to_owned(), queue_arn(source));
    }
    attributes
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
