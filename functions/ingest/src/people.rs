//! People on their way into a list: compared with who is there, and written in
//! batches.

use std::collections::BTreeSet;

use platform::fault::Fault;
use policy::ids::{ListId, TenantId};
use policy::person::Person;
use policy::purpose::Purpose;
use policy::subscription::Subscription;
use policy::token::ContactToken;

use crate::Deps;
use crate::file::Entry;

/// People compared and written at once.
const AT_ONCE: usize = 100;

/// People of one file on their way into one list.
pub(crate) struct People<'a> {
    tenant: TenantId,
    list: ListId,
    deps: &'a Deps,
    waiting: Vec<Entry>,
    /// People of the file who said stop before.
    stopped: BTreeSet<ContactToken>,
}

impl<'a> People<'a> {
    pub(crate) fn new(tenant: TenantId, list: ListId, deps: &'a Deps) -> Self {
        Self {
            tenant,
            list,
            deps,
            waiting: Vec::with_capacity(AT_ONCE),
            stopped: BTreeSet::new(),
        }
    }

    pub(crate) async fn add(&mut self, entry: Entry) -> Result<(), Fault> {
        self.waiting.push(entry);
        if self.waiting.len() == AT_ONCE {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes the rest; the people of the file who said stop before.
    pub(crate) async fn finish(mut self) -> Result<BTreeSet<ContactToken>, Fault> {
        self.flush().await?;
        Ok(self.stopped)
    }

    /// Writes those who are new or changed; who is there keeps the stronger
    /// consent, and a suppression is neither written nor lifted here.
    async fn flush(&mut self) -> Result<(), Fault> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let entries = std::mem::take(&mut self.waiting);
        let tokens: Vec<ContactToken> = entries.iter().map(|entry| entry.token).collect();
        let contacts = &self.deps.contacts;
        let known = contacts
            .subscriptions(self.tenant, self.list, &tokens)
            .await?;
        let persons = contacts.persons(self.tenant, &tokens).await?;
        let mut changed: Vec<(ContactToken, Subscription)> = Vec::new();
        for entry in entries {
            let stopped = |person: &Person| person.suppression(&Purpose::marketing()).is_some();
            if persons.get(&entry.token).is_some_and(stopped) {
                self.stopped.insert(entry.token);
            }
            let known = known.get(&entry.token);
            let new = match known {
                Some(known) => entry.subscription.over(known),
                None => entry.subscription,
            };
            if known != Some(&new) {
                changed.push((entry.token, new));
            }
        }
        contacts
            .put_subscriptions(self.tenant, self.list, &changed)
            .await
    }
}
