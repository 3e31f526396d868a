//! What the import queue carries: the bucket's events, and our own tasks.

use platform::campaigns::Campaigns;
use platform::queue::ImportTask;
use policy::ids::{ImportId, TenantId};
use serde::Deserialize;

/// One message. The bucket's events are Amazon's shape, so unknown fields are
/// theirs to add; our tasks are told by their `type`.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
    #[serde(rename = "type")]
    kind: Option<String>,
    tenant: Option<TenantId>,
    import: Option<ImportId>,
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
    /// The imports it speaks of. Objects that are no import's, and the test
    /// event that S3 sends when a notification is set up, speak of none.
    pub(crate) fn imports(&self) -> Vec<(TenantId, ImportId)> {
        let task = match (self.kind.as_deref(), self.tenant, self.import) {
            (Some("ContinueV1"), Some(tenant), Some(import)) => {
                let ImportTask::ContinueV1 { tenant, import } =
                    ImportTask::ContinueV1 { tenant, import };
                Some((tenant, import))
            }
            _ => None,
        };
        self.records
            .iter()
            .filter_map(|record| Campaigns::import_of_object(&record.s3.object.key))
            .chain(task)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(json: &str) -> usize {
        serde_json::from_str::<Message>(json)
            .unwrap()
            .imports()
            .len()
    }

    #[test]
    fn events_and_tasks_name_their_imports() {
        let tenant = "ten_00000000000000000000000000000001";
        let import = "imp_00000000000000000000000000000002";
        let event = format!(
            r#"{{"Records":[{{"eventVersion":"2.1","eventName":"ObjectCreated:Put","s3":{{
                "bucket":{{"name":"b"}},"object":{{"key":"incoming/{tenant}/{import}.csv","size":3}}}}}}]}}"#
        );
        assert_eq!(imports(&event), 1);
        let task = format!(r#"{{"type":"ContinueV1","tenant":"{tenant}","import":"{import}"}}"#);
        assert_eq!(imports(&task), 1);
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
        assert_eq!(imports(test), 0);
        let foreign = r#"{"Records":[{"s3":{"object":{"key":"incoming/readme.txt"}}}]}"#;
        assert_eq!(imports(foreign), 0);
    }
}
