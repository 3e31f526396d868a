//! Whether the parameters of a request fit a template.

use super::{Button, Header, Template};
use crate::refusal::Refusal;
use crate::wire::{Component, MediaParameter, Parameter};

const BODY_CHARS: usize = 1_024;
const HEADER_CHARS: usize = 60;
const URL_CHARS: usize = 2_000;

/// What of a filled-in template matters later.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    /// Labels and payloads of the quick replies, in order.
    pub(crate) quick_replies: Vec<QuickReply>,
    /// The addresses behind the buttons, in order.
    pub(crate) addresses: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct QuickReply {
    pub(crate) text: String,
    pub(crate) payload: String,
}

impl QuickReply {
    /// Whether its label or payload asks that messages stop.
    pub(crate) fn is_stop(&self) -> bool {
        let text = format!("{} {}", self.text, self.payload).to_lowercase();
        STOP_LABELS.iter().any(|label| text.contains(label))
    }
}

/// Parts of labels and payloads of stop buttons.
const STOP_LABELS: &[&str] = &[
    "stop",
    "berhenti",
    "optout",
    "opt-out",
    "opt_out",
    "unsubscribe",
    "tidak tertarik",
    "not interested",
];

/// Whether the sending number has uploaded a file with this id that still
/// lives.
pub(crate) type MediaLookup<'a> = &'a dyn Fn(&str) -> bool;

impl Template {
    /// Fills the template in, as the API would.
    pub(crate) fn fill(
        &self,
        components: &[Component],
        has_media: MediaLookup<'_>,
    ) -> Result<Filled, Refusal> {
        for component in components {
            if !matches!(component.kind.as_str(), "header" | "body" | "button") {
                return Err(Refusal::new(
                    100,
                    "component type is not one of header, body, button",
                ));
            }
        }
        self.check_header(components, has_media)?;
        let body = fill_text(
            &self.body,
            self.named,
            parameters_of(components, "body"),
            "body",
        )?;
        check_length(&body, BODY_CHARS, "body")?;
        self.check_buttons(components)
    }

    fn check_header(
        &self,
        components: &[Component],
        has_media: MediaLookup<'_>,
    ) -> Result<(), Refusal> {
        let parameters = parameters_of(components, "header");
        match &self.header {
            None if parameters.is_empty() => Ok(()),
            None => Err(count_mismatch("header", 0, parameters.len())),
            Some(Header::Text(text)) => {
                let text = fill_text(text, self.named, parameters, "header")?;
                check_length(&text, HEADER_CHARS, "header")
            }
            Some(Header::Media(format)) => {
                let [parameter] = parameters else {
                    return Err(Refusal::new(
                        132_012,
                        format!("header: format mismatch, expected {format}"),
                    ));
                };
                if parameter.kind != *format {
                    return Err(Refusal::new(
                        132_012,
                        format!("header: format mismatch, expected {format}"),
                    ));
                }
                check_media(parameter, has_media)
            }
        }
    }

    fn check_buttons(&self, components: &[Component]) -> Result<Filled, Refusal> {
        let mut given: Vec<Option<&Component>> = vec![None; self.buttons.len()];
        for component in components.iter().filter(|c| c.kind == "button") {
            let index = component
                .index()
                .ok_or_else(|| Refusal::new(131_008, "button: index is missing"))?;
            let place = given
                .get_mut(index)
                .ok_or_else(|| Refusal::new(132_000, format!("button at index {index}")))?;
            if place.replace(component).is_some() {
                return Err(Refusal::new(
                    131_009,
                    format!("button at index {index} is given twice"),
                ));
            }
        }
        let mut filled = Filled::default();
        for (index, (button, component)) in self.buttons.iter().zip(given).enumerate() {
            let quick_reply = check_button(index, button, component)?;
            filled.quick_replies.extend(quick_reply);
            filled.addresses.extend(address(button, component));
        }
        Ok(filled)
    }
}

fn check_button(
    index: usize,
    button: &Button,
    component: Option<&Component>,
) -> Result<Option<QuickReply>, Refusal> {
    let kind = button.kind.to_ascii_lowercase();
    let fixed_url = !button.url.as_deref().unwrap_or_default().contains("{{");
    let needs_parameter = match kind.as_str() {
        "url" => !fixed_url,
        "copy_code" => true,
        _ => false,
    };
    let Some(component) = component else {
        return if needs_parameter {
            Err(Refusal::new(
                131_008,
                format!("button at index {index} of type {kind} requires a parameter"),
            ))
        } else {
            // Without a payload of its own a quick reply carries its label.
            Ok((kind == "quick_reply").then(|| QuickReply {
                text: button.text.clone(),
                payload: button.text.clone(),
            }))
        };
    };
    let sub_type = component.sub_type.as_deref().unwrap_or_default();
    if !sub_type.eq_ignore_ascii_case(&kind) {
        return Err(Refusal::new(
            131_009,
            format!("button at index {index} is of type {kind}"),
        ));
    }
    let [parameter] = component.parameters.as_slice() else {
        return Err(count_mismatch("button", 1, component.parameters.len()));
    };
    let value = match kind.as_str() {
        "quick_reply" => parameter.payload.as_deref(),
        "url" if fixed_url => return Err(count_mismatch("button", 0, 1)),
        "url" => parameter.text.as_deref(),
        "copy_code" => parameter.coupon_code.as_deref(),
        _ => return Ok(None),
    };
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Err(Refusal::new(
            131_008,
            format!("button at index {index}: parameter is missing its value"),
        ));
    };
    if kind == "url" {
        let url = button.url.as_deref().unwrap_or_default();
        check_length(&format!("{url}{value}"), URL_CHARS, "button")?;
    }
    Ok((kind == "quick_reply").then(|| QuickReply {
        text: button.text.clone(),
        payload: value.to_owned(),
    }))
}

/// Where a button leads, its end filled in.
fn address(button: &Button, component: Option<&Component>) -> Option<String> {
    let url = button.url.as_deref()?;
    let end = component
        .and_then(|component| component.parameters.first()?.text.as_deref())
        .unwrap_or_default();
    let fixed = url.split_once("{{").map_or(url, |(fixed, _)| fixed);
    Some(format!("{fixed}{end}"))
}

/// Puts parameters into a text.
fn fill_text(
    text: &str,
    named: bool,
    parameters: &[Parameter],
    part: &str,
) -> Result<String, Refusal> {
    let names = placeholders(text);
    if parameters.len() != names.len() {
        return Err(count_mismatch(part, names.len(), parameters.len()));
    }
    let mut filled = text.to_owned();
    for (place, parameter) in parameters.iter().enumerate() {
        let value = text_value(parameter, part)?;
        let name = match (&parameter.parameter_name, named) {
            (None, false) => (place + 1).to_string(),
            (Some(name), true) => name.clone(),
            (None, true) => {
                return Err(Refusal::new(
                    132_012,
                    format!("{part}: parameter name is missing"),
                ));
            }
            (Some(_), false) => {
                return Err(Refusal::new(
                    132_012,
                    format!("{part}: template takes parameters by position"),
                ));
            }
        };
        let hole = format!("{{{{{name}}}}}");
        if !names.contains(&name) || !filled.contains(&hole) {
            return Err(Refusal::new(
                132_012,
                format!("{part}: template has no place for a parameter"),
            ));
        }
        // A value that itself looks like a hole must not be filled again.
        let value = value.replace("{{", "\u{0}");
        filled = filled.replace(&hole, &value);
    }
    Ok(filled.replace('\u{0}', "{{"))
}

fn text_value<'a>(parameter: &'a Parameter, part: &str) -> Result<&'a str, Refusal> {
    let value = match parameter.kind.as_str() {
        "text" => parameter.text.as_deref(),
        "currency" | "date_time" => parameter
            .currency
            .as_ref()
            .or(parameter.date_time.as_ref())
            .and_then(|value| value.get("fallback_value")?.as_str()),
        _ => {
            return Err(Refusal::new(
                132_012,
                format!("{part}: parameter is not of type text"),
            ));
        }
    };
    let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
        return Err(Refusal::new(
            131_008,
            format!("{part}: parameter of type text is missing text value"),
        ));
    };
    if value.contains(['\n', '\r', '\t']) || value.contains("     ") {
        return Err(Refusal::new(
            132_012,
            format!("{part}: text has a new line, a tab, or more than 4 spaces in a row"),
        ));
    }
    Ok(value)
}

fn check_media(parameter: &Parameter, has_media: MediaLookup<'_>) -> Result<(), Refusal> {
    let media = match parameter.kind.as_str() {
        "image" => &parameter.image,
        "video" => &parameter.video,
        "document" => &parameter.document,
        "location" => return Ok(()),
        _ => &None,
    };
    match media {
        Some(MediaParameter { id: Some(id), .. }) if has_media(id) => Ok(()),
        Some(MediaParameter { id: Some(_), .. }) => Err(Refusal::new(
            131_009,
            "header: media id is unknown to this number",
        )),
        Some(MediaParameter {
            link: Some(link), ..
        }) if link.starts_with("https://") || link.starts_with("http://") => Ok(()),
        Some(MediaParameter { link: Some(_), .. }) => {
            Err(Refusal::new(131_009, "header: media link is not a URL"))
        }
        Some(_) | None => Err(Refusal::new(131_008, "header: media id or link is missing")),
    }
}

/// The distinct names between double braces, in order of appearance.
fn placeholders(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        rest = after;
    }
    names
}

fn parameters_of<'a>(components: &'a [Component], kind: &str) -> &'a [Parameter] {
    components
        .iter()
        .find(|component| component.kind == kind)
        .map_or(&[], |component| component.parameters.as_slice())
}

fn check_length(text: &str, most: usize, part: &str) -> Result<(), Refusal> {
    if text.chars().count() > most {
        return Err(Refusal::new(
            132_005,
            format!("{part}: longer than {most} characters"),
        ));
    }
    Ok(())
}

fn count_mismatch(part: &str, expected: usize, found: usize) -> Refusal {
    Refusal::new(
        132_000,
        format!(
            "{part}: number of parameters ({found}) does not match the expected number ({expected})"
        ),
    )
}
