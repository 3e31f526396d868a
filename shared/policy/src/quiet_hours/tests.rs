use jiff::civil::{date, time};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn day() -> SendWindow {
    SendWindow::parse("08:00", "20:00").unwrap()
}

/// The first good moment for `window` in all of `zones`, as text.
fn opens(window: &SendWindow, zones: &[&str], now: &str) -> String {
    let zones: Vec<TimeZone> = zones.iter().map(|name| zone(name)).collect();
    first_open(at(now), zones.iter().map(|zone| (window, zone)))
        .map_or_else(|| "never".to_owned(), |moment| moment.to_string())
}

#[test]
fn the_ends_are_exact() {
    let jakarta = ["Asia/Jakarta"];
    for (now, first) in [
        ("2026-11-24T00:59:59Z", "2026-11-24T01:00:00Z"),
        ("2026-11-24T01:00:00Z", "2026-11-24T01:00:00Z"),
        ("2026-11-24T12:59:59Z", "2026-11-24T12:59:59Z"),
        ("2026-11-24T13:00:00Z", "2026-11-25T01:00:00Z"),
    ] {
        assert_eq!(opens(&day(), &jakarta, now), first, "{now}");
    }
}

#[test]
fn an_unknown_zone_of_indonesia_is_all_three() {
    let all = ["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"];
    // 08:00 in Jakarta is 10:00 in Jayapura, and 18:00 in Jakarta is 20:00 there.
    assert_eq!(
        opens(&day(), &all, "2026-11-23T23:00:00Z"),
        "2026-11-24T01:00:00Z"
    );
    assert_eq!(
        opens(&day(), &all, "2026-11-24T10:59:59Z"),
        "2026-11-24T10:59:59Z"
    );
    assert_eq!(
        opens(&day(), &all, "2026-11-24T11:00:00Z"),
        "2026-11-25T01:00:00Z"
    );
}

#[test]
fn sundays_and_holidays_are_quiet() {
    let mut holidays = Holidays::default();
    holidays.add([2026], [date(2026, 11, 23)]);
    let window = SendWindow::parse("08:00", "18:00")
        .unwrap()
        .closed_on([Weekday::Sunday])
        .closed_for(holidays);
    // Saturday evening; Monday is a holiday.
    assert_eq!(
        opens(&window, &["Asia/Jakarta"], "2026-11-21T11:00:00Z"),
        "2026-11-24T01:00:00Z"
    );
    assert_eq!(
        opens(&window, &["Asia/Jakarta"], "2026-12-31T11:00:00Z"),
        "never",
        "nobody knows the holidays of the next year"
    );
}

#[test]
fn a_changed_clock_opens_on_time() {
    // In 2026 New York's clocks go forward on 8 March and back on 1 November.
    let new_york = ["America/New_York"];
    assert_eq!(
        opens(&day(), &new_york, "2026-03-08T03:00:00Z"),
        "2026-03-08T12:00:00Z"
    );
    assert_eq!(
        opens(&day(), &new_york, "2026-11-01T03:00:00Z"),
        "2026-11-01T13:00:00Z"
    );
    let night = SendWindow::parse("01:30", "02:30").unwrap();
    assert_eq!(
        opens(&night, &new_york, "2026-11-01T06:05:00Z"),
        "2026-11-01T06:30:00Z",
        "the second 01:30 of that night"
    );
    assert_eq!(
        opens(
            &SendWindow::parse("02:10", "02:40").unwrap(),
            &new_york,
            "2026-03-08T05:00:00Z"
        ),
        "2026-03-09T06:10:00Z",
        "the hour does not exist on that day"
    );
}

#[test]
fn windows_that_never_meet_never_open() {
    assert_eq!(
        opens(
            &SendWindow::parse("08:00", "10:00").unwrap(),
            &["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/London"],
            "2026-11-24T00:00:00Z"
        ),
        "never"
    );
}

#[test]
fn an_empty_window_cannot_be_built() {
    assert_eq!(
        SendWindow::new(time(20, 0, 0, 0), time(8, 0, 0, 0)),
        Err(EmptyWindowError)
    );
    assert_eq!(
        SendWindow::parse("8 o'clock", "20:00"),
        Err(EmptyWindowError)
    );
}

fn any_zone() -> impl Strategy<Value = TimeZone> {
    prop::sample::select(vec![
        "Asia/Jakarta",
        "Asia/Makassar",
        "Asia/Jayapura",
        "Asia/Kolkata",
        "Europe/London",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Apia",
    ])
    .prop_map(zone)
}

fn any_window() -> impl Strategy<Value = SendWindow> {
    (0_i8..23, 0_i8..60, 1_i8..24, 0_usize..3).prop_filter_map(
        "a window opens before it shuts",
        |(from, minute, hours, closed)| {
            let until = from.checked_add(hours).filter(|until| *until < 24)?;
            let window = SendWindow::new(time(from, minute, 0, 0), time(until, 59, 0, 0)).ok()?;
            let days = Weekday::Saturday.cycle_forward().take(closed);
            Some(window.closed_on(days))
        },
    )
}

proptest! {
    #[test]
    fn a_good_moment_is_good_in_every_zone_and_the_first(
        second in 1_500_000_000_i64..2_000_000_000,
        places in prop::collection::vec((any_window(), any_zone()), 1..5),
        probe in 0.0_f64..1.0,
    ) {
        let now = Timestamp::from_second(second).unwrap();
        let places: Vec<(SendWindow, TimeZone)> = places;
        let is_good = |moment: Timestamp| {
            places.iter().all(|(window, zone)| window.contains(zone.to_datetime(moment)))
        };
        let found = first_open(now, places.iter().map(|(window, zone)| (window, zone)));
        match found {
            Some(moment) => {
                prop_assert!(moment >= now);
                prop_assert!(is_good(moment));
                prop_assert_eq!(moment == now, is_good(now));
                // No earlier moment is: one probe, anywhere before.
                let between = moment.duration_since(now).mul_f64(probe);
                let earlier = now.saturating_add(between).unwrap();
                prop_assert!(earlier == moment || !is_good(earlier));
            }
            None => prop_assert!(!is_good(now)),
        }
    }
}
