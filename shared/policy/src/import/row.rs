//! One row of a file becomes a candidate, or reasons why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::claim::{self, ConsentClaim};
use super::date::DateOrder;
use super::header::Mapping;
use super::phone;
use super::reason::RowReason;
use super::record::Record;
use super::role::Role;
use super::text;
use crate::consent::{Basis, Notice};
use crate::phone::{PhoneNumber, Region};
use crate::purpose::Purpose;

/// How rows are judged: what the importer declared, and the moment.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What a local phone number means.
    pub region: Region,
    /// The zone of dates that name none.
    pub zone: TimeZone,
    /// How `03/04/2026` is read.
    pub date_order: DateOrder,
    /// The moment of judgement: later consents are impossible.
    pub now: Timestamp,
    /// Reject rows without a consent date, instead of taking the person
    /// without consent.
    pub consent_required: bool,
    /// What people agreed to, where the row does not say.
    pub purposes: BTreeSet<Purpose>,
    /// The legal ground, where the row does not say.
    pub basis: Basis,
    /// How people agreed, where the row does not say.
    pub method: String,
    /// The wording people saw, where the row does not say.
    pub notice: Option<Notice>,
}

impl Rules {
    /// The rules for an Indonesian list of people who agreed to marketing.
    pub fn indonesian(now: Timestamp) -> Self {
        Self {
            region: Region::INDONESIA,
            zone: TimeZone::get("Asia/Jakarta").expect("the zone is compiled in"),
            date_order: DateOrder::DayFirst,
            now,
            consent_required: false,
            purposes: BTreeSet::from([Purpose::marketing()]),
            basis: Basis::ExplicitConsent,
            method: "import".to_owned(),
            notice: None,
        }
    }
}

/// What became of a row.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every row is accepted, so a box would cost an allocation and save nothing"
)]
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum RowOutcome {
    /// A person to take into the list.
    Accepted(Candidate),
    /// Not taken; the reasons are never empty and in the order of the rules.
    Rejected {
        /// All that is wrong with the row; the first is shown and counted by.
        reasons: Vec<RowReason>,
    },
}

/// A person as a row describes them. Duplicates are the caller's to find, by
/// token.
#[derive(Clone, Eq, PartialEq)]
pub struct Candidate {
    /// Where the person is reached.
    pub phone: PhoneNumber,
    /// How the person is called.
    pub name: Option<String>,
    /// BCP 47 language tag.
    pub language: Option<String>,
    /// IANA time zone name.
    pub zone: Option<String>,
    /// The caller's own id for the person.
    pub external_id: Option<String>,
    /// The other columns that hold something, by [`Column::key`](super::Column).
    pub attributes: BTreeMap<String, String>,
    /// The person's yes with its evidence; `None` if the row proves none.
    pub consent: Option<ConsentClaim>,
    /// The row itself says that the person declined or unsubscribed. It never
    /// carries a consent then, and the caller hands it to the opt-out path.
    pub said_no: bool,
}

/// Names the shape, never the person.
impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("attributes", &self.attributes.len())
            .field("consent", &self.consent.is_some())
            .field("said_no", &self.said_no)
            .finish_non_exhaustive()
    }
}

/// Judges one row.
///
/// Law: a row is accepted only with a valid number; a consent is claimed only
/// with a possible date, not in the future and not before WhatsApp; and all
/// reasons are given.
pub fn accept_row(record: &Record<'_>, rules: &Rules) -> RowOutcome {
    let mapping = &record.layout().mapping;
    let mut reasons: Vec<RowReason> = record.faults().collect();
    let row = Row { record, mapping };
    let number = row
        .phone(rules.region)
        .map_err(|why| reasons.push(why))
        .ok();
    let verdict = claim::judge(&row, rules, &mut reasons);
    let language = match row.cell(Role::Language).map(language_tag) {
        Some(None) => {
            reasons.push(RowReason::LanguageInvalid);
            None
        }
        found => found.flatten(),
    };
    let zone = match row.cell(Role::Zone).map(zone_name) {
        Some(None) => {
            reasons.push(RowReason::ZoneUnknown);
            None
        }
        found => found.flatten(),
    };
    if row.shows_spreadsheet_error() {
        reasons.push(RowReason::SpreadsheetError);
    }
    match number {
        Some(phone) if reasons.is_empty() => RowOutcome::Accepted(Candidate {
            phone,
            name: row.name(),
            language,
            zone,
            external_id: row.cell(Role::ExternalId).map(str::to_owned),
            attributes: row.attributes(),
            consent: verdict.claim,
            said_no: verdict.said_no,
        }),
        _ => RowOutcome::Rejected { reasons },
    }
}

/// The number of a person whom a row reports as declined or unsubscribed.
///
/// For rows that are rejected or repeat a person: whatever else is wrong with
/// such a row, the "no" must reach the opt-out path.
pub fn opt_out(record: &Record<'_>, rules: &Rules) -> Option<PhoneNumber> {
    let mapping = &record.layout().mapping;
    let row = Row { record, mapping };
    claim::says_no(&row, rules)
        .then(|| row.phone(rules.region).ok())
        .flatten()
}

/// The number of a row, whatever else is wrong with it: all that a list of
/// opt-outs needs.
pub fn number(record: &Record<'_>, rules: &Rules) -> Result<PhoneNumber, RowReason> {
    let mapping = &record.layout().mapping;
    Row { record, mapping }.phone(rules.region)
}

/// A record with the meaning of its columns.
pub(super) struct Row<'r> {
    record: &'r Record<'r>,
    mapping: &'r Mapping,
}

impl<'r> Row<'r> {
    /// The cell with that role, if there is something in it. A spreadsheet
    /// error is nothing here: it is a reason of its own.
    pub(super) fn cell(&self, role: Role) -> Option<&'r str> {
        self.at(self.mapping.place(role)?)
    }

    fn at(&self, index: usize) -> Option<&'r str> {
        text::filled(self.record.get(index)?).filter(|cell| !text::is_spreadsheet_error(cell))
    }

    fn phone(&self, region: Region) -> Result<PhoneNumber, RowReason> {
        let place = self.mapping.place(Role::Phone);
        let cell = place.and_then(|index| self.record.get(index));
        let cell = cell.unwrap_or_default();
        if cell.is_empty() || text::filled(cell).is_none() {
            let others = self.mapping.other_phones().iter();
            let mut others = others.filter_map(|&index| self.at(index));
            return phone::read(others.next().unwrap_or_default(), region);
        }
        phone::read(cell, region)
    }

    fn name(&self) -> Option<String> {
        if let Some(name) = self.cell(Role::Name) {
            return Some(one_line(name));
        }
        let parts = [Role::GivenName, Role::FamilyName];
        let parts: Vec<&str> = parts.iter().filter_map(|&role| self.cell(role)).collect();
        (!parts.is_empty()).then(|| one_line(&parts.join(" ")))
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        let columns = self.mapping.columns();
        let filled = self.mapping.attributes().iter().filter_map(|&index| {
            let value = self.at(index)?;
            Some((columns[index].key.clone(), value.to_owned()))
        });
        filled.collect()
    }

    /// Whether a cell that would be used, other than the phone (which has
    /// answered for itself), shows an error.
    fn shows_spreadsheet_error(&self) -> bool {
        let phone = self.mapping.place(Role::Phone);
        let columns = self.mapping.columns().iter().enumerate();
        self.record.has_hash()
            && columns
                .filter(|(index, column)| Some(*index) != phone && column.role != Role::Ignored)
                .filter_map(|(index, _)| self.record.get(index))
                .any(|cell| text::is_spreadsheet_error(text::clean(cell)))
    }
}

/// A name goes into one line of a message.
fn one_line(name: &str) -> String {
    if name
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && !name.contains("  ")
    {
        return name.to_owned();
    }
    let words: Vec<&str> = name
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// A language tag, from a tag or a name of a language.
fn language_tag(cell: &str) -> Option<String> {
    if let Some(tag) = text::language(cell) {
        return Some(tag.to_owned());
    }
    let tag = cell.replace('_', "-");
    let mut parts = tag.split('-');
    let primary = parts.next()?;
    let shaped = (2..=3).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    let primary = primary.to_ascii_lowercase();
    let rest = &tag[primary.len()..];
    shaped.then(|| text::language(&primary).map_or_else(|| primary.clone(), str::to_owned) + rest)
}

/// An IANA zone name, from one or from `WIB`, `WITA`, `WIT`.
fn zone_name(cell: &str) -> Option<String> {
    if let Some(name) = text::zone(cell) {
        return Some(name.to_owned());
    }
    let zone = TimeZone::get(cell).ok()?;
    zone.iana_name().map(str::to_owned)
}
