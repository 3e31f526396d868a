//! Which column means what: recognised by header names, or named by the caller.
//!
//! The names, English and Indonesian, are data: `data/import/headers.json`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// The names, as compiled in.
pub(crate) const DATA: &str = include_str!("../../data/import/headers.json");

/// What a column of a contact list means.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Kept under the column's own name, for template variables.
    Attribute,
    /// When the person said yes: a date, or a date and a time.
    ConsentAt,
    /// On what legal ground.
    ConsentBasis,
    /// Where the proof lies, in the caller's words.
    ConsentEvidence,
    /// When the yes ends by itself.
    ConsentExpires,
    /// How the person said yes.
    ConsentMethod,
    /// Which wording the person saw.
    ConsentNotice,
    /// What the person agreed to.
    ConsentPurposes,
    /// Yes or no; a yes without a date is no evidence.
    ConsentStatus,
    /// The time of day that belongs to [`Role::ConsentAt`].
    ConsentTime,
    /// The caller's own id for the person.
    ExternalId,
    /// The last part of the name, joined to the first.
    FamilyName,
    /// The first part of the name, where there is no whole one.
    GivenName,
    /// Left out.
    Ignored,
    /// The person's language.
    Language,
    /// The person's name.
    Name,
    /// Says that the person unsubscribed or declined.
    OptedOut,
    /// The number; the one column that must be there.
    Phone,
    /// The person's time zone.
    Zone,
}

impl Role {
    /// All of them, in declaration order.
    pub const ALL: [Self; 19] = [
        Self::Attribute,
        Self::ConsentAt,
        Self::ConsentBasis,
        Self::ConsentEvidence,
        Self::ConsentExpires,
        Self::ConsentMethod,
        Self::ConsentNotice,
        Self::ConsentPurposes,
        Self::ConsentStatus,
        Self::ConsentTime,
        Self::ExternalId,
        Self::FamilyName,
        Self::GivenName,
        Self::Ignored,
        Self::Language,
        Self::Name,
        Self::OptedOut,
        Self::Phone,
        Self::Zone,
    ];

    /// A stable code for mappings and checkpoints.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::ConsentAt => "consent_at",
            Self::ConsentBasis => "consent_basis",
            Self::ConsentEvidence => "consent_evidence",
            Self::ConsentExpires => "consent_expires",
            Self::ConsentMethod => "consent_method",
            Self::ConsentNotice => "consent_notice",
            Self::ConsentPurposes => "consent_purposes",
            Self::ConsentStatus => "consent_status",
            Self::ConsentTime => "consent_time",
            Self::ExternalId => "external_id",
            Self::FamilyName => "family_name",
            Self::GivenName => "given_name",
            Self::Ignored => "ignored",
            Self::Language => "language",
            Self::Name => "name",
            Self::OptedOut => "opted_out",
            Self::Phone => "phone",
            Self::Zone => "zone",
        }
    }

    /// The role a code stands for.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// Whether only one column may have it.
    const fn is_single(self) -> bool {
        !matches!(self, Self::Attribute | Self::Ignored)
    }
}

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
        for (index, column) in columns.iter().enumerate() {
            if column.role.is_single() && places[column.role as usize].is_none() {
                places[column.role as usize] = Some(index);
            }
            // A part of the name is a useful variable of its own.
            if matches!(
                column.role,
                Role::Attribute | Role::GivenName | Role::FamilyName
            ) {
                attributes.push(index);
            }
        }
        Self {
            columns,
            places,
            attributes,
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
            .is_some_and(|(role, _)| *role == self.role);
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
            signs.count() >= 2
        })
        .flat_map(|system| &system.names)
        .collect();

    // The best name wins its role; of equals, the leftmost.
    let mut best: HashMap<Role, (usize, usize)> = HashMap::new();
    let mut weak_phone: Option<(usize, usize)> = None;
    for (index, spellings) in squashed.iter().enumerate() {
        if foreign.contains(&&spellings[0]) {
            continue;
        }
        let found = spellings.iter().find_map(|name| names.roles.get(name));
        if let Some(&(role, rank)) = found {
            let place = best.entry(role).or_insert((rank, index));
            *place = (*place).min((rank, index));
        }
        let weak = spellings.iter().find_map(|name| names.weak.get(name));
        let worded = || words(&headers[index]).any(|word| names.phone_words.contains(&word));
        let rank = weak.copied().or_else(|| worded().then_some(usize::MAX));
        if let Some(rank) = rank {
            weak_phone = weak_phone.into_iter().chain([(rank, index)]).min();
        }
    }
    let weak = !best.contains_key(&Role::Phone);
    if weak {
        best.insert(Role::Phone, weak_phone?);
    }
    let mut roles: Vec<Role> = squashed
        .iter()
        .map(|[name, ..]| match names.roles.get(name) {
            Some((Role::Ignored, _)) => Role::Ignored,
            _ => Role::Attribute,
        })
        .collect();
    for (&role, &(_, index)) in &best {
        roles[index] = role;
    }
    Some(Recognised {
        mapping: Mapping::new(headers, &roles),
        known: best.len(),
        weak,
    })
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
    foreign: Vec<Foreign>,
}

#[derive(Deserialize)]
struct Foreign {
    signature: Vec<String>,
    names: Vec<String>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        roles: BTreeMap<String, Vec<String>>,
        owner_words: HashSet<String>,
        foreign_consent: Vec<Foreign>,
    }

    let file: File = serde_json::from_str(DATA).expect("the header names are checked by a test");
    let mut names = Names {
        roles: HashMap::new(),
        weak: HashMap::new(),
        phone_words: HashSet::new(),
        owner_words: file.owner_words,
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
