//! What the template's references come to while the emulation runs.

use std::collections::BTreeMap;

use super::{Aws, AwsError};
use crate::access::Access;
use crate::account::{ACCOUNT, REGION, arn};
use crate::secrets::secret_arn;
use crate::sns::topic_arn;
use crate::sqs::{queue_arn, queue_url};
use crate::template::{Bucket, Expression, Reference};

impl Aws {
    /// The environment that the template gives to the function `id`.
    pub fn environment(&self, id: &str) -> Result<BTreeMap<String, String>, AwsError> {
        let unknown = || AwsError::UnknownFunction(id.to_owned());
        let function = self.template.functions.get(id).ok_or_else(unknown)?;
        let mut environment = BTreeMap::new();
        for (variable, expression) in &function.environment {
            let value = self
                .text(expression)
                .map_err(|reference| AwsError::UnknownReference {
                    function: id.to_owned(),
                    variable: variable.clone(),
                    reference: reference.to_string(),
                })?;
            environment.insert(variable.clone(), value);
        }
        Ok(environment)
    }

    /// The rights that the role of the function `id` gives it.
    pub fn access(&self, id: &str) -> Result<Access, AwsError> {
        Access::of(self, id)
    }

    /// The text of `expression`, or the reference in it that is not emulated.
    pub(crate) fn text(&self, expression: &Expression) -> Result<String, Reference> {
        expression.resolve(&|reference| self.resolve(reference))
    }

    /// What `!Ref` or `!GetAtt` gives for an emulated resource.
    fn resolve(&self, reference: &Reference) -> Option<String> {
        let id = reference.name.as_str();
        let attribute = reference.attribute.as_deref();
        if id.starts_with("AWS::") {
            return pseudo_parameter(reference);
        }
        match (self.template.types.get(id)?.as_str(), attribute) {
            ("AWS::DynamoDB::Table", None) => Some(id.to_owned()),
            ("AWS::DynamoDB::Table", Some("Arn")) => Some(arn("dynamodb", &format!("table/{id}"))),
            ("AWS::KMS::Key", None) => Some(id.to_owned()),
            ("AWS::KMS::Key", Some("Arn")) => Some(arn("kms", &format!("key/{id}"))),
            ("AWS::S3::Bucket", None) => self.bucket_name(id),
            ("AWS::S3::Bucket", Some("Arn")) => {
                Some(format!("arn:aws:s3:::{}", self.bucket_name(id)?))
            }
            ("AWS::SNS::Topic", None) => Some(topic_arn(id)),
            ("AWS::SQS::Queue", None) => Some(self.queue_url(id)),
            ("AWS::SQS::Queue", Some("Arn")) => Some(queue_arn(id)),
            ("AWS::SQS::Queue", Some("QueueName")) => Some(id.to_owned()),
            ("AWS::SQS::Queue", Some("QueueUrl")) => Some(self.queue_url(id)),
            // An API's id, which is the first part of its address.
            ("AWS::Serverless::HttpApi", None) => Some("a1b2c3d4e5".to_owned()),
            ("AWS::SecretsManager::Secret", None | Some("Id")) => Some(secret_arn(id)),
            ("AWS::Serverless::Function", None) => Some(id.to_owned()),
            ("AWS::Serverless::Function", Some("Arn")) => {
                Some(arn("lambda", &format!("function:{id}")))
            }
            _ => None,
        }
    }

    /// The name of the bucket `id`.
    pub fn bucket_name(&self, id: &str) -> Option<String> {
        Some(bucket_name(id, self.template.buckets.get(id)?))
    }

    /// The URL of the queue called `name`.
    pub fn queue_url(&self, name: &str) -> String {
        queue_url(&self.endpoints.sqs, name)
    }
}

fn pseudo_parameter(reference: &Reference) -> Option<String> {
    let value = match reference.name.strip_prefix("AWS::")? {
        "AccountId" => ACCOUNT,
        "Partition" => "aws",
        "Region" => REGION,
        "StackName" => "izin",
        "URLSuffix" => "amazonaws.com",
        _ => return None,
    };
    Some(value.to_owned())
}

/// The name that the template gives to the bucket `id`, or one made of the id:
/// bucket names are lower case.
pub(super) fn bucket_name(id: &str, bucket: &Bucket) -> String {
    let named = bucket.name.as_ref();
    let named = named.and_then(|name| name.resolve(&pseudo_parameter).ok());
    named.unwrap_or_else(|| format!("izin-{}", id.to_lowercase()))
}
