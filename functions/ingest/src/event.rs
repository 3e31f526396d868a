//! What the import queue carries.

use platform::campaigns::Campaigns;
use platform::objects::Notice;
use platform::queue::ImportTask;
use policy::ids::{ImportId, TenantId};

/// The imports that a message speaks of. Objects that are no import's speak of
/// none.
pub(crate) fn imports(notice: &Notice<ImportTask>) -> Vec<(TenantId, ImportId)> {
    match notice {
        Notice::Task(ImportTask::ContinueV1 { tenant, import }) => vec![(*tenant, *import)],
        Notice::Created(created) => created
            .keys()
            .filter_map(Campaigns::import_of_object)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_tasks_name_their_imports() {
        let count = |json: &str| imports(&serde_json::from_str(json).unwrap()).len();
        let tenant = "ten_00000000000000000000000000000001";
        let import = "imp_00000000000000000000000000000002";
        let key = format!("incoming/{tenant}/{import}.csv");
        let event = format!(r#"{{"Records":[{{"s3":{{"object":{{"key":"{key}"}}}}}}]}}"#);
        assert_eq!(count(&event), 1);
        let task = format!(r#"{{"type":"ContinueV1","tenant":"{tenant}","import":"{import}"}}"#);
        assert_eq!(count(&task), 1);
        let foreign = r#"{"Records":[{"s3":{"object":{"key":"incoming/readme.txt"}}}]}"#;
        assert_eq!(count(foreign), 0);
    }
}
