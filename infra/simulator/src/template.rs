//! Templates as a business account lists them, and what the API checks before
//! it takes a message made from one.

mod check;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub(crate) use check::QuickReply;

use crate::refusal::Refusal;

/// The templates of all business accounts.
#[derive(Debug, Default)]
pub(crate) struct TemplateStore {
    by_waba: BTreeMap<String, Vec<Template>>,
}

impl TemplateStore {
    pub(crate) fn insert(&mut self, waba_id: &str, listed: Value) -> Result<(), serde_json::Error> {
        let template = Template::parse(listed)?;
        let templates = self.by_waba.entry(waba_id.to_owned()).or_default();
        templates.retain(|t| !(t.name == template.name && t.language == template.language));
        templates.push(template);
        Ok(())
    }

    pub(crate) fn of(&self, waba_id: &str) -> &[Template] {
        self.by_waba.get(waba_id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Template> {
        self.by_waba.values().flatten().find(|t| t.id == id)
    }

    /// The template that a message of this account may be made from now.
    pub(crate) fn sendable(
        &self,
        waba_id: &str,
        name: &str,
        language: &str,
    ) -> Result<&Template, Refusal> {
        let template = self
            .of(waba_id)
            .iter()
            .find(|t| t.name == name && t.language == language)
            .ok_or_else(|| Refusal::new(132_001, format!("template {name} in {language}")))?;
        match template.status.as_str() {
            "APPROVED" => Ok(template),
            "PAUSED" => Err(Refusal::new(132_015, format!("template {name} is paused"))),
            "DISABLED" => Err(Refusal::new(
                132_016,
                format!("template {name} is disabled"),
            )),
            _ => Err(Refusal::new(
                132_001,
                format!("template {name} is not approved"),
            )),
        }
    }

    /// Changes the status of one template in one language. `None` if there is
    /// no such template.
    pub(crate) fn set_status(
        &mut self,
        waba_id: &str,
        name: &str,
        language: &str,
        status: &str,
    ) -> Option<&Template> {
        let template = self
            .by_waba
            .get_mut(waba_id)?
            .iter_mut()
            .find(|t| t.name == name && t.language == language)?;
        status.clone_into(&mut template.status);
        template.listed["status"] = status.into();
        Some(template)
    }
}

/// One template in one language.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) status: String,
    pub(crate) category: String,
    /// The whole of it, as the API lists it.
    pub(crate) listed: Value,
    named: bool,
    header: Option<Header>,
    body: String,
    pub(crate) buttons: Vec<Button>,
}

#[derive(Debug, Clone)]
enum Header {
    Text(String),
    /// `image`, `video`, `document` or `location`.
    Media(String),
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Button {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default)]
    url: Option<String>,
}

impl Template {
    fn parse(listed: Value) -> Result<Self, serde_json::Error> {
        let shape = Listed::deserialize(&listed)?;
        let component = |kind: &str| {
            let mut components = shape.components.iter();
            components.find(|c| c.kind.eq_ignore_ascii_case(kind))
        };
        let header = component("HEADER").map(|header| match header.format.as_deref() {
            None | Some("TEXT") => Header::Text(header.text.clone()),
            Some(format) => Header::Media(format.to_ascii_lowercase()),
        });
        Ok(Self {
            header,
            body: component("BODY").map_or_else(String::new, |body| body.text.clone()),
            buttons: component("BUTTONS").map_or_else(Vec::new, |b| b.buttons.clone()),
            named: shape
                .parameter_format
                .is_some_and(|format| format.eq_ignore_ascii_case("NAMED")),
            id: shape.id,
            name: shape.name,
            language: shape.language,
            status: shape.status,
            category: shape.category,
            listed,
        })
    }

    pub(crate) fn is_marketing(&self) -> bool {
        self.category.eq_ignore_ascii_case("MARKETING")
    }
}

/// The part of a listing that the simulator understands.
#[derive(Deserialize)]
struct Listed {
    id: String,
    name: String,
    language: String,
    status: String,
    category: String,
    #[serde(default)]
    parameter_format: Option<String>,
    components: Vec<ListedComponent>,
}

#[derive(Deserialize)]
struct ListedComponent {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    buttons: Vec<Button>,
}
