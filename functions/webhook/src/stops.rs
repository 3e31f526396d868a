//! From an update to the stops, and to the wish for messages again, that must
//! stand before the answer.

use jiff::{SignedDuration, Timestamp};
use platform::contacts::{Act, ResumeEvent, StopEvent, act_id};
use policy::ids::{EventId, TenantId};
use policy::person::SuppressionSource;
use policy::purpose::Scope;
use policy::reply::Label;
use policy::token::ContactToken;

use crate::asks::asks;
use crate::names::{Keys, Name};
use crate::updates::Update;

/// How far Meta's clock may run ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// One stop of one person.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) name: Name,
    pub(crate) event: StopEvent,
}

/// One person's wish for messages again.
#[derive(Debug)]
pub(crate) struct Resume {
    pub(crate) name: Name,
    pub(crate) event: ResumeEvent,
}

/// The stops that an update asks for; more than one if it names more than one
/// scope, none if it asks for none. [`Unattributed`] if nothing names the
/// person.
///
/// Law: the same update gives the same events, however often it arrives.
pub(crate) fn stops(
    tenant: TenantId,
    update: &Update,
    keys: &Keys,
    now: Timestamp,
) -> Result<Vec<Stop>, Unattributed> {
    let scopes = asks(update, keys.keywords(tenant)).filter(|asks| !asks.scopes.is_empty());
    let Some((asks, person)) = scopes.zip(update.person()) else {
        return Ok(Vec::new());
    };
    let name = Name::of(tenant, person, keys);
    let first = name.first().ok_or(Unattributed)?;
    // A stop from the future would outlive the person's own change of mind.
    let said_at = said_at(update, now);
    let stop = |scope: Scope| Stop {
        name: name.clone(),
        event: StopEvent {
            id: event_id(
                "stop:v1",
                tenant,
                first,
                update,
                said_at,
                asks.source,
                scope.code(),
            ),
            scope,
            at: said_at.unwrap_or(now),
            source: asks.source,
        },
    };
    Ok(asks.scopes.iter().cloned().map(stop).collect())
}

/// The resume that an update asks for, if it is the person's plain word: an
/// unsure reading lifts nothing, and neither does a moment that cannot be, since
/// it could lie before a stop.
pub(crate) fn resume(
    tenant: TenantId,
    update: &Update,
    keys: &Keys,
    now: Timestamp,
) -> Option<Resume> {
    let asks = asks(update, keys.keywords(tenant))
        .filter(|asks| asks.label == Label::Resume && !asks.review)?;
    let name = Name::of(tenant, update.person()?, keys);
    let first = name.first()?;
    let at = said_at(update, now)?;
    let source = asks.source;
    let id = event_id("resume:v1", tenant, first, update, Some(at), source, "");
    let scope = Scope::Everything;
    let event = ResumeEvent {
        id,
        at,
        source,
        scope,
    };
    Some(Resume { name, event })
}

/// When it was said, by Meta's clock, unless that cannot be.
pub(crate) fn said_at(update: &Update, now: Timestamp) -> Option<Timestamp> {
    let latest = now.saturating_add(SKEW).unwrap_or(Timestamp::MAX);
    update.at().filter(|at| *at <= latest)
}

/// The id of an event: the same for the same arrival, and unguessable as to
/// the person, because the person goes in as a keyed hash.
pub(crate) fn event_id(
    kind: &str,
    tenant: TenantId,
    person: ContactToken,
    update: &Update,
    said_at: Option<Timestamp>,
    source: SuppressionSource,
    scope: &str,
) -> EventId {
    let act = Act {
        kind,
        wamid: update.wamid(),
        said_at,
        source,
        scope,
    };
    act_id(tenant, person, act)
}

/// Somebody asks to stop, and the update does not say who.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unattributed;

#[cfg(test)]
mod tests;
