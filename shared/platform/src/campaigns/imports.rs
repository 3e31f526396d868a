//! Imports: the life of one uploaded file, with its checkpoint.

use std::collections::BTreeMap;

use jiff::Timestamp;
use policy::ids::{ImportId, ListId, TenantId};
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{self, moment, number};

/// Where an import stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Waiting for the upload.
    Awaiting,
    /// Rows are being read.
    Running,
    /// Every row was judged.
    Completed,
    /// The file cannot be read as contacts; nothing was imported.
    Refused,
}

/// What was counted so far. `rows = accepted + duplicates + rejected`; the
/// last two count among the accepted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImportCounts {
    /// Rows read, the header not included.
    pub rows: u64,
    /// People of this file.
    pub accepted: u64,
    /// Rows of people who stood in the file before.
    pub duplicates: u64,
    /// Rows that cannot be used.
    pub rejected: u64,
    /// Accepted people who said stop before.
    pub suppressed: u64,
    /// Accepted people without a consent.
    pub without_consent: u64,
}

/// One import.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Import {
    /// Into which list.
    pub list: ListId,
    /// Where the file lies.
    pub object: String,
    /// Where the operator says the list comes from.
    pub source: String,
    /// Who vouches for that.
    pub attested_by: String,
    /// When it was registered, in milliseconds since 1970; rows are judged as of
    /// this moment, so that every run judges the same.
    pub created_at_ms: i64,
    /// Where it stands.
    pub state: ImportState,
    /// What was counted up to the checkpoint.
    #[serde(default)]
    pub counts: ImportCounts,
    /// Rejected rows by reason code.
    #[serde(default)]
    pub reasons: BTreeMap<String, u64>,
    /// Why it was refused: the place and the remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Rises with every write; a checkpoint of a worker that was overtaken is
    /// lost instead of moving the import backwards.
    pub version: u64,
}

impl Import {
    /// When it was registered.
    pub fn created_at(&self) -> Timestamp {
        moment(self.created_at_ms)
    }
}

impl Campaigns {
    /// One import.
    pub async fn import(&self, tenant: TenantId, id: ImportId) -> Result<Option<Import>, Fault> {
        self.row(&CampaignKey::Import(tenant, id).key()).await
    }

    /// Writes a new import down; nothing happens if the id exists.
    pub async fn create_import(
        &self,
        tenant: TenantId,
        id: ImportId,
        import: &Import,
    ) -> Result<(), Fault> {
        let key = CampaignKey::Import(tenant, id).key();
        self.table.put_new(table::encode(&key, import)?).await?;
        Ok(())
    }

    /// Writes `import` over the version it was read at, and raises that;
    /// `false` if somebody else wrote in between.
    pub async fn advance_import(
        &self,
        tenant: TenantId,
        id: ImportId,
        import: &mut Import,
    ) -> Result<bool, Fault> {
        let key = CampaignKey::Import(tenant, id).key();
        let seen = import.version;
        import.version = seen + 1;
        let answer = self
            .table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(table::encode(&key, import)?))
            .condition_expression("#version = :seen")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":seen", number(seen))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                import.version = seen;
                Ok(false)
            }
            Err(error) => Err(Fault::sdk("advance an import")(error)),
        }
    }

    /// The key under which an import's file is uploaded.
    pub fn import_object(tenant: TenantId, id: ImportId) -> String {
        format!("incoming/{tenant}/{id}.csv")
    }

    /// The key under which the rows that an import rejected are kept.
    pub fn import_report(tenant: TenantId, id: ImportId) -> String {
        format!("reports/{tenant}/{id}/rejected.csv")
    }

    /// The import that an uploaded object belongs to.
    pub fn import_of_object(object: &str) -> Option<(TenantId, ImportId)> {
        let (tenant, file) = object.strip_prefix("incoming/")?.split_once('/')?;
        Some((
            tenant.parse().ok()?,
            file.strip_suffix(".csv")?.parse().ok()?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use policy::ids::{ImportId, TenantId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_object_names_its_import() {
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        let import = ImportId::from_uuid(Uuid::from_u128(2));
        let object = Campaigns::import_object(tenant, import);
        assert_eq!(Campaigns::import_of_object(&object), Some((tenant, import)));
        assert_eq!(Campaigns::import_of_object("incoming/x/y.csv"), None);
    }
}
