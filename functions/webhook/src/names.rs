//! How people are named outside WhatsApp: keyed hashes of their number and of
//! their other identities.

use std::collections::BTreeMap;

use policy::ids::TenantId;
use policy::reply::Keyword;
use policy::token::{ContactToken, TokenKey};

use crate::updates::{Person, System, SystemChange};

/// The keys that name people, and the words that mean something of their own to
/// a tenant's people.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Numbers.
    pub(crate) token: TokenKey,
    /// Other identities.
    pub(crate) link: TokenKey,
    /// Keywords.
    pub(crate) keywords: BTreeMap<TenantId, Vec<Keyword>>,
}

impl Keys {
    /// A tenant's own keywords.
    pub(crate) fn keywords(&self, tenant: TenantId) -> &[Keyword] {
        self.keywords.get(&tenant).map_or(&[], Vec::as_slice)
    }
}

/// How a person is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Name {
    /// By number.
    pub(crate) token: Option<ContactToken>,
    /// By other identities.
    pub(crate) aliases: Vec<ContactToken>,
}

impl Name {
    pub(crate) fn of(tenant: TenantId, person: &Person, keys: &Keys) -> Self {
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

    /// The name that tells one person from another, the number before all else.
    pub(crate) fn first(&self) -> Option<ContactToken> {
        self.token.or_else(|| self.aliases.first().copied())
    }

    /// Every pair of an identity and the number that it belongs to.
    pub(crate) fn links(&self) -> impl Iterator<Item = (ContactToken, ContactToken)> {
        let aliases = self.token.map(|_| self.aliases.as_slice());
        let pairs = aliases
            .unwrap_or_default()
            .iter()
            .zip(self.token.iter().cycle());
        pairs.map(|(alias, token)| (*alias, *token))
    }
}

/// A person who is known by other names from now on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Move {
    /// Before.
    pub(crate) from: Name,
    /// Now.
    pub(crate) to: Name,
}

impl Move {
    /// The change that a notice tells of, if it tells of one.
    pub(crate) fn of(tenant: TenantId, system: &System, keys: &Keys) -> Option<Self> {
        let SystemChange::Identity { to, previous } = &system.change else {
            return None;
        };
        let mut from = Name::of(tenant, &system.person, keys);
        let to = Name::of(tenant, to, keys);
        let before = Name::of(tenant, previous, keys);
        from.aliases.extend(before.aliases);
        // Who is told by their new id already was not known by it before.
        from.aliases.retain(|alias| !to.aliases.contains(alias));
        from.aliases.dedup();
        from.first().is_some().then_some(Self { from, to })
    }
}
