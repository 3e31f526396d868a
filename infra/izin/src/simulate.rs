//! A campaign's course before anything is sent: when, how many, for how much,
//! and who not and why.
//!
//! Law: the same files and flags give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use policy::consent::Consent;
use policy::forecast::{Forecast, Scenario, Simulator};
use policy::import::{Limits as FileLimits, Reader, RowOutcome, Rules, accept_row, opt_out};
use policy::limits::{Limits, TierBuckets};
use policy::pace::Pace;
use policy::person::{Person, Suppression, SuppressionSource};
use policy::purpose::Scope;
use policy::subscription::Subscription;
use policy::token::ContactToken;
use serde::Serialize;

use crate::check::facts::{CampaignFile, PersonFile, token};
use crate::check::input::{self, Problem};
use crate::check::publish;
use crate::explain::SHAPES;

/// To whom, what and when.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = SHAPES)]
pub struct Args {
    /// The audience: a CSV as for an import, or a JSON array of persons.
    #[arg(long, value_name = "FILE")]
    audience: PathBuf,
    /// The campaign, as JSON.
    #[arg(long, value_name = "FILE")]
    campaign: PathBuf,
    /// The start (RFC 3339); unless given, the campaign's `starts_at`.
    #[arg(long, value_name = "MOMENT")]
    at: Option<Timestamp>,
    /// JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Simulates; exit code 2 if a file cannot be used.
pub fn main(args: Args) -> ExitCode {
    publish(
        simulate(&args.audience, &args.campaign, args.at),
        args.json,
        page,
    )
}

#[derive(Debug, Serialize)]
struct Answer {
    starts_at: Timestamp,
    /// Rows of a CSV that are no people of their own: rejected or repeated.
    rows_left_out: u64,
    #[serde(flatten)]
    forecast: Forecast,
}

fn simulate(audience: &Path, campaign: &Path, at: Option<Timestamp>) -> Result<Answer, Problem> {
    let file: CampaignFile = input::json(campaign)?;
    let starts_at = at
        .or(file.starts_at.as_ref().map(|at| at.0))
        .ok_or_else(|| {
            let what = "the campaign has no `starts_at`";
            Problem::new(campaign, 1, what, "add it, or name the start with `--at`")
        })?;
    let (facts, terms) = (file.facts(), file.terms());
    let limits = Limits::embedded();
    let per_second = limits.throughput(file.throughput.as_deref().unwrap_or("STANDARD"));
    let mut simulator = Simulator::new(Scenario {
        campaign: &facts,
        terms: &terms,
        starts_at,
        pace: Pace::usual(per_second, Pace::usual_inbound(per_second)),
        tier: limits.tier(file.tier.as_deref().unwrap_or("TIER_UNLIMITED")),
        tier_taken: TierBuckets::default(),
        canary: file.canary.as_ref().map(|canary| {
            let wait = SignedDuration::from_mins(i64::from(canary.wait_minutes));
            (canary.people, wait)
        }),
    });
    let is_json = audience
        .extension()
        .is_some_and(|name| name.eq_ignore_ascii_case("json"));
    let people = if is_json {
        from_json(audience)?
    } else {
        from_csv(audience, starts_at)?
    };
    for (number, (person, subscription)) in (0_u128..).zip(&people.members) {
        let token = ContactToken::from_bytes(number.to_be_bytes());
        simulator.push(token, person, subscription);
    }
    Ok(Answer {
        starts_at,
        rows_left_out: people.left_out,
        forecast: simulator.finish(),
    })
}

struct Audience {
    members: Vec<(Person, Subscription)>,
    left_out: u64,
}

fn from_json(path: &Path) -> Result<Audience, Problem> {
    let people: Vec<PersonFile> = input::json(path)?;
    let members = people
        .iter()
        .map(|person| (person.person(), person.subscription()));
    Ok(Audience {
        members: members.collect(),
        left_out: 0,
    })
}

/// Reads people as an import would: each once, and whoever said no in any row
/// has stopped.
fn from_csv(path: &Path, at: Timestamp) -> Result<Audience, Problem> {
    let refused = |refusal| Problem::of_table(path, refusal);
    let rules = Rules::indonesian(at);
    let mut reader = Reader::new(FileLimits::UPLOAD, None);
    reader.push(&input::bytes(path)?);
    reader.finish();
    let mut people = BTreeMap::new();
    let mut said_no = BTreeSet::new();
    let mut left_out = 0;
    while let Some(record) = reader.next_record().map_err(refused)? {
        said_no.extend(opt_out(&record, &rules).map(|phone| token(&phone)));
        let RowOutcome::Accepted(row) = accept_row(&record, &rules) else {
            left_out += 1;
            continue;
        };
        if people.contains_key(&token(&row.phone)) {
            left_out += 1;
            continue;
        }
        let evidence = format!("row {}", record.row());
        let consent = row
            .consent
            .map(|claim| Consent::Granted(claim.into_grant(&evidence)));
        people.insert(
            token(&row.phone),
            Subscription {
                phone: row.phone,
                name: row.name,
                language: row.language,
                zone: row.zone,
                external_id: row.external_id,
                attributes: row.attributes,
                consent: consent.unwrap_or(Consent::NeverAsked),
            },
        );
    }
    let stop = Suppression {
        at,
        source: SuppressionSource::Import,
        evidence: String::new(),
    };
    let members = people.into_iter().map(|(token, subscription)| {
        let mut person = Person::default();
        if said_no.contains(&token) {
            person.suppressions.insert(Scope::marketing(), stop.clone());
        }
        (person, subscription)
    });
    Ok(Audience {
        members: members.collect(),
        left_out,
    })
}

fn page(answer: &Answer) -> String {
    let forecast = &answer.forecast;
    let mut page = String::new();
    let mut line = |text: String| writeln!(page, "{text}").expect("a string grows");
    line(format!("{:>9}  people", forecast.audience));
    line(format!("{:>9}  planned", forecast.planned));
    line(format!("{:>9}  of them too late", forecast.too_late));
    for (code, count) in &forecast.excluded {
        line(format!("{count:>9}  excluded: {code}"));
    }
    line(format!("{:>9}  rows left out", answer.rows_left_out));
    for hour in &forecast.hours {
        line(format!(
            "{:>9}  in the hour from {}",
            hour.messages, hour.hour
        ));
    }
    match (forecast.first_at, forecast.finished_at) {
        (Some(first), Some(last)) => line(format!("from {first} to {last}")),
        _ => line("nothing would be sent".to_owned()),
    }
    let (least, most) = forecast.cost_micros;
    line(format!(
        "{} {} to {}",
        forecast.currency,
        money(least),
        money(most)
    ));
    if forecast.unpriced > 0 {
        line(format!(
            "{} messages have no known price",
            forecast.unpriced
        ));
    }
    page
}

/// Millionths as whole cents, rounded up.
fn money(micros: u64) -> String {
    let cents = micros.div_ceil(10_000);
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests;
