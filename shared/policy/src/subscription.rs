//! One person's place on one list: number, name, attributes, and their yes.

use std::collections::BTreeMap;
use std::fmt;

use crate::consent::Consent;
use crate::phone::PhoneNumber;

/// One person's subscription to one list.
#[derive(Clone, Eq, PartialEq)]
pub struct Subscription {
    /// Where the person is reached.
    pub phone: PhoneNumber,
    /// How the person is called, where known.
    pub name: Option<String>,
    /// BCP 47 language tag, where known.
    pub language: Option<String>,
    /// IANA time zone name, where known.
    pub zone: Option<String>,
    /// The caller's own id for the person, echoed in events and exports.
    pub external_id: Option<String>,
    /// Further columns, for template variables.
    pub attributes: BTreeMap<String, String>,
    /// The person's yes, or its absence.
    pub consent: Consent,
}

impl Subscription {
    /// The value of a column: an attribute, or one of the fixed ones.
    pub fn value(&self, column: &str) -> Option<&str> {
        match column {
            "name" => self.name.as_deref(),
            "external_id" => self.external_id.as_deref(),
            column => self.attributes.get(column).map(String::as_str),
        }
    }
}

impl Subscription {
    /// What stands after a file brought this where `known` stood.
    ///
    /// Law: an import never weakens a consent and never restores a withdrawn
    /// one; of two grants the later stands.
    #[must_use]
    pub fn over(self, known: &Self) -> Self {
        let keeps_known = match (&known.consent, &self.consent) {
            (Consent::Withdrawn { .. }, _) => true,
            (Consent::Granted(known), Consent::Granted(new)) => known.at >= new.at,
            (Consent::Granted(_), _) => true,
            (Consent::Requested { .. }, new) => !matches!(new, Consent::Granted(_)),
            (Consent::NeverAsked, _) => false,
        };
        let consent = if keeps_known {
            known.consent.clone()
        } else {
            self.consent
        };
        Self { consent, ..self }
    }
}

/// Names the shape, never the person.
impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("attributes", &self.attributes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
