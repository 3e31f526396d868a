//! Unpacking while a file streams by: gzip, or a zip archive with one file.

mod zip;

use std::io::Write as _;

use flate2::write::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use self::zip::Zip;
use super::refusal::FileProblem;

/// How a file was packed for upload.
///
/// A packed file has no random access: whoever goes on in the middle of one
/// unpacks it from its beginning again.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    /// gzip (RFC 1952).
    Gzip,
    /// Not at all.
    #[default]
    Plain,
    /// A zip archive with one file.
    Zip,
}

impl Packing {
    /// A stable code for reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Plain => "plain",
            Self::Zip => "zip",
        }
    }
}

/// What packs better than this is a trap, not a list: tables of contacts pack
/// to a third or a tenth.
const RATIO_MAX: u64 = 100;
/// As much may come out of the smallest file.
const RATIO_FREE: u64 = 1 << 20;
/// Packed bytes that are unpacked at a time, from a multiple of it to the next,
/// so that it does not matter how the file was cut. Deflate makes at most 1,032
/// bytes of one.
const STEP: usize = 512;

/// Takes a file in pieces and gives its text in pieces.
///
/// Law: whatever comes in, a piece that goes out stays below a megabyte, and
/// all of them together below a hundred times of what went in.
#[derive(Debug)]
pub(super) struct Unpacker {
    stage: Stage,
    packed: Vec<u8>,
    /// How much of `packed` was unpacked.
    at: usize,
    read: u64,
    written: u64,
    finished: bool,
    /// The end of the last gzip member was checked.
    ended: bool,
    piece: Vec<u8>,
}

#[derive(Debug)]
enum Stage {
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Plain,
    Unknown,
    Zip(Box<Zip>),
}

impl Unpacker {
    /// Starts at the beginning of a file, whose first bytes tell.
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Unknown,
            packed: Vec::new(),
            at: 0,
            read: 0,
            written: 0,
            finished: false,
            ended: false,
            piece: Vec::new(),
        }
    }

    /// Starts anywhere in a file that is known not to be packed.
    pub(super) fn plain() -> Self {
        Self {
            stage: Stage::Plain,
            ..Self::new()
        }
    }

    pub(super) fn packing(&self) -> Packing {
        match self.stage {
            Stage::Gzip(_) => Packing::Gzip,
            Stage::Plain | Stage::Unknown => Packing::Plain,
            Stage::Zip(_) => Packing::Zip,
        }
    }

    /// Whether the file is not packed, and nothing of it is left here.
    pub(super) fn is_out_of_the_way(&self) -> bool {
        matches!(self.stage, Stage::Plain) && self.at == self.packed.len()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.packed.drain(..self.at);
        self.at = 0;
        self.packed.extend_from_slice(bytes);
    }

    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// The next piece of text; `None` if more bytes are needed or, after
    /// `finish`, at the end.
    pub(super) fn next_piece(&mut self) -> Result<Option<&[u8]>, FileProblem> {
        self.piece.clear();
        if !self.recognise() {
            return Ok(None);
        }
        while self.piece.is_empty() && !self.ended {
            let rest = &self.packed[self.at..];
            let step = STEP - (self.read % STEP as u64) as usize;
            let step = match rest.get(..step) {
                Some(step) => step,
                None if self.finished => rest,
                None => &[],
            };
            let read = match &mut self.stage {
                Stage::Unknown => return Ok(None),
                Stage::Plain => {
                    self.piece.extend_from_slice(rest);
                    rest.len()
                }
                Stage::Gzip(decoder) => {
                    self.ended = rest.is_empty() && self.finished;
                    let read = gunzip(decoder, step, self.ended)?;
                    std::mem::swap(decoder.get_mut(), &mut self.piece);
                    read
                }
                Stage::Zip(zip) => zip.unpack(rest, step, self.finished, &mut self.piece)?,
            };
            self.at += read;
            self.read += read as u64;
            self.written += self.piece.len() as u64;
            if !matches!(self.stage, Stage::Plain)
                && self.written > RATIO_FREE + RATIO_MAX * self.read
            {
                return Err(FileProblem::PackedTooTightly);
            }
            if read == 0 && self.piece.is_empty() {
                return Ok(None);
            }
        }
        Ok((!self.piece.is_empty()).then_some(&self.piece))
    }

    /// Decides by the first bytes; false if there are too few.
    fn recognise(&mut self) -> bool {
        const SIGNATURES: [&[u8]; 2] = [b"\x1f\x8b\x08", b"PK\x03\x04"];

        if !matches!(self.stage, Stage::Unknown) {
            return true;
        }
        let [gzip, zip] = SIGNATURES.map(|signature| self.packed.starts_with(signature));
        let undecided = SIGNATURES
            .iter()
            .any(|signature| signature.starts_with(&self.packed));
        self.stage = if gzip {
            Stage::Gzip(Box::new(MultiGzDecoder::new(Vec::new())))
        } else if zip {
            Stage::Zip(Box::default())
        } else if undecided && !self.finished {
            return false;
        } else {
            Stage::Plain
        };
        true
    }
}

/// Unpacks a step; how many bytes it took.
fn gunzip(
    decoder: &mut MultiGzDecoder<Vec<u8>>,
    step: &[u8],
    ended: bool,
) -> Result<usize, FileProblem> {
    let damaged = |_| FileProblem::ArchiveDamaged;
    if ended {
        // Checks the length and the sum of the text.
        decoder.try_finish().map_err(damaged)?;
    }
    if step.is_empty() {
        return Ok(0);
    }
    let read = decoder.write(step).map_err(damaged)?;
    if read == 0 {
        return Err(FileProblem::ArchiveDamaged);
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
