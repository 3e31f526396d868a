//! How properties are written in a template, where that differs from how
//! [`resources`](super::resources) keeps them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

use super::Expression;
use super::resources::{Event, Notification, Statement};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RawEvent {
    r#type: String,
    #[serde(default)]
    properties: RawEventProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawEventProperties {
    #[serde(default)]
    queue: Option<Expression>,
    #[serde(default)]
    topic: Option<Expression>,
    #[serde(default, deserialize_with = "some_number")]
    batch_size: Option<u32>,
    #[serde(default, deserialize_with = "number")]
    maximum_batching_window_in_seconds: u32,
    #[serde(default)]
    function_response_types: Vec<String>,
    #[serde(default)]
    scaling_config: RawScaling,
    #[serde(default)]
    method: String,
    #[serde(default)]
    path: String,
    #[serde(default, alias = "ScheduleExpression")]
    schedule: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawScaling {
    #[serde(default, deserialize_with = "some_number")]
    maximum_concurrency: Option<u32>,
}

impl From<RawEvent> for Event {
    fn from(event: RawEvent) -> Self {
        let properties = event.properties;
        match event.r#type.as_str() {
            "SQS" => Self::Sqs {
                queue: properties
                    .queue
                    .and_then(|queue| queue.resource().map(str::to_owned))
                    .unwrap_or_default(),
                batch_size: properties.batch_size.unwrap_or(10),
                window_s: properties.maximum_batching_window_in_seconds,
                report_batch_item_failures: properties
                    .function_response_types
                    .iter()
                    .any(|kind| kind == "ReportBatchItemFailures"),
                maximum_concurrency: properties.scaling_config.maximum_concurrency,
            },
            "SNS" => Self::Sns {
                topic: properties
                    .topic
                    .and_then(|topic| topic.resource().map(str::to_owned))
                    .unwrap_or_default(),
            },
            "HttpApi" => Self::HttpApi {
                method: properties.method.to_uppercase(),
                path: properties.path,
            },
            "Schedule" | "ScheduleV2" => Self::Schedule {
                expression: properties.schedule,
            },
            _ => Self::Other(event.r#type),
        }
    }
}

pub(super) fn folder<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let path = String::deserialize(deserializer)?;
    let last = path.trim_end_matches('/').rsplit('/').next();
    Ok(last.unwrap_or_default().to_owned())
}

/// A number, or a text that is one: parameters are texts.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = match &value {
        Value::Number(number) => number.as_u64().and_then(|number| number.try_into().ok()),
        Value::String(text) => text.parse().ok(),
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Object(_) => None,
    };
    number.ok_or_else(|| D::Error::custom("expected a whole number"))
}

pub(super) fn some_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    number(deserializer).map(Some)
}

pub(super) fn variables<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Expression>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Environment {
        #[serde(default)]
        variables: BTreeMap<String, Expression>,
    }
    Ok(Environment::deserialize(deserializer)?.variables)
}

pub(super) fn ttl_attribute<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct TimeToLive {
        attribute_name: String,
        enabled: bool,
    }
    let ttl = TimeToLive::deserialize(deserializer)?;
    Ok(ttl.enabled.then_some(ttl.attribute_name))
}

pub(super) fn generated_length<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Generate {
        /// Secrets Manager's own default: 32.
        #[serde(default, deserialize_with = "some_number")]
        password_length: Option<u32>,
    }
    let generate = Generate::deserialize(deserializer)?;
    Ok(Some(generate.password_length.unwrap_or(32)))
}

pub(super) fn notifications<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Notification>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Configuration {
        #[serde(default)]
        queue_configurations: Vec<QueueConfiguration>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct QueueConfiguration {
        event: String,
        queue: Expression,
        #[serde(default)]
        filter: Filter,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Filter {
        #[serde(default)]
        s3_key: S3Key,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct S3Key {
        #[serde(default)]
        rules: Vec<Rule>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Rule {
        name: String,
        value: String,
    }

    let configuration = Configuration::deserialize(deserializer)?;
    let notification = |from: QueueConfiguration| {
        let rule = |name: &str| {
            let rules = from.filter.s3_key.rules.iter();
            let mut named = rules.filter(|rule| rule.name.eq_ignore_ascii_case(name));
            named.next().map(|rule| rule.value.clone())
        };
        Notification {
            prefix: rule("prefix").unwrap_or_default(),
            suffix: rule("suffix").unwrap_or_default(),
            queue: from.queue,
            event: from.event,
        }
    };
    let queues = configuration.queue_configurations.into_iter();
    Ok(queues.map(notification).collect())
}

pub(super) fn statements<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Statement>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Policy {
        policy_document: Document,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Document {
        #[serde(default)]
        statement: Vec<Statement>,
    }
    let policies = Vec::<Policy>::deserialize(deserializer)?;
    let documents = policies.into_iter().map(|policy| policy.policy_document);
    Ok(documents.flat_map(|document| document.statement).collect())
}

pub(super) fn one_or_more<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Expression>, D::Error> {
    let list = match Value::deserialize(deserializer)? {
        Value::Array(items) => items,
        one => vec![one],
    };
    let read = |item| Expression::deserialize(item).map_err(D::Error::custom);
    list.into_iter().map(read).collect()
}
