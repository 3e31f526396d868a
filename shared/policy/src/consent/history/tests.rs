use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::consent::{Basis, Evidence};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + seconds).unwrap()
}

fn purpose(text: &str) -> Purpose {
    Purpose::parse(text).unwrap()
}

fn event(id: u128, seconds: i64, act: ConsentAct, evidence: Evidence) -> ConsentEvent {
    ConsentEvent {
        id: EventId::from_uuid(Uuid::from_u128(id)),
        at: at(seconds),
        recorded_at: at(1_000_000),
        act,
        evidence,
    }
}

fn give(text: &str) -> ConsentAct {
    ConsentAct::Give(Grant {
        purposes: BTreeSet::from([purpose(text)]),
        basis: Basis::ExplicitConsent,
        at: at(0),
        method: "web_form".to_owned(),
        notice: None,
        evidence: "imp_x#1".to_owned(),
        expires_at: Some(at(500_000)),
    })
}

fn stop(scope: Scope) -> ConsentAct {
    ConsentAct::Withdraw { scope }
}

fn own() -> Evidence {
    Evidence::Keyword {
        wamid: "wamid.x".to_owned(),
    }
}

fn reported() -> Evidence {
    Evidence::Reported {
        reference: "crm".to_owned(),
    }
}

/// The status for `marketing.promo` at second 1,000 of these events.
fn status(events: &[ConsentEvent]) -> &'static str {
    History::of(events)
        .status(&purpose("marketing.promo"), at(1_000))
        .code()
}

#[test]
fn what_holds_after_what_happened() {
    let marketing = Scope::marketing;
    let request = || ConsentAct::Request {
        purposes: BTreeSet::from([purpose("marketing")]),
    };
    assert_eq!(status(&[]), "never_asked");
    assert_eq!(status(&[event(1, 5, request(), reported())]), "requested");
    assert_eq!(
        status(&[event(1, 5, give("marketing"), reported())]),
        "granted"
    );
    assert_eq!(
        status(&[event(1, 5, give("service"), own())]),
        "never_asked"
    );
    let taken_back = [
        event(1, 5, give("marketing"), own()),
        event(2, 6, stop(marketing()), own()),
    ];
    assert_eq!(status(&taken_back), "withdrawn");
    // A list that says otherwise, later, changes nothing.
    let list = event(3, 9, give("marketing"), reported());
    assert_eq!(
        status(&[&taken_back[..], std::slice::from_ref(&list)].concat()),
        "withdrawn"
    );
    // The person's own later act does, and then the list counts again.
    let act = event(4, 7, give("marketing"), own());
    assert_eq!(
        status(&[&taken_back[..], std::slice::from_ref(&act)].concat()),
        "granted"
    );
    assert_eq!(status(&[&taken_back[..], &[list, act]].concat()), "granted");
    // At the same moment the stop wins.
    let tie = event(4, 6, give("marketing"), own());
    assert_eq!(status(&[&taken_back[..], &[tie]].concat()), "withdrawn");
    // A no is a no, a stop of everything covers every purpose, and a stop of
    // something else does not.
    let refuse = ConsentAct::Refuse {
        purposes: BTreeSet::from([purpose("marketing.promo")]),
    };
    let yes = event(1, 5, give("marketing"), own());
    assert_eq!(
        status(&[yes.clone(), event(2, 6, refuse, own())]),
        "withdrawn"
    );
    assert_eq!(
        status(&[yes.clone(), event(2, 6, stop(Scope::Everything), own())]),
        "withdrawn"
    );
    let news = Scope::Purpose(purpose("marketing.news"));
    assert_eq!(
        status(&[yes.clone(), event(2, 6, stop(news), own())]),
        "granted"
    );
    // A yes that was none.
    let none = ConsentAct::Invalidate { event: yes.id };
    assert_eq!(status(&[yes, event(2, 6, none, reported())]), "never_asked");
}

#[test]
fn opening_a_chat_is_no_yes() {
    let qr = Evidence::QrCode {
        placement: "till".to_owned(),
        wamid: "wamid.x".to_owned(),
    };
    assert_eq!(status(&[event(1, 5, give("marketing"), qr)]), "never_asked");
    assert_eq!(
        status(&[event(1, 5, give("marketing"), Evidence::WhatsAppControl)]),
        "never_asked"
    );
}

#[test]
fn a_yes_from_the_future_beats_no_stop() {
    let mut yes = event(1, 900_000_000, give("marketing"), own());
    yes.recorded_at = at(10);
    let stop = event(2, 20, stop(Scope::marketing()), own());
    assert_eq!(status(&[yes, stop]), "withdrawn");
}

#[test]
fn a_bare_yes_counts_while_the_question_is_fresh() {
    let request = event(
        1,
        0,
        ConsentAct::Request {
            purposes: BTreeSet::from([purpose("marketing")]),
        },
        reported(),
    );
    let asked = History::of([&request]);
    let promo = purpose("marketing.promo");
    assert!(asked.awaits_answer(&promo, at(60)));
    assert!(!asked.awaits_answer(&promo, at(8 * 24 * 3600)));
    assert!(!asked.awaits_answer(&purpose("service"), at(60)));
    let answered = apply(asked.clone(), &event(2, 50, give("marketing"), own()));
    assert!(!answered.awaits_answer(&promo, at(60)));
    let refused = apply(asked, &event(2, 50, stop(Scope::marketing()), own()));
    assert!(!refused.awaits_answer(&promo, at(60)));
}

#[test]
fn the_short_form_lasts_no_longer_than_its_parts() {
    let mut short = give("service");
    if let ConsentAct::Give(grant) = &mut short {
        grant.expires_at = Some(at(2_000));
    }
    let events = [
        event(1, 5, give("marketing"), own()),
        event(2, 9, short, own()),
    ];
    let both = BTreeSet::from([Purpose::marketing(), Purpose::service()]);
    let history = History::of(&events);
    let Consent::Granted(grant) = history.consent(&both, at(1_000)) else {
        unreachable!("both were given")
    };
    assert_eq!((grant.at, grant.expires_at), (at(5), Some(at(2_000))));
    assert_eq!(grant.purposes, both);
    // When one has ended, the other goes on.
    let Consent::Granted(grant) = history.consent(&both, at(3_000)) else {
        unreachable!("one still holds")
    };
    assert_eq!(grant.purposes, BTreeSet::from([Purpose::marketing()]));
}

fn any_event() -> impl Strategy<Value = ConsentEvent> {
    let purposes = prop::sample::select(vec!["marketing", "marketing.promo", "service"]);
    let scope = prop_oneof![
        Just(Scope::Everything),
        Just(Scope::marketing()),
        Just(Scope::Purpose(purpose("marketing.promo"))),
    ];
    let act = prop_oneof![
        3 => purposes.clone().prop_map(give),
        2 => scope.prop_map(stop),
        1 => purposes.prop_map(|text| ConsentAct::Request { purposes: [purpose(text)].into() }),
        1 => (0_u128..8).prop_map(|id| ConsentAct::Invalidate {
            event: EventId::from_uuid(Uuid::from_u128(id)),
        }),
    ];
    let evidence = prop_oneof![Just(own()), Just(reported())];
    (0_i64..20, act, evidence).prop_map(|(seconds, act, evidence)| event(0, seconds, act, evidence))
}

/// A history of events with ids of their own.
fn any_events() -> impl Strategy<Value = Vec<ConsentEvent>> {
    prop::collection::vec(any_event(), 0..8).prop_map(|mut events| {
        for (event, id) in events.iter_mut().zip(0..) {
            event.id = EventId::from_uuid(Uuid::from_u128(id));
        }
        events
    })
}

proptest! {
    #[test]
    fn order_and_repetition_do_not_matter(
        (events, shuffled) in any_events().prop_flat_map(|events| {
            let twice = [events.clone(), events.clone()].concat();
            (Just(events), Just(twice).prop_shuffle())
        }),
    ) {
        prop_assert_eq!(History::of(&events), History::of(&shuffled));
    }

    /// In words of its own: a yes holds only if no stop came at or after it,
    /// or the person themselves said yes after the last stop.
    #[test]
    fn a_stop_beats_every_older_or_equal_yes(events in any_events()) {
        let promo = purpose("marketing.promo");
        let invalid: Vec<EventId> = events
            .iter()
            .filter_map(|event| match &event.act {
                ConsentAct::Invalidate { event } => Some(*event),
                _ => None,
            })
            .collect();
        let last_stop = events
            .iter()
            .filter(|event| matches!(&event.act, ConsentAct::Withdraw { scope } if scope.covers(&promo)))
            .map(|event| event.at)
            .max();
        let own_yes_after = events.iter().any(|event| {
            matches!(&event.act, ConsentAct::Give(grant) if grant.purposes.iter().any(|p| p.covers(&promo)))
                && event.evidence.is_own_act()
                && !invalid.contains(&event.id)
                && last_stop.is_none_or(|stop| event.at > stop)
        });
        let is_granted = matches!(
            History::of(&events).status(&promo, at(1_000)),
            ConsentStatus::Granted(_)
        );
        if last_stop.is_some() {
            prop_assert_eq!(is_granted, own_yes_after);
        } else if is_granted {
            prop_assert!(events.iter().any(|event| !invalid.contains(&event.id)));
        }
    }

    /// The short form never allows what the history does not.
    #[test]
    fn the_short_form_is_never_wider(events in any_events(), seconds in 0_i64..600_000) {
        let history = History::of(&events);
        let now = at(seconds);
        let all = BTreeSet::from([Purpose::marketing(), purpose("marketing.promo"), Purpose::service()]);
        let consent = history.consent(&all, now);
        for purpose in &all {
            if consent.carries(purpose, now).is_ok() {
                let status = history.status(purpose, now);
                prop_assert!(matches!(status, ConsentStatus::Granted(_)), "{purpose}: {}", status.code());
            }
        }
    }
}
