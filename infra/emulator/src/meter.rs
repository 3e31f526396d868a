//! What a piece of work costs: requests by operation, and DynamoDB's capacity
//! units by table.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;

use crate::client::{Layer, Operation, layered};

/// Counts what passes; cheap to clone, every clone counts together.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Readings>>);

/// What a [`Meter`] has counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// Requests, by operation.
    pub requests: BTreeMap<Operation, u64>,
    /// Read request units, by table.
    pub read_units: BTreeMap<String, f64>,
    /// Write request units, by table.
    pub write_units: BTreeMap<String, f64>,
    /// Writes whose condition did not hold. DynamoDB bills each by the size of
    /// the item there, one unit at least, but does not say how much: it is not
    /// in `write_units`.
    pub failed_conditions: u64,
}

impl Readings {
    /// Write units of all tables together.
    pub fn all_write_units(&self) -> f64 {
        self.write_units.values().sum()
    }

    /// Read units of all tables together.
    pub fn all_read_units(&self) -> f64 {
        self.read_units.values().sum()
    }
}

impl Meter {
    /// `inner`, whose requests are now counted. DynamoDB is asked for the
    /// capacity it consumed, whether the caller asks or not.
    pub fn over(&self, inner: SharedHttpClient) -> SharedHttpClient {
        layered(self.clone(), inner)
    }

    /// What was counted so far.
    pub fn read(&self) -> Readings {
        self.with(|readings| readings.clone())
    }

    /// What was counted so far; counting begins again.
    pub fn take(&self) -> Readings {
        self.with(std::mem::take)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Readings) -> T) -> T {
        act(&mut self.0.lock().expect("no holder of the readings panics"))
    }

    /// Counts an answer of DynamoDB and gives it back as it was.
    async fn count(
        &self,
        operation: &Operation,
        mut response: HttpResponse,
    ) -> Result<HttpResponse, ConnectorError> {
        let body = ByteStream::new(response.take_body()).collect().await;
        let body = body
            .map_err(|error| ConnectorError::io(error.into()))?
            .into_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        self.with(|readings| {
            if failed_condition(&answer) {
                readings.failed_conditions += 1;
            }
            let units = match operation.name.as_str() {
                "BatchGetItem" | "GetItem" | "Query" | "Scan" | "TransactGetItems" => {
                    &mut readings.read_units
                }
                _ => &mut readings.write_units,
            };
            let consumed = match &answer["ConsumedCapacity"] {
                Value::Array(tables) => tables.as_slice(),
                one => std::slice::from_ref(one),
            };
            for table in consumed {
                if let (Some(name), Some(count)) =
                    (table["TableName"].as_str(), table["CapacityUnits"].as_f64())
                {
                    *units.entry(name.to_owned()).or_default() += count;
                }
            }
        });
        *response.body_mut() = SdkBody::from(body);
        Ok(response)
    }
}

impl Layer for Meter {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let operation = Operation::of(&request);
        self.with(|readings| *readings.requests.entry(operation.clone()).or_default() += 1);
        if operation.service != "dynamodb" {
            return next.call(request);
        }
        let meter = self.clone();
        let response = next.call(ask_for_capacity(request));
        HttpConnectorFuture::new(async move { meter.count(&operation, response.await?).await })
    }
}

/// The request with `ReturnConsumedCapacity`, unless it has it.
fn ask_for_capacity(mut request: HttpRequest) -> HttpRequest {
    let body = request.body().bytes().map(serde_json::from_slice::<Value>);
    let Some(Ok(Value::Object(mut body))) = body else {
        return request;
    };
    body.entry("ReturnConsumedCapacity")
        .or_insert_with(|| "TOTAL".into());
    let body = Value::Object(body).to_string();
    request
        .headers_mut()
        .insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
    request
}

fn failed_condition(answer: &Value) -> bool {
    let kind = answer["__type"].as_str().unwrap_or_default();
    let reasons = answer["CancellationReasons"].as_array();
    let reason = |reason: &Value| reason["Code"] == "ConditionalCheckFailed";
    kind.ends_with("#ConditionalCheckFailedException")
        || reasons.is_some_and(|reasons| reasons.iter().any(reason))
}
