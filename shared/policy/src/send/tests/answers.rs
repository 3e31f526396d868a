//! Answers to what a person wrote.

use jiff::SignedDuration;

use super::*;
use crate::answer::{Answer, AnswerKind, WINDOW};
use crate::person::ServiceWindow;

const SENDER: &str = "106540352242922";

fn facts_of(answer: &Answer) -> CampaignFacts {
    let mut campaign = campaign(CampaignState::Running);
    campaign.purpose = answer.purpose();
    campaign.answer = Some(answer.clone());
    campaign
}

fn help() -> Answer {
    Answer {
        kind: AnswerKind::Help,
        cause: "evt_1".to_owned(),
    }
}

fn confirmation(scope: Scope) -> Answer {
    Answer {
        kind: AnswerKind::Confirmation { scope },
        cause: "evt".to_owned(),
    }
}

/// Somebody who wrote a moment ago, and has these stops.
fn writer(scopes: &[Scope]) -> Person {
    let mut person = stopped();
    let stop = person.suppressions[&Scope::marketing()].clone();
    person.suppressions = scopes
        .iter()
        .map(|scope| (scope.clone(), stop.clone()))
        .collect();
    person.service_window = Some(ServiceWindow {
        sender: SENDER.to_owned(),
        ends: at(NOW) + WINDOW,
    });
    person
}

fn code(answer: &Answer, person: &Person, subscription: Option<&Subscription>) -> &'static str {
    let decision = decide(&Facts {
        now: at(NOW),
        campaign: &facts_of(answer),
        token: ContactToken::from_bytes([1; 16]),
        person,
        subscription,
        work: work(),
        jurisdictions: Jurisdictions::embedded(),
        terms: &Terms::new(Category::Service),
    });
    match decision {
        Decision::Defer { reason, .. } => reason.code(),
        Decision::InDoubt => "in doubt",
        Decision::Refuse(refusal) => refusal.first().code(),
        Decision::Send(permit) => {
            assert!(!permit.is_marketing());
            "send"
        }
    }
}

#[test]
fn a_stop_gets_its_confirmation_and_nothing_else() {
    let withdrawn = subscription(Consent::Withdrawn { at: at(NOW) });
    let known = Some(&withdrawn);
    for scope in [Scope::marketing(), Scope::Everything] {
        let person = writer(std::slice::from_ref(&scope));
        assert_eq!(code(&confirmation(scope.clone()), &person, known), "send");
        let mut resumed = person.clone();
        resumed.suppressions.clear();
        let refused = code(&confirmation(scope), &resumed, known);
        assert_eq!(refused, "nothing_to_confirm");
    }
    let everything = writer(&[Scope::Everything]);
    assert_eq!(code(&help(), &everything, known), "suppressed");
    let marketing = writer(&[Scope::marketing()]);
    assert_eq!(code(&help(), &marketing, known), "send");
    // There is no number to send it to.
    assert_eq!(code(&help(), &marketing, None), "subscription_missing");
}

#[test]
fn the_window_is_that_of_the_number_that_was_written_to() {
    let someone = subscription(granted("service"));
    let mut person = writer(&[]);
    assert_eq!(code(&help(), &person, Some(&someone)), "send");
    let window = |sender: &str, ends| {
        Some(ServiceWindow {
            sender: sender.to_owned(),
            ends,
        })
    };
    for closed in [
        None,
        window(SENDER, at(NOW)),
        window("another number", at(NOW) + WINDOW),
    ] {
        person.service_window = closed;
        let refused = code(&help(), &person, Some(&someone));
        assert_eq!(refused, "service_window_closed");
    }
}

#[test]
fn two_machines_come_to_an_end() {
    let someone = subscription(granted("service"));
    let mut person = writer(&[Scope::marketing()]);
    let claim = |ago| Claim {
        campaign: CampaignId::from_uuid(Uuid::from_u128(77)),
        block: 0,
        index: 0,
        attempt: 1,
        owner: owner(1),
        at: at(NOW) - ago,
        purpose: help().purpose(),
        is_marketing: false,
        counted: None,
    };
    person.claims = vec![claim(Answer::APART - SignedDuration::from_secs(1))];
    let say = |answer: &Answer, person: &Person| code(answer, person, Some(&someone));
    assert_eq!(say(&help(), &person), "answered_lately");
    // The other kind is another matter.
    assert_eq!(say(&confirmation(Scope::marketing()), &person), "send");
    person.claims = vec![claim(Answer::APART)];
    assert_eq!(say(&help(), &person), "send");
}

proptest! {
    /// Whatever else is known: no window, no answer; and of somebody who stopped
    /// everything only that stop's confirmation passes.
    #[test]
    fn an_answer_has_its_window_and_its_stop_behind_it(
        scopes in prop::sample::subsequence(vec![Scope::Everything, Scope::marketing()], 0..=2),
        evidence in prop::sample::select(vec!["evt", "evt_2"]),
        seconds in -90_000_i64..90_000,
        asks_help: bool,
    ) {
        let mut person = writer(&scopes);
        for stop in person.suppressions.values_mut() {
            stop.evidence = evidence.to_owned();
        }
        let ends = at(NOW) + SignedDuration::from_secs(seconds);
        person.service_window = Some(ServiceWindow { sender: SENDER.to_owned(), ends });
        let answer = if asks_help { help() } else { confirmation(Scope::Everything) };
        let someone = subscription(granted("service"));
        let sent = code(&answer, &person, Some(&someone)) == "send";
        let all = scopes.contains(&Scope::Everything);
        let wanted = if asks_help { !all } else { all && evidence == "evt" };
        prop_assert_eq!(sent, wanted && seconds > 0);
    }
}
