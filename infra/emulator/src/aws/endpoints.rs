//! Where the services listen, in the form in which the SDK looks for it.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::account::{ACCESS_KEY, REGION, SECRET_KEY};

/// How long the SDK waits at first before it asks again; its own second would
/// be spent waiting for nobody.
const BACKOFF: Duration = Duration::from_millis(1);

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

impl Endpoints {
    /// What a client needs to talk to these services through `client`, be it in
    /// this process or in another one.
    pub fn sdk_config_over(&self, client: SharedHttpClient) -> SdkConfig {
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "emulator");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .service_config(self.clone())
            .retry_config(RetryConfig::standard().with_initial_backoff(BACKOFF))
            .http_client(client)
            .build()
    }
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
