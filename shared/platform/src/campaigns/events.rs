//! V: what a tenant is told of, in the order in which it was recorded.
//!
//! An entry stands in one of a few partitions, by its id, and sorts by the
//! moment of recording; a reader merges the partitions. Beside it stands a mark
//! by its id alone, which makes a repetition a repetition. There is no counter,
//! and nothing is written twice to the same item.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use policy::ids::{EventId, TenantId};
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::events::EventV1;
use crate::fault::Fault;
use crate::keys::{self, CampaignKey, EVENT_SHARDS};
use crate::table::{self, Item, millis, moment, text};

/// How long events are kept: as long as the words behind them (lifecycle of
/// `inbound/` in the template).
pub const EVENTS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long after its recording an event is read: longer than a write takes, so
/// that none slips in behind a cursor.
pub const EVENTS_SETTLE: SignedDuration = SignedDuration::from_secs(10);

/// A write that took longer than this is made again with a later moment: half
/// of [`EVENTS_SETTLE`], the rest is for clocks that differ.
const WRITE_TIME: SignedDuration = SignedDuration::from_secs(5);

/// How often that is tried.
const WRITE_TRIES: usize = 4;

/// Days after which the table forgets an event: one more than it is read.
const TTL: SignedDuration = SignedDuration::from_hours(31 * 24);

/// An event and when it was recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedEvent {
    /// The event.
    pub event: EventV1,
    /// When it was recorded, by our clock, in whole milliseconds.
    pub recorded_at: Timestamp,
}

/// A piece of a tenant's events, oldest first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventsPage {
    /// The events.
    pub events: Vec<RecordedEvent>,
    /// Whether more can be read already.
    pub more: bool,
}

/// After which event to go on. Prints as the text that tools keep.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct EventCursor {
    recorded_at: i64,
    id: EventId,
}

impl EventCursor {
    /// Behind an event.
    pub fn after(event: &RecordedEvent) -> Self {
        Self {
            recorded_at: millis(event.recorded_at),
            id: event.event.id,
        }
    }

    /// Whether events that came after it may be forgotten at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.recorded_at < earliest(now)
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.recorded_at, self.id.uuid().simple())
    }
}

impl FromStr for EventCursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let (at, id) = text.split_once('-').ok_or(ParseCursorError)?;
        let recorded_at = i64::from_str_radix(at, 16).map_err(|_| ParseCursorError)?;
        let id = format!("evt_{id}").parse().map_err(|_| ParseCursorError)?;
        let cursor = Self { recorded_at, id };
        // One place, one text.
        if recorded_at < 0 || cursor.to_string() != text {
            return Err(ParseCursorError);
        }
        Ok(cursor)
    }
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a cursor as an earlier answer gave it")]
pub struct ParseCursorError;

#[derive(Deserialize, Serialize)]
struct EventItem {
    v: u8,
    event: EventV1,
    ttl: i64,
}

#[derive(Deserialize, Serialize)]
struct MarkItem {
    v: u8,
    recorded_at: i64,
    ttl: i64,
}

impl Campaigns {
    /// Records events, and says when each was recorded first: now, or before.
    ///
    /// Whoever dies between entry and mark leaves an entry that is recorded
    /// again, under the same id, by the repetition.
    ///
    /// Law: none becomes visible behind a cursor that was given out, as long as
    /// clocks differ by less than five seconds.
    pub async fn record_events(
        &self,
        tenant: TenantId,
        events: &[EventV1],
    ) -> Result<Vec<RecordedEvent>, Fault> {
        let by_id: BTreeMap<EventId, &EventV1> =
            events.iter().map(|event| (event.id, event)).collect();
        let marks: Vec<_> = by_id
            .keys()
            .map(|id| CampaignKey::EventMark(tenant, *id).key())
            .collect();
        let mut recorded: BTreeMap<EventId, i64> = BTreeMap::new();
        for item in self.table.get_all(&marks, true).await? {
            let key = CampaignKey::parse(&table::key_of(&item)?);
            if let Some(CampaignKey::EventMark(_, id)) = key {
                recorded.insert(id, table::decode::<MarkItem>(item)?.recorded_at);
            }
        }
        let new: Vec<&EventV1> = by_id
            .values()
            .filter(|event| !recorded.contains_key(&event.id))
            .copied()
            .collect();
        if !new.is_empty() {
            recorded.extend(self.write_events(tenant, new).await?);
        }
        Ok(by_id
            .into_iter()
            .map(|(id, event)| RecordedEvent {
                event: event.clone(),
                recorded_at: moment(recorded[&id]),
            })
            .collect())
    }

    /// Writes entries, then marks; the moment that each entry has. What is
    /// recorded together stands in the order in which it happened.
    async fn write_events(
        &self,
        tenant: TenantId,
        mut new: Vec<&EventV1>,
    ) -> Result<Vec<(EventId, i64)>, Fault> {
        new.sort_by_key(|event| event.at);
        let mut tries = 0;
        let at = loop {
            let now = self.clock.now();
            let at = millis(now);
            let places = new.iter().zip(in_order(at));
            let entries = places.map(|(event, at)| {
                let item = EventItem {
                    v: 1,
                    event: (*event).clone(),
                    ttl: ttl(now),
                };
                table::encode(&CampaignKey::Event(tenant, at, event.id).key(), &item)
            });
            let entries = entries.collect::<Result<Vec<Item>, Fault>>()?;
            self.table.put_all(entries).await?;
            tries += 1;
            if self.clock.now().duration_since(now) <= WRITE_TIME || tries == WRITE_TRIES {
                break at;
            }
        };
        let marks = new.iter().zip(in_order(at)).map(|(event, at)| {
            let item = MarkItem {
                v: 1,
                recorded_at: at,
                ttl: ttl(moment(at)),
            };
            table::encode(&CampaignKey::EventMark(tenant, event.id).key(), &item)
        });
        let marks = marks.collect::<Result<Vec<Item>, Fault>>()?;
        self.table.put_all(marks).await?;
        let ids = new.iter().map(|event| event.id);
        Ok(ids.zip(in_order(at)).collect())
    }

    /// At most `limit` events of a tenant after `after`, or from the oldest one
    /// that is kept, as far as they can be read at `now`.
    pub async fn events(
        &self,
        tenant: TenantId,
        after: Option<EventCursor>,
        limit: u16,
        now: Timestamp,
    ) -> Result<EventsPage, Fault> {
        let oldest = format!("{:015}", earliest(now));
        let from = match after {
            // Right behind it: nothing sorts between a key and the key with `#`.
            Some(after) => {
                let behind = format!("{}#", keys::event_place(after.recorded_at, after.id));
                behind.max(oldest)
            }
            None => oldest,
        };
        let latest = now.saturating_sub(EVENTS_SETTLE).unwrap_or(Timestamp::MIN);
        let to = format!("{:015}$", millis(latest).max(0));
        if from > to {
            return Ok(EventsPage {
                events: Vec::new(),
                more: false,
            });
        }
        let shards = (0..EVENT_SHARDS).map(|shard| {
            let pk = keys::event_shard(tenant, shard);
            self.event_shard(pk, &from, &to, limit)
        });
        let mut events: BTreeMap<EventCursor, RecordedEvent> = BTreeMap::new();
        let mut cut: Option<EventCursor> = None;
        for (found, more) in try_join_all(shards).await? {
            if more && let Some(last) = found.iter().map(EventCursor::after).max() {
                cut = Some(cut.map_or(last, |cut| cut.min(last)));
            }
            events.extend(found.into_iter().map(|e| (EventCursor::after(&e), e)));
        }
        // What lies beyond the end of a partition's piece is not complete.
        let found = events.len();
        let page: Vec<RecordedEvent> = events
            .into_iter()
            .filter(|(at, _)| cut.is_none_or(|cut| *at <= cut))
            .map(|(_, event)| event)
            .take(limit.into())
            .collect();
        Ok(EventsPage {
            more: cut.is_some() || page.len() < found,
            events: page,
        })
    }

    /// One partition's piece, and whether it goes on.
    async fn event_shard(
        &self,
        pk: String,
        from: &str,
        to: &str,
        limit: u16,
    ) -> Result<(Vec<RecordedEvent>, bool), Fault> {
        let answer = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .limit(limit.into())
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to))
            .consistent_read(true)
            .send()
            .await
            .map_err(Fault::sdk("query events"))?;
        let more = answer.last_evaluated_key.is_some();
        let items = answer.items.unwrap_or_default().into_iter();
        let events = items.map(recorded).collect::<Result<_, _>>()?;
        Ok((events, more))
    }

    /// One event, by its id.
    pub async fn event(
        &self,
        tenant: TenantId,
        id: EventId,
    ) -> Result<Option<RecordedEvent>, Fault> {
        let key = CampaignKey::EventMark(tenant, id).key();
        let Some(mark) = self.row::<MarkItem>(&key).await? else {
            return Ok(None);
        };
        self.event_at(tenant, moment(mark.recorded_at), id).await
    }

    /// One event, by its id and when it was recorded.
    pub async fn event_at(
        &self,
        tenant: TenantId,
        recorded_at: Timestamp,
        id: EventId,
    ) -> Result<Option<RecordedEvent>, Fault> {
        let key = CampaignKey::Event(tenant, millis(recorded_at), id).key();
        self.table.get(&key).await?.map(recorded).transpose()
    }
}

/// A moment for each of those that are recorded at `at`: a millisecond after the
/// one before, for as many as fit into a second. Readers wait for longer.
fn in_order(at: i64) -> impl Iterator<Item = i64> {
    (0_i64..).map(move |place| at + place.min(999))
}

fn recorded(item: Item) -> Result<RecordedEvent, Fault> {
    let key = table::key_of(&item)?;
    let Some(CampaignKey::Event(_, recorded_at, _)) = CampaignKey::parse(&key) else {
        return Err(Fault::lasting("read an event", "a key of another kind"));
    };
    Ok(RecordedEvent {
        event: table::decode::<EventItem>(item)?.event,
        recorded_at: moment(recorded_at),
    })
}

/// The first moment of which events can still be read, in milliseconds.
fn earliest(now: Timestamp) -> i64 {
    let earliest = now.saturating_sub(EVENTS_KEPT).unwrap_or(Timestamp::MIN);
    millis(earliest).max(0)
}

fn ttl(now: Timestamp) -> i64 {
    let end = now.saturating_add(TTL).unwrap_or(Timestamp::MAX);
    end.as_second()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_given_and_no_other_text_is_one() {
        let cursor = EventCursor {
            recorded_at: 1_764_000_000_123,
            id: EventId::from_uuid(Uuid::from_u128(0xab)),
        };
        let text = cursor.to_string();
        assert_eq!(text, "19ab697e87b-000000000000000000000000000000ab");
        assert_eq!(text.parse(), Ok(cursor));
        for bad in [
            "",
            "-",
            "17",
            "zz-000000000000000000000000000000ab",
            "-1-000000000000000000000000000000ab",
            "+19ab697e87b-000000000000000000000000000000ab",
            "019ab697e87b-000000000000000000000000000000ab",
            "19ab697e87b-ab",
            "19ab697e87b-000000000000000000000000000000AB",
            "19ab697e87b-evt_000000000000000000000000000000ab",
        ] {
            assert_eq!(bad.parse::<EventCursor>(), Err(ParseCursorError), "{bad}");
        }
    }
}
