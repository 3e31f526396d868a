//! Why one person would get a campaign's message, or not, or later.
//!
//! Two small JSON files describe the person and the campaign; their shapes
//! stand in `--help`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::Timestamp;
use policy::block::Place;
use policy::forecast::{self, ObjectionKind};
use policy::ids::OwnerNonce;
use policy::jurisdiction::Jurisdictions;
use policy::send::{Facts, Work};
use policy::token::ContactToken;
use serde::Serialize;
use uuid::Uuid;

use crate::check::facts::{CampaignFile, PersonFile};
use crate::check::input::{self, Problem};
use crate::check::{moment, publish};

/// Who, what and when.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = SHAPES)]
pub struct Args {
    /// The person, as JSON.
    #[arg(long, value_name = "FILE")]
    person: PathBuf,
    /// The campaign, as JSON.
    #[arg(long, value_name = "FILE")]
    campaign: PathBuf,
    /// The moment (RFC 3339); unless given, the campaign's `starts_at`, or now.
    #[arg(long, value_name = "MOMENT")]
    at: Option<Timestamp>,
    /// JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// The shapes of the two files, for `--help`.
pub(crate) const SHAPES: &str = r#"A person; only `phone` is required:
  {"phone": "+6281234567890", "zone": "Asia/Jakarta",
   "consent": {"status": "granted", "purposes": ["marketing"],
               "at": "2026-01-15T10:00:00+07:00", "evidence": "form 4711",
               "notice": "promo-2026", "expires_at": "2027-01-15T00:00:00Z"},
   "stops": [{"scope": "marketing", "at": "2026-03-01T09:00:00Z", "source": "keyword"}],
   "messages": [{"at": "2026-11-20T03:00:00Z", "marketing": true}],
   "service_window_ends": "2026-11-24T12:00:00Z",
   "marketing_declined_at": "2026-11-23T12:00:00Z"}
The status of a consent is granted, requested, withdrawn or never_asked.

A campaign; `purpose` and `category` are required:
  {"purpose": "marketing.promo", "category": "marketing", "state": "running",
   "sector": "general", "template": "approved",
   "starts_at": "2026-11-24T10:00:00+07:00", "not_after": "2026-11-30T20:00:00+07:00",
   "frequency": [{"most": 2, "within_hours": 168}], "reviewed_countries": ["MY"],
   "throughput": "STANDARD", "tier": "TIER_10K",
   "canary": {"people": 200, "wait_minutes": 30}}"#;

/// Explains; exit code 2 if a file cannot be used.
pub fn main(args: Args) -> ExitCode {
    let answer = explain(&args.person, &args.campaign, args.at);
    publish(answer, args.json, page)
}

#[derive(Debug, Serialize)]
struct Answer {
    at: Timestamp,
    decision: &'static str,
    until: Option<Timestamp>,
    reasons: Vec<Reason>,
    policy_version: &'static str,
}

#[derive(Debug, Serialize)]
struct Reason {
    kind: &'static str,
    code: &'static str,
    english: String,
    indonesian: &'static str,
    source: String,
    until: Option<Timestamp>,
}

fn explain(person: &Path, campaign: &Path, at: Option<Timestamp>) -> Result<Answer, Problem> {
    let person: PersonFile = input::json(person)?;
    let campaign: CampaignFile = input::json(campaign)?;
    let now = moment(at.or(campaign.starts_at.as_ref().map(|at| at.0)));
    let reasoning = forecast::explain(&Facts {
        now,
        campaign: &campaign.facts(),
        token: ContactToken::from_bytes([0; ContactToken::LEN]),
        person: &person.person(),
        subscription: Some(&person.subscription()),
        work: Work {
            place: Place { block: 0, index: 0 },
            attempt: 0,
            owner: OwnerNonce::from_uuid(Uuid::nil()),
            refused_attempt: None,
        },
        jurisdictions: Jurisdictions::embedded(),
        terms: &campaign.terms(),
    });
    let reasons = reasoning.reasons.into_iter().map(|reason| Reason {
        kind: match reason.kind {
            ObjectionKind::Defer => "defer",
            ObjectionKind::Refuse => "refuse",
        },
        code: reason.code,
        english: reason.english,
        indonesian: reason.indonesian,
        source: reason.source,
        until: reason.until,
    });
    Ok(Answer {
        at: now,
        decision: reasoning.decision,
        until: reasoning.until,
        reasons: reasons.collect(),
        policy_version: reasoning.policy_version,
    })
}

fn page(answer: &Answer) -> String {
    let mut page = format!("{} at {}", answer.decision, answer.at);
    if let Some(until) = answer.until {
        write!(page, ", until {until}").expect("a string grows");
    }
    page.push('\n');
    for (number, reason) in (1..).zip(&answer.reasons) {
        let Reason {
            kind,
            code,
            english,
            indonesian,
            source,
            ..
        } = reason;
        writeln!(
            page,
            "{number:>3}. {code} ({kind})\n     {english}\n     {indonesian}\n     rule: {source}"
        )
        .expect("a string grows");
    }
    page
}

#[cfg(test)]
mod tests;
