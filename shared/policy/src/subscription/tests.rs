use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::consent::{Basis, Grant};
use crate::purpose::Purpose;

fn any_consent() -> impl Strategy<Value = Consent> {
    let at = || (0_i64..20).prop_map(|second| Timestamp::from_second(second).unwrap());
    prop_oneof![
        Just(Consent::NeverAsked),
        at().prop_map(|at| Consent::Requested { at }),
        at().prop_map(|at| Consent::Withdrawn { at }),
        (at(), 0_u8..3).prop_map(|(at, row)| Consent::Granted(Grant {
            purposes: BTreeSet::from([Purpose::marketing()]),
            basis: Basis::ExplicitConsent,
            at,
            method: "web_form".to_owned(),
            notice: None,
            evidence: format!("imp#{row}"),
            expires_at: None,
        })),
    ]
}

fn with(consent: Consent) -> Subscription {
    Subscription {
        phone: PhoneNumber::parse_e164("+6281234567890").unwrap(),
        name: None,
        language: None,
        zone: None,
        external_id: None,
        attributes: BTreeMap::new(),
        consent,
    }
}

proptest! {
    /// Whatever files come and in whatever order: a withdrawal stays, a yes is
    /// replaced by a later yes only, and a file that comes again changes nothing.
    #[test]
    fn no_file_brings_a_stop_back(
        known in any_consent(),
        files in prop::collection::vec(any_consent(), 0..6),
    ) {
        let mut stands = with(known);
        for file in files {
            let before = stands.consent.clone();
            let after = with(file.clone()).over(&stands);
            match (&before, &after.consent) {
                (Consent::Withdrawn { .. }, after) => prop_assert_eq!(&before, after),
                (Consent::Granted(old), Consent::Granted(new)) => prop_assert!(new.at >= old.at),
                (Consent::Granted(_), _) => prop_assert!(false, "a yes was weakened"),
                _ => {}
            }
            let again = with(file).over(&after);
            prop_assert_eq!(&again.consent, &after.consent);
            stands = after;
        }
    }
}
