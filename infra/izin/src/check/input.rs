//! The files that a check reads, and what to say when one cannot be used.
//!
//! No message repeats what stands in a file: it may be about people.

use std::fmt;
use std::io::{ErrorKind, Read as _};
use std::marker::PhantomData;
use std::path::Path;

use jiff::Timestamp;
use policy::campaign::CampaignState;
use policy::consent::Basis;
use policy::content::{Category, Source, TemplateStatus, Variable};
use policy::import::FileRefusal;
use policy::jurisdiction::Sector;
use policy::person::SuppressionSource;
use policy::phone::{PhoneNumber, Region};
use policy::purpose::{Purpose, Scope};
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};

/// Why a file cannot be used: the file, the line, what is wrong, the remedy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{file}{}: {what}; {remedy}", Place(*line, *column))]
pub(crate) struct Problem {
    file: String,
    line: Option<u64>,
    column: Option<usize>,
    what: String,
    remedy: String,
}

struct Place(Option<u64>, Option<usize>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.0 {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = self.1 {
            write!(f, ", column {column}")?;
        }
        Ok(())
    }
}

impl Problem {
    pub(crate) fn new(
        path: &Path,
        line: impl Into<Option<u64>>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: path.display().to_string(),
            line: line.into(),
            column: None,
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// A table that the import refuses.
    pub(crate) fn of_table(path: &Path, refusal: FileRefusal) -> Self {
        Self {
            column: refusal.column,
            ..Self::new(
                path,
                refusal.line,
                refusal.problem.to_string(),
                refusal.remedy(),
            )
        }
    }

    /// A JSON file that is none, or not of the expected shape.
    fn of_json(path: &Path, error: &serde_json::Error) -> Self {
        let line = u64::try_from(error.line()).unwrap_or(u64::MAX).max(1);
        if !error.is_data() {
            let remedy = "look for a missing comma, quotation mark or bracket";
            return Self::new(path, line, "the file is not JSON", remedy);
        }
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        // What serde says of a wrong value or name repeats it.
        let expected = message.rsplit("expected ").next().unwrap_or_default();
        let what = if message.starts_with("unknown field") {
            format!("there is a field of an unknown name: expected {expected}")
        } else if message.starts_with("invalid ") {
            format!("a value is of the wrong kind: expected {expected}")
        } else {
            message.to_owned()
        };
        Self::new(path, line, what, "mend it as `--help` describes the file")
    }
}

/// Reads a file.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

/// A file that is read piece by piece, however large it is.
pub(crate) struct Pieces {
    file: std::fs::File,
    error: Option<std::io::Error>,
}

impl Pieces {
    pub(crate) fn of(path: &Path) -> Result<Self, Problem> {
        let file = std::fs::File::open(path);
        Ok(Self {
            file: file.map_err(|error| unreadable(path, &error))?,
            error: None,
        })
    }

    /// Whether all pieces were read.
    pub(crate) fn finish(self, path: &Path) -> Result<(), Problem> {
        self.error
            .map_or(Ok(()), |error| Err(unreadable(path, &error)))
    }
}

impl Iterator for Pieces {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut piece = vec![0; 256 << 10];
        match self.file.read(&mut piece) {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some(piece)
            }
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    match error.kind() {
        ErrorKind::NotFound => Problem::new(path, None, "there is no such file", "check the path"),
        ErrorKind::IsADirectory => {
            Problem::new(path, None, "this is a folder", "name a file in it")
        }
        _ => Problem::new(
            path,
            None,
            format!("it cannot be read ({})", error.kind()),
            "check its permissions",
        ),
    }
}

/// Reads a file of UTF-8 text.
pub(crate) fn text(path: &Path) -> Result<String, Problem> {
    String::from_utf8(bytes(path)?).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        let line = u64::try_from(line).unwrap_or(u64::MAX);
        Problem::new(
            path,
            line,
            "the text is not UTF-8",
            "save the file as UTF-8",
        )
    })
}

/// Parses a file of JSON.
pub(crate) fn json<T: DeserializeOwned>(path: &Path) -> Result<T, Problem> {
    parse(path, &text(path)?)
}

/// Parses the JSON of a file.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| Problem::of_json(path, &error))
}

/// A text in JSON that stands for a `T`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Text<T>(pub(crate) T);

impl<'de, T: FromText> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // A visitor, so that the error carries the line of the value itself.
        from.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromText> Visitor<'_> for TextVisitor<T> {
    type Value = Text<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text<T>, E> {
        T::from_text(text)
            .map(Text)
            .ok_or_else(|| E::custom(format_args!("expected {}", T::EXPECTED)))
    }
}

/// Something that is written as a text, and how to write it.
pub(crate) trait FromText: Sized {
    /// Continues "expected …".
    const EXPECTED: &'static str;

    /// What the text stands for.
    fn from_text(text: &str) -> Option<Self>;
}

macro_rules! from_text {
    ($($kind:ty, $expected:literal, $parse:expr;)+) => {
        $(impl FromText for $kind {
            const EXPECTED: &'static str = $expected;

            fn from_text(text: &str) -> Option<Self> {
                let parse: fn(&str) -> Option<Self> = $parse;
                parse(text)
            }
        })+
    };
}

from_text! {
    Basis, "a basis: `explicit_consent` or `relationship`", Self::from_code;
    CampaignState, "a state of a campaign such as `running` or `paused`", Self::from_code;
    Category, "a category: `marketing`, `utility`, `authentication` or `service`", Self::from_code;
    PhoneNumber, "a phone number such as `+6281234567890`", |text| {
        Self::parse(text, Region::INDONESIA).ok()
    };
    Purpose, "a purpose such as `marketing` or `service.order`", |text| Self::parse(text).ok();
    Scope, "`*` or a purpose such as `marketing`", |text| Self::parse(text).ok();
    Sector, "a sector: `general` or `financial_services`", Self::from_code;
    Source, "a source such as `column:name`, `text:25%` or `link:preferences`", |text| {
        text.parse().ok()
    };
    SuppressionSource, "a way to stop such as `keyword`, `button`, `api` or `page`", Self::from_code;
    TemplateStatus, "a status of a template such as `approved` or `paused`", |text| {
        Some(Self::from_word(&text.to_ascii_uppercase()))
    };
    Timestamp, "a moment such as `2026-11-24T09:00:00+07:00`", |text| text.parse().ok();
    Variable, "a variable such as `body.nama`, `header.1`, `button.0` or `payload.1`", |text| {
        text.parse().ok()
    };
}
