use jiff::Timestamp;
use proptest::prelude::*;

use super::{HourlyCalls, PairLimit, ThroughputWindow, TierWindow};
use crate::config::Tier;
use crate::wa_id::WaId;

fn ms(at: i64) -> Timestamp {
    Timestamp::from_millisecond(1_764_000_000_000 + at).unwrap()
}

fn person(n: u32) -> WaId {
    WaId::parse(&format!("+628110000{n:04}")).unwrap()
}

proptest! {
    /// A request is admitted exactly when fewer than the limit were counted in
    /// the second that ends with it.
    #[test]
    fn the_window_agrees_with_counting_by_hand(
        gaps in prop::collection::vec((0_i64..400, any::<bool>()), 1..200),
        limit in 1_u32..12,
    ) {
        let mut window = ThroughputWindow::new(limit);
        let mut counted: Vec<i64> = Vec::new();
        let mut at = 0;
        for (gap, inbound) in gaps {
            at += gap;
            let in_last_second = counted.iter().filter(|t| at - **t < 1_000).count();
            if inbound {
                window.count(ms(at));
                counted.push(at);
            } else {
                let admitted = window.admit(ms(at));
                prop_assert_eq!(admitted, in_last_second < limit as usize);
                if admitted {
                    counted.push(at);
                }
            }
        }
    }
}

#[test]
fn a_pair_pays_back_what_it_borrowed() {
    let mut pairs = PairLimit::default();
    for n in 0..20 {
        assert!(pairs.admit(&person(1), ms(n)), "message {n} of the burst");
    }
    assert!(!pairs.admit(&person(1), ms(6_000)));
    assert!(!pairs.admit(&person(1), ms(119_999)));
    assert!(pairs.admit(&person(2), ms(6_000)), "others are unaffected");
    assert!(pairs.admit(&person(1), ms(120_000)));
}

#[test]
fn a_burst_ends_at_45() {
    let mut pairs = PairLimit::default();
    let admitted = (0..60).filter(|n| pairs.admit(&person(1), ms(*n))).count();
    assert_eq!(admitted, 45);
}

#[test]
fn a_steady_pair_sends_every_six_seconds() {
    let mut pairs = PairLimit::default();
    assert!((0..100).all(|n| pairs.admit(&person(1), ms(n * 6_000))));
}

#[test]
fn a_tier_counts_people_for_24_hours() {
    const DAY: i64 = 24 * 3_600_000;
    let mut tier = TierWindow::new(Tier::Limited(2));
    for (n, at) in [(1, 0), (2, 1_000)] {
        assert!(tier.has_room(&person(n), ms(at)));
        tier.count(&person(n), ms(at));
    }
    assert!(!tier.has_room(&person(3), ms(2_000)));
    assert!(tier.has_room(&person(1), ms(2_000)), "known already");
    assert!(!tier.has_room(&person(3), ms(DAY - 1)));
    assert!(tier.has_room(&person(3), ms(DAY)), "the first has left");
}

#[test]
fn calls_are_counted_by_the_hour() {
    let mut calls = HourlyCalls::new(2);
    assert!(calls.admit(ms(0)));
    assert!(calls.admit(ms(1)));
    assert!(!calls.admit(ms(3_599_999)));
    assert!(calls.admit(ms(3_600_000)));
}
