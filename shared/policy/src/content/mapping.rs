//! Where the value of each variable comes from.

use std::collections::BTreeMap;
use std::fmt;

/// Which source fills which variable of a template.
///
/// In text, as a client writes it and as it is stored:
///
/// | variable | means |
/// |---|---|
/// | `body.nama`, `body.1`, or just `nama`, `1` | a variable of the text |
/// | `header.nama`, `header.1` | the variable of the header's text |
/// | `header` | the header's file |
/// | `button.0` | the end of the address of button 0 |
/// | `payload.1` | what quick reply 1 answers with |
/// | `code.2` | the code that button 2 copies |
///
/// | source | means |
/// |---|---|
/// | `name`, `column:name` | a column of the list |
/// | `column:name\|Kak` | the same, or `Kak` where it is empty |
/// | `text:25%` | the same words for everyone |
/// | `link:preferences` | the person's own page, where they may stop |
/// | `media:…` | an uploaded file |
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mapping(BTreeMap<Variable, Source>);

/// A place in a template that each message fills.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Variable {
    /// A variable of the text.
    Body(String),
    /// The code that a button copies.
    ButtonCode(u8),
    /// What a quick reply answers with.
    ButtonPayload(u8),
    /// The end of a button's address.
    ButtonUrl(u8),
    /// The header's file.
    HeaderMedia,
    /// The variable of the header's text.
    HeaderText(String),
}

/// Where a value comes from.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Source {
    /// A column of the list.
    Column {
        /// Its name.
        name: String,
        /// The words to use where it is empty.
        or: Option<String>,
    },
    /// An uploaded file, by the caller's reference.
    Media(String),
    /// The person's own page, where they may stop.
    PreferenceLink,
    /// The same words for everyone.
    Text(String),
}

impl Mapping {
    /// Parses pairs of variable and source.
    pub fn parse<'a>(
        entries: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ParseMappingError> {
        let mut mapping = BTreeMap::new();
        for (variable, source) in entries {
            let variable: Variable = variable.parse()?;
            if mapping.insert(variable, source.parse()?).is_some() {
                return Err(ParseMappingError::Repeated);
            }
        }
        Ok(Self(mapping))
    }

    /// The source of a variable.
    pub fn source(&self, variable: &Variable) -> Option<&Source> {
        self.0.get(variable)
    }

    /// Whether anything comes from the link to the person's own page.
    pub fn leads_to_page(&self) -> bool {
        self.0.values().any(|s| *s == Source::PreferenceLink)
    }

    /// All pairs, in a stable order; their texts parse to the same mapping.
    pub fn entries(&self) -> impl Iterator<Item = (&Variable, &Source)> {
        self.0.iter()
    }
}

impl std::str::FromStr for Variable {
    type Err = ParseMappingError;

    fn from_str(text: &str) -> Result<Self, ParseMappingError> {
        let button = |index: &str| {
            let index: u8 = index.parse().map_err(|_| ParseMappingError::Variable)?;
            if index < 10 {
                Ok(index)
            } else {
                Err(ParseMappingError::Variable)
            }
        };
        let name = |name: &str| {
            if name.is_empty() || name.contains(char::is_whitespace) {
                Err(ParseMappingError::Variable)
            } else {
                Ok(name.to_owned())
            }
        };
        match text.split_once('.') {
            None if text == "header" => Ok(Self::HeaderMedia),
            None => name(text).map(Self::Body),
            Some(("body", rest)) => name(rest).map(Self::Body),
            Some(("button", rest)) => button(rest).map(Self::ButtonUrl),
            Some(("code", rest)) => button(rest).map(Self::ButtonCode),
            Some(("header", rest)) => name(rest).map(Self::HeaderText),
            Some(("payload", rest)) => button(rest).map(Self::ButtonPayload),
            Some(_) => Err(ParseMappingError::Variable),
        }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(name) => write!(f, "body.{name}"),
            Self::ButtonCode(index) => write!(f, "code.{index}"),
            Self::ButtonPayload(index) => write!(f, "payload.{index}"),
            Self::ButtonUrl(index) => write!(f, "button.{index}"),
            Self::HeaderMedia => f.write_str("header"),
            Self::HeaderText(name) => write!(f, "header.{name}"),
        }
    }
}

impl std::str::FromStr for Source {
    type Err = ParseMappingError;

    fn from_str(text: &str) -> Result<Self, ParseMappingError> {
        let column = |text: &str| {
            let (name, or) = match text.split_once('|') {
                Some((name, or)) => (name, Some(or)),
                None => (text, None),
            };
            if name.is_empty() || or.is_some_and(str::is_empty) {
                return Err(ParseMappingError::Source);
            }
            Ok(Self::Column {
                name: name.to_owned(),
                or: or.map(str::to_owned),
            })
        };
        match text.split_once(':') {
            None => column(text),
            Some(("column", rest)) => column(rest),
            Some(("link", "preferences")) => Ok(Self::PreferenceLink),
            Some(("media", rest)) if !rest.is_empty() => Ok(Self::Media(rest.to_owned())),
            Some(("text", rest)) if !rest.is_empty() => Ok(Self::Text(rest.to_owned())),
            Some(_) => Err(ParseMappingError::Source),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column { name, or: None } => write!(f, "column:{name}"),
            Self::Column { name, or: Some(or) } => write!(f, "column:{name}|{or}"),
            Self::Media(reference) => write!(f, "media:{reference}"),
            Self::PreferenceLink => f.write_str("link:preferences"),
            Self::Text(text) => write!(f, "text:{text}"),
        }
    }
}

/// Why a text is not part of a mapping.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParseMappingError {
    /// One variable stands there twice.
    #[error("a variable is mapped twice")]
    Repeated,
    /// The source is none.
    #[error("expected a source such as `column:name`, `text:25%` or `link:preferences`")]
    Source,
    /// The variable is none.
    #[error("expected a variable such as `body.nama`, `header.1`, `button.0` or `payload.1`")]
    Variable,
}
