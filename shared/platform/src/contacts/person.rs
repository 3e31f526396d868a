//! PERSON: the item where a stop and a send meet, and only one of them wins.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use jiff::Timestamp;
use policy::block::Callback;
use policy::ids::{EventId, TenantId};
use policy::limits::{Counted, TierBuckets};
use policy::person::{Claim, Person, ServiceWindow, SuppressionSource};
use policy::purpose::Scope;
use policy::send::Permit;
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::items::{ClaimItem, SuppressionItem};
use super::moved::MOVED;
use super::{Contacts, ResumeEvent, alias, items};
use crate::fault::Fault;
use crate::keys::ContactKey;
use crate::table::{self, millis, number};

/// A permit whose claim stands in the person's item: what the WhatsApp client
/// takes by value. Only [`Contacts::claim`] and [`Claimed::renew`] make one.
#[derive(Debug)]
#[must_use]
pub struct Claimed {
    permit: Permit,
    version: u64,
}

impl Claimed {
    /// The permit inside.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The person's version since the claim.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A claim that missed its slot, decided anew: the new permit must have
    /// seen the person at the version that our claim made, so nothing was
    /// written in between.
    pub fn renew(self, permit: Permit) -> Result<Self, Permit> {
        let same = permit.person_version() == self.version
            && permit.token() == self.permit.token()
            && permit.work() == self.permit.work();
        if same {
            Ok(Self {
                permit,
                version: self.version,
            })
        } else {
            Err(permit)
        }
    }
}

/// What a claim says of the portfolio's day.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counting {
    /// Where this message's place is; `None` if none was reserved.
    pub counted: Option<Counted>,
    /// Earlier messages to the person whose places end with this claim: their
    /// claims stay and are counted nowhere, so that nobody else can end the same
    /// places.
    pub takes_over: Vec<Callback>,
}

/// The answer to a claim.
#[derive(Debug)]
pub enum ClaimAnswer {
    /// Ours: one request may be made.
    Claimed(Claimed),
    /// The person changed since the decision: here they are now; decide again.
    Lost(Person),
}

/// A stop as it arrived.
#[derive(Clone, Debug)]
pub struct StopEvent {
    /// Which event; the same arrival has the same id however often it comes.
    pub id: EventId,
    /// What it covers.
    pub scope: Scope,
    /// When the person said so, by the reporter's clock.
    pub at: Timestamp,
    /// How they said it.
    pub source: SuppressionSource,
}

/// The history entry of a stop or a resume: no text, no number.
#[derive(Deserialize, Serialize)]
pub(super) struct HistoryItem {
    v: u8,
    kind: String,
    pub(super) scope: String,
    pub(super) source: String,
    pub(super) at: i64,
    recorded_at: i64,
    version: u64,
}

impl HistoryItem {
    fn stop(stop: &StopEvent, version: u64, now: Timestamp) -> Self {
        Self {
            v: 1,
            kind: "stop".to_owned(),
            scope: stop.scope.code().to_owned(),
            source: stop.source.code().to_owned(),
            at: millis(stop.at),
            recorded_at: millis(now),
            version,
        }
    }

    pub(super) fn resume(resume: &ResumeEvent, version: u64, now: Timestamp) -> Self {
        Self {
            v: 1,
            kind: RESUME.to_owned(),
            scope: resume.scope.code().to_owned(),
            source: resume.source.code().to_owned(),
            at: millis(resume.at),
            recorded_at: millis(now),
            version,
        }
    }

    pub(super) fn is_resume(&self) -> bool {
        self.kind == RESUME
    }
}

const RESUME: &str = "resume";

/// What became of a conditional transaction.
pub(super) enum Written {
    /// Nothing: this very event is committed already.
    Before,
    /// Nothing: the person has changed meanwhile.
    Changed,
    /// All of it.
    Now,
}

/// A stop as the person's history has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedStop {
    /// What it covers.
    pub scope: Scope,
    /// When the person said so, by the reporter's clock.
    pub at: Timestamp,
    /// When we got to know, by our clock.
    pub recorded_at: Timestamp,
    /// The person's version that it made: every claim below it came before, and
    /// none in its scope can come after.
    pub version: u64,
}

impl Contacts {
    /// Many persons, read strongly; strangers are absent.
    pub async fn persons(
        &self,
        tenant: TenantId,
        tokens: &[ContactToken],
    ) -> Result<HashMap<ContactToken, Person>, Fault> {
        let keys: Vec<_> = tokens
            .iter()
            .map(|token| {
                ContactKey::Person {
                    tenant,
                    token: *token,
                }
                .key()
            })
            .collect();
        let items = self.table.get_all(&keys, true).await?;
        items.into_iter().map(items::person).collect()
    }

    /// One person, read strongly; a stranger is version 0.
    pub async fn person(&self, tenant: TenantId, token: ContactToken) -> Result<Person, Fault> {
        let key = ContactKey::Person { tenant, token }.key();
        match self.table.get(&key).await? {
            Some(item) => Ok(items::person(item)?.1),
            None => Ok(Person::default()),
        }
    }

    /// Claims the right to one request: one conditional write, which succeeds
    /// only at the person's version that the decision saw.
    ///
    /// `person` is what the decision saw; a committed stop has raised the
    /// version, so a send can never win against it. A repetition of the same
    /// claim (a retry of the SDK) is recognised as our own. What `counting` takes
    /// over is taken over by the same write.
    pub async fn claim(
        &self,
        tenant: TenantId,
        permit: Permit,
        person: &Person,
        counting: Counting,
        now: Timestamp,
    ) -> Result<ClaimAnswer, Fault> {
        let work = permit.work();
        let claim = Claim {
            campaign: permit.campaign(),
            block: work.place.block,
            index: work.place.index,
            attempt: work.attempt,
            owner: work.owner,
            at: now,
            purpose: permit.purpose().clone(),
            is_marketing: permit.is_marketing(),
            counted: counting.counted,
        };
        let kept = person.claims_kept(now).map(|kept| {
            // Where it was counted matters for a day, and is paid for by size.
            let counts = kept.counted.as_ref().is_some_and(|counted| {
                let message = kept.message();
                TierBuckets::is_within_reach(counted.bucket, TierBuckets::bucket(now))
                    && message != claim.message()
                    && !counting.takes_over.contains(&message)
            });
            if counts {
                ClaimItem::from(kept)
            } else {
                ClaimItem::from(&Claim {
                    counted: None,
                    ..kept.clone()
                })
            }
        });
        let mut claims: Vec<ClaimItem> = kept.collect();
        claims.push(ClaimItem::from(&claim));
        let claims = serde_dynamo::to_attribute_value(claims)
            .map_err(|error| Fault::lasting("encode a claim", error))?;

        let seen = permit.person_version();
        let key = ContactKey::Person {
            tenant,
            token: permit.token(),
        }
        .key();
        let condition = if seen == 0 {
            "attribute_not_exists(pk)"
        } else {
            "version = :seen"
        };
        let mut update = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", table::text(key.pk))
            .key("sk", table::text(key.sk))
            .update_expression("SET v = :v, version = :next, claims = :claims")
            .condition_expression(condition)
            .expression_attribute_values(":v", number(1))
            .expression_attribute_values(":next", number(seen + 1))
            .expression_attribute_values(":claims", claims)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if seen > 0 {
            update = update.expression_attribute_values(":seen", number(seen));
        }
        let Err(error) = update.send().await else {
            return Ok(ClaimAnswer::Claimed(Claimed {
                permit,
                version: seen + 1,
            }));
        };
        let old = match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                failed.item().cloned()
            }
            _ => return Err(Fault::sdk("claim a person")(error)),
        };
        let person = match old {
            Some(item) => items::person(item)?.1,
            None => Person::default(),
        };
        if person.version == seen + 1 && person.claims.last() == Some(&claim_as_stored(&claim)) {
            return Ok(ClaimAnswer::Claimed(Claimed {
                permit,
                version: person.version,
            }));
        }
        Ok(ClaimAnswer::Lost(person))
    }

    /// Commits a stop: the event and the suppression in one transaction, which
    /// raises the person's version, so that no send that decided before it can
    /// claim after it. A repetition of the same event changes nothing.
    pub async fn stop(
        &self,
        tenant: TenantId,
        token: ContactToken,
        stop: &StopEvent,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut chain = Chain::from(token);
        while let Some(token) = chain.next() {
            chain.add(self.stop_one(tenant, token, stop, now).await?);
        }
        Ok(())
    }

    /// Commits a stop to one name of a person; the names that came after it.
    async fn stop_one(
        &self,
        tenant: TenantId,
        token: ContactToken,
        stop: &StopEvent,
        now: Timestamp,
    ) -> Result<BTreeSet<ContactToken>, Fault> {
        let key = ContactKey::Person { tenant, token }.key();
        loop {
            let (person, moved) = match self.table.get(&key).await? {
                Some(item) => {
                    let moved = alias::set(&item, MOVED)?;
                    (items::person(item)?.1, moved)
                }
                None => (Person::default(), BTreeSet::new()),
            };
            match self.try_stop(tenant, token, stop, &person, now).await? {
                Written::Before | Written::Now => return Ok(moved),
                Written::Changed => (),
            }
        }
    }

    /// Notes that WhatsApp declined advertising for a person (131049) at `at`.
    /// It narrows what may be sent, so it raises the version: a claim that was
    /// decided before does not succeed after it. An earlier note than the one
    /// that stands changes nothing.
    pub async fn note_declined(
        &self,
        tenant: TenantId,
        token: ContactToken,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let change = "SET v = :v, declined_at = :at ADD version :one";
        let condition = "attribute_not_exists(declined_at) OR declined_at < :at";
        let values = [(":at", millis(at)), (":one", 1), (":v", 1)];
        self.note(tenant, token, change, condition, values).await
    }

    /// Notes that a person wrote to one of our numbers: until `window` ends a
    /// free text from it gets through. It only widens, so the version stays. Of
    /// two numbers the one written to last counts; of the other, free texts are
    /// then withheld that WhatsApp might still take.
    pub async fn note_service_window(
        &self,
        tenant: TenantId,
        token: ContactToken,
        window: &ServiceWindow,
    ) -> Result<(), Fault> {
        let change = "SET v = :v, version = if_not_exists(version, :v), window_ends = :ends, \
                      window_of = :of";
        let condition = "attribute_not_exists(window_ends) OR window_ends < :ends";
        let key = ContactKey::Person { tenant, token }.key();
        let values = [
            (":ends", number(millis(window.ends))),
            (":of", table::text(&window.sender)),
            (":v", number(1)),
        ];
        let operation = "note something of a person";
        self.table
            .update_if(key, change, condition, values, operation)
            .await?;
        Ok(())
    }

    /// One conditional change of a person; a failed condition is no fault.
    async fn note<const N: usize>(
        &self,
        tenant: TenantId,
        token: ContactToken,
        change: &str,
        condition: &str,
        values: [(&str, i64); N],
    ) -> Result<(), Fault> {
        let key = ContactKey::Person { tenant, token }.key();
        let values = values.map(|(name, value)| (name, number(value)));
        let operation = "note something of a person";
        self.table
            .update_if(key, change, condition, values, operation)
            .await?;
        Ok(())
    }

    /// A person's history, oldest first.
    pub(super) async fn history(
        &self,
        tenant: TenantId,
        token: ContactToken,
    ) -> Result<Vec<(EventId, HistoryItem)>, Fault> {
        let pk = ContactKey::Person { tenant, token }.key().pk;
        let items = self.table.partition(&pk, "E#", true).await?;
        let entries = items.into_iter().map(|item| {
            let Some(ContactKey::Event { id, .. }) = ContactKey::parse(&table::key_of(&item)?)
            else {
                let what = "the key is not an event's";
                return Err(Fault::lasting("read a person's history", what));
            };
            Ok((id, table::decode(item)?))
        });
        entries.collect()
    }

    /// The stops of a person's history, oldest first.
    pub async fn stops(
        &self,
        tenant: TenantId,
        token: ContactToken,
    ) -> Result<Vec<RecordedStop>, Fault> {
        let history = self.history(tenant, token).await?;
        let stops = history.into_iter().filter(|(_, item)| !item.is_resume());
        let stops = stops.map(|(_, stop)| {
            Ok(RecordedStop {
                scope: Scope::parse(&stop.scope)
                    .map_err(|error| Fault::lasting("read a person's history", error))?,
                at: table::moment(stop.at),
                recorded_at: table::moment(stop.recorded_at),
                version: stop.version,
            })
        });
        stops.collect()
    }

    /// One try at the version of `person`.
    async fn try_stop(
        &self,
        tenant: TenantId,
        token: ContactToken,
        stop: &StopEvent,
        person: &Person,
        now: Timestamp,
    ) -> Result<Written, Fault> {
        let event_key = ContactKey::Event {
            tenant,
            token,
            at: millis(stop.at),
            id: stop.id,
        }
        .key();
        let entry = HistoryItem::stop(stop, person.version + 1, now);
        let event = Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(table::encode(&event_key, &entry)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .expect("table and item are set");

        let mut suppressions: BTreeMap<String, SuppressionItem> = person
            .suppressions
            .iter()
            .map(|(scope, suppression)| (scope.code().to_owned(), suppression.into()))
            .collect();
        // The first stop of a scope is the one to keep: it has run the longest.
        suppressions
            .entry(stop.scope.code().to_owned())
            .or_insert_with(|| {
                (&policy::person::Suppression {
                    at: stop.at,
                    source: stop.source,
                    evidence: stop.id.to_string(),
                })
                    .into()
            });
        let suppressions = serde_dynamo::to_attribute_value(suppressions)
            .map_err(|error| Fault::lasting("encode a stop", error))?;
        let key = ContactKey::Person { tenant, token }.key();
        let seen = person.version;
        let mut update = Update::builder()
            .table_name(&self.table.name)
            .key("pk", table::text(key.pk))
            .key("sk", table::text(key.sk))
            .update_expression("SET v = :v, version = :next, suppressions = :suppressions")
            .condition_expression(if seen == 0 {
                "attribute_not_exists(pk)"
            } else {
                "version = :seen"
            })
            .expression_attribute_values(":v", number(1))
            .expression_attribute_values(":next", number(seen + 1))
            .expression_attribute_values(":suppressions", suppressions);
        if seen > 0 {
            update = update.expression_attribute_values(":seen", number(seen));
        }
        let answer = self
            .table
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(event).build())
            .transact_items(
                TransactWriteItem::builder()
                    .update(update.build().expect("key and expression are set"))
                    .build(),
            )
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Written::Now),
            Err(error) => cancelled("commit a stop", error),
        }
    }
}

/// What a transaction of an event and a person came to that was not carried out.
pub(super) fn cancelled(
    what: &'static str,
    error: SdkError<TransactWriteItemsError>,
) -> Result<Written, Fault> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return Err(Fault::sdk(what)(error));
    };
    let reasons = cancelled.cancellation_reasons();
    let is = |at: usize, code: &str| reasons.get(at).and_then(|reason| reason.code()) == Some(code);
    if is(0, "ConditionalCheckFailed") {
        Ok(Written::Before)
    } else if is(1, "ConditionalCheckFailed") || (0..2).any(|at| is(at, "TransactionConflict")) {
        Ok(Written::Changed)
    } else {
        Err(Fault::sdk(what)(error))
    }
}

/// A claim as it reads back: times in whole milliseconds.
fn claim_as_stored(claim: &Claim) -> Claim {
    Claim {
        at: table::moment(millis(claim.at)),
        ..claim.clone()
    }
}
