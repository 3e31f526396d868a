//! Where the services listen, in the form in which the SDK looks for it.

use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// Where the services listen.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// DynamoDB.
    pub dynamodb: String,
    /// S3.
    pub s3: String,
    /// Secrets Manager.
    pub secrets: String,
    /// SQS.
    pub sqs: String,
}

/// `AWS_ENDPOINT_URL_<SERVICE>`, without an environment.
impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        match (key.env(), key.service_id()) {
            ("AWS_ENDPOINT_URL", "DynamoDB") => Some(self.dynamodb.clone()),
            ("AWS_ENDPOINT_URL", "S3") => Some(self.s3.clone()),
            ("AWS_ENDPOINT_URL", "SQS") => Some(self.sqs.clone()),
            ("AWS_ENDPOINT_URL", "Secrets Manager") => Some(self.secrets.clone()),
            _ => None,
        }
    }
}
