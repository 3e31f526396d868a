//! A template as Meta lists it, before a campaign uses it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use policy::content::{self, Mapping, Source, Template, Variable};
use serde::Serialize;

use super::input::{self, Problem, Text};

/// A template, and where its variables come from.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Meta's listing: one template, or {"data": [...]}.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// The name people know the business by; advertising must show it.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(super) business: String,
    /// A JSON object from variable to source: {"nama": "column:name|Kak"}.
    #[arg(long, value_name = "FILE")]
    pub(super) mapping: Option<PathBuf>,
    /// The columns of the list; unless given, those that the mapping names.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) columns: Option<Vec<String>>,
    /// JSON instead of a table.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    templates: Vec<Checked>,
}

#[derive(Debug, Serialize)]
struct Checked {
    name: Option<String>,
    language: Option<String>,
    /// Why this entry cannot be used at all.
    error: Option<String>,
    findings: Vec<Finding>,
    stop: Option<Stop>,
}

#[derive(Debug, Serialize)]
struct Finding {
    code: &'static str,
    severity: &'static str,
    sentence: String,
}

#[derive(Debug, Serialize)]
struct Stop {
    works: bool,
    says_how: bool,
    language_known: bool,
    quick_reply: Option<u8>,
    preference_link: bool,
}

pub(super) fn check(args: &Args) -> Result<Answer, Problem> {
    let path = &args.file;
    let text = input::text(path)?;
    let value: serde_json::Value = input::parse(path, &text)?;
    let mapping = args
        .mapping
        .as_deref()
        .map_or_else(|| Ok(Mapping::default()), mapping)?;
    let columns = columns(args, &mapping);
    let unusable = |error: content::ParseTemplateError| {
        let remedy = "export the template from Meta's listing (`message_templates`) again";
        Problem::new(path, 1, error.to_string(), remedy)
    };
    let is_listing = value.get("data").is_some();
    let parsed = if is_listing {
        Template::parse_listing(&text).map_err(unusable)?
    } else {
        vec![Ok(Template::parse(&text).map_err(unusable)?)]
    };
    let named = |index: usize, field: &str| {
        let entry = if is_listing {
            &value["data"][index]
        } else {
            &value
        };
        entry[field].as_str().map(str::to_owned)
    };
    let check = |(index, parsed): (usize, Result<Template, content::ParseTemplateError>)| {
        let (name, language) = (named(index, "name"), named(index, "language"));
        match parsed {
            Ok(template) => Checked {
                name,
                language,
                error: None,
                findings: findings(&template, &mapping, &columns, &args.business),
                stop: Some(stop(&template, &mapping)),
            },
            Err(error) => Checked {
                name,
                language,
                error: Some(error.to_string()),
                findings: Vec::new(),
                stop: None,
            },
        }
    };
    Ok(Answer {
        templates: parsed.into_iter().enumerate().map(check).collect(),
    })
}

fn mapping(path: &Path) -> Result<Mapping, Problem> {
    let entries: BTreeMap<Text<Variable>, Text<Source>> = input::json(path)?;
    let entries: Vec<(String, String)> = entries
        .into_iter()
        .map(|(variable, source)| (variable.0.to_string(), source.0.to_string()))
        .collect();
    let pairs = entries
        .iter()
        .map(|(variable, source)| (variable.as_str(), source.as_str()));
    Mapping::parse(pairs)
        .map_err(|error| Problem::new(path, 1, error.to_string(), "name each variable once"))
}

fn columns(args: &Args, mapping: &Mapping) -> Vec<String> {
    let named = |source: &Source| match source {
        Source::Column { name, .. } => Some(name.clone()),
        Source::Media(_) | Source::PreferenceLink | Source::Text(_) => None,
    };
    let of_mapping = || {
        mapping
            .entries()
            .filter_map(|(_, source)| named(source))
            .collect()
    };
    args.columns.clone().unwrap_or_else(of_mapping)
}

fn findings(
    template: &Template,
    mapping: &Mapping,
    columns: &[String],
    business: &str,
) -> Vec<Finding> {
    let columns: Vec<&str> = columns.iter().map(|column| column.trim()).collect();
    content::check(template, mapping, &columns, business)
        .into_iter()
        .map(|finding| Finding {
            code: finding.code,
            severity: finding.severity.code(),
            sentence: finding.sentence,
        })
        .collect()
}

fn stop(template: &Template, mapping: &Mapping) -> Stop {
    let stop = content::stop_affordance(template, mapping);
    Stop {
        works: stop.works(),
        says_how: stop.says_how,
        language_known: stop.language_known,
        quick_reply: stop.quick_reply,
        preference_link: stop.preference_link,
    }
}

pub(super) fn page(answer: &Answer) -> String {
    let mut page = String::new();
    for checked in &answer.templates {
        let name = checked.name.as_deref().unwrap_or("(no name)");
        let language = checked.language.as_deref().unwrap_or("no language");
        writeln!(page, "{name} ({language})").expect("a string grows");
        if let Some(error) = &checked.error {
            writeln!(page, "  unusable  {error}").expect("a string grows");
        }
        if checked.error.is_none() && checked.findings.is_empty() {
            writeln!(page, "  nothing to mend").expect("a string grows");
        }
        for Finding {
            code,
            severity,
            sentence,
        } in &checked.findings
        {
            writeln!(page, "  {severity:<8}  {code}: {sentence}").expect("a string grows");
        }
        if let Some(stop) = &checked.stop {
            let works = if stop.works { "yes" } else { "NO" };
            writeln!(page, "  people can stop from the message: {works}").expect("a string grows");
        }
    }
    page
}
