//! The outcomes of one attempt, and how many of them are written down.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use platform::fault::Fault;
use policy::block::Outcome;

use crate::Deps;
use crate::block::Run;
use crate::range::Sender;

/// What came of everybody so far. One write at a time is under way; each is a
/// part of its own and holds what no earlier one is known to hold, so that a
/// write costs what it adds and none can undo a later one.
pub(crate) struct Ledger<'a> {
    block: u32,
    attempt: u16,
    sender: &'a Sender,
    deps: &'a Deps,
    outcomes: BTreeMap<u8, Outcome>,
    /// Noted since the last write began.
    unwritten: BTreeSet<u8>,
    /// In the write that is under way.
    writing: BTreeSet<u8>,
    /// The number of the next part.
    part: u16,
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
            unwritten: BTreeSet::new(),
            writing: BTreeSet::new(),
            part: 0,
            urgent: false,
            written_at: run.deps.clock.now(),
        }
    }

    /// Notes what came of one recipient.
    pub(crate) fn note(&mut self, index: u8, outcome: Outcome) {
        self.unwritten.insert(index);
        self.urgent |= matches!(outcome, Outcome::Refused { .. } | Outcome::Rejected { .. });
        self.outcomes.insert(index, outcome);
    }

    /// The write that is due, if one is; it may go on beside the sending.
    pub(crate) fn due_write(&mut self) -> Option<BoxFuture<'a, Result<(), Fault>>> {
        let waited = self.deps.clock.now().duration_since(self.written_at);
        (!self.unwritten.is_empty() && (self.urgent || waited >= RECORD_EVERY))
            .then(|| self.write())
    }

    /// That a write ended. What one holds that failed is in the next one too.
    pub(crate) fn written(&mut self, result: &Result<(), Fault>) {
        let writing = std::mem::take(&mut self.writing);
        if result.is_err() {
            self.unwritten.extend(writing);
        }
    }

    /// Writes down what is not.
    pub(crate) async fn record(&mut self) -> Result<(), Fault> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let result = self.write().await;
        self.written(&result);
        result
    }

    /// Everything that is known.
    pub(crate) fn into_outcomes(self) -> BTreeMap<u8, Outcome> {
        self.outcomes
    }

    fn write(&mut self) -> BoxFuture<'a, Result<(), Fault>> {
        self.writing = std::mem::take(&mut self.unwritten);
        self.urgent = false;
        self.written_at = self.deps.clock.now();
        let noted = |index: &u8| Some((*index, self.outcomes.get(index)?.clone()));
        let outcomes: BTreeMap<u8, Outcome> = self.writing.iter().filter_map(noted).collect();
        let (campaigns, sender) = (&self.deps.campaigns, self.sender);
        let (block, place) = (self.block, (self.attempt, self.part));
        self.part += 1;
        Box::pin(async move {
            campaigns
                .record_outcomes(sender.tenant, sender.campaign, block, place, &outcomes)
                .await
        })
    }
}
