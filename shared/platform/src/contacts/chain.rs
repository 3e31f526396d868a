//! Names that follow one another, each visited once: people change their
//! number, and change it back.

use std::collections::BTreeSet;

use policy::token::ContactToken;

/// Names to visit.
#[derive(Debug)]
pub(super) struct Chain {
    seen: BTreeSet<ContactToken>,
    waiting: Vec<ContactToken>,
}

impl Chain {
    /// A chain that begins at `first`.
    pub(super) fn from(first: ContactToken) -> Self {
        Self {
            seen: BTreeSet::new(),
            waiting: vec![first],
        }
    }

    /// The next name that was not visited yet.
    pub(super) fn next(&mut self) -> Option<ContactToken> {
        while let Some(name) = self.waiting.pop() {
            if self.seen.insert(name) {
                return Some(name);
            }
        }
        None
    }

    /// Names that follow the present one.
    pub(super) fn add(&mut self, names: impl IntoIterator<Item = ContactToken>) {
        self.waiting.extend(names);
    }
}
