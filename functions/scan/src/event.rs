//! What the scan queue carries.

use platform::campaigns::Campaigns;
use platform::objects::Notice;
use platform::queue::ScanTask;
use policy::ids::{MediaId, TenantId};

/// The files that a message speaks of. Objects that are no file's speak of none.
pub(crate) fn files(notice: &Notice<ScanTask>) -> Vec<(TenantId, MediaId)> {
    match notice {
        Notice::Task(ScanTask::CheckV1 { tenant, media }) => vec![(*tenant, *media)],
        Notice::Created(created) => created
            .keys()
            .filter_map(Campaigns::media_of_object)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_tasks_name_their_files() {
        let count = |json: &str| files(&serde_json::from_str(json).unwrap()).len();
        let tenant = "ten_00000000000000000000000000000001";
        let media = "med_00000000000000000000000000000002";
        let key = format!("quarantine/{tenant}/{media}");
        let event = format!(r#"{{"Records":[{{"s3":{{"object":{{"key":"{key}"}}}}}}]}}"#);
        assert_eq!(count(&event), 1);
        let task = format!(r#"{{"type":"CheckV1","tenant":"{tenant}","media":"{media}"}}"#);
        assert_eq!(count(&task), 1);
        let foreign = r#"{"Records":[{"s3":{"object":{"key":"media/x/y"}}}]}"#;
        assert_eq!(count(foreign), 0);
    }
}
