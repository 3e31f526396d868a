//! An approved template, read from Meta's listing into our own types.

use std::fmt;

use serde::Deserialize;

/// A WhatsApp message template in one language.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template {
    /// Its name within the business account.
    pub name: String,
    /// Its language, as the API writes it: `id`, `en_US`.
    pub language: String,
    /// Whether WhatsApp lets it be sent.
    pub status: TemplateStatus,
    /// What WhatsApp takes it for, and bills it as.
    pub category: Category,
    /// How its variables are named.
    pub format: ParameterFormat,
    /// What stands above the text.
    pub header: Option<Header>,
    /// The text.
    pub body: TemplateText,
    /// The small print below the text; it has no variables.
    pub footer: Option<String>,
    /// The buttons, in their order.
    pub buttons: Vec<Button>,
}

impl Template {
    /// Parses one entry of Meta's template listing.
    pub fn parse(json: &str) -> Result<Self, ParseTemplateError> {
        let row: wire::Row = serde_json::from_str(json).map_err(|_| ParseTemplateError::Shape)?;
        Self::try_from(row)
    }

    /// Parses a page of Meta's template listing, `{"data": […], …}`. An entry
    /// that cannot be used does not spoil the others.
    pub fn parse_listing(
        json: &str,
    ) -> Result<Vec<Result<Self, ParseTemplateError>>, ParseTemplateError> {
        let listing: wire::Listing =
            serde_json::from_str(json).map_err(|_| ParseTemplateError::Shape)?;
        let parse = |row| {
            let row: wire::Row =
                serde_json::from_value(row).map_err(|_| ParseTemplateError::Shape)?;
            Self::try_from(row)
        };
        Ok(listing.data.into_iter().map(parse).collect())
    }

    /// Every text that a person reads, in order, without values.
    pub(super) fn texts(&self) -> impl Iterator<Item = &TemplateText> {
        let header = match &self.header {
            Some(Header::Text(text)) => Some(text),
            Some(Header::Location | Header::Media(_)) | None => None,
        };
        header.into_iter().chain(std::iter::once(&self.body))
    }
}

/// What stands above the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Header {
    /// A place on a map.
    Location,
    /// A picture, a film or a document.
    Media(MediaKind),
    /// A line of text with at most one variable.
    Text(TemplateText),
}

/// What kind of file a header shows.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MediaKind {
    /// A PDF file.
    Document,
    /// A picture.
    Image,
    /// A film.
    Video,
}

impl MediaKind {
    /// WhatsApp's word for it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Image => "image",
            Self::Video => "video",
        }
    }
}

/// One button.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Button {
    /// What is written on it.
    pub label: String,
    /// What it does.
    pub kind: ButtonKind,
}

/// What a button does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ButtonKind {
    /// Copies a code that each message sets.
    CopyCode,
    /// Calls a number.
    Phone,
    /// Answers with its label, and a payload that each message sets.
    QuickReply,
    /// Opens an address; at most its end is a variable.
    Url(TemplateText),
}

/// Whether a template may be sent.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TemplateStatus {
    /// It may.
    Approved,
    /// WhatsApp disabled it for good.
    Disabled,
    /// Anything else WhatsApp calls it: archived, in appeal, deleted, ….
    Other,
    /// WhatsApp paused it for low quality.
    Paused,
    /// WhatsApp has not decided yet.
    Pending,
    /// WhatsApp refused it.
    Rejected,
}

impl TemplateStatus {
    /// The status WhatsApp's word stands for.
    pub fn from_word(word: &str) -> Self {
        match word {
            "APPROVED" => Self::Approved,
            "DISABLED" => Self::Disabled,
            "PAUSED" => Self::Paused,
            "PENDING" => Self::Pending,
            "REJECTED" => Self::Rejected,
            _ => Self::Other,
        }
    }

    /// A stable code for storage and reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Disabled => "disabled",
            Self::Other => "other",
            Self::Paused => "paused",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
        }
    }
}

/// What WhatsApp takes a message for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Category {
    /// One-time codes.
    Authentication,
    /// Advertising, and everything that is not clearly something else.
    Marketing,
    /// Free text in answer to the person, without a template.
    Service,
    /// About something the person asked for or has.
    Utility,
}

impl Category {
    const ALL: [Self; 4] = [
        Self::Authentication,
        Self::Marketing,
        Self::Service,
        Self::Utility,
    ];

    /// A stable code for storage and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Marketing => "marketing",
            Self::Service => "service",
            Self::Utility => "utility",
        }
    }

    /// The category a stored code, or WhatsApp's word, stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|category| category.code().eq_ignore_ascii_case(code))
    }
}

/// How a template names its variables.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ParameterFormat {
    /// `{{nama}}`: sent with their names.
    Named,
    /// `{{1}}`: sent in their order.
    Positional,
}

/// A text with variables.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TemplateText(Vec<Piece>);

/// A stretch of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece {
    /// As it stands.
    Literal(String),
    /// The value of a variable.
    Variable(String),
}

impl TemplateText {
    /// Splits at `{{…}}`. Braces that hold no name stay text, as WhatsApp
    /// shows them.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            let (before, from) = rest.split_at(open);
            literal.push_str(before);
            let name = from[2..]
                .split_once("}}")
                .map(|(name, after)| (name.trim(), after))
                .filter(|(name, _)| is_variable_name(name));
            match name {
                Some((name, after)) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Variable(name.to_owned()));
                    rest = after;
                }
                None => {
                    literal.push_str("{{");
                    rest = &from[2..];
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self(pieces)
    }

    /// The stretches, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The variables, each once, in the order of their first use; positional
    /// ones in the order of their numbers.
    pub fn variables(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for piece in &self.0 {
            if let Piece::Variable(name) = piece
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        if names.iter().all(|name| name.parse::<u32>().is_ok()) {
            names.sort_by_key(|name| name.parse::<u32>().unwrap_or(u32::MAX));
        }
        names
    }

    /// The text without its variables.
    pub fn literal(&self) -> String {
        let literal = |piece: &Piece| match piece {
            Piece::Literal(text) => Some(text.clone()),
            Piece::Variable(_) => None,
        };
        self.0.iter().filter_map(literal).collect()
    }
}

/// Shows the text as it was written.
impl fmt::Display for TemplateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Literal(text) => f.write_str(text),
            Piece::Variable(name) => write!(f, "{{{{{name}}}}}"),
        })
    }
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Why a template cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParseTemplateError {
    /// It has no text.
    #[error("template has no body")]
    BodyMissing,
    /// It has a category that this service does not know.
    #[error("template has an unknown category")]
    Category,
    /// It is not an entry of Meta's listing.
    #[error("template is not in the shape of Meta's listing")]
    Shape,
    /// It has a part that this service cannot fill.
    #[error("template has a part that cannot be filled, such as a carousel or a flow")]
    Unsupported,
}

/// Meta's own shape.
mod wire {
    use super::{
        Button, ButtonKind, Category, Deserialize, Header, MediaKind, ParameterFormat,
        ParseTemplateError, Template, TemplateStatus, TemplateText,
    };

    #[derive(Deserialize)]
    pub(super) struct Listing {
        pub(super) data: Vec<serde_json::Value>,
    }

    #[derive(Deserialize)]
    pub(super) struct Row {
        name: String,
        language: String,
        status: String,
        category: String,
        parameter_format: Option<String>,
        components: Vec<Component>,
    }

    #[derive(Deserialize)]
    struct Component {
        #[serde(rename = "type")]
        kind: String,
        format: Option<String>,
        text: Option<String>,
        #[serde(default)]
        buttons: Vec<ButtonRow>,
    }

    #[derive(Deserialize)]
    struct ButtonRow {
        #[serde(rename = "type")]
        kind: String,
        #[serde(default)]
        text: String,
        url: Option<String>,
    }

    impl TryFrom<Row> for Template {
        type Error = ParseTemplateError;

        fn try_from(row: Row) -> Result<Self, ParseTemplateError> {
            use ParseTemplateError as E;

            let mut header = None;
            let mut body = None;
            let mut footer = None;
            let mut buttons = Vec::new();
            for component in row.components {
                match component.kind.to_ascii_uppercase().as_str() {
                    "HEADER" => header = Some(Header::try_from(component)?),
                    "BODY" => {
                        let text = component.text.ok_or(E::BodyMissing)?;
                        body = Some(TemplateText::parse(&text));
                    }
                    "FOOTER" => footer = component.text,
                    "BUTTONS" => {
                        buttons = component
                            .buttons
                            .into_iter()
                            .map(Button::try_from)
                            .collect::<Result<_, _>>()?;
                    }
                    _ => return Err(E::Unsupported),
                }
            }
            let format = match row.parameter_format.as_deref() {
                Some(format) if format.eq_ignore_ascii_case("named") => ParameterFormat::Named,
                Some(_) | None => ParameterFormat::Positional,
            };
            Ok(Self {
                name: row.name,
                // Webhooks write a hyphen where the API wants an underscore.
                language: row.language.replace('-', "_"),
                status: TemplateStatus::from_word(&row.status),
                category: Category::from_code(&row.category).ok_or(E::Category)?,
                format,
                header,
                body: body.ok_or(E::BodyMissing)?,
                footer,
                buttons,
            })
        }
    }

    impl TryFrom<Component> for Header {
        type Error = ParseTemplateError;

        fn try_from(component: Component) -> Result<Self, ParseTemplateError> {
            let format = component.format.unwrap_or_else(|| "TEXT".to_owned());
            Ok(match format.to_ascii_uppercase().as_str() {
                "DOCUMENT" => Self::Media(MediaKind::Document),
                "IMAGE" => Self::Media(MediaKind::Image),
                "LOCATION" => Self::Location,
                "TEXT" => Self::Text(TemplateText::parse(&component.text.unwrap_or_default())),
                "VIDEO" => Self::Media(MediaKind::Video),
                _ => return Err(ParseTemplateError::Unsupported),
            })
        }
    }

    impl TryFrom<ButtonRow> for Button {
        type Error = ParseTemplateError;

        fn try_from(row: ButtonRow) -> Result<Self, ParseTemplateError> {
            use ParseTemplateError as E;

            let kind = match row.kind.to_ascii_uppercase().as_str() {
                "COPY_CODE" => ButtonKind::CopyCode,
                "PHONE_NUMBER" => ButtonKind::Phone,
                "QUICK_REPLY" => ButtonKind::QuickReply,
                "URL" => ButtonKind::Url(TemplateText::parse(&row.url.ok_or(E::Shape)?)),
                _ => return Err(E::Unsupported),
            };
            Ok(Self {
                label: row.text,
                kind,
            })
        }
    }
}
