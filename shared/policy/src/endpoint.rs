//! Where a tenant wants events posted: which addresses may be named, how a post
//! is signed, and when one that fails is tried again or given up.
//!
//! Signatures are those of Standard Webhooks 1.0: HMAC-SHA256 over
//! `id.timestamp.body`, in base64, after `v1,`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use url::{Host, Url};

use crate::ids::EndpointId;

/// An address that events may be posted to: `https`, a public name, and one of
/// the ports of encrypted web traffic. Where the name leads is judged when the
/// connection is made.
#[derive(Clone, Eq, PartialEq)]
pub struct EndpointUrl(Url);

/// Longest address, in bytes.
const URL_MAX: usize = 2_048;

/// Ports that may be named.
const PORTS: [u16; 2] = [443, 8443];

/// Ends of names that lead into a network and never to a public server (RFC
/// 6761, RFC 6762, RFC 8375, ICANN's `.internal`).
const INSIDE: [&str; 7] = [
    "localhost",
    "local",
    "internal",
    "home.arpa",
    "test",
    "invalid",
    "onion",
];

impl EndpointUrl {
    /// Reads an address, or says why it cannot be one. The error never repeats
    /// it: an address may hold a secret.
    pub fn parse(text: &str) -> Result<Self, BadEndpointUrl> {
        if text.len() > URL_MAX {
            return Err(BadEndpointUrl::TooLong);
        }
        let url = Url::parse(text).map_err(|_| BadEndpointUrl::NotAnAddress)?;
        if url.scheme() != "https" {
            return Err(BadEndpointUrl::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(BadEndpointUrl::NotAnAddress);
        }
        if !url
            .port_or_known_default()
            .is_some_and(|p| PORTS.contains(&p))
        {
            return Err(BadEndpointUrl::Port);
        }
        let Some(Host::Domain(name)) = url.host() else {
            return Err(BadEndpointUrl::Inside);
        };
        let name = name.trim_end_matches('.');
        let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        let is_inside = |end: &str| {
            let rest = name.strip_suffix(end);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        if !name.contains('.')
            || name.rsplit('.').next().is_none_or(is_number)
            || INSIDE.into_iter().any(is_inside)
        {
            return Err(BadEndpointUrl::Inside);
        }
        Ok(Self(url))
    }

    /// The address: it may hold a secret of the tenant's, so it is for the wire,
    /// the table and the tenant only.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndpointUrl(…)")
    }
}

/// Why a text is no address for events.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadEndpointUrl {
    /// It names an address inside a network, or no public name.
    #[error("the address must name a public host")]
    Inside,
    /// It cannot be read, or has a user, a password or a fragment.
    #[error("expected an address without user, password and fragment")]
    NotAnAddress,
    /// It is not encrypted.
    #[error("the address must begin with https://")]
    NotHttps,
    /// It names another port.
    #[error("only ports 443 and 8443 can be named")]
    Port,
    /// It is longer than any server takes.
    #[error("the address must have at most 2048 bytes")]
    TooLong,
}

/// The secret from which every endpoint's own is derived.
#[derive(Clone)]
pub struct EndpointKey(Hmac<Sha256>);

impl EndpointKey {
    /// Takes the key material; fewer than 16 bytes are refused.
    pub fn new(secret: &[u8]) -> Result<Self, WeakEndpointKey> {
        if secret.len() < 16 {
            return Err(WeakEndpointKey);
        }
        Hmac::new_from_slice(secret)
            .map(Self)
            .map_err(|_| WeakEndpointKey)
    }

    /// The secret of one endpoint; each rotation makes another `generation`.
    pub fn secret(&self, endpoint: EndpointId, generation: u32) -> SigningSecret {
        let mut mac = self.0.clone();
        mac.update(b"izin endpoint secret v1");
        mac.update(endpoint.uuid().as_bytes());
        mac.update(&generation.to_be_bytes());
        SigningSecret(mac.finalize().into_bytes().to_vec())
    }
}

impl fmt::Debug for EndpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndpointKey(…)")
    }
}

/// Fewer than 16 bytes of key material.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the endpoint key must have at least 16 bytes")]
pub struct WeakEndpointKey;

/// What signs the posts to one endpoint.
#[derive(Clone, Eq, PartialEq)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// The text that the tenant is shown once: `whsec_` and base64.
    pub fn expose(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }

    /// The signature of a post: `v1,` and base64.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(at.as_second().to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// How long the secret before a rotation signs beside the new one.
pub const BOTH_SIGN: SignedDuration = SignedDuration::from_hours(24);

/// How long an event is tried for, and for how long an endpoint may fail
/// without a single success before it is switched off.
pub const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// Waits after the first failures, in seconds; the last one stays. SQS delays a
/// message by 900 s at most.
const WAITS: [i64; 6] = [5, 30, 120, 300, 600, 900];

/// How long to wait after `failures` failures in a row, 1 or more.
pub fn wait_after(failures: u32) -> SignedDuration {
    let at = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    SignedDuration::from_secs(WAITS[at.min(WAITS.len() - 1)])
}

#[cfg(test)]
mod tests;
