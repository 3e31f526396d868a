//! One file: its bytes are judged, the scanners are asked, and what is
//! harmless is laid where messages find it.

use jiff::SignedDuration;
use platform::campaigns::{Campaigns, FoundInFile, Media, MediaState};
use platform::clamd::Scan;
use platform::fault::{Fault, chain};
use platform::metrics::Metrics;
use platform::objects::{ObjectHead, ObjectVersion};
use platform::queue::ScanTask;
use policy::ids::{MediaId, TenantId};
use policy::links::{Context, Place};
use policy::media::{self, Opinion, Reason, Report, Said, Scans, Standing, Verdict};

use crate::Deps;

/// Most bytes that are looked at: what WhatsApp takes at most, of documents.
const BYTES_MAX: u64 = 100 * 1024 * 1024;

/// How long after its registration an upload may still come: its permission
/// is good for a quarter of an hour, and large files take their time.
const UPLOAD_TIME: SignedDuration = SignedDuration::from_mins(60);

/// The tag in which GuardDuty says what it found (AWS, "Malware Protection for
/// S3").
const TAG: &str = "GuardDutyMalwareScanStatus";

/// Checks a file, unless its bytes are settled already.
pub(crate) async fn check(tenant: TenantId, id: MediaId, deps: &Deps) -> Result<(), Fault> {
    let Some(mut media) = deps.campaigns.media(tenant, id).await? else {
        tracing::warn!(media = %id, "there is no such file");
        return Ok(());
    };
    if media.is_to_renew(deps.clock.now()) {
        return renew(tenant, id, media, deps).await;
    }
    let object = Campaigns::quarantine_object(tenant, id);
    let Some(head) = deps.objects.find(&object).await? else {
        return not_there(tenant, id, media, deps).await;
    };
    let is_settled = match media.state {
        MediaState::Deleted => true,
        MediaState::Usable | MediaState::Rejected => media.e_tag == head.version.e_tag,
        MediaState::Awaiting | MediaState::Quarantined => false,
    };
    if is_settled {
        return Ok(());
    }
    if media.e_tag != head.version.e_tag {
        // Other bytes: what was said of the old ones is void at once.
        take_in(&mut media, &head);
        write(tenant, id, &mut media, deps).await?;
    }
    let (standing, looked) = look(tenant, &object, &head, &media, deps).await?;
    let report = match (looked, &standing) {
        (Some((report, bytes)), Standing::Usable) => {
            // Written from memory, not copied: they are the bytes that were checked.
            let place = Campaigns::media_object(tenant, id, &report.sha256);
            let media_type = report.media_type.unwrap_or("application/octet-stream");
            deps.objects.put(&place, bytes, media_type).await?;
            Some(report)
        }
        (looked, _) => looked.map(|(report, _)| report),
    };
    note(&mut media, &standing, report, deps);
    write(tenant, id, &mut media, deps).await?;
    tell(id, &standing, deps);
    if let Standing::Quarantined(_) = standing {
        let task = ScanTask::CheckV1 { tenant, media: id };
        deps.queue.send_later(&task, media.wait()).await?;
    }
    Ok(())
}

/// Looks again at the very bytes that messages show: what is known of malware
/// grows. The store's own scanner is not asked, which scans what is uploaded and
/// nothing later. A scanner that is silent leaves the verdict that there is,
/// until that expires.
async fn renew(tenant: TenantId, id: MediaId, mut media: Media, deps: &Deps) -> Result<(), Fault> {
    let sha256 = media.sha256.clone().unwrap_or_default();
    let object = Campaigns::media_object(tenant, id, &sha256);
    let (standing, report) = match deps.objects.find(&object).await? {
        None => (Standing::Rejected(vec![Reason::NotUploaded]), None),
        Some(head) => {
            let bytes = read(&object, &head, deps).await?;
            let report = judge(tenant, &media, &bytes, deps).await?;
            if report.sha256 == sha256 {
                let scans = Scans {
                    clamd: clamd_unless_blocked(&report, &bytes, deps).await,
                    guardduty: Opinion::NotAsked,
                };
                (media::settle(&report, scans), Some(report))
            } else {
                let standing = Standing::Rejected(vec![Reason::DigestMismatch]);
                (standing, None)
            }
        }
    };
    tell(id, &standing, deps);
    if let Standing::Quarantined(_) = standing {
        return Ok(());
    }
    note(&mut media, &standing, report, deps);
    write(tenant, id, &mut media, deps).await
}

/// Nothing lies in quarantine: the bytes never came, or lay there too long.
async fn not_there(
    tenant: TenantId,
    id: MediaId,
    mut media: Media,
    deps: &Deps,
) -> Result<(), Fault> {
    let now = deps.clock.now();
    let waits = match media.state {
        MediaState::Awaiting => now.duration_since(media.created_at()) < UPLOAD_TIME,
        MediaState::Quarantined => false,
        MediaState::Usable | MediaState::Rejected | MediaState::Deleted => true,
    };
    if waits {
        return Ok(());
    }
    let standing = Standing::Rejected(vec![Reason::NotUploaded]);
    note(&mut media, &standing, None, deps);
    write(tenant, id, &mut media, deps).await?;
    tell(id, &standing, deps);
    Ok(())
}

/// Forgets what was known of other bytes.
fn take_in(media: &mut Media, head: &ObjectHead) {
    let before = std::mem::replace(
        media,
        Media::awaiting(String::new(), String::new(), jiff::Timestamp::UNIX_EPOCH),
    );
    *media = Media {
        name: before.name,
        declared_type: before.declared_type,
        declared_sha256: before.declared_sha256,
        created_at_ms: before.created_at_ms,
        state: MediaState::Quarantined,
        e_tag: head.version.e_tag.clone(),
        bytes: Some(head.bytes),
        waits_for: Some(Reason::ScanPending.code().to_owned()),
        version: before.version,
        ..media.clone()
    };
}

/// Where the file stands; with its bytes, if they were read.
async fn look(
    tenant: TenantId,
    object: &str,
    head: &ObjectHead,
    media: &Media,
    deps: &Deps,
) -> Result<(Standing, Option<(Report, Vec<u8>)>), Fault> {
    if head.bytes > BYTES_MAX {
        return Ok((Standing::Rejected(vec![Reason::TooLarge]), None));
    }
    let bytes = read(object, head, deps).await?;
    let report = judge(tenant, media, &bytes, deps).await?;
    let declared = media.declared_sha256.as_ref();
    if declared.is_some_and(|declared| *declared != report.sha256) {
        let standing = Standing::Rejected(vec![Reason::DigestMismatch]);
        return Ok((standing, Some((report, bytes))));
    }
    let scans = Scans {
        clamd: clamd_unless_blocked(&report, &bytes, deps).await,
        guardduty: match report.verdict {
            Verdict::Block => Opinion::NotAsked,
            Verdict::Allow | Verdict::Warn => ask_guardduty(object, &head.version, deps).await?,
        },
    };
    Ok((media::settle(&report, scans), Some((report, bytes))))
}

async fn read(object: &str, head: &ObjectHead, deps: &Deps) -> Result<Vec<u8>, Fault> {
    match head.bytes {
        0 => Ok(Vec::new()),
        length => {
            deps.objects
                .get_range(object, &head.version, 0, length)
                .await
        }
    }
}

/// What the structure of the bytes says.
async fn judge(
    tenant: TenantId,
    media: &Media,
    bytes: &[u8],
    deps: &Deps,
) -> Result<Report, Fault> {
    let settings = deps.campaigns.settings(tenant).await?;
    let context = Context {
        allowed: settings.own_domains,
        own_brand: settings.brand_domains,
        place: Place::Body,
    };
    let said = Said {
        media_type: Some(media.declared_type.clone()),
        name: Some(media.name.clone()),
    };
    Ok(media::check(bytes, &said, &context))
}

/// What clamd says; of a file that is blocked already, nothing could help.
async fn clamd_unless_blocked(report: &Report, bytes: &[u8], deps: &Deps) -> Opinion {
    match report.verdict {
        Verdict::Block => Opinion::NotAsked,
        Verdict::Allow | Verdict::Warn => ask_clamd(bytes, deps).await,
    }
}

/// A clamd that does not answer says nothing of the file.
async fn ask_clamd(bytes: &[u8], deps: &Deps) -> Opinion {
    let Some(clamd) = &deps.clamd else {
        return Opinion::NotAsked;
    };
    match clamd.scan(bytes).await {
        Ok(Scan::Clean) => Opinion::Clean,
        Ok(Scan::Found(_)) => Opinion::Infected,
        Ok(Scan::TooLarge) => Opinion::Unscannable,
        Err(fault) => {
            tracing::warn!(error = chain(&fault), "the scanner does not answer");
            Opinion::Silent
        }
    }
}

async fn ask_guardduty(
    object: &str,
    version: &ObjectVersion,
    deps: &Deps,
) -> Result<Opinion, Fault> {
    if !deps.guardduty {
        return Ok(Opinion::NotAsked);
    }
    let tag = deps.objects.tag(object, version, TAG).await?;
    Ok(Opinion::of_guardduty(tag.as_deref()))
}

/// Writes into the row what became of the file.
fn note(media: &mut Media, standing: &Standing, report: Option<Report>, deps: &Deps) {
    media.checked_at_ms = Some(deps.clock.now().as_millisecond());
    media.policy = Some(policy::version::version().to_owned());
    media.waits_for = None;
    if let Some(report) = report {
        media.sha256 = Some(report.sha256);
        media.kind = report.kind;
        media.media_type = report.media_type.map(str::to_owned);
        let found = report.findings.into_iter().map(|finding| FoundInFile {
            reason: finding.reason.code().to_owned(),
            verdict: finding.verdict,
            place: finding.place,
        });
        media.findings = found.collect();
    }
    match standing {
        Standing::Usable => media.state = MediaState::Usable,
        Standing::Quarantined(reason) => {
            media.state = MediaState::Quarantined;
            media.waits_for = Some(reason.code().to_owned());
            media.tries = media.tries.saturating_add(1);
        }
        Standing::Rejected(reasons) => {
            media.state = MediaState::Rejected;
            for reason in reasons {
                let code = reason.code();
                let known = media
                    .findings
                    .iter()
                    .any(|found| found.reason == code && found.verdict == Verdict::Block);
                if !known {
                    media.findings.push(FoundInFile {
                        reason: code.to_owned(),
                        verdict: Verdict::Block,
                        place: String::new(),
                    });
                }
            }
        }
    }
}

/// Somebody else who wrote in between, such as a person who deletes the file,
/// is not written over: the message comes again and finds what they wrote.
async fn write(tenant: TenantId, id: MediaId, media: &mut Media, deps: &Deps) -> Result<(), Fault> {
    if deps.campaigns.replace_media(tenant, id, media).await? {
        return Ok(());
    }
    Err(Fault::passing(
        "write a file down",
        "it has changed meanwhile",
    ))
}

fn tell(id: MediaId, standing: &Standing, deps: &Deps) {
    let (state, counter) = match standing {
        Standing::Usable => ("usable", "FilesUsable"),
        Standing::Rejected(_) => ("rejected", "FilesRejected"),
        Standing::Quarantined(_) => ("quarantined", "FilesWaiting"),
    };
    let reason = match standing {
        Standing::Usable => "",
        Standing::Rejected(reasons) => reasons.first().map_or("", |reason| reason.code()),
        Standing::Quarantined(reason) => reason.code(),
    };
    tracing::info!(media = %id, state, reason, "file looked at");
    let mut metrics = Metrics::of("scan");
    metrics.count(counter, 1);
    metrics.emit(deps.clock.now(), deps.metrics);
}
