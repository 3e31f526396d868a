//! `POST /{version}/{phone number id}/media`.

use std::sync::Arc;

use axum::extract::{Multipart, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::{Shared, check_version, refusal_answer};
use crate::refusal::Refusal;

pub(super) async fn upload(
    State(shared): State<Arc<Shared>>,
    Path((version, id)): Path<(String, String)>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    let permitted = check_version(&version)
        .and_then(|()| shared.authorise(&headers))
        .and_then(|()| shared.world().number(&id).map(|_| ()));
    let kept = match permitted {
        Ok(()) => keep(&shared, &id, form).await,
        Err(refusal) => Err(refusal),
    };
    match kept {
        Ok(media_id) => axum::Json(json!({"id": media_id})).into_response(),
        Err(refusal) => refusal_answer(&refusal),
    }
}

async fn keep(shared: &Shared, number: &str, mut form: Multipart) -> Result<String, Refusal> {
    let broken = |_| Refusal::new(100, "body is not a multipart form");
    let (mut product, mut declared, mut file) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("messaging_product") => product = Some(field.text().await.map_err(broken)?),
            Some("type") => declared = Some(field.text().await.map_err(broken)?),
            Some("file") => {
                let mime = field.content_type().map(str::to_owned);
                let bytes = field.bytes().await.map_err(broken)?;
                file = Some((mime, bytes.len()));
            }
            _ => {}
        }
    }
    if product.as_deref() != Some("whatsapp") {
        return Err(Refusal::new(100, "messaging_product must be whatsapp"));
    }
    let (mime, bytes) = file.ok_or_else(|| Refusal::new(100, "file is missing"))?;
    let mime = mime
        .or(declared)
        .ok_or_else(|| Refusal::new(100, "type is missing"))?;
    let at = shared.clock.now();
    shared.world().media.upload(number, &mime, bytes, at)
}
