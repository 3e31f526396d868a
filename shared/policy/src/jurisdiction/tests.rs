use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::parse_e164(text).unwrap()
}

/// The rows and the countries of a number.
fn places(number: &str) -> String {
    let rules = Jurisdictions::embedded();
    let phone = phone(number);
    let countries: Vec<&str> = rules.countries(&phone).map(Country::iso2).collect();
    let rows: Vec<&str> = rules
        .of(&phone, Sector::General)
        .map(Jurisdiction::id)
        .collect();
    format!("{} by {}", countries.join(" "), rows.join(" "))
}

#[test]
fn a_number_belongs_to_the_longest_prefix() {
    assert_snapshot!(places("+6281234567890"), @"ID by ID");
    assert_snapshot!(places("+14155550123"), @"US by US");
    assert_snapshot!(places("+14165550123"), @"CA by CA");
    assert_snapshot!(places("+18765550123"), @"JM by DEFAULT");
    assert_snapshot!(places("+17875550123"), @"PR by US");
    assert_snapshot!(places("+447911123456"), @"GB GG IM JE by GB GB GB GB");
    assert_snapshot!(places("+77011234567"), @"KZ by DEFAULT");
    assert_snapshot!(places("+79161234567"), @"RU by DEFAULT");
    assert_snapshot!(places("+4915112345678"), @"DE by EU");
    assert_snapshot!(places("+88213300001"), @" by ");
}

/// The first good moment from one evening in Jakarta.
fn opens(number: &str, zone: Option<&str>, sector: Sector) -> String {
    Jurisdictions::embedded()
        .first_open(
            &phone(number),
            zone,
            sector,
            None,
            at("2026-11-28T12:30:00Z"),
        )
        .map_or_else(|| "never".to_owned(), |moment| moment.to_string())
}

#[test]
fn the_zone_of_the_person_counts_and_else_all_of_the_country() {
    use Sector::{FinancialServices, General};

    let id = "+6281234567890";
    // Saturday 19:30 in Jakarta, 21:30 in Jayapura.
    assert_snapshot!(opens(id, Some("Asia/Jakarta"), General), @"2026-11-28T12:30:00Z");
    assert_snapshot!(opens(id, Some("Asia/Jayapura"), General), @"2026-11-28T23:00:00Z");
    assert_snapshot!(opens(id, None, General), @"2026-11-29T01:00:00Z");
    assert_snapshot!(opens(id, Some("Mars/Olympus"), General), @"2026-11-29T01:00:00Z");
    // Banks have no Sunday.
    assert_snapshot!(opens(id, Some("Asia/Jakarta"), FinancialServices), @"2026-11-30T01:00:00Z");
    assert_snapshot!(opens(id, None, FinancialServices), @"2026-11-30T01:00:00Z");
    // A number of no country: nothing is known of where it is, and where the
    // zone is known the strictest window counts, which opens at 10:00.
    assert_snapshot!(opens("+88213300001", None, General), @"never");
    assert_snapshot!(opens("+88213300001", Some("Asia/Jayapura"), General), @"2026-11-29T01:00:00Z");
}

#[test]
fn a_tenant_can_only_shorten_the_day() {
    let rules = Jurisdictions::embedded();
    let id = phone("+6281234567890");
    let zone = Some("Asia/Jakarta");
    let first = |narrower: &SendWindow, now| {
        rules.first_open(&id, zone, Sector::General, Some(narrower), at(now))
    };
    let short = SendWindow::parse("10:00", "12:00").unwrap();
    let long = SendWindow::parse("00:00", "23:59").unwrap();
    assert_eq!(
        first(&short, "2026-11-28T06:00:00Z"),
        Some(at("2026-11-29T03:00:00Z"))
    );
    assert_eq!(
        first(&long, "2026-11-28T14:00:00Z"),
        Some(at("2026-11-29T01:00:00Z"))
    );
}

#[test]
fn rows_read_as_the_table_says() {
    let rules = Jurisdictions::embedded();
    let row = |id: &str| rules.rows().iter().find(|row| row.id() == id).unwrap();
    assert!(row("US").marketing_blocked().is_some());
    assert!(row("ID").marketing_blocked().is_none());
    assert_eq!(row("ID-FIN").optout_hours(), row("ID").optout_hours());
    assert_eq!(row("ID-FIN").access_hours(), Some(72));
    assert!(row("DEFAULT").needs_review() && !row("ID").needs_review());
    assert!(row("IN").needs_notice() && row("IN").needs_evidence());
    assert!(!row("SG").may_ask_for_consent());
    assert_eq!(
        row("ID").consent_lasts(),
        SignedDuration::from_hours(730 * 24)
    );
    assert_eq!(rules.as_of().len(), 10);
}

/// Every row says where it comes from, and every zone exists.
#[test]
fn the_tables_are_whole() {
    let table: serde_json::Value = serde_json::from_str(JURISDICTIONS).unwrap();
    for row in table["rows"].as_array().unwrap() {
        assert!(
            row["uncertain"].is_array() && row["status"].is_string(),
            "{row}"
        );
        let said = |row: &serde_json::Value, key: &str| row.get(key).is_some();
        assert!(said(row, "consent_source") || said(row, "extends"), "{row}");
        assert!(!said(row, "send_window") || row["send_window"]["source"].is_string());
        assert!(!said(row, "optout_hours") || row["optout_source"].is_string());
        assert!(!said(row, "must_say") || row["must_say_source"].is_string());
    }
    let rules = Jurisdictions::embedded();
    for country in &rules.countries {
        assert!(!country.zones.is_empty(), "{}", country.iso2);
        for zone in &country.zones {
            assert!(rules.zone(zone).is_some(), "{zone}");
        }
    }
}

proptest! {
    /// From any country, at any time: what is allowed is allowed in every
    /// zone that the person may be in.
    #[test]
    fn nobody_is_woken(
        second in 1_700_000_000_i64..1_830_000_000,
        country in 0_usize..1000,
        financial: bool,
    ) {
        let rules = Jurisdictions::embedded();
        let now = Timestamp::from_second(second).unwrap();
        let country = &rules.countries[country % rules.countries.len()];
        let prefix = rules.prefixes.iter().flatten().find(|prefix| {
            prefix.countries.iter().any(|owner| rules.countries[*owner] == *country)
        });
        let Prefix { digits, countries: owners } = prefix.unwrap();
        let phone = phone(&format!("+{digits}{:0<1$}", "", 11 - digits.len()));
        let sector = if financial { Sector::FinancialServices } else { Sector::General };
        if let Some(moment) = rules.first_open(&phone, None, sector, None, now) {
            prop_assert!(moment >= now);
            for owner in owners {
                let owner = &rules.countries[*owner];
                let window = rules.row(owner, sector).window();
                for zone in &owner.zones {
                    let zone = TimeZone::get(zone).unwrap();
                    prop_assert!(window.contains(zone.to_datetime(moment)));
                }
            }
        }
    }
}
