//! Batches that are done in part: the last item of the first table is not
//! passed on, and comes back as unprocessed.

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Map, Value, json};

/// Whether the request is a batch that would still have an item.
pub(super) fn befalls(operation: &str, body: &Value) -> bool {
    let first = first_table(body);
    let count = match operation {
        "BatchGetItem" => first.and_then(|(_, entry)| entry["Keys"].as_array().map(Vec::len)),
        "BatchWriteItem" => first.and_then(|(_, entry)| entry.as_array().map(Vec::len)),
        _ => None,
    };
    count.is_some_and(|count| count >= 2)
}

/// Passes on all but the last item.
pub(super) fn call(
    mut request: HttpRequest,
    mut body: Value,
    next: &SharedHttpConnector,
) -> HttpConnectorFuture {
    let Some((field, held_back)) = hold_back(&mut body) else {
        return next.call(request);
    };
    let body = body.to_string();
    request
        .headers_mut()
        .insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
    let response = next.call(request);
    HttpConnectorFuture::new(async move {
        let mut response = response.await?;
        let body = ByteStream::new(response.take_body()).collect().await;
        let body = body
            .map_err(|error| ConnectorError::io(error.into()))?
            .into_bytes();
        let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if response.status().is_success() {
            answer[field] = held_back;
        }
        let body = answer.to_string();
        response.headers_mut().remove("x-amz-crc32");
        response
            .headers_mut()
            .insert("content-length", body.len().to_string());
        *response.body_mut() = SdkBody::from(body);
        Ok(response)
    })
}

/// Takes the last item out of a batch; gives it in the form in which the
/// answer has it, and the answer's field.
fn hold_back(body: &mut Value) -> Option<(&'static str, Value)> {
    let (table, _) = first_table(body)?;
    let table = table.to_owned();
    let entry = &mut body["RequestItems"][&table];
    let (field, held_back) = match entry {
        Value::Array(writes) => ("UnprocessedItems", json!([writes.pop()?])),
        keys => {
            let last = keys["Keys"].as_array_mut()?.pop()?;
            let mut unprocessed = keys.clone();
            unprocessed["Keys"] = json!([last]);
            ("UnprocessedKeys", unprocessed)
        }
    };
    Some((field, Value::Object(Map::from_iter([(table, held_back)]))))
}

fn first_table(body: &Value) -> Option<(&str, &Value)> {
    let (table, entry) = body["RequestItems"].as_object()?.iter().next()?;
    Some((table, entry))
}
