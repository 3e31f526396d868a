//! Broadcast lists for people who send from the WhatsApp Business app.
//!
//! A list holds at most 256 people, and only those who saved the number get
//! anything. The planner cuts an audience into lists, the same ones every time;
//! it never splits a list to get around a monthly allowance.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::BroadcastList;
use crate::token::ContactToken;

/// Whether a person saved the business's number, as far as anybody knows. A
/// message from the person proves nothing about it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SavedNumber {
    /// They said they did not.
    No,
    /// Nobody knows.
    Unknown,
    /// They said they did.
    Yes,
}

/// One list to make in the app.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chunk {
    /// Counted from 1.
    pub number: u32,
    /// Whether its people are known to have the number; people of whom that is
    /// unknown have lists of their own, so that the reach can be told.
    pub saved: SavedNumber,
    /// Who is in it, in token order.
    pub people: BTreeSet<ContactToken>,
}

/// The lists of one campaign.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// The lists, in the order of their numbers.
    pub chunks: Vec<Chunk>,
    /// Who is in none, because they would not receive it.
    pub unreachable: BTreeSet<ContactToken>,
}

/// The audience does not fit the month.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the allowance of the month carries {largest} people: use the Cloud API for more")]
pub struct AllowanceExceeded {
    /// The largest audience that fits.
    pub largest: u64,
}

/// Plans lists for an audience, each to be sent `sends` times this month.
///
/// Law: everybody who can receive it is in exactly one list, no list is empty
/// or over the limit, and the order of the audience does not matter. A fresh
/// plan's lists of one kind differ by at most one in size. With an `earlier`
/// plan nobody who stays changes lists, so that nobody gets a message twice.
pub fn plan(
    audience: &BTreeMap<ContactToken, SavedNumber>,
    earlier: Option<&Plan>,
    limits: &BroadcastList,
    sends: u32,
) -> Result<Plan, AllowanceExceeded> {
    let most = limits.people.max(1);
    let receives = |saved: SavedNumber| saved != SavedNumber::No || !limits.requires_saved_number;
    let mut plan = Plan {
        unreachable: audience
            .iter()
            .filter(|(_, saved)| !receives(**saved))
            .map(|(token, _)| *token)
            .collect(),
        ..Plan::default()
    };
    let mut waiting: BTreeMap<ContactToken, SavedNumber> = audience
        .iter()
        .filter(|(_, saved)| receives(**saved))
        .map(|(token, saved)| (*token, *saved))
        .collect();
    for chunk in earlier.map_or(&[][..], |earlier| &earlier.chunks) {
        let people: BTreeSet<_> = chunk
            .people
            .iter()
            .copied()
            .filter(|token| waiting.remove(token).is_some())
            .collect();
        if !people.is_empty() {
            plan.chunks.push(Chunk {
                people,
                ..chunk.clone()
            });
        }
    }
    for saved in [SavedNumber::Yes, SavedNumber::Unknown, SavedNumber::No] {
        let of_kind =
            |(token, kind): (&ContactToken, &SavedNumber)| (*kind == saved).then_some(*token);
        let people: Vec<ContactToken> = waiting.iter().filter_map(of_kind).collect();
        plan.fill(saved, people, most);
    }
    plan.within(limits, sends, most)
}

impl Plan {
    /// Puts people into the emptiest lists of their kind that have room, and
    /// the rest into as few new lists as possible, of even size.
    fn fill(&mut self, saved: SavedNumber, mut people: Vec<ContactToken>, most: u32) {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        while let Some(token) = people.last().copied() {
            let emptiest = self
                .chunks
                .iter_mut()
                .filter(|chunk| chunk.saved == saved && chunk.people.len() < most)
                .min_by_key(|chunk| (chunk.people.len(), chunk.number));
            let Some(chunk) = emptiest else {
                break;
            };
            chunk.people.insert(token);
            people.pop();
        }
        let chunks = people.len().div_ceil(most);
        let mut people = people.into_iter();
        let next = self.chunks.iter().map(|chunk| chunk.number).max();
        for (number, part) in (next.unwrap_or(0) + 1..).zip(0..chunks) {
            let size = people.len().div_ceil(chunks - part);
            self.chunks.push(Chunk {
                number,
                saved,
                people: people.by_ref().take(size).collect(),
            });
        }
    }

    fn within(
        self,
        limits: &BroadcastList,
        sends: u32,
        most: u32,
    ) -> Result<Self, AllowanceExceeded> {
        let Some(allowed) = limits.sends_per_month else {
            return Ok(self);
        };
        let needed = u64::try_from(self.chunks.len())
            .unwrap_or(u64::MAX)
            .saturating_mul(u64::from(sends));
        if needed <= u64::from(allowed) {
            return Ok(self);
        }
        Err(AllowanceExceeded {
            largest: u64::from(allowed / sends.max(1)) * u64::from(most),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::Limits;

    fn token(n: u16) -> ContactToken {
        let mut bytes = [0; 16];
        // Spread like a hash, one to one.
        bytes[..2].copy_from_slice(&n.wrapping_mul(40_503).to_be_bytes());
        ContactToken::from_bytes(bytes)
    }

    fn audience(people: impl IntoIterator<Item = u16>) -> BTreeMap<ContactToken, SavedNumber> {
        people
            .into_iter()
            .map(|n| (token(n), SavedNumber::Yes))
            .collect()
    }

    fn app() -> BroadcastList {
        Limits::embedded().broadcast_list()
    }

    #[test]
    fn lists_are_even() {
        let sizes = |people| -> Vec<usize> {
            let plan = plan(&audience(0..people), None, &app(), 1).unwrap();
            plan.chunks.iter().map(|chunk| chunk.people.len()).collect()
        };
        assert_eq!(sizes(0), Vec::<usize>::new());
        assert_eq!(sizes(256), [256]);
        assert_eq!(sizes(257), [129, 128]);
        assert_eq!(sizes(1_000), [250, 250, 250, 250]);
    }

    #[test]
    fn an_allowance_is_not_dodged() {
        let limits = BroadcastList {
            sends_per_month: Some(35),
            ..app()
        };
        assert!(plan(&audience(0..1_000), None, &limits, 8).is_ok());
        let error = plan(&audience(0..1_000), None, &limits, 9).unwrap_err();
        assert_eq!(error.largest, 3 * 256);
        assert!(plan(&audience(0..768), None, &limits, 9).is_ok());
    }

    #[test]
    fn who_has_not_saved_the_number_gets_nothing() {
        let people = BTreeMap::from([
            (token(1), SavedNumber::No),
            (token(2), SavedNumber::Unknown),
            (token(3), SavedNumber::Yes),
        ]);
        let plan = plan(&people, None, &app(), 1).unwrap();
        assert_eq!(plan.unreachable, BTreeSet::from([token(1)]));
        assert_eq!(plan.chunks.len(), 2, "the unknown ones are told apart");
    }

    fn any_saved() -> impl Strategy<Value = SavedNumber> {
        prop::sample::select(vec![
            SavedNumber::No,
            SavedNumber::Unknown,
            SavedNumber::Yes,
            SavedNumber::Yes,
        ])
    }

    proptest! {
        #[test]
        fn everybody_is_in_one_list_and_stays_there(
            first in prop::collection::btree_map(0_u16..2_000, any_saved(), 0..900),
            joins in prop::collection::btree_map(0_u16..2_000, any_saved(), 0..300),
            leaves in prop::collection::btree_set(0_u16..2_000, 0..300),
        ) {
            let key = |people: &BTreeMap<u16, SavedNumber>| -> BTreeMap<ContactToken, SavedNumber> {
                people.iter().map(|(n, saved)| (token(*n), *saved)).collect()
            };
            let before = plan(&key(&first), None, &app(), 1).unwrap();
            for kind in [SavedNumber::Unknown, SavedNumber::Yes] {
                let sizes = before.chunks.iter().filter(|c| c.saved == kind).map(|c| c.people.len());
                let (least, most) = (sizes.clone().min(), sizes.max());
                prop_assert!(most.unwrap_or(0) - least.unwrap_or(0) <= 1);
            }

            let mut second = joins;
            second.extend(first);
            second.retain(|n, _| !leaves.contains(n));
            let people = key(&second);
            let after = plan(&people, Some(&before), &app(), 1).unwrap();
            let mut seen = after.unreachable.clone();
            for chunk in &after.chunks {
                prop_assert!((1..=256).contains(&chunk.people.len()));
                for person in &chunk.people {
                    prop_assert!(seen.insert(*person), "in one list only");
                }
            }
            prop_assert_eq!(seen, people.keys().copied().collect::<BTreeSet<_>>());
            for old in &before.chunks {
                for person in old.people.iter().filter(|person| people.contains_key(person)) {
                    let now = after.chunks.iter().find(|chunk| chunk.people.contains(person));
                    prop_assert_eq!(now.map(|chunk| chunk.number), Some(old.number));
                }
            }
        }
    }
}
