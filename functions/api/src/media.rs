//! Files that messages show: permission to upload one, where it stands, and
//! its end.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use platform::campaigns::{Campaigns, Due, FoundInFile, Media, MediaState};
use policy::ids::{MediaId, TenantId};
use policy::media::Reason;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::idempotency::{self, IdempotencyKey};
use crate::imports::{Upload, is_media_type, permit_upload};
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, Id};

/// Largest file, in bytes: a document, as WhatsApp takes it. Pictures and films
/// have less, which the checks know.
const FILE_MAX: u64 = 100 * 1024 * 1024;

/// How often a write over somebody else's is tried.
const TRIES: usize = 5;

/// A file to be uploaded.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMedia {
    /// Its name with its ending; who gets a document sees it.
    #[schema(required = true, nullable = false)]
    name: Option<String>,
    /// Its media type, such as `image/jpeg`. Content, name and type must agree.
    #[schema(required = true, nullable = false)]
    content_type: Option<String>,
    /// Its size in bytes, exactly.
    #[schema(required = true, nullable = false, minimum = 1)]
    content_length: Option<u64>,
    /// SHA-256 of its bytes, in hexadecimal; other bytes are refused then.
    #[schema(nullable = false)]
    sha256: Option<String>,
}

/// A file that was registered, and how to upload it.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeMedia {
    /// A mapping names the file as `media:<media_id>`.
    #[schema(value_type = String, example = "med_0199a0c01e4c7aaabbbbccccddddeeee")]
    media_id: MediaId,
    /// `awaiting`, unless this is a repetition and the file has arrived since.
    #[schema(value_type = String)]
    state: MediaState,
    /// Absent once the file has arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    upload: Option<Upload>,
}

/// A file as it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct MediaView {
    #[schema(value_type = String)]
    media_id: MediaId,
    name: String,
    /// As it was declared.
    content_type: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// `awaiting` the bytes, `quarantined` until every check has spoken,
    /// `usable`, `rejected`, or `deleted`.
    #[schema(value_type = String)]
    state: MediaState,
    /// Of a quarantined file: why it is not usable yet, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    waits_for: Option<WaitView>,
    /// What the content is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    media_type: Option<String>,
    /// As what WhatsApp takes it: `image`, `video`, `document`, `audio`,
    /// `sticker`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    bytes: Option<u64>,
    /// SHA-256 of the bytes that were checked. An approval is bound to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = DateTime)]
    checked_at: Option<Timestamp>,
    /// What was found in it.
    findings: Vec<FoundView>,
}

/// What a file waits for.
#[derive(Serialize, ToSchema)]
struct WaitView {
    reason: String,
    /// What to do about it.
    remedy: String,
    /// How often it was looked at in vain.
    tries: u32,
}

/// One thing that was found.
#[derive(Serialize, ToSchema)]
struct FoundView {
    /// A stable code.
    reason: String,
    /// `block` or `warn`. A warning needs a named person when a message with
    /// the file is approved.
    verdict: &'static str,
    /// The part of the file, or what it leads to.
    #[serde(skip_serializing_if = "String::is_empty")]
    place: String,
    /// What to do about it.
    remedy: String,
}

/// Register a file and get permission to upload it.
#[utoipa::path(
    post,
    path = "/v1/media",
    operation_id = "create_media",
    tag = "media",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe.")),
    request_body = NewMedia,
    responses(
        (status = 201, description = "Registered", body = MadeMedia),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    key: IdempotencyKey,
    Body(request): Body<NewMedia>,
) -> Result<(StatusCode, Json<MadeMedia>), Problem> {
    let wanted = WantedMedia::read(&request)?;
    let id = idempotency::id_for(&deps, tenant, key, "POST /v1/media", &request).await?;
    let media_id = MediaId::from_uuid(id);
    let registered = Media {
        declared_sha256: wanted.sha256,
        ..Media::awaiting(wanted.name, wanted.content_type.clone(), deps.clock.now())
    };
    // The timer first: a file that it need not look at does no harm.
    deps.campaigns.add_due(Due::Media(tenant, media_id)).await?;
    deps.campaigns
        .create_media(tenant, media_id, &registered)
        .await?;
    let media = find(&deps, tenant, media_id).await?;
    let upload = match media.state {
        MediaState::Awaiting => {
            let object = Campaigns::quarantine_object(tenant, media_id);
            let (kind, length) = (&wanted.content_type, wanted.content_length);
            Some(permit_upload(&deps, &object, kind, length).await?)
        }
        MediaState::Quarantined
        | MediaState::Usable
        | MediaState::Rejected
        | MediaState::Deleted => None,
    };
    tracing::info!(media = %media_id, "file registered");
    let made = MadeMedia {
        media_id,
        state: media.state,
        upload,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// See where a file stands and what was found in it.
#[utoipa::path(
    get,
    path = "/v1/media/{media_id}",
    operation_id = "show_media",
    tag = "media",
    params(("media_id" = String, Path)),
    responses(
        (status = 200, description = "As it stands", body = MediaView),
        (status = 404, description = "No such file", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<MediaId>,
) -> Result<Json<MediaView>, Problem> {
    let media = find(&deps, tenant, id).await?;
    Ok(Json(MediaView::new(id, media)))
}

/// Delete a file. No message shows it from then on: campaigns that would are
/// held.
#[utoipa::path(
    delete,
    path = "/v1/media/{media_id}",
    operation_id = "delete_media",
    tag = "media",
    params(("media_id" = String, Path)),
    responses(
        (status = 200, description = "Deleted, now or before", body = MediaView),
        (status = 404, description = "No such file", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn delete(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(id): Id<MediaId>,
) -> Result<Json<MediaView>, Problem> {
    for _ in 0..TRIES {
        let mut media = find(&deps, tenant, id).await?;
        if media.state != MediaState::Deleted {
            media.state = MediaState::Deleted;
            media.waits_for = None;
            if !deps.campaigns.replace_media(tenant, id, &mut media).await? {
                continue;
            }
            tracing::info!(media = %id, "file deleted");
        }
        // Made again, it ends what an earlier one may have left.
        let objects = [
            Some(Campaigns::quarantine_object(tenant, id)),
            media
                .sha256
                .as_ref()
                .map(|sha256| Campaigns::media_object(tenant, id, sha256)),
        ];
        for object in objects.iter().flatten() {
            deps.objects.delete(object).await?;
        }
        return Ok(Json(MediaView::new(id, media)));
    }
    Err(Problem::conflict("the file is being checked; try again"))
}

async fn find(deps: &Deps, tenant: TenantId, id: MediaId) -> Result<Media, Problem> {
    deps.campaigns
        .media(tenant, id)
        .await?
        .ok_or_else(|| Problem::not_found("there is no such file"))
}

/// A request for a file that can be used.
#[derive(Debug)]
struct WantedMedia {
    name: String,
    content_type: String,
    content_length: i64,
    sha256: Option<String>,
}

impl WantedMedia {
    fn read(request: &NewMedia) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let name = fields.short_text("/name", request.name.as_deref());
        if name.as_ref().is_some_and(|name| name.contains(['/', '\\'])) {
            fields.refuse("/name", "unreadable", "expected a name without a folder");
        }
        let content_type = fields.required("/content_type", request.content_type.as_deref());
        if content_type.is_some_and(|text| !is_media_type(text)) {
            let detail = "expected a media type such as image/jpeg";
            fields.refuse("/content_type", "unreadable", detail);
        }
        let length = fields.required("/content_length", request.content_length);
        if length.is_some_and(|length| !(1..=FILE_MAX).contains(&length)) {
            let detail = format!("expected 1 to {FILE_MAX} bytes");
            fields.refuse("/content_length", "out_of_range", detail);
        }
        let sha256 = request.sha256.as_ref().map(|text| text.to_lowercase());
        let is_digest =
            |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if sha256.as_ref().is_some_and(|text| !is_digest(text)) {
            fields.refuse("/sha256", "unreadable", "expected 64 hexadecimal digits");
        }
        let length = length.and_then(|length| i64::try_from(length).ok());
        let all = name.zip(content_type).zip(length);
        fields
            .finish_with(all)
            .map(|((name, content_type), content_length)| Self {
                name,
                content_type: content_type.to_owned(),
                content_length,
                sha256,
            })
    }
}

impl MediaView {
    fn new(media_id: MediaId, media: Media) -> Self {
        let tries = media.tries;
        let waits_for = media.waits_for.clone().map(|reason| WaitView {
            remedy: remedy(&reason),
            reason,
            tries,
        });
        Self {
            media_id,
            created_at: media.created_at(),
            checked_at: media.checked_at(),
            name: media.name,
            content_type: media.declared_type,
            state: media.state,
            waits_for,
            media_type: media.media_type,
            kind: media.kind.map(|kind| kind.code().to_owned()),
            bytes: media.bytes,
            sha256: media.sha256,
            findings: media.findings.into_iter().map(FoundView::from).collect(),
        }
    }
}

impl From<FoundInFile> for FoundView {
    fn from(found: FoundInFile) -> Self {
        Self {
            remedy: remedy(&found.reason),
            reason: found.reason,
            verdict: found.verdict.code(),
            place: found.place,
        }
    }
}

fn remedy(code: &str) -> String {
    let known = Reason::ALL.iter().find(|reason| reason.code() == code);
    known.map_or("", |reason| reason.remedy()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: serde_json::Value) -> Result<WantedMedia, Vec<(String, &'static str)>> {
        let request: NewMedia = serde_json::from_value(body).unwrap();
        WantedMedia::read(&request).map_err(|problem| problem.codes())
    }

    #[test]
    fn a_whole_request_is_read_and_everything_wrong_said_at_once() {
        let wanted = read(serde_json::json!({
            "name": " promo.jpg ", "content_type": "image/jpeg",
            "content_length": 104_857_600, "sha256": "AB".repeat(32),
        }))
        .unwrap();
        assert_eq!(wanted.name, "promo.jpg");
        assert_eq!(wanted.sha256, Some("ab".repeat(32)));
        let wrong = read(serde_json::json!({
            "name": "a/b.jpg", "content_type": "jpeg",
            "content_length": 104_857_601, "sha256": "xyz",
        }));
        let codes = [
            ("/name", "unreadable"),
            ("/content_type", "unreadable"),
            ("/content_length", "out_of_range"),
            ("/sha256", "unreadable"),
        ];
        let expected: Vec<_> = codes.map(|(at, code)| (at.to_owned(), code)).to_vec();
        assert_eq!(wrong.unwrap_err(), expected);
        assert_eq!(read(serde_json::json!({})).unwrap_err().len(), 3);
    }
}
