//! Circuit breakers: what stops sending at once for everybody behind an
//! account, a number or a template, and for a whole tenant by its kill switch.
//!
//! WhatsApp's answers open the first three; a person opens the fourth. Only a
//! person closes any of them.

use std::fmt;

use crate::attempt::Next;
use crate::campaign::HoldReason;

/// What a breaker stops.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Breaker {
    /// Everything of one WhatsApp Business Account, by its id.
    Account(String),
    /// Everything of one business number, by WhatsApp's id of it.
    Number(String),
    /// Everything with one template, by its name.
    Template(String),
    /// Everything of the tenant: the kill switch.
    Tenant,
}

/// Whose messages a question is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The WhatsApp Business Account.
    pub account: &'a str,
    /// The business number, by WhatsApp's id of it.
    pub number: &'a str,
    /// The template's name.
    pub template: &'a str,
}

impl Breaker {
    /// The breaker that an answer of WhatsApp opens, and Meta's error code.
    pub fn opened_by(next: &Next, subject: Subject<'_>) -> Option<(Self, u32)> {
        match *next {
            Next::StopAccount { code } => Some((Self::Account(subject.account.to_owned()), code)),
            Next::StopNumber { code } => Some((Self::Number(subject.number.to_owned()), code)),
            Next::StopTemplate { code } => {
                Some((Self::Template(subject.template.to_owned()), code))
            }
            Next::Accept
            | Next::Reconnect { .. }
            | Next::RecordOptOut { .. }
            | Next::Reject { .. }
            | Next::Retry { .. }
            | Next::Unknown => None,
        }
    }

    /// A stable word for what it stops.
    pub const fn scope(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Number(_) => "number",
            Self::Template(_) => "template",
            Self::Tenant => "tenant",
        }
    }

    /// Which account, number or template.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Account(id) | Self::Number(id) | Self::Template(id) => Some(id),
            Self::Tenant => None,
        }
    }

    /// The breaker that a scope and an id name.
    pub fn parse(scope: &str, id: Option<&str>) -> Option<Self> {
        let id = id.filter(|id| !id.is_empty()).map(str::to_owned);
        match (scope, id) {
            ("account", Some(id)) => Some(Self::Account(id)),
            ("number", Some(id)) => Some(Self::Number(id)),
            ("template", Some(id)) => Some(Self::Template(id)),
            ("tenant", None) => Some(Self::Tenant),
            _ => None,
        }
    }

    /// Whether it stops the messages of `subject` while it is open.
    pub fn stops(&self, subject: Subject<'_>) -> bool {
        match self {
            Self::Account(id) => id == subject.account,
            Self::Number(id) => id == subject.number,
            Self::Template(id) => id == subject.template,
            Self::Tenant => true,
        }
    }

    /// Why a campaign behind it is held; the kill switch holds nothing, since
    /// it is lifted as a whole.
    pub const fn hold(&self) -> Option<HoldReason> {
        match self {
            Self::Account(_) => Some(HoldReason::AccountStopped),
            Self::Number(_) => Some(HoldReason::NumberStopped),
            Self::Template(_) => Some(HoldReason::TemplateStopped),
            Self::Tenant => None,
        }
    }
}

/// What it stops, in words.
impl fmt::Display for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "the business account {id} is stopped"),
            Self::Number(id) => write!(f, "the number {id} is stopped"),
            Self::Template(name) => write!(f, "the template {name} is stopped"),
            Self::Tenant => f.write_str("the kill switch is on"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{CallResult, decide};

    const SUBJECT: Subject<'_> = Subject {
        account: "1",
        number: "2",
        template: "promo",
    };

    fn opened(code: u32) -> Option<Breaker> {
        let answer = CallResult::Answered {
            code: Some(code),
            http_status: 400,
            is_transient: false,
        };
        let next = decide(&answer, 1, jiff::Timestamp::UNIX_EPOCH, 0.0);
        Breaker::opened_by(&next, SUBJECT).map(|(breaker, _)| breaker)
    }

    #[test]
    fn the_class_of_an_error_opens_its_breaker() {
        assert_eq!(opened(190), Some(Breaker::Account("1".to_owned())));
        assert_eq!(opened(132_015), Some(Breaker::Template("promo".to_owned())));
        assert_eq!(opened(131_026), None, "one person's number");
        assert_eq!(opened(130_429), None, "a throttle");
    }

    #[test]
    fn a_breaker_stops_its_own_and_nobody_else() {
        for (scope, id) in [
            ("account", Some("1")),
            ("number", Some("2")),
            ("template", Some("promo")),
            ("tenant", None),
        ] {
            let breaker = Breaker::parse(scope, id).unwrap();
            assert_eq!((breaker.scope(), breaker.id()), (scope, id));
            assert!(breaker.stops(SUBJECT), "{breaker:?}");
            let other = Breaker::parse(scope, Some("9"));
            assert!(other.is_none_or(|other| !other.stops(SUBJECT)));
            assert_eq!(breaker.hold().is_none(), scope == "tenant");
        }
        assert_eq!(Breaker::parse("number", None), None);
        assert_eq!(Breaker::parse("world", Some("1")), None);
    }
}
