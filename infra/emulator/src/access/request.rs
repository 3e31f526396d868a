//! What a request needs rights for: actions, resources and partitions, as
//! IAM's service authorization reference lists them.

use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::account::arn;
use crate::client::Operation;
use crate::secrets::secret_arn;
use crate::sqs::queue_arn;

/// One right that a request needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) action: String,
    pub(super) resource: String,
    /// The partition keys of the items it touches.
    pub(super) partitions: Vec<String>,
    /// The attributes that it asks for by name, top level.
    pub(super) attributes: Vec<String>,
}

impl Need {
    pub(super) fn new(action: impl Into<String>, resource: String) -> Self {
        Self {
            action: action.into(),
            resource,
            partitions: Vec::new(),
            attributes: Vec::new(),
        }
    }
}

/// All rights that `request` needs. `keys` has the partition key's name of
/// each table.
pub(super) fn needs(
    operation: &Operation,
    request: &HttpRequest,
    keys: &BTreeMap<String, String>,
) -> Vec<Need> {
    let body = request.body().bytes().unwrap_or_default();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match operation.service {
        "dynamodb" => Tables { keys }.needs(&operation.name, &body),
        "secretsmanager" => {
            let id = body["SecretId"].as_str().unwrap_or_default();
            let resource = match id.starts_with("arn:") {
                true => id.to_owned(),
                false => secret_arn(id),
            };
            vec![Need::new(
                format!("secretsmanager:{}", operation.name),
                resource,
            )]
        }
        "sqs" => {
            let url = body["QueueUrl"].as_str().unwrap_or_default();
            let queue = url.rsplit('/').next().unwrap_or_default();
            let action = operation
                .name
                .strip_suffix("Batch")
                .unwrap_or(&operation.name);
            vec![Need::new(format!("sqs:{action}"), queue_arn(queue))]
        }
        "social-messaging" => {
            let uri: http::Uri = request.uri().parse().unwrap_or_default();
            let mut query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
            let account = query.find(|(name, _)| name == "id").map(|(_, id)| id);
            let id = body["originationPhoneNumberId"].as_str();
            let id = id.or(account.as_deref()).unwrap_or_default();
            vec![Need::new(
                format!("social-messaging:{}", operation.name),
                arn("social-messaging", &social_resource(id)),
            )]
        }
        _ => objects(request),
    }
}

/// `phone-number-id-…` is `phone-number-id/…` in an ARN, and `waba-…` is
/// `waba/…`.
fn social_resource(id: &str) -> String {
    let kinds = ["phone-number-id", "waba"].into_iter();
    let mut named = kinds.filter_map(|kind| {
        let rest = id.strip_prefix(kind)?.strip_prefix('-')?;
        Some(format!("{kind}/{rest}"))
    });
    named.next().unwrap_or_else(|| id.to_owned())
}

struct Tables<'a> {
    keys: &'a BTreeMap<String, String>,
}

impl Tables<'_> {
    fn needs(&self, operation: &str, body: &Value) -> Vec<Need> {
        match operation {
            "BatchGetItem" => self.batch(operation, body, |entry| {
                entry["Keys"].as_array().into_iter().flatten().collect()
            }),
            "BatchWriteItem" => self.batch(operation, body, |entry| {
                let writes = entry.as_array().into_iter().flatten();
                writes.filter_map(written).collect()
            }),
            "TransactGetItems" | "TransactWriteItems" => {
                let parts = body["TransactItems"].as_array().into_iter().flatten();
                let parts = parts.filter_map(|part| part.as_object()?.iter().next());
                let need = |(kind, part): (&String, &Value)| {
                    let action = match kind.as_str() {
                        "ConditionCheck" => "ConditionCheckItem",
                        "Delete" => "DeleteItem",
                        "Get" => "GetItem",
                        "Put" => "PutItem",
                        _ => "UpdateItem",
                    };
                    self.item(action, part)
                };
                parts.map(need).collect()
            }
            "Query" => {
                let table = body["TableName"].as_str().unwrap_or_default();
                let mut need = self.table(operation, table);
                if let Some(index) = body["IndexName"].as_str() {
                    need.resource = format!("{}/index/{index}", need.resource);
                }
                need.partitions.extend(self.queried(table, body));
                vec![need]
            }
            _ => vec![self.item(operation, body)],
        }
    }

    fn table(&self, action: &str, table: &str) -> Need {
        let resource = arn("dynamodb", &format!("table/{table}"));
        Need::new(format!("dynamodb:{action}"), resource)
    }

    /// The need of an operation on one item.
    fn item(&self, action: &str, body: &Value) -> Need {
        let table = body["TableName"].as_str().unwrap_or_default();
        let mut need = self.table(action, table);
        let item = body.get("Key").or_else(|| body.get("Item"));
        need.partitions
            .extend(item.and_then(|item| self.partition(table, item)));
        need.attributes = projected(body);
        need
    }

    fn batch<'a>(
        &self,
        action: &str,
        body: &'a Value,
        items: impl Fn(&'a Value) -> Vec<&'a Value>,
    ) -> Vec<Need> {
        let tables = body["RequestItems"].as_object().into_iter().flatten();
        let need = |(table, entry): (&String, &'a Value)| {
            let mut need = self.table(action, table);
            let items = items(entry);
            let partitions = items.iter().filter_map(|item| self.partition(table, item));
            need.partitions.extend(partitions);
            need
        };
        tables.map(need).collect()
    }

    fn partition(&self, table: &str, item: &Value) -> Option<String> {
        text(&item[self.keys.get(table)?])
    }

    /// The partition that a key condition of the form `pk = :value` names.
    fn queried(&self, table: &str, body: &Value) -> Option<String> {
        let key = self.keys.get(table)?;
        let condition = body["KeyConditionExpression"].as_str()?;
        let names = body["ExpressionAttributeNames"].as_object();
        let named = |token: &str| {
            let placeholder = names.and_then(|names| names.get(token)?.as_str());
            placeholder.unwrap_or(token) == key
        };
        let condition = condition.replace(['(', ')'], " ").replace('=', " = ");
        let tokens: Vec<_> = condition.split_whitespace().collect();
        let mut equalities = tokens.windows(3).filter(|window| window[1] == "=");
        let [_, _, value] = equalities.find(|window| named(window[0]))? else {
            return None;
        };
        text(&body["ExpressionAttributeValues"][*value])
    }
}

/// The attributes of a projection, without what lies inside them.
fn projected(body: &Value) -> Vec<String> {
    let projection = body["ProjectionExpression"].as_str().unwrap_or_default();
    let names = &body["ExpressionAttributeNames"];
    let paths = projection.split(',').map(str::trim);
    let paths = paths.filter(|path| !path.is_empty());
    let name = |path: &str| {
        let first = path.split(['.', '[']).next().unwrap_or_default();
        names[first].as_str().unwrap_or(first).to_owned()
    };
    paths.map(name).collect()
}

/// The item or key of one write of a batch.
fn written(write: &Value) -> Option<&Value> {
    match write.get("PutRequest") {
        Some(put) => put.get("Item"),
        None => write.get("DeleteRequest")?.get("Key"),
    }
}

/// The text of an attribute value.
fn text(value: &Value) -> Option<String> {
    value
        .as_object()?
        .values()
        .next()?
        .as_str()
        .map(str::to_owned)
}

fn objects(request: &HttpRequest) -> Vec<Need> {
    let uri: http::Uri = request.uri().parse().unwrap_or_default();
    let path = percent_decode_str(uri.path().trim_start_matches('/')).decode_utf8_lossy();
    let query = uri.query().unwrap_or_default();
    let asks = |name: &str| {
        query
            .split('&')
            .any(|pair| pair.split('=').next() == Some(name))
    };
    let resource = format!("arn:aws:s3:::{}", path.trim_end_matches('/'));
    let versioned = if asks("versionId") { "Version" } else { "" };
    let is_bucket = !path.trim_end_matches('/').contains('/');
    let action = match (request.method(), is_bucket) {
        ("GET" | "HEAD", true) => "s3:ListBucket".to_owned(),
        ("POST", true) if asks("delete") => "s3:DeleteObject".to_owned(),
        (method, true) => format!("s3:{method}Bucket"),
        ("GET", false) if asks("tagging") => format!("s3:GetObject{versioned}Tagging"),
        ("PUT", false) if asks("tagging") => format!("s3:PutObject{versioned}Tagging"),
        ("DELETE", false) if asks("tagging") => format!("s3:DeleteObject{versioned}Tagging"),
        ("GET", false) if asks("uploadId") => "s3:ListMultipartUploadParts".to_owned(),
        ("DELETE", false) if asks("uploadId") => "s3:AbortMultipartUpload".to_owned(),
        ("GET" | "HEAD", false) => format!("s3:GetObject{versioned}"),
        ("DELETE", false) => format!("s3:DeleteObject{versioned}"),
        (_, false) => "s3:PutObject".to_owned(),
    };
    let mut needs = vec![Need::new(action, resource)];
    if let Some(source) = request.headers().get("x-amz-copy-source") {
        let source = percent_decode_str(source.trim_start_matches('/')).decode_utf8_lossy();
        let source = source.split('?').next().unwrap_or_default();
        needs.push(Need::new("s3:GetObject", format!("arn:aws:s3:::{source}")));
    }
    needs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_projection_names_the_attributes_it_reads() {
        let body = json!({
            "ProjectionExpression": "#p0, consent.state, zones[0]",
            "ExpressionAttributeNames": {"#p0": "language"},
        });
        assert_eq!(projected(&body), ["language", "consent", "zones"]);
        assert!(projected(&json!({})).is_empty());
    }
}
