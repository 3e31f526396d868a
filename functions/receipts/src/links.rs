//! Whose another identity is: told beside a number, or by the ledger, which
//! knows to whom a message went whose status shows the identity alone.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use platform::fault::Fault;
use policy::block::Callback;
use policy::ids::{CampaignId, TenantId};
use policy::token::ContactToken;

use crate::Deps;

/// Links of one batch, and the messages they came in.
#[derive(Debug, Default)]
pub(crate) struct Links {
    wanted: BTreeMap<(TenantId, ContactToken), Wanted>,
}

/// Whose one identity is said to be.
#[derive(Debug, Default)]
struct Wanted {
    tokens: BTreeSet<ContactToken>,
    places: BTreeSet<Callback>,
    messages: BTreeSet<String>,
}

impl Links {
    /// An identity seen beside a number.
    pub(crate) fn told(
        &mut self,
        tenant: TenantId,
        alias: ContactToken,
        token: ContactToken,
        message_id: &str,
    ) {
        let wanted = self.wanted.entry((tenant, alias)).or_default();
        wanted.tokens.insert(token);
        wanted.messages.insert(message_id.to_owned());
    }

    /// An identity seen in the status of a message of ours.
    pub(crate) fn sent_to(
        &mut self,
        tenant: TenantId,
        alias: ContactToken,
        callback: Callback,
        message_id: &str,
    ) {
        let wanted = self.wanted.entry((tenant, alias)).or_default();
        wanted.places.insert(callback);
        wanted.messages.insert(message_id.to_owned());
    }

    /// Writes the links that are new; the queue messages whose links were not
    /// written. How many were written comes with them.
    pub(crate) async fn write(self, deps: &Deps) -> (u64, BTreeSet<String>) {
        let mut failed = BTreeSet::new();
        let mut written = 0;
        let mut by_tenant: BTreeMap<TenantId, Vec<(ContactToken, Wanted)>> = BTreeMap::new();
        for ((tenant, alias), wanted) in self.wanted {
            by_tenant.entry(tenant).or_default().push((alias, wanted));
        }
        for (tenant, aliases) in by_tenant {
            let names: Vec<ContactToken> = aliases.iter().map(|(alias, _)| *alias).collect();
            let known = deps.contacts.linked(tenant, &names).await;
            let mut ledger = Ledger::default();
            for (alias, wanted) in aliases {
                let linked = match &known {
                    Ok(known) => known.get(&alias).cloned().unwrap_or_default(),
                    // Linking what is linked already is harmless.
                    Err(_) => BTreeSet::new(),
                };
                match link(tenant, alias, &wanted, &linked, &mut ledger, deps).await {
                    Ok(new) => written += new,
                    Err(fault) => {
                        let error = platform::fault::chain(&fault);
                        tracing::warn!(error, "links come again");
                        failed.extend(wanted.messages);
                    }
                }
            }
        }
        (written, failed)
    }
}

/// Links one identity; how many links were new.
async fn link(
    tenant: TenantId,
    alias: ContactToken,
    wanted: &Wanted,
    linked: &BTreeSet<ContactToken>,
    ledger: &mut Ledger,
    deps: &Deps,
) -> Result<u64, Fault> {
    let mut tokens = wanted.tokens.clone();
    // An identity that is somebody's needs no proof by the ledger.
    if linked.is_empty() {
        for callback in &wanted.places {
            tokens.extend(ledger.person(tenant, *callback, deps).await?);
        }
    }
    let mut new = 0;
    for token in tokens.difference(linked) {
        let now = deps.clock.now();
        deps.contacts.link(tenant, alias, *token, now).await?;
        new += 1;
    }
    Ok(new)
}

/// The people of the blocks that were read in this batch.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    blocks: BTreeMap<(CampaignId, u32), Vec<ContactToken>>,
}

impl Ledger {
    /// To whom a message went; `None` if the ledger does not know it any more.
    pub(crate) async fn person(
        &mut self,
        tenant: TenantId,
        callback: Callback,
        deps: &Deps,
    ) -> Result<Option<ContactToken>, Fault> {
        let key = (callback.campaign, callback.place.block);
        let people = match self.blocks.entry(key) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(unread) => {
                let block = deps.campaigns.block(tenant, key.0, key.1).await?;
                unread.insert(block.map(|block| block.tokens).unwrap_or_default())
            }
        };
        let index = usize::from(callback.place.index);
        Ok(people.get(index).copied())
    }
}
