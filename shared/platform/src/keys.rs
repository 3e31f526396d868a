//! Every key shape of both tables: a constructor and a parser each.
//!
//! Keys start with the tenant, so that permissions follow the data, except the
//! global ones: API keys `A#`, due work `D#`, numbers heard by way of Amazon
//! `E#`, portfolio tiers `F#`, number directory `N#`, number rates `R#`, stops
//! said to numbers of nobody `W#`.

use std::fmt;

use policy::block::BLOCK_SHARDS;
use policy::ids::{CampaignId, EndpointId, EventId, ImportId, KeyId, ListId, MediaId, TenantId};
use policy::token::ContactToken;

/// Partition and sort key of one item.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    fn new(pk: impl fmt::Display, sk: impl fmt::Display) -> Self {
        Self {
            pk: pk.to_string(),
            sk: sk.to_string(),
        }
    }
}

/// How many partitions a list is spread over.
pub const LIST_SHARDS: u8 = 64;

/// How many partitions the directory of due work is spread over.
pub const DUE_SHARDS: u8 = 16;

/// How many partitions a tenant's events are spread over: 1,000 events a second
/// are then an eighth of what one partition takes.
pub const EVENT_SHARDS: u8 = 8;

/// Keys of ContactsTable.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ContactKey {
    /// Another identity of a person → token.
    Alias {
        /// Whose.
        tenant: TenantId,
        /// Keyed hash of the identity.
        alias: ContactToken,
    },
    /// Something a person did; append-only.
    Event {
        /// Whose.
        tenant: TenantId,
        /// Who.
        token: ContactToken,
        /// When, in milliseconds since 1970.
        at: i64,
        /// Which; the same event has the same id however often it arrives.
        id: EventId,
    },
    /// A person across all lists.
    Person {
        /// Whose.
        tenant: TenantId,
        /// Who.
        token: ContactToken,
    },
    /// A person's place on one list.
    Subscription {
        /// Whose.
        tenant: TenantId,
        /// Which list.
        list: ListId,
        /// Who.
        token: ContactToken,
    },
}

/// The partition of one shard of a list.
pub fn list_shard(tenant: TenantId, list: ListId, shard: u8) -> String {
    format!("T#{tenant}#L#{list}#{shard:02x}")
}

/// The partition of what stops a tenant's messages.
pub fn breakers(tenant: TenantId) -> String {
    format!("T#{tenant}#X")
}

/// The partition of what a tenant's people asked about their data.
pub fn requests(tenant: TenantId) -> String {
    format!("T#{tenant}#R")
}

/// The partition of where a person's words are kept.
pub fn words_of(tenant: TenantId, token: ContactToken) -> String {
    format!("T#{tenant}#H#{token}")
}

/// The partition of messages that may be stops.
pub fn reviews(tenant: TenantId) -> String {
    format!("T#{tenant}#J")
}

/// The partition of one shard of a campaign's blocks.
pub fn block_shard(tenant: TenantId, campaign: CampaignId, shard: u32) -> String {
    format!("T#{tenant}#K#{campaign}#{shard:x}")
}

/// The partition of a tenant's addresses for events.
pub fn endpoints(tenant: TenantId) -> String {
    format!("T#{tenant}#W")
}

/// The partition of one shard of a tenant's events.
pub fn event_shard(tenant: TenantId, shard: u8) -> String {
    format!("T#{tenant}#V#{shard:x}")
}

/// The sort key of an event in its shard: when it was recorded, in milliseconds
/// since 1970, then its id.
pub fn event_place(recorded_at: i64, id: EventId) -> String {
    format!("{recorded_at:015}#{id}")
}

/// The partition of the stops that wait for a number's owner.
pub fn waiting_stops(number: &str) -> String {
    format!("W#{number}")
}

/// The partition of one shard of the directory of due work.
pub fn due_shard(shard: u8) -> String {
    format!("D#{shard:x}")
}

impl ContactKey {
    /// The key as the table has it.
    pub fn key(&self) -> Key {
        match self {
            Self::Alias { tenant, alias } => {
                Key::new(format_args!("T#{tenant}#A#{alias}"), "ALIAS")
            }
            Self::Event {
                tenant,
                token,
                at,
                id,
            } => Key::new(
                format_args!("T#{tenant}#P#{token}"),
                format_args!("E#{at:015}#{id}"),
            ),
            Self::Person { tenant, token } => {
                Key::new(format_args!("T#{tenant}#P#{token}"), "PERSON")
            }
            Self::Subscription {
                tenant,
                list,
                token,
            } => Key::new(list_shard(*tenant, *list, token.shard()), token),
        }
    }

    /// The shape that a key of the table has; `None` if it has none of ours.
    pub fn parse(key: &Key) -> Option<Self> {
        let pk: Vec<&str> = key.pk.split('#').collect();
        let sk: Vec<&str> = key.sk.split('#').collect();
        let parsed = match (pk.as_slice(), sk.as_slice()) {
            (["T", tenant, "A", alias], ["ALIAS"]) => Self::Alias {
                tenant: tenant.parse().ok()?,
                alias: alias.parse().ok()?,
            },
            (["T", tenant, "P", token], ["E", at, id]) => Self::Event {
                tenant: tenant.parse().ok()?,
                token: token.parse().ok()?,
                at: at.parse().ok()?,
                id: id.parse().ok()?,
            },
            (["T", tenant, "P", token], ["PERSON"]) => Self::Person {
                tenant: tenant.parse().ok()?,
                token: token.parse().ok()?,
            },
            (["T", tenant, "L", list, _], [token]) => Self::Subscription {
                tenant: tenant.parse().ok()?,
                list: list.parse().ok()?,
                token: token.parse().ok()?,
            },
            _ => return None,
        };
        (parsed.key() == *key).then_some(parsed)
    }
}

/// Keys of CampaignsTable.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum CampaignKey {
    /// Business account → tenant.
    Account(String),
    /// An API key, by its public half.
    ApiKey(KeyId),
    /// Who wrote a campaign.
    Author(TenantId, CampaignId),
    /// A block of a campaign.
    Block(TenantId, CampaignId, u32),
    /// What stops a tenant's messages: scope, and which account, number or
    /// template.
    Breaker(TenantId, String, String),
    /// A campaign's money.
    Budget(TenantId, CampaignId),
    /// Where a tenant wants events posted.
    Endpoint(TenantId, EndpointId),
    /// An event of a tenant: when it was recorded, in milliseconds since 1970,
    /// and which.
    Event(TenantId, i64, EventId),
    /// That an event is recorded, and where.
    EventMark(TenantId, EventId),
    /// What a named person did about a message in doubt, by block and index.
    Finding(TenantId, CampaignId, u32, u8),
    /// A campaign's lifecycle and frozen content.
    Meta(TenantId, CampaignId),
    /// A campaign that the timer must look at.
    DueCampaign(TenantId, CampaignId),
    /// An import that the timer must look at.
    DueImport(TenantId, ImportId),
    /// A file that the timer must look at.
    DueMedia(TenantId, MediaId),
    /// The answer that an idempotency key already got.
    Idempotency(TenantId, String),
    /// An import's life.
    Import(TenantId, ImportId),
    /// A list of a tenant.
    List(TenantId, ListId),
    /// A campaign in its tenant's index.
    CampaignIndex(TenantId, CampaignId),
    /// A file that messages show.
    Media(TenantId, MediaId),
    /// What WhatsApp calls a file, for one number.
    MediaUpload(TenantId, MediaId, String),
    /// Number → tenant, portfolio, secrets.
    Number(String),
    /// What WhatsApp says of a tenant's number.
    NumberHealth(TenantId, String),
    /// One part of the outcomes of one block and attempt.
    Outcomes(TenantId, CampaignId, u32, u16, u16),
    /// That a number was heard by way of Amazon.
    Ear(String),
    /// One page of a frozen audience.
    Page(TenantId, CampaignId, u32),
    /// What was found in a campaign's message.
    Preflight(TenantId, CampaignId),
    /// The slot clock of a number.
    Rate(String),
    /// What a person asked about their data.
    Request(TenantId, EventId),
    /// A message that may be a stop: when it was said, in milliseconds since
    /// 1970, and the event that tells of it.
    Review(TenantId, i64, EventId),
    /// The status sets of one block and attempt.
    Statuses(TenantId, CampaignId, u32, u16),
    /// A template as WhatsApp last described it, by name and language.
    Template(TenantId, String, String),
    /// A tenant and its settings.
    Tenant(TenantId),
    /// The rolling 24 h buckets of a portfolio.
    Tier(String),
    /// Where words of a person are kept: a digest of the object's key.
    Words(TenantId, ContactToken, EventId),
    /// Stops that people said to a number before anybody owned it: which
    /// number, and which delivery.
    WaitingStops(String, String),
}

impl CampaignKey {
    /// How the sort keys of one block's outcomes begin: of all its attempts, or
    /// of one.
    pub fn outcomes_prefix(block: u32, attempt: Option<u16>) -> String {
        match attempt {
            None => format!("O#{block:08}#"),
            Some(attempt) => format!("O#{block:08}#{attempt:05}#"),
        }
    }

    /// The key as the table has it.
    pub fn key(&self) -> Key {
        match self {
            Self::Account(account) => Key::new(format_args!("N#{account}"), "ACCOUNT"),
            Self::ApiKey(id) => Key::new(format_args!("A#{id}"), "KEY"),
            Self::Author(tenant, campaign) => {
                Key::new(format_args!("T#{tenant}#K#{campaign}"), "AUTHOR")
            }
            Self::Preflight(tenant, campaign) => {
                Key::new(format_args!("T#{tenant}#K#{campaign}"), "PREFLIGHT")
            }
            Self::Block(tenant, campaign, block) => Key::new(
                block_shard(*tenant, *campaign, block % BLOCK_SHARDS),
                format_args!("B#{block:08}"),
            ),
            Self::Breaker(tenant, scope, id) => {
                Key::new(breakers(*tenant), format_args!("{scope}#{id}"))
            }
            Self::Budget(tenant, campaign) => {
                Key::new(format_args!("T#{tenant}#K#{campaign}"), "BUDGET")
            }
            Self::Endpoint(tenant, id) => Key::new(endpoints(*tenant), id),
            Self::Event(tenant, recorded_at, id) => Key::new(
                event_shard(*tenant, id.uuid().as_bytes()[15] % EVENT_SHARDS),
                event_place(*recorded_at, *id),
            ),
            Self::EventMark(tenant, id) => Key::new(format_args!("T#{tenant}#V#{id}"), "EVENT"),
            Self::Finding(tenant, campaign, block, index) => Key::new(
                format_args!("T#{tenant}#K#{campaign}"),
                format_args!("FINDING#{block:08}#{index:03}"),
            ),
            Self::Meta(tenant, campaign) => {
                Key::new(format_args!("T#{tenant}#K#{campaign}"), "META")
            }
            Self::DueCampaign(tenant, campaign) => Key::new(
                due_shard(shard_of(campaign.uuid())),
                format_args!("T#{tenant}#K#{campaign}"),
            ),
            Self::DueImport(tenant, import) => Key::new(
                due_shard(shard_of(import.uuid())),
                format_args!("T#{tenant}#I#{import}"),
            ),
            Self::DueMedia(tenant, media) => Key::new(
                due_shard(shard_of(media.uuid())),
                format_args!("T#{tenant}#F#{media}"),
            ),
            Self::Media(tenant, media) => Key::new(format_args!("T#{tenant}#F#{media}"), "MEDIA"),
            Self::MediaUpload(tenant, media, number) => Key::new(
                format_args!("T#{tenant}#U#{media}"),
                format_args!("N#{number}"),
            ),
            Self::Idempotency(tenant, key) => {
                Key::new(format_args!("T#{tenant}#Q#{key}"), "ANSWER")
            }
            Self::Import(tenant, import) => {
                Key::new(format_args!("T#{tenant}#I#{import}"), "IMPORT")
            }
            Self::List(tenant, list) => {
                Key::new(format_args!("T#{tenant}"), format_args!("L#{list}"))
            }
            Self::CampaignIndex(tenant, campaign) => {
                Key::new(format_args!("T#{tenant}"), format_args!("K#{campaign}"))
            }
            Self::Number(number) => Key::new(format_args!("N#{number}"), "NUMBER"),
            Self::NumberHealth(tenant, number) => {
                Key::new(format_args!("T#{tenant}"), format_args!("N#{number}"))
            }
            Self::Outcomes(tenant, campaign, block, attempt, part) => Key::new(
                block_shard(*tenant, *campaign, block % BLOCK_SHARDS),
                format_args!("O#{block:08}#{attempt:05}#{part:05}"),
            ),
            Self::Page(tenant, campaign, page) => Key::new(
                format_args!("T#{tenant}#K#{campaign}"),
                format_args!("PLAN#{page:06}"),
            ),
            Self::Request(tenant, id) => Key::new(requests(*tenant), id),
            Self::Ear(number) => Key::new(format_args!("E#{number}"), "HEARD"),
            Self::Review(tenant, at, id) => Key::new(reviews(*tenant), event_place(*at, *id)),
            Self::Rate(number) => Key::new(format_args!("R#{number}"), "RATE"),
            Self::Statuses(tenant, campaign, block, attempt) => Key::new(
                block_shard(*tenant, *campaign, block % BLOCK_SHARDS),
                format_args!("S#{block:08}#{attempt:05}"),
            ),
            Self::Template(tenant, name, language) => Key::new(
                format_args!("T#{tenant}"),
                format_args!("M#{name}#{language}"),
            ),
            Self::Tenant(tenant) => Key::new(format_args!("T#{tenant}"), "TENANT"),
            Self::Tier(portfolio) => Key::new(format_args!("F#{portfolio}"), "TIER"),
            Self::Words(tenant, token, id) => Key::new(words_of(*tenant, *token), id),
            Self::WaitingStops(number, delivery) => {
                Key::new(waiting_stops(number), format_args!("B#{delivery}"))
            }
        }
    }

    /// The shape that a key of the table has; `None` if it has none of ours.
    pub fn parse(key: &Key) -> Option<Self> {
        let pk: Vec<&str> = key.pk.split('#').collect();
        let sk: Vec<&str> = key.sk.split('#').collect();
        let parsed = match (pk.as_slice(), sk.as_slice()) {
            (["A", id], ["KEY"]) => Self::ApiKey(id.parse().ok()?),
            (["D", _], ["T", tenant, "K", campaign]) => {
                Self::DueCampaign(tenant.parse().ok()?, campaign.parse().ok()?)
            }
            (["D", _], ["T", tenant, "I", import]) => {
                Self::DueImport(tenant.parse().ok()?, import.parse().ok()?)
            }
            (["D", _], ["T", tenant, "F", media]) => {
                Self::DueMedia(tenant.parse().ok()?, media.parse().ok()?)
            }
            (["T", tenant, "F", media], ["MEDIA"]) => {
                Self::Media(tenant.parse().ok()?, media.parse().ok()?)
            }
            (["T", tenant, "U", media], ["N", number]) => Self::MediaUpload(
                tenant.parse().ok()?,
                media.parse().ok()?,
                (*number).to_owned(),
            ),
            (["F", portfolio], ["TIER"]) => Self::Tier((*portfolio).to_owned()),
            (["N", account], ["ACCOUNT"]) => Self::Account((*account).to_owned()),
            (["N", number], ["NUMBER"]) => Self::Number((*number).to_owned()),
            (["E", number], ["HEARD"]) => Self::Ear((*number).to_owned()),
            (["R", number], ["RATE"]) => Self::Rate((*number).to_owned()),
            (["W", number], ["B", delivery]) => {
                Self::WaitingStops((*number).to_owned(), (*delivery).to_owned())
            }
            (["T", tenant], ["TENANT"]) => Self::Tenant(tenant.parse().ok()?),
            (["T", tenant], ["N", number]) => {
                Self::NumberHealth(tenant.parse().ok()?, (*number).to_owned())
            }
            (["T", tenant], ["L", list]) => Self::List(tenant.parse().ok()?, list.parse().ok()?),
            (["T", tenant], ["M", name, language]) => Self::Template(
                tenant.parse().ok()?,
                (*name).to_owned(),
                (*language).to_owned(),
            ),
            (["T", tenant], ["K", campaign]) => {
                Self::CampaignIndex(tenant.parse().ok()?, campaign.parse().ok()?)
            }
            (["T", tenant, "R"], [id]) => Self::Request(tenant.parse().ok()?, id.parse().ok()?),
            (["T", tenant, "H", token], [id]) => {
                Self::Words(tenant.parse().ok()?, token.parse().ok()?, id.parse().ok()?)
            }
            (["T", tenant, "J"], [at, id]) => {
                Self::Review(tenant.parse().ok()?, at.parse().ok()?, id.parse().ok()?)
            }
            (["T", tenant, "X"], [scope, id]) => {
                Self::Breaker(tenant.parse().ok()?, (*scope).to_owned(), (*id).to_owned())
            }
            (["T", tenant, "W"], [id]) => Self::Endpoint(tenant.parse().ok()?, id.parse().ok()?),
            (["T", tenant, "V", id], ["EVENT"]) => {
                Self::EventMark(tenant.parse().ok()?, id.parse().ok()?)
            }
            (["T", tenant, "V", _], [recorded_at, id]) => Self::Event(
                tenant.parse().ok()?,
                recorded_at.parse().ok()?,
                id.parse().ok()?,
            ),
            (["T", tenant, "I", import], ["IMPORT"]) => {
                Self::Import(tenant.parse().ok()?, import.parse().ok()?)
            }
            (["T", tenant, "Q", key], ["ANSWER"]) => {
                Self::Idempotency(tenant.parse().ok()?, (*key).to_owned())
            }
            (["T", tenant, "K", campaign], sk) => {
                let (tenant, campaign) = (tenant.parse().ok()?, campaign.parse().ok()?);
                match sk {
                    ["AUTHOR"] => Self::Author(tenant, campaign),
                    ["META"] => Self::Meta(tenant, campaign),
                    ["PREFLIGHT"] => Self::Preflight(tenant, campaign),
                    ["BUDGET"] => Self::Budget(tenant, campaign),
                    ["FINDING", block, index] => {
                        Self::Finding(tenant, campaign, block.parse().ok()?, index.parse().ok()?)
                    }
                    ["PLAN", page] => Self::Page(tenant, campaign, page.parse().ok()?),
                    _ => return None,
                }
            }
            (["T", tenant, "K", campaign, _], [kind, rest @ ..]) => {
                let (tenant, campaign) = (tenant.parse().ok()?, campaign.parse().ok()?);
                match (*kind, rest) {
                    ("B", [block]) => Self::Block(tenant, campaign, block.parse().ok()?),
                    ("O", [block, attempt, part]) => Self::Outcomes(
                        tenant,
                        campaign,
                        block.parse().ok()?,
                        attempt.parse().ok()?,
                        part.parse().ok()?,
                    ),
                    ("S", [block, attempt]) => {
                        Self::Statuses(tenant, campaign, block.parse().ok()?, attempt.parse().ok()?)
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        (parsed.key() == *key).then_some(parsed)
    }
}

/// Spreads due work over its partitions by the id's random end.
fn shard_of(id: uuid::Uuid) -> u8 {
    id.as_bytes()[15] % DUE_SHARDS
}

#[cfg(test)]
mod tests;
