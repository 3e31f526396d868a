//! How one file is to be judged: by what was declared, and by the tenant.

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use platform::campaigns::{Import, Reading};
use platform::fault::Fault;
use policy::import::{ColumnRef, DateOrder, ExplicitMapping, Role};
use policy::provenance::{Attestation, Declaration, SourceKind};
use policy::token::TokenKey;
use secrecy::ExposeSecret as _;

use crate::judge::Terms;
use crate::life::Life;

/// How this file is to be judged.
pub(crate) async fn terms(life: &Life<'_>) -> Result<Terms, Fault> {
    let deps = life.deps;
    let region = match deps.campaigns.tenant(life.tenant).await? {
        Some(tenant) => tenant
            .default_region
            .parse()
            .map_err(|error| Fault::lasting("read the tenant's region", error))?,
        None => deps.default_region,
    };
    let secret = deps.secrets.read(&deps.token_key_secret).await?;
    let key = TokenKey::new(secret.expose_secret().as_bytes())
        .map_err(|error| Fault::lasting("read the token key", error))?;
    Ok(Terms {
        tenant: life.tenant,
        key,
        region,
        // The moment of the upload's registration: the same in every run.
        now: life.import.created_at(),
        mode: life.import.mode,
        mapping: mapping(&life.import.reading)?,
        date_order: match life.import.reading.month_first {
            true => DateOrder::MonthFirst,
            false => DateOrder::DayFirst,
        },
        consent_required: life.import.reading.consent_required,
        declaration: declaration(&life.import, region.code())?,
        piece_rows: deps.piece_rows,
    })
}

/// What columns mean, if the operator said so: by their place where the name is
/// a number.
fn mapping(reading: &Reading) -> Result<Option<ExplicitMapping>, Fault> {
    if reading.columns.is_empty() {
        return Ok(None);
    }
    let roles = reading.columns.iter().map(|(column, code)| {
        let role = Role::from_code(code)
            .ok_or_else(|| Fault::lasting("read an import", "a role is none"))?;
        let column = match column.parse() {
            Ok(place) => ColumnRef::Position(place),
            Err(_) => ColumnRef::Header(column.clone()),
        };
        Ok((column, role))
    });
    Ok(Some(ExplicitMapping {
        headerless: reading.headerless,
        roles: roles.collect::<Result<_, Fault>>()?,
    }))
}

/// What an import declares; what it leaves out is assumed as wide as may be.
fn declaration(import: &Import, region: &str) -> Result<Declaration, Fault> {
    let kind = SourceKind::from_code(&import.source)
        .ok_or_else(|| Fault::lasting("read an import", "its source is none"))?;
    let declared = &import.declared;
    let created: Timestamp = import.created_at();
    let mut countries = declared.countries.clone();
    if countries.is_empty() {
        countries.insert(region.to_owned());
    }
    Ok(Declaration {
        kind,
        collector: declared.collector.clone().unwrap_or_default(),
        // No consent to WhatsApp messages is older than WhatsApp.
        collected_from: declared.collected_from.unwrap_or(date(2009, 1, 1)),
        collected_to: declared
            .collected_to
            .unwrap_or(TimeZone::UTC.to_datetime(created).date()),
        countries,
        consent_text_sha256: declared.consent_text_sha256.clone(),
        partner_contract: declared.partner_contract.clone(),
        attestation: Some(Attestation {
            text_version: declared.attestation_version.clone().unwrap_or_default(),
            signer: import.attested_by.clone(),
            at: created,
        }),
    })
}
