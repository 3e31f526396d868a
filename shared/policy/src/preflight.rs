//! Before anybody gets it: what a message says, where its links lead, and
//! whether it is still what was approved.
//!
//! [`of_template`] looks at everything that is the same for all people: a
//! harmful link there stops the campaign. [`of_person`] looks at what the
//! values of one person make of it: a harmful one there leaves that person
//! out, and nobody else. [`fingerprint`] names the content, so that what was
//! approved is what is sent, or nothing is.

pub mod age;
mod file;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::content::{
    self, ButtonKind, ButtonParameter, Header, HeaderParameter, Mapping, Parameters, Source,
    Template,
};
use crate::links::{self, Context, Place, Verdict};
use crate::reason::RefusalReason;

pub use self::file::{CheckedFile, header_file, shows};

/// Judges what a template and its mapping say to everybody.
///
/// Law: the verdict is the most severe of the findings.
pub fn of_template(template: &Template, mapping: &Mapping, context: &Context) -> Preflight {
    let mut preflight = Preflight::default();
    for (place, goes, text) in texts(template, mapping) {
        preflight.judge(&place, &text, &context.at(goes));
    }
    preflight
}

/// Judges what the values of one person make of a message. A warning is not
/// about the person: whoever approved the template has seen it.
pub fn of_person(
    template: &Template,
    parameters: &Parameters,
    context: &Context,
) -> Result<(), RefusalReason> {
    let harmful =
        |text: &str, place: Place| links::check(text, &context.at(place)).verdict == Verdict::Block;
    let header = match &parameters.header {
        Some(HeaderParameter::Text(value)) => Some(value),
        Some(HeaderParameter::Media { .. }) | None => None,
    };
    let mut values = header.into_iter().chain(&parameters.body);
    let brings = values.any(|value| harmful(&value.text, Place::Parameter));
    let codes = parameters.buttons.iter().any(|button| match button {
        ButtonParameter::Code { code, .. } => harmful(code, Place::Parameter),
        ButtonParameter::Payload { .. } | ButtonParameter::UrlSuffix { .. } => false,
    });
    let rendered = content::render(template, parameters);
    let mut urls = template
        .buttons
        .iter()
        .filter_map(|button| match &button.kind {
            ButtonKind::Url(url) => Some(url),
            ButtonKind::CopyCode | ButtonKind::Phone | ButtonKind::QuickReply => None,
        });
    let strays = rendered.urls.iter().any(|url| {
        let fixed = urls.next().map(ToString::to_string).unwrap_or_default();
        !links::keeps_destination(&fixed, url) || harmful(url, Place::ButtonUrl)
    });
    // A value and the words beside it may make what neither is.
    let made = harmful(&rendered.body, Place::Body)
        || rendered
            .header
            .as_deref()
            .is_some_and(|header| harmful(header, Place::Body));
    if brings || codes || strays || made {
        return Err(RefusalReason::ContentBlocked);
    }
    Ok(())
}

/// The name of a content: the same for the same words, sources and file.
/// `media` is the SHA-256 of the header's file.
///
/// Law: whatever a person would notice changes it; WhatsApp's status of the
/// template does not.
pub fn fingerprint(template: &Template, mapping: &Mapping, media: Option<&str>) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_be_bytes());
        hash.update(text.as_bytes());
    };
    add("content:v1");
    add(&template.name);
    add(&template.language);
    match &template.header {
        None => add("none"),
        Some(Header::Location) => add("location"),
        Some(Header::Media(kind)) => add(kind.code()),
        Some(Header::Text(text)) => {
            add("text");
            add(&text.to_string());
        }
    }
    add(&template.body.to_string());
    add(template.footer.as_deref().unwrap_or_default());
    for button in &template.buttons {
        add(&button.label);
        match &button.kind {
            ButtonKind::CopyCode => add("copy_code"),
            ButtonKind::Phone => add("phone"),
            ButtonKind::QuickReply => add("quick_reply"),
            ButtonKind::Url(url) => {
                add("url");
                add(&url.to_string());
            }
        }
    }
    add("mapping");
    for (variable, source) in mapping.entries() {
        add(&variable.to_string());
        add(&source.to_string());
    }
    add(media.unwrap_or_default());
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything that is the same for everybody: its place, where it goes, and
/// the text.
fn texts(template: &Template, mapping: &Mapping) -> Vec<(String, Place, String)> {
    let mut texts = Vec::new();
    let mut add = |place: String, goes, text: String| texts.push((place, goes, text));
    if let Some(Header::Text(text)) = &template.header {
        add("header".to_owned(), Place::Body, text.to_string());
    }
    add("body".to_owned(), Place::Body, template.body.to_string());
    if let Some(footer) = &template.footer {
        add("footer".to_owned(), Place::Body, footer.clone());
    }
    for (index, button) in template.buttons.iter().enumerate() {
        add(format!("button.{index}"), Place::Body, button.label.clone());
        if let ButtonKind::Url(url) = &button.kind {
            add(format!("button.{index}"), Place::ButtonUrl, url.to_string());
        }
    }
    for (variable, source) in mapping.entries() {
        let text = match source {
            Source::Text(text) => text,
            Source::Column { or: Some(text), .. } => text,
            Source::Column { or: None, .. } | Source::Media(_) | Source::PreferenceLink => continue,
        };
        add(variable.to_string(), Place::Parameter, text.clone());
    }
    texts
}

/// What speaks against a message, and where its links lead.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[must_use = "a verdict that nobody reads stops nothing"]
pub struct Preflight {
    /// The most severe of the findings; allow without any.
    pub verdict: Verdict,
    /// Every finding.
    pub findings: Vec<Finding>,
    /// Every link.
    pub links: Vec<Link>,
}

impl Default for Preflight {
    fn default() -> Self {
        Self {
            verdict: Verdict::Allow,
            findings: Vec::new(),
            links: Vec::new(),
        }
    }
}

impl Preflight {
    /// Judges one text and keeps what was found.
    pub fn judge(&mut self, place: &str, text: &str, context: &Context) {
        let report = links::check(text, context);
        for finding in report.findings {
            self.note(
                place,
                finding.reason.code(),
                finding.verdict,
                &finding.shown,
            );
        }
        for link in report.links {
            let leads_to = link.leads_to().map(String::from).unwrap_or_default();
            self.links.push(Link {
                place: place.to_owned(),
                shown: link.shown,
                leads_to,
                ends_at: None,
            });
        }
    }

    /// Adds a finding.
    pub fn note(&mut self, place: &str, reason: &str, verdict: Verdict, shown: &str) {
        self.verdict = self.verdict.max(verdict);
        let finding = Finding {
            place: place.to_owned(),
            reason: reason.to_owned(),
            verdict,
            shown: shown.to_owned(),
        };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// One reason. Its texts are the template's: for operators, never for logs.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// In which part of the message: `body`, `button.0`, a variable.
    pub place: String,
    /// A code of [`links::Reason`] or [`crate::media::Reason`].
    pub reason: String,
    /// How severe.
    pub verdict: Verdict,
    /// The words in question.
    pub shown: String,
}

impl std::fmt::Debug for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finding")
            .field("place", &self.place)
            .field("reason", &self.reason)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}

/// One link.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Link {
    /// In which part of the message.
    pub place: String,
    /// As the person sees it.
    pub shown: String,
    /// As it really goes; empty if nobody can follow it.
    pub leads_to: String,
    /// Where it ends after every redirect, where that was found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// What an approval lacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ApprovalGap {
    /// Something in the message is harmful.
    #[error("the message holds something harmful")]
    Blocked,
    /// A warning needs somebody to answer for it.
    #[error("a warning needs the name of the person who approves it")]
    ApproverMissing,
    /// Two persons are asked for, and nobody wrote down who the author is.
    #[error("two-person approval needs the author's name, which the campaign does not have")]
    AuthorMissing,
    /// Two persons are asked for, and there is only one.
    #[error("the approver must be another person than the author")]
    SamePerson,
}

/// Whether a message may be approved by this person.
///
/// Law: what is blocked nobody can approve; a warning is approved by a named
/// person, and by another than the author where two are asked for.
pub fn approve(
    verdict: Verdict,
    author: Option<&str>,
    approver: Option<&str>,
    two_persons: bool,
) -> Result<(), ApprovalGap> {
    let named = |name: Option<&str>| {
        let words = name?.split_whitespace().collect::<Vec<_>>().join(" ");
        (!words.is_empty()).then(|| words.to_lowercase())
    };
    match verdict {
        Verdict::Allow => return Ok(()),
        Verdict::Block => return Err(ApprovalGap::Blocked),
        Verdict::Warn => (),
    }
    let approver = named(approver).ok_or(ApprovalGap::ApproverMissing)?;
    if !two_persons {
        return Ok(());
    }
    let author = named(author).ok_or(ApprovalGap::AuthorMissing)?;
    if author == approver {
        return Err(ApprovalGap::SamePerson);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
