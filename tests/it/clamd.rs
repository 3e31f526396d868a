//! A real clamd with a few signatures of its own, for as long as a story lasts.

#![expect(
    clippy::disallowed_methods,
    reason = "a foreign process is waited for until it listens"
)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;

/// Words that its signatures know, and no rule of ours.
pub(crate) const KNOWN_BAD: &str = "IZIN-UJI-PEMINDAI-7731";

/// Where a clamd listens, or will.
pub(crate) struct Daemon {
    pub(crate) address: String,
    child: Option<Child>,
    folder: TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Daemon {
    /// An address where nobody listens yet; `None`, said aloud, where there is
    /// no clamd on this machine.
    pub(crate) fn asleep(story: &str) -> Option<Self> {
        if program().is_none() {
            crate::skip::skipped(story, "apt-get install clamav-daemon");
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Some(Self {
            address: free.local_addr().unwrap().to_string(),
            child: None,
            folder: tempfile::tempdir().unwrap(),
        })
    }

    /// Starts it, and waits until it listens.
    pub(crate) async fn wake(&mut self) {
        let (host, port) = self.address.split_once(':').unwrap();
        let folder = self.folder.path();
        let hex: String = KNOWN_BAD.bytes().map(|b| format!("{b:02x}")).collect();
        std::fs::write(folder.join("own.ndb"), format!("Own.Uji:0:*:{hex}\n")).unwrap();
        let conf = format!(
            "Foreground yes\nTCPSocket {port}\nTCPAddr {host}\nDatabaseDirectory {0}\n\
             TemporaryDirectory {0}\nAlertExceedsMax yes\n",
            folder.display()
        );
        let path = folder.join("clamd.conf");
        std::fs::write(&path, conf).unwrap();
        let child = Command::new(program().unwrap())
            .arg("--config-file")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        for _ in 0..200 {
            if TcpStream::connect(&self.address).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("clamd never listened");
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn program() -> Option<&'static Path> {
    [
        "/usr/sbin/clamd",
        "/usr/local/sbin/clamd",
        "/opt/homebrew/sbin/clamd",
    ]
    .map(Path::new)
    .into_iter()
    .find(|path| path.exists())
}
