//! DynamoDB in memory: dynoxide behind its own HTTP server, with the
//! template's tables.
//!
//! What it does not do, and a test that needs it must bring about itself: stale
//! reads, throttling, transaction conflicts.

use std::fmt;
use std::sync::Arc;

use dynoxide::Database;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use dynoxide::storage_backend::Clock;
use platform::clock::SharedClock;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::template::Table;

/// All tables; cheap to clone, every clone is the same database.
#[derive(Clone)]
pub struct DynamoDb(Database);

/// Why a table could not be made, or the database not be read.
#[derive(Debug, thiserror::Error)]
#[error("table {table} is not as DynamoDB takes it")]
pub struct TableError {
    /// The table's name.
    pub table: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl DynamoDb {
    /// A database without tables whose time to live follows `clock`.
    pub fn new(clock: SharedClock) -> Result<Self, TableError> {
        let database = Database::memory_with_clock(Arc::new(TtlClock(clock)));
        Ok(Self(database.map_err(|error| failed("", error))?))
    }

    /// Answers the AWS SDK on `listener`, for ever.
    pub async fn serve(&self, listener: TcpListener) {
        dynoxide::server::serve_on(listener, self.0.clone()).await;
    }

    /// Creates the table that the template calls `name`.
    pub fn create(&self, name: &str, table: &Table) -> Result<(), TableError> {
        let keys = table.keys.iter();
        let keys = keys.map(|key| json!({"AttributeName": key.name, "KeyType": key.kind}));
        let mut request = json!({
            "TableName": name,
            "KeySchema": keys.collect::<Vec<_>>(),
            "AttributeDefinitions": table.attribute_definitions,
            "BillingMode": "PAY_PER_REQUEST",
        });
        if let Some(indexes) = &table.global_secondary_indexes {
            request["GlobalSecondaryIndexes"] = indexes.clone();
        }
        let request: CreateTableRequest =
            serde_json::from_value(request).map_err(|error| failed(name, error))?;
        self.0
            .create_table(request)
            .map_err(|error| failed(name, error))?;
        if let Some(attribute) = &table.ttl {
            let request = UpdateTimeToLiveRequest {
                table_name: name.to_owned(),
                time_to_live_specification: TimeToLiveSpecification {
                    attribute_name: attribute.clone(),
                    enabled: true,
                },
            };
            self.0
                .update_time_to_live(request)
                .map_err(|error| failed(name, error))?;
        }
        Ok(())
    }

    /// Every item of a table, in DynamoDB's JSON. For a test that looks at the
    /// whole: the service itself never may.
    pub fn items(&self, table: &str) -> Result<Vec<Value>, TableError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let request = ScanRequest {
                table_name: table.to_owned(),
                exclusive_start_key: start,
                ..ScanRequest::default()
            };
            let page = self.0.scan(request).map_err(|error| failed(table, error))?;
            for item in page.items.into_iter().flatten() {
                items.push(serde_json::to_value(item).map_err(|error| failed(table, error))?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Deletes the items whose time to live is over, and counts them. The real
    /// service does so within days; nothing may rely on it.
    pub fn sweep_ttl(&self) -> Result<usize, TableError> {
        self.0.sweep_ttl().map_err(|error| failed("", error))
    }
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb").finish_non_exhaustive()
    }
}

fn failed(table: &str, error: impl std::error::Error + Send + Sync + 'static) -> TableError {
    TableError {
        table: table.to_owned(),
        source: Box::new(error),
    }
}

/// Our clock as dynoxide reads it.
struct TtlClock(SharedClock);

impl Clock for TtlClock {
    fn now_unix_secs(&self) -> u64 {
        self.0.now().as_second().try_into().unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_duration().as_secs_f64()
    }
}
