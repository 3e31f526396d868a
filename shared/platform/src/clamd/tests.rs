//! With a real clamd, its own small set of signatures and the test file of
//! the scanners.

#![expect(
    clippy::disallowed_methods,
    reason = "a foreign process is waited for until it listens"
)]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

/// A clamd of its own, which ends with the test.
struct Daemon {
    child: Child,
    _folder: tempfile::TempDir,
    clamd: Clamd,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The harmless test file; in two parts, so that no scanner takes this source
/// for it.
fn virus() -> Vec<u8> {
    let parts = [
        "X5O!P%@AP[4\\PZX54(P^)7CC)7}",
        "$EICAR-STANDARD-ANTIVIRUS",
        "-TEST-FILE!$H+H*",
    ];
    parts.concat().into_bytes()
}

fn program() -> Option<&'static str> {
    [
        "/usr/sbin/clamd",
        "/usr/local/sbin/clamd",
        "/opt/homebrew/sbin/clamd",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists())
}

/// Starts a clamd, or says what is missing.
async fn start() -> Option<Daemon> {
    let Some(program) = program() else {
        // Past the test runner's capture, which hides what a passing test prints.
        let _ = std::io::Write::write_all(
            &mut std::io::stdout().lock(),
            b"\nSKIPPED the scans by clamd: it is not installed; remedy: apt-get install clamav-daemon\n",
        );
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let body: String = virus().iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(
        folder.path().join("own.ndb"),
        format!("Own.Eicar:0:*:{body}\n"),
    )
    .unwrap();
    let conf = format!(
        "Foreground yes\nTCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {0}\n\
         TemporaryDirectory {0}\nStreamMaxLength 2M\nAlertExceedsMax yes\n",
        folder.path().display()
    );
    let path = folder.path().join("clamd.conf");
    std::fs::write(&path, conf).unwrap();
    let child = Command::new(program)
        .arg("--config-file")
        .arg(&path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let address = format!("127.0.0.1:{port}");
    let daemon = Daemon {
        child,
        _folder: folder,
        clamd: Clamd::new(address.clone()),
    };
    for _ in 0..100 {
        if TcpStream::connect(&address).await.is_ok() {
            return Some(daemon);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("clamd never listened");
}

#[tokio::test]
async fn a_real_clamd_is_understood() {
    let Some(daemon) = start().await else { return };
    let clamd = &daemon.clamd;
    assert_eq!(clamd.scan(b"Selamat pagi").await.unwrap(), Scan::Clean);
    let found = Scan::Found("Own.Eicar.UNOFFICIAL".to_owned());
    assert_eq!(clamd.scan(&virus()).await.unwrap(), found);
    let zeros = vec![0; 3 * 1024 * 1024];
    assert_eq!(clamd.scan(&zeros).await.unwrap(), Scan::TooLarge);
    // It still answers.
    assert_eq!(clamd.scan(&virus()).await.unwrap(), found);
}

#[tokio::test]
async fn a_clamd_that_is_down_says_nothing_of_the_file() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let fault = Clamd::new(address).scan(b"abc").await.unwrap_err();
    assert!(fault.is_passing());
}

#[test]
fn an_answer_is_read_or_is_no_verdict() {
    assert_eq!(read("stream: OK\0").unwrap(), Scan::Clean);
    assert_eq!(
        read("stream: A.B FOUND\0").unwrap(),
        Scan::Found("A.B".to_owned())
    );
    let limit = "INSTREAM size limit exceeded. ERROR\0";
    assert_eq!(read(limit).unwrap(), Scan::TooLarge);
    for other in ["", "stream: lstat() failed ERROR\0", "OKAY"] {
        assert!(read(other).is_err(), "{other}");
    }
}
