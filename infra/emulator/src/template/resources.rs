//! The resources that are emulated, as the template declares them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Expression;
use super::read::{
    RawEvent, folder, generated_length, notifications, number, one_or_more, some_number,
    statements, ttl_attribute, variables,
};

/// A Lambda function.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Function {
    /// The last part of `CodeUri`: `functions/send` is `send`.
    #[serde(rename = "CodeUri", deserialize_with = "folder")]
    pub folder: String,
    /// Longest run, in seconds.
    #[serde(rename = "Timeout", deserialize_with = "number")]
    pub timeout_s: u32,
    /// Memory, in MB.
    #[serde(rename = "MemorySize", deserialize_with = "number")]
    pub memory_mb: u32,
    /// The role it runs as; none means that SAM makes one up.
    #[serde(default)]
    pub role: Option<Expression>,
    /// Environment variables.
    #[serde(default, deserialize_with = "variables")]
    pub environment: BTreeMap<String, Expression>,
    /// What starts it, by name.
    #[serde(default)]
    pub events: BTreeMap<String, Event>,
    /// Most instances at a time, if bounded.
    #[serde(default, deserialize_with = "some_number")]
    pub reserved_concurrent_executions: Option<u32>,
}

/// What starts a function.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "RawEvent")]
pub enum Event {
    /// A route of the HTTP API.
    HttpApi {
        /// Upper case; `ANY` for all.
        method: String,
        /// `/v1/{proxy+}`, or `$default`.
        path: String,
    },
    /// Something that is not emulated, by its type.
    Other(String),
    /// A timer.
    Schedule {
        /// `rate(1 minute)` or `cron(…)`, as written.
        expression: String,
    },
    /// What is published to a topic.
    Sns {
        /// Logical id of the topic.
        topic: String,
    },
    /// Messages of a queue.
    Sqs {
        /// Logical id of the queue.
        queue: String,
        /// Most messages in one event.
        batch_size: u32,
        /// How long to wait for a batch to fill, in seconds.
        window_s: u32,
        /// Whether single messages of a batch may fail.
        report_batch_item_failures: bool,
        /// Most invocations at a time, if bounded.
        maximum_concurrency: Option<u32>,
    },
}

/// An SQS queue.
#[derive(Clone, Debug, Deserialize)]
pub struct Queue {
    /// How long a received message stays hidden, in seconds.
    #[serde(
        rename = "VisibilityTimeout",
        default = "default_visibility",
        deserialize_with = "number"
    )]
    pub visibility_s: u32,
    /// How long a sent message stays hidden, in seconds.
    #[serde(rename = "DelaySeconds", default, deserialize_with = "number")]
    pub delay_s: u32,
    /// How long a message is kept, in seconds.
    #[serde(
        rename = "MessageRetentionPeriod",
        default = "default_retention",
        deserialize_with = "number"
    )]
    pub retention_s: u32,
    /// Where messages go that keep failing.
    #[serde(rename = "RedrivePolicy", default)]
    pub redrive: Option<Redrive>,
    /// Whether it is a FIFO queue.
    #[serde(rename = "FifoQueue", default)]
    pub fifo: bool,
}

/// SQS's own default: 30 s.
fn default_visibility() -> u32 {
    30
}

/// SQS's own default: 4 days.
fn default_retention() -> u32 {
    4 * 24 * 3600
}

/// Where messages go that keep failing.
#[derive(Clone, Debug, Deserialize)]
pub struct Redrive {
    /// The dead-letter queue.
    #[serde(rename = "deadLetterTargetArn")]
    pub target: Expression,
    /// After so many receipts.
    #[serde(rename = "maxReceiveCount", deserialize_with = "number")]
    pub max_receives: u32,
}

/// How a function is invoked where nobody waits for the answer.
#[derive(Clone, Debug, Deserialize)]
pub struct EventInvoke {
    /// The function.
    #[serde(rename = "FunctionName")]
    pub function: Expression,
    /// How long an event is kept, in seconds.
    #[serde(
        rename = "MaximumEventAgeInSeconds",
        default = "longest_age",
        deserialize_with = "number"
    )]
    pub max_age_s: u32,
    /// Attempts after the first.
    #[serde(
        rename = "MaximumRetryAttempts",
        default = "most_retries",
        deserialize_with = "number"
    )]
    pub retries: u32,
    #[serde(rename = "DestinationConfig", default)]
    destinations: Destinations,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destinations {
    on_failure: Option<Destination>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    destination: Expression,
}

impl EventInvoke {
    /// Lambda's own default, which is the most: 6 hours.
    pub const LONGEST_S: u32 = 6 * 3600;
    /// Lambda's own default, which is the most.
    pub const MOST_RETRIES: u32 = 2;

    /// Where the record of an event goes that is given up.
    pub fn on_failure(&self) -> Option<&Expression> {
        let on_failure = self.destinations.on_failure.as_ref();
        on_failure.map(|to| &to.destination)
    }
}

fn longest_age() -> u32 {
    EventInvoke::LONGEST_S
}

fn most_retries() -> u32 {
    EventInvoke::MOST_RETRIES
}

/// A DynamoDB table.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Table {
    /// The key, partition key first.
    #[serde(rename = "KeySchema")]
    pub keys: Vec<Key>,
    /// Attribute types, as CreateTable takes them.
    pub attribute_definitions: Value,
    /// How it is billed.
    #[serde(default)]
    pub billing_mode: Option<String>,
    /// The attribute that holds the time to live.
    #[serde(
        rename = "TimeToLiveSpecification",
        default,
        deserialize_with = "ttl_attribute"
    )]
    pub ttl: Option<String>,
    /// Secondary indexes, as CreateTable takes them.
    #[serde(default)]
    pub global_secondary_indexes: Option<Value>,
}

/// One attribute of a table's key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Key {
    /// Its name.
    #[serde(rename = "AttributeName")]
    pub name: String,
    /// `HASH` or `RANGE`.
    #[serde(rename = "KeyType")]
    pub kind: String,
}

/// An S3 bucket.
#[derive(Clone, Debug, Deserialize)]
pub struct Bucket {
    /// Its name, if the template fixes one.
    #[serde(rename = "BucketName", default)]
    pub name: Option<Expression>,
    /// Which events go to which queue.
    #[serde(
        rename = "NotificationConfiguration",
        default,
        deserialize_with = "notifications"
    )]
    pub notifications: Vec<Notification>,
}

/// Events of a bucket that go to a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The queue.
    pub queue: Expression,
    /// Such as `s3:ObjectCreated:*`.
    pub event: String,
    /// Only keys that begin with this.
    pub prefix: String,
    /// Only keys that end with this.
    pub suffix: String,
}

/// A secret of Secrets Manager; its value is not in the template.
#[derive(Clone, Debug, Deserialize)]
pub struct Secret {
    /// The length of the random value it starts with, if it starts with one.
    #[serde(
        rename = "GenerateSecretString",
        default,
        deserialize_with = "generated_length"
    )]
    pub generated_length: Option<u32>,
}

/// An IAM role: what its inline policies say, and which managed ones it has.
#[derive(Clone, Debug, Deserialize)]
pub struct Role {
    /// Statements of all inline policies, in order.
    #[serde(rename = "Policies", default, deserialize_with = "statements")]
    pub statements: Vec<Statement>,
    /// Managed policies.
    #[serde(rename = "ManagedPolicyArns", default)]
    pub managed: Vec<Expression>,
}

/// One statement of a policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// `Allow` or `Deny`.
    pub effect: String,
    /// Such as `dynamodb:GetItem`.
    #[serde(rename = "Action", default, deserialize_with = "one_or_more")]
    pub actions: Vec<Expression>,
    /// What it is about.
    #[serde(rename = "Resource", default, deserialize_with = "one_or_more")]
    pub resources: Vec<Expression>,
    /// Under which conditions, as written.
    #[serde(default)]
    pub condition: Option<Value>,
}
