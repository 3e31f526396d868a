//! A trap listens on an address of loopback, at a port that may be named.

#![expect(
    clippy::disallowed_methods,
    reason = "the trap listens while the test asks, and ends with it"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use policy::links::is_public_address;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::outside::Lookup;

const TRAP: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 77, 3));

/// Every name leads to these addresses.
#[derive(Debug)]
struct LeadsTo(Vec<IpAddr>);

impl Lookup for LeadsTo {
    fn lookup(&self, _: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let found = self.0.clone();
        Box::pin(async move { Ok(found) })
    }
}

fn poster(found: &[IpAddr], may_reach: fn(IpAddr) -> bool) -> Poster {
    let lookup = Arc::new(LeadsTo(found.to_vec()));
    Poster::over(Arc::new(PublicResolver::new(lookup, may_reach)), true).unwrap()
}

fn post() -> Post {
    Post {
        id: "evt_1".to_owned(),
        timestamp: 1_764_000_000,
        signatures: "v1,AAAA".to_owned(),
        body: b"{}".to_vec(),
    }
}

#[tokio::test]
async fn a_name_of_which_any_address_lies_inside_is_not_connected_to() {
    let trap = TcpListener::bind((TRAP, 8443)).await.unwrap();
    let entered = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&entered);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = trap.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 4_096];
            let read = stream.read(&mut buffer).await.unwrap();
            let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
            assert!(request.contains("webhook-id: evt_1"), "{request}");
            let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }
    });
    let to = EndpointUrl::parse("https://crm.example.com:8443/hooks").unwrap();
    let public: IpAddr = "93.184.216.34".parse().unwrap();
    for found in [&[TRAP][..], &[TRAP, public], &[public, TRAP], &[]] {
        let answer = poster(found, is_public_address).post(&to, &post()).await;
        assert_eq!(answer, Err(PostFailure::Forbidden), "{found:?}");
    }
    assert_eq!(entered.load(Ordering::SeqCst), 0);
    // The trap works: whoever may go there gets in.
    let answer = poster(&[TRAP], |_| true).post(&to, &post()).await;
    assert_eq!(answer, Ok(()));
    assert_eq!(entered.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn in_the_open_nothing_is_posted_without_encryption() {
    // An address of its own: tests run side by side.
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 77, 4));
    let listener = TcpListener::bind((address, 8443)).await.unwrap();
    let hearing = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4_096];
        let read = stream.read(&mut buffer).await.unwrap();
        buffer[..read].to_vec()
    });
    let lookup = Arc::new(LeadsTo(vec![address]));
    let poster = Poster::over(Arc::new(PublicResolver::new(lookup, |_| true)), false).unwrap();
    let to = EndpointUrl::parse("https://crm.example.com:8443/").unwrap();
    // Whatever listens there, it has no certificate of that name.
    let answer = poster.post(&to, &post()).await;
    assert_eq!(answer, Err(PostFailure::Unreachable));
    let heard = hearing.await.unwrap();
    // A TLS handshake (RFC 8446, 5.1), and no word of the event.
    assert_eq!(heard.first(), Some(&0x16));
    assert!(!String::from_utf8_lossy(&heard).contains("webhook-id"));
}
