//! A trap listens on loopback. Whatever is tried, nobody connects to it.

#![expect(
    clippy::disallowed_methods,
    reason = "trap and server listen while the test asks; both end with it"
)]

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Stands for a public address: the one place on this machine that may be
/// reached.
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn may_reach(address: IpAddr) -> bool {
    address == PUBLIC || is_public_address(address)
}

/// Names with what they resolve to, one answer after the other; the last
/// stays.
#[derive(Debug)]
struct Names(Mutex<Vec<(String, VecDeque<Vec<IpAddr>>)>>);

impl Lookup for Names {
    fn lookup(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let mut names = self.0.lock().unwrap();
        let found = names.iter_mut().find(|(known, _)| *known == name);
        let answer = found.map(|(_, answers)| match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop_front().unwrap(),
        });
        Box::pin(async move { answer.ok_or_else(|| std::io::ErrorKind::NotFound.into()) })
    }
}

/// Listens and counts.
struct Trap {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Trap {
    async fn set() -> Self {
        let connections = Arc::new(AtomicUsize::new(0));
        let v4 = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = v4.local_addr().unwrap().port();
        let mut listeners = vec![v4];
        // The same port, in the other family, where the machine has it.
        listeners.extend(TcpListener::bind(("::1", port)).await);
        for listener in listeners {
            let connections = Arc::clone(&connections);
            tokio::spawn(async move {
                while listener.accept().await.is_ok() {
                    connections.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self { port, connections }
    }

    /// Proves that the trap works, and that nobody else was in it.
    async fn was_never_entered(&self) {
        assert_eq!(self.connections.load(Ordering::SeqCst), 0);
        let _own = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        while self.connections.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.connections.load(Ordering::SeqCst), 1);
    }
}

/// A server at the public address on the trap's port: `/to?<address>` leads
/// there, anything else is an end.
async fn serve(port: u16) {
    let listener = TcpListener::bind((PUBLIC, port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 4_096];
                let read = stream.read(&mut buffer).await.unwrap();
                let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default();
                let answer = match path.split_once("/to?") {
                    Some((_, to)) => {
                        format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
                    }
                    None => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
                };
                stream.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
}

fn expander(port: u16, names: &[(&str, &[&[&str]])]) -> Expander {
    let read = |answers: &[&[&str]]| -> VecDeque<Vec<IpAddr>> {
        let addresses = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
        answers.iter().map(addresses).collect()
    };
    let names = names
        .iter()
        .map(|(name, answers)| ((*name).to_owned(), read(answers)))
        .collect();
    let lookup = Arc::new(Names(Mutex::new(names)));
    Expander::build(lookup, may_reach, vec![80, 443, port]).unwrap()
}

async fn expanded(expander: &Expander, link: &str) -> Result<String, ExpandError> {
    let link = Url::parse(link).map_err(|_| ExpandError::NotWeb)?;
    expander.expand(&link).await.map(|way| way.end.into())
}

/// Every notation of addresses that are nobody's business.
const HOSTS: [&str; 44] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.127.127.127",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "0177.0x0.0.1",
    "127.0.0.1.",
    "１２７.0.0.1",
    "①②⑦.0.0.1",
    "127。0。0。1",
    "0.0.0.0",
    "0",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "0xa9fea9fe",
    "172.16.0.1",
    "192.0.0.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
];

#[tokio::test]
async fn no_notation_of_an_address_is_followed() {
    let trap = Trap::set().await;
    serve(trap.port).await;
    let port = trap.port;
    let expander = expander(port, &[("kurz.example", &[&["127.0.0.2"]])]);
    for host in HOSTS {
        for scheme in ["http", "https"] {
            let direct = expanded(&expander, &format!("{scheme}://{host}:{port}/")).await;
            assert!(direct.is_err(), "{scheme} {host}: {direct:?}");
        }
        let named = format!("http://kurz.example:{port}/to?http://{host}:{port}/");
        let redirected = expanded(&expander, &named).await;
        assert!(redirected.is_err(), "by redirect: {host}: {redirected:?}");
    }
    for link in [
        "http://kurz.example:PORT/to?//127.0.0.1:PORT/",
        "http://kurz.example:PORT/to?file:///etc/passwd",
        "http://kurz.example:PORT/to?gopher://127.0.0.1:PORT/",
        "http://kurz.example:PORT/to?http://kurz.example@127.0.0.1:PORT/",
        "http://kurz.example:PORT/to?http://a:b@kurz.example:PORT/",
        "http://kurz.example:PORT/to?http://kurz.example:22/",
    ] {
        let link = link.replace("PORT", &port.to_string());
        assert!(expanded(&expander, &link).await.is_err(), "{link}");
    }
    trap.was_never_entered().await;
}

#[tokio::test]
async fn no_name_leads_inside() {
    let trap = Trap::set().await;
    let port = trap.port;
    for address in [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "100.100.100.200",
        "169.254.169.254",
        "172.31.255.255",
        "192.168.1.1",
        "198.19.0.1",
        "203.0.113.9",
        "240.0.0.1",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        let answers: [&[&str]; 1] = [&[address]];
        let one = expander(port, &[("innen.example", &answers)]);
        let link = format!("http://innen.example:{port}/");
        assert_eq!(
            expanded(&one, &link).await,
            Err(ExpandError::Forbidden),
            "{address}"
        );
        // One good address among them excuses none.
        let mixed: [&[&str]; 1] = [&["127.0.0.2", address]];
        let mixed = expander(port, &[("innen.example", &mixed)]);
        assert_eq!(
            expanded(&mixed, &link).await,
            Err(ExpandError::Forbidden),
            "{address}"
        );
    }
    trap.was_never_entered().await;
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_caught() {
    let trap = Trap::set().await;
    serve(trap.port).await;
    let port = trap.port;
    // Harmless when it is asked first, inside when it is asked again.
    let answers: [&[&str]; 2] = [&["127.0.0.2"], &["127.0.0.1"]];
    let expander = expander(port, &[("wechsel.example", &answers)]);
    let link = format!("http://wechsel.example:{port}/to?http://wechsel.example:{port}/ende");
    assert_eq!(
        expanded(&expander, &link).await,
        Err(ExpandError::Forbidden)
    );
    trap.was_never_entered().await;
}

#[tokio::test]
async fn an_honest_link_is_followed_to_its_end() {
    let trap = Trap::set().await;
    serve(trap.port).await;
    let port = trap.port;
    let names: [(&str, &[&[&str]]); 2] = [
        ("kurz.example", &[&["127.0.0.2"]]),
        ("toko.example", &[&["127.0.0.2"]]),
    ];
    let expander = expander(port, &names);
    let end = format!("http://toko.example:{port}/promo");
    let link = format!("http://kurz.example:{port}/to?{end}");
    assert_eq!(expanded(&expander, &link).await, Ok(end));
    // Round and round.
    let mut link = format!("http://kurz.example:{port}/ende");
    for _ in 0..=MOST_HOPS {
        link = format!("http://kurz.example:{port}/to?{link}");
    }
    assert_eq!(
        expanded(&expander, &link).await,
        Err(ExpandError::TooManyHops)
    );
    trap.was_never_entered().await;
}
