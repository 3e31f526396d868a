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
        Content::Form { answers } => filled_in(answers, keywords),
        // What is said in a sound is not read here; somebody has to listen.
        Content::Media {
            kind,
            caption: None,
        } if SPOKEN.contains(&kind.as_str()) => Some(Asks::doubt("spoken")),
        Content::Media { caption, .. } => Asks::read(
            None,
            caption.as_deref(),
            SuppressionSource::Keyword,
            keywords,
        ),
        Content::Text(text) => Asks::read(None, Some(text), SuppressionSource::Keyword, keywords),
        Content::Reaction { emoji, .. } => emoji.as_deref().and_then(reacted),
        Content::Other(_) | Content::Unsupported { .. } => None,
    }
}

/// Sounds.
const SPOKEN: [&str; 2] = ["audio", "voice"];

/// What is chosen in a form answers a question that nobody here knows.
fn filled_in(answers: &[String], keywords: &[Keyword]) -> Option<Asks> {
    let context = Context {
        keywords,
        ..Context::default()
    };
    let is_stop = |answer: &String| reply::classify(answer, &context).label == Label::Optout;
    answers
        .iter()
        .any(is_stop)
        .then(|| Asks::doubt("form_may_stop"))
}

/// A sign that means stop in a text may mean something else under a picture.
fn reacted(emoji: &str) -> Option<Asks> {
    let verdict = reply::classify(emoji, &Context::default());
    let is_stop = verdict.label == Label::Optout;
    is_stop.then(|| Asks::doubt("reaction_may_stop"))
}

impl Asks {
    /// The codes of the scopes, as they are kept and handed on.
    pub(crate) fn scope_codes(&self) -> Vec<String> {
        self.scopes
            .iter()
            .map(|scope| scope.code().to_owned())
            .collect()
    }

    /// Nothing that is plainly asked for, but a person should look.
    fn doubt(rule: &'static str) -> Self {
        Self {
            label: Label::Other,
            scopes: Vec::new(),
            source: SuppressionSource::Keyword,
            rule,
            review: true,
            erases: false,
        }
    }

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

    /// What one message of a person asks for.
    fn of_message(message: serde_json::Value) -> Option<Asks> {
        let value = serde_json::json!({"messages": [message]});
        let body = serde_json::json!({"entry": [{"changes": [{"value": value}]}]});
        let updates = crate::updates::parse(body.to_string().as_bytes()).unwrap();
        asks(&updates[0], &[])
    }

    #[test]
    fn what_cannot_be_read_as_a_stop_is_for_somebody_to_look_at() {
        use serde_json::json;
        let reaction = |emoji| json!({"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": emoji}});
        let audio = json!({"type": "audio", "audio": {"id": "7", "voice": true}});
        for doubtful in [reaction("🛑"), reaction("🚫"), audio] {
            let asks = of_message(doubtful.clone()).unwrap();
            assert!(asks.review && asks.scopes.is_empty(), "{doubtful}");
            assert_eq!(asks.label, Label::Other, "{doubtful}");
        }
        assert_eq!(of_message(reaction("❤️")), None);
        let picture = json!({"type": "image", "image": {"id": "7"}});
        assert_eq!(of_message(picture), None);
    }

    #[test]
    fn what_is_chosen_in_a_form_may_be_a_stop() {
        use serde_json::json;
        let form = |answers: serde_json::Value| {
            let reply = json!({"name": "flow", "response_json": answers});
            let interactive = json!({"type": "nfm_reply", "nfm_reply": reply});
            of_message(json!({"type": "interactive", "interactive": interactive}))
        };
        for doubtful in [
            json!(r#"{"flow_token": "t", "screen_0_Pilihan_0": "0_Berhenti_langganan"}"#),
            json!({"unsubscribe": true, "nama": "Sari"}),
            json!({"stop_promo": "yes"}),
            json!({"topics": ["1_Promo_mingguan", "2_STOP"]}),
            json!({"saran": "tolong jangan kirim promo lagi"}),
        ] {
            let asks = form(doubtful.clone()).unwrap();
            assert!(asks.review && asks.scopes.is_empty(), "{doubtful}");
            assert_eq!(asks.rule, "form_may_stop");
        }
        for harmless in [
            json!(r#"{"flow_token": "STOP", "unsubscribe": false, "stop_promo": "no"}"#),
            json!({"rating": "5 - Puas", "nama": "Sari", "setuju": true}),
            json!({"items": [{"a": "STOP"}]}),
            json!("not JSON"),
            json!(["STOP"]),
            json!(null),
        ] {
            assert_eq!(form(harmless.clone()), None, "{harmless}");
        }
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
