//! A real clamd with a few signatures of its own, for as long as a test lasts.

#![expect(
    clippy::disallowed_methods,
    reason = "a foreign process is waited for until it listens"
)]

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::Clamd;

/// Words that its signatures know, and no rule of ours.
pub const KNOWN_BAD: &str = "IZIN-UJI-PEMINDAI-7731";

/// Most that it takes at once, in bytes.
pub const STREAM_MAX: usize = 5 * 1024 * 1024;

/// Where a clamd listens, or will. It ends with this value.
#[derive(Debug)]
pub struct Daemon {
    /// `host:port`, on loopback.
    pub address: String,
    child: Option<Child>,
    folder: TempDir,
    learned: Vec<String>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The harmless file by which scanners are tested; in parts, so that no scanner
/// takes this source for it.
pub fn test_virus() -> Vec<u8> {
    let parts = [
        "X5O!P%@AP[4\\PZX54(P^)7CC)7}",
        "$EICAR-STANDARD-",
        "ANTIVIRUS-TEST-FILE!$H+H*",
    ];
    parts.concat().into_bytes()
}

impl Daemon {
    /// An address where nobody listens yet; `None` where there is no clamd on
    /// this machine.
    ///
    /// # Errors
    ///
    /// If loopback has no port or the disk no room.
    pub fn asleep() -> io::Result<Option<Self>> {
        if program().is_none() {
            return Ok(None);
        }
        let free = TcpListener::bind("127.0.0.1:0")?;
        Ok(Some(Self {
            address: free.local_addr()?.to_string(),
            child: None,
            folder: tempfile::tempdir()?,
            learned: Vec::new(),
        }))
    }

    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it cannot be started, or does not listen within 20 seconds.
    pub async fn wake(&mut self) -> io::Result<()> {
        let program = program().ok_or(io::ErrorKind::NotFound)?;
        let folder = self.folder.path();
        let own = [
            ("Own.Uji", KNOWN_BAD.as_bytes().to_vec()),
            ("Own.Eicar", test_virus()),
        ];
        let learned = self
            .learned
            .iter()
            .map(|words| ("Own.Baru", words.clone().into_bytes()));
        let signatures: String = own
            .into_iter()
            .chain(learned)
            .map(|(name, body)| {
                let body: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{name}:0:*:{body}\n")
            })
            .collect();
        std::fs::write(folder.join("own.ndb"), signatures)?;
        let (host, port) = self.address.split_once(':').unwrap_or_default();
        let conf = format!(
            "Foreground yes\nTCPSocket {port}\nTCPAddr {host}\nDatabaseDirectory {0}\n\
             TemporaryDirectory {0}\nStreamMaxLength {STREAM_MAX}\nAlertExceedsMax yes\n",
            folder.display()
        );
        let path = folder.join("clamd.conf");
        std::fs::write(&path, conf)?;
        let child = Command::new(program)
            .arg("--config-file")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        self.child = Some(child);
        for _ in 0..200 {
            if TcpStream::connect(&self.address).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// Knows these words too from now on, as after an update of its signatures.
    ///
    /// # Errors
    ///
    /// As [`Daemon::wake`].
    pub async fn learn(&mut self, words: &str) -> io::Result<()> {
        self.learned.push(words.to_owned());
        self.stop();
        self.wake().await
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The client of it.
    pub fn clamd(&self) -> Clamd {
        Clamd::new(self.address.clone())
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
