//! Whether phone numbers look as if people had them, or as if someone had
//! counted.
//!
//! Numbers are kept by *blocks* of a thousand; when there are too many, whole
//! blocks are dropped by their hash, so that what is left still shows its
//! neighbours.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::frequent::HeavyHitters;

/// Most numbers kept: four megabytes.
const KEPT_MAX: usize = 1 << 19;

/// Numbers that wait to be sorted in.
const FRESH_MAX: usize = 1 << 16;

/// Numbers of a block.
const BLOCK: u64 = 1_000;

/// Digits of a prefix within which subscribers are assumed to be spread evenly:
/// country, operator and one more, such as `62 812 3`.
const PREFIX: usize = 6;

/// The numbers of a list.
///
/// Law: what is kept depends on which numbers came, not on their order, on
/// repetitions, or on when the state was saved.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Numbers {
    /// In order, each once.
    #[serde(deserialize_with = "unpack", serialize_with = "pack")]
    kept: Vec<u64>,
    fresh: Vec<u64>,
    /// Blocks whose hash has this many leading zeros are kept.
    zeros: u32,
    prefixes: HeavyHitters,
    all: u64,
}

/// How the numbers lie.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spacing {
    /// Pairs of numbers next to each other.
    pub(super) adjacent: u64,
    /// How many such pairs chance would make (Poisson).
    pub(super) expected: f64,
    /// The longest row of numbers without a gap.
    pub(super) longest_run: u64,
    /// Share of neighbours that the most common step explains.
    pub(super) step_share: f64,
    /// Share of the fullest prefix.
    pub(super) prefix_share: f64,
}

impl Numbers {
    /// Adds the digits of one number.
    pub(super) fn push(&mut self, digits: &str) {
        let Ok(number) = digits.parse::<u64>() else {
            return;
        };
        self.all += 1;
        if let Some(prefix) = digits.get(..PREFIX).and_then(|text| text.parse().ok()) {
            self.prefixes.push(prefix);
        }
        if self.keeps(number) {
            self.fresh.push(number);
        }
        if self.fresh.len() == FRESH_MAX {
            self.sort_in();
        }
    }

    fn sort_in(&mut self) {
        self.kept.append(&mut self.fresh);
        // Finds the part that is in order already.
        self.kept.sort();
        self.kept.dedup();
        while self.kept.len() > KEPT_MAX {
            self.zeros += 1;
            let zeros = self.zeros;
            self.kept
                .retain(|number| hash(number / BLOCK).leading_zeros() >= zeros);
        }
    }

    fn keeps(&self, number: u64) -> bool {
        hash(number / BLOCK).leading_zeros() >= self.zeros
    }

    /// How the numbers lie so far.
    pub(super) fn spacing(&self) -> Spacing {
        let mut spacing = Spacing::default();
        let mut steps = BTreeMap::<u64, u64>::new();
        let mut groups = BTreeMap::<(u64, u32), u64>::new();
        let mut run = 0_u64;
        let mut last: Option<u64> = None;
        let mut whole = self.clone();
        whole.sort_in();
        for number in &whole.kept {
            *groups.entry(group(*number)).or_default() += 1;
            if let Some(before) = last
                && (whole.zeros == 0 || before / BLOCK == number / BLOCK)
            {
                let step = number - before;
                *steps.entry(step).or_default() += 1;
                run = if step == 1 { run + 1 } else { 1 };
            } else {
                run = 1;
            }
            spacing.longest_run = spacing.longest_run.max(run);
            last = Some(*number);
        }
        spacing.adjacent = steps.get(&1).copied().unwrap_or(0);
        let kept_share = 0.5_f64.powi(i32::try_from(whole.zeros).unwrap_or(i32::MAX));
        spacing.expected = groups
            .iter()
            .map(|((_, left), members)| {
                let space = 10_f64.powi(i32::try_from(*left).unwrap_or(0)) * kept_share;
                // Two counts far below 2^53.
                let members = *members as f64;
                members * (members - 1.0) / space
            })
            .sum();
        let neighbours: u64 = steps.values().sum();
        spacing.step_share = share(steps.values().copied().max().unwrap_or(0), neighbours);
        spacing.prefix_share = share(self.prefixes.most(), self.all);
        spacing
    }
}

pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    // Counts of rows: far below 2^53.
    part as f64 / whole as f64
}

/// Prefix and number of digits behind it.
fn group(number: u64) -> (u64, u32) {
    let digits = number.checked_ilog10().unwrap_or(0) + 1;
    let left = digits.saturating_sub(6);
    (number / 10_u64.pow(left), left)
}

/// SplitMix64 (Steele, Lea, Flood 2014): spreads block numbers evenly.
fn hash(block: u64) -> u64 {
    let mut z = block.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Each number as its distance from the one before, in base 128 (the last byte
/// of each has its high bit clear).
fn pack<S: Serializer>(numbers: &[u64], to: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(2 * numbers.len());
    let mut before = 0;
    for number in numbers {
        let mut step = number - before;
        before = *number;
        while step >= 0x80 {
            bytes.push(step as u8 | 0x80);
            step >>= 7;
        }
        bytes.push(step as u8);
    }
    to.serialize_str(&STANDARD_NO_PAD.encode(bytes))
}

fn unpack<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    use serde::de::Error;

    let text = String::deserialize(from)?;
    let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
    let mut numbers = Vec::with_capacity(bytes.len() / 2);
    let (mut before, mut step, mut shift) = (0_u64, 0_u64, 0);
    for byte in bytes {
        let part = u64::from(byte & 0x7f);
        step |= part.checked_shl(shift).unwrap_or(0);
        shift += 7;
        if byte < 0x80 {
            before = before
                .checked_add(step)
                .ok_or_else(|| D::Error::custom("a number too large"))?;
            numbers.push(before);
            (step, shift) = (0, 0);
        }
    }
    Ok(numbers)
}
