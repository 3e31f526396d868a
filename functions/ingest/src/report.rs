//! What an import leaves for people to read: the rejected rows, and a summary.

use platform::campaigns::Campaigns;
use platform::fault::Fault;
use serde_json::json;

use crate::life::Life;

/// Pieces with lines of the rejection report.
pub(crate) const REJECTED: &str = "rejected";

/// Makes one report of the pieces, the header first. It streams, and a
/// repetition makes the same bytes.
pub(crate) async fn store_rejected(life: &Life<'_>) -> Result<(), Fault> {
    let objects = &life.deps.objects;
    let key = Campaigns::import_report(life.tenant, life.id);
    let mut report = objects.writer(key, "text/csv");
    for number in 0..life.import.progress.staged {
        let standing = life.standing(number).await?;
        if number == 0 {
            report.write(standing.report_header.as_bytes()).await?;
        }
        if standing.has_rejected {
            let lines = objects.get(&life.piece_key(REJECTED, number)).await?;
            report.write(&lines).await?;
        }
    }
    report.finish().await
}

/// Stores what became of the import as JSON.
pub(crate) async fn store_summary(life: &Life<'_>) -> Result<(), Fault> {
    let import = &life.import;
    let summary = json!({
        "import_id": life.id,
        "list_id": import.list,
        "mode": import.mode,
        "dry_run": import.dry_run,
        "source": import.source,
        "attested_by": import.attested_by,
        "declared": import.declared,
        "file": {
            "bytes": import.file.bytes,
            "sha256": import.file.sha256,
            "encoding": import.file.encoding,
            "delimiter": import.file.delimiter,
        },
        "counts": import.counts,
        "reasons": import.reasons,
        "provenance": import.weighed,
        "release": import.release,
    });
    let mut body = serde_json::to_vec_pretty(&summary)
        .map_err(|error| Fault::lasting("encode a summary", error))?;
    body.push(b'\n');
    let key = Campaigns::import_summary(life.tenant, life.id);
    life.deps.objects.put(&key, body, "application/json").await
}
