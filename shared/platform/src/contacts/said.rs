//! What a person said, under whatever names they are known by.

use jiff::Timestamp;
use policy::ids::{EventId, TenantId};
use policy::person::SuppressionSource;
use policy::token::ContactToken;
use sha2::{Digest as _, Sha256};

use super::{Contacts, StopEvent};
use crate::fault::Fault;

/// What names an act of a person, besides the person.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// What kind of act, with a version: `stop:v1`.
    pub kind: &'a str,
    /// WhatsApp's id of the message.
    pub wamid: Option<&'a str>,
    /// When it was said, by Meta's clock, if that can be.
    pub said_at: Option<Timestamp>,
    /// How it was said.
    pub source: SuppressionSource,
    /// What it covers.
    pub scope: &'a str,
}

/// The id of an act: the same for the same arrival, and unguessable as to the
/// person, because the person goes in as a keyed hash.
pub fn act_id(tenant: TenantId, person: ContactToken, act: Act<'_>) -> EventId {
    let mut digest = Sha256::new();
    let mut part = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    part(act.kind.as_bytes());
    part(tenant.uuid().as_bytes());
    part(person.as_bytes());
    part(act.wamid.unwrap_or_default().as_bytes());
    let said_at = act.said_at.map_or(0, Timestamp::as_millisecond);
    part(&said_at.to_be_bytes());
    part(act.source.code().as_bytes());
    part(act.scope.as_bytes());
    EventId::of_digest(&digest.finalize().into())
}

impl Contacts {
    /// Commits a stop, to everything that is known to be the person: the
    /// `token` of their number, where that is known, and the `aliases` of their
    /// other identities.
    ///
    /// Where number and identity are known together, the identity is linked to
    /// the number too: a later stop under the identity alone then reaches the
    /// person.
    pub async fn stop_known_as(
        &self,
        tenant: TenantId,
        token: Option<ContactToken>,
        aliases: &[ContactToken],
        stop: &StopEvent,
        now: Timestamp,
    ) -> Result<(), Fault> {
        match token {
            Some(token) => {
                self.stop(tenant, token, stop, now).await?;
                for alias in aliases {
                    self.link(tenant, *alias, token, now).await?;
                }
            }
            None => {
                for alias in aliases {
                    self.stop_alias(tenant, *alias, stop, now).await?;
                }
            }
        }
        Ok(())
    }
}
