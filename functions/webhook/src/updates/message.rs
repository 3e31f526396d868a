//! What a person sent: texts, taps, media; and changes of their number or id.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::form;
use super::lenient::{as_word, error_codes, member, moment, said, term, word};
use super::person::Person;

/// Something a person sent.
#[derive(Debug)]
pub struct Message {
    /// WhatsApp's id of it.
    pub wamid: Option<String>,
    /// Who sent it.
    pub person: Person,
    /// What it says.
    pub content: Content,
    /// When, by Meta's clock.
    pub at: Option<Timestamp>,
    /// The message it answers.
    pub answers: Option<String>,
}

/// What a message says.
pub enum Content {
    /// A tap on a template's quick-reply button.
    Button {
        /// What the sender of the template had put behind the button; by
        /// default its label.
        payload: Option<String>,
        /// The button's label.
        text: Option<String>,
    },
    /// A tap on an interactive message.
    Interactive {
        /// `button_reply`, `list_reply`, …
        kind: String,
        /// The choice's id.
        id: Option<String>,
        /// The choice's label.
        title: Option<String>,
    },
    /// A form that was filled in (Meta, "Flows").
    Form {
        /// What was chosen and written, each by itself.
        answers: Vec<String>,
    },
    /// A picture, a video, a document, a sound; or an order with words.
    Media {
        /// `image`, `video`, …, `order`.
        kind: String,
        /// The text under it.
        caption: Option<String>,
    },
    /// Anything else, by its type.
    Other(String),
    /// An emoji on a message.
    Reaction {
        /// The message.
        to: Option<String>,
        /// The emoji; none removes it.
        emoji: Option<String>,
    },
    /// Written text.
    Text(String),
    /// WhatsApp could not pass it on.
    Unsupported {
        /// Meta's error codes.
        codes: Vec<u32>,
    },
}

/// A change of a person's number or id.
#[derive(Debug)]
pub struct System {
    /// WhatsApp's id of the notice.
    pub wamid: Option<String>,
    /// Who, by the ids they had.
    pub person: Person,
    /// What changed.
    pub change: SystemChange,
    /// When, by Meta's clock.
    pub at: Option<Timestamp>,
}

/// What changed.
#[derive(Debug)]
pub enum SystemChange {
    /// The number or the id: who they are now, and, where told, the id they
    /// had before.
    Identity {
        /// Now.
        to: Person,
        /// Before.
        previous: Person,
    },
    /// Something else, by its type.
    Other(String),
}

/// The members that hold a message's body, the telling ones first.
const BODIES: [&str; 16] = [
    "button",
    "interactive",
    "text",
    "reaction",
    "image",
    "video",
    "audio",
    "voice",
    "document",
    "sticker",
    "location",
    "contacts",
    "order",
    "system",
    "edit",
    "revoke",
];

const MEDIA: [&str; 6] = ["image", "video", "audio", "voice", "document", "sticker"];

/// The body's member: the one that `type` names if it is there, else whichever
/// is there; and the type.
fn body(message: &Value) -> (String, Option<&Value>) {
    let named = term(message, "type").unwrap_or_else(|| "untyped".to_owned());
    if let Some(body) = member(message, &named) {
        return (named, Some(body));
    }
    BODIES
        .iter()
        .find_map(|name| Some(((*name).to_owned(), Some(member(message, name)?))))
        .unwrap_or((named, None))
}

/// Types that carry no body, or one that says nothing to us.
const BODILESS: [&str; 6] = [
    "ephemeral",
    "group_invite",
    "payment",
    "request_welcome",
    "system",
    "unsupported",
];

/// Whether messages of this type are expected.
pub(super) fn is_known(kind: &str) -> bool {
    BODIES.contains(&kind) || BODILESS.contains(&kind)
}

/// Whether a message is a notice about its sender.
pub(super) fn is_system(message: &Value) -> bool {
    body(message).0 == "system"
}

/// Reads a message; `contacts` goes with all messages of its change.
pub(super) fn message(raw: &Value, contacts: &[Value]) -> Message {
    let person = Person::of(raw, "from", "from_user_id");
    let contact = person.find_in(contacts);
    Message {
        wamid: word(raw, "id"),
        person: person.complete(contact),
        content: content(raw),
        at: moment(raw, "timestamp"),
        answers: member(raw, "context").and_then(|context| word(context, "id")),
    }
}

/// What a message says.
fn content(raw: &Value) -> Content {
    let (kind, body) = body(raw);
    let Some(body) = body else {
        // Older notices of what could not be passed on have a type of their own.
        let codes = error_codes(raw);
        return match kind.as_str() {
            "unsupported" | "unknown" => Content::Unsupported { codes },
            _ if !codes.is_empty() => Content::Unsupported { codes },
            _ => Content::Other(kind),
        };
    };
    let inner = |name: &str| member(body, name).and_then(said);
    match kind.as_str() {
        "button" => Content::Button {
            payload: inner("payload"),
            text: inner("text").or_else(|| said(body)),
        },
        "interactive" => interactive(body),
        "reaction" => Content::Reaction {
            to: word(body, "message_id"),
            emoji: word(body, "emoji"),
        },
        "text" => match inner("body").or_else(|| said(body)) {
            Some(text) => Content::Text(text),
            None => Content::Other(kind),
        },
        "unsupported" | "unknown" => Content::Unsupported {
            codes: error_codes(raw),
        },
        // An edited message carries the new one inside.
        "edit" => match member(body, "message") {
            Some(message) if message.get("edit").is_none() => content(message),
            _ => Content::Other(kind),
        },
        // The words that go with an order.
        "order" if inner("text").is_some() => Content::Media {
            caption: inner("text"),
            kind,
        },
        media if MEDIA.contains(&media) => Content::Media {
            caption: inner("caption"),
            kind,
        },
        _ => Content::Other(kind),
    }
}

/// The choice of an interactive message, wherever it lies.
fn interactive(body: &Value) -> Content {
    let named = term(body, "type").unwrap_or_default();
    let (kind, choice) = [named.as_str(), "button_reply", "list_reply", "nfm_reply"]
        .into_iter()
        .find_map(|name| Some((name, member(body, name)?)))
        .unwrap_or((named.as_str(), &Value::Null));
    if kind == "nfm_reply" {
        return Content::Form {
            answers: form::answers(choice),
        };
    }
    Content::Interactive {
        id: word(choice, "id"),
        title: member(choice, "title").and_then(said),
        kind: kind.to_owned(),
    }
}

/// Reads a notice about its sender.
pub(super) fn system(raw: &Value, contacts: &[Value]) -> System {
    let person = Person::of(raw, "from", "from_user_id");
    let contact = person.find_in(contacts);
    let body = member(raw, "system").unwrap_or(&Value::Null);
    let kind = term(body, "type").or_else(|| term(raw, "type"));
    System {
        wamid: word(raw, "id"),
        person: person.complete(contact),
        change: change(body, kind.unwrap_or_default()),
        at: moment(raw, "timestamp"),
    }
}

/// Reads an element of the older `user_id_update` member.
pub(super) fn user_id_update(raw: &Value) -> System {
    System {
        wamid: None,
        person: Person::new(word(raw, "wa_id"), previous_id(raw)),
        change: change(raw, "user_id_update".to_owned()),
        at: moment(raw, "timestamp"),
    }
}

fn change(body: &Value, kind: String) -> SystemChange {
    let number = word(body, "wa_id").or_else(|| word(body, "new_wa_id"));
    let to = Person::new(number, current_id(body));
    // A confirmed device is no new person.
    if !to.is_known() || kind == "customer_identity_changed" {
        return SystemChange::Other(kind);
    }
    SystemChange::Identity {
        to,
        previous: Person::new(None, previous_id(body)),
    }
}

/// `user_id` as a text, or as an object with the id before and the id now.
fn current_id(body: &Value) -> Option<String> {
    let id = member(body, "user_id")?;
    as_word(id).or_else(|| word(id, "current"))
}

fn previous_id(body: &Value) -> Option<String> {
    word(body, "previous_user_id").or_else(|| word(member(body, "user_id")?, "previous"))
}

/// Tells the kind only.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Content {
    /// The words in it, where it has any.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Button { payload, text } => text.as_deref().or(payload.as_deref()),
            Self::Interactive { id, title, .. } => title.as_deref().or(id.as_deref()),
            Self::Media { caption, .. } => caption.as_deref(),
            Self::Text(text) => Some(text),
            Self::Form { .. }
            | Self::Other(_)
            | Self::Reaction { .. }
            | Self::Unsupported { .. } => None,
        }
    }

    /// A stable word for it.
    pub fn code(&self) -> &str {
        match self {
            Self::Button { .. } => "button",
            Self::Form { .. } | Self::Interactive { .. } => "interactive",
            Self::Media { kind, .. } | Self::Other(kind) => kind,
            Self::Reaction { .. } => "reaction",
            Self::Text(_) => "text",
            Self::Unsupported { .. } => "unsupported",
        }
    }
}
