//! The JSON of the Cloud API (Meta, "Send messages", "Message templates").

use policy::phone::PhoneNumber;
use serde::{Deserialize, Deserializer, Serialize};

use super::client::Endpoint;

/// A message, ready for one person.
#[derive(Clone, Debug)]
pub enum Message {
    /// An approved template.
    Template(TemplateMessage),
    /// Free text, which WhatsApp takes within 24 hours of the person's own
    /// message only.
    Text(TextMessage),
}

/// A free text, without a preview of its links.
#[derive(Clone, Serialize)]
pub struct TextMessage {
    preview_url: bool,
    body: String,
}

impl TextMessage {
    /// A text of at most 4,096 characters (Meta, "Text messages").
    pub fn new(body: String) -> Self {
        let preview_url = false;
        Self { preview_url, body }
    }
}

impl std::fmt::Debug for TextMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TextMessage(…)")
    }
}

/// A template message, ready for one person.
#[derive(Clone, Debug, Serialize)]
pub struct TemplateMessage {
    name: String,
    language: Language,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component>,
}

impl TemplateMessage {
    /// A message of an approved template.
    pub fn new(name: &str, language: &str, components: Vec<Component>) -> Self {
        Self {
            name: name.to_owned(),
            language: Language {
                code: language.to_owned(),
            },
            components,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct Language {
    code: String,
}

/// One part of a template that takes parameters.
#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Component {
    /// The body's variables.
    Body {
        /// In order, or by name.
        parameters: Vec<Parameter>,
    },
    /// One button.
    Button {
        /// `url` or `quick_reply`.
        sub_type: String,
        /// The button's place, from 0, as text.
        index: String,
        /// The URL's suffix, or the reply's payload.
        parameters: Vec<Parameter>,
    },
    /// The header's variable.
    Header {
        /// At most one.
        parameters: Vec<Parameter>,
    },
}

/// A value for one variable; it may be a name, so it prints as nothing.
#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Parameter {
    /// A code that a button copies.
    CouponCode {
        /// The code.
        coupon_code: String,
    },
    /// A document.
    Document {
        /// Which.
        document: MediaId,
    },
    /// A picture.
    Image {
        /// Which.
        image: MediaId,
    },
    /// The payload of a quick reply.
    Payload {
        /// What comes back when the person taps the button.
        payload: String,
    },
    /// Text.
    Text {
        /// The variable's name, for templates with named variables.
        #[serde(skip_serializing_if = "Option::is_none")]
        parameter_name: Option<String>,
        /// Its value.
        text: String,
    },
    /// A film.
    Video {
        /// Which.
        video: MediaId,
    },
}

/// An uploaded file, by WhatsApp's id of it.
#[derive(Clone, Serialize)]
pub struct MediaId {
    /// The id.
    pub id: String,
    /// How a document is called where it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

impl std::fmt::Debug for MediaId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MediaId(…)")
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Body { .. } => "Body(…)",
            Self::Button { .. } => "Button(…)",
            Self::Header { .. } => "Header(…)",
        })
    }
}

impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parameter(…)")
    }
}

/// The envelope of a send.
#[derive(Serialize)]
pub(super) struct SendRequest<'a> {
    messaging_product: &'static str,
    recipient_type: &'static str,
    /// With its plus: without one, WhatsApp prepends the sender's own country.
    to: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<&'a TemplateMessage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a TextMessage>,
    biz_opaque_callback_data: &'a str,
    #[serde(flatten)]
    marketing: Option<MarketingTerms>,
}

/// What the marketing endpoint is told besides.
#[derive(Serialize)]
struct MarketingTerms {
    /// What becomes of a message that cannot go this way.
    product_policy: &'static str,
    /// Whether Meta learns what people do with the message.
    message_activity_sharing: bool,
}

impl<'a> SendRequest<'a> {
    pub(super) fn new(
        endpoint: Endpoint<'_>,
        to: &'a PhoneNumber,
        message: &'a Message,
        callback: &'a str,
    ) -> Self {
        let marketing = match endpoint {
            Endpoint::Messages(_) => None,
            // WhatsApp then sends it as it sends any other.
            Endpoint::MarketingMessages(_) => Some(MarketingTerms {
                product_policy: "CLOUD_API_FALLBACK",
                message_activity_sharing: false,
            }),
        };
        let (kind, template, text) = match message {
            Message::Template(template) => ("template", Some(template), None),
            Message::Text(text) => ("text", None, Some(text)),
        };
        Self {
            messaging_product: "whatsapp",
            recipient_type: "individual",
            to: to.expose(),
            kind,
            template,
            text,
            biz_opaque_callback_data: callback,
            marketing,
        }
    }
}

/// The good answer to a send.
#[derive(Deserialize)]
pub(super) struct SendResponse {
    #[serde(default)]
    pub(super) messages: Vec<SentMessage>,
}

#[derive(Deserialize)]
pub(super) struct SentMessage {
    pub(super) id: String,
}

/// The good answer to an upload.
#[derive(Deserialize)]
pub(super) struct UploadResponse {
    pub(super) id: String,
}

/// The bad answer to anything.
#[derive(Deserialize)]
pub(super) struct ErrorResponse {
    pub(super) error: ErrorBody,
}

#[derive(Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default, deserialize_with = "number_or_text")]
    pub(super) code: Option<u32>,
    #[serde(default)]
    pub(super) is_transient: Option<bool>,
}

/// A page of templates.
#[derive(Deserialize)]
pub(super) struct TemplateListing {
    #[serde(default)]
    pub(super) data: Vec<serde_json::Value>,
}

/// A business number, as far as it is asked about. Members are missing, or hold
/// words that no documentation has, in answers of older and newer versions.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct NumberResponse {
    #[serde(default)]
    throughput: Option<Throughput>,
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    #[serde(default)]
    pub quality_rating: Option<String>,
    /// The messaging limit of its portfolio, such as `TIER_2K`.
    #[serde(default)]
    pub whatsapp_business_manager_messaging_limit: Option<String>,
    /// Such as `CONNECTED`.
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    health_status: Option<HealthStatus>,
}

#[derive(Clone, Debug, Deserialize)]
struct Throughput {
    #[serde(default)]
    level: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct HealthStatus {
    #[serde(default)]
    can_send_message: Option<String>,
    #[serde(default)]
    entities: Vec<EntityHealth>,
}

#[derive(Clone, Debug, Deserialize)]
struct EntityHealth {
    #[serde(default)]
    entity_type: Option<String>,
    #[serde(default)]
    can_send_message: Option<String>,
    #[serde(default)]
    errors: Vec<HealthError>,
}

#[derive(Clone, Debug, Deserialize)]
struct HealthError {
    #[serde(default, deserialize_with = "number_or_text")]
    error_code: Option<u32>,
}

/// Something on the way to people that WhatsApp lets send nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Blocked {
    /// The business, its account or the app, with Meta's error code where one
    /// is given.
    Account(Option<u32>),
    /// The number.
    Number(Option<u32>),
}

impl NumberResponse {
    /// The fields to ask for.
    pub(super) const FIELDS: &str =
        "throughput,quality_rating,whatsapp_business_manager_messaging_limit,status,health_status";

    /// The level of its throughput, such as `STANDARD`.
    pub fn throughput_level(&self) -> Option<&str> {
        self.throughput.as_ref()?.level.as_deref()
    }

    /// Whether it may send: `AVAILABLE`, `LIMITED`, `BLOCKED`.
    pub fn can_send(&self) -> Option<&str> {
        self.health_status.as_ref()?.can_send_message.as_deref()
    }

    /// The first that may send nothing, of the number and what is behind it.
    pub fn blocked(&self) -> Option<Blocked> {
        let entities = &self.health_status.as_ref()?.entities;
        entities.iter().find_map(|entity| {
            if entity.can_send_message.as_deref() != Some("BLOCKED") {
                return None;
            }
            let code = entity.errors.iter().find_map(|error| error.error_code);
            match entity.entity_type.as_deref()? {
                "PHONE_NUMBER" => Some(Blocked::Number(code)),
                "APP" | "BUSINESS" | "WABA" => Some(Blocked::Account(code)),
                // A template is read by itself.
                _ => None,
            }
        })
    }
}

/// Meta writes codes as numbers, and sometimes as text.
pub(super) fn number_or_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(match value {
        serde_json::Value::Number(number) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    })
}
