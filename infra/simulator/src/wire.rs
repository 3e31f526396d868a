//! What a send request may hold, as this crate reads it.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// The body of a send request. What is unknown is ignored, as the API does.
#[derive(Deserialize)]
pub(crate) struct SendRequest {
    #[serde(default)]
    pub(crate) messaging_product: Option<String>,
    #[serde(default)]
    pub(crate) recipient_type: Option<String>,
    #[serde(default)]
    pub(crate) to: Option<String>,
    #[serde(default)]
    pub(crate) recipient: Option<String>,
    #[serde(rename = "type", default)]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) template: Option<TemplateMessage>,
    #[serde(default)]
    pub(crate) text: Option<TextMessage>,
    #[serde(default)]
    pub(crate) biz_opaque_callback_data: Option<String>,
}

impl fmt::Debug for SendRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendRequest")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
pub(crate) struct TemplateMessage {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) language: Option<Language>,
    #[serde(default)]
    pub(crate) components: Vec<Component>,
}

#[derive(Deserialize)]
pub(crate) struct Language {
    #[serde(default)]
    pub(crate) code: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct TextMessage {
    #[serde(default)]
    pub(crate) body: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Component {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) sub_type: Option<String>,
    #[serde(default)]
    index: Option<Value>,
    #[serde(default)]
    pub(crate) parameters: Vec<Parameter>,
}

impl Component {
    /// The place of a button: a string of digits, or a number.
    pub(crate) fn index(&self) -> Option<usize> {
        match self.index.as_ref()? {
            Value::String(digits) => digits.parse().ok(),
            Value::Number(number) => number.as_u64()?.try_into().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Parameter {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) parameter_name: Option<String>,
    #[serde(default)]
    pub(crate) text: Option<String>,
    #[serde(default)]
    pub(crate) payload: Option<String>,
    #[serde(default)]
    pub(crate) coupon_code: Option<String>,
    #[serde(default)]
    pub(crate) currency: Option<Value>,
    #[serde(default)]
    pub(crate) date_time: Option<Value>,
    #[serde(default)]
    pub(crate) image: Option<MediaParameter>,
    #[serde(default)]
    pub(crate) video: Option<MediaParameter>,
    #[serde(default)]
    pub(crate) document: Option<MediaParameter>,
}

#[derive(Deserialize)]
pub(crate) struct MediaParameter {
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) link: Option<String>,
}
