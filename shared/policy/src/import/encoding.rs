//! From bytes to text: which encoding a file has, and how a cell is decoded.
//!
//! Every encoding taken here but UTF-16 keeps the delimiters, quotes and line
//! ends of CSV as single ASCII bytes that occur nowhere else, so records are
//! cut from the raw bytes and only cells are decoded: offsets stay those of
//! the original file. UTF-16 is turned into UTF-8 first (`input`).

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use super::refusal::{FileProblem, FileRefusal};

/// The encoding of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// Nothing but ASCII so far; the first row with more decides.
    Ascii,
    /// A single-byte or East Asian encoding of old, as guessed.
    Legacy(&'static encoding_rs::Encoding),
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, most significant byte first.
    Utf16Be,
    /// UTF-16, least significant byte first; Excel's "Unicode text".
    Utf16Le,
}

impl Encoding {
    /// The name for reports (WHATWG Encoding Standard); ASCII is UTF-8.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii | Self::Utf8 => "UTF-8",
            Self::Legacy(encoding) => encoding.name(),
            Self::Utf16Be => "UTF-16BE",
            Self::Utf16Le => "UTF-16LE",
        }
    }

    /// A stable code for checkpoints, which keeps ASCII apart.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ascii => "US-ASCII",
            Self::Legacy(_) | Self::Utf8 | Self::Utf16Be | Self::Utf16Le => self.name(),
        }
    }

    /// The encoding a code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "US-ASCII" => Some(Self::Ascii),
            "UTF-8" => Some(Self::Utf8),
            "UTF-16BE" => Some(Self::Utf16Be),
            "UTF-16LE" => Some(Self::Utf16Le),
            label => encoding_rs::Encoding::for_label(label.as_bytes()).map(Self::Legacy),
        }
    }

    /// Decides on the first bytes of a file; `whole` if there are no more.
    ///
    /// Order: what is no text at all; byte order marks; UTF-16 without one;
    /// strict UTF-8; and only then a guess.
    pub(super) fn detect(window: &[u8], whole: bool) -> Result<Self, FileRefusal> {
        refuse_other_formats(window)?;
        if window.starts_with(&[0xff, 0xfe]) {
            return Ok(Self::Utf16Le);
        }
        if window.starts_with(&[0xfe, 0xff]) {
            return Ok(Self::Utf16Be);
        }
        if let Some(encoding) = utf16_without_mark(window) {
            return Ok(encoding);
        }
        if window.starts_with("\u{feff}".as_bytes()) {
            return Ok(Self::Utf8);
        }
        if window.is_ascii() {
            return Ok(Self::Ascii);
        }
        Ok(Self::of_bytes(window, whole))
    }

    /// The encoding of bytes that are not all ASCII and hold no NUL; ASCII if
    /// the only sign stands at the cut and could be half a character.
    ///
    /// A few damaged bytes among much UTF-8 leave it UTF-8: the rows they
    /// stand in are rejected, the others keep their names.
    pub(super) fn of_bytes(bytes: &[u8], whole: bool) -> Self {
        let (mut wide, mut broken, mut cut_off) = (0_usize, 0_usize, false);
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            wide += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
            let last = chunks.peek().is_none();
            if !chunk.invalid().is_empty() {
                cut_off = last;
                broken += usize::from(!last);
            }
        }
        match (wide, broken) {
            (1.., 0) => return Self::Utf8,
            (0, 0) if cut_off && !whole => return Self::Ascii,
            (wide, broken) if wide > broken => return Self::Utf8,
            _ => (),
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, whole);
        match detector.guess(None, Utf8Detection::Deny) {
            // Nobody writes it; a single accent makes it look likely.
            guess if guess == encoding_rs::ISO_8859_4 => Self::Legacy(encoding_rs::WINDOWS_1252),
            guess => Self::Legacy(guess),
        }
    }

    /// Whether a byte of a longer character may look like a vertical bar.
    pub(super) fn hides_bars(self) -> bool {
        match self {
            Self::Legacy(encoding) => !encoding.is_single_byte(),
            Self::Ascii | Self::Utf8 | Self::Utf16Be | Self::Utf16Le => false,
        }
    }

    /// Decodes one cell as it was cut from the record. Bytes that mean nothing
    /// become U+FFFD, and the flag says so.
    pub(super) fn decode_cell(self, cell: &[u8]) -> (Cow<'_, str>, bool) {
        match self {
            Self::Legacy(encoding) => encoding.decode_without_bom_handling(cell),
            Self::Ascii | Self::Utf8 | Self::Utf16Be | Self::Utf16Le => {
                let text = String::from_utf8_lossy(cell);
                let damaged = matches!(text, Cow::Owned(_));
                (text, damaged)
            }
        }
    }
}

impl serde::Serialize for Encoding {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Encoding {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = Cow::<'de, str>::deserialize(from)?;
        Self::from_code(&code).ok_or_else(|| serde::de::Error::custom("unknown encoding"))
    }
}

/// ASCII written in UTF-16 has a zero in every other byte.
fn utf16_without_mark(window: &[u8]) -> Option<Encoding> {
    let pairs = window.len() / 2;
    let zeros = |from: usize| {
        let bytes = window.iter().skip(from).step_by(2);
        bytes.take(pairs).filter(|&&byte| byte == 0).count()
    };
    let (first, second) = (zeros(0), zeros(1));
    let mostly = |many: usize, few: usize| many * 5 >= pairs * 2 && few * 20 <= pairs;
    if pairs < 4 {
        None
    } else if mostly(second, first) {
        Some(Encoding::Utf16Le)
    } else if mostly(first, second) {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// Formats that people upload by mistake, by their first bytes.
fn refuse_other_formats(window: &[u8]) -> Result<(), FileRefusal> {
    use FileProblem as P;

    const SIGNATURES: [(&[u8], FileProblem); 16] = [
        (b"\xff\xfe\0\0", P::Utf32),
        (b"\0\0\xfe\xff", P::Utf32),
        (b"PK\x03\x04", P::Spreadsheet),
        (b"PK\x05\x06", P::Spreadsheet),
        (b"\xd0\xcf\x11\xe0", P::Spreadsheet),
        (b"\x1f\x8b", P::Compressed),
        (b"BZh", P::Compressed),
        (b"\xfd7zXZ\0", P::Compressed),
        (b"\x28\xb5\x2f\xfd", P::Compressed),
        (b"7z\xbc\xaf", P::Compressed),
        (b"Rar!\x1a", P::Compressed),
        (b"%PDF-", P::UnknownBinary),
        (b"\x89PNG", P::UnknownBinary),
        (b"\xff\xd8\xff", P::UnknownBinary),
        (b"GIF8", P::UnknownBinary),
        (b"{\\rtf", P::UnknownBinary),
    ];

    let refuse = |problem| Err(FileRefusal::at(problem, 1));
    for (signature, problem) in SIGNATURES {
        if window.starts_with(signature) {
            return refuse(problem);
        }
    }
    let text = window.strip_prefix("\u{feff}".as_bytes()).unwrap_or(window);
    let text = text.trim_ascii_start();
    let opens = |with: &str| {
        text.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    if ["<!doctype", "<html", "<table", "<?xml", "<meta", "<div"]
        .into_iter()
        .any(opens)
    {
        return refuse(P::Html);
    }
    if opens("BEGIN:VCARD") {
        return refuse(P::VCard);
    }
    let json = |open: u8, next: &[u8]| {
        text.first() == Some(&open)
            && text[1..]
                .trim_ascii_start()
                .first()
                .is_some_and(|byte| next.contains(byte))
    };
    if json(b'{', b"\"}") || json(b'[', b"{[]\"") {
        return refuse(P::Json);
    }
    Ok(())
}
