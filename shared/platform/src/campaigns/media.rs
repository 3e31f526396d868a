//! Files that messages show: where each stands, what was found in it, and what
//! WhatsApp calls it.
//!
//! What WhatsApp calls it lies in a partition of its own, so that whoever
//! uploads has no right on the verdict.

use jiff::{SignedDuration, Timestamp};
use policy::campaign::{HoldReason, media_hold};
use policy::content::{Mapping, Template};
use policy::ids::{MediaId, TenantId};
use policy::links::Verdict;
use policy::media::Kind;
use policy::preflight::{CheckedFile, age, header_file};
use serde::{Deserialize, Serialize};

use super::{Campaign, Campaigns};
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{self, millis, moment, number};

/// Where a file stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaState {
    /// Waiting for its bytes.
    Awaiting,
    /// Its bytes are there, and nobody has said yet that they are harmless.
    Quarantined,
    /// Messages may show it.
    Usable,
    /// Messages never show it.
    Rejected,
    /// Somebody deleted it.
    Deleted,
}

/// One file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Media {
    /// The shape of this row.
    pub v: u8,
    /// Its name, as a person sees it.
    pub name: String,
    /// The media type that was declared.
    pub declared_type: String,
    /// The SHA-256 that was declared, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_sha256: Option<String>,
    /// When it was registered, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// Where it stands.
    pub state: MediaState,
    /// The mark of the bytes that were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
    /// Their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Their SHA-256, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What the content is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// As what WhatsApp takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// What was found in it.
    #[serde(default)]
    pub findings: Vec<FoundInFile>,
    /// Which scanner owes an answer: a code of [`policy::media::Reason`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// How often it was looked at in vain.
    #[serde(default)]
    pub tries: u32,
    /// When it was last looked at, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at_ms: Option<i64>,
    /// Under which version of the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Rises with every write, so that nobody writes over what they did not see.
    pub version: u64,
}

/// One thing that was found in a file.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct FoundInFile {
    /// A code of [`policy::media::Reason`].
    pub reason: String,
    /// How severe.
    pub verdict: Verdict,
    /// The part of the file, or what it leads to; from the file, so never for
    /// logs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
}

impl std::fmt::Debug for FoundInFile {
    /// Without the place: a name may stand in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FoundInFile")
            .field("reason", &self.reason)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}

/// What WhatsApp calls a file, for one number.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Upload {
    /// WhatsApp's id of it.
    pub id: String,
    /// Of which bytes: their SHA-256, in hexadecimal.
    pub sha256: String,
    /// When it was uploaded, in milliseconds since 1970.
    pub uploaded_at_ms: i64,
}

/// How long an id of WhatsApp is used: it works for 30 days (Meta, "Media"),
/// and a block that was begun with it must end with it.
const UPLOAD_USED: SignedDuration = SignedDuration::from_hours(25 * 24);

/// How long a quarantined file waits between two looks: longer each time, up to
/// this, in seconds.
const WAIT_MAX: u64 = 900;

impl Media {
    /// A file that waits for its bytes.
    pub fn awaiting(name: String, declared_type: String, now: Timestamp) -> Self {
        Self {
            v: 1,
            name,
            declared_type,
            declared_sha256: None,
            created_at_ms: millis(now),
            state: MediaState::Awaiting,
            e_tag: None,
            bytes: None,
            sha256: None,
            media_type: None,
            kind: None,
            findings: Vec::new(),
            waits_for: None,
            tries: 0,
            checked_at_ms: None,
            policy: None,
            version: 0,
        }
    }

    /// When it was registered.
    pub fn created_at(&self) -> Timestamp {
        moment(self.created_at_ms)
    }

    /// When it was last looked at.
    pub fn checked_at(&self) -> Option<Timestamp> {
        self.checked_at_ms.map(moment)
    }

    /// Whether messages may show it by a verdict that is to be made anew.
    pub fn is_to_renew(&self, now: Timestamp) -> bool {
        self.state == MediaState::Usable
            && self.checked_at().is_none_or(|at| age::is_to_renew(at, now))
    }

    /// How long to wait before it is looked at again.
    pub fn wait(&self) -> std::time::Duration {
        let seconds = 30_u64 << self.tries.saturating_sub(1).min(5);
        std::time::Duration::from_secs(seconds.min(WAIT_MAX))
    }

    /// What the rules read of it as of `now`.
    pub fn checked(&self, now: Timestamp) -> CheckedFile {
        let doubts = self
            .findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Warn)
            .map(|finding| (finding.reason.clone(), finding.place.clone()));
        CheckedFile {
            usable: self.state == MediaState::Usable,
            expired: self.checked_at().is_none_or(|at| age::is_expired(at, now)),
            kind: self.kind,
            media_type: self.media_type.clone(),
            sha256: self.sha256.clone(),
            doubts: doubts.collect(),
        }
    }
}

impl Campaigns {
    /// One file.
    pub async fn media(&self, tenant: TenantId, id: MediaId) -> Result<Option<Media>, Fault> {
        self.row(&CampaignKey::Media(tenant, id).key()).await
    }

    /// The file that a mapping names as `media:<reference>`.
    pub async fn media_named(
        &self,
        tenant: TenantId,
        reference: &str,
    ) -> Result<Option<Media>, Fault> {
        match reference.parse() {
            Ok(id) => self.media(tenant, id).await,
            Err(_) => Ok(None),
        }
    }

    /// Why a campaign may not be sent with its header's file as it now is, and
    /// otherwise the file, if its header shows one.
    pub async fn header_media(
        &self,
        tenant: TenantId,
        campaign: &Campaign,
        template: &Template,
        mapping: &Mapping,
    ) -> Result<Result<Option<Media>, HoldReason>, Fault> {
        let Some((kind, reference)) = header_file(template, mapping) else {
            return Ok(Ok(None));
        };
        let media = self.media_named(tenant, reference).await?;
        let now = self.clock.now();
        let checked = media.as_ref().map(|media| media.checked(now));
        // What was approved without a file was not this.
        let approved = campaign.approved.as_ref();
        let approved = approved.map(|approved| approved.media.as_deref().unwrap_or_default());
        Ok(match media_hold(kind, checked.as_ref(), approved) {
            Some(reason) => Err(reason),
            None => Ok(media),
        })
    }

    /// Writes a new file down; nothing happens if the id exists.
    pub async fn create_media(
        &self,
        tenant: TenantId,
        id: MediaId,
        media: &Media,
    ) -> Result<(), Fault> {
        let key = CampaignKey::Media(tenant, id).key();
        self.table.put_new(table::encode(&key, media)?).await?;
        Ok(())
    }

    /// Writes `media` over the version it was read at, and raises that; `false`
    /// if somebody else wrote in between.
    pub async fn replace_media(
        &self,
        tenant: TenantId,
        id: MediaId,
        media: &mut Media,
    ) -> Result<bool, Fault> {
        let key = CampaignKey::Media(tenant, id).key();
        let seen = media.version;
        media.version = seen + 1;
        let answer = self
            .table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(table::encode(&key, media)?))
            .condition_expression("#version = :seen")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":seen", number(seen))
            .send()
            .await;
        if table::held(answer, "write a file down")?
            || self.media(tenant, id).await?.as_ref() == Some(&*media)
        {
            return Ok(true);
        }
        media.version = seen;
        Ok(false)
    }

    /// What WhatsApp calls these bytes for this number, while it may still be
    /// used.
    pub async fn media_upload(
        &self,
        tenant: TenantId,
        id: MediaId,
        phone_number_id: &str,
        sha256: &str,
    ) -> Result<Option<Upload>, Fault> {
        let key = CampaignKey::MediaUpload(tenant, id, phone_number_id.to_owned()).key();
        let upload: Option<Upload> = self.row(&key).await?;
        let now = self.clock.now();
        Ok(upload.filter(|upload| {
            let age = now.duration_since(moment(upload.uploaded_at_ms));
            upload.sha256 == sha256 && age < UPLOAD_USED
        }))
    }

    /// Writes down what WhatsApp calls a file. Two workers may each upload it;
    /// both ids work, and the last one written down is used from then on.
    pub async fn put_media_upload(
        &self,
        tenant: TenantId,
        id: MediaId,
        phone_number_id: &str,
        upload: &Upload,
    ) -> Result<(), Fault> {
        let key = CampaignKey::MediaUpload(tenant, id, phone_number_id.to_owned()).key();
        self.put_row(&key, upload).await
    }

    /// The key under which a file is uploaded, and stays until it is settled.
    pub fn quarantine_object(tenant: TenantId, id: MediaId) -> String {
        format!("quarantine/{tenant}/{id}")
    }

    /// The key under which the bytes lie that messages show. The beginning of
    /// their SHA-256 is in it, so that other bytes lie elsewhere; whoever reads
    /// them compares the whole.
    pub fn media_object(tenant: TenantId, id: MediaId, sha256: &str) -> String {
        let short = &sha256[..sha256.floor_char_boundary(16)];
        format!("media/{tenant}/{id}-{short}")
    }

    /// The file that an uploaded object belongs to.
    pub fn media_of_object(object: &str) -> Option<(TenantId, MediaId)> {
        let (tenant, media) = object.strip_prefix("quarantine/")?.split_once('/')?;
        Some((tenant.parse().ok()?, media.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_object_names_its_file() {
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        let media = MediaId::from_uuid(Uuid::from_u128(2));
        let object = Campaigns::quarantine_object(tenant, media);
        assert_eq!(Campaigns::media_of_object(&object), Some((tenant, media)));
        let copy = Campaigns::media_object(tenant, media, "ab");
        assert_eq!(Campaigns::media_of_object(&copy), None);
        assert_eq!(Campaigns::media_of_object("quarantine/x/y"), None);
    }

    #[test]
    fn a_file_waits_longer_each_time_up_to_a_quarter_of_an_hour() {
        let mut media = Media::awaiting(String::new(), String::new(), Timestamp::UNIX_EPOCH);
        let waits: Vec<u64> = [1, 2, 3, 6, 7, 900]
            .map(|tries| {
                media.tries = tries;
                media.wait().as_secs()
            })
            .to_vec();
        assert_eq!(waits, [30, 60, 120, 900, 900, 900]);
    }
}
