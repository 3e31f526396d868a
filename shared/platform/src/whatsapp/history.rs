//! The messages that a number sent, as WhatsApp remembers them (Meta, "WhatsApp
//! Business Account Message History API").

use jiff::Timestamp;
use policy::history::{self, Sighting};
use policy::ids::MessageId;
use policy::receipt::Status;
use serde::Deserialize;

use super::wire::number_or_text;

/// A page of the messages that a number sent: those whose recipient their id
/// tells and to which something happened.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// Each of them.
    pub sightings: Vec<Sighting>,
    /// By what to ask for the next page, if there is one.
    pub next: Option<String>,
}

/// The JSON of a page, as far as it is asked for.
///
/// Ids of messages spell out people's numbers: neither this nor what is in it
/// can be printed.
#[derive(Deserialize)]
pub(super) struct Listing {
    #[serde(default)]
    data: Vec<Entry>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    message_id: String,
    #[serde(default)]
    events: Events,
}

#[derive(Default, Deserialize)]
struct Events {
    #[serde(default)]
    data: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    delivery_status: String,
    /// Seconds since 1970.
    #[serde(default, deserialize_with = "number_or_text")]
    timestamp: Option<u32>,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    cursors: Cursors,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Default, Deserialize)]
struct Cursors {
    #[serde(default)]
    after: Option<String>,
}

impl Listing {
    /// The fields to ask for.
    pub(super) const FIELDS: &str = "message_id,events{delivery_status,timestamp}";
}

impl From<Listing> for HistoryPage {
    fn from(listing: Listing) -> Self {
        let next = |paging: Paging| paging.next.and(paging.cursors.after);
        Self {
            sightings: listing.data.iter().filter_map(Entry::sighting).collect(),
            next: listing.paging.and_then(next),
        }
    }
}

impl Entry {
    /// `None` if its id tells no recipient, or nothing happened to it yet.
    fn sighting(&self) -> Option<Sighting> {
        let events = &self.events.data;
        let moments = events.iter().filter_map(|event| event.timestamp);
        let known = |event: &Event| Status::parse(&event.delivery_status.to_lowercase());
        Some(Sighting {
            id: MessageId::new(self.message_id.clone()),
            recipient: history::recipient(&self.message_id)?,
            first_at: Timestamp::from_second(moments.min()?.into()).ok()?,
            statuses: events.iter().filter_map(known).collect(),
        })
        .filter(|sighting| !sighting.statuses.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    fn page(body: Value) -> HistoryPage {
        serde_json::from_value::<Listing>(body).unwrap().into()
    }

    #[test]
    fn what_is_understood_is_taken_and_the_rest_is_left() {
        let page = page(json!({
            "data": [
                {
                    "id": "1234567890123456",
                    "message_id": "wamid.HBgLMTY0NzM3Nzc3NzUVAgARGBI5QTNEQTA2RjdGMEY4RTRGAA==",
                    "events": {"data": [
                        {"id": "1", "delivery_status": "DELIVERED", "timestamp": "1764000060", "webhook_update_state": "FAILED"},
                        {"id": "2", "delivery_status": "SENT", "timestamp": 1_764_000_000, "application": {"id": "9"}},
                        {"id": "3", "delivery_status": "DELETED", "timestamp": 1_764_000_090},
                    ]},
                },
                {"id": "2", "message_id": "wamid.HBgLMTY0NzM3Nzc3NzUVAgARGBI5QTNEQTA2RjdGMEY4RTRHAA=="},
                {"id": "3", "message_id": "gBGGFlA5Fpa", "events": {"data": [{"delivery_status": "SENT", "timestamp": 1}]}},
                {"id": "4"},
            ],
            "paging": {"cursors": {"before": "b", "after": "a"}, "next": "https://graph.facebook.com/…"},
        }));
        assert_eq!(page.next.as_deref(), Some("a"));
        let [seen] = &page.sightings[..] else {
            panic!("{page:?}")
        };
        assert_eq!(seen.recipient.expose(), "+16473777775");
        assert_eq!(seen.first_at.as_second(), 1_764_000_000);
        assert_eq!(
            seen.statuses,
            BTreeSet::from([Status::Sent, Status::Delivered])
        );
        assert!(
            !format!("{page:?}").contains("HBgL"),
            "the id tells the number"
        );
    }

    #[test]
    fn the_last_page_has_no_next() {
        for paging in [
            json!(null),
            json!({}),
            json!({"cursors": {"before": "b", "after": "a"}}),
        ] {
            assert_eq!(page(json!({"data": [], "paging": paging})).next, None);
        }
        assert!(page(json!({})).sightings.is_empty());
    }
}
