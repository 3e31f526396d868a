//! Messages that may be stops, for a person to read. The words stay where they
//! are kept; here stands who wrote, when, and what somebody decided.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use policy::ids::{EventId, TenantId};
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use super::events::EVENTS_KEPT;
use crate::fault::Fault;
use crate::keys::{self, CampaignKey};
use crate::table::{self, millis, moment, number, text};

/// Rows of one read.
const PAGE: i32 = 200;

/// A message that may be a stop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Review {
    /// The event that tells of the message.
    pub event: EventId,
    /// Who wrote it, where a number is known.
    pub contact: Option<ContactToken>,
    /// Keyed hash of another identity, where that is all that is known.
    pub identity: Option<ContactToken>,
    /// What it is: `text`, `audio`, `reaction`, …
    pub content: String,
    /// Whether it has words that can be asked for.
    pub has_text: bool,
    /// When it was said.
    pub at: Timestamp,
}

/// What somebody decided about a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Whether it is a stop.
    pub is_stop: bool,
    /// Who decided, by name.
    pub by: String,
}

/// A piece of what waits for somebody to read it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReviewsPage {
    /// Oldest first.
    pub reviews: Vec<Review>,
    /// Whether more wait.
    pub more: bool,
}

#[derive(Deserialize, Serialize)]
struct ReviewItem {
    v: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    content: String,
    has_text: bool,
    ttl: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is_stop: Option<bool>,
}

impl ReviewItem {
    fn decode(self, event: EventId, at: i64) -> Result<Review, Fault> {
        let token = |text: Option<String>| {
            let token = text.map(|text| text.parse()).transpose();
            token.map_err(|_| Fault::lasting("read a review", "it names nobody"))
        };
        Ok(Review {
            event,
            contact: token(self.contact)?,
            identity: token(self.identity)?,
            content: self.content,
            has_text: self.has_text,
            at: moment(at),
        })
    }
}

impl Campaigns {
    /// Notes that somebody should read a message; whether that is new.
    pub async fn open_review(&self, tenant: TenantId, review: &Review) -> Result<bool, Fault> {
        let kept = review.at.saturating_add(EVENTS_KEPT);
        let item = ReviewItem {
            v: 1,
            contact: review.contact.map(|token| token.to_string()),
            identity: review.identity.map(|token| token.to_string()),
            content: review.content.clone(),
            has_text: review.has_text,
            ttl: kept.unwrap_or(Timestamp::MAX).as_second(),
            decided_at: None,
            decided_by: None,
            is_stop: None,
        };
        let key = CampaignKey::Review(tenant, millis(review.at), review.event).key();
        self.table.put_new(table::encode(&key, &item)?).await
    }

    /// The message that `event` tells of and that was said at `at`, if it waits
    /// or waited for somebody to read it; and what they decided.
    pub async fn review(
        &self,
        tenant: TenantId,
        event: EventId,
        at: Timestamp,
    ) -> Result<Option<(Review, Option<Decision>)>, Fault> {
        let key = CampaignKey::Review(tenant, millis(at), event).key();
        let Some(item) = self.row::<ReviewItem>(&key).await? else {
            return Ok(None);
        };
        let decided = item.is_stop.zip(item.decided_by.clone());
        let decision = decided.map(|(is_stop, by)| Decision { is_stop, by });
        Ok(Some((item.decode(event, millis(at))?, decision)))
    }

    /// Notes what somebody decided about a message; `false` if it waits for
    /// nobody, or no longer.
    pub async fn decide_review(
        &self,
        tenant: TenantId,
        review: &Review,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let key = CampaignKey::Review(tenant, millis(review.at), review.event).key();
        self.table
            .update_if(
                key,
                "SET decided_at = :at, decided_by = :by, is_stop = :stop",
                "attribute_exists(pk) AND attribute_not_exists(decided_at)",
                [
                    (":at", number(millis(now))),
                    (":by", text(&decision.by)),
                    (":stop", AttributeValue::Bool(decision.is_stop)),
                ],
                "decide a review",
            )
            .await
    }

    /// At most `limit` messages that wait for somebody to read them, oldest
    /// first.
    pub async fn open_reviews(&self, tenant: TenantId, limit: usize) -> Result<ReviewsPage, Fault> {
        let pk = keys::reviews(tenant);
        let mut reviews = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let (items, more) = self
                .table
                .page(&pk, "", after.as_deref(), Some(PAGE), true)
                .await?;
            for item in items {
                let key = table::key_of(&item)?;
                let Some(CampaignKey::Review(_, at, event)) = CampaignKey::parse(&key) else {
                    return Err(Fault::lasting("read a review", "a key of another kind"));
                };
                after = Some(key.sk);
                let item: ReviewItem = table::decode(item)?;
                if item.decided_at.is_some() {
                    continue;
                }
                if reviews.len() == limit {
                    return Ok(ReviewsPage {
                        reviews,
                        more: true,
                    });
                }
                reviews.push(item.decode(event, at)?);
            }
            if !more {
                return Ok(ReviewsPage {
                    reviews,
                    more: false,
                });
            }
        }
    }
}
