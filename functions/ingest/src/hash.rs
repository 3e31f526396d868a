//! The hash of a file, over many invocations.

use platform::fault::Fault;
use sha2::digest::common::hazmat::SerializableState as _;
use sha2::{Digest as _, Sha256};

/// SHA-256 of a file that can be laid down at any record and taken up again.
#[derive(Debug, Default)]
pub(crate) struct Hash {
    hash: Sha256,
    /// Bytes hashed.
    pub(crate) upto: u64,
    /// Bytes pushed and not hashed: the record in hand, and what was read ahead.
    ahead: Vec<u8>,
}

impl Hash {
    /// Takes in the next bytes of the file.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.ahead.extend_from_slice(bytes);
    }

    /// Hashes up to byte `offset` of the file.
    pub(crate) fn advance(&mut self, offset: u64) {
        let wanted = usize::try_from(offset.saturating_sub(self.upto)).unwrap_or(usize::MAX);
        let count = wanted.min(self.ahead.len());
        self.hash.update(&self.ahead[..count]);
        self.ahead.drain(..count);
        self.upto += count as u64;
    }

    /// The hash of all that came, in hexadecimal.
    pub(crate) fn value(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// The hash halfway, in hexadecimal.
    pub(crate) fn state(&self) -> String {
        hex(&self.hash.serialize())
    }

    /// Goes on from a [state](Self::state) at byte `offset` of the file.
    pub(crate) fn resume(state: &str, offset: u64) -> Result<Self, Fault> {
        let damaged = || Fault::lasting("resume an import", "its hash is damaged");
        let bytes = unhex(state).ok_or_else(damaged)?;
        let bytes = bytes.as_slice().try_into().map_err(|_| damaged())?;
        Ok(Self {
            hash: Sha256::deserialize(bytes).map_err(|_| damaged())?,
            upto: offset,
            ahead: Vec::new(),
        })
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}
