//! The file that a header shows: uploaded once for each number, and again
//! before WhatsApp forgets it.

use platform::campaigns::{Campaigns, Media, Upload};
use platform::fault::Fault;
use platform::whatsapp::{MediaFile, MediaId, Parameter, Transport, Uploaded, social};
use policy::campaign::HoldReason;
use policy::content::MediaKind;
use policy::ids::TenantId;
use policy::media;

use crate::Deps;

/// A file that a message shows.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) phone_number_id: &'a str,
    pub(crate) kind: MediaKind,
    /// As the mapping has it.
    pub(crate) reference: &'a str,
    /// As the checks left it: usable, and what was approved.
    pub(crate) media: Media,
}

/// The header's parameter, or why there can be none.
pub(crate) async fn header(
    wanted: Wanted<'_>,
    transport: &Transport,
    deps: &Deps,
) -> Result<Result<Parameter, HoldReason>, Fault> {
    let id = match known_or_uploaded(&wanted, transport, deps).await? {
        Ok(id) => id,
        Err(reason) => return Ok(Err(reason)),
    };
    let plain = MediaId { id, filename: None };
    Ok(Ok(match wanted.kind {
        MediaKind::Document => Parameter::Document {
            document: MediaId {
                filename: Some(wanted.media.name),
                ..plain
            },
        },
        MediaKind::Image => Parameter::Image { image: plain },
        MediaKind::Video => Parameter::Video { video: plain },
    }))
}

/// WhatsApp's id of the file. Workers that miss it at the same time each
/// upload it; every one of the ids works.
async fn known_or_uploaded(
    wanted: &Wanted<'_>,
    transport: &Transport,
    deps: &Deps,
) -> Result<Result<String, HoldReason>, Fault> {
    let tenant = wanted.tenant;
    let keeper = transport.keeper(wanted.phone_number_id);
    let gone = Ok(Err(HoldReason::MediaChanged));
    let (Ok(id), Some(sha256), Some(media_type)) = (
        wanted.reference.parse(),
        &wanted.media.sha256,
        &wanted.media.media_type,
    ) else {
        return gone;
    };
    let known = deps
        .campaigns
        .media_upload(tenant, id, keeper, sha256)
        .await?;
    if let Some(upload) = known {
        return Ok(Ok(upload.id));
    }
    let object = Campaigns::media_object(tenant, id, sha256);
    let bytes = deps.objects.get(&object).await?;
    if media::digest(&bytes) != *sha256 {
        tracing::error!(media = %id, "the bytes are not those that were checked");
        return gone;
    }
    let file = MediaFile {
        name: wanted.media.name.clone(),
        media_type: media_type.clone(),
        bytes,
        url: deps.objects.presign_get(&object, social::URL_LIFE).await?,
    };
    match transport.upload(wanted.phone_number_id, file).await? {
        Uploaded::Kept { id: whatsapp } => {
            let upload = Upload {
                id: whatsapp,
                sha256: sha256.clone(),
                uploaded_at_ms: deps.clock.now().as_millisecond(),
            };
            deps.campaigns
                .put_media_upload(tenant, id, keeper, &upload)
                .await?;
            tracing::info!(media = %id, "file uploaded to WhatsApp");
            Ok(Ok(upload.id))
        }
        Uploaded::Refused => {
            tracing::error!(media = %id, "WhatsApp does not take the file");
            gone
        }
    }
}
