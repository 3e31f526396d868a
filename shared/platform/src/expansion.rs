//! Where a short link leads: redirects followed by a client that cannot be led
//! into a network.
//!
//! An address that was looked up and found harmless may be another one when
//! the connection is made. So the check sits in the resolver that the
//! connection itself uses: a name of which any address lies inside is not
//! connected to at all. A host that is an address already never reaches a
//! resolver and is refused before. No body is read, no cookie kept, no proxy
//! asked.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use policy::links::is_public_address;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use url::{Host, Url};

use crate::fault::Fault;

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
        Self::over(Arc::new(PublicResolver { lookup, may_reach }), ports)
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
    pub async fn expand(&self, link: &Url) -> Result<Url, ExpandError> {
        tokio::time::timeout(TOTAL_TIME, self.follow(link))
            .await
            .unwrap_or(Err(ExpandError::TimedOut))
    }

    async fn follow(&self, link: &Url) -> Result<Url, ExpandError> {
        let mut at = link.clone();
        for _ in 0..=MOST_HOPS {
            self.judge(&at)?;
            let answer = self.http.get(at.clone()).send().await;
            let answer = answer.map_err(|error| ExpandError::of(&error))?;
            if !answer.status().is_redirection() {
                return Ok(at);
            }
            let Some(location) = answer.headers().get(LOCATION) else {
                return Ok(at);
            };
            let location = location.to_str().map_err(|_| ExpandError::BadRedirect)?;
            let next = at.join(location).map_err(|_| ExpandError::BadRedirect)?;
            if at.scheme() == "https" && next.scheme() == "http" {
                return Err(ExpandError::Downgrade);
            }
            at = next;
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
        let mut source = error.source();
        while let Some(error) = source {
            if error.is::<ForbiddenAddress>() {
                return Self::Forbidden;
            }
            source = error.source();
        }
        if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Unreachable
        }
    }
}

/// Finds the addresses of a name.
trait Lookup: fmt::Debug + Send + Sync {
    fn lookup(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>>;
}

#[derive(Debug)]
struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Resolves names, and refuses those that lead inside.
#[derive(Debug)]
struct PublicResolver {
    lookup: Arc<dyn Lookup>,
    may_reach: fn(IpAddr) -> bool,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let looking = self.lookup.lookup(name.as_str().to_owned());
        let may_reach = self.may_reach;
        Box::pin(async move {
            let found = looking.await?;
            // One address inside is enough: who mixes them means harm.
            if found.is_empty() || !found.iter().all(|address| may_reach(*address)) {
                return Err(ForbiddenAddress.into());
            }
            let found = found.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}

/// Names that stand for public ones in a story, and where all of them are
/// answered.
#[cfg(feature = "testing")]
#[derive(Clone, Debug)]
pub struct Town {
    /// The names.
    pub names: Vec<&'static str>,
    /// The port on loopback.
    pub port: u16,
}

#[cfg(feature = "testing")]
impl Resolve for Town {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.names.contains(&name.as_str());
        let place = SocketAddr::from(([127, 0, 0, 1], self.port));
        Box::pin(async move {
            if found {
                Ok(Box::new(std::iter::once(place)) as Addrs)
            } else {
                Err(ForbiddenAddress.into())
            }
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
struct ForbiddenAddress;

#[cfg(test)]
mod tests;
