//! A set of concepts.

use std::ops::{BitOr, BitOrAssign};

/// A set of concepts, one bit each.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Concepts([u128; 2]);

impl Concepts {
    /// How many concepts a lexicon can tell apart.
    pub(super) const MOST: usize = 256;

    pub(super) const NONE: Self = Self([0; 2]);

    /// The set of the one concept at this index.
    pub(super) fn one(index: usize) -> Self {
        assert!(
            index < Self::MOST,
            "a lexicon holds at most {} concepts",
            Self::MOST
        );
        let mut bits = [0; 2];
        bits[index / 128] = 1 << (index % 128);
        Self(bits)
    }

    /// Whether the two sets have a concept in common.
    pub(super) fn meets(self, other: Self) -> bool {
        self.0[0] & other.0[0] != 0 || self.0[1] & other.0[1] != 0
    }
}

impl BitOr for Concepts {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }
}

impl BitOrAssign for Concepts {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}
