//! The checks of the policy on files, offline: nothing is sent or stored.
//!
//! Every check is a function of its files, its flags and a moment (`--at`).
//! It ends with exit code 0 once it ran, whatever it found, and with 2 if an
//! input cannot be used: then the message names file, line and remedy.

pub(crate) mod facts;
pub(crate) mod input;
mod links;
mod list;
mod media;
mod reply;
mod table;
mod template;
mod webhook;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use jiff::Timestamp;
use platform::clock::SharedClock;
use policy::import::{ColumnRef, ExplicitMapping, Role};
use policy::provenance::SourceKind;
use serde::Serialize;

use self::input::Problem;
use crate::complain;

/// What to check.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// How well replies are read: a TSV with the columns `text` and `label`.
    Reply {
        /// The file; the labels are optout, resume, help and other.
        #[arg(long, value_name = "FILE")]
        tsv: PathBuf,
        /// JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// How well links are judged: a TSV with the columns `text` and `verdict`.
    Links {
        /// The file; the verdicts are allow, warn and block.
        #[arg(long, value_name = "FILE")]
        tsv: PathBuf,
        /// JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Whether a file may go out: its type, its structure, what hides in it.
    Media {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The media type that it is said to have; by default only its name
        /// must agree with the content.
        #[arg(long, value_name = "TYPE")]
        declared: Option<String>,
        /// JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// What an import of a contact list would come to.
    Csv(ListArgs),
    /// Whether a contact list looks like the source it is said to have.
    List(ListArgs),
    /// A template as Meta lists it, before a campaign uses it.
    Template(template::Args),
    /// How the webhook reads what Meta sends.
    Webhook {
        /// A body, or a folder of `.json` files of one each.
        #[arg(value_name = "FILE|DIR")]
        path: PathBuf,
        /// JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
}

/// A contact list and what is said of it.
#[derive(Clone, Debug, clap::Args)]
struct ListArgs {
    /// The CSV file, as it is or packed with gzip or zip.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What a column means, by its header or its place from 1: "Kolom X=phone"
    /// or "2=consent_at". Once given, only the named columns mean something.
    #[arg(long = "map", value_name = "COLUMN=ROLE", value_parser = mapped)]
    mapped: Vec<(ColumnRef, Role)>,
    /// The file has no header line: name the columns by their places.
    #[arg(long, requires = "mapped")]
    headerless: bool,
    /// Writes the rejected rows with their reasons to this file, ready to be
    /// mended.
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// Where the list comes from: own_crm, own_event, own_store, own_web_form,
    /// partner_with_named_consent or whatsapp_inbound.
    #[arg(long, value_name = "KIND", default_value = "own_crm", value_parser = source)]
    source: SourceKind,
    /// The countries that the list is meant to cover.
    #[arg(
        long,
        value_name = "CODES",
        value_delimiter = ',',
        default_value = "ID"
    )]
    countries: Vec<String>,
    /// The moment of judgement (RFC 3339); now unless given.
    #[arg(long, value_name = "MOMENT")]
    at: Option<Timestamp>,
    /// JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl ListArgs {
    fn mapping(&self) -> Option<ExplicitMapping> {
        (!self.mapped.is_empty()).then(|| ExplicitMapping {
            headerless: self.headerless,
            roles: self.mapped.iter().cloned().collect(),
        })
    }
}

fn mapped(text: &str) -> Result<(ColumnRef, Role), String> {
    let codes = || {
        let codes: Vec<&str> = Role::ALL.iter().map(|role| role.code()).collect();
        format!(
            "expected COLUMN=ROLE with one of the roles {}",
            codes.join(", ")
        )
    };
    let (column, code) = text.rsplit_once('=').ok_or_else(codes)?;
    let role = Role::from_code(code.trim()).ok_or_else(codes)?;
    let column = match column.trim().parse() {
        Ok(position) => ColumnRef::Position(position),
        Err(_) => ColumnRef::Header(column.to_owned()),
    };
    Ok((column, role))
}

fn source(code: &str) -> Result<SourceKind, String> {
    SourceKind::from_code(code).ok_or_else(|| {
        let codes: Vec<&str> = SourceKind::ALL.iter().map(|kind| kind.code()).collect();
        format!("expected one of {}", codes.join(", "))
    })
}

/// Runs a check.
pub fn main(args: Args) -> ExitCode {
    match args.what {
        What::Reply { tsv, json } => publish(reply::check(&tsv), json, reply::page),
        What::Links { tsv, json } => publish(links::check(&tsv), json, links::page),
        What::Media {
            file,
            declared,
            json,
        } => publish(media::check(&file, declared), json, media::page),
        What::Csv(args) => {
            let at = moment(args.at);
            publish(table::check(&args, at), args.json, table::page)
        }
        What::List(args) => {
            let at = moment(args.at);
            publish(list::check(&args, at), args.json, list::page)
        }
        What::Template(args) => publish(template::check(&args), args.json, template::page),
        What::Webhook { path, json } => publish(webhook::check(&path), json, webhook::page),
    }
}

/// The moment that was named, or the present.
pub(crate) fn moment(named: Option<Timestamp>) -> Timestamp {
    named.unwrap_or_else(|| SharedClock::system().now())
}

/// Writes the answer to standard output, or complains about the input.
pub(crate) fn publish<T: Serialize>(
    answer: Result<T, Problem>,
    json: bool,
    page: fn(&T) -> String,
) -> ExitCode {
    let answer = match answer {
        Ok(answer) => answer,
        Err(problem) => return complain(&problem.to_string()),
    };
    let text = if json {
        as_json(&answer)
    } else {
        page(&answer)
    };
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("cannot write the answer: {error}")),
    }
}

pub(crate) fn as_json<T: Serialize>(answer: &T) -> String {
    serde_json::to_string_pretty(answer).expect("an answer is plain data")
}

#[cfg(test)]
pub(crate) mod tests;
