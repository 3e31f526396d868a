//! Imports: the life of one uploaded file, with its checkpoint.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
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

/// What was counted so far. `rows = accepted + duplicates + rejected`, and once
/// completed `accepted = new + changed + unchanged`; the others count among
/// the accepted.
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
    /// People of any row whom the file reports as opted out.
    #[serde(default)]
    pub opted_out: u64,
    /// Accepted people who were not on the list.
    #[serde(default)]
    pub new: u64,
    /// Accepted people of whom the file says something else than the list.
    #[serde(default)]
    pub changed: u64,
    /// Accepted people of whom it says the same; they are not written again.
    #[serde(default)]
    pub unchanged: u64,
}

/// What the operator says about a list besides its kind. Never a name of a
/// person in it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Declared {
    /// The legal entity that collected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector: Option<String>,
    /// First and last day of collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_from: Option<Date>,
    /// See `collected_from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_to: Option<Date>,
    /// Countries it covers, by ISO 3166-1 alpha-2 code; empty if not said.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub countries: BTreeSet<String>,
    /// SHA-256 of the words that people agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_text_sha256: Option<String>,
    /// Where the contract with a partner lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_contract: Option<String>,
    /// Which wording was attested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation_version: Option<String>,
}

/// The file itself, as the bucket and the reading of it say.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct UploadedFile {
    /// The one version that is read; a later upload under the same key is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version's mark, for buckets without versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal, once all were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its encoding and what separates its cells, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// See `encoding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
}

/// How far an import has come. Pieces are numbered from 0.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImportProgress {
    /// Bytes of the file whose rows were judged.
    pub bytes: u64,
    /// Pieces that were judged and staged.
    pub staged: u32,
    /// Objects with the tokens of opted-out people that were made.
    #[serde(default)]
    pub opt_outs: u32,
    /// How many of those were handed over.
    #[serde(default)]
    pub handed_over: u32,
    /// Pieces whose people were compared and counted.
    #[serde(default)]
    pub compared: u32,
    /// Pieces whose people were written.
    #[serde(default)]
    pub written: u32,
}

/// What the look at a list said.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Weighed {
    /// `pass`, `review` or `refuse`.
    pub verdict: String,
    /// From 0 (as declared) to 100.
    pub score: u8,
    /// Why, the heaviest first.
    pub reasons: Vec<WeighedReason>,
}

/// One thing that does not fit the declared source.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct WeighedReason {
    /// A stable code.
    pub code: String,
    /// What to do because of it.
    pub verdict: String,
    /// How much it adds to the score.
    pub weight: u8,
    /// How much was seen, as a share of the rows or as a number.
    pub seen: f64,
    /// How much would have been fine.
    pub fine: f64,
}

/// A named person's act that lets a held list pass.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Release {
    /// Who.
    pub by: String,
    /// Why.
    pub note: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
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
        match answer {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                if self.import(tenant, id).await?.as_ref() == Some(&*import) {
                    return Ok(true);
                }
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

    /// The key under which an import's summary is kept.
    pub fn import_summary(tenant: TenantId, id: ImportId) -> String {
        format!("reports/{tenant}/{id}/summary.json")
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
