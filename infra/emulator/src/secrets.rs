//! Secrets Manager: reading and writing secrets by name or ARN.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use platform::clock::SharedClock;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::account::arn;
use crate::ids::Ids;

/// All secrets; cheap to clone, every clone is the same store.
#[derive(Clone)]
pub struct Secrets(Arc<Store>);

struct Store {
    clock: SharedClock,
    ids: Ids,
    secrets: Mutex<BTreeMap<String, Versions>>,
}

/// The two values that exist at a time, so that a rotation breaks nobody.
struct Versions {
    current: Version,
    previous: Option<Version>,
}

#[derive(Clone)]
struct Version {
    id: String,
    value: String,
    created: Timestamp,
}

impl Secrets {
    /// A store without secrets.
    pub fn new(clock: SharedClock) -> Self {
        let ids = Ids::new(clock.now());
        Self(Arc::new(Store {
            clock,
            ids,
            secrets: Mutex::default(),
        }))
    }

    /// Gives the secret `name` a new value; the one before stays readable as
    /// `AWSPREVIOUS`.
    pub fn put(&self, name: &str, value: impl Into<String>) {
        let version = Version {
            id: self.0.ids.mint(),
            value: value.into(),
            created: self.0.clock.now(),
        };
        self.put_version(name, version);
    }

    /// Answers the AWS SDK on `listener`, for ever.
    pub async fn serve(&self, listener: TcpListener) {
        let router = Router::new().fallback(answer).with_state(self.clone());
        // Serving ends only with the task that serves.
        drop(axum::serve(listener, router).await);
    }

    fn put_version(&self, name: &str, version: Version) {
        let mut secrets = self
            .0
            .secrets
            .lock()
            .expect("no holder of the secrets panics");
        let before = secrets.remove(name);
        let versions = Versions {
            current: version,
            previous: before.map(|before| before.current),
        };
        secrets.insert(name.to_owned(), versions);
    }

    fn call(&self, operation: &str, body: &[u8]) -> Result<Value, Refusal> {
        let request: Request = serde_json::from_slice(body).map_err(|_| Refusal::Invalid)?;
        match operation {
            "GetSecretValue" => self.read(&request),
            "PutSecretValue" => self.write(&request),
            _ => Err(Refusal::Unsupported),
        }
    }

    fn read(&self, request: &Request) -> Result<Value, Refusal> {
        let name = request.name();
        let secrets = self
            .0
            .secrets
            .lock()
            .expect("no holder of the secrets panics");
        let versions = secrets.get(name).ok_or(Refusal::NotFound)?;
        let stage = request.version_stage.as_deref().unwrap_or("AWSCURRENT");
        let version = match stage {
            "AWSCURRENT" => Some(&versions.current),
            "AWSPREVIOUS" => versions.previous.as_ref(),
            _ => None,
        };
        let version = version.ok_or(Refusal::NotFound)?;
        Ok(json!({
            "ARN": secret_arn(name),
            "Name": name,
            "VersionId": version.id,
            "SecretString": version.value,
            "VersionStages": [stage],
            "CreatedDate": version.created.as_second(),
        }))
    }

    fn write(&self, request: &Request) -> Result<Value, Refusal> {
        let name = request.name();
        let exists = {
            let secrets = self
                .0
                .secrets
                .lock()
                .expect("no holder of the secrets panics");
            secrets.contains_key(name)
        };
        if !exists {
            return Err(Refusal::NotFound);
        }
        let version = Version {
            id: request
                .client_request_token
                .clone()
                .unwrap_or_else(|| self.0.ids.mint()),
            value: request.secret_string.clone().ok_or(Refusal::Invalid)?,
            created: self.0.clock.now(),
        };
        let answer = json!({
            "ARN": secret_arn(name),
            "Name": name,
            "VersionId": version.id,
            "VersionStages": ["AWSCURRENT"],
        });
        self.put_version(name, version);
        Ok(answer)
    }
}

/// Shows no values.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// The ARN of the secret `name`, with the six characters that AWS appends.
pub fn secret_arn(name: &str) -> String {
    arn("secretsmanager", &format!("secret:{name}{SUFFIX}"))
}

const SUFFIX: &str = "-000000";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    secret_id: String,
    #[serde(default)]
    version_stage: Option<String>,
    #[serde(default)]
    secret_string: Option<String>,
    #[serde(default)]
    client_request_token: Option<String>,
}

impl Request {
    /// The name behind a name or an ARN, with or without its last characters.
    fn name(&self) -> &str {
        match self.secret_id.split_once(":secret:") {
            Some((_, name)) => name.strip_suffix(SUFFIX).unwrap_or(name),
            None => &self.secret_id,
        }
    }
}

enum Refusal {
    Invalid,
    NotFound,
    Unsupported,
}

async fn answer(State(secrets): State<Secrets>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.strip_prefix("secretsmanager."));
    let (status, body) = match secrets.call(operation.unwrap_or_default(), &body) {
        Ok(body) => (StatusCode::OK, body),
        Err(refusal) => {
            let (kind, message) = match refusal {
                Refusal::Invalid => ("InvalidRequestException", "the request is not valid"),
                Refusal::NotFound => (
                    "ResourceNotFoundException",
                    "Secrets Manager can't find the specified secret.",
                ),
                Refusal::Unsupported => ("InvalidRequestException", "operation not emulated"),
            };
            (
                StatusCode::BAD_REQUEST,
                json!({"__type": kind, "Message": message}),
            )
        }
    };
    let mut response = (status, body.to_string()).into_response();
    let json = HeaderValue::from_static("application/x-amz-json-1.1");
    response.headers_mut().insert("content-type", json);
    response
}
