//! What an operator may tell of a file: how to read it, and where it comes from.

use std::collections::BTreeMap;

use jiff::civil::Date;
use platform::campaigns::{Declared, Reading};
use policy::import::Role;
use policy::phone::Region;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::request::{Fields, escaped};

/// How a file is to be read.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReading {
    /// What columns mean: a role such as `phone`, `name` or `consent_at` by
    /// header, or by place from 1. Once given, only these columns mean
    /// something, and the others are attributes.
    #[serde(default)]
    columns: BTreeMap<String, String>,
    /// Whether the file has no header line; then columns go by place.
    #[serde(default)]
    headerless: bool,
    /// How `03/04/2026` is read: `day_first` (by default) or `month_first`.
    date_order: Option<String>,
    /// Whether a row without the date of a consent is rejected, instead of
    /// taking the person without consent.
    #[serde(default)]
    consent_required: bool,
}

/// Where a list comes from, in detail.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProvenance {
    /// The legal entity that collected it.
    collector: Option<String>,
    /// The first day of collection.
    #[schema(value_type = Option<String>, format = Date)]
    collected_from: Option<String>,
    /// The last day of collection.
    #[schema(value_type = Option<String>, format = Date)]
    collected_to: Option<String>,
    /// The countries it covers, by ISO 3166-1 alpha-2 code; by default the
    /// tenant's own.
    #[serde(default)]
    countries: Vec<String>,
    /// SHA-256 of the words that people agreed to, in hexadecimal.
    consent_text_sha256: Option<String>,
    /// Where the contract with the partner lies, if one collected it.
    partner_contract: Option<String>,
    /// Which wording the person who vouches has signed.
    attestation_version: Option<String>,
}

impl NewReading {
    /// What can be used of it.
    pub(super) fn read(&self, fields: &mut Fields) -> Reading {
        for (column, code) in &self.columns {
            if Role::from_code(code).is_none() {
                let codes: Vec<&str> = Role::ALL.iter().map(|role| role.code()).collect();
                let pointer = format!("/reading/columns/{}", escaped(column));
                let detail = format!("expected one of {}", codes.join(", "));
                fields.refuse(pointer, "unreadable", detail);
            }
        }
        let is_phone = |code: &String| Role::from_code(code) == Some(Role::Phone);
        let must_name = self.headerless || !self.columns.is_empty();
        if must_name && !self.columns.values().any(is_phone) {
            fields.refuse("/reading/columns", "missing", "no column is the phone");
        }
        let month_first = match self.date_order.as_deref() {
            None | Some("day_first") => false,
            Some("month_first") => true,
            Some(_) => {
                let detail = "expected day_first or month_first";
                fields.refuse("/reading/date_order", "unreadable", detail);
                false
            }
        };
        Reading {
            columns: self.columns.clone(),
            headerless: self.headerless,
            month_first,
            consent_required: self.consent_required,
        }
    }
}

impl NewProvenance {
    /// What can be used of it.
    pub(super) fn read(&self, fields: &mut Fields) -> Declared {
        let day = |fields: &mut Fields, pointer: &'static str, text: &Option<String>| {
            let day: Option<Date> = text.as_deref()?.parse().ok();
            if day.is_none() {
                fields.refuse(pointer, "unreadable", "expected a day such as 2026-11-24");
            }
            day
        };
        let from = day(fields, "/provenance/collected_from", &self.collected_from);
        let to = day(fields, "/provenance/collected_to", &self.collected_to);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            let detail = "the last day comes before the first";
            fields.refuse("/provenance/collected_to", "out_of_range", detail);
        }
        let countries = self.countries.iter().enumerate().filter_map(|(at, code)| {
            let region: Result<Region, _> = code.parse();
            if region.is_err() {
                let pointer = format!("/provenance/countries/{at}");
                fields.refuse(pointer, "unreadable", "expected a code such as ID");
            }
            region.ok().map(|region| region.code().to_owned())
        });
        let countries = countries.collect();
        let mut text = |pointer, text: &Option<String>| {
            let text = text.as_deref()?;
            fields.short_text(pointer, Some(text))
        };
        let collector = text("/provenance/collector", &self.collector);
        let partner_contract = text("/provenance/partner_contract", &self.partner_contract);
        let version = "/provenance/attestation_version";
        let attestation_version = text(version, &self.attestation_version);
        let consent_text_sha256 = self.consent_text_sha256.as_deref().and_then(|hash| {
            fields.checked(
                "/provenance/consent_text_sha256",
                hash,
                is_sha256,
                "expected 64 lower-case hexadecimal digits",
            )
        });
        Declared {
            collector,
            collected_from: from,
            collected_to: to,
            countries,
            consent_text_sha256,
            partner_contract,
            attestation_version,
        }
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
