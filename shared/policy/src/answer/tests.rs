use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::person::{Suppression, SuppressionSource};
use crate::reply::{self, Context, Label};

fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(1))
}

fn token(n: u8) -> ContactToken {
    ContactToken::from_bytes([n; 16])
}

fn stopped(stops: &[(Scope, &str)]) -> Person {
    let stop = |(scope, evidence): &(Scope, &str)| {
        let stop = Suppression {
            at: Timestamp::UNIX_EPOCH,
            source: SuppressionSource::Keyword,
            evidence: (*evidence).to_owned(),
        };
        (scope.clone(), stop)
    };
    Person {
        suppressions: stops.iter().map(stop).collect(),
        ..Person::default()
    }
}

fn help() -> Answer {
    Answer {
        kind: AnswerKind::Help,
        cause: "evt".to_owned(),
    }
}

#[test]
fn a_confirmation_is_of_the_widest_stop_in_force() {
    let both = [Scope::marketing(), Scope::Everything];
    let person = stopped(&[(Scope::marketing(), "first"), (Scope::Everything, "all")]);
    let confirmation = Answer::confirmation(&person, &both).unwrap();
    let everything = AnswerKind::Confirmation {
        scope: Scope::Everything,
    };
    assert_eq!(confirmation.kind, everything);
    assert_eq!(confirmation.cause, "all");
    // What was asked for and what was asked before are not the same.
    let marketing = Answer::confirmation(&person, &both[..1]).unwrap();
    assert_eq!(marketing.cause, "first");
    assert_eq!(Answer::confirmation(&Person::default(), &both), None);
}

#[test]
fn one_cause_has_one_id_and_two_have_two() {
    let of = |evidence| {
        let person = stopped(&[(Scope::marketing(), evidence)]);
        Answer::confirmation(&person, &[Scope::marketing()]).unwrap()
    };
    let id = |answer: &Answer, who| answer.id(tenant(), token(who));
    assert_eq!(id(&of("a"), 1), id(&of("a"), 1));
    assert_ne!(id(&of("a"), 1), id(&of("b"), 1));
    assert_ne!(id(&of("a"), 1), id(&of("a"), 2));
    assert_ne!(id(&of("evt"), 1), id(&help(), 1));
}

#[test]
fn only_the_stop_that_stands_is_confirmed() {
    let scopes = [Scope::Everything];
    let person = stopped(&[(Scope::Everything, "one")]);
    let confirmation = Answer::confirmation(&person, &scopes).unwrap();
    assert_eq!(confirmation.refusal(&person), None);
    for other in [Person::default(), stopped(&[(Scope::Everything, "two")])] {
        let refused = confirmation.refusal(&other);
        assert_eq!(refused, Some(RefusalReason::NothingToConfirm));
    }
    assert_eq!(help().refusal(&person), Some(RefusalReason::Suppressed));
    let marketing = stopped(&[(Scope::marketing(), "one")]);
    assert_eq!(help().refusal(&marketing), None);
}

/// What an answer tells people to reply does what it says.
#[test]
fn the_replies_that_are_named_are_understood() {
    let page = "https://pesan.example/p/abc";
    for (language, stop, all) in [
        (Language::Indonesian, "STOP", "STOP SEMUA"),
        (Language::English, "STOP", "STOP EVERYTHING"),
    ] {
        let text = help().text("Toko Melati", Some(page), language);
        let ends_with_page = text.ends_with(page);
        assert!(text.contains("Toko Melati") && ends_with_page, "{text}");
        for (word, scope) in [
            (stop, reply::Scope::Marketing),
            (all, reply::Scope::Everything),
        ] {
            assert!(text.contains(&format!("{word}.")), "{text}");
            let verdict = reply::classify(word, &Context::default());
            assert_eq!(verdict.scope, Some(scope), "{word}");
        }
        let without = help().text("Toko Melati", None, language);
        assert!(!without.contains("http"), "{without}");
    }
    let person = stopped(&[(Scope::marketing(), "one")]);
    let confirmation = Answer::confirmation(&person, &[Scope::marketing()]).unwrap();
    for (language, word) in [
        (Language::Indonesian, "MULAI"),
        (Language::English, "START"),
    ] {
        let text = confirmation.text("", None, language);
        assert!(text.contains(word) && !text.contains("http"), "{text}");
        let verdict = reply::classify(word, &Context::default());
        assert_eq!(verdict.label, Label::Resume);
    }
}

/// A machine that sends our own answers back to us does not lift a stop by it, and
/// calls for no help.
#[test]
fn an_answer_that_comes_back_lifts_nothing_and_asks_nothing() {
    let person = stopped(&[(Scope::Everything, "one")]);
    let confirmation = Answer::confirmation(&person, &[Scope::Everything]).unwrap();
    for answer in [help(), confirmation] {
        for language in [Language::Indonesian, Language::English] {
            let text = answer.text("Toko Melati", None, language);
            let verdict = reply::classify(&text, &Context::default());
            assert_eq!(verdict.label, Label::Optout, "{text}");
        }
    }
}

proptest! {
    #[test]
    fn a_text_fits_whatsapp(business in "[ -~]{0,200}", page in "[a-z]{0,200}") {
        for language in [Language::Indonesian, Language::English] {
            let text = help().text(&business, Some(&page), language);
            // Meta, "Text messages": 4,096 characters.
            prop_assert!(text.chars().count() <= 4_096);
        }
    }
}
