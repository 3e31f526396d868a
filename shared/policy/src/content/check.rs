//! The pre-flight look at a template and its mapping.

use std::collections::BTreeSet;

use super::mapping::{Mapping, Source, Variable};
use super::parameters::{BODY_MAX, fits_parameter};
use super::stop_words::{fold, is_stop_label, says_how_to_stop};
use super::template::{
    ButtonKind, Category, Header, ParameterFormat, Piece, Template, TemplateStatus,
};

/// Something to know before a campaign is approved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// A stable code. Never reuse one.
    pub code: &'static str,
    /// Whether the campaign may go on.
    pub severity: Severity,
    /// What is wrong and what helps, in one sentence.
    pub sentence: String,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Nothing is sent until it is mended.
    Blocker,
    /// A named person looks at it and agrees.
    Warning,
}

impl Severity {
    /// A stable code for storage and the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Blocker => "blocker",
            Self::Warning => "warning",
        }
    }
}

/// Looks at a template and where its variables come from.
///
/// `columns` are those of the list; `business_name` is what the person knows
/// the sender by.
///
/// Law: without a blocker every variable has a source, and advertising names
/// the business and shows a way to stop that works.
pub fn check(
    template: &Template,
    mapping: &Mapping,
    columns: &[&str],
    business_name: &str,
) -> Vec<Finding> {
    let mut findings = Findings::default();
    findings.template(template);
    findings.variables(template, mapping, columns);
    findings.addresses(template, mapping);
    if template.category == Category::Marketing {
        findings.sender(template, mapping, business_name);
        findings.stop(template, mapping);
    }
    findings.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn blocker(&mut self, code: &'static str, sentence: impl Into<String>) {
        self.push(code, Severity::Blocker, sentence.into());
    }

    fn warning(&mut self, code: &'static str, sentence: impl Into<String>) {
        self.push(code, Severity::Warning, sentence.into());
    }

    fn push(&mut self, code: &'static str, severity: Severity, sentence: String) {
        self.0.push(Finding {
            code,
            severity,
            sentence,
        });
    }

    fn template(&mut self, template: &Template) {
        if template.status != TemplateStatus::Approved {
            self.blocker(
                "template_not_approved",
                format!(
                    "WhatsApp has not approved the template in this language; its status is {}.",
                    template.status.code()
                ),
            );
        }
        if template.body.literal().chars().count() > BODY_MAX {
            self.blocker(
                "body_too_long",
                format!("The text alone has more than {BODY_MAX} characters."),
            );
        }
        let numbered = |name: &str| name.parse::<u32>().is_ok();
        let names = template.texts().flat_map(|text| text.variables());
        let mixed = names.into_iter().any(|name| match template.format {
            ParameterFormat::Named => numbered(name),
            ParameterFormat::Positional => !numbered(name),
        });
        if mixed {
            self.blocker(
                "variable_format",
                "The template mixes named and numbered variables, so WhatsApp would refuse it.",
            );
        }
        if template.header == Some(Header::Location) {
            self.blocker(
                "header_unsupported",
                "The template's header is a place on a map, which this service cannot fill.",
            );
        }
    }

    fn variables(&mut self, template: &Template, mapping: &Mapping, columns: &[&str]) {
        let needed = needed(template);
        for variable in &needed {
            match mapping.source(variable) {
                None if optional(variable) => (),
                None => self.blocker(
                    "variable_unmapped",
                    format!("Nothing says where the value of `{variable}` comes from."),
                ),
                Some(source) => self.source(variable, source, columns),
            }
        }
        for (variable, _) in mapping.entries() {
            if !needed.contains(variable) {
                self.warning(
                    "mapping_unused",
                    format!("The template has no `{variable}`; the mapping has."),
                );
            }
        }
    }

    fn source(&mut self, variable: &Variable, source: &Source, columns: &[&str]) {
        let media = *variable == Variable::HeaderMedia;
        match source {
            Source::Media(_) if media => (),
            Source::Media(_) => self.blocker(
                "source_unfit",
                format!("A file cannot be the value of `{variable}`."),
            ),
            _ if media => self.blocker(
                "source_unfit",
                "The template's header is a file; map `header` to `media:…`.",
            ),
            Source::Column { name, or } => {
                if !columns.contains(&name.as_str()) {
                    self.blocker(
                        "column_missing",
                        format!("The list has no column `{name}`, which `{variable}` needs."),
                    );
                }
                if or.as_deref().is_some_and(|or| !fits_parameter(or)) {
                    self.blocker(
                        "value_unfit",
                        format!("WhatsApp does not take the fallback of `{variable}`."),
                    );
                }
            }
            Source::PreferenceLink => (),
            Source::Text(text) => {
                if !fits_parameter(text) {
                    self.blocker(
                        "value_unfit",
                        format!(
                            "WhatsApp does not take the value of `{variable}`: no line breaks, \
                             no tabs, at most four spaces in a row."
                        ),
                    );
                }
            }
        }
    }

    /// An address may change only at its end, behind its host.
    fn addresses(&mut self, template: &Template, mapping: &Mapping) {
        for (index, button) in (0_u8..).zip(&template.buttons) {
            let ButtonKind::Url(url) = &button.kind else {
                continue;
            };
            let starts_well = match url.pieces().first() {
                Some(Piece::Literal(text)) => text
                    .strip_prefix("https://")
                    .is_some_and(|rest| url.pieces().len() == 1 || rest.contains('/')),
                Some(Piece::Variable(_)) | None => false,
            };
            if !starts_well {
                self.blocker(
                    "address_open",
                    format!(
                        "The address of button {index} must start with https:// and a fixed host; \
                         only its end may vary."
                    ),
                );
            }
            if url.pieces().len() > 2 {
                self.blocker(
                    "address_variables",
                    format!("The address of button {index} may have one variable, at its end."),
                );
            }
            let source = mapping.source(&Variable::ButtonUrl(index));
            if url.variables().is_empty() && source == Some(&Source::PreferenceLink) {
                self.blocker(
                    "preference_link_lost",
                    format!("Button {index} has no variable for the person's own page."),
                );
            }
        }
    }

    fn sender(&mut self, template: &Template, mapping: &Mapping, business_name: &str) {
        let name = fold(business_name.trim());
        let fixed = mapping.entries().filter_map(|(_, source)| match source {
            Source::Text(text) => Some(fold(text)),
            Source::Column { .. } | Source::Media(_) | Source::PreferenceLink => None,
        });
        let written = template
            .texts()
            .map(|text| fold(&text.to_string()))
            .chain(template.footer.as_deref().map(fold));
        if name.is_empty() || !written.chain(fixed).any(|text| text.contains(&name)) {
            self.blocker(
                "sender_not_named",
                "Advertising must name the business: write its name into the text, the header or \
                 the footer.",
            );
        }
    }

    fn stop(&mut self, template: &Template, mapping: &Mapping) {
        let affordance = stop_affordance(template, mapping);
        if !affordance.says_how {
            self.blocker(
                "stop_not_said",
                "Advertising must say how to stop, in its own language: write it into the footer \
                 or the text.",
            );
        } else if !affordance.language_known {
            self.warning(
                "stop_language_unreviewed",
                "Nobody has written down how to say stop in this language; English words were \
                 found.",
            );
        }
        if !affordance.works() {
            self.blocker(
                "stop_missing",
                "Advertising must carry a way to stop that works: a quick reply that says so, or \
                 the link to the person's own page.",
            );
        }
    }
}

/// How a template lets people stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StopAffordance {
    /// The footer or the text says how, in the template's language.
    pub says_how: bool,
    /// The words of that language are known.
    pub language_known: bool,
    /// The position of a quick reply that stops.
    pub quick_reply: Option<u8>,
    /// The link to the person's own page is in the message.
    pub preference_link: bool,
}

impl StopAffordance {
    /// Whether a person can stop from the message itself.
    pub const fn works(&self) -> bool {
        self.quick_reply.is_some() || self.preference_link
    }
}

/// Finds the ways to stop in a template with its mapping.
pub fn stop_affordance(template: &Template, mapping: &Mapping) -> StopAffordance {
    let language = template.language.as_str();
    let texts = [template.footer.clone(), Some(template.body.to_string())];
    let says = |language: &str| {
        texts
            .iter()
            .flatten()
            .any(|text| says_how_to_stop(language, text) == Some(true))
    };
    let language_known = says_how_to_stop(language, "").is_some();
    let quick_reply = (0_u8..).zip(&template.buttons).find_map(|(index, button)| {
        if button.kind != ButtonKind::QuickReply {
            return None;
        }
        let stops = match mapping.source(&Variable::ButtonPayload(index)) {
            Some(Source::Text(payload)) => payload == "OPTOUT" || payload.starts_with("OPTOUT:"),
            Some(_) => false,
            None => is_stop_label(language, &button.label),
        };
        stops.then_some(index)
    });
    let needed = needed(template);
    let preference_link = mapping
        .entries()
        .any(|(variable, source)| *source == Source::PreferenceLink && needed.contains(variable));
    StopAffordance {
        says_how: if language_known {
            says(language)
        } else {
            says("en")
        },
        language_known,
        quick_reply,
        preference_link,
    }
}

/// Every place of a template that a message may fill.
fn needed(template: &Template) -> BTreeSet<Variable> {
    let mut needed = BTreeSet::new();
    match &template.header {
        Some(Header::Media(_)) => {
            needed.insert(Variable::HeaderMedia);
        }
        Some(Header::Text(text)) => {
            let names = text.variables().into_iter();
            needed.extend(names.map(|name| Variable::HeaderText(name.to_owned())));
        }
        Some(Header::Location) | None => (),
    }
    let names = template.body.variables().into_iter();
    needed.extend(names.map(|name| Variable::Body(name.to_owned())));
    for (index, button) in (0_u8..).zip(&template.buttons) {
        match &button.kind {
            ButtonKind::CopyCode => {
                needed.insert(Variable::ButtonCode(index));
            }
            ButtonKind::QuickReply => {
                needed.insert(Variable::ButtonPayload(index));
            }
            ButtonKind::Url(url) if !url.variables().is_empty() => {
                needed.insert(Variable::ButtonUrl(index));
            }
            ButtonKind::Phone | ButtonKind::Url(_) => (),
        }
    }
    needed
}

/// Whether WhatsApp has a value of its own where the mapping has none.
fn optional(variable: &Variable) -> bool {
    matches!(variable, Variable::ButtonPayload(_))
}
