//! The message for one person.

use jiff::Timestamp;
use platform::whatsapp::{Component, Message, Parameter, TemplateMessage, TextMessage};
use policy::content::{self, ButtonParameter, HeaderParameter, Parameters, TextParameter};
use policy::ids::ListId;
use policy::language::Language;
use policy::preflight;
use policy::reason::RefusalReason;
use policy::send::Terms;
use policy::subscription::Subscription;
use policy::token::ContactToken;

use crate::content::{Content, Filling};
use crate::pages::Pages;
use crate::range::Sender;

/// The message for this person as of `now`, as one of `list`.
pub(crate) fn compose(
    sender: &Sender,
    list: Option<ListId>,
    token: ContactToken,
    subscription: &Subscription,
    now: Timestamp,
    public_url: Option<&str>,
) -> Result<Message, RefusalReason> {
    // A page shows what was agreed to on a list.
    let page = |pages: &Pages| Some(pages.of_person(list?, token, now));
    match &sender.content {
        Content::Answer(reply) => {
            let page = reply.pages.as_ref().and_then(page).zip(public_url);
            let page = page.map(|(page, public_url)| format!("{public_url}/p/{page}"));
            let language = subscription.language.as_deref().and_then(Language::parse);
            let language = language.unwrap_or_default();
            let text = reply
                .answer
                .text(&reply.business, page.as_deref(), language);
            Ok(Message::Text(TextMessage::new(text)))
        }
        Content::Template(filling) => {
            let page = filling.pages.as_ref().and_then(page);
            fill(filling, page.as_deref(), subscription, &sender.terms).map(Message::Template)
        }
    }
}

/// The template with this person's values in it.
fn fill(
    filling: &Filling,
    page: Option<&str>,
    subscription: &Subscription,
    terms: &Terms,
) -> Result<TemplateMessage, RefusalReason> {
    let template = &filling.template;
    let parameters = content::parameters(template, &filling.mapping, subscription, page)?;
    preflight::of_person(template, &parameters, &terms.links)?;
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
            let file = filling.header.clone();
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
