//! The SAM template as plain structs: what there is to emulate, and what its
//! tests assert.
//!
//! [`Template::parse`] does what SAM and CloudFormation do before they make
//! anything: it reads the short tags, merges `Globals`, and settles parameters,
//! mappings and conditions. References to resources stay [`Expression`]s, which
//! a running [`Aws`](crate::aws::Aws) resolves.

mod expression;
mod parameters;
mod read;
mod resources;
#[cfg(test)]
pub(crate) mod tests;
mod yaml;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use expression::{Expression, Reference};
pub use resources::{
    Bucket, Event, EventInvoke, Function, Key, Notification, Queue, Redrive, Role, Secret,
    Statement, Table,
};

use parameters::Parameters;

/// Everything of a template that matters on one machine, by logical id.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// Lambda functions.
    pub functions: BTreeMap<String, Function>,
    /// How functions are invoked where nobody waits for the answer.
    pub event_invokes: BTreeMap<String, EventInvoke>,
    /// SQS queues, dead-letter queues among them.
    pub queues: BTreeMap<String, Queue>,
    /// DynamoDB tables.
    pub tables: BTreeMap<String, Table>,
    /// S3 buckets.
    pub buckets: BTreeMap<String, Bucket>,
    /// Secrets Manager secrets.
    pub secrets: BTreeMap<String, Secret>,
    /// IAM roles.
    pub roles: BTreeMap<String, Role>,
    /// Every resource's CloudFormation type.
    pub types: BTreeMap<String, String>,
}

/// Why a template could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A property is missing or is not what it should be.
    #[error("resource {resource}, property {property}: {problem}")]
    Property {
        /// Logical id.
        resource: String,
        /// Path below `Properties`.
        property: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is not YAML.
    #[error("template is not YAML")]
    Yaml(#[source] Box<serde_saphyr::Error>),
}

impl Template {
    /// Reads `text`, with the defaults of its parameters.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_with(text, &BTreeMap::new())
    }

    /// Reads `text`, with the defaults of its parameters overridden by
    /// `parameters`.
    pub fn parse_with(
        text: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, TemplateError> {
        let document = yaml::parse(text).map_err(|error| TemplateError::Yaml(Box::new(error)))?;
        let none = Map::new();
        let conditions = document["Conditions"].as_object().unwrap_or(&none);
        let parameters = Parameters::new(&document, conditions, parameters);
        let globals = parameters.settle(&document["Globals"]).unwrap_or_default();

        let mut template = Self::default();
        for (id, resource) in document["Resources"].as_object().unwrap_or(&none) {
            if let Some(condition) = resource["Condition"].as_str()
                && !parameters.holds(condition)
            {
                continue;
            }
            let properties = parameters
                .settle(&resource["Properties"])
                .unwrap_or_default();
            let kind = resource["Type"].as_str().unwrap_or_default();
            template.add(id, kind, properties, &globals)?;
        }
        Ok(template)
    }

    fn add(
        &mut self,
        id: &str,
        kind: &str,
        properties: Value,
        globals: &Value,
    ) -> Result<(), TemplateError> {
        let name = id.to_owned();
        self.types.insert(name.clone(), kind.to_owned());
        match kind {
            "AWS::Serverless::Function" => {
                let merged = merge(globals["Function"].clone(), properties);
                self.functions.insert(name, read(id, merged)?);
            }
            "AWS::Lambda::EventInvokeConfig" => {
                self.event_invokes.insert(name, read(id, properties)?);
            }
            "AWS::SQS::Queue" => drop(self.queues.insert(name, read(id, properties)?)),
            "AWS::DynamoDB::Table" => drop(self.tables.insert(name, read(id, properties)?)),
            "AWS::S3::Bucket" => drop(self.buckets.insert(name, read(id, properties)?)),
            "AWS::SecretsManager::Secret" => {
                self.secrets.insert(name, read(id, properties)?);
            }
            "AWS::IAM::Role" => drop(self.roles.insert(name, read(id, properties)?)),
            _ => (),
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(resource: &str, properties: Value) -> Result<T, TemplateError> {
    let properties = match properties {
        Value::Null => Value::Object(Map::new()),
        other => other,
    };
    serde_path_to_error::deserialize(properties).map_err(|error| TemplateError::Property {
        resource: resource.to_owned(),
        property: error.path().to_string(),
        problem: error.into_inner().to_string(),
    })
}

/// SAM's merge of `Globals`: maps by key, lists one after the other, anything
/// else as the function has it.
fn merge(global: Value, own: Value) -> Value {
    match (global, own) {
        (Value::Object(mut merged), Value::Object(own)) => {
            for (key, value) in own {
                let global = merged.remove(&key).unwrap_or_default();
                merged.insert(key, merge(global, value));
            }
            Value::Object(merged)
        }
        (Value::Array(mut merged), Value::Array(own)) => {
            merged.extend(own);
            Value::Array(merged)
        }
        (global, Value::Null) => global,
        (_, own) => own,
    }
}
