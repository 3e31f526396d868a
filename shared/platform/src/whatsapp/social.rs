//! AWS End User Messaging Social: WhatsApp by way of Amazon, which takes the same
//! message inside a call of its own and signs with the role instead of a token.
//!
//! Amazon's SDK signs and reads; the bytes go through the same gate as those to
//! WhatsApp: on a connection that is open already, once, and never again by
//! themselves.

mod line;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_socialmessaging as sdk;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use policy::attempt::code_of_exception;
use policy::ids::MessageId;
use policy::phone::PhoneNumber;
use sdk::config::StalledStreamProtectionConfig;
use sdk::error::ProvideErrorMetadata;
use sdk::primitives::Blob;
use sdk::types::{LinkedWhatsAppBusinessAccount, RegistrationStatus, S3PresignedUrl};
use serde_json::Value;

use self::line::{Left, Line};
use super::client::{self, Answer, Endpoint, MediaFile, Refused, Sent, Uploaded};
use super::gate::Gate;
use super::wire::{Message, SendRequest};
use crate::config::{ConfigError, Env};
use crate::contacts::Claimed;
use crate::fault::Fault;

/// Where Amazon is asked, and where it tells what people answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// `IZIN_SOCIAL_TOPIC_ARN`: the topic that this service listens to.
    pub topic_arn: String,
    /// `IZIN_SOCIAL_URL`, by default the service's address in the region.
    pub url: Option<String>,
    /// `IZIN_SOCIAL_META_VERSION`: the version of WhatsApp's API in which
    /// messages are written, by default `v20.0`, as in Amazon's own examples.
    pub meta_version: String,
}

impl Config {
    /// Reads the settings; `None` where there is no topic, and so no ear for
    /// what people answer.
    pub fn from_env(env: &Env) -> Result<Option<Self>, ConfigError> {
        let Some(topic_arn) = env.optional("IZIN_SOCIAL_TOPIC_ARN") else {
            return Ok(None);
        };
        Ok(Some(Self {
            topic_arn,
            url: env.optional("IZIN_SOCIAL_URL"),
            meta_version: env.parsed_or("IZIN_SOCIAL_META_VERSION", "v20.0".to_owned())?,
        }))
    }
}

/// Speaks to AWS End User Messaging Social.
#[derive(Clone, Debug)]
pub struct Client {
    sdk: sdk::Client,
    http: reqwest::Client,
    url: String,
    topic_arn: String,
    meta_version: String,
    #[cfg(feature = "testing")]
    witness: Option<client::Witness>,
}

/// What Amazon says of a number and the account behind it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LinkedNumber {
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`; `None` if the account has no such
    /// number.
    pub quality: Option<String>,
    /// Whether the account is linked completely.
    pub is_complete: bool,
    /// Whether what people answer comes to the topic that this service listens
    /// to.
    pub is_heard: bool,
}

/// How long an upload's address is good.
pub const URL_LIFE: Duration = Duration::from_secs(300);

/// Templates of one page, the most there may be (AWS,
/// "ListWhatsAppMessageTemplates").
const PAGE: i32 = 100;

/// Pages of templates that are looked through: an account has up to 6,000 (Meta,
/// "Message templates").
const PAGES_MAX: usize = 60;

impl Client {
    /// Speaks to the service of `aws`'s region, with its role.
    pub fn new(aws: &SdkConfig, config: &Config) -> Result<Self, Fault> {
        Self::over(aws, config, |line| line)
    }

    /// The same, with `layers` between the SDK and the connections.
    pub fn over(
        aws: &SdkConfig,
        config: &Config,
        layers: impl FnOnce(SharedHttpClient) -> SharedHttpClient,
    ) -> Result<Self, Fault> {
        let region = aws.region().map_or("us-east-1", |region| region.as_ref());
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let usual = || format!("https://social-messaging.{region}.amazonaws.com{suffix}");
        let url = config.url.clone().unwrap_or_else(usual);
        let http = client::http_client()?;
        let settings = sdk::config::Builder::from(aws)
            .endpoint_url(&url)
            // A repeated call would be a second message.
            .retry_config(RetryConfig::disabled())
            // The line has time limits of its own.
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(layers(Line::client(http.clone())))
            .build();
        Ok(Self {
            sdk: sdk::Client::from_conf(settings),
            http,
            url: format!("{}/", url.trim_end_matches('/')),
            topic_arn: config.topic_arn.clone(),
            meta_version: config.meta_version.clone(),
            #[cfg(feature = "testing")]
            witness: None,
        })
    }

    /// Lets `witness` wait after every send request, before its answer is
    /// looked at.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn witnessed<F>(mut self, witness: F) -> Self
    where
        F: Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        self.witness = Some(client::Witness(std::sync::Arc::new(witness)));
        self
    }

    /// Makes the one request that `claimed` allows, from the number that Amazon
    /// calls `number` (AWS, "SendWhatsAppMessage").
    pub async fn send(
        &self,
        number: &str,
        claimed: Claimed,
        to: &PhoneNumber,
        message: &Message,
        callback: &str,
    ) -> Sent {
        let request = SendRequest::new(Endpoint::Messages(number), to, message, callback);
        let Ok(body) = serde_json::to_vec(&request) else {
            return Sent::Unmade(claimed);
        };
        let call = self
            .sdk
            .send_whats_app_message()
            .origination_phone_number_id(number)
            .message(Blob::new(body))
            .meta_api_version(&self.meta_version)
            .send();
        let (sent, left) = Left::watch(call).await;
        let answer = match sent {
            Ok(output) => accepted(output.message_id),
            Err(SdkError::ServiceError(error)) => {
                refused(error.err().code(), error.raw().status().as_u16())
            }
            Err(_) => match left {
                Left::Nothing => return Sent::Unmade(claimed),
                Left::NoConnection => return Sent::Unused(claimed),
                Left::Bytes => Answer::NoAnswer,
            },
        };
        // The claim ends here: whatever came of it, it allows no second request.
        drop(claimed);
        #[cfg(feature = "testing")]
        if let Some(client::Witness(witness)) = &self.witness {
            witness().await;
        }
        Sent::Answered(answer)
    }

    /// Sees to it that `connections` are open and free; `false` if any could not
    /// be opened. The calls are not signed, so they are nobody's.
    pub async fn warm(&self, connections: usize) -> bool {
        client::warm(&self.http, &self.url, connections).await
    }

    /// Has Amazon fetch a file for one number and hand it to WhatsApp (AWS,
    /// "PostWhatsAppMessageMedia"). Doing it again does no harm.
    pub async fn upload(&self, number: &str, file: MediaFile) -> Result<Uploaded, Fault> {
        const OPERATION: &str = "upload a file to WhatsApp by Amazon";
        let from = S3PresignedUrl::builder()
            .url(file.url)
            .headers("Content-Type", file.media_type)
            .build()
            .map_err(|error| Fault::lasting(OPERATION, error))?;
        let call = self
            .sdk
            .post_whats_app_message_media()
            .origination_phone_number_id(number)
            .source_s3_presigned_url(from)
            .send();
        match Gate::open(call).await {
            Ok(output) => output.media_id.map_or_else(
                || Err(Fault::passing(OPERATION, "the answer names no file")),
                |id| Ok(Uploaded::Kept { id }),
            ),
            Err(error) if is(&error, "InvalidParametersException") => Ok(Uploaded::Refused),
            Err(error) => Err(Fault::sdk(OPERATION)(error)),
        }
    }

    /// A template of the account that Amazon calls `account`, in Meta's own JSON;
    /// `None` if there is none. Its state is that of the listing, which is
    /// documented; its text that of the definition (AWS,
    /// "ListWhatsAppMessageTemplates", "GetWhatsAppMessageTemplate").
    pub async fn template(
        &self,
        account: &str,
        name: &str,
        language: &str,
    ) -> Result<Option<Value>, Fault> {
        const OPERATION: &str = "read a template from Amazon";
        let Some(listed) = self.listed(account, name, language).await? else {
            return Ok(None);
        };
        let call = self
            .sdk
            .get_whats_app_message_template()
            .id(account)
            .set_meta_template_id(listed.meta_template_id.clone())
            .send();
        let definition = match Gate::open(call).await {
            Ok(output) => output.template.unwrap_or_default(),
            Err(error) if is(&error, "ResourceNotFoundException") => return Ok(None),
            Err(error) => return Err(Fault::sdk(OPERATION)(error)),
        };
        let mut template: Value =
            serde_json::from_str(&definition).map_err(|error| Fault::lasting(OPERATION, error))?;
        let fields = template
            .as_object_mut()
            .ok_or_else(|| Fault::lasting(OPERATION, "the definition is no object"))?;
        let told = [
            ("id", listed.meta_template_id),
            ("name", listed.template_name),
            ("language", listed.template_language),
            ("status", listed.template_status),
            ("category", listed.template_category),
        ];
        for (field, value) in told {
            if let Some(value) = value {
                fields.insert(field.to_owned(), Value::from(value));
            }
        }
        Ok(Some(template))
    }

    async fn listed(
        &self,
        account: &str,
        name: &str,
        language: &str,
    ) -> Result<Option<sdk::types::TemplateSummary>, Fault> {
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let call = self
                .sdk
                .list_whats_app_message_templates()
                .id(account)
                .max_results(PAGE)
                .set_next_token(after)
                .send();
            let page = Gate::open(call).await;
            let page = page.map_err(Fault::sdk("list templates at Amazon"))?;
            let mut templates = page.templates.unwrap_or_default().into_iter();
            let found = templates.find(|template| {
                template.template_name.as_deref() == Some(name)
                    && template.template_language.as_deref() == Some(language)
            });
            after = page.next_token;
            if found.is_some() || after.is_none() {
                return Ok(found);
            }
        }
        Err(Fault::lasting(
            "list templates at Amazon",
            "there are more pages than an account can have templates",
        ))
    }

    /// What Amazon says of a number (AWS, "GetLinkedWhatsAppBusinessAccount"):
    /// nothing of its throughput, its limit or whether WhatsApp stopped it.
    pub async fn number(&self, account: &str, number: &str) -> Result<LinkedNumber, Fault> {
        const OPERATION: &str = "read an account from Amazon";
        let call = self
            .sdk
            .get_linked_whats_app_business_account()
            .id(account)
            .send();
        let output = Gate::open(call).await.map_err(Fault::sdk(OPERATION))?;
        let account = output.account;
        let account =
            account.ok_or_else(|| Fault::lasting(OPERATION, "the answer has no account"))?;
        Ok(describe(&account, number, &self.topic_arn))
    }
}

/// What an account says of one of its numbers, to who listens to `topic`.
fn describe(account: &LinkedWhatsAppBusinessAccount, number: &str, topic: &str) -> LinkedNumber {
    let mut numbers = account.phone_numbers.iter();
    let found = numbers.find(|found| found.phone_number_id == number);
    let is_complete = account.registration_status == RegistrationStatus::Complete;
    let mut destinations = account.event_destinations.iter();
    let is_ours = destinations.any(|destination| destination.event_destination_arn == topic);
    LinkedNumber {
        quality: found.map(|found| found.quality_rating.clone()),
        is_complete,
        // A number of another account would be heard there.
        is_heard: is_complete && is_ours && found.is_some(),
    }
}

fn accepted(message_id: Option<String>) -> Answer {
    match message_id {
        Some(wamid) if !wamid.is_empty() => Answer::Accepted {
            wamid: MessageId::new(wamid),
        },
        _ => Answer::NoAnswer,
    }
}

/// An exception, as the code of WhatsApp that means the same.
fn refused(exception: Option<&str>, http_status: u16) -> Answer {
    Answer::Refused(Refused {
        // Behind a 5xx the request may have reached WhatsApp, whatever it is called.
        code: exception
            .and_then(code_of_exception)
            .filter(|_| http_status < 500),
        http_status,
        is_transient: false,
    })
}

fn is<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, exception: &str) -> bool {
    matches!(error, SdkError::ServiceError(error) if error.err().code() == Some(exception))
}

#[cfg(test)]
mod tests;
