//! What the bucket tells a queue, and what we tell it ourselves.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A message of a queue that carries the bucket's events and tasks of ours. A
/// task is told by its `type`, which no event of Amazon's has; a task that is
/// not known is no message.
#[derive(Debug)]
pub enum Notice<T> {
    /// Ours.
    Task(T),
    /// Objects were created.
    Created(Created),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Notice<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let body = Value::deserialize(from)?;
        let read = if body.get("type").is_some() {
            serde_json::from_value(body).map(Self::Task)
        } else {
            serde_json::from_value(body).map(Self::Created)
        };
        // The error names fields, never what stands in them: keys are ids.
        read.map_err(D::Error::custom)
    }
}

/// An event of S3 (AWS, "Event message structure"). Unknown fields are theirs to
/// add. The test event that S3 sends when a notification is set up has no
/// records.
#[derive(Debug, Deserialize)]
pub struct Created {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    s3: S3,
}

#[derive(Debug, Deserialize)]
struct S3 {
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Object {
    key: String,
}

impl Created {
    /// The keys of the objects: URL-encoded, as S3 sends them. Ours have nothing
    /// to decode.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.records
            .iter()
            .map(|record| record.s3.object.key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::ScanTask;

    fn read(json: &str) -> Result<Notice<ScanTask>, serde_json::Error> {
        serde_json::from_str(json)
    }

    fn keys(json: &str) -> Vec<String> {
        match read(json).unwrap() {
            Notice::Created(created) => created.keys().map(str::to_owned).collect(),
            Notice::Task(task) => panic!("{task:?}"),
        }
    }

    #[test]
    fn an_event_names_its_objects() {
        let event = r#"{"Records":[
            {"eventVersion":"2.1","eventName":"ObjectCreated:Put","s3":{
                "bucket":{"name":"b"},"object":{"key":"incoming/a.csv","size":3}}},
            {"s3":{"object":{"key":"incoming/b.csv"}}}]}"#;
        assert_eq!(keys(event), ["incoming/a.csv", "incoming/b.csv"]);
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        assert_eq!(keys(test), [""; 0]);
    }

    #[test]
    fn a_task_is_read_or_is_no_message() {
        let ids = r#""tenant":"ten_00000000000000000000000000000001","media":"med_00000000000000000000000000000002""#;
        let task = read(&format!(r#"{{"type":"CheckV1",{ids}}}"#)).unwrap();
        assert!(matches!(task, Notice::Task(ScanTask::CheckV1 { .. })));
        assert!(read(&format!(r#"{{"type":"CheckV9",{ids}}}"#)).is_err());
        assert!(read(r#"{"type":"CheckV1"}"#).is_err());
        assert!(read(r#"{"Records":[{"s3":{}}]}"#).is_err());
    }
}
