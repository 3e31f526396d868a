//! A zip archive (PKWARE APPNOTE 6.3) read from front to back.
//!
//! The file in it is unpacked as it comes by, long before the directory at the
//! archive's end: neither the whole archive nor a way back is needed.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use crate::import::refusal::FileProblem;

/// Where reading stands in an archive.
#[derive(Debug, Default)]
pub(super) struct Zip {
    stage: Stage,
    /// Whether the one file has come by.
    has_file: bool,
}

#[derive(Debug, Default)]
enum Stage {
    /// Before the header of an entry, or the directory.
    #[default]
    Header,
    Entry(Entry),
    /// The text is not what the header promised.
    Damaged,
    /// The size and the sum that follow an entry whose header has none.
    Descriptor {
        sum: u32,
    },
    /// In the directory: all entries have come by.
    Directory,
}

#[derive(Debug)]
struct Entry {
    method: Method,
    sum: Crc,
    /// The sum that the header promises, unless it follows behind.
    promised: Option<u32>,
    /// Folders, and what macOS adds, are passed over.
    is_kept: bool,
}

#[derive(Debug)]
enum Method {
    Deflate(Decompress),
    /// Not compressed, and how many bytes are left.
    Store(u64),
}

const HEADER: &[u8] = b"PK\x03\x04";
const DIRECTORY: &[u8] = b"PK\x01\x02";
const DIRECTORY_END: &[u8] = b"PK\x05\x06";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
/// Bytes of a header before its name.
const HEADER_BYTES: usize = 30;
/// Bytes that deflate may write at a time.
const ROOM: usize = 64 << 10;

impl Zip {
    /// Unpacks a step into `text`; how many bytes it took. Nothing taken and
    /// nothing written means that more bytes are needed.
    pub(super) fn unpack(
        &mut self,
        packed: &[u8],
        step: &[u8],
        finished: bool,
        text: &mut Vec<u8>,
    ) -> Result<usize, FileProblem> {
        let before = text.len();
        let taken = match &mut self.stage {
            Stage::Header => self.read_header(packed)?,
            Stage::Entry(entry) => {
                let (read, ended) = entry.unpack(packed, step, text)?;
                if ended {
                    let sum = entry.sum.sum();
                    self.stage = match entry.promised {
                        Some(promised) if promised == sum => Stage::Header,
                        // Not before the text so far has gone out.
                        Some(_) => Stage::Damaged,
                        None => Stage::Descriptor { sum },
                    };
                    if read == 0 && text.len() == before {
                        return self.unpack(packed, step, finished, text);
                    }
                }
                read
            }
            Stage::Damaged => return Err(FileProblem::ArchiveDamaged),
            Stage::Descriptor { sum } => {
                let length = descriptor(packed, *sum, finished)?;
                if length > 0 {
                    self.stage = Stage::Header;
                }
                length
            }
            Stage::Directory => packed.len(),
        };
        let stuck = taken == 0 && text.len() == before && finished;
        if stuck && !matches!(self.stage, Stage::Directory) {
            return Err(FileProblem::ArchiveDamaged);
        }
        Ok(taken)
    }

    fn read_header(&mut self, packed: &[u8]) -> Result<usize, FileProblem> {
        const ENCRYPTED: u16 = 1;
        const SIZES_FOLLOW: u16 = 8;

        if packed.starts_with(DIRECTORY) || packed.starts_with(DIRECTORY_END) {
            self.stage = Stage::Directory;
            return if self.has_file {
                Ok(packed.len())
            } else {
                Err(FileProblem::Empty)
            };
        }
        let Some(fixed) = packed.first_chunk::<HEADER_BYTES>() else {
            return Ok(0);
        };
        if !fixed.starts_with(HEADER) {
            return Err(FileProblem::ArchiveDamaged);
        }
        let two = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let four = |at: usize| u32::from(two(at)) | u32::from(two(at + 2)) << 16;
        let flags = two(6);
        let (method, sum, packed_size) = (two(8), four(14), four(18));
        let name_end = HEADER_BYTES + usize::from(two(26));
        let end = name_end + usize::from(two(28));
        if packed.len() < end {
            return Ok(0);
        }
        if flags & ENCRYPTED != 0 {
            return Err(FileProblem::ArchiveLocked);
        }
        let name = &packed[HEADER_BYTES..name_end];
        let is_kept = !is_passed_over(name);
        if is_kept && is_part_of_workbook(name) {
            return Err(FileProblem::Spreadsheet);
        }
        if is_kept && std::mem::replace(&mut self.has_file, true) {
            return Err(FileProblem::ArchiveSeveral);
        }
        let sizes_follow = flags & SIZES_FOLLOW != 0;
        let method = match method {
            // Without its size one cannot tell where it ends.
            0 if !(sizes_follow && packed_size == 0 && is_kept) => {
                Method::Store(u64::from(packed_size))
            }
            8 => Method::Deflate(Decompress::new(false)),
            _ => return Err(FileProblem::Compressed),
        };
        self.stage = Stage::Entry(Entry {
            method,
            sum: Crc::new(),
            promised: (!sizes_follow).then_some(sum),
            is_kept,
        });
        Ok(end)
    }
}

impl Entry {
    /// Unpacks a step; how many bytes it took, and whether the entry has ended.
    fn unpack(
        &mut self,
        packed: &[u8],
        step: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(usize, bool), FileProblem> {
        let before = text.len();
        let (read, ended) = match &mut self.method {
            Method::Store(left) => {
                let part = usize::try_from(*left).map_or(ROOM, |left| left.min(ROOM));
                let part = &packed[..packed.len().min(part)];
                text.extend_from_slice(part);
                *left -= part.len() as u64;
                (part.len(), *left == 0)
            }
            Method::Deflate(inflate) => {
                let start = inflate.total_in();
                text.reserve(ROOM);
                let status = inflate
                    .decompress_vec(step, text, FlushDecompress::None)
                    .map_err(|_| FileProblem::ArchiveDamaged)?;
                // At most the length of the step.
                let read = (inflate.total_in() - start) as usize;
                (read, status == Status::StreamEnd)
            }
        };
        self.sum.update(&text[before..]);
        if !self.is_kept {
            text.truncate(before);
        }
        Ok((read, ended))
    }
}

/// How long the descriptor is: with or without a signature, sizes of four
/// bytes or of eight. What follows it tells; 0 if more bytes are needed.
fn descriptor(packed: &[u8], sum: u32, finished: bool) -> Result<usize, FileProblem> {
    if packed.len() < 28 && !finished {
        return Ok(0);
    }
    let length = [16, 24, 12, 20].into_iter().find(|&length| {
        let starts_entry = |rest: &[u8]| rest.starts_with(HEADER) || rest.starts_with(DIRECTORY);
        packed.get(length..).is_some_and(starts_entry)
            && (packed.starts_with(DESCRIPTOR) == (length % 8 == 0))
    });
    let length = length.ok_or(FileProblem::ArchiveDamaged)?;
    let at = if length % 8 == 0 { 4 } else { 0 };
    if packed[at..at + 4] == sum.to_le_bytes() {
        Ok(length)
    } else {
        Err(FileProblem::ArchiveDamaged)
    }
}

/// Folders and the companions that systems add to every archive.
fn is_passed_over(name: &[u8]) -> bool {
    let base = name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    base.is_empty()
        || name.starts_with(b"__MACOSX/")
        || base.starts_with(b"._")
        || [&b".DS_Store"[..], b"Thumbs.db", b"desktop.ini"].contains(&base)
}

/// `.xlsx`, `.ods` and `.numbers` are archives, too.
fn is_part_of_workbook(name: &[u8]) -> bool {
    let folders: [&[u8]; 5] = [b"xl/", b"_rels/", b"docProps/", b"META-INF/", b"Index/"];
    let files: [&[u8]; 3] = [b"[Content_Types].xml", b"mimetype", b"content.xml"];
    folders.iter().any(|folder| name.starts_with(folder)) || files.contains(&name)
}
