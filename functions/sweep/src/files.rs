//! Files that wait for their bytes, for a scanner, or to be checked again: a
//! message that was lost is sent again.

use jiff::SignedDuration;
use platform::campaigns::{Due, MediaState};
use platform::fault::Fault;
use platform::queue::ScanTask;
use policy::ids::{MediaId, TenantId};

use crate::Deps;

/// How long after its registration a file may still be uploaded, or uploaded
/// over: twice the life of the permission, and an hour for the bytes.
const UPLOAD_TIME: SignedDuration = SignedDuration::from_mins(90);

/// How much later than its turn a file is, before its message counts as lost.
const LOST: SignedDuration = SignedDuration::from_mins(5);

/// Looks at one file.
pub(crate) async fn visit(tenant: TenantId, id: MediaId, deps: &Deps) -> Result<(), Fault> {
    let Some(media) = deps.campaigns.media(tenant, id).await? else {
        return deps.campaigns.remove_due(Due::Media(tenant, id)).await;
    };
    let now = deps.clock.now();
    let age = now.duration_since(media.created_at());
    let asks = match media.state {
        // Somebody asked for it to be checked again.
        MediaState::Usable if media.is_to_renew(now) => true,
        MediaState::Usable | MediaState::Rejected | MediaState::Deleted => {
            if age >= UPLOAD_TIME {
                deps.campaigns.remove_due(Due::Media(tenant, id)).await?;
            }
            false
        }
        MediaState::Awaiting => age >= UPLOAD_TIME,
        MediaState::Quarantined => {
            let looked = media.checked_at().unwrap_or(media.created_at());
            let wait = SignedDuration::try_from(media.wait()).unwrap_or(SignedDuration::ZERO);
            now.duration_since(looked) >= wait + LOST
        }
    };
    if asks {
        // However often it is asked, the same bytes are settled once.
        let task = ScanTask::CheckV1 { tenant, media: id };
        deps.scan.send(&task).await?;
    }
    Ok(())
}
