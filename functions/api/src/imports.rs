//! Imports: permission to upload one file, and what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use platform::campaigns::{Campaigns, Import, ImportCounts, ImportState};
use platform::fault::Fault;
use policy::ids::{ImportId, ListId, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deps;
use crate::auth::TenantCtx;
use crate::idempotency::{self, IdempotencyKey};
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields, Id};

/// Where a list may come from. There is no word for a bought one, because its
/// people agreed to hear from somebody else.
const SOURCES: [&str; 6] = [
    "own_crm",
    "own_event",
    "own_store",
    "own_web_form",
    "partner_with_named_consent",
    "whatsapp_inbound",
];

/// Largest file, in bytes: what one PUT to S3 may carry (5 GiB).
const FILE_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// How long an upload may begin.
const UPLOAD_LIFE: Duration = Duration::from_mins(15);

/// How long a report may be fetched under one link.
const REPORT_LIFE: Duration = Duration::from_mins(5);

/// A file to be imported.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewImport {
    /// Into which list.
    #[schema(required = true, nullable = false)]
    list_id: Option<String>,
    /// Where the people of the file come from: `own_crm`, `own_event`,
    /// `own_store`, `own_web_form`, `partner_with_named_consent`,
    /// `whatsapp_inbound`.
    #[schema(required = true, nullable = false)]
    source: Option<String>,
    /// The person who vouches for that.
    #[schema(required = true, nullable = false)]
    attested_by: Option<String>,
    /// The file's size in bytes, exactly.
    #[schema(required = true, nullable = false, minimum = 1)]
    content_length: Option<u64>,
    /// The file's media type, by default `text/csv`.
    content_type: Option<String>,
}

/// An import that was registered, and how to upload its file.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeImport {
    #[schema(value_type = String, example = "imp_0199a0c01e4c7aaabbbbccccddddeeee")]
    import_id: ImportId,
    /// `awaiting`, unless this is a repetition and the file has arrived since.
    #[schema(value_type = String)]
    state: ImportState,
    /// Absent once the file has arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    upload: Option<Upload>,
}

/// The one request that uploads the file. Its address is a secret.
#[derive(Serialize, ToSchema)]
struct Upload {
    /// `PUT`.
    method: String,
    /// The address, with its signature.
    url: String,
    /// Headers to send with it; the signature covers them.
    headers: BTreeMap<String, String>,
    /// Until when the upload may begin.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Register an import and get permission to upload its file.
#[utoipa::path(
    post,
    path = "/v1/imports",
    operation_id = "create_import",
    tag = "imports",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition safe.")),
    request_body = NewImport,
    responses(
        (status = 201, description = "Registered", body = MadeImport),
        (status = 422, description = "Fields cannot be used", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(deps): State<Arc<Deps>>,
    TenantCtx { tenant }: TenantCtx,
    key: IdempotencyKey,
    Body(request): Body<NewImport>,
) -> Result<(StatusCode, Json<MadeImport>), Problem> {
    let wanted = WantedImport::read(&request)?;
    if deps.campaigns.list(tenant, wanted.list).await?.is_none() {
        let mut fields = Fields::default();
        fields.refuse("/list_id", "unknown", "there is no such list");
        fields.finish()?;
    }

    let id = idempotency::id_for(&deps, tenant, key, "POST /v1/imports", &request).await?;
    let import_id = ImportId::from_uuid(id);
    let now = deps.clock.now();
    let registered = Import {
        list: wanted.list,
        object: Campaigns::import_object(tenant, import_id),
        source: wanted.source,
        attested_by: wanted.attested_by,
        created_at_ms: now.as_millisecond(),
        state: ImportState::Awaiting,
        counts: ImportCounts::default(),
        reasons: BTreeMap::new(),
        refusal: None,
        version: 0,
    };
    deps.campaigns
        .create_import(tenant, import_id, &registered)
        .await?;
    let import = find(&deps, tenant, import_id).await?;
    let upload = match import.state {
        ImportState::Awaiting => {
            let length = wanted.content_length;
            Some(permit_upload(&deps, &import.object, &wanted.content_type, length).await?)
        }
        ImportState::Running | ImportState::Completed | ImportState::Refused => None,
    };
    tracing::info!(import = %import_id, "import registered");
    let made = MadeImport {
        import_id,
        state: import.state,
        upload,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// A request for an import that can be used.
#[derive(Debug)]
struct WantedImport {
    list: ListId,
    source: String,
    attested_by: String,
    content_length: i64,
    content_type: String,
}

impl WantedImport {
    fn read(request: &NewImport) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let list = fields.parsed("/list_id", request.list_id.as_deref());
        let source = fields.required("/source", request.source.as_deref());
        let source = source.and_then(|source| {
            let known = SOURCES.into_iter().find(|known| *known == source);
            if known.is_none() {
                let detail = format!("expected one of {}", SOURCES.join(", "));
                fields.refuse("/source", "source_not_allowed", detail);
            }
            known
        });
        let attested_by = fields.short_text("/attested_by", request.attested_by.as_deref());
        let length = fields.required("/content_length", request.content_length);
        let content_length = length.and_then(|length| {
            let fits = (1..=FILE_MAX).contains(&length);
            if !fits {
                let detail = format!("expected 1 to {FILE_MAX} bytes");
                fields.refuse("/content_length", "out_of_range", detail);
            }
            i64::try_from(length).ok().filter(|_| fits)
        });
        let content_type = request.content_type.as_deref().unwrap_or("text/csv");
        if !is_media_type(content_type) {
            let detail = "expected a media type such as text/csv";
            fields.refuse("/content_type", "unreadable", detail);
        }
        let all = list.zip(source).zip(attested_by).zip(content_length);
        fields
            .finish_with(all)
            .map(|(((list, source), attested_by), content_length)| Self {
                list,
                source: source.to_owned(),
                attested_by,
                content_length,
                content_type: content_type.to_owned(),
            })
    }
}

/// `type/subtype`, perhaps with a parameter, in characters that a header takes.
fn is_media_type(text: &str) -> bool {
    text.len() <= 100 && text.contains('/') && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

async fn permit_upload(
    deps: &Deps,
    object: &str,
    content_type: &str,
    content_length: i64,
) -> Result<Upload, Fault> {
    let expires_at = deps
        .clock
        .now()
        .saturating_add(UPLOAD_LIFE)
        .unwrap_or(Timestamp::MAX);
    let presigned = deps
        .objects
        .presign_put(object, content_type, content_length, UPLOAD_LIFE)
        .await?;
    Ok(Upload {
        method: presigned.method,
        url: presigned.url,
        headers: presigned.headers.into_iter().collect(),
        expires_at,
    })
}

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
    /// `awaiting` the file, `running`, `completed`, or `refused` as a whole.
    #[schema(value_type = String)]
    state: ImportState,
    counts: CountsView,
    /// Rejected rows by reason code.
    reasons: BTreeMap<String, u64>,
    /// Why the whole file was refused: the place and the remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refusal: Option<String>,
    /// Once completed: where the rejected rows can be fetched, for five
    /// minutes, with their reasons, ready to be put right and uploaded again.
    /// The address is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rejected_rows_url: Option<String>,
}

/// What was counted. `rows = accepted + duplicates + rejected`; the last two
/// count among the accepted.
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
        } = counts;
        Self {
            rows,
            accepted,
            duplicates,
            rejected,
            suppressed,
            without_consent,
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
    let rejected_rows_url = match import.state {
        ImportState::Completed => {
            let report = Campaigns::import_report(tenant, import_id);
            Some(deps.objects.presign_get(&report, REPORT_LIFE).await?)
        }
        ImportState::Awaiting | ImportState::Running | ImportState::Refused => None,
    };
    Ok(Json(ImportView {
        import_id,
        list_id: import.list,
        created_at: import.created_at(),
        source: import.source,
        state: import.state,
        counts: import.counts.into(),
        reasons: import.reasons,
        refusal: import.refusal,
        rejected_rows_url,
    }))
}

async fn find(deps: &Deps, tenant: TenantId, id: ImportId) -> Result<Import, Problem> {
    deps.campaigns
        .import(tenant, id)
        .await?
        .ok_or_else(|| Problem::not_found("there is no such import"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: serde_json::Value) -> Result<WantedImport, Vec<(String, &'static str)>> {
        let request: NewImport = serde_json::from_value(body).unwrap();
        WantedImport::read(&request).map_err(|problem| problem.codes())
    }

    #[test]
    fn a_whole_request_is_read() {
        let list = ListId::from_uuid(uuid::Uuid::from_u128(5));
        let wanted = read(serde_json::json!({
            "list_id": list,
            "source": "own_store",
            "attested_by": "  Sari ",
            "content_length": 5_368_709_120_u64,
        }))
        .unwrap();
        assert_eq!(wanted.list, list);
        assert_eq!(wanted.attested_by, "Sari");
        assert_eq!(wanted.content_type, "text/csv");
        assert_eq!(wanted.content_length, 5_368_709_120);
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let wrong = read(serde_json::json!({
            "list_id": "cmp_1",
            "source": "purchased",
            "attested_by": " ",
            "content_length": 5_368_709_121_u64,
            "content_type": "text",
        }));
        let codes = [
            ("/list_id", "unreadable"),
            ("/source", "source_not_allowed"),
            ("/attested_by", "unreadable"),
            ("/content_length", "out_of_range"),
            ("/content_type", "unreadable"),
        ];
        let expected: Vec<_> = codes.map(|(at, code)| (at.to_owned(), code)).to_vec();
        assert_eq!(wrong.unwrap_err(), expected);

        let nothing = read(serde_json::json!({})).unwrap_err();
        assert_eq!(nothing.len(), 4);
        assert!(nothing.iter().all(|(_, code)| *code == "missing"));
    }
}
