//! What starts the second door: the topic, or the queue.

use aws_lambda_events::event::sqs::SqsEvent;
use platform::whatsapp::topic::Notification;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What Lambda hands over. The records say themselves whose they are.
///
/// Its errors are fixed texts, since an error is logged and the event holds what
/// people wrote.
#[derive(Debug)]
pub enum Event {
    /// Names, in messages of a queue, of objects in which failed notifications lie.
    Named(SqsEvent),
    /// Notifications of a topic (AWS, "Invoking Lambda functions with Amazon SNS
    /// notifications").
    Told(Vec<Notification>),
}

/// An event that is neither.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoEvent {
    /// The records are of neither, of both, or there are none.
    #[error("expected records of aws:sns or of aws:sqs, all of one")]
    Source,
    /// A record of the topic is none.
    #[error("a record of aws:sns has no Type, TopicArn or Message")]
    Notification,
    /// A message of the queue is none.
    #[error("a record of aws:sqs is no message")]
    Message,
}

impl Event {
    /// Reads an event.
    pub fn read(mut event: Value) -> Result<Self, NoEvent> {
        let records = event.get_mut("Records").and_then(Value::as_array_mut);
        let records = records.ok_or(NoEvent::Source)?;
        // SNS writes its name with a capital letter, SQS does not.
        let all = |name: &str, source: &str| {
            let mut sources = records.iter().map(|record| record.get(name));
            sources.all(|found| found.and_then(Value::as_str) == Some(source))
        };
        if records.is_empty() {
            Err(NoEvent::Source)
        } else if all("EventSource", "aws:sns") {
            let told = records.iter_mut().map(|record| record["Sns"].take());
            let told: Result<_, _> = told.map(serde_json::from_value).collect();
            told.map(Self::Told).map_err(|_| NoEvent::Notification)
        } else if all("eventSource", "aws:sqs") {
            let named: SqsEvent = serde_json::from_value(event).map_err(|_| NoEvent::Message)?;
            let has_id = |record: &_| {
                let record: &aws_lambda_events::event::sqs::SqsMessage = record;
                record.message_id.is_some()
            };
            match named.records.iter().all(has_id) {
                true => Ok(Self::Named(named)),
                false => Err(NoEvent::Message),
            }
        } else {
            Err(NoEvent::Source)
        }
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let event = Value::deserialize(from).map_err(|_| D::Error::custom(NoEvent::Source))?;
        Self::read(event).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told() -> Value {
        json!({
            "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "a",
            "Sns": {"Type": "Notification", "TopicArn": "t", "Message": "STOP", "Subject": null},
        })
    }

    fn named() -> Value {
        json!({"eventSource": "aws:sqs", "messageId": "1", "body": "{}"})
    }

    fn read(records: Value) -> Result<Event, NoEvent> {
        Event::read(json!({"Records": records}))
    }

    #[test]
    fn records_say_whose_they_are() {
        assert!(matches!(read(json!([told()])), Ok(Event::Told(told)) if told.len() == 1));
        let event = read(json!([named(), named()]));
        assert!(matches!(event, Ok(Event::Named(named)) if named.records.len() == 2));
    }

    #[test]
    fn any_other_event_is_an_error_that_tells_nothing() {
        let table = [
            (json!([]), NoEvent::Source),
            (json!([told(), named()]), NoEvent::Source),
            (
                json!([{"eventSource": "aws:s3", "s3": {}}]),
                NoEvent::Source,
            ),
            (json!(["+6281234567890"]), NoEvent::Source),
            (
                json!([{"EventSource": "aws:sns", "Sns": "+6281234567890"}]),
                NoEvent::Notification,
            ),
            (json!([{"EventSource": "aws:sns"}]), NoEvent::Notification),
            (
                json!([{"eventSource": "aws:sqs", "messageId": 6_281}]),
                NoEvent::Message,
            ),
            (
                json!([{"eventSource": "aws:sqs", "body": "{}"}]),
                NoEvent::Message,
            ),
        ];
        for (records, expected) in table {
            assert_eq!(read(records.clone()).unwrap_err(), expected, "{records}");
        }
        for event in [json!({}), json!("+6281234567890"), json!({"Records": 1})] {
            let error = serde_json::from_value::<Event>(event)
                .unwrap_err()
                .to_string();
            assert_eq!(error, NoEvent::Source.to_string());
        }
    }
}
