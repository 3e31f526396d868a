//! From an update to the stops that must stand before the answer.

use jiff::{SignedDuration, Timestamp};
use platform::contacts::{Contacts, StopEvent};
use platform::fault::Fault;
use policy::ids::{EventId, TenantId};
use policy::person::SuppressionSource;
use policy::purpose::Scope;
use policy::token::{ContactToken, TokenKey};
use sha2::{Digest as _, Sha256};

use crate::asks::asks;
use crate::updates::{Person, Update};

/// How far Meta's clock may run ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The keys that name people.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Numbers.
    pub(crate) token: TokenKey,
    /// Other identities.
    pub(crate) link: TokenKey,
}

/// One stop of one person.
#[derive(Debug)]
pub(crate) struct Stop {
    name: Name,
    event: StopEvent,
}

/// How the person of a stop is known.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Name {
    /// By number.
    token: Option<ContactToken>,
    /// By other identities.
    aliases: Vec<ContactToken>,
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
    let scopes = asks(update).filter(|asks| !asks.scopes.is_empty());
    let Some((asks, person)) = scopes.zip(update.person()) else {
        return Ok(Vec::new());
    };
    let name = Name::of(tenant, person, keys);
    let first = name.token.or_else(|| name.aliases.first().copied());
    let first = first.ok_or(Unattributed)?;
    // A stop from the future would outlive the person's own change of mind.
    let latest = now.saturating_add(SKEW).unwrap_or(Timestamp::MAX);
    let said_at = update.at().filter(|at| *at <= latest);
    let stop = |scope: Scope| Stop {
        name: name.clone(),
        event: StopEvent {
            id: event_id(tenant, first, update.wamid(), said_at, asks.source, &scope),
            scope,
            at: said_at.unwrap_or(now),
            source: asks.source,
        },
    };
    Ok(asks.scopes.iter().cloned().map(stop).collect())
}

/// Whether an update asks for a stop at all.
pub(crate) fn asks_to_stop(update: &Update) -> bool {
    asks(update).is_some_and(|asks| !asks.scopes.is_empty())
}

impl Name {
    fn of(tenant: TenantId, person: &Person, keys: &Keys) -> Self {
        let phone = person.phone();
        let token = phone.map(|phone| keys.token.contact(tenant, &phone));
        // A `wa_id` that is no number is an identity like any other.
        let wa_id = person.expose_wa_id().filter(|_| token.is_none());
        let aliases = person.expose_user_id().into_iter().chain(wa_id);
        Self {
            token,
            aliases: aliases.map(|id| keys.link.alias(tenant, id)).collect(),
        }
    }
}

/// The id of a stop: the same for the same arrival, and unguessable as to the
/// person, because the person goes in as a keyed hash.
fn event_id(
    tenant: TenantId,
    person: ContactToken,
    wamid: Option<&str>,
    said_at: Option<Timestamp>,
    source: SuppressionSource,
    scope: &Scope,
) -> EventId {
    let mut digest = Sha256::new();
    let mut part = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    part(b"stop:v1");
    part(tenant.uuid().as_bytes());
    part(person.as_bytes());
    part(wamid.unwrap_or_default().as_bytes());
    part(&said_at.map_or(0, Timestamp::as_millisecond).to_be_bytes());
    part(source.code().as_bytes());
    part(scope.code().as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finalize()[..16]);
    EventId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

impl Stop {
    /// Commits the stop, to everything that is known to be the person.
    ///
    /// Where the update shows number and id together, the id is linked to the
    /// number too: a later stop under the id alone then reaches the person.
    pub(crate) async fn commit(
        &self,
        tenant: TenantId,
        contacts: &Contacts,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let Self { name, event } = self;
        match name.token {
            Some(token) => {
                contacts.stop(tenant, token, event, now).await?;
                for alias in &name.aliases {
                    contacts.link(tenant, *alias, token, now).await?;
                }
            }
            None => {
                for alias in &name.aliases {
                    contacts.stop_alias(tenant, *alias, event, now).await?;
                }
            }
        }
        Ok(())
    }
}

/// Somebody asks to stop, and the update does not say who.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unattributed;

#[cfg(test)]
mod tests;
