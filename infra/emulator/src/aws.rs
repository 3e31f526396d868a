//! All services together, as a template describes them, on loopback ports.

mod endpoints;
mod names;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use jiff::SignedDuration;
use platform::clock::SharedClock;
use rand::distr::Alphanumeric;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::client::{dated, plain};
use crate::dynamodb::{DynamoDb, TableError};
use crate::invocations::Invocations;
use crate::s3::{S3, S3Error, Subscription};
use crate::secrets::Secrets;
use crate::sns::Sns;
use crate::sqs::{Redrive, Settings, Sqs, SqsError};
use crate::template::{Bucket, Event, Notification, Queue, Template};

pub use endpoints::Endpoints;

use names::bucket_name;

/// A running emulation. It stops, and forgets everything, when it is dropped.
pub struct Aws {
    /// The tables.
    pub dynamodb: DynamoDb,
    /// What functions are handed without anybody waiting.
    pub invocations: Invocations,
    /// The objects.
    pub s3: S3,
    /// The secrets.
    pub secrets: Secrets,
    /// The topics.
    pub sns: Sns,
    /// The queues.
    pub sqs: Sqs,
    clock: SharedClock,
    endpoints: Endpoints,
    sns_url: String,
    template: Template,
    _servers: JoinSet<()>,
}

/// Why the emulation could not start, or a function's environment not be made.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// No loopback port could be had.
    #[error("no loopback port")]
    Listen(#[from] io::Error),
    /// The object store did not open.
    #[error("object store")]
    Objects(#[from] S3Error),
    /// A queue is not as SQS takes it.
    #[error("queue {queue}")]
    Queue {
        /// Logical id.
        queue: String,
        /// What SQS says.
        #[source]
        source: SqsError,
    },
    /// A table is not as DynamoDB takes it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// There is no such function.
    #[error("template has no function {0}")]
    UnknownFunction(String),
    /// A policy has a condition that is not judged.
    #[error("role of function {function}: condition {condition} is not judged")]
    UnknownCondition {
        /// Logical id of the function.
        function: String,
        /// Operator and key.
        condition: String,
    },
    /// A value refers to something that is not emulated.
    #[error("function {function}, variable {variable}: {reference} is not emulated")]
    UnknownReference {
        /// Logical id of the function.
        function: String,
        /// Name of the environment variable.
        variable: String,
        /// What it refers to.
        reference: String,
    },
}

impl Aws {
    /// Starts what `template` describes, on ports of 127.0.0.1 that the system
    /// chooses. Must be called within a Tokio runtime.
    pub async fn start(template: &Template, clock: SharedClock) -> Result<Self, AwsError> {
        let dynamodb = DynamoDb::new(clock.clone())?;
        for (id, table) in &template.tables {
            dynamodb.create(id, table)?;
        }

        let sqs = Sqs::new(clock.clone());
        for (id, queue) in &template.queues {
            sqs.create(id, settings(queue))
                .map_err(|source| AwsError::Queue {
                    queue: id.clone(),
                    source,
                })?;
        }

        let s3 = S3::new(clock.clone(), sqs.clone(), subscriptions(template))?;
        for (id, bucket) in &template.buckets {
            s3.create(&bucket_name(id, bucket))?;
        }

        let secrets = Secrets::new(clock.clone());
        for (id, secret) in &template.secrets {
            if let Some(length) = secret.generated_length {
                secrets.put(id, generate(id, length));
            }
        }
        let invocations = Invocations::new(clock.clone());
        let sns = Sns::new(clock.clone(), invocations.clone(), hearers(template));
        let mut servers = JoinSet::new();
        let sns_url = {
            let (listener, url) = listen().await?;
            let service = sns.clone();
            servers.spawn(async move { service.serve(listener).await });
            url
        };
        let endpoints = Endpoints {
            dynamodb: {
                let (listener, url) = listen().await?;
                let service = dynamodb.clone();
                servers.spawn(async move { service.serve(listener).await });
                url
            },
            s3: {
                let (listener, url) = listen().await?;
                servers.spawn(s3.serve(listener));
                url
            },
            secrets: {
                let (listener, url) = listen().await?;
                let service = secrets.clone();
                servers.spawn(async move { service.serve(listener).await });
                url
            },
            sqs: {
                let (listener, url) = listen().await?;
                let service = sqs.clone();
                servers.spawn(async move { service.serve(listener).await });
                url
            },
        };
        Ok(Self {
            dynamodb,
            invocations,
            s3,
            secrets,
            sns,
            sqs,
            clock,
            endpoints,
            sns_url,
            template: template.clone(),
            _servers: servers,
        })
    }

    /// What an AWS SDK client needs to talk to this emulation: endpoints for
    /// each service, region and credentials.
    pub fn sdk_config(&self) -> SdkConfig {
        self.sdk_config_over(plain())
    }

    /// The same, through `client`.
    pub fn sdk_config_over(&self, client: SharedHttpClient) -> SdkConfig {
        self.endpoints
            .sdk_config_over(dated(self.clock.clone(), client))
    }

    /// Where the services listen.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Where the topics are published to.
    pub fn sns_url(&self) -> &str {
        &self.sns_url
    }

    /// The clock that everything goes by.
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// The template that is running.
    pub fn template(&self) -> &Template {
        &self.template
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Aws");
        debug
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

/// A value of `length` letters and digits for the secret `id`: always the same
/// one, so that a test that runs twice sees the same tokens. It protects
/// nothing but what this process forgets at its end.
fn generate(id: &str, length: u32) -> String {
    let seed = id
        .bytes()
        .fold(0, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
    let mut rng = SmallRng::seed_from_u64(seed);
    (0..length)
        .map(|_| char::from(rng.sample(Alphanumeric)))
        .collect()
}

async fn listen() -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

fn settings(queue: &Queue) -> Settings {
    let seconds = |seconds: u32| SignedDuration::from_secs(seconds.into());
    let redrive = queue.redrive.as_ref().and_then(|redrive| {
        Some(Redrive {
            target: redrive.target.resource()?.to_owned(),
            max_receives: redrive.max_receives,
        })
    });
    Settings {
        visibility: seconds(queue.visibility_s),
        delay: seconds(queue.delay_s),
        retention: seconds(queue.retention_s),
        redrive,
        ..Settings::default()
    }
}

/// Functions by the topic that they hear.
fn hearers(template: &Template) -> Vec<(String, String)> {
    let functions = template.functions.iter();
    let events = functions.flat_map(|(id, function)| {
        let events = function.events.values();
        events.map(move |event| (id, event))
    });
    let pair = |(id, event): (&String, &Event)| match event {
        Event::Sns { topic } => Some((topic.clone(), id.clone())),
        _ => None,
    };
    events.filter_map(pair).collect()
}

fn subscriptions(template: &Template) -> Vec<Subscription> {
    let buckets = template.buckets.iter();
    let notifications = buckets.flat_map(|(id, bucket)| {
        let notifications = bucket.notifications.iter();
        notifications.map(move |notification| (id, bucket, notification))
    });
    let subscription = |(id, bucket, notification): (&String, &Bucket, &Notification)| {
        Some(Subscription {
            bucket: bucket_name(id, bucket),
            queue: notification.queue.resource()?.to_owned(),
            event: notification.event.clone(),
            prefix: notification.prefix.clone(),
            suffix: notification.suffix.clone(),
        })
    };
    notifications.filter_map(subscription).collect()
}
