//! What WhatsApp tells later about a request: grow-only sets, so that order
//! and repetition do not matter.

use std::collections::BTreeSet;

use crate::block::{Block, Phase, RecipientState};

/// A delivery status (Meta, "Status messages webhook").
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Status {
    /// On the person's device.
    Delivered,
    /// Will not arrive.
    Failed,
    /// Opened. Implies delivered, which may then be skipped.
    Read,
    /// Left WhatsApp's servers.
    Sent,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::Failed, Self::Read, Self::Sent];

    /// WhatsApp's word for it; `played` counts as read.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "delivered" => Some(Self::Delivered),
            "failed" => Some(Self::Failed),
            "played" | "read" => Some(Self::Read),
            "sent" => Some(Self::Sent),
            _ => None,
        }
    }

    /// A stable code for storage.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Read => "read",
            Self::Sent => "sent",
        }
    }
}

/// The statuses of one block and attempt, by index.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StatusSets {
    /// Indexes that were reported sent.
    pub sent: BTreeSet<u8>,
    /// Indexes that were reported delivered.
    pub delivered: BTreeSet<u8>,
    /// Indexes that were reported read.
    pub read: BTreeSet<u8>,
    /// Indexes that were reported failed.
    pub failed: BTreeSet<u8>,
}

impl StatusSets {
    /// Adds one report. Monotone: any order and repetition of reports ends in
    /// the same sets.
    pub fn apply(&mut self, index: u8, status: Status) {
        self.of_mut(status).insert(index);
    }

    /// The set of one status.
    pub fn of(&self, status: Status) -> &BTreeSet<u8> {
        match status {
            Status::Delivered => &self.delivered,
            Status::Failed => &self.failed,
            Status::Read => &self.read,
            Status::Sent => &self.sent,
        }
    }

    fn of_mut(&mut self, status: Status) -> &mut BTreeSet<u8> {
        match status {
            Status::Delivered => &mut self.delivered,
            Status::Failed => &mut self.failed,
            Status::Read => &mut self.read,
            Status::Sent => &mut self.sent,
        }
    }

    /// Whether any report proves that WhatsApp took the message.
    pub fn proves_acceptance(&self, index: u8) -> bool {
        Status::ALL
            .iter()
            .any(|status| self.of(*status).contains(&index))
    }
}

/// How a campaign's messages stand, counted from blocks and status sets.
///
/// Conservation: [`Totals::audience`] equals the sum of the other nine.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Refused by policy, before planning or at the wire.
    pub excluded: u64,
    /// Not yet decided.
    pub pending: u64,
    /// In a block that a worker holds.
    pub in_flight: u64,
    /// Taken by WhatsApp.
    pub accepted: u64,
    /// Refused by WhatsApp for good.
    pub rejected: u64,
    /// In doubt.
    pub unknown: u64,
    /// Too late.
    pub expired: u64,
    /// Ended before its turn.
    pub cancelled: u64,
    /// Of the accepted: reported sent, delivered (or read), read, failed.
    pub statuses: StatusTotals,
}

/// Statuses counted by people: a read message is sent and delivered too.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct StatusTotals {
    /// Left WhatsApp's servers.
    pub sent: u64,
    /// Arrived.
    pub delivered: u64,
    /// Opened.
    pub read: u64,
    /// Reported failed and never reported delivered or read.
    pub failed: u64,
}

impl Totals {
    /// Everybody the campaign asked for, as the sum of the parts.
    pub fn audience(&self) -> u64 {
        let Self {
            excluded,
            pending,
            in_flight,
            accepted,
            rejected,
            unknown,
            expired,
            cancelled,
            statuses: _,
        } = *self;
        excluded + pending + in_flight + accepted + rejected + unknown + expired + cancelled
    }

    /// Whether nothing waits and nothing is under way.
    pub fn is_settled(&self) -> bool {
        self.pending == 0 && self.in_flight == 0
    }

    /// Counts one block with the status sets of all its attempts. An unknown
    /// recipient that has a status counts as accepted: the status proves it.
    pub fn add(&mut self, block: &Block, statuses: &[StatusSets]) {
        let in_flight = matches!(block.phase, Phase::InFlight { .. });
        for (index, state) in (0..=u8::MAX).zip(&block.states) {
            let proved = statuses.iter().any(|sets| sets.proves_acceptance(index));
            match state {
                RecipientState::Accepted => self.accepted += 1,
                RecipientState::Cancelled => self.cancelled += 1,
                RecipientState::Excluded => self.excluded += 1,
                RecipientState::Expired => self.expired += 1,
                RecipientState::Pending if in_flight => self.in_flight += 1,
                RecipientState::Pending => self.pending += 1,
                RecipientState::Rejected => self.rejected += 1,
                RecipientState::Unknown if proved => self.accepted += 1,
                RecipientState::Unknown => self.unknown += 1,
            }
            let has = |status: Status| statuses.iter().any(|sets| sets.of(status).contains(&index));
            let read = has(Status::Read);
            let delivered = read || has(Status::Delivered);
            self.statuses.read += u64::from(read);
            self.statuses.delivered += u64::from(delivered);
            self.statuses.sent += u64::from(delivered || has(Status::Sent));
            self.statuses.failed += u64::from(!delivered && has(Status::Failed));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_status() -> impl Strategy<Value = Status> {
        prop::sample::select(Status::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            reports in prop::collection::vec((0_u8..100, any_status()), 0..60),
            seed: u64,
        ) {
            let mut straight = StatusSets::default();
            for (index, status) in &reports {
                straight.apply(*index, *status);
            }
            let mut shuffled = reports.clone();
            shuffled.extend(reports.iter().step_by(2).copied());
            let length = shuffled.len().max(1);
            for at in 0..shuffled.len() {
                let other = usize::try_from(seed.wrapping_mul(at as u64 + 7) % length as u64).unwrap();
                shuffled.swap(at, other);
            }
            let mut mixed = StatusSets::default();
            for (index, status) in shuffled {
                mixed.apply(index, status);
            }
            prop_assert_eq!(straight, mixed);
        }
    }
}
