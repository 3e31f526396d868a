//! Imports: permission to upload one file, and what became of it.

pub(crate) mod release;
mod told;
pub(crate) mod view;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use platform::campaigns::{Campaigns, Declared, Import, ImportMode, ImportState, Reading};
use platform::fault::Fault;
use policy::ids::{ImportId, ListId, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::told::{NewProvenance, NewReading};
use crate::Deps;
use crate::auth::TenantCtx;
use crate::idempotency::{self, IdempotencyKey};
use crate::problem::{Problem, ProblemBody};
use crate::request::{Body, Fields};

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
    /// What the file is for: `contacts` (by default), of whom the new are added,
    /// the changed brought up to date and the unchanged not rewritten; or
    /// `suppression_list`, whose people are all stopped.
    mode: Option<String>,
    /// Whether everything is judged, counted and reported, and nothing written.
    #[serde(default)]
    dry_run: bool,
    /// How the file is to be read, where its headers do not tell.
    #[schema(nullable = false)]
    reading: Option<NewReading>,
    /// What else is known of where the list comes from. Rows that do not fit
    /// are a reason to look at the list first.
    #[schema(nullable = false)]
    provenance: Option<NewProvenance>,
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
pub(crate) struct Upload {
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
    let registered = Import {
        mode: wanted.mode,
        dry_run: request.dry_run,
        declared: wanted.declared,
        reading: wanted.reading,
        ..Import::awaiting(
            wanted.list,
            Campaigns::import_object(tenant, import_id),
            wanted.source,
            wanted.attested_by,
            deps.clock.now(),
        )
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
        ImportState::Running
        | ImportState::Held
        | ImportState::Completed
        | ImportState::Refused => None,
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
    mode: ImportMode,
    declared: Declared,
    reading: Reading,
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
                let detail = format!(
                    "expected 1 to {FILE_MAX} bytes; pack a larger file with gzip or split it"
                );
                fields.refuse("/content_length", "out_of_range", detail);
            }
            i64::try_from(length).ok().filter(|_| fits)
        });
        let content_type = request.content_type.as_deref().unwrap_or("text/csv");
        if !is_media_type(content_type) {
            let detail = "expected a media type such as text/csv";
            fields.refuse("/content_type", "unreadable", detail);
        }
        let mode = match request.mode.as_deref() {
            None | Some("contacts") => ImportMode::Contacts,
            Some("suppression_list") => ImportMode::SuppressionList,
            Some(_) => {
                let detail = "expected contacts or suppression_list";
                fields.refuse("/mode", "unreadable", detail);
                ImportMode::Contacts
            }
        };
        let declared = match &request.provenance {
            Some(provenance) => provenance.read(&mut fields),
            None => Declared::default(),
        };
        let reading = match &request.reading {
            Some(reading) => reading.read(&mut fields),
            None => Reading::default(),
        };
        let all = list.zip(source).zip(attested_by).zip(content_length);
        fields
            .finish_with(all)
            .map(|(((list, source), attested_by), content_length)| Self {
                list,
                source: source.to_owned(),
                attested_by,
                content_length,
                content_type: content_type.to_owned(),
                mode,
                declared,
                reading,
            })
    }
}

/// `type/subtype`, perhaps with a parameter, in characters that a header takes.
pub(crate) fn is_media_type(text: &str) -> bool {
    text.len() <= 100 && text.contains('/') && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

pub(crate) async fn permit_upload(
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
        assert_eq!(wanted.mode, ImportMode::Contacts);
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let wrong = read(serde_json::json!({
            "list_id": "cmp_1",
            "source": "purchased",
            "attested_by": " ",
            "content_length": 5_368_709_121_u64,
            "content_type": "text",
            "mode": "refresh_all",
            "reading": {"columns": {"a/b": "telephone"}, "date_order": "year"},
            "provenance": {
                "collected_from": "2026-02-30",
                "countries": ["ID", "Indonesia"],
                "consent_text_sha256": "abc",
            },
        }));
        let codes = [
            ("/list_id", "unreadable"),
            ("/source", "source_not_allowed"),
            ("/attested_by", "unreadable"),
            ("/content_length", "out_of_range"),
            ("/content_type", "unreadable"),
            ("/mode", "unreadable"),
            ("/provenance/collected_from", "unreadable"),
            ("/provenance/countries/1", "unreadable"),
            ("/provenance/consent_text_sha256", "unreadable"),
            ("/reading/columns/a~1b", "unreadable"),
            ("/reading/columns", "missing"),
            ("/reading/date_order", "unreadable"),
        ];
        let expected: Vec<_> = codes.map(|(at, code)| (at.to_owned(), code)).to_vec();
        assert_eq!(wrong.unwrap_err(), expected);

        let nothing = read(serde_json::json!({})).unwrap_err();
        assert_eq!(nothing.len(), 4);
        assert!(nothing.iter().all(|(_, code)| *code == "missing"));
    }
}
