//! The outcomes of one attempt, and how many of them are written down.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use platform::fault::Fault;
use policy::block::Outcome;

use crate::Deps;
use crate::block::Run;
use crate::range::Sender;

/// What came of everybody so far. One write at a time is under way, and each
/// writes all of it, so that none can undo a later one.
pub(crate) struct Ledger<'a> {
    block: u32,
    attempt: u16,
    sender: &'a Sender,
    deps: &'a Deps,
    outcomes: BTreeMap<u8, Outcome>,
    unwritten: bool,
    urgent: bool,
    written_at: Timestamp,
}

/// How often acceptances are written down; refusals are at once.
const RECORD_EVERY: SignedDuration = SignedDuration::from_secs(1);

impl<'a> Ledger<'a> {
    pub(crate) fn new(run: &Run<'a>) -> Self {
        Self {
            block: run.block.number,
            attempt: run.block.attempt,
            sender: run.sender,
            deps: run.deps,
            outcomes: BTreeMap::new(),
            unwritten: false,
            urgent: false,
            written_at: run.deps.clock.now(),
        }
    }

    /// Notes what came of one recipient.
    pub(crate) fn note(&mut self, index: u8, outcome: Outcome) {
        self.unwritten = true;
        self.urgent |= matches!(outcome, Outcome::Refused { .. } | Outcome::Rejected { .. });
        self.outcomes.insert(index, outcome);
    }

    /// The write that is due, if one is; it may go on beside the sending.
    pub(crate) fn due_write(&mut self) -> Option<BoxFuture<'a, Result<(), Fault>>> {
        let waited = self.deps.clock.now().duration_since(self.written_at);
        (self.unwritten && (self.urgent || waited >= RECORD_EVERY)).then(|| self.write())
    }

    /// That a write failed: the next one writes it all again.
    pub(crate) fn write_failed(&mut self) {
        self.unwritten = true;
    }

    /// Writes down what is not.
    pub(crate) async fn record(&mut self) -> Result<(), Fault> {
        if self.unwritten {
            self.write().await?;
        }
        Ok(())
    }

    /// Everything that is known.
    pub(crate) fn into_outcomes(self) -> BTreeMap<u8, Outcome> {
        self.outcomes
    }

    fn write(&mut self) -> BoxFuture<'a, Result<(), Fault>> {
        self.unwritten = false;
        self.urgent = false;
        self.written_at = self.deps.clock.now();
        let outcomes = self.outcomes.clone();
        let (campaigns, sender) = (&self.deps.campaigns, self.sender);
        let (block, attempt) = (self.block, self.attempt);
        Box::pin(async move {
            campaigns
                .record_outcomes(sender.tenant, sender.campaign, block, attempt, &outcomes)
                .await
        })
    }
}
