//! Who came before in a file: sixteen bytes and a few bits for each person, so
//! that a million people take some forty megabytes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use policy::token::ContactToken;

/// What a file said so far of each person it names.
#[derive(Debug, Default)]
pub(crate) struct Marks(HashMap<[u8; ContactToken::LEN], u8, BuildHasherDefault<TokenHasher>>);

/// One thing a file can say of a person.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// A row was accepted.
    Accepted = 1,
    /// A row reports an opt-out.
    SaidNo = 2,
    /// The person had said stop before.
    Stopped = 4,
}

/// Marks that make an accepted person one who gets nothing.
const AGAINST: u8 = Mark::SaidNo as u8 | Mark::Stopped as u8;

impl Marks {
    /// Adds a mark; whether the person did not have it.
    pub(crate) fn add(&mut self, token: ContactToken, mark: Mark) -> Added {
        let marks = self.0.entry(*token.as_bytes()).or_default();
        let was_suppressed = is_suppressed(*marks);
        let is_new = *marks & mark as u8 == 0;
        *marks |= mark as u8;
        Added {
            is_new,
            suppresses: !was_suppressed && is_suppressed(*marks),
        }
    }
}

/// What a mark changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    /// The person did not have it.
    pub(crate) is_new: bool,
    /// The person is now one of those who are accepted and suppressed, and was
    /// not before.
    pub(crate) suppresses: bool,
}

fn is_suppressed(marks: u8) -> bool {
    marks & Mark::Accepted as u8 != 0 && marks & AGAINST != 0
}

/// A token is a keyed hash already: nobody without the key can choose where it
/// falls, so its first bytes serve.
#[derive(Debug, Default)]
struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {
        // The length that arrays of bytes hash first: always the same.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(n: u128) -> ContactToken {
        ContactToken::from_bytes(n.to_be_bytes())
    }

    #[test]
    fn a_person_is_counted_as_suppressed_once_in_any_order() {
        for order in [
            [Mark::Accepted, Mark::SaidNo],
            [Mark::SaidNo, Mark::Accepted],
        ] {
            let mut marks = Marks::default();
            let counts: Vec<bool> = order
                .into_iter()
                .chain([Mark::Stopped, Mark::Accepted])
                .map(|mark| marks.add(token(7), mark).suppresses)
                .collect();
            assert_eq!(counts, [false, true, false, false]);
        }
    }

    #[test]
    fn tokens_with_the_same_beginning_are_told_apart() {
        let mut marks = Marks::default();
        assert!(marks.add(token(1), Mark::Accepted).is_new);
        assert!(marks.add(token(2), Mark::Accepted).is_new);
        assert!(!marks.add(token(1), Mark::Accepted).is_new);
    }
}
