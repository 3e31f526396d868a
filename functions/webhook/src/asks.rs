//! What a person asks for with an update: to stop, to resume, help, nothing.

use policy::attempt::{self, Class};
use policy::person::SuppressionSource;
use policy::purpose::{Purpose, Scope};
use policy::reply::{self, Context, Keyword, Label};

use crate::updates::{Content, Kind, PreferenceValue, Update};

/// What a person asks for, and how they said it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Asks {
    /// What.
    pub(crate) label: Label,
    /// What an opt-out covers; empty for everything else.
    pub(crate) scopes: Vec<Scope>,
    /// How.
    pub(crate) source: SuppressionSource,
    /// Which rule says so.
    pub(crate) rule: &'static str,
    /// Whether a person should look at it.
    pub(crate) review: bool,
    /// Whether they ask for their data to be deleted.
    pub(crate) erases: bool,
}

/// What an update asks for, to people with these `keywords` of their own; `None` where it is not a person's word.
///
/// Law: an opt-out always has a scope.
pub(crate) fn asks(update: &Update, keywords: &[Keyword]) -> Option<Asks> {
    match &update.kind {
        Kind::Message(message) => said(&message.content, keywords),
        // A change of mind of long ago lifts nothing today.
        Kind::Past(message) => {
            said(&message.content, keywords).filter(|asks| asks.label == Label::Optout)
        }
        Kind::Preference(preference) => match preference.value {
            PreferenceValue::Stop => Some(Asks::stop(
                SuppressionSource::UserPreferences,
                "preference_stop",
            )),
            PreferenceValue::Resume => Some(Asks {
                label: Label::Resume,
                scopes: Vec::new(),
                source: SuppressionSource::UserPreferences,
                rule: "preference_resume",
                review: false,
                erases: false,
            }),
            PreferenceValue::Other(_) | PreferenceValue::Signup => None,
        },
        Kind::Status(status) => status
            .codes
            .iter()
            .any(|code| attempt::classify(Some(*code), 200, false) == Class::OptOut)
            .then(|| Asks::stop(SuppressionSource::Error131050, "error_opt_out")),
        Kind::Account(_)
        | Kind::Errors { .. }
        | Kind::Notice(_)
        | Kind::Other(_)
        | Kind::Quality(_)
        | Kind::System(_)
        | Kind::Template(_) => None,
    }
}

/// What a message says, if it has words.
fn said(content: &Content, keywords: &[Keyword]) -> Option<Asks> {
    let tap = SuppressionSource::Button;
    match content {
        Content::Button { payload, text } => {
            Asks::read(payload.as_deref(), text.as_deref(), tap, keywords)
        }
        Content::Interactive { id, title, .. } => {
            Asks::read(id.as_deref(), title.as_deref(), tap, keywords)
        }
        Content::Media { caption, .. } => Asks::read(
            None,
            caption.as_deref(),
            SuppressionSource::Keyword,
            keywords,
        ),
        Content::Text(text) => Asks::read(None, Some(text), SuppressionSource::Keyword, keywords),
        Content::Other(_) | Content::Reaction { .. } | Content::Unsupported { .. } => None,
    }
}

impl Asks {
    /// An opt-out of marketing that needs no reading.
    fn stop(source: SuppressionSource, rule: &'static str) -> Self {
        Self {
            label: Label::Optout,
            scopes: vec![Scope::marketing()],
            source,
            rule,
            review: false,
            erases: false,
        }
    }

    /// Reads words. A button without a label is known by its payload, which is
    /// the label unless the template's sender chose another.
    fn read(
        payload: Option<&str>,
        text: Option<&str>,
        source: SuppressionSource,
        keywords: &[Keyword],
    ) -> Option<Self> {
        let words = text.or(payload)?;
        let context = Context {
            payload,
            keywords,
            ..Context::default()
        };
        let verdict = reply::classify(words, &context);
        Some(Self {
            label: verdict.label,
            scopes: match verdict.label {
                Label::Optout => verdict.scope.as_ref().map_or_else(marketing, scopes),
                Label::Help | Label::Other | Label::Resume => Vec::new(),
            },
            source,
            rule: verdict.rule,
            review: verdict.review,
            erases: verdict.scope == Some(reply::Scope::Erasure),
        })
    }
}

fn marketing() -> Vec<Scope> {
    vec![Scope::marketing()]
}

/// The scopes to suppress.
///
/// A button may name any purpose. One that is not known to be advertising or
/// service ends advertising too: a mislabelled button must not turn a stop
/// into nothing.
fn scopes(scope: &reply::Scope) -> Vec<Scope> {
    let named = match scope {
        reply::Scope::Marketing => return marketing(),
        reply::Scope::Everything | reply::Scope::Erasure | reply::Scope::WrongNumber => {
            return vec![Scope::Everything];
        }
        reply::Scope::Purpose(named) => named.to_lowercase(),
    };
    match Purpose::parse(&named) {
        Ok(purpose) if purpose.is_marketing() || Purpose::service().covers(&purpose) => {
            vec![Scope::Purpose(purpose)]
        }
        Ok(purpose) => vec![Scope::Purpose(purpose), Scope::marketing()],
        Err(_) => marketing(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(purpose: &str) -> Vec<String> {
        scopes(&reply::Scope::Purpose(purpose.to_owned()))
            .iter()
            .map(|scope| scope.code().to_owned())
            .collect()
    }

    #[test]
    fn a_button_stops_what_it_names_or_more() {
        assert_eq!(codes("marketing.promo"), ["marketing.promo"]);
        assert_eq!(codes("Marketing.Promo"), ["marketing.promo"]);
        assert_eq!(codes("service.order"), ["service.order"]);
        assert_eq!(codes("newsletter"), ["newsletter", "marketing"]);
        assert_eq!(codes("ramadan promo!"), ["marketing"]);
    }
}
