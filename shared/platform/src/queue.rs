//! Typed queues. Payloads are versioned and carry ids only.
//!
//! A new shape is a new variant, so that messages in flight still decode. No
//! payload has a field that could hold a number, a name or a text.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use jiff::Timestamp;
use policy::ids::{CampaignId, EndpointId, EventId, ImportId, MediaId, TenantId};
use policy::token::ContactToken;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::events::EventV1;
use crate::fault::Fault;

/// Work for `ingest`, besides the events of the bucket itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum ImportTask {
    /// Go on with an import from its checkpoint.
    ContinueV1 {
        /// Whose.
        tenant: TenantId,
        /// Which.
        import: ImportId,
    },
}

/// Work for `scan`, besides the events of the bucket itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum ScanTask {
    /// Check a file, or ask the scanners again.
    CheckV1 {
        /// Whose.
        tenant: TenantId,
        /// Which.
        media: MediaId,
    },
}

/// Work for `consent`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum ConsentTask {
    /// Look at a campaign's links again: what is known of them grows old.
    ReviewV1 {
        /// Whose.
        tenant: TenantId,
        /// Which.
        campaign: CampaignId,
    },
    /// Judge every person of the list, from the last page frozen.
    ValidateV1 {
        /// Whose.
        tenant: TenantId,
        /// Which.
        campaign: CampaignId,
    },
}

/// Work for `fanout`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum FanoutTask {
    /// Cut the frozen audience into blocks, from the last page planned.
    PlanV1 {
        /// Whose.
        tenant: TenantId,
        /// Which.
        campaign: CampaignId,
    },
}

/// Work for `send`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum SendTask {
    /// Send the blocks `from..to` that are due.
    RangeV1 {
        /// Whose.
        tenant: TenantId,
        /// Which.
        campaign: CampaignId,
        /// The first block.
        from: u32,
        /// One past the last block.
        to: u32,
    },
}

/// Work for `receipts`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum ReceiptTask {
    /// WhatsApp told that an account or a template is stopped.
    BreakV1 {
        /// Whose.
        tenant: TenantId,
        /// `account`, `number` or `template`.
        scope: String,
        /// Which one.
        id: String,
        /// The error code with which WhatsApp answers requests from now on.
        code: u32,
    },
    /// What the tenant is told of.
    EventsV1 {
        /// Whose.
        tenant: TenantId,
        /// Each event.
        events: Vec<EventV1>,
    },
    /// Identities that were seen beside a person's number.
    LinksV1 {
        /// Whose.
        tenant: TenantId,
        /// Each link.
        links: Vec<LinkV1>,
    },
    /// What WhatsApp told of numbers, limits and templates.
    NewsV1 {
        /// Whose.
        tenant: TenantId,
        /// Each.
        news: Vec<NewsV1>,
    },
    /// Somebody asked about their data.
    RequestV1 {
        /// Whose.
        tenant: TenantId,
        /// What.
        request: RequestV1,
    },
    /// Statuses of requests that this service made.
    StatusesV1 {
        /// Whose.
        tenant: TenantId,
        /// Each status.
        statuses: Vec<StatusV1>,
    },
    /// People whom an imported file reports as opted out.
    SuppressV1 {
        /// Whose.
        tenant: TenantId,
        /// Which import reported them.
        import: ImportId,
        /// Key of the object that holds their tokens, 16 bytes each.
        object: String,
    },
    /// An update that is none of the above, kept in an encrypted object.
    UpdateV1 {
        /// Whose.
        tenant: TenantId,
        /// The object's key.
        object: String,
        /// Whose words it holds, where it holds one person's and nothing else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        words: Option<WordsV1>,
    },
    /// People who wrote to one of the tenant's numbers.
    WroteV1 {
        /// Whose.
        tenant: TenantId,
        /// The business number that they wrote to, by WhatsApp's id of it.
        number: String,
        /// Each message.
        messages: Vec<WroteV1>,
    },
}

/// Whose words an object holds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WordsV1 {
    /// Who: the person, or keyed hash of an identity whose person is not known
    /// to whoever queued this.
    pub who: TokenText,
    /// Whether `who` is such an identity.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alias: bool,
    /// When the last of them was said, by Meta's clock.
    pub at: Timestamp,
}

/// That somebody wrote, and whether they get an answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WroteV1 {
    /// Who: the person, or keyed hash of an identity whose person is not known
    /// to whoever queued this.
    pub who: TokenText,
    /// Whether `who` is such an identity.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alias: bool,
    /// When, by Meta's clock.
    pub at: Timestamp,
    /// What they asked for, if there is an answer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<AsksV1>,
    /// The object that holds the message, where it is asked for something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
}

/// What somebody asked for that has an answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum AsksV1 {
    /// Help.
    Help {
        /// The event: the same message has the same however often it arrives.
        event: EventId,
    },
    /// To stop.
    Stop {
        /// What, by the codes of its scopes.
        scopes: Vec<String>,
    },
}

/// What somebody asked about their data.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RequestV1 {
    /// The event: the same request has the same however often it arrives.
    pub id: EventId,
    /// Who.
    pub who: TokenText,
    /// `copy` or `erasure`.
    pub right: String,
    /// `api`, `chat` or `page`.
    pub way: String,
    /// When.
    pub at: Timestamp,
}

/// Work for `notify`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum NotifyTask {
    /// Post an event to an endpoint.
    PostV1 {
        /// Whose.
        tenant: TenantId,
        /// To which.
        endpoint: EndpointId,
        /// Which event.
        event: EventId,
        /// When it was recorded.
        recorded_at: Timestamp,
    },
}

/// Something that WhatsApp told of a number, a limit or a template.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(tag = "about", deny_unknown_fields)]
pub enum NewsV1 {
    /// The quality or the throughput of a number changed: it is to be read again.
    Number {
        /// The WhatsApp Business Account that it belongs to.
        account: String,
    },
    /// A template changed in some way: it is to be read again.
    Template {
        /// Its name.
        name: String,
        /// Its language, where it is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
    },
    /// The portfolio may reach more or fewer people in a day.
    Tier {
        /// A WhatsApp Business Account of the portfolio.
        account: String,
        /// The tier as WhatsApp names it.
        tier: String,
        /// When it was told.
        told_at: Timestamp,
    },
}

/// One status: ids and codes only.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StatusV1 {
    /// Our callback data, as WhatsApp echoed it.
    pub callback: String,
    /// `sent`, `delivered`, `read`, `failed`.
    pub status: String,
    /// Meta's error code of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// When, by Meta's clock; of a failure that has a consequence in time only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Keyed hash of another identity of the person, where the status shows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<TokenText>,
}

/// An identity and the person whose it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LinkV1 {
    /// Keyed hash of the identity.
    pub alias: TokenText,
    /// The person.
    pub token: TokenText,
}

/// A token as its text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenText(pub ContactToken);

impl Serialize for TokenText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TokenText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A queue that takes one kind of task.
#[derive(Clone, Debug)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

/// Most messages of one call (SQS quota).
const BATCH_MAX: usize = 10;

/// Most bytes of one message and of one call (SQS quota, since August 2025).
const BYTES_MAX: usize = 1024 * 1024;

impl Queue {
    /// The queue at `url`.
    pub fn new(client: aws_sdk_sqs::Client, url: String) -> Self {
        Self { client, url }
    }

    /// Sends one task.
    pub async fn send<T: Serialize>(&self, task: &T) -> Result<(), Fault> {
        self.send_later(task, Duration::ZERO).await
    }

    /// Sends one task that stays hidden for `delay`, at most 15 minutes.
    pub async fn send_later<T: Serialize>(&self, task: &T, delay: Duration) -> Result<(), Fault> {
        let seconds = i32::try_from(delay.as_secs().min(900)).expect("at most 900");
        self.client
            .send_message()
            .queue_url(&self.url)
            .delay_seconds(seconds)
            .message_body(encode(task)?)
            .send()
            .await
            .map_err(Fault::sdk("send to a queue"))?;
        Ok(())
    }

    /// Sends many tasks, ten and at most a mebibyte in a call.
    ///
    /// On a fault some may have been sent; every task is safe to send twice.
    pub async fn send_all<T: Serialize>(&self, tasks: &[T]) -> Result<(), Fault> {
        let mut call = Vec::new();
        let mut bytes = 0;
        for task in tasks {
            let body = encode(task)?;
            if call.len() == BATCH_MAX || bytes + body.len() > BYTES_MAX {
                self.send_call(std::mem::take(&mut call)).await?;
                bytes = 0;
            }
            bytes += body.len();
            call.push(body);
        }
        if !call.is_empty() {
            self.send_call(call).await?;
        }
        Ok(())
    }

    async fn send_call(&self, bodies: Vec<String>) -> Result<(), Fault> {
        let entries = bodies.into_iter().enumerate().map(|(at, body)| {
            SendMessageBatchRequestEntry::builder()
                .id(at.to_string())
                .message_body(body)
                .build()
                .expect("id and body are set")
        });
        let answer = self
            .client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries.collect()))
            .send()
            .await
            .map_err(Fault::sdk("send to a queue"))?;
        match answer.failed.first() {
            None => Ok(()),
            Some(failed) => Err(Fault::passing("send to a queue", failed.code.clone())),
        }
    }
}

fn encode<T: Serialize>(task: &T) -> Result<String, Fault> {
    let body = serde_json::to_string(task).map_err(|e| Fault::lasting("encode a task", e))?;
    if body.len() > BYTES_MAX {
        return Err(Fault::lasting(
            "encode a task",
            "it is larger than a mebibyte",
        ));
    }
    Ok(body)
}
