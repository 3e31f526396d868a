//! Whose number or account: the directory, remembered for a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::Campaigns;
use platform::fault::Fault;
use policy::ids::TenantId;
use policy::reply::Keyword;

use crate::updates::Update;

/// How long a number's owner is remembered. Numbers change hands rarely, and
/// only by an operator.
const KEPT: SignedDuration = SignedDuration::from_mins(1);

/// The directory of numbers, accounts and what tenants decide for themselves.
/// Only what is in it is remembered, so the memory is bounded by its size.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    campaigns: Campaigns,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    owners: HashMap<String, (Timestamp, TenantId)>,
    keywords: HashMap<TenantId, (Timestamp, Vec<Keyword>)>,
}

impl Numbers {
    pub(crate) fn new(campaigns: Campaigns) -> Self {
        Self {
            campaigns,
            known: Arc::default(),
        }
    }

    /// The tenant whom an update concerns: by its business number, or, where
    /// none is named, by its account.
    pub(crate) async fn owner(
        &self,
        update: &Update,
        now: Timestamp,
    ) -> Result<Option<TenantId>, Fault> {
        let (id, is_number) = match (&update.phone_number_id, &update.waba) {
            (Some(number), _) => (number, true),
            (None, Some(account)) => (account, false),
            (None, None) => return Ok(None),
        };
        let name = format!("{}{id}", if is_number { "n" } else { "a" });
        if let Some((read_at, tenant)) = self.known().owners.get(&name)
            && now.duration_since(*read_at) < KEPT
        {
            return Ok(Some(*tenant));
        }
        let tenant = if is_number {
            let number = self.campaigns.number(id).await?;
            number.map(|number| number.tenant)
        } else {
            self.campaigns.account_owner(id).await?
        };
        match tenant {
            Some(tenant) => self.known().owners.insert(name, (now, tenant)),
            None => self.known().owners.remove(&name),
        };
        Ok(tenant)
    }

    /// A tenant's own keywords.
    pub(crate) async fn keywords(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Vec<Keyword>, Fault> {
        if let Some((read_at, keywords)) = self.known().keywords.get(&tenant)
            && now.duration_since(*read_at) < KEPT
        {
            return Ok(keywords.clone());
        }
        let keywords = self.campaigns.settings(tenant).await?.keywords;
        let remembered = (now, keywords.clone());
        self.known().keywords.insert(tenant, remembered);
        Ok(keywords)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known
            .lock()
            .expect("the memory's holders do not panic")
    }
}
