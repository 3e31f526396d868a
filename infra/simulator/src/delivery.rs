//! Webhooks on their way: waiting, posted, posted again.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::webhook::Update;

/// What one call of [`Simulator::deliver_due`](crate::Simulator::deliver_due)
/// or [`Simulator::drain`](crate::Simulator::drain) posted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// POSTs, retries included.
    pub posts: u64,
    /// Of these, the ones not answered with 200.
    pub failures: u64,
    /// Updates in the POSTs.
    pub updates: u64,
}

/// Updates and POSTs that wait for their time, in the order in which they go.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: BTreeMap<(Timestamp, u64), Waiting>,
    sequence: u64,
}

#[derive(Debug)]
enum Waiting {
    Again(Post),
    Update { update: Update, batched: bool },
}

/// One POST, to be sent or sent again.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) updates: Vec<Update>,
    /// Attempts so far.
    pub(crate) attempts: u32,
    pub(crate) due: Timestamp,
}

impl Outbox {
    pub(crate) fn push(&mut self, due: Timestamp, update: Update, batched: bool) {
        self.insert(due, Waiting::Update { update, batched });
    }

    pub(crate) fn push_again(&mut self, due: Timestamp, post: Post) {
        self.insert(due, Waiting::Again(post));
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.waiting.keys().next().map(|(due, _)| *due)
    }

    /// Updates that wait, those of POSTs to be repeated included.
    pub(crate) fn len(&self) -> usize {
        self.waiting
            .values()
            .map(|waiting| match waiting {
                Waiting::Again(post) => post.updates.len(),
                Waiting::Update { .. } => 1,
            })
            .sum()
    }

    /// The next POST due by `until`. Updates that wait for company leave
    /// together with the others of their time, up to `most`.
    pub(crate) fn take(&mut self, until: Timestamp, most: usize) -> Option<Post> {
        if self.next_due()? > until {
            return None;
        }
        let ((due, _), first) = self.waiting.pop_first()?;
        let (update, batched) = match first {
            Waiting::Again(post) => return Some(post),
            Waiting::Update { update, batched } => (update, batched),
        };
        let mut updates = vec![update];
        while batched && updates.len() < most {
            match self.waiting.first_entry() {
                Some(entry)
                    if entry.key().0 == due
                        && matches!(entry.get(), Waiting::Update { batched: true, .. }) =>
                {
                    if let Waiting::Update { update, .. } = entry.remove() {
                        updates.push(update);
                    }
                }
                _ => break,
            }
        }
        Some(Post {
            updates,
            attempts: 0,
            due,
        })
    }

    fn insert(&mut self, due: Timestamp, waiting: Waiting) {
        self.sequence += 1;
        self.waiting.insert((due, self.sequence), waiting);
    }
}

#[cfg(test)]
mod tests;
