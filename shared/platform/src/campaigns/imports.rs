//! Imports: the life of one uploaded file, with its checkpoint.

mod parts;

use std::collections::BTreeMap;

use jiff::Timestamp;
use policy::ids::{ImportId, ListId, TenantId};
use serde::{Deserialize, Serialize};

pub use self::parts::{
    Declared, ImportCounts, ImportProgress, Reading, Release, UploadedFile, Weighed, WeighedReason,
};
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
    /// Rows are being judged or people written; [`Import::step`] says which.
    Running,
    /// The list does not look like its declared source: nothing was imported,
    /// and a named person decides.
    Held,
    /// Every row was judged, every accepted person is in.
    Completed,
    /// The file cannot be read as contacts, or the list is not taken; nothing
    /// was imported.
    Refused,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// People for a list: the new are added, the changed brought up to date,
    /// the unchanged not rewritten.
    #[default]
    Contacts,
    /// People who said stop: each gets a suppression, whatever the other
    /// columns say.
    SuppressionList,
}

/// What is done next. In this order; each step is repeated harmlessly.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportStep {
    /// Every row is judged; nothing is written but pieces in the bucket.
    #[default]
    Judge,
    /// The rejected rows become one report, and the list is weighed.
    Weigh,
    /// People whom the file reports as opted out are handed over.
    OptOuts,
    /// People are compared with who is there, and written.
    Write,
}

/// One import.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Import {
    /// Into which list.
    pub list: ListId,
    /// Where the file lies.
    pub object: String,
    /// Where the operator says the list comes from.
    pub source: String,
    /// Who vouches for that.
    pub attested_by: String,
    /// What else is declared.
    #[serde(default)]
    pub declared: Declared,
    /// How the file is to be read.
    #[serde(default)]
    pub reading: Reading,
    /// What the file is for.
    #[serde(default)]
    pub mode: ImportMode,
    /// Whether everything is counted and nothing written.
    #[serde(default)]
    pub dry_run: bool,
    /// When it was registered, in milliseconds since 1970; rows are judged as of
    /// this moment, so that every run judges the same.
    pub created_at_ms: i64,
    /// Where it stands.
    pub state: ImportState,
    /// What is done next.
    #[serde(default)]
    pub step: ImportStep,
    /// How far that has come.
    #[serde(default)]
    pub progress: ImportProgress,
    /// The file, once its arrival was seen.
    #[serde(default)]
    pub file: UploadedFile,
    /// What was counted up to the checkpoint.
    #[serde(default)]
    pub counts: ImportCounts,
    /// Rejected rows by reason code.
    #[serde(default)]
    pub reasons: BTreeMap<String, u64>,
    /// Whether the list looks like its source, once all rows were judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weighed: Option<Weighed>,
    /// Who let it pass all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// Why it was refused: the place and the remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The deadline of the invocation at work, in milliseconds since 1970: no
    /// other one takes the import before. 0 if none is at work.
    #[serde(default)]
    pub taken_until_ms: i64,
    /// Rises with every write; a checkpoint of a worker that was overtaken is
    /// lost instead of moving the import backwards.
    pub version: u64,
}

impl Import {
    /// An import that waits for its file.
    pub fn awaiting(
        list: ListId,
        object: String,
        source: String,
        attested_by: String,
        now: Timestamp,
    ) -> Self {
        Self {
            list,
            object,
            source,
            attested_by,
            declared: Declared::default(),
            reading: Reading::default(),
            mode: ImportMode::default(),
            dry_run: false,
            created_at_ms: table::millis(now),
            state: ImportState::Awaiting,
            step: ImportStep::default(),
            progress: ImportProgress::default(),
            file: UploadedFile::default(),
            counts: ImportCounts::default(),
            reasons: BTreeMap::new(),
            weighed: None,
            release: None,
            refusal: None,
            taken_until_ms: 0,
            version: 0,
        }
    }
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
    /// `false` if somebody else wrote in between. A write whose answer was lost
    /// and that is made again is known by what it wrote.
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
        if table::held(answer, "advance an import")?
            || self.import(tenant, id).await?.as_ref() == Some(&*import)
        {
            return Ok(true);
        }
        import.version = seen;
        Ok(false)
    }

    /// The key under which an import's file is uploaded.
    pub fn import_object(tenant: TenantId, id: ImportId) -> String {
        format!("incoming/{tenant}/{id}.csv")
    }

    /// The key under which the rows that an import rejected are kept.
    pub fn import_report(tenant: TenantId, id: ImportId) -> String {
        format!("reports/{tenant}/{id}.csv")
    }

    /// The key under which an import's summary is kept.
    pub fn import_summary(tenant: TenantId, id: ImportId) -> String {
        format!("reports/{tenant}/{id}.json")
    }

    /// The key of one piece of an import on its way: what was judged and not
    /// yet written.
    pub fn import_piece(tenant: TenantId, id: ImportId, kind: &str, piece: u32) -> String {
        format!("staged/{tenant}/{id}/{kind}/{piece:06}")
    }

    /// The key of the tokens of some people whom an import reports as opted
    /// out.
    pub fn import_opt_outs(tenant: TenantId, id: ImportId, piece: u32) -> String {
        format!("optouts/{tenant}/{id}/{piece:06}")
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
