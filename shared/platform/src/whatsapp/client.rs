//! One request at a time, never repeated by itself.
//!
//! WhatsApp has no idempotency key (Meta, "Send messages"), so what happened
//! after the first byte left is unknown unless an answer says so. Nothing here
//! retries: not this client, and not the HTTP client below it.

use std::time::Duration;

use policy::ids::MessageId;
use policy::phone::PhoneNumber;
use reqwest::{StatusCode, multipart};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::gate::{self, Gate};
use super::history::{self, HistoryPage};
use super::wire::{self, Message};
use crate::contacts::Claimed;
use crate::fault::Fault;

/// Speaks to one Graph API.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    root: String,
    base: String,
    #[cfg(feature = "testing")]
    witness: Option<Witness>,
}

/// Waits after every request, before its answer is looked at: where a story
/// test kills the process.
#[cfg(feature = "testing")]
#[derive(Clone)]
pub(super) struct Witness(pub(super) std::sync::Arc<Waits>);

#[cfg(feature = "testing")]
type Waits = dyn Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync;

#[cfg(feature = "testing")]
impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Witness")
    }
}

/// The right to speak for a WhatsApp Business Account.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The system user's access token.
    pub token: SecretString,
}

/// Where messages of one number are posted to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Endpoint<'a> {
    /// `marketing_messages`: marketing templates only (Meta, "Marketing Messages
    /// API for WhatsApp").
    MarketingMessages(&'a str),
    /// `messages`: everything.
    Messages(&'a str),
}

impl Endpoint<'_> {
    fn path(self) -> String {
        match self {
            Self::MarketingMessages(number) => format!("{number}/marketing_messages"),
            Self::Messages(number) => format!("{number}/messages"),
        }
    }
}

/// Whether the one request was made.
#[derive(Debug)]
pub enum Sent {
    /// It was, and this came of it.
    Answered(Answer),
    /// No open connection was free at its moment, so no byte left: the claim is
    /// as good as before.
    Unused(Claimed),
    /// It could not even be put together, so no byte left.
    Unmade(Claimed),
}

/// What came of one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// WhatsApp took the message, under this id. Never proof of delivery.
    Accepted {
        /// WhatsApp's message id.
        wamid: MessageId,
    },
    /// WhatsApp answered with an error.
    Refused(Refused),
    /// Bytes left and no answer came, or it made no sense: nobody knows.
    NoAnswer,
}

/// A file for WhatsApp.
#[derive(Clone)]
pub struct MediaFile {
    /// Its name.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// An address from which they may be fetched for some minutes: a secret
    /// until then.
    pub url: String,
}

impl std::fmt::Debug for MediaFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "MediaFile({}, {} bytes)",
            self.media_type,
            self.bytes.len()
        )
    }
}

/// What came of an upload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Uploaded {
    /// WhatsApp keeps it under this id, for 30 days and this number only.
    Kept {
        /// WhatsApp's id of it.
        id: String,
    },
    /// WhatsApp does not take this file, however often it is asked.
    Refused,
}

/// How long an upload may take: 100 MB over a slow line.
pub(super) const UPLOAD_TIME: Duration = Duration::from_secs(60);

/// Codes that speak of the file itself: unsupported, or it could not be taken
/// (Meta, "Error codes").
const FILE_REFUSED: [u32; 2] = [131_051, 131_053];

/// An error answer. Only `code` decides (Meta, "Error codes").
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refused {
    /// Meta's error code, where the body had one.
    pub code: Option<u32>,
    /// The HTTP status, for the log; sources disagree on it.
    pub http_status: u16,
    /// Meta's own hint that a repetition may help.
    pub is_transient: bool,
}

impl Client {
    /// Speaks to `graph_url` (such as `https://graph.facebook.com`) in the
    /// Graph API version `version` (such as `v25.0`).
    pub fn new(graph_url: &str, version: &str) -> Result<Self, Fault> {
        let http = http_client()?;
        let root = format!("{}/", graph_url.trim_end_matches('/'));
        let base = format!("{root}{version}");
        Ok(Self {
            http,
            root,
            base,
            #[cfg(feature = "testing")]
            witness: None,
        })
    }

    /// Lets `witness` wait after every send request, before its answer is
    /// looked at.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn witnessed<F>(mut self, witness: F) -> Self
    where
        F: Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        self.witness = Some(Witness(std::sync::Arc::new(witness)));
        self
    }

    /// Makes the one request that `claimed` allows, on a connection that is
    /// open already: opening one takes longer than a slot may be late.
    pub async fn send(
        &self,
        credentials: &Credentials,
        endpoint: Endpoint<'_>,
        claimed: Claimed,
        to: &PhoneNumber,
        message: &Message,
        callback: &str,
    ) -> Sent {
        let body = wire::SendRequest::new(endpoint, to, message, callback);
        let sent = self
            .http
            .post(format!("{}/{}", self.base, endpoint.path()))
            .bearer_auth(credentials.token.expose_secret())
            .json(&body)
            .send()
            .await;
        if sent.as_ref().is_err_and(reqwest::Error::is_connect) {
            return Sent::Unused(claimed);
        }
        // The claim ends here: whatever comes of it, it allows no second request.
        drop(claimed);
        #[cfg(feature = "testing")]
        if let Some(Witness(witness)) = &self.witness {
            witness().await;
        }
        Sent::Answered(match sent {
            Ok(response) => {
                let status = response.status();
                match response.bytes().await {
                    Ok(body) => read_answer(status, &body),
                    Err(_) => Answer::NoAnswer,
                }
            }
            Err(_) => Answer::NoAnswer,
        })
    }

    /// Sees to it that `connections` are open and free; `false` if any could not
    /// be opened. The calls it makes are for nothing and nobody's: without a
    /// token they count against no account's limit.
    pub async fn warm(&self, connections: usize) -> bool {
        warm(&self.http, &self.root, connections).await
    }

    /// Uploads a file for one number; WhatsApp's id of it (Meta, "Media").
    /// Uploading it again does no harm.
    pub async fn upload(
        &self,
        credentials: &Credentials,
        phone_number_id: &str,
        file: MediaFile,
    ) -> Result<Uploaded, Fault> {
        const OPERATION: &str = "upload a file to WhatsApp";
        let MediaFile {
            name,
            media_type,
            bytes,
            url: _,
        } = file;
        let part = multipart::Part::bytes(bytes)
            .file_name(name)
            .mime_str(&media_type)
            .map_err(|error| Fault::lasting(OPERATION, error))?;
        let form = multipart::Form::new()
            .text("messaging_product", "whatsapp")
            .text("type", media_type)
            .part("file", part);
        let call = self
            .http
            .post(format!("{}/{phone_number_id}/media", self.base))
            .bearer_auth(credentials.token.expose_secret())
            .timeout(UPLOAD_TIME)
            .multipart(form)
            .send();
        let (status, body) = exchange(call, OPERATION).await?;
        if status.is_success() {
            let uploaded: wire::UploadResponse = serde_json::from_slice(body.as_ref())
                .map_err(|error| Fault::passing(OPERATION, error))?;
            return Ok(Uploaded::Kept { id: uploaded.id });
        }
        let error = serde_json::from_slice::<wire::ErrorResponse>(body.as_ref()).ok();
        let code = error.and_then(|error| error.error.code);
        if code.is_some_and(|code| FILE_REFUSED.contains(&code)) {
            return Ok(Uploaded::Refused);
        }
        Err(Fault::passing(
            OPERATION,
            format!("WhatsApp answered {status}"),
        ))
    }

    /// The templates named `name` of an account, in Meta's own JSON.
    pub async fn templates(
        &self,
        credentials: &Credentials,
        waba: &str,
        name: &str,
    ) -> Result<Vec<serde_json::Value>, Fault> {
        const OPERATION: &str = "read templates from WhatsApp";
        let call = self
            .http
            .get(format!("{}/{waba}/message_templates", self.base))
            .query(&[("name", name), ("limit", "100")])
            .bearer_auth(credentials.token.expose_secret())
            .send();
        let listing: wire::TemplateListing = read(call, OPERATION).await?;
        Ok(listing.data)
    }

    /// A page of the messages that a number sent and what became of them, the
    /// first one or the one `after` another (Meta, "WhatsApp Business Account
    /// Message History API").
    pub async fn history(
        &self,
        credentials: &Credentials,
        phone_number_id: &str,
        after: Option<&str>,
    ) -> Result<HistoryPage, Fault> {
        let mut query = vec![("fields", history::Listing::FIELDS), ("limit", "100")];
        query.extend(after.map(|after| ("after", after)));
        let call = self
            .http
            .get(format!("{}/{phone_number_id}/message_history", self.base))
            .query(&query)
            .bearer_auth(credentials.token.expose_secret())
            .send();
        let page: history::Listing = read(call, "read the message history from WhatsApp").await?;
        Ok(page.into())
    }

    /// What WhatsApp says of a number: how fast it may send, to how many people
    /// a day, and whether it may at all (Meta, "Business phone numbers",
    /// "Health status").
    pub async fn number(
        &self,
        credentials: &Credentials,
        phone_number_id: &str,
    ) -> Result<wire::NumberResponse, Fault> {
        let call = self
            .http
            .get(format!("{}/{phone_number_id}", self.base))
            .query(&[("fields", wire::NumberResponse::FIELDS)])
            .bearer_auth(credentials.token.expose_secret())
            .send();
        read(call, "read a number from WhatsApp").await
    }
}

/// A client that opens connections where [`Gate`] lets it, and repeats nothing.
pub(super) fn http_client() -> Result<reqwest::Client, Fault> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(20))
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(1_024)
        .tcp_nodelay(true)
        .connector_layer(gate::layer())
        .build()
        .map_err(|error| Fault::lasting("build the WhatsApp client", error))
}

/// Opens so many connections to where `url` leads; `false` if any could not be.
pub(super) async fn warm(http: &reqwest::Client, url: &str, connections: usize) -> bool {
    let calls = (0..connections).map(|_| async {
        let answer = http.get(url).send().await?;
        // The connection is free again once the answer is read.
        answer.bytes().await
    });
    let answers = Gate::open(futures_util::future::join_all(calls)).await;
    answers.iter().all(Result::is_ok)
}

/// What a call that may be made again answers.
async fn read<T: DeserializeOwned>(
    call: impl Future<Output = Result<reqwest::Response, reqwest::Error>>,
    operation: &'static str,
) -> Result<T, Fault> {
    let (status, body) = exchange(call, operation).await?;
    if !status.is_success() {
        let reason = format!("WhatsApp answered {status}");
        return Err(if status.is_server_error() {
            Fault::passing(operation, reason)
        } else {
            Fault::lasting(operation, reason)
        });
    }
    serde_json::from_slice(body.as_ref()).map_err(|error| Fault::lasting(operation, error))
}

/// A call that may be made again: status and body of its answer.
async fn exchange(
    call: impl Future<Output = Result<reqwest::Response, reqwest::Error>>,
    operation: &'static str,
) -> Result<(StatusCode, impl AsRef<[u8]>), Fault> {
    let failed = |error: reqwest::Error| Fault::passing(operation, error.without_url());
    let response = Gate::open(call).await.map_err(failed)?;
    let status = response.status();
    Ok((status, response.bytes().await.map_err(failed)?))
}

/// An answer by its body; the HTTP status only says which of the two to expect.
fn read_answer(status: StatusCode, body: &[u8]) -> Answer {
    if status.is_success() {
        return match serde_json::from_slice::<wire::SendResponse>(body) {
            Ok(response) => match response.messages.into_iter().next() {
                Some(message) => Answer::Accepted {
                    wamid: MessageId::new(message.id),
                },
                None => Answer::NoAnswer,
            },
            Err(_) => Answer::NoAnswer,
        };
    }
    let error = serde_json::from_slice::<wire::ErrorResponse>(body).ok();
    let code = error.as_ref().and_then(|error| error.error.code);
    Answer::Refused(Refused {
        code,
        http_status: status.as_u16(),
        is_transient: error.is_some_and(|error| error.error.is_transient.unwrap_or(false)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Answer {
        read_answer(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn only_the_body_says_what_happened() {
        let accepted = r#"{"messaging_product":"whatsapp","contacts":[{"input":"x","wa_id":"1"}],
            "messages":[{"id":"wamid.A","message_status":"accepted"}]}"#;
        assert_eq!(
            read(200, accepted),
            Answer::Accepted {
                wamid: MessageId::new("wamid.A".to_owned())
            }
        );
        assert_eq!(read(200, "{}"), Answer::NoAnswer);
        assert_eq!(read(200, "<html>"), Answer::NoAnswer);
        let refused = |code, http_status, is_transient| {
            Answer::Refused(Refused {
                code,
                http_status,
                is_transient,
            })
        };
        let body = r#"{"error":{"message":"(#130429)","code":130429,"error_data":"text","is_transient":true}}"#;
        assert_eq!(read(429, body), refused(Some(130_429), 429, true));
        let text_code = r#"{"error":{"code":"131056","error_data":{"details":"x"}}}"#;
        assert_eq!(read(400, text_code), refused(Some(131_056), 400, false));
        assert_eq!(read(502, "bad gateway"), refused(None, 502, false));
    }
}
