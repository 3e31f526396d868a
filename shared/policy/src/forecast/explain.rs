//! Why a message leaves, waits or stays, for people.

use jiff::Timestamp;

use crate::jurisdiction::Jurisdiction;
use crate::reason::{DeferReason, RefusalReason};
use crate::send::{self, Decision, Facts, Objection};

/// The whole answer for one message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reasoning {
    /// `send`, `defer`, `refuse` or `in_doubt`.
    pub decision: &'static str,
    /// When to ask again, if it waits.
    pub until: Option<Timestamp>,
    /// Everything that speaks against it, in the order of the rules.
    pub reasons: Vec<Explanation>,
    /// Which rules decided.
    pub policy_version: &'static str,
}

/// One thing that speaks against a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// Whether it passes by itself.
    pub kind: ObjectionKind,
    /// The stable code of the reason.
    pub code: &'static str,
    /// One sentence in English.
    pub english: String,
    /// One sentence in Indonesian.
    pub indonesian: &'static str,
    /// The rule it rests on, with the rows of the countries that apply.
    pub source: String,
    /// When it passes, if it does.
    pub until: Option<Timestamp>,
}

/// Whether an objection passes by itself.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ObjectionKind {
    /// It does.
    Defer,
    /// It does not.
    Refuse,
}

/// Explains what [`send::decide`] answers to the same facts.
///
/// Law: the decision is the one `decide` makes, and there are no reasons
/// exactly if it sends or is in doubt.
pub fn explain(facts: &Facts<'_>) -> Reasoning {
    let (decision, until, in_doubt) = match send::decide(facts) {
        Decision::Defer { until, .. } => ("defer", Some(until), false),
        Decision::InDoubt => ("in_doubt", None, true),
        Decision::Refuse(_) => ("refuse", None, false),
        Decision::Send(_) => ("send", None, false),
    };
    let reasons = if in_doubt {
        Vec::new()
    } else {
        send::objections(facts)
            .map(|objection| explanation(facts, objection))
            .collect()
    };
    Reasoning {
        decision,
        until,
        reasons,
        policy_version: crate::version::version(),
    }
}

fn explanation(facts: &Facts<'_>, objection: Objection) -> Explanation {
    match objection {
        Objection::Defer { until, reason } => Explanation {
            kind: ObjectionKind::Defer,
            code: reason.code(),
            english: sentence(&reason.to_string()),
            indonesian: reason.indonesian(),
            source: match reason {
                DeferReason::QuietHours => rows(facts, |row| Some(row.window_source()))
                    .unwrap_or_else(|| reason.source().to_owned()),
                DeferReason::CampaignPaused
                | DeferReason::ClaimsFull
                | DeferReason::ContentUnchecked
                | DeferReason::FrequencyCap
                | DeferReason::MarketingCoolDown
                | DeferReason::PairLimit
                | DeferReason::TemplateUnavailable
                | DeferReason::TierFull => reason.source().to_owned(),
            },
            until: Some(until),
        },
        Objection::Refuse(reason) => Explanation {
            kind: ObjectionKind::Refuse,
            code: reason.code(),
            english: sentence(&reason.to_string()),
            indonesian: reason.indonesian(),
            source: source(facts, reason),
            until: None,
        },
    }
}

/// The rule behind a refusal: the country's own where the reason is one of law.
fn source(facts: &Facts<'_>, reason: RefusalReason) -> String {
    use RefusalReason as R;

    let of_country = match reason {
        R::ConsentExpired
        | R::ConsentNeverGiven
        | R::ConsentOtherPurpose
        | R::ConsentUnanswered
        | R::ConsentUnproven
        | R::RelationshipOnly => rows(facts, |row| Some(row.consent_source())),
        R::MarketingBlocked => rows(facts, Jurisdiction::marketing_blocked),
        R::NoGoodHour => rows(facts, |row| Some(row.window_source())),
        R::AlreadyClaimed
        | R::CampaignCancelled
        | R::CampaignExpired
        | R::CampaignNotRunning
        | R::CategoryMismatch
        | R::ConsentNotYet
        | R::ConsentWithdrawn
        | R::ContentBlocked
        | R::CountryUnreviewed
        | R::MessageTooLong
        | R::ParameterInvalid
        | R::ParameterMissing
        | R::ServiceWindowClosed
        | R::SubscriptionMissing
        | R::Suppressed
        | R::AnsweredLately
        | R::NothingToConfirm
        | R::TemplateUnusable => None,
    };
    of_country.unwrap_or_else(|| reason.source().to_owned())
}

/// What the rows of the person's countries name, each once: `ID: …`.
fn rows<'a>(
    facts: &Facts<'a>,
    source: impl Fn(&'a Jurisdiction) -> Option<&'a str>,
) -> Option<String> {
    let phone = &facts.subscription?.phone;
    let mut named: Vec<String> = Vec::new();
    for row in facts.jurisdictions.of(phone, facts.terms.sector) {
        if let Some(source) = source(row) {
            let line = format!("{}: {source}", row.id());
            if !named.contains(&line) {
                named.push(line);
            }
        }
    }
    (!named.is_empty()).then(|| named.join("; "))
}

/// A fragment as a sentence.
fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    let first: String = letters
        .next()
        .map(char::to_uppercase)
        .into_iter()
        .flatten()
        .collect();
    format!("{first}{}.", letters.as_str())
}
