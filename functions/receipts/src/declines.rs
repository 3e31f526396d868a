//! Whom WhatsApp declined advertising for: a failure that says so keeps every
//! marketing campaign from the person for a while.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use platform::fault::{Fault, chain};
use platform::queue::StatusV1;
use policy::attempt;
use policy::block::Callback;
use policy::ids::TenantId;
use policy::receipt::Status;

use crate::Deps;
use crate::links::Ledger;

/// Declines of one batch, and the messages they came in.
#[derive(Debug, Default)]
pub(crate) struct Declines {
    told: BTreeMap<(TenantId, Callback), Told>,
}

/// When WhatsApp said so last.
#[derive(Debug, Default)]
struct Told {
    at: Timestamp,
    messages: BTreeSet<String>,
}

impl Declines {
    /// Looks at one status. Its time is Meta's, never later than now, so that a
    /// repetition prolongs nothing.
    pub(crate) fn see(
        &mut self,
        tenant: TenantId,
        status: &StatusV1,
        callback: Callback,
        now: Timestamp,
        message_id: &str,
    ) {
        let failed = Status::parse(&status.status) == Some(Status::Failed);
        if !failed || !status.code.is_some_and(attempt::cools_down) {
            return;
        }
        let at = status.at.map_or(now, |at| at.min(now));
        let told = self.told.entry((tenant, callback)).or_default();
        told.at = told.at.max(at);
        told.messages.insert(message_id.to_owned());
    }

    /// Notes them with the persons whom the ledger names; the queue messages
    /// whose declines were not noted.
    pub(crate) async fn write(self, deps: &Deps) -> BTreeSet<String> {
        let mut failed = BTreeSet::new();
        let mut ledgers: BTreeMap<TenantId, Ledger> = BTreeMap::new();
        for ((tenant, callback), told) in self.told {
            let ledger = ledgers.entry(tenant).or_default();
            if let Err(fault) = note(tenant, callback, told.at, ledger, deps).await {
                tracing::warn!(error = chain(&fault), "declines come again");
                failed.extend(told.messages);
            }
        }
        failed
    }
}

async fn note(
    tenant: TenantId,
    callback: Callback,
    at: Timestamp,
    ledger: &mut Ledger,
    deps: &Deps,
) -> Result<(), Fault> {
    match ledger.person(tenant, callback, deps).await? {
        Some(token) => deps.contacts.note_declined(tenant, token, at).await,
        None => Ok(()),
    }
}
