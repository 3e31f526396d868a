//! The way out for requests to addresses that strangers name: a resolver that
//! cannot be led into a network.
//!
//! An address that was looked up and found harmless may be another one when
//! the connection is made. So the check sits in the resolver that the
//! connection itself uses: a name of which any address lies inside is not
//! connected to at all.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use policy::links::is_public_address;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether a request failed because its address lies inside.
pub(crate) fn is_forbidden(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<ForbiddenAddress>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// Finds the addresses of a name.
pub(crate) trait Lookup: fmt::Debug + Send + Sync {
    fn lookup(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>>;
}

#[derive(Debug)]
pub(crate) struct SystemLookup;

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
pub(crate) struct PublicResolver {
    lookup: Arc<dyn Lookup>,
    may_reach: fn(IpAddr) -> bool,
}

impl PublicResolver {
    /// Looks names up with `lookup`; every address of a name must be one that
    /// `may_reach`.
    pub(crate) fn new(lookup: Arc<dyn Lookup>, may_reach: fn(IpAddr) -> bool) -> Self {
        Self { lookup, may_reach }
    }

    /// The machine's resolver and the public network.
    pub(crate) fn public() -> Self {
        Self::new(Arc::new(SystemLookup), is_public_address)
    }
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
impl Town {
    /// A town without a house: every name leads inside.
    pub fn empty() -> Self {
        Self {
            names: Vec::new(),
            port: 0,
        }
    }
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
