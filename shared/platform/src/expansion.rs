//! Where a short link leads: redirects followed by a client that cannot be led
//! into a network.
//!
//! The connection's own resolver refuses names that lead inside ([`outside`]). A
//! host that is an address already never reaches a resolver and is refused
//! before. No body is read, no cookie kept, no proxy asked.
//!
//! [`outside`]: crate::outside

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use policy::links::is_public_address;
use reqwest::dns::Resolve;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use url::{Host, Url};

use crate::fault::Fault;
#[cfg(feature = "testing")]
use crate::outside::Town;
use crate::outside::{Lookup, PublicResolver, SystemLookup, is_forbidden};

/// Redirects that are followed.
const MOST_HOPS: usize = 5;

/// How long a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(3);

/// How long all hops of a link may take.
const TOTAL_TIME: Duration = Duration::from_secs(8);

/// Longest address that is followed, in bytes.
const LONGEST: usize = 2_048;

/// Follows links.
#[derive(Clone, Debug)]
pub struct Expander {
    http: reqwest::Client,
    ports: Vec<u16>,
}

/// Where a link leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Way {
    /// The addresses between the link and its end, in order.
    pub over: Vec<Url>,
    /// Its end; the link itself, if it redirects nowhere.
    pub end: Url,
}

impl Expander {
    /// Follows links by the names of the machine's resolver.
    pub fn new() -> Result<Self, Fault> {
        Self::build(Arc::new(SystemLookup), is_public_address, vec![80, 443])
    }

    /// Follows links to the names that `town` knows, and to nowhere else: each
    /// is answered on one port of this machine, and any other name leads inside.
    #[cfg(feature = "testing")]
    pub fn within(town: Town) -> Result<Self, Fault> {
        Self::over(Arc::new(town), vec![80])
    }

    fn build(
        lookup: Arc<dyn Lookup>,
        may_reach: fn(IpAddr) -> bool,
        ports: Vec<u16>,
    ) -> Result<Self, Fault> {
        Self::over(Arc::new(PublicResolver::new(lookup, may_reach)), ports)
    }

    fn over<R: Resolve + 'static>(resolver: Arc<R>, ports: Vec<u16>) -> Result<Self, Fault> {
        let http = reqwest::Client::builder()
            .dns_resolver(resolver)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .user_agent("izin-link-check/1")
            .connect_timeout(CONNECT_TIME)
            .timeout(TOTAL_TIME)
            // Every hop is resolved and judged anew.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| Fault::lasting("build the client that follows links", error))?;
        Ok(Self { http, ports })
    }

    /// Follows a link to its end.
    ///
    /// Law: no connection is made to an address inside any network, whatever
    /// a name resolves to and whenever it changes.
    pub async fn expand(&self, link: &Url) -> Result<Way, ExpandError> {
        tokio::time::timeout(TOTAL_TIME, self.follow(link))
            .await
            .unwrap_or(Err(ExpandError::TimedOut))
    }

    async fn follow(&self, link: &Url) -> Result<Way, ExpandError> {
        let mut at = link.clone();
        let mut over = Vec::new();
        for _ in 0..=MOST_HOPS {
            self.judge(&at)?;
            let answer = self.http.get(at.clone()).send().await;
            let answer = answer.map_err(|error| ExpandError::of(&error))?;
            let location = answer.headers().get(LOCATION);
            let location = location.filter(|_| answer.status().is_redirection());
            let Some(location) = location else {
                return Ok(Way { over, end: at });
            };
            let location = location.to_str().map_err(|_| ExpandError::BadRedirect)?;
            let next = at.join(location).map_err(|_| ExpandError::BadRedirect)?;
            if at.scheme() == "https" && next.scheme() == "http" {
                return Err(ExpandError::Downgrade);
            }
            let left = std::mem::replace(&mut at, next);
            if left != *link {
                over.push(left);
            }
        }
        Err(ExpandError::TooManyHops)
    }

    /// Whether an address may be asked at all, before anybody resolves it.
    fn judge(&self, address: &Url) -> Result<(), ExpandError> {
        if !matches!(address.scheme(), "http" | "https") || address.as_str().len() > LONGEST {
            return Err(ExpandError::NotWeb);
        }
        if !address.username().is_empty() || address.password().is_some() {
            return Err(ExpandError::NotWeb);
        }
        let name = match address.host() {
            Some(Host::Domain(name)) => name.trim_end_matches('.'),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => return Err(ExpandError::Forbidden),
        };
        // A label that ends in a number may be an address to somebody.
        let last = name.rsplit('.').next().unwrap_or_default();
        if !name.contains('.') || last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ExpandError::Forbidden);
        }
        let port = address.port_or_known_default();
        if !port.is_some_and(|port| self.ports.contains(&port)) {
            return Err(ExpandError::Forbidden);
        }
        Ok(())
    }
}

/// Why the end of a link is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExpandError {
    /// A redirect leads nowhere.
    #[error("a redirect cannot be read")]
    BadRedirect,
    /// From an encrypted address to one that is not.
    #[error("a redirect leaves encryption")]
    Downgrade,
    /// It leads into a network, or to a port that serves no web.
    #[error("the link leads where nothing public is")]
    Forbidden,
    /// It is no address of the web.
    #[error("the link is no web address")]
    NotWeb,
    /// It took too long.
    #[error("the link took too long")]
    TimedOut,
    /// It goes round and round.
    #[error("the link has too many redirects")]
    TooManyHops,
    /// Nobody answered.
    #[error("the link cannot be reached")]
    Unreachable,
}

impl ExpandError {
    fn of(error: &reqwest::Error) -> Self {
        if is_forbidden(error) {
            return Self::Forbidden;
        }
        if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Unreachable
        }
    }
}

#[cfg(test)]
mod tests;
