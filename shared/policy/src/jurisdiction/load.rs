//! From the tables' own shape to the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jiff::civil::{Date, Weekday};
use serde::Deserialize;

use super::{Country, Jurisdiction, Jurisdictions, Prefix, Sector, Zone};
use crate::content::Category;
use crate::quiet_hours::{EmptyWindowError, Holidays, SendWindow};

/// Reads both tables.
pub(super) fn tables(rows: &str, countries: &str) -> Result<Jurisdictions, LoadError> {
    let rows: RowTable = serde_json::from_str(rows).map_err(LoadError::Parse)?;
    let countries: CountryTable = serde_json::from_str(countries).map_err(LoadError::Parse)?;
    let jurisdictions = rows
        .rows
        .iter()
        .map(|row| rows.jurisdiction(row))
        .collect::<Result<Vec<_>, _>>()?;

    let mut strictest = SendWindow::try_from(&rows.defaults.send_window)?;
    for (row, jurisdiction) in rows.rows.iter().zip(&jurisdictions) {
        if row.sector.is_none() {
            strictest = strictest
                .intersect(&jurisdiction.window)
                .ok_or(EmptyWindowError)?;
        }
    }

    // Also names that no country lists, such as links.
    let names: BTreeSet<String> = jiff::tz::db()
        .available()
        .map(|name| name.as_str().to_owned())
        .chain(countries.countries.iter().flat_map(|row| row.zones.clone()))
        .collect();
    let names: Vec<String> = names.into_iter().collect();

    let mut owners = BTreeMap::<String, Vec<usize>>::new();
    let mut known = Vec::with_capacity(countries.countries.len());
    for (index, country) in countries.countries.into_iter().enumerate() {
        for prefix in country.prefixes {
            owners.entry(prefix).or_default().push(index);
        }
        known.push(Country {
            row: rows.row_of(&country.iso2, Sector::General)?,
            financial_row: rows.row_of(&country.iso2, Sector::FinancialServices)?,
            iso2: country.iso2,
            zone_indexes: country
                .zones
                .iter()
                .filter_map(|zone| names.binary_search(zone).ok())
                .collect(),
            zones: country.zones,
        });
    }
    Ok(Jurisdictions {
        as_of: rows.as_of,
        rows: jurisdictions,
        countries: known,
        prefixes: by_lead(&owners),
        zones: names
            .into_iter()
            .map(|name| Zone {
                name,
                rules: OnceLock::new(),
            })
            .collect(),
        strictest,
    })
}

/// For each first two digits, the prefixes that a number like that may have.
fn by_lead(owners: &BTreeMap<String, Vec<usize>>) -> Vec<Vec<Prefix>> {
    let like = |lead: usize| {
        let lead = format!("{lead:02}");
        let mut like: Vec<Prefix> = owners
            .iter()
            .filter(|(digits, _)| digits.starts_with(&lead) || lead.starts_with(digits.as_str()))
            .map(|(digits, countries)| Prefix {
                digits: digits.clone(),
                countries: countries.clone(),
            })
            .collect();
        like.sort_by_key(|prefix| std::cmp::Reverse(prefix.digits.len()));
        like
    };
    (0..100).map(like).collect()
}

/// A table that is not what the code expects.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("cannot parse a table")]
    Parse(#[source] serde_json::Error),
    #[error("a window is empty")]
    Window(#[from] EmptyWindowError),
    #[error("no row has the id `{0}`")]
    UnknownRow(String),
    #[error("row `{0}` lacks a value and extends none that has it")]
    Incomplete(String),
}

#[derive(Deserialize)]
struct RowTable {
    as_of: String,
    defaults: Defaults,
    rows: Vec<Row>,
    holidays: Vec<HolidayList>,
}

impl RowTable {
    fn jurisdiction(&self, row: &Row) -> Result<Jurisdiction, LoadError> {
        let base = match &row.extends {
            None => row,
            Some(id) => self
                .rows
                .iter()
                .find(|row| row.id == *id)
                .ok_or_else(|| LoadError::UnknownRow(id.clone()))?,
        };
        let incomplete = || LoadError::Incomplete(row.id.clone());
        let window = row
            .send_window
            .as_ref()
            .or(base.send_window.as_ref())
            .unwrap_or(&self.defaults.send_window);
        let needs = |what: &str| {
            [row, base]
                .iter()
                .any(|row| row.consent_needs.iter().any(|need| need == what))
        };
        let must_say = if row.must_say.is_empty() {
            &base.must_say
        } else {
            &row.must_say
        };
        Ok(Jurisdiction {
            id: row.id.clone(),
            window: self.window(window)?,
            window_source: window.source.clone(),
            quiet_categories: row
                .quiet_categories
                .as_ref()
                .or(base.quiet_categories.as_ref())
                .unwrap_or(&self.defaults.quiet_categories)
                .iter()
                .map(|code| Category::from_code(code).ok_or_else(incomplete))
                .collect::<Result<_, _>>()?,
            consent_days: self.defaults.consent_days,
            consent_source: row
                .consent_source
                .clone()
                .or_else(|| base.consent_source.clone())
                .ok_or_else(incomplete)?,
            needs_evidence: needs("evidence"),
            needs_notice: needs("notice"),
            may_ask_for_consent: row.consent_request_allowed && base.consent_request_allowed,
            needs_review: row.needs_review || base.needs_review,
            marketing_blocked: row
                .marketing_blocked
                .clone()
                .or_else(|| base.marketing_blocked.clone()),
            optout_hours: row
                .optout_hours
                .or(base.optout_hours)
                .ok_or_else(incomplete)?,
            access_hours: row.access_hours.or(base.access_hours),
            must_say: must_say.clone(),
        })
    }

    fn window(&self, window: &Window) -> Result<SendWindow, EmptyWindowError> {
        let mut built = SendWindow::try_from(window)?;
        if let Some(country) = &window.holidays {
            let mut holidays = Holidays::default();
            for list in self.holidays.iter().filter(|list| list.country == *country) {
                holidays.add(list.years.iter().copied(), list.dates.iter().copied());
            }
            built = built.closed_for(holidays);
        }
        Ok(built)
    }

    /// The most specific row: of the country and the sector, else of the
    /// country, else the one for the rest of the world.
    fn row_of(&self, iso2: &str, sector: Sector) -> Result<usize, LoadError> {
        let find = |iso2: &str, sector: Option<&str>| {
            self.rows.iter().position(|row| {
                row.sector.as_deref() == sector && row.iso2.iter().any(|known| known == iso2)
            })
        };
        find(iso2, Some(sector.code()))
            .or_else(|| find(iso2, None))
            .or_else(|| find("*", None))
            .ok_or_else(|| LoadError::UnknownRow("*".to_owned()))
    }
}

#[derive(Deserialize)]
struct Defaults {
    send_window: Window,
    quiet_categories: Vec<String>,
    consent_days: i64,
}

/// A row; what only people read (facts, status, uncertainties) is left out.
#[derive(Deserialize)]
struct Row {
    id: String,
    iso2: Vec<String>,
    extends: Option<String>,
    sector: Option<String>,
    send_window: Option<Window>,
    quiet_categories: Option<Vec<String>>,
    marketing_blocked: Option<String>,
    consent_source: Option<String>,
    #[serde(default)]
    consent_needs: Vec<String>,
    #[serde(default = "yes")]
    consent_request_allowed: bool,
    #[serde(default)]
    needs_review: bool,
    optout_hours: Option<u32>,
    access_hours: Option<u32>,
    #[serde(default)]
    must_say: Vec<String>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    from: String,
    until: String,
    source: String,
    #[serde(default)]
    days: Vec<Day>,
    holidays: Option<String>,
}

/// The window without its holidays.
impl TryFrom<&Window> for SendWindow {
    type Error = EmptyWindowError;

    fn try_from(window: &Window) -> Result<Self, EmptyWindowError> {
        let open: Vec<Weekday> = window.days.iter().copied().map(Weekday::from).collect();
        let closed = Weekday::Monday
            .cycle_forward()
            .take(7)
            .filter(|day| !open.is_empty() && !open.contains(day));
        Ok(Self::parse(&window.from, &window.until)?.closed_on(closed))
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<Day> for Weekday {
    fn from(day: Day) -> Self {
        match day {
            Day::Mon => Self::Monday,
            Day::Tue => Self::Tuesday,
            Day::Wed => Self::Wednesday,
            Day::Thu => Self::Thursday,
            Day::Fri => Self::Friday,
            Day::Sat => Self::Saturday,
            Day::Sun => Self::Sunday,
        }
    }
}

#[derive(Deserialize)]
struct HolidayList {
    country: String,
    years: Vec<i16>,
    dates: Vec<Date>,
}

#[derive(Deserialize)]
struct CountryTable {
    countries: Vec<CountryRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountryRow {
    iso2: String,
    prefixes: Vec<String>,
    zones: Vec<String>,
}
