//! What is known and changes nothing here: calls, groups, forms, the business's
//! own words, and more. They are kept, and told apart from what is not known.

use jiff::Timestamp;
use serde_json::Value;

use super::lenient::{elements, member, moment, term, word};
use super::person::Person;

/// Something that is known and changes nothing here.
#[derive(Debug)]
pub struct Notice {
    /// What it is about.
    pub topic: Topic,
    /// What happened, in Meta's word in lower case.
    pub event: Option<String>,
    /// WhatsApp's id of it.
    pub id: Option<String>,
    /// Whom it concerns.
    pub person: Option<Person>,
    /// When, by Meta's clock.
    pub at: Option<Timestamp>,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Topic {
    /// A call, or what became of one.
    Call,
    /// The address book of the business's phone.
    ContactSync,
    /// What the business itself wrote, in the app on its phone.
    Echo,
    /// A form within WhatsApp.
    Flow,
    /// A group.
    Group,
    /// The other app that shares the number.
    Handover,
    /// What was said before the number joined, as far as it is no person's.
    History,
    /// The number's display name.
    Name,
    /// A payment.
    Payment,
    /// The number's lock.
    Security,
    /// Measurements of the business's own site.
    Tracking,
    /// The business's own username.
    Username,
}

impl Topic {
    /// A stable word for it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::ContactSync => "contact_sync",
            Self::Echo => "echo",
            Self::Flow => "flow",
            Self::Group => "group",
            Self::Handover => "handover",
            Self::History => "history",
            Self::Name => "number_name",
            Self::Payment => "payment",
            Self::Security => "security",
            Self::Tracking => "tracking",
            Self::Username => "business_username",
        }
    }

    /// Why it changes nothing.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Call => "calls_are_not_used",
            Self::ContactSync => "address_book_is_no_consent",
            Self::Echo => "written_by_the_business",
            Self::Flow => "flows_are_not_used",
            Self::Group => "groups_are_not_used",
            Self::Handover => "handovers_are_not_used",
            Self::History => "history_is_past",
            Self::Name => "names_are_not_used",
            Self::Payment => "payments_are_not_used",
            Self::Security => "for_a_person_to_look_at",
            Self::Tracking => "tracking_is_not_used",
            Self::Username => "usernames_are_not_used",
        }
    }
}

/// The lists whose every element is a notice, by the list's name.
pub(super) const LISTS: [(&str, Topic); 6] = [
    ("automatic_events", Topic::Tracking),
    ("calls", Topic::Call),
    ("groups", Topic::Group),
    ("message_echoes", Topic::Echo),
    ("state_sync", Topic::ContactSync),
    ("tracking_events", Topic::Tracking),
];

/// The topic of a change by its field, where its members do not tell.
pub(super) fn topic(field: &str, value: &Value) -> Option<Topic> {
    let has = |name: &str| member(value, name).is_some();
    let by_member = [
        ("flow_id", Topic::Flow),
        ("requested_verified_name", Topic::Name),
        ("configuration_name", Topic::Payment),
    ];
    if let Some((_, topic)) = by_member.into_iter().find(|(name, _)| has(name)) {
        return Some(topic);
    }
    match field {
        "automatic_events" | "tracking_events" => Some(Topic::Tracking),
        "business_username_update" | "business_username_updates" => Some(Topic::Username),
        "calls" => Some(Topic::Call),
        "flows" => Some(Topic::Flow),
        "history" => Some(Topic::History),
        "messaging_handovers" | "standby" => Some(Topic::Handover),
        "payment_configuration_update" => Some(Topic::Payment),
        "phone_number_name_update" => Some(Topic::Name),
        "security" => Some(Topic::Security),
        "smb_app_state_sync" => Some(Topic::ContactSync),
        field if field.contains("echo") => Some(Topic::Echo),
        field if field.starts_with("group_") => Some(Topic::Group),
        _ => None,
    }
}

/// The topic of a status that is about no message.
pub(super) fn topic_of_status(raw: &Value) -> Option<Topic> {
    match term(raw, "type").as_deref() {
        Some("call") => Some(Topic::Call),
        Some("payment") => Some(Topic::Payment),
        _ => None,
    }
}

/// Reads a notice.
pub(super) fn notice(topic: Topic, raw: &Value, contacts: &[Value]) -> Notice {
    let person = person(topic, raw).complete_from(contacts);
    let event = ["event", "decision", "status", "action", "type"];
    Notice {
        topic,
        event: match topic {
            // The type of an echo is that of a message.
            Topic::Echo | Topic::History => None,
            _ => event.into_iter().find_map(|name| term(raw, name)),
        },
        id: word(raw, "id"),
        person: person.is_known().then_some(person),
        at: moment(raw, "timestamp"),
    }
}

/// The person at the other end; the business is never one.
fn person(topic: Topic, raw: &Value) -> Person {
    let sender = || Person::of(raw, "from", "from_user_id");
    let receiver = || Person::of(raw, "to", "to_user_id");
    match topic {
        Topic::Call | Topic::Payment if member(raw, "recipient_id").is_some() => {
            Person::of(raw, "recipient_id", "recipient_user_id")
        }
        Topic::Call => match term(raw, "direction").as_deref() {
            Some("business_initiated") => receiver(),
            _ => sender(),
        },
        Topic::ContactSync => member(raw, "contact").map_or_else(Person::default, |contact| {
            Person::of(contact, "phone_number", "user_id")
        }),
        Topic::Echo => receiver(),
        Topic::Flow
        | Topic::Group
        | Topic::Handover
        | Topic::History
        | Topic::Name
        | Topic::Payment
        | Topic::Security
        | Topic::Tracking
        | Topic::Username => Person::default(),
    }
}

/// The members of a change that hold notices, taken out of it.
pub(super) fn take_lists(value: &mut Value) -> Vec<(Topic, Value)> {
    let Some(members) = value.as_object_mut() else {
        return Vec::new();
    };
    let mut taken = Vec::new();
    for (name, topic) in LISTS {
        let list = members.remove(name).unwrap_or(Value::Null);
        taken.extend(elements(list).into_iter().map(|raw| (topic, raw)));
    }
    taken
}
