//! Posts events to addresses that tenants name, and nowhere else: `https` only,
//! no redirect, no address inside any network, no more than a few seconds, and
//! nothing of the answer but its status.

use std::sync::Arc;
use std::time::Duration;

use policy::endpoint::EndpointUrl;
use reqwest::StatusCode;
use reqwest::dns::Resolve;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use url::Url;

use crate::fault::Fault;
#[cfg(feature = "testing")]
use crate::outside::Town;
use crate::outside::{PublicResolver, is_forbidden};

/// How long a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(3);

/// How long a post may take in all.
const TOTAL_TIME: Duration = Duration::from_secs(10);

/// Posts events.
#[derive(Clone, Debug)]
pub struct Poster {
    http: reqwest::Client,
    /// Where a story's server listens without encryption.
    is_plain: bool,
}

/// A post as Standard Webhooks wants it.
#[derive(Clone, Debug)]
pub struct Post {
    /// The event's id.
    pub id: String,
    /// When it is posted, in seconds since 1970.
    pub timestamp: i64,
    /// Signatures, with spaces between.
    pub signatures: String,
    /// The event.
    pub body: Vec<u8>,
}

impl Poster {
    /// Posts to public addresses.
    pub fn new() -> Result<Self, Fault> {
        Self::over(Arc::new(PublicResolver::public()), false)
    }

    /// Posts to the names that `town` knows, in plain HTTP on a port of this
    /// machine; any other name leads inside.
    #[cfg(feature = "testing")]
    pub fn within(town: Town) -> Result<Self, Fault> {
        Self::over(Arc::new(town), true)
    }

    fn over<R: Resolve + 'static>(resolver: Arc<R>, is_plain: bool) -> Result<Self, Fault> {
        let http = reqwest::Client::builder()
            .dns_resolver(resolver)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .https_only(!is_plain)
            .user_agent("izin-webhooks/1")
            .connect_timeout(CONNECT_TIME)
            .timeout(TOTAL_TIME)
            .build()
            .map_err(|error| Fault::lasting("build the client that posts events", error))?;
        Ok(Self { http, is_plain })
    }

    /// Posts once.
    ///
    /// Law: no connection is made to an address inside any network, whatever
    /// the name resolves to and whenever it changes.
    pub async fn post(&self, to: &EndpointUrl, post: &Post) -> Result<(), PostFailure> {
        let answer = self
            .http
            .post(self.address(to))
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &post.id)
            .header("webhook-timestamp", post.timestamp)
            .header("webhook-signature", &post.signatures)
            .body(post.body.clone())
            .send()
            .await
            .map_err(|error| PostFailure::of(&error))?;
        // The body is not read: the answer's bytes end with the connection.
        match answer.status() {
            status if status.is_success() => Ok(()),
            StatusCode::GONE => Err(PostFailure::Gone),
            status if status.is_redirection() => Err(PostFailure::Redirected),
            status => Err(PostFailure::Status(status.as_u16())),
        }
    }

    fn address(&self, to: &EndpointUrl) -> Url {
        let mut url = to.expose().clone();
        if self.is_plain {
            url.set_scheme("http")
                .expect("https and http are both special");
        }
        url
    }
}

/// Why a post did not arrive. Never holds the address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PostFailure {
    /// The name leads into a network.
    #[error("the address leads inside a network")]
    Forbidden,
    /// The endpoint says that it is gone for good (410).
    #[error("the endpoint says that it is gone")]
    Gone,
    /// It answers with a redirect, which is not followed.
    #[error("the endpoint answers with a redirect")]
    Redirected,
    /// It answers with this status.
    #[error("the endpoint answers {0}")]
    Status(u16),
    /// It took too long.
    #[error("the endpoint took too long")]
    TimedOut,
    /// Nobody answers there, or not with a certificate that is good.
    #[error("the endpoint cannot be reached")]
    Unreachable,
}

impl PostFailure {
    /// A stable code; of a status, with the status in it.
    pub fn code(self) -> String {
        match self {
            Self::Forbidden => "forbidden_address".to_owned(),
            Self::Gone => "gone".to_owned(),
            Self::Redirected => "redirected".to_owned(),
            Self::Status(status) => format!("status_{status}"),
            Self::TimedOut => "timed_out".to_owned(),
            Self::Unreachable => "unreachable".to_owned(),
        }
    }

    fn of(error: &reqwest::Error) -> Self {
        if is_forbidden(error) {
            Self::Forbidden
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Unreachable
        }
    }
}

#[cfg(test)]
mod tests;
