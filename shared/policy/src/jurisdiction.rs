//! Which law a number falls under, and what it asks for.
//!
//! Two dated tables: `data/jurisdictions.json`, a row per body of law, and
//! `data/countries.json`, which countries a number may belong to and which
//! time zones those have. Where a number may belong to several countries, all
//! of them count. Engineering defaults, not legal advice: every row names its
//! sources and what is uncertain about it.

use std::sync::{LazyLock, OnceLock};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::content::Category;
use crate::phone::PhoneNumber;
use crate::quiet_hours::{self, SendWindow};

/// The rules of all jurisdictions, from the compiled-in tables.
#[derive(Debug)]
pub struct Jurisdictions {
    as_of: String,
    rows: Vec<Jurisdiction>,
    countries: Vec<Country>,
    /// By the first two digits of a number: the prefixes that begin like that,
    /// the longest first.
    prefixes: Vec<Vec<Prefix>>,
    /// In order of their names.
    zones: Vec<Zone>,
    /// What every general row allows, for numbers of no known country.
    strictest: SendWindow,
}

impl Jurisdictions {
    /// The compiled-in tables.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<Jurisdictions> = LazyLock::new(|| {
            load::tables(JURISDICTIONS, COUNTRIES)
                .expect("the compiled-in jurisdictions are well-formed")
        });
        &EMBEDDED
    }

    /// The day the rows were last reviewed, as `2026-11-24`.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// All rows, in the order of the table.
    pub fn rows(&self) -> &[Jurisdiction] {
        &self.rows
    }

    /// The countries that a number may belong to; none if its prefix is not
    /// assigned to any.
    pub fn countries(&self, phone: &PhoneNumber) -> impl Iterator<Item = &Country> + Clone {
        let digits = &phone.expose()[1..];
        let lead = digits.get(..2).and_then(|lead| lead.parse().ok());
        lead.and_then(|lead: usize| self.prefixes.get(lead))
            .and_then(|like| {
                like.iter()
                    .find(|prefix| digits.starts_with(&prefix.digits))
            })
            .map_or(&[][..], |prefix| &prefix.countries)
            .iter()
            .map(|index| &self.countries[*index])
    }

    /// The rows that hold for a number and a sector: one for each country it
    /// may belong to.
    pub fn of(
        &self,
        phone: &PhoneNumber,
        sector: Sector,
    ) -> impl Iterator<Item = &Jurisdiction> + Clone {
        self.countries(phone)
            .map(move |country| self.row(country, sector))
    }

    /// Whether `iso2` is a country of the table, by ISO 3166-1 alpha-2 code.
    pub fn has_country(&self, iso2: &str) -> bool {
        self.countries.iter().any(|country| country.iso2 == iso2)
    }

    /// The row that holds in a country for a sector.
    pub fn row(&self, country: &Country, sector: Sector) -> &Jurisdiction {
        &self.rows[match sector {
            Sector::General => country.row,
            Sector::FinancialServices => country.financial_row,
        }]
    }

    /// The first moment at or after `now` at which a marketing message is not
    /// in anybody's quiet hours: in the person's zone where it is known, else
    /// in every zone of every country that the number may belong to.
    ///
    /// `narrower` is a window of the tenant's own, which can only shorten what
    /// the law allows. `None` means that no such moment comes soon, or that
    /// nothing is known of where the person is: then nothing is sent.
    pub fn first_open(
        &self,
        phone: &PhoneNumber,
        zone: Option<&str>,
        sector: Sector,
        narrower: Option<&SendWindow>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        match zone.and_then(|name| self.zone(name)) {
            Some(zone) => self.first_open_in(phone, zone, sector, narrower, now),
            None => self.first_open_anywhere(phone, sector, narrower, now),
        }
    }

    fn first_open_in(
        &self,
        phone: &PhoneNumber,
        zone: &TimeZone,
        sector: Sector,
        narrower: Option<&SendWindow>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let rows = self.of(phone, sector).map(|row| &row.window);
        let strictest = rows.clone().next().is_none().then_some(&self.strictest);
        let windows = rows.chain(strictest).chain(narrower);
        quiet_hours::first_open(now, windows.map(|window| (window, zone)))
    }

    fn first_open_anywhere(
        &self,
        phone: &PhoneNumber,
        sector: Sector,
        narrower: Option<&SendWindow>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let places = self.countries(phone).flat_map(move |country| {
            let window = &self.row(country, sector).window;
            let zones = country.zone_indexes.iter();
            let zones = zones.filter_map(|index| self.zones[*index].get());
            zones.flat_map(move |zone| {
                std::iter::once(window)
                    .chain(narrower)
                    .map(move |window| (window, zone))
            })
        });
        places.clone().next()?;
        quiet_hours::first_open(now, places)
    }

    fn zone(&self, name: &str) -> Option<&TimeZone> {
        let at = self
            .zones
            .binary_search_by(|zone| zone.name.as_str().cmp(name));
        self.zones[at.ok()?].get()
    }
}

/// The beginning of a number, and the countries that share it.
#[derive(Debug)]
struct Prefix {
    digits: String,
    countries: Vec<usize>,
}

/// One body of law, or a stricter rule for one sector within it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jurisdiction {
    id: String,
    window: SendWindow,
    window_source: String,
    quiet_categories: Vec<Category>,
    consent_days: i64,
    consent_source: String,
    needs_evidence: bool,
    needs_notice: bool,
    may_ask_for_consent: bool,
    needs_review: bool,
    marketing_blocked: Option<String>,
    optout_hours: u32,
    access_hours: Option<u32>,
    must_say: Vec<String>,
}

impl Jurisdiction {
    /// A stable code: `ID`, `ID-FIN`, `EU`, …, `DEFAULT`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When messages with quiet hours may arrive, in local time.
    pub fn window(&self) -> &SendWindow {
        &self.window
    }

    /// Whether messages of a category have quiet hours; as a rule only
    /// marketing has.
    pub fn is_quiet_for(&self, category: Category) -> bool {
        self.quiet_categories.contains(&category)
    }

    /// The rule that [`Jurisdiction::window`] rests on.
    pub fn window_source(&self) -> &str {
        &self.window_source
    }

    /// How long a consent lasts at most.
    pub fn consent_lasts(&self) -> SignedDuration {
        SignedDuration::from_hours(self.consent_days.saturating_mul(24))
    }

    /// The rule that consent to marketing rests on.
    pub fn consent_source(&self) -> &str {
        &self.consent_source
    }

    /// Whether marketing needs a consent whose proof is at hand.
    pub fn needs_evidence(&self) -> bool {
        self.needs_evidence
    }

    /// Whether marketing needs a consent to a known wording.
    pub fn needs_notice(&self) -> bool {
        self.needs_notice
    }

    /// Whether a person without consent may be asked for it by message.
    pub fn may_ask_for_consent(&self) -> bool {
        self.may_ask_for_consent
    }

    /// Whether nobody has reviewed this law, so that the tenant confirms it
    /// did before marketing goes there.
    pub fn needs_review(&self) -> bool {
        self.needs_review
    }

    /// Why no marketing goes there at all, where none does.
    pub fn marketing_blocked(&self) -> Option<&str> {
        self.marketing_blocked.as_deref()
    }

    /// Hours within which an opt-out must take effect.
    pub fn optout_hours(&self) -> u32 {
        self.optout_hours
    }

    /// Hours within which a request for access is answered, where known.
    pub fn access_hours(&self) -> Option<u32> {
        self.access_hours
    }

    /// What a marketing message must say, as stable words: `sender`,
    /// `how_to_stop`, ….
    pub fn must_say(&self) -> &[String] {
        &self.must_say
    }
}

/// A country or area with a numbering plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Country {
    iso2: String,
    zones: Vec<String>,
    zone_indexes: Vec<usize>,
    row: usize,
    financial_row: usize,
}

impl Country {
    /// ISO 3166-1 alpha-2 code.
    pub fn iso2(&self) -> &str {
        &self.iso2
    }

    /// Its time zones, by their IANA names.
    pub fn zones(&self) -> &[String] {
        &self.zones
    }
}

/// What kind of business the tenant is; some sectors have stricter rules.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Sector {
    /// Banks, insurers, lenders and the like.
    FinancialServices,
    /// Everybody else.
    #[default]
    General,
}

impl Sector {
    /// A stable code for storage and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::FinancialServices => "financial_services",
            Self::General => "general",
        }
    }

    /// The sector a stored code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::FinancialServices, Self::General]
            .into_iter()
            .find(|sector| sector.code() == code)
    }
}

/// A time zone that is looked up when first asked for.
#[derive(Debug)]
struct Zone {
    name: String,
    rules: OnceLock<Option<TimeZone>>,
}

impl Zone {
    fn get(&self) -> Option<&TimeZone> {
        self.rules
            .get_or_init(|| TimeZone::get(&self.name).ok())
            .as_ref()
    }
}

const JURISDICTIONS: &str = include_str!("../data/jurisdictions.json");
const COUNTRIES: &str = include_str!("../data/countries.json");

mod load;

#[cfg(test)]
mod tests;
