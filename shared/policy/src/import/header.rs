//! Which column means what: recognised by header names, or named by the caller.
//!
//! The names, English and Indonesian, are data: `data/import/headers.json`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::role::Role;

/// The names, as compiled in.
pub(crate) const DATA: &str = include_str!("../../data/import/headers.json");

/// One column of a file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Column {
    /// The header as written in the file, for the rejection report.
    pub header: String,
    /// The name for template variables: lower case, words joined by `_`.
    pub key: String,
    /// What it means.
    pub role: Role,
}

/// What every column of a file means. Exactly one of them is the phone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "Vec<Column>", into = "Vec<Column>")]
pub struct Mapping {
    columns: Vec<Column>,
    places: [Option<usize>; Role::ALL.len()],
    attributes: Vec<usize>,
    other_phones: Vec<usize>,
}

impl Mapping {
    /// The columns in the order of the file.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Where the column with `role` stands, from 0.
    pub fn place(&self, role: Role) -> Option<usize> {
        self.places[role as usize]
    }

    /// Where the attribute columns stand, from 0.
    pub(super) fn attributes(&self) -> &[usize] {
        &self.attributes
    }

    /// Where the person's other numbers stand, from 0.
    pub(super) fn other_phones(&self) -> &[usize] {
        &self.other_phones
    }

    fn new(headers: &[String], roles: &[Role]) -> Self {
        let mut taken = BTreeSet::new();
        let columns: Vec<Column> = headers
            .iter()
            .zip(roles)
            .enumerate()
            .map(|(index, (header, &role))| Column {
                header: header.clone(),
                key: free_key(header, index, &mut taken),
                role,
            })
            .collect();
        columns.into()
    }
}

impl From<Vec<Column>> for Mapping {
    fn from(columns: Vec<Column>) -> Self {
        let mut places = [None; Role::ALL.len()];
        let mut attributes = Vec::new();
        let mut other_phones = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            if column.role.is_single() && places[column.role as usize].is_none() {
                places[column.role as usize] = Some(index);
            }
            if column.role == Role::PhoneOther {
                other_phones.push(index);
            }
            // A part of the name is a useful variable of its own.
            if matches!(
                column.role,
                Role::Attribute | Role::GivenName | Role::FamilyName | Role::PhoneOther
            ) {
                attributes.push(index);
            }
        }
        Self {
            columns,
            places,
            attributes,
            other_phones,
        }
    }
}

impl From<Mapping> for Vec<Column> {
    fn from(mapping: Mapping) -> Self {
        mapping.columns
    }
}

/// A mapping that the caller gives instead of leaving it to the header.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExplicitMapping {
    /// Whether the file has no header line, so that columns go by position.
    pub headerless: bool,
    /// What columns mean; columns not named here become attributes.
    pub roles: BTreeMap<ColumnRef, Role>,
}

/// A column, as a caller points at it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ColumnRef {
    /// By its header, compared as loosely as all headers are.
    Header(String),
    /// By its place, from 1.
    Position(usize),
}

impl ExplicitMapping {
    /// Applies the mapping to a header; `None` if a named column is missing
    /// or no column is the phone.
    pub(super) fn apply(&self, headers: &[String]) -> Option<Mapping> {
        let squashed: Vec<String> = headers.iter().map(|header| squash(header)).collect();
        let mut roles = vec![Role::Attribute; headers.len()];
        for (column, &role) in &self.roles {
            let index = match column {
                // A rejection report may have renamed the column.
                ColumnRef::Header(name) => {
                    let find = |wanted| squashed.iter().position(|header| *header == wanted);
                    find(squash(name)).or_else(|| find(squash(standard_header(role))))?
                }
                ColumnRef::Position(position) => position.checked_sub(1)?,
            };
            *roles.get_mut(index)? = role;
        }
        roles
            .contains(&Role::Phone)
            .then(|| Mapping::new(headers, &roles))
    }
}

/// A header that makes any file's column be read as `role`.
fn standard_header(role: Role) -> &'static str {
    match role {
        // "Zone" alone may be a sales district.
        Role::Zone => "time_zone",
        role => role.code(),
    }
}

impl Column {
    /// The header under which a report gives the column back, so that it is
    /// read as before: the file's own if it says enough, else the standard one.
    pub(super) fn report_header(&self) -> &str {
        let says = spellings(&self.header)
            .iter()
            .find_map(|name| NAMES.roles.get(name))
            .is_some_and(|(role, _)| {
                *role == self.role || (*role, self.role) == (Role::Phone, Role::PhoneOther)
            });
        match (self.role, self.header.trim()) {
            (Role::Attribute, "") => &self.key,
            (Role::Attribute, header) => header,
            (_, header) if says => header,
            (role, _) => standard_header(role),
        }
    }
}

/// A header that was understood.
#[derive(Debug)]
pub(super) struct Recognised {
    pub(super) mapping: Mapping,
    /// How many columns have a meaning of their own.
    pub(super) known: usize,
    /// The phone column's name alone does not prove it.
    pub(super) weak: bool,
}

/// Reads a header line; `None` if no column may be the phone.
pub(super) fn recognise(headers: &[String]) -> Option<Recognised> {
    let names = &*NAMES;
    let squashed: Vec<[String; 3]> = headers.iter().map(|header| spellings(header)).collect();
    let foreign: Vec<&String> = names
        .foreign
        .iter()
        .filter(|system| {
            let signs = squashed
                .iter()
                .filter(|[name, ..]| system.signature.contains(name));
            signs.count() >= system.least
        })
        .flat_map(|system| &system.names)
        .collect();

    let own = |index: usize| !foreign.contains(&&squashed[index][0]);
    let found: Vec<Option<(Role, usize)>> = squashed
        .iter()
        .map(|spellings| spellings.iter().find_map(|name| names.roles.get(name)))
        .map(Option::<&_>::copied)
        .collect();
    let named = |role| {
        let named = found
            .iter()
            .enumerate()
            .filter(move |(index, _)| own(*index));
        named.filter_map(move |(index, found)| match found {
            Some((found, rank)) if *found == role => Some((*rank, index)),
            _ => None,
        })
    };
    // The best name wins its role; of equals, the leftmost.
    // A number of the row's own person goes first.
    let strong_phone = named(Role::Phone)
        .map(|(rank, index)| (!persons(&headers[index]).is_empty(), rank, index))
        .min()
        .map(|(_, rank, index)| (rank, index));
    let weak_phone = || {
        let ranked = squashed
            .iter()
            .enumerate()
            .filter_map(|(index, spellings)| {
                let weak = spellings.iter().find_map(|name| names.weak.get(name));
                let worded =
                    || words(&headers[index]).any(|word| names.phone_words.contains(&word));
                let rank = weak.copied().or_else(|| worded().then_some(usize::MAX));
                rank.filter(|_| own(index)).map(|rank| (rank, index))
            });
        ranked.min()
    };
    let (_, phone) = strong_phone.or_else(weak_phone)?;
    let person = persons(&headers[phone]);
    let mut roles: Vec<Role> = found
        .iter()
        .enumerate()
        .map(|(index, found)| match found {
            Some((Role::Ignored, _)) => Role::Ignored,
            // A number of somebody else is not a second one of this person.
            Some((Role::Phone | Role::PhoneOther, _)) if persons(&headers[index]) == person => {
                Role::PhoneOther
            }
            _ => Role::Attribute,
        })
        .collect();
    let mut known = 1;
    for role in Role::ALL.into_iter().filter(|role| role.is_single()) {
        let best = match role {
            Role::Phone => None,
            // The name of the person whose number it is, if there are several.
            Role::Name | Role::GivenName | Role::FamilyName => named(role)
                .map(|(rank, index)| (persons(&headers[index]) != person, rank, index))
                .min()
                .map(|(_, _, index)| index),
            _ => named(role).min().map(|(_, index)| index),
        };
        if let Some(index) = best.filter(|&index| index != phone) {
            roles[index] = role;
            known += 1;
        }
    }
    roles[phone] = Role::Phone;
    if roles.contains(&Role::ConsentStatus) && !roles.contains(&Role::ConsentAt) {
        let moment = squashed.iter().zip(&mut roles).find(|(name, role)| {
            **role == Role::Attribute && names.form_moments.contains(&name[0])
        });
        if let Some((_, role)) = moment {
            *role = Role::ConsentAt;
        }
    }
    Some(Recognised {
        mapping: Mapping::new(headers, &roles),
        known,
        weak: strong_phone.is_none(),
    })
}

/// Whose column it is, where its header says so.
fn persons(header: &str) -> BTreeSet<String> {
    let words = words(header).filter(|word| NAMES.persons.contains(word));
    words.collect()
}

/// A header without case, spaces, punctuation and accents.
fn squash(header: &str) -> String {
    header
        .nfkd()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The whole header; without what is in brackets (`No HP (WhatsApp)`); and
/// without the words that say whose it is (`No Telp Penerima`).
fn spellings(header: &str) -> [String; 3] {
    let unbracketed = header.split(['(', '[']).next().unwrap_or(header);
    let bare = words(unbracketed).filter(|word| !NAMES.owner_words.contains(word));
    [squash(header), squash(unbracketed), bare.collect()]
}

fn words(header: &str) -> impl Iterator<Item = String> {
    header
        .split(|c: char| !c.is_alphanumeric())
        .map(squash)
        .filter(|word| !word.is_empty())
}

/// A name for template variables that no column to the left has.
fn free_key(header: &str, index: usize, taken: &mut BTreeSet<String>) -> String {
    let lower: String = header.nfkc().flat_map(char::to_lowercase).collect();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let stem = match words.join("_") {
        empty if empty.is_empty() => format!("column_{}", index + 1),
        stem => stem,
    };
    let mut key = stem.clone();
    let mut copy = 2;
    while !taken.insert(key.clone()) {
        key = format!("{stem}_{copy}");
        copy += 1;
    }
    key
}

struct Names {
    /// Squashed name → role and rank within the role.
    roles: HashMap<String, (Role, usize)>,
    weak: HashMap<String, usize>,
    phone_words: HashSet<String>,
    owner_words: HashSet<String>,
    persons: HashSet<String>,
    form_moments: HashSet<String>,
    foreign: Vec<Foreign>,
}

#[derive(Deserialize)]
struct Foreign {
    signature: Vec<String>,
    /// How many names of the signature make it that system's file.
    #[serde(default = "two")]
    least: usize,
    names: Vec<String>,
}

const fn two() -> usize {
    2
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        roles: BTreeMap<String, Vec<String>>,
        owner_words: HashSet<String>,
        persons: HashSet<String>,
        form_moments: Vec<String>,
        foreign_consent: Vec<Foreign>,
    }

    let file: File = serde_json::from_str(DATA).expect("the header names are checked by a test");
    let mut names = Names {
        roles: HashMap::new(),
        weak: HashMap::new(),
        phone_words: HashSet::new(),
        owner_words: file.owner_words,
        persons: file.persons,
        form_moments: file.form_moments.iter().map(|name| squash(name)).collect(),
        foreign: file.foreign_consent,
    };
    for (code, list) in file.roles {
        if code == "phone_word" {
            names.phone_words.extend(list);
            continue;
        }
        for (rank, name) in list.iter().enumerate() {
            match Role::from_code(&code) {
                Some(role) => {
                    names.roles.entry(squash(name)).or_insert((role, rank));
                }
                None => {
                    names.weak.entry(squash(name)).or_insert(rank);
                }
            }
        }
    }
    for system in &mut names.foreign {
        for name in system.signature.iter_mut().chain(&mut system.names) {
            *name = squash(name);
        }
    }
    names
});

#[cfg(test)]
mod tests;
