//! What an import is made of: what was declared, found, counted and decided.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What was counted so far. `rows = accepted + duplicates + rejected`; once a
/// list of contacts is completed, `accepted = new + changed + unchanged +
/// erased_before`. The others, save `opted_out`, count among the accepted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImportCounts {
    /// Rows read, the header not included.
    pub rows: u64,
    /// People of this file.
    pub accepted: u64,
    /// Rows of people who stood in the file before.
    pub duplicates: u64,
    /// Rows that cannot be used.
    pub rejected: u64,
    /// Accepted people who said stop before.
    pub suppressed: u64,
    /// Accepted people without a consent.
    pub without_consent: u64,
    /// People of any row whom the file reports as opted out.
    #[serde(default)]
    pub opted_out: u64,
    /// Accepted people who were not on the list.
    #[serde(default)]
    pub new: u64,
    /// Accepted people of whom the file says something else than the list.
    #[serde(default)]
    pub changed: u64,
    /// Accepted people of whom it says the same; they are not written again.
    #[serde(default)]
    pub unchanged: u64,
    /// Accepted people who were erased before and of whom nothing is stored.
    #[serde(default)]
    pub erased_before: u64,
}

/// What the operator says about a list besides its kind. Never a name of a
/// person in it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Declared {
    /// The legal entity that collected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector: Option<String>,
    /// First and last day of collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_from: Option<Date>,
    /// See `collected_from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_to: Option<Date>,
    /// Countries it covers, by ISO 3166-1 alpha-2 code; empty if not said.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub countries: BTreeSet<String>,
    /// SHA-256 of the words that people agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_text_sha256: Option<String>,
    /// Where the contract with a partner lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_contract: Option<String>,
    /// Which wording was attested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation_version: Option<String>,
}

/// How the operator says that a file is to be read; what is left out is found.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Reading {
    /// What columns mean: role by header, or by place from 1. Empty if the
    /// headers tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// Whether there is no header line.
    #[serde(default)]
    pub headerless: bool,
    /// Whether `03/04/2026` is the fourth of March.
    #[serde(default)]
    pub month_first: bool,
    /// Whether a row without the date of a consent is rejected.
    #[serde(default)]
    pub consent_required: bool,
}

/// The file itself, as the bucket and the reading of it say.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct UploadedFile {
    /// The one version that is read; a later upload under the same key is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version's mark, for buckets without versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal, once all were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its encoding and what separates its cells, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// See `encoding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
}

/// How far an import has come. Pieces are numbered from 0.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ImportProgress {
    /// Bytes of the file whose rows were judged.
    pub bytes: u64,
    /// Pieces that were judged and staged.
    pub staged: u32,
    /// Objects with the tokens of opted-out people that were made.
    #[serde(default)]
    pub opt_outs: u32,
    /// How many of those were handed over.
    #[serde(default)]
    pub handed_over: u32,
    /// Pieces whose people were compared and counted.
    #[serde(default)]
    pub compared: u32,
    /// Pieces whose people were written.
    #[serde(default)]
    pub written: u32,
}

/// What the look at a list said.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Weighed {
    /// `pass`, `review` or `refuse`.
    pub verdict: String,
    /// From 0 (as declared) to 100.
    pub score: u8,
    /// Why, the heaviest first.
    pub reasons: Vec<WeighedReason>,
}

/// One thing that does not fit the declared source.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct WeighedReason {
    /// A stable code.
    pub code: String,
    /// What to do because of it.
    pub verdict: String,
    /// How much it adds to the score.
    pub weight: u8,
    /// How much was seen, as a share of the rows or as a number.
    pub seen: f64,
    /// How much would have been fine.
    pub fine: f64,
}

/// A named person's act that lets a held list pass.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Release {
    /// Who.
    pub by: String,
    /// Why.
    pub note: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}
