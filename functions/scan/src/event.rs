//! What the scan queue carries: the bucket's events, and our own tasks.

use platform::campaigns::Campaigns;
use platform::queue::ScanTask;
use policy::ids::{MediaId, TenantId};
use serde::Deserialize;

/// One message. The bucket's events are Amazon's shape, so unknown fields are
/// theirs to add; our tasks are told by their `type`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Message {
    Task(ScanTask),
    Event(Event),
}

#[derive(Debug, Deserialize)]
pub(crate) struct Event {
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
    /// URL-encoded, as S3 sends it. Ours has nothing to decode.
    key: String,
}

impl Message {
    /// The files it speaks of. Objects that are no file's, and the test event
    /// that S3 sends when a notification is set up, speak of none.
    pub(crate) fn files(&self) -> Vec<(TenantId, MediaId)> {
        match self {
            Self::Task(ScanTask::CheckV1 { tenant, media }) => vec![(*tenant, *media)],
            Self::Event(event) => event
                .records
                .iter()
                .filter_map(|record| Campaigns::media_of_object(&record.s3.object.key))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(json: &str) -> usize {
        serde_json::from_str::<Message>(json).unwrap().files().len()
    }

    #[test]
    fn events_and_tasks_name_their_files() {
        let tenant = "ten_00000000000000000000000000000001";
        let media = "med_00000000000000000000000000000002";
        let event = format!(
            r#"{{"Records":[{{"eventName":"ObjectCreated:Put","s3":{{
                "object":{{"key":"quarantine/{tenant}/{media}","size":3}}}}}}]}}"#
        );
        assert_eq!(files(&event), 1);
        let task = format!(r#"{{"type":"CheckV1","tenant":"{tenant}","media":"{media}"}}"#);
        assert_eq!(files(&task), 1);
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        assert_eq!(files(test), 0);
        let foreign = r#"{"Records":[{"s3":{"object":{"key":"media/x/y"}}}]}"#;
        assert_eq!(files(foreign), 0);
    }
}
