//! The way to a person's own page, made for the message that carries it.

use jiff::Timestamp;
use platform::fault::Fault;
use policy::ids::{ListId, TenantId};
use policy::preference::{LinkKey, PreferenceLink};
use policy::token::ContactToken;
use secrecy::ExposeSecret as _;

use crate::Deps;

/// Signs links for a tenant's people.
#[derive(Debug)]
pub(crate) struct Pages {
    key: LinkKey,
    tenant: TenantId,
}

impl Pages {
    /// With the newest link key; `None` if that is too short to trust. A page
    /// opens by either key during a rotation.
    pub(crate) async fn of(tenant: TenantId, deps: &Deps) -> Result<Option<Self>, Fault> {
        let secret = deps.secrets.read(&deps.link_key_secret).await?;
        let key = LinkKey::new(secret.expose_secret().trim().as_bytes());
        Ok(key.ok().map(|key| Self { key, tenant }))
    }

    /// The end of the address of a person's page, as one of this list.
    pub(crate) fn of_person(&self, list: ListId, token: ContactToken, now: Timestamp) -> String {
        let expires_at = now
            .saturating_add(PreferenceLink::GOOD_FOR)
            .unwrap_or(Timestamp::MAX);
        self.key.sign(&PreferenceLink {
            tenant: self.tenant,
            list,
            token,
            expires_at,
        })
    }
}
