//! clamd: bytes are streamed to it, and it says what it knows of them
//! (`INSTREAM`, ClamAV manual).
//!
//! The protocol has neither authentication nor encryption: the address must
//! lie on loopback or in a private network.

#[cfg(any(test, feature = "testing"))]
pub mod daemon;

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fault::Fault;

/// One clamd.
#[derive(Clone, Debug)]
pub struct Clamd {
    address: String,
}

/// What a scan said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scan {
    /// No signature fits.
    Clean,
    /// This one does.
    Found(String),
    /// The file is larger than clamd takes: it is not scanned.
    TooLarge,
}

/// How long a scan may take.
const SCAN_TIME: Duration = Duration::from_secs(60);

/// How much goes out at once, in bytes.
const CHUNK: usize = 64 * 1024;

impl Clamd {
    /// The clamd at `host:port`.
    pub fn new(address: String) -> Self {
        Self { address }
    }

    /// Scans a file. A fault says nothing of the file: it stays where it is.
    pub async fn scan(&self, bytes: &[u8]) -> Result<Scan, Fault> {
        let told = tokio::time::timeout(SCAN_TIME, self.stream(bytes)).await;
        let told = told
            .map_err(|error| Fault::passing("scan a file", error))?
            .map_err(|error| Fault::passing("scan a file", error))?;
        read(&told)
    }

    async fn stream(&self, bytes: &[u8]) -> std::io::Result<String> {
        let mut clamd = TcpStream::connect(&self.address).await?;
        clamd.write_all(b"zINSTREAM\0").await?;
        for chunk in bytes.chunks(CHUNK) {
            let length = u32::try_from(chunk.len()).map_err(std::io::Error::other)?;
            let sent = async {
                clamd.write_all(&length.to_be_bytes()).await?;
                clamd.write_all(chunk).await
            };
            if sent.await.is_err() {
                // It hangs up on what is too large, and has said so.
                break;
            }
        }
        let _ = clamd.write_all(&0_u32.to_be_bytes()).await;
        let mut told = Vec::new();
        clamd.take(4_096).read_to_end(&mut told).await?;
        Ok(String::from_utf8_lossy(&told).into_owned())
    }
}

fn read(told: &str) -> Result<Scan, Fault> {
    let told = told.trim_end_matches('\0').trim();
    let answer = told.strip_prefix("stream: ").unwrap_or(told);
    if answer == "OK" {
        Ok(Scan::Clean)
    } else if let Some(name) = answer.strip_suffix(" FOUND") {
        Ok(Scan::Found(name.to_owned()))
    } else if answer.contains("size limit exceeded") {
        Ok(Scan::TooLarge)
    } else {
        Err(Fault::passing("scan a file", "clamd gave no verdict"))
    }
}

#[cfg(test)]
mod tests;
