//! The template message for one person.

use jiff::Timestamp;
use platform::whatsapp::{Component, Parameter, TemplateMessage};
use policy::content::{self, ButtonParameter, HeaderParameter, Parameters, TextParameter};
use policy::preflight;
use policy::reason::RefusalReason;
use policy::subscription::Subscription;
use policy::token::ContactToken;

use crate::range::Sender;

/// The message, filled for this person as of `now`.
pub(crate) fn compose(
    sender: &Sender,
    token: ContactToken,
    subscription: &Subscription,
    now: Timestamp,
) -> Result<TemplateMessage, RefusalReason> {
    let template = &sender.template;
    let page = sender
        .pages
        .as_ref()
        .map(|pages| pages.of_person(token, now));
    let parameters = content::parameters(template, &sender.mapping, subscription, page.as_deref())?;
    preflight::of_person(template, &parameters, &sender.terms.links)?;
    let Parameters {
        header,
        body,
        buttons,
    } = parameters;
    let mut components = Vec::new();
    match header {
        None => (),
        Some(HeaderParameter::Text(value)) => components.push(Component::Header {
            parameters: vec![text(value)],
        }),
        Some(HeaderParameter::Media { .. }) => {
            let file = sender.header.clone();
            components.push(Component::Header {
                parameters: vec![file.ok_or(RefusalReason::ParameterMissing)?],
            });
        }
    }
    if !body.is_empty() {
        components.push(Component::Body {
            parameters: body.into_iter().map(text).collect(),
        });
    }
    components.extend(buttons.into_iter().map(button));
    Ok(TemplateMessage::new(
        &template.name,
        &template.language,
        components,
    ))
}

fn text(value: TextParameter) -> Parameter {
    Parameter::Text {
        parameter_name: value.name,
        text: value.text,
    }
}

fn button(value: ButtonParameter) -> Component {
    let (sub_type, index, parameter) = match value {
        ButtonParameter::Code { index, code } => (
            "copy_code",
            index,
            Parameter::CouponCode { coupon_code: code },
        ),
        ButtonParameter::Payload { index, payload } => {
            ("quick_reply", index, Parameter::Payload { payload })
        }
        ButtonParameter::UrlSuffix { index, suffix } => (
            "url",
            index,
            Parameter::Text {
                parameter_name: None,
                text: suffix,
            },
        ),
    };
    Component::Button {
        sub_type: sub_type.to_owned(),
        index: index.to_string(),
        parameters: vec![parameter],
    }
}
