//! The values of one person, checked against what WhatsApp takes.

use std::fmt;

use super::mapping::{Mapping, Source, Variable};
use super::stop_words::is_stop_label;
use super::template::{
    Button, ButtonKind, Header, MediaKind, ParameterFormat, Piece, Template, TemplateText,
};
use crate::reason::RefusalReason;
use crate::subscription::Subscription;

/// Most characters of the text with its values in it (Meta, template
/// components; beyond it error 132005).
pub const BODY_MAX: usize = 1024;

/// Most characters of a header's text with its value in it.
const HEADER_MAX: usize = 60;

/// Most characters of a button's address with its end in it.
const URL_MAX: usize = 2000;

/// Most characters of a code that a button copies.
const CODE_MAX: usize = 15;

/// Most characters of a quick reply's payload.
const PAYLOAD_MAX: usize = 256;

/// What a stop button answers with unless the mapping says otherwise.
pub const OPT_OUT_PAYLOAD: &str = "OPTOUT:marketing";

/// Everything that one message fills in.
#[derive(Clone, Eq, PartialEq)]
pub struct Parameters {
    /// The header's value, where it has one.
    pub header: Option<HeaderParameter>,
    /// The text's values, in the order WhatsApp wants them.
    pub body: Vec<TextParameter>,
    /// The buttons' values, in their order.
    pub buttons: Vec<ButtonParameter>,
}

/// One value of a text.
#[derive(Clone, Eq, PartialEq)]
pub struct TextParameter {
    /// Its name, for templates with named variables.
    pub name: Option<String>,
    /// The value.
    pub text: String,
}

/// The header's value.
#[derive(Clone, Eq, PartialEq)]
pub enum HeaderParameter {
    /// A file, by the caller's reference.
    Media {
        /// What kind of file.
        kind: MediaKind,
        /// Which one.
        reference: String,
    },
    /// A value of its text.
    Text(TextParameter),
}

/// A button's value.
#[derive(Clone, Eq, PartialEq)]
pub enum ButtonParameter {
    /// The code to copy.
    Code {
        /// The button's position.
        index: u8,
        /// The code.
        code: String,
    },
    /// What a quick reply answers with.
    Payload {
        /// The button's position.
        index: u8,
        /// The payload.
        payload: String,
    },
    /// The end of the address.
    UrlSuffix {
        /// The button's position.
        index: u8,
        /// The end.
        suffix: String,
    },
}

/// Shows how many values there are, never one of them.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameters")
            .field("header", &self.header.is_some())
            .field("body", &self.body.len())
            .field("buttons", &self.buttons.len())
            .finish()
    }
}

impl fmt::Debug for TextParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextParameter")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for HeaderParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Media { kind, .. } => write!(f, "Media({})", kind.code()),
            Self::Text(text) => fmt::Debug::fmt(text, f),
        }
    }
}

impl fmt::Debug for ButtonParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { index, .. } => write!(f, "Code({index}, …)"),
            Self::Payload { index, .. } => write!(f, "Payload({index}, …)"),
            Self::UrlSuffix { index, .. } => write!(f, "UrlSuffix({index}, …)"),
        }
    }
}

/// Fills a template for one person. `preference_link` is the end of the
/// address of the person's own page, where the campaign offers one.
///
/// Law: what comes out passes WhatsApp's own rules for parameters, so that no
/// request is spent on a value that cannot be sent. A missing value is never
/// replaced by anything the mapping does not name.
pub fn parameters(
    template: &Template,
    mapping: &Mapping,
    subscription: &Subscription,
    preference_link: Option<&str>,
) -> Result<Parameters, RefusalReason> {
    let person = Values {
        mapping,
        subscription,
        preference_link,
    };
    let header = match &template.header {
        None => None,
        Some(Header::Location) => return Err(RefusalReason::ParameterMissing),
        Some(Header::Media(kind)) => match mapping.source(&Variable::HeaderMedia) {
            Some(Source::Media(reference)) => Some(HeaderParameter::Media {
                kind: *kind,
                reference: reference.clone(),
            }),
            Some(_) | None => return Err(RefusalReason::ParameterMissing),
        },
        Some(Header::Text(text)) => {
            let mut values = person.text(text, template.format, |name| {
                Variable::HeaderText(name.to_owned())
            })?;
            fits(text, &values, HEADER_MAX)?;
            values.pop().map(HeaderParameter::Text)
        }
    };
    let body = person.text(&template.body, template.format, |name| {
        Variable::Body(name.to_owned())
    })?;
    fits(&template.body, &body, BODY_MAX)?;
    let mut buttons = Vec::new();
    for (index, button) in (0_u8..).zip(&template.buttons) {
        buttons.extend(person.button(index, button, &template.language)?);
    }
    Ok(Parameters {
        header,
        body,
        buttons,
    })
}

struct Values<'a> {
    mapping: &'a Mapping,
    subscription: &'a Subscription,
    preference_link: Option<&'a str>,
}

impl Values<'_> {
    fn text(
        &self,
        text: &TemplateText,
        format: ParameterFormat,
        variable: impl Fn(&str) -> Variable,
    ) -> Result<Vec<TextParameter>, RefusalReason> {
        text.variables()
            .into_iter()
            .map(|name| {
                let text = self.value(&variable(name))?;
                if !fits_parameter(text) {
                    return Err(RefusalReason::ParameterInvalid);
                }
                Ok(TextParameter {
                    name: (format == ParameterFormat::Named).then(|| name.to_owned()),
                    text: text.to_owned(),
                })
            })
            .collect()
    }

    fn button(
        &self,
        index: u8,
        button: &Button,
        language: &str,
    ) -> Result<Option<ButtonParameter>, RefusalReason> {
        let invalid = Err(RefusalReason::ParameterInvalid);
        Ok(match &button.kind {
            ButtonKind::Phone => None,
            ButtonKind::CopyCode => {
                let code = self.value(&Variable::ButtonCode(index))?;
                if code.chars().count() > CODE_MAX || !code.bytes().all(|b| b.is_ascii_graphic()) {
                    return invalid;
                }
                let code = code.to_owned();
                Some(ButtonParameter::Code { index, code })
            }
            ButtonKind::QuickReply => {
                let variable = Variable::ButtonPayload(index);
                let payload = if self.mapping.source(&variable).is_some() {
                    self.value(&variable)?
                } else if is_stop_label(language, &button.label) {
                    OPT_OUT_PAYLOAD
                } else {
                    // WhatsApp answers with the label.
                    return Ok(None);
                };
                if payload.chars().count() > PAYLOAD_MAX || payload.contains(char::is_control) {
                    return invalid;
                }
                let payload = payload.to_owned();
                Some(ButtonParameter::Payload { index, payload })
            }
            ButtonKind::Url(url) if url.variables().is_empty() => None,
            ButtonKind::Url(url) => {
                let suffix = self.value(&Variable::ButtonUrl(index))?;
                let length = url.literal().chars().count() + suffix.chars().count();
                if length > URL_MAX || !is_url_suffix(suffix) {
                    return invalid;
                }
                let suffix = suffix.to_owned();
                Some(ButtonParameter::UrlSuffix { index, suffix })
            }
        })
    }

    fn value(&self, variable: &Variable) -> Result<&str, RefusalReason> {
        let value = match self.mapping.source(variable) {
            Some(Source::Column { name, or }) => self
                .subscription
                .value(name)
                .map(str::trim)
                .filter(|value| !value.is_empty())
                .or(or.as_deref()),
            Some(Source::PreferenceLink) => self.preference_link,
            Some(Source::Text(text)) => Some(text.as_str()),
            Some(Source::Media(_)) | None => None,
        };
        value
            .filter(|value| !value.trim().is_empty())
            .ok_or(RefusalReason::ParameterMissing)
    }
}

/// Whether WhatsApp takes a value in a text, and people read it as it is
/// written: not empty, no line breaks or tabs, at most four spaces in a row,
/// and nothing invisible that turns the text around.
pub fn fits_parameter(value: &str) -> bool {
    !value.trim().is_empty() && !value.contains("     ") && !value.chars().any(is_treacherous)
}

/// Controls (line breaks and tabs among them) and invisible marks, except the
/// joiners that emoji and some scripts need.
pub(super) fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{200b}'
                | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// Whether a text may end an address: what a URL may hold (RFC 3986), and
/// nothing that would lead elsewhere.
fn is_url_suffix(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b))
        && !text.contains("..")
        && !text.contains("//")
}

fn fits(text: &TemplateText, values: &[TextParameter], most: usize) -> Result<(), RefusalReason> {
    if fill(text, values).chars().count() > most {
        return Err(RefusalReason::MessageTooLong);
    }
    Ok(())
}

/// The text with its values in it.
fn fill(text: &TemplateText, values: &[TextParameter]) -> String {
    let variables = text.variables();
    let value = |name: &str| {
        let at = variables.iter().position(|known| *known == name)?;
        Some(values.get(at)?.text.as_str())
    };
    let mut filled = String::new();
    for piece in text.pieces() {
        match piece {
            Piece::Literal(text) => filled.push_str(text),
            Piece::Variable(name) => filled.push_str(value(name).unwrap_or_default()),
        }
    }
    filled
}

/// What one person will see. Personal data: for the link and content checks
/// and for previews, never for a log.
#[derive(Clone, Eq, PartialEq)]
pub struct Rendered {
    /// The header's text.
    pub header: Option<String>,
    /// The text.
    pub body: String,
    /// The small print.
    pub footer: Option<String>,
    /// The addresses behind the buttons.
    pub urls: Vec<String>,
}

/// Shows lengths, never the text.
impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("body", &self.body.len())
            .field("urls", &self.urls.len())
            .finish_non_exhaustive()
    }
}

/// Puts the values where they belong.
pub fn render(template: &Template, parameters: &Parameters) -> Rendered {
    let header = match (&template.header, &parameters.header) {
        (Some(Header::Text(text)), Some(HeaderParameter::Text(value))) => {
            Some(fill(text, std::slice::from_ref(value)))
        }
        (Some(Header::Text(text)), _) => Some(text.to_string()),
        (Some(Header::Location | Header::Media(_)) | None, _) => None,
    };
    let suffix = |at: u8| {
        parameters.buttons.iter().find_map(|button| match button {
            ButtonParameter::UrlSuffix { index, suffix } if *index == at => Some(suffix.as_str()),
            ButtonParameter::UrlSuffix { .. }
            | ButtonParameter::Code { .. }
            | ButtonParameter::Payload { .. } => None,
        })
    };
    let urls = (0_u8..)
        .zip(&template.buttons)
        .filter_map(|(index, button)| match &button.kind {
            ButtonKind::Url(url) => {
                let end = suffix(index).unwrap_or_default();
                let pieces = url.pieces().iter().map(|piece| match piece {
                    Piece::Literal(text) => text.as_str(),
                    Piece::Variable(_) => end,
                });
                Some(pieces.collect())
            }
            ButtonKind::CopyCode | ButtonKind::Phone | ButtonKind::QuickReply => None,
        })
        .collect();
    Rendered {
        header,
        body: fill(&template.body, &parameters.body),
        footer: template.footer.clone(),
        urls,
    }
}
