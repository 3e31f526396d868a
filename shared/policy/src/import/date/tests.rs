use proptest::prelude::*;

use super::*;

fn jakarta() -> TimeZone {
    TimeZone::get("Asia/Jakarta").unwrap()
}

/// Reads in Jakarta, day first, and shows the moment there.
fn read(text: &str) -> Result<String, DateProblem> {
    let at = parse(text, None, DateOrder::DayFirst, &jakarta())?;
    Ok(at
        .to_zoned_datetime(jakarta())
        .datetime()
        .to_string()
        .replace('T', " "))
}

#[test]
fn one_day_in_many_spellings() {
    for text in [
        "2026-01-05",
        "2026/1/5",
        "2026.01.05",
        "05/01/2026",
        "5/1/2026",
        "05-01-2026",
        "05.01.2026",
        "5/1/26",
        "5 Jan 2026",
        "05-Jan-2026",
        "5-Jan-26",
        "5 Januari 2026",
        "5 januari, 2026",
        "5th January 2026",
        "January 5, 2026",
        "Jan. 5 2026",
        "Jan-05-2026",
        "2026-Jan-05",
        "Senin, 5 Januari 2026",
        "Mon 5 Jan 2026",
        "tgl 5 Jan 2026",
        "46027",
        "20260105",
        "2026-01-05T00:00:00+07:00",
        "2026-01-04T17:00:00Z",
        "1767546000",
        "1767546000000",
    ] {
        assert_eq!(read(text).as_deref(), Ok("2026-01-05 00:00:00"), "{text}");
    }
}

#[test]
fn one_time_in_many_spellings() {
    for text in [
        "2026-01-05 22:32",
        "2026-01-05T22:32",
        "2026-01-05 22:32:00",
        "2026-01-05 22:32:00.999",
        "2026-01-05T22:32:00+0700",
        "2026-01-05T22:32:00 +07:00",
        "2026-01-05 15:32 UTC",
        "2026-01-05 15:32:00 GMT",
        "2026-01-05 22:32 WIB",
        "2026-01-05 23:32 WITA",
        "2026-01-06 00:32 (WIT)",
        "2026-01-05 22:32 GMT+7",
        "2026-01-05 22:32 UTC+07:00",
        "2026-01-05 22:32+07:00",
        "5/1/2026 22:32",
        "5/1/2026 22.32",
        "5/1/2026, 22.32.00",
        "5/1/2026 10:32 PM",
        "5/1/2026 10:32pm",
        "5 Januari 2026 pukul 22.32 WIB",
        "Mon, 05 Jan 2026 22:32:00 +0700",
        "Mon Jan 5 22:32:00 2026",
    ] {
        assert_eq!(read(text).as_deref(), Ok("2026-01-05 22:32:00"), "{text}");
    }
}

#[test]
fn every_month_in_two_languages() {
    let months = [
        ["January", "Januari"],
        ["Feb", "Februari"],
        ["March", "Maret"],
        ["April", "Apr"],
        ["May", "Mei"],
        ["June", "Juni"],
        ["July", "Juli"],
        ["August", "Agustus"],
        ["Sept", "September"],
        ["October", "Okt"],
        ["Nov", "Nopember"],
        ["Dec", "Desember"],
    ];
    for (index, names) in months.into_iter().enumerate() {
        for name in names {
            let expected = format!("2026-{:02}-17 00:00:00", index + 1);
            assert_eq!(read(&format!("17 {name} 2026")), Ok(expected), "{name}");
        }
    }
}

#[test]
fn what_is_no_date_is_not_guessed() {
    for text in [
        "",
        "-",
        "kemarin",
        "2026",
        "01/2026",
        "31/02/2026",
        "00/00/0000",
        "2026-13-01",
        "2026-02-30",
        "5 Foo 2026",
        "5 Jan",
        "Jan 2026",
        "5 6 7 2026",
        "5 Jan Feb 2026",
        "2026-01-05 25:00",
        "2026-01-05 10:61",
        "2026-01-05 10:32 Mars",
        "05/01/2026 13:00 PM",
        "2026-01-05T10:32:00+99:00",
        "1/1/1",
        "123456789012345",
        "1e5",
        "2026-01-05 10:32 10:33",
        "5/1/2026/7",
        "2026-01-05 2026-01-06",
    ] {
        assert_eq!(read(text), Err(DateProblem::Invalid), "{text}");
    }
}

#[test]
fn the_order_is_the_callers() {
    let us = |text| parse(text, None, DateOrder::MonthFirst, &TimeZone::UTC);
    assert_eq!(read("03/04/2026").as_deref(), Ok("2026-04-03 00:00:00"));
    assert_eq!(
        us("03/04/2026"),
        Ok("2026-03-04T00:00:00Z".parse().unwrap())
    );
    assert_eq!(read("12/31/2026"), Err(DateProblem::Order));
    assert_eq!(us("31/12/2026"), Err(DateProblem::Order));
}

#[test]
fn a_clock_of_its_own() {
    let at = |date, clock| parse(date, Some(clock), DateOrder::DayFirst, &TimeZone::UTC);
    let expected = Ok("2026-01-05T22:32:00Z".parse().unwrap());
    for (date, clock) in [
        ("05/01/2026", "22.32"),
        ("05/01/2026", "22:32"),
        ("05/01/2026", "10:32 PM"),
        ("46027", "22:32"),
        ("5 Jan 2026", "0.9388888889"),
        ("2026-01-05", "pukul 22.32"),
    ] {
        assert_eq!(at(date, clock), expected, "{date} {clock}");
    }
    assert_eq!(at("05/01/2026", "nanti"), Err(DateProblem::Invalid));
}

#[test]
fn a_spreadsheets_fraction_is_a_time() {
    assert_eq!(read("46027.4375").as_deref(), Ok("2026-01-05 10:30:00"));
    assert_eq!(read("46027,4375").as_deref(), Ok("2026-01-05 10:30:00"));
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,40}", clock in proptest::option::of("\\PC{0,12}")) {
        let _ = parse(&text, clock.as_deref(), DateOrder::DayFirst, &jakarta());
    }

    #[test]
    fn never_panics_near_dates(text in "[0-9]{1,5}[-/. ]?[0-9a-zA-Z]{0,9}[-/. ,]?[0-9]{0,13}[ T]?[0-9:.+apmZ-]{0,14}") {
        let _ = parse(&text, None, DateOrder::MonthFirst, &jakarta());
        let _ = parse("5/1/2026", Some(&text), DateOrder::DayFirst, &jakarta());
    }

    #[test]
    fn the_short_way_agrees_with_the_long_one(second in 0_i64..4_000_000_000) {
        let moment = Timestamp::from_second(second).unwrap();
        let local = moment.to_zoned_datetime(jakarta()).datetime();
        let short = parse(&local.to_string().replace('T', " "), None, DateOrder::DayFirst, &jakarta());
        let words = format!("{} {} {} {}", local.day(), text_of(local.month()), local.year(), local.time());
        let long = parse(&words, None, DateOrder::DayFirst, &jakarta());
        prop_assert_eq!(short, Ok(moment));
        prop_assert_eq!(long, Ok(moment));
    }
}

fn text_of(month: i8) -> &'static str {
    [
        "Januari",
        "Februari",
        "Maret",
        "April",
        "Mei",
        "Juni",
        "Juli",
        "Agustus",
        "September",
        "Oktober",
        "November",
        "Desember",
    ][month as usize - 1]
}
