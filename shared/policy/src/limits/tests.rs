use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + seconds).unwrap()
}

#[test]
fn names_read_as_the_table_says() {
    let limits = Limits::embedded();
    assert_eq!(limits.throughput("STANDARD"), 80);
    assert_eq!(limits.throughput("HIGH"), 1_000);
    assert_eq!(limits.throughput("something new"), 80);
    assert_eq!(limits.tier("TIER_2K").people, Some(2_000));
    assert_eq!(limits.tier("TIER_UNLIMITED").people, None);
    assert_eq!(limits.tier("something new").people, Some(250));
    assert_eq!(limits.broadcast_list().people, 256);
}

#[test]
fn a_campaign_is_at_fault_once_its_refusals_are_many_and_half_of_all() {
    let limits = Limits::embedded();
    for (refused, answered, at_fault) in [
        (0, 0, false),
        (9, 9, false),
        (10, 10, true),
        (10, 20, true),
        (10, 21, false),
        (50, 100, true),
    ] {
        assert_eq!(
            limits.is_at_fault(refused, answered),
            at_fault,
            "{refused} of {answered}"
        );
    }
}

#[test]
fn a_cap_opens_when_the_oldest_ages_out() {
    let cap = FrequencyCap {
        purpose: Purpose::marketing(),
        most: 2,
        within: SignedDuration::from_secs(100),
    };
    assert_eq!(cap.opens([at(0)].into_iter(), at(10)), at(10));
    assert_eq!(cap.opens([at(0), at(5)].into_iter(), at(10)), at(100));
    assert_eq!(
        cap.opens([at(0), at(5), at(9)].into_iter(), at(10)),
        at(105)
    );
    let none = FrequencyCap {
        most: 0,
        ..cap.clone()
    };
    assert_eq!(none.opens(std::iter::empty(), at(10)), Timestamp::MAX);
}

#[test]
fn a_cool_down_lasts_a_day() {
    assert_eq!(cool_down(None, at(0)), at(0));
    assert_eq!(cool_down(Some(at(0)), at(3_600)), at(86_400));
    assert_eq!(cool_down(Some(at(0)), at(90_000)), at(90_000));
}

proptest! {
    #[test]
    fn no_span_holds_more_than_the_cap(
        most in 1_u16..6,
        within in 1_i64..500,
        wishes in prop::collection::vec(0_i64..100, 1..60),
    ) {
        let cap = FrequencyCap { purpose: Purpose::marketing(), most, within: SignedDuration::from_secs(within) };
        let mut sent: Vec<Timestamp> = Vec::new();
        let mut now = at(0);
        for wish in wishes {
            now = add(now, SignedDuration::from_secs(wish));
            now = cap.opens(sent.iter().copied(), now);
            sent.push(now);
        }
        for span in sent.windows(usize::from(most) + 1) {
            let first = span[0];
            let last = span[usize::from(most)];
            prop_assert!(last.duration_since(first) >= cap.within);
        }
    }

    #[test]
    fn no_span_holds_more_than_the_pair_limit(
        burst in 1_u16..12,
        wishes in prop::collection::vec(0_i64..20, 1..80),
    ) {
        let pair = PairLimit { interval: SignedDuration::from_secs(6), burst };
        let mut sent: Vec<Timestamp> = Vec::new();
        let mut now = at(0);
        for wish in wishes {
            now = add(now, SignedDuration::from_secs(wish));
            now = pair.opens(sent.iter().copied(), now);
            sent.push(now);
        }
        // n messages take at least (n - burst) intervals.
        for first in 0..sent.len() {
            for last in first..sent.len() {
                let n = i64::try_from(last - first).unwrap() + 1;
                let span = sent[last].duration_since(sent[first]).as_secs();
                prop_assert!(span >= (n - i64::from(burst)) * 6, "{n} in {span} s");
            }
        }
    }

    #[test]
    fn no_sliding_day_passes_the_tier(
        most in 1_u32..50,
        steps in prop::collection::vec((-600_i64..40_000, 1_u32..30, any::<bool>(), 0_i64..=300), 1..60),
        probe in 0_i64..1_000_000,
    ) {
        let tier = Tier { people: Some(most) };
        let mut buckets = TierBuckets::default();
        let mut sent: Vec<(Timestamp, u32)> = Vec::new();
        let mut now = at(0);
        for (step, wanted, give_back, late) in steps {
            now = add(now, SignedDuration::from_secs(step));
            match buckets.reserve(tier, now, wanted) {
                Ok(granted) => {
                    prop_assert!(granted <= wanted);
                    let unused = if give_back { granted / 2 } else { 0 };
                    buckets.give_back(TierBuckets::bucket(now), unused);
                    sent.push((add(now, SignedDuration::from_secs(late)), granted - unused));
                }
                Err(TierFull { until }) => {
                    prop_assert!(until > now);
                    prop_assert!(buckets.room(tier, until) > 0);
                }
            }
        }
        let starts = sent.iter().map(|(moment, _)| *moment).chain([at(probe)]);
        for start in starts {
            let end = add(start, SignedDuration::from_hours(24));
            let day: u32 = sent
                .iter()
                .filter(|(moment, _)| start <= *moment && *moment < end)
                .map(|(_, people)| people)
                .sum();
            prop_assert!(day <= most, "{day} in one day");
        }
    }

    #[test]
    fn trimming_changes_no_answer(
        reserved in prop::collection::vec((0_i64..200_000, 1_u32..10), 0..40),
        later in 0_i64..100_000,
    ) {
        let tier = Tier { people: Some(60) };
        let mut buckets = TierBuckets::default();
        let mut last = at(0);
        for (moment, people) in reserved {
            if buckets.reserve(tier, at(moment), people).is_ok() {
                last = last.max(at(moment));
            }
        }
        let now = add(last, SignedDuration::from_secs(later));
        let before = buckets.room(tier, now);
        buckets.trim(now);
        prop_assert_eq!(buckets.room(tier, now), before);
        let stored = TierBuckets::from_entries(buckets.entries());
        prop_assert_eq!(stored, buckets);
    }
}

#[test]
fn a_tier_is_announced_by_name_or_by_number() {
    let limits = Limits::embedded();
    for (text, wanted) in [
        ("TIER_10K", Some("TIER_10K")),
        ("TIER_UNLIMITED", Some("TIER_UNLIMITED")),
        ("2000", Some("TIER_2K")),
        (" 100000 ", Some("TIER_100K")),
        ("-1", Some("TIER_UNLIMITED")),
        ("9999", Some("TIER_2K")),
        ("5000000", Some("TIER_100K")),
        ("49", None),
        ("0", None),
        ("-2", None),
        ("TIER_9Z", None),
        ("", None),
    ] {
        assert_eq!(limits.tier_announced(text), wanted, "{text}");
    }
}
