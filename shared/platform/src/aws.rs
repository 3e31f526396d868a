//! The AWS clients of one process, built once at the cold start.

use aws_config::{BehaviorVersion, SdkConfig};

/// One client for each service that this service uses.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Objects.
    pub s3: aws_sdk_s3::Client,
    /// Secrets.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Queues.
    pub sqs: aws_sdk_sqs::Client,
    /// What they were built from, for a service that few functions use.
    pub config: SdkConfig,
}

impl Clients {
    /// Clients of the environment's region and role.
    pub async fn from_environment() -> Self {
        Self::new(&aws_config::load_defaults(BehaviorVersion::latest()).await)
    }

    /// Clients of a given configuration.
    pub fn new(config: &SdkConfig) -> Self {
        // Path-style addressing works for every bucket name and for one machine.
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(true)
            .build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            secrets: aws_sdk_secretsmanager::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            config: config.clone(),
        }
    }
}
