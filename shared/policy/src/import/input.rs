//! Bytes pushed in, CSV bytes pulled out, and the offset in the original file.

use super::encoding::Encoding;

/// What was pushed and not yet read.
///
/// Law: [`Input::offset`] is the place in the original file of the next unread
/// byte, whatever the encoding and however the bytes were cut.
#[derive(Debug)]
pub(super) struct Input {
    encoding: Encoding,
    raw: Vec<u8>,
    /// How much of `raw` was read (or, for UTF-16, transcoded).
    raw_at: usize,
    /// UTF-8 made from UTF-16; unused otherwise.
    text: Vec<u8>,
    text_at: usize,
    offset: u64,
    pushed_to: u64,
    finished: bool,
    /// Where [`Input::rewind`] leads back to.
    mark: Option<Mark>,
}

/// A place among the available bytes.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: usize,
    offset: u64,
}

impl Input {
    pub(super) fn new(encoding: Encoding, offset: u64) -> Self {
        Self {
            encoding,
            raw: Vec::new(),
            raw_at: 0,
            text: Vec::new(),
            text_at: 0,
            offset,
            pushed_to: offset,
            finished: false,
            mark: None,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let read = match self.is_wide() {
            true => self.raw_at,
            false => self.forget(self.raw_at),
        };
        self.raw.drain(..read);
        self.raw_at -= read;
        self.raw.extend_from_slice(bytes);
        self.pushed_to += bytes.len() as u64;
    }

    /// Keeps what comes from here on, so that it can be read again.
    pub(super) fn mark(&mut self) {
        self.mark = Some(Mark {
            at: if self.is_wide() {
                self.text_at
            } else {
                self.raw_at
            },
            offset: self.offset,
        });
    }

    pub(super) fn unmark(&mut self) {
        self.mark = None;
    }

    /// Goes back to the mark.
    pub(super) fn rewind(&mut self) {
        let Some(mark) = self.mark else { return };
        self.offset = mark.offset;
        if self.is_wide() {
            self.text_at = mark.at;
        } else {
            self.raw_at = mark.at;
        }
    }

    /// How many of the first `read` bytes nobody needs any more; moves the
    /// mark as if they were gone.
    fn forget(&mut self, read: usize) -> usize {
        match &mut self.mark {
            Some(mark) => std::mem::take(&mut mark.at),
            None => read,
        }
    }

    fn is_wide(&self) -> bool {
        matches!(self.encoding, Encoding::Utf16Be | Encoding::Utf16Le)
    }

    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Settles the encoding: before the first read, or from ASCII to one of
    /// its supersets.
    pub(super) fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// The bytes as they were pushed, before any reading.
    pub(super) fn window(&self) -> &[u8] {
        &self.raw[self.raw_at..]
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Unread bytes in a superset of ASCII.
    pub(super) fn available(&mut self) -> &[u8] {
        match self.encoding {
            Encoding::Utf16Be => self.transcode(u16::from_be_bytes),
            Encoding::Utf16Le => self.transcode(u16::from_le_bytes),
            Encoding::Ascii | Encoding::Legacy(_) | Encoding::Utf8 => {
                return &self.raw[self.raw_at..];
            }
        }
        &self.text[self.text_at..]
    }

    /// Marks the first `count` available bytes as read.
    pub(super) fn consume(&mut self, count: usize) {
        match self.encoding {
            Encoding::Utf16Be | Encoding::Utf16Le => {
                let read = &self.text[self.text_at..self.text_at + count];
                let units: u64 = read.iter().map(|&byte| utf16_units(byte)).sum();
                self.offset = (self.offset + 2 * units).min(self.pushed_to);
                self.text_at += count;
            }
            Encoding::Ascii | Encoding::Legacy(_) | Encoding::Utf8 => {
                self.offset += count as u64;
                self.raw_at += count;
            }
        }
    }

    fn transcode(&mut self, unit: fn([u8; 2]) -> u16) {
        if self.raw_at == self.raw.len() {
            return;
        }
        let read = self.forget(self.text_at);
        self.text.drain(..read);
        self.text_at -= read;
        let raw = &self.raw[self.raw_at..];
        let (pairs, odd) = raw.as_chunks::<2>();
        // Half a surrogate pair, or half a unit, waits for its other half.
        let mut whole = pairs.len();
        let ends_high = pairs
            .last()
            .is_some_and(|&pair| (0xd800..0xdc00).contains(&unit(pair)));
        if ends_high && !self.finished {
            whole -= 1;
        }
        let mut push = |c: char| {
            let mut buffer = [0; 4];
            self.text
                .extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        };
        for decoded in char::decode_utf16(pairs[..whole].iter().map(|&pair| unit(pair))) {
            push(decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.raw_at += 2 * whole;
        if self.finished && !odd.is_empty() {
            push(char::REPLACEMENT_CHARACTER);
            self.raw_at += odd.len();
        }
    }
}

/// How many UTF-16 units the character took whose UTF-8 starts with `byte`.
fn utf16_units(byte: u8) -> u64 {
    match byte {
        0x80..=0xbf => 0,
        0xf0..=0xff => 2,
        0x00..=0x7f | 0xc0..=0xef => 1,
    }
}
