//! The AWS SDK's HTTP client in layers: each sees every request on its way out
//! and every answer on its way back.
//!
//! [`CrashPlan`](crate::crash::CrashPlan), [`Faults`](crate::faults::Faults),
//! [`Access`](crate::access::Access) and [`Meter`](crate::meter::Meter) are
//! layers; a test puts together those it needs and hands the result to
//! [`Aws::sdk_config_over`](crate::aws::Aws::sdk_config_over).

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use platform::clock::SharedClock;

/// Something that stands between the SDK and the network.
pub trait Layer: fmt::Debug + Send + Sync + 'static {
    /// Answers `request`, by way of `next` or without it. The SDK calls this
    /// from within the task of whoever made the request.
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture;
}

/// A client without layers, for loopback: plain HTTP.
pub fn plain() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// Puts `layer` in front of `inner`.
pub fn layered(layer: impl Layer, inner: SharedHttpClient) -> SharedHttpClient {
    let layer = Arc::new(layer);
    SharedHttpClient::new(Layered { layer, inner })
}

/// Dates every answer of the tables by `clock`, as the cloud's servers date
/// theirs. The other services judge signatures by the wall's clock, and the SDK
/// signs by the dates it sees.
pub(crate) fn dated(clock: SharedClock, inner: SharedHttpClient) -> SharedHttpClient {
    layered(Dated(clock), inner)
}

#[derive(Debug)]
struct Dated(SharedClock);

impl Layer for Dated {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let of_tables = Operation::of(&request).service == "dynamodb";
        let (clock, answer) = (self.0.clone(), next.call(request));
        if !of_tables {
            return answer;
        }
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await?;
            let date = clock
                .now()
                .strftime("%a, %d %b %Y %H:%M:%S GMT")
                .to_string();
            answer.headers_mut().insert("date", date);
            Ok(answer)
        })
    }
}

#[derive(Debug)]
struct Layered {
    layer: Arc<dyn Layer>,
    inner: SharedHttpClient,
}

impl HttpClient for Layered {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(LayeredConnector {
            layer: Arc::clone(&self.layer),
            inner: self.inner.http_connector(settings, components),
        })
    }
}

#[derive(Debug)]
struct LayeredConnector {
    layer: Arc<dyn Layer>,
    inner: SharedHttpConnector,
}

impl HttpConnector for LayeredConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.layer.call(request, &self.inner)
    }
}

/// Where the paths of AWS End User Messaging Social begin; no bucket has so short
/// a name.
const SOCIAL: &str = "/v1/whatsapp/";

/// Its operations that this service knows, by method and the rest of the path.
const SOCIAL_OPERATIONS: [(&str, &str, &str); 5] = [
    ("POST", "send", "SendWhatsAppMessage"),
    ("POST", "media", "PostWhatsAppMessageMedia"),
    ("GET", "waba/details", "GetLinkedWhatsAppBusinessAccount"),
    ("GET", "template/list", "ListWhatsAppMessageTemplates"),
    ("GET", "template", "GetWhatsAppMessageTemplate"),
];

/// What a request asks for: `dynamodb` and `UpdateItem`, or `s3` and `PUT`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// The service, as IAM abbreviates it.
    pub service: &'static str,
    /// The operation; for S3 the method.
    pub name: String,
}

impl Operation {
    /// Reads it off the headers.
    pub fn of(request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target");
        let uri: http::Uri = request.uri().parse().unwrap_or_default();
        if let Some(rest) = uri.path().strip_prefix(SOCIAL) {
            let mut known = SOCIAL_OPERATIONS.iter();
            let known =
                known.find(|(method, path, _)| *method == request.method() && *path == rest);
            return Self {
                service: "social-messaging",
                name: known.map_or("Unknown", |(_, _, name)| name).to_owned(),
            };
        }
        let Some((prefix, name)) = target.and_then(|target| target.split_once('.')) else {
            return Self {
                service: "s3",
                name: request.method().to_owned(),
            };
        };
        let service = match prefix {
            "AmazonSQS" => "sqs",
            "secretsmanager" => "secretsmanager",
            _ => "dynamodb",
        };
        Self {
            service,
            name: name.to_owned(),
        }
    }

    /// Whether it changes nothing. Receiving from a queue does: it hides the
    /// message.
    pub fn reads(&self) -> bool {
        matches!(
            (self.service, self.name.as_str()),
            (
                "dynamodb",
                "BatchGetItem" | "GetItem" | "Query" | "Scan" | "TransactGetItems"
            ) | ("s3", "GET" | "HEAD")
                | ("secretsmanager", "GetSecretValue")
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, self.name)
    }
}
