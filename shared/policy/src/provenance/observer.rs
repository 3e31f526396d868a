//! Watches rows go by and adds up what does not fit.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::frequent::HeavyHitters;
use super::numbers::{Numbers, share};
use super::{Assessment, Declaration, ListReason, ListVerdict, Neighbours};
use crate::jurisdiction::Jurisdictions;
use crate::phone::PhoneNumber;

/// What one good row shows.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The number.
    pub phone: &'a PhoneNumber,
    /// The name, where the row has one.
    pub name: Option<&'a str>,
    /// When the person said yes, where the row says so.
    pub consent_at: Option<Timestamp>,
    /// Whether the row says what proves it.
    pub has_evidence: bool,
    /// Whether the number is one of the operator's own, which nobody was ever
    /// given.
    pub is_trap: bool,
}

/// Why a number is none that a person has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum InvalidNumber {
    /// The same person again.
    Duplicate,
    /// No numbering plan has it.
    NotInPlan,
    /// A service: toll-free or a short code.
    Service,
}

/// Adds up a list row by row, in bounded memory.
pub struct Observer {
    declaration: Declaration,
    uploaded_at: Timestamp,
    upload_day: Date,
    sums: Sums,
}

/// All that was added up.
#[derive(Clone, Default, Deserialize, Serialize)]
struct Sums {
    numbers: Numbers,
    moments: HeavyHitters,
    names: HeavyHitters,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
struct Counts {
    rows: u64,
    duplicate: u64,
    not_in_plan: u64,
    service: u64,
    traps: u64,
    without_moment: u64,
    without_evidence: u64,
    impossible: u64,
    outside_dates: u64,
    on_upload_day: u64,
    foreign: u64,
    named: u64,
    odd_names: u64,
}

/// Shows how many rows, never one of them.
impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("counts", &self.sums.counts)
            .finish_non_exhaustive()
    }
}

impl Observer {
    /// Starts with what the tenant declares.
    pub fn new(declaration: Declaration, uploaded_at: Timestamp) -> Self {
        Self {
            declaration,
            uploaded_at,
            upload_day: day(uploaded_at),
            sums: Sums::default(),
        }
    }

    /// What was added up so far, to go on in another process: at most two
    /// megabytes. It tells numbers of the list, so keep it where the list
    /// itself is kept, and no longer.
    ///
    /// Law: [`restore`](Self::restore) and the rest of the rows give the same
    /// assessment as all rows in one go.
    pub fn save(&self) -> Vec<u8> {
        serde_json::to_vec(&self.sums).expect("sums are plain data")
    }

    /// Goes on from what [`save`](Self::save) gave; `None` if it is not that.
    pub fn restore(declaration: Declaration, uploaded_at: Timestamp, saved: &[u8]) -> Option<Self> {
        Some(Self {
            sums: serde_json::from_slice(saved).ok()?,
            ..Self::new(declaration, uploaded_at)
        })
    }

    /// A row whose number is none.
    pub fn push_invalid(&mut self, why: InvalidNumber) {
        match why {
            InvalidNumber::Duplicate => self.sums.counts.duplicate += 1,
            InvalidNumber::NotInPlan => self.sums.counts.not_in_plan += 1,
            InvalidNumber::Service => self.sums.counts.service += 1,
        }
    }

    /// A row with a number.
    pub fn push(&mut self, row: Row<'_>) {
        let counts = &mut self.sums.counts;
        counts.rows += 1;
        counts.traps += u64::from(row.is_trap);
        counts.without_evidence += u64::from(!row.has_evidence);
        self.sums.numbers.push(&row.phone.expose()[1..]);
        let mut countries = Jurisdictions::embedded().countries(row.phone);
        let declared = &self.declaration.countries;
        if !countries.any(|country| declared.contains(country.iso2())) {
            counts.foreign += 1;
        }
        match row.consent_at {
            None => counts.without_moment += 1,
            Some(at) => {
                // A day of grace on both sides: the list's zone is not known.
                let said = day(at);
                let from = self.declaration.collected_from.yesterday();
                let to = self.declaration.collected_to.tomorrow();
                let outside = from.is_ok_and(|from| said < from) || to.is_ok_and(|to| said > to);
                counts.impossible += u64::from(at > self.uploaded_at);
                counts.outside_dates += u64::from(outside);
                counts.on_upload_day += u64::from(said == self.upload_day);
                self.sums.moments.push(at.as_second().cast_unsigned());
            }
        }
        if let Some(name) = row.name.map(str::trim).filter(|name| !name.is_empty()) {
            counts.named += 1;
            counts.odd_names += u64::from(is_odd_name(name));
            self.sums.names.push(hash(name));
        }
    }

    /// What the rows so far say.
    ///
    /// Law: a trap or an impossible moment is never passed, and more of what
    /// does not fit never makes the verdict milder.
    pub fn assess(&self, neighbours: &Neighbours) -> Assessment {
        let mut reasons = Reasons::default();
        self.judge_numbers(&mut reasons);
        self.judge_moments(&mut reasons);
        self.judge_people(neighbours, &mut reasons);
        reasons.assessment()
    }

    fn judge_numbers(&self, reasons: &mut Reasons) {
        use ListVerdict::{Refuse, Review};

        let counts = &self.sums.counts;
        let spacing = self.sums.numbers.spacing();
        let chance = spacing.expected + 6.0 * spacing.expected.sqrt() + 5.0;
        // Counts of rows: far below 2^53.
        let adjacent = spacing.adjacent as f64;
        let run = spacing.longest_run as f64;
        reasons.over("sequential_numbers", Review, 40, adjacent, chance);
        reasons.over("long_run", Review, 40, run, 19.0);
        if counts.rows >= 50 {
            reasons.over("fixed_step", Review, 30, spacing.step_share, 0.20);
        }
        if counts.rows > 500 {
            reasons.over("one_prefix", Review, 20, spacing.prefix_share, 0.60);
        }
        let read = counts.rows + counts.not_in_plan + counts.service + counts.duplicate;
        if counts.not_in_plan >= 5 {
            let invalid = share(counts.not_in_plan, read);
            reasons.over("invalid_numbers", Review, 25, invalid, 0.15);
        }
        if counts.service > 0 {
            reasons.over("service_numbers", Review, 15, counts.service as f64, 0.0);
        }
        reasons.over("trap_numbers", Refuse, 100, counts.traps as f64, 0.0);
    }

    fn judge_moments(&self, reasons: &mut Reasons) {
        use ListVerdict::{Refuse, Review};

        let counts = &self.sums.counts;
        let of_rows = |part| share(part, counts.rows);
        let missing = of_rows(counts.without_moment.max(counts.without_evidence));
        reasons.over("consent_missing", Review, 25, missing, 0.20);
        if counts.rows >= 20 && !self.declaration.kind.comes_in_batches() {
            let dated = counts.rows - counts.without_moment;
            let same = share(self.sums.moments.most(), dated);
            reasons.over("same_second", Review, 35, same, 0.50);
            let today = share(counts.on_upload_day, dated);
            reasons.over("all_on_upload_day", Review, 35, today, 0.99);
        }
        reasons.over(
            "consent_after_upload",
            Refuse,
            60,
            counts.impossible as f64,
            0.0,
        );
        reasons.over(
            "outside_dates",
            Review,
            30,
            counts.outside_dates as f64,
            0.0,
        );
    }

    fn judge_people(&self, neighbours: &Neighbours, reasons: &mut Reasons) {
        use ListVerdict::Review;

        let counts = &self.sums.counts;
        let of_rows = |part| share(part, counts.rows);
        reasons.over(
            "foreign_countries",
            Review,
            20,
            of_rows(counts.foreign),
            0.05,
        );
        if neighbours.in_other_lists >= 200 {
            let overlap = of_rows(neighbours.in_other_lists);
            reasons.over("in_other_lists", Review, 50, overlap, 0.30);
        }
        if neighbours.opted_out >= 5 {
            let opted_out = of_rows(neighbours.opted_out);
            reasons.over("opted_out", Review, 30, opted_out, 0.02);
        }
        if counts.named >= 20 {
            let odd = share(counts.odd_names, counts.named);
            reasons.over("odd_names", Review, 20, odd, 0.10);
            let same = share(self.sums.names.most(), counts.named);
            reasons.over("same_name", Review, 20, same, 0.50);
        }
    }
}

/// A name that no person has: a number, an address, or what exports of group
/// members put there (`WA 0012`).
fn is_odd_name(name: &str) -> bool {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    name.contains('@') || name.contains("://") || letters == 0 || digits > 2 && digits >= letters
}

#[derive(Default)]
struct Reasons(Vec<ListReason>);

impl Reasons {
    fn over(&mut self, code: &'static str, verdict: ListVerdict, weight: u8, seen: f64, fine: f64) {
        if seen > fine {
            self.0.push(ListReason {
                code,
                verdict,
                weight,
                seen,
                fine,
            });
        }
    }

    fn assessment(mut self) -> Assessment {
        self.0
            .sort_by_key(|reason| (std::cmp::Reverse(reason.weight), reason.code));
        let score = self
            .0
            .iter()
            .fold(0_u8, |score, reason| score.saturating_add(reason.weight))
            .min(100);
        let worst = self.0.iter().map(|reason| reason.verdict).max();
        Assessment {
            score,
            verdict: worst.unwrap_or(ListVerdict::Pass),
            reasons: self.0,
        }
    }
}

/// The day in UTC.
fn day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// FNV-1a (Fowler, Noll, Vo): names are told apart, not kept.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
