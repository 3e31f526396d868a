//! An import as operators see it, while it runs and after.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use platform::campaigns::{
    Campaigns, Import, ImportCounts, ImportMode, ImportState, ImportStep, Release, Weighed,
};
use platform::fault::Fault;
use policy::ids::{ImportId, ListId, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::Deps;
use crate::auth::TenantCtx;
use crate::problem::{Problem, ProblemBody};
use crate::request::Id;

/// How long a report may be fetched under one link.
const REPORT_LIFE: Duration = Duration::from_mins(5);

/// An import as it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportView {
    #[schema(value_type = String, example = "imp_0199a0c01e4c7aaabbbbccccddddeeee")]
    import_id: ImportId,
    #[schema(value_type = String)]
    list_id: ListId,
    /// Where the people come from, as it was declared.
    source: String,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// What the file is for: `contacts` or `suppression_list`.
    #[schema(value_type = String)]
    mode: ImportMode,
    /// Whether nothing is written.
    dry_run: bool,
    /// `awaiting` the file, `running`, `held` until a named person releases it,
    /// `completed`, or `refused` as a whole.
    #[schema(value_type = String)]
    state: ImportState,
    progress: ProgressView,
    file: FileView,
    counts: CountsView,
    /// Rejected rows by reason code.
    reasons: BTreeMap<String, u64>,
    /// Whether the list looks like its declared source, once all rows were
    /// judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    provenance: Option<ProvenanceView>,
    /// Why the whole file was refused: the place and the remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refusal: Option<String>,
    /// Once all rows were judged: where the rejected rows can be fetched, for five
    /// minutes, with their reasons, ready to be put right and uploaded again.
    /// The address is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rejected_rows_url: Option<String>,
    /// Once completed: where the summary can be fetched, for five minutes. The
    /// address is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    summary_url: Option<String>,
}

/// How far an import has come.
#[derive(Debug, Serialize, ToSchema)]
struct ProgressView {
    /// What is done next: `judge`, `weigh`, `opt_outs`, `write`.
    #[schema(value_type = String)]
    step: ImportStep,
    /// Bytes of the file whose rows were judged.
    bytes_judged: u64,
    /// Bytes of the file.
    bytes: u64,
    /// Pieces of the file that were judged so far.
    pieces_judged: u32,
    /// Pieces whose people are on the list.
    pieces_written: u32,
}

/// The file that was uploaded.
#[derive(Debug, Serialize, ToSchema)]
struct FileView {
    /// SHA-256 of its bytes, once all were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sha256: Option<String>,
    /// The encoding that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    encoding: Option<String>,
    /// What separates its cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    delimiter: Option<String>,
}

/// Whether a list looks like its declared source.
#[derive(Debug, Serialize, ToSchema)]
struct ProvenanceView {
    /// `pass`, `review` or `refuse`.
    verdict: String,
    /// From 0 (as declared) to 100.
    score: u8,
    /// Why, the heaviest first.
    reasons: Vec<ReasonView>,
    /// Who let it pass all the same, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    released: Option<ReleasedView>,
}

/// One thing that does not fit the declared source.
#[derive(Debug, Serialize, ToSchema)]
struct ReasonView {
    /// A stable code.
    code: String,
    /// What to do because of it: `review` or `refuse`.
    verdict: String,
    /// How much it adds to the score.
    weight: u8,
    /// How much was seen, as a share of the rows or as a number.
    seen: f64,
    /// How much would have been fine.
    fine: f64,
}

/// A named person's act.
#[derive(Debug, Serialize, ToSchema)]
struct ReleasedView {
    /// Who.
    by: String,
    /// Why.
    note: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// What was counted. `rows = accepted + duplicates + rejected`. The others
/// count among the accepted, save `opted_out`; `new`, `changed`, `unchanged` and
/// `erased_before` are known once `write` is done.
#[derive(Debug, Serialize, ToSchema)]
struct CountsView {
    /// Rows read, the header not included.
    rows: u64,
    /// People of this file.
    accepted: u64,
    /// Rows of people who stood in the file before.
    duplicates: u64,
    /// Rows that cannot be used.
    rejected: u64,
    /// Accepted people who said stop before, and stay stopped.
    suppressed: u64,
    /// Accepted people without a consent, who get no marketing.
    without_consent: u64,
    /// People whom any row reports as opted out.
    opted_out: u64,
    /// People who were not on the list.
    new: u64,
    /// People of whom the file says something else than the list.
    changed: u64,
    /// People of whom it says the same, and who are not written again.
    unchanged: u64,
    /// People who were erased before and have not asked for messages since:
    /// nothing of them is stored.
    erased_before: u64,
}

impl From<ImportCounts> for CountsView {
    fn from(counts: ImportCounts) -> Self {
        let ImportCounts {
            rows,
            accepted,
            duplicates,
            rejected,
            suppressed,
            without_consent,
            opted_out,
            new,
            changed,
            unchanged,
            erased_before,
        } = counts;
        Self {
            rows,
            accepted,
            duplicates,
            rejected,
            suppressed,
            without_consent,
            opted_out,
            new,
            changed,
            unchanged,
            erased_before,
        }
    }
}

/// See what became of an import.
#[utoipa::path(
    get,
    path = "/v1/imports/{import_id}",
    operation_id = "show_import",
    tag = "imports",
    params(("import_id" = String, Path)),
    responses(
        (status = 200, description = "As it stands", body = ImportView),
        (status = 404, description = "No such import", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    Id(import_id): Id<ImportId>,
) -> Result<Json<ImportView>, Problem> {
    let import = find(&deps, tenant, import_id).await?;
    ImportView::of(&deps, tenant, import_id, import)
        .await
        .map(Json)
}

impl ImportView {
    /// The import with its links.
    pub(super) async fn of(
        deps: &Deps,
        tenant: TenantId,
        import_id: ImportId,
        import: Import,
    ) -> Result<Self, Problem> {
        let signed = async |is_there: bool, key: String| -> Result<_, Fault> {
            match is_there {
                true => Ok(Some(deps.objects.presign_get(&key, REPORT_LIFE).await?)),
                false => Ok(None),
            }
        };
        let completed = import.state == ImportState::Completed;
        let report = Campaigns::import_report(tenant, import_id);
        let summary = Campaigns::import_summary(tenant, import_id);
        let created_at = import.created_at();
        Ok(Self {
            import_id,
            list_id: import.list,
            source: import.source,
            created_at,
            mode: import.mode,
            dry_run: import.dry_run,
            state: import.state,
            progress: ProgressView {
                step: import.step,
                bytes_judged: import.progress.bytes,
                bytes: import.file.bytes,
                pieces_judged: import.progress.staged,
                pieces_written: import.progress.written,
            },
            file: FileView {
                sha256: import.file.sha256,
                encoding: import.file.encoding,
                delimiter: import.file.delimiter,
            },
            counts: import.counts.into(),
            reasons: import.reasons,
            provenance: import
                .weighed
                .map(|weighed| ProvenanceView::of(weighed, import.release)),
            refusal: import.refusal,
            rejected_rows_url: signed(import.step > ImportStep::Weigh, report).await?,
            summary_url: signed(completed, summary).await?,
        })
    }
}

impl ProvenanceView {
    fn of(weighed: Weighed, release: Option<Release>) -> Self {
        let reasons = weighed.reasons.into_iter().map(|reason| ReasonView {
            code: reason.code,
            verdict: reason.verdict,
            weight: reason.weight,
            seen: reason.seen,
            fine: reason.fine,
        });
        Self {
            verdict: weighed.verdict,
            score: weighed.score,
            reasons: reasons.collect(),
            released: release.map(|release| ReleasedView {
                at: Timestamp::from_millisecond(release.at_ms).unwrap_or(Timestamp::MAX),
                by: release.by,
                note: release.note,
            }),
        }
    }
}
