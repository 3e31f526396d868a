//! What is left of a person's stops once they ask for messages again.
//!
//! Law: only the person's own later act lifts a stop; a stop said in the same
//! moment stands.
//! Law: WhatsApp's own resume control ends WhatsApp's own stop and no other
//! (Meta, "User preferences webhook"). Every other way of asking ends them all.
//! Law: a resume for one purpose ends no stop that is wider.
//! Law: the order in which entries are given does not matter.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::person::{Suppression, SuppressionSource};
use crate::purpose::Scope;

/// One entry of a person's history, as far as stops go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Entry {
    /// The person asked for messages again.
    Resume {
        /// For which.
        scope: Scope,
        /// When, by the clock of whoever reported it.
        at: Timestamp,
        /// How.
        source: SuppressionSource,
    },
    /// The person said stop.
    Stop {
        /// To what.
        scope: Scope,
        /// When, how, and what proves it.
        stop: Suppression,
    },
}

impl Entry {
    fn at(&self) -> Timestamp {
        match self {
            Self::Resume { at, .. } => *at,
            Self::Stop { stop, .. } => stop.at,
        }
    }

    /// A resume comes before a stop of the same moment, so that the stop stands.
    fn rank(&self) -> u8 {
        match self {
            Self::Resume { .. } => 0,
            Self::Stop { .. } => 1,
        }
    }
}

/// The stops in force after `history`; of each scope the one that has run the
/// longest.
pub fn in_force(mut history: Vec<Entry>) -> BTreeMap<Scope, Suppression> {
    history.sort_by_key(|entry| (entry.at(), entry.rank()));
    let mut standing: Vec<(Scope, Suppression)> = Vec::new();
    for entry in history {
        match entry {
            Entry::Resume { scope, source, .. } => {
                standing.retain(|(stopped, stop)| {
                    !(reaches(&scope, stopped) && lifts(source, stop.source))
                });
            }
            Entry::Stop { scope, stop } => standing.push((scope, stop)),
        }
    }
    let mut in_force = BTreeMap::new();
    for (scope, stop) in standing {
        in_force.entry(scope).or_insert(stop);
    }
    in_force
}

/// Whether a resume for `asked` is about a stop of `stopped`: that very scope, or
/// one under it. Who asks for one purpose again has not taken back that they
/// stopped more than it.
fn reaches(asked: &Scope, stopped: &Scope) -> bool {
    match (asked, stopped) {
        (Scope::Everything, _) => true,
        (Scope::Purpose(_), Scope::Everything) => false,
        (Scope::Purpose(asked), Scope::Purpose(stopped)) => asked.covers(stopped),
    }
}

/// Whether a resume by `way` ends a stop by `stopped`.
fn lifts(way: SuppressionSource, stopped: SuppressionSource) -> bool {
    use SuppressionSource as Way;

    match way {
        Way::Button | Way::Keyword | Way::Page => true,
        Way::UserPreferences => matches!(stopped, Way::Error131050 | Way::UserPreferences),
        // What others say about a person lifts nothing.
        Way::Api | Way::Error131050 | Way::Import => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WAYS: [SuppressionSource; 7] = [
        SuppressionSource::Api,
        SuppressionSource::Button,
        SuppressionSource::Error131050,
        SuppressionSource::Import,
        SuppressionSource::Keyword,
        SuppressionSource::Page,
        SuppressionSource::UserPreferences,
    ];

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn stop(second: i64, source: SuppressionSource, scope: Scope) -> Entry {
        let stop = Suppression {
            at: at(second),
            source,
            evidence: String::new(),
        };
        Entry::Stop { scope, stop }
    }

    fn resume(second: i64, source: SuppressionSource) -> Entry {
        resume_of(second, source, Scope::Everything)
    }

    fn resume_of(second: i64, source: SuppressionSource, scope: Scope) -> Entry {
        Entry::Resume {
            scope,
            at: at(second),
            source,
        }
    }

    #[test]
    fn a_purpose_is_resumed_without_what_is_wider() {
        use SuppressionSource as Way;

        let promo = || Scope::parse("marketing.promo").unwrap();
        let history = |asked: Scope| {
            vec![
                stop(1, Way::Page, Scope::Everything),
                stop(1, Way::Page, Scope::marketing()),
                stop(1, Way::Page, promo()),
                resume_of(2, Way::Page, asked),
            ]
        };
        let left = |asked| in_force(history(asked)).into_keys().collect::<Vec<_>>();
        assert_eq!(left(promo()), [Scope::Everything, Scope::marketing()]);
        assert_eq!(left(Scope::marketing()), [Scope::Everything]);
        assert_eq!(left(Scope::Everything), []);
        let service = Scope::parse("service").unwrap();
        assert_eq!(left(service).len(), 3);
    }

    #[test]
    fn whats_apps_resume_ends_only_whats_apps_stop() {
        use SuppressionSource as Way;

        let marketing = Scope::marketing;
        let left = |history| in_force(history).len();
        let control = || stop(1, Way::UserPreferences, marketing());
        assert_eq!(left(vec![control(), resume(2, Way::UserPreferences)]), 0);
        assert_eq!(left(vec![control(), resume(2, Way::Keyword)]), 0);
        let spoken = || stop(1, Way::Keyword, marketing());
        assert_eq!(left(vec![spoken(), resume(2, Way::UserPreferences)]), 1);
        assert_eq!(left(vec![spoken(), resume(2, Way::Button)]), 0);
        // Both stops of one scope: only one is ended.
        let both = vec![control(), spoken(), resume(2, Way::UserPreferences)];
        assert_eq!(in_force(both)[&marketing()].source, Way::Keyword);
    }

    #[test]
    fn a_tie_is_a_stop_and_an_old_resume_lifts_nothing() {
        use SuppressionSource as Way;

        for second in [1, 2] {
            let history = vec![
                stop(2, Way::Keyword, Scope::Everything),
                resume(second, Way::Keyword),
            ];
            assert_eq!(in_force(history).len(), 1, "{second}");
        }
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        let way = prop::sample::select(WAYS.to_vec());
        let scope = prop::sample::select(vec![Scope::marketing(), Scope::Everything]);
        (0_i64..6, way, scope, any::<bool>()).prop_map(|(second, way, scope, stops)| {
            if stops {
                stop(second, way, scope)
            } else {
                resume_of(second, way, scope)
            }
        })
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            history in prop::collection::vec(any_entry(), 0..12),
            turn in 0_usize..12,
        ) {
            let wanted: Vec<_> = in_force(history.clone()).into_keys().collect();
            let mut other = history.clone();
            other.reverse();
            let length = other.len();
            if length > 0 {
                other.rotate_left(turn % length);
                other.extend(history);
            }
            prop_assert_eq!(in_force(other).into_keys().collect::<Vec<_>>(), wanted);
        }

        #[test]
        fn nothing_lifts_a_later_stop(history in prop::collection::vec(any_entry(), 0..12)) {
            let mut history = history;
            history.push(stop(6, SuppressionSource::Keyword, Scope::marketing()));
            prop_assert!(in_force(history).contains_key(&Scope::marketing()));
        }
    }
}
