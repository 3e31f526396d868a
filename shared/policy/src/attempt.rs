//! What the answer to a request means: taken, refused, or in doubt.
//!
//! One dated table, `data/error_codes.json`, says what each error code of
//! WhatsApp means. Where sources disagree the safer class counts. The rule
//! behind all of them: a message becomes due again only if it is *proved* that
//! WhatsApp did not take it, and only a throttle or a connection that was never
//! made is such a proof.

mod exceptions;

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

pub use self::exceptions::code_of_exception;

/// What happened to one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallResult {
    /// WhatsApp took the message.
    Accepted,
    /// WhatsApp answered with an error.
    Answered {
        /// Meta's `error.code`, where the body had one.
        code: Option<u32>,
        /// The HTTP status; informational, sources disagree on it.
        http_status: u16,
        /// Meta's `error.is_transient`.
        is_transient: bool,
    },
    /// A timeout or a reset after bytes of the request were written.
    NoAnswer,
    /// No connection was made, so no byte of the request left.
    NotSent,
}

impl CallResult {
    /// Whether WhatsApp refused the request for what it is, not for whom it is
    /// to, when it came, or who sends it.
    pub fn is_wrong_in_itself(&self) -> bool {
        matches!(*self, Self::Answered { code, http_status, is_transient }
            if classify(code, http_status, is_transient) == Class::Request)
    }
}

/// What to do about one message after a request for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Next {
    /// Record the acceptance.
    Accept,
    /// No request was made: the message is due again.
    Reconnect {
        /// Not before.
        due: Timestamp,
    },
    /// Record a rejection, and that the person stopped marketing.
    RecordOptOut {
        /// Meta's error code.
        code: u32,
    },
    /// Record a rejection: not taken, and not tried again.
    Reject {
        /// Meta's error code.
        code: u32,
    },
    /// A throttle: definitely not taken, due again.
    Retry {
        /// Meta's error code.
        code: u32,
        /// Not before.
        due: Timestamp,
    },
    /// Record a rejection, and stop everything of this business account.
    StopAccount {
        /// Meta's error code.
        code: u32,
    },
    /// Record a rejection, and stop everything of this number.
    StopNumber {
        /// Meta's error code.
        code: u32,
    },
    /// Record a rejection, and stop every campaign with this template.
    StopTemplate {
        /// Meta's error code.
        code: u32,
    },
    /// Whether WhatsApp took it is unknown: never tried again by itself.
    Unknown,
}

/// What kind of refusal an error is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// The business account, its token or its payment: stop everything.
    Account,
    /// The sending number: stop the number.
    Number,
    /// The person stopped marketing of this business.
    OptOut,
    /// This person, or this person's values: final for the person only.
    Recipient,
    /// The request itself is wrong. Final for the message, and a fault of
    /// ours if it repeats: counts against the campaign.
    Request,
    /// The template: stop every campaign with it.
    Template,
    /// Too fast. Definitely not taken.
    Throttle(Throttle),
    /// May have been taken.
    Unknown,
}

impl Class {
    /// A stable code for storage and reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Number => "number",
            Self::OptOut => "opt_out",
            Self::Recipient => "recipient",
            Self::Request => "request",
            Self::Template => "template",
            Self::Throttle(_) => "throttle",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the error proves that WhatsApp did not take the message.
    pub const fn is_definite(self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

/// Which limit was hit, and how long to stay away from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Throttle {
    /// Whose limit it is.
    pub scope: ThrottleScope,
    first: SignedDuration,
    most: SignedDuration,
    factor: u32,
}

impl Throttle {
    /// How long to wait after `attempts` requests: the first delay times
    /// `factor` for each earlier attempt, at most the longest delay, plus up
    /// to a fifth by `jitter` (in [0, 1)), so that those who were refused
    /// together do not come back together.
    pub fn delay(&self, attempts: u16, jitter: f64) -> SignedDuration {
        let exponent = u32::from(attempts.saturating_sub(1));
        let factor = i32::try_from(self.factor.saturating_pow(exponent)).unwrap_or(i32::MAX);
        let base = self.first.saturating_mul(factor).min(self.most);
        let jitter = if jitter.is_finite() {
            jitter.clamp(0.0, 1.0)
        } else {
            0.0
        };
        base.saturating_add(base.mul_f64(jitter / 5.0))
    }
}

/// Whose limit a throttle speaks of.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum ThrottleScope {
    /// The business account's calls.
    Account,
    /// The app's calls.
    App,
    /// The number's throughput: the rate must fall.
    Number,
    /// One person and one number; nobody else is concerned.
    Pair,
}

/// Decides what to do about one message.
///
/// `attempts_so_far` counts the requests made for it, this one included;
/// `jitter` is a random value in [0, 1).
///
/// Law: only [`Next::Retry`] and [`Next::Reconnect`] make it due again, and
/// both only where no acceptance is possible.
pub fn decide(result: &CallResult, attempts_so_far: u16, now: Timestamp, jitter: f64) -> Next {
    let due = |throttle: Throttle| {
        let delay = throttle.delay(attempts_so_far, jitter);
        now.saturating_add(delay).unwrap_or(Timestamp::MAX)
    };
    let (code, class) = match *result {
        CallResult::Accepted => return Next::Accept,
        CallResult::NoAnswer => return Next::Unknown,
        CallResult::NotSent => {
            return Next::Reconnect {
                due: due(RECONNECT),
            };
        }
        CallResult::Answered {
            code,
            http_status,
            is_transient,
        } => (code, classify(code, http_status, is_transient)),
    };
    let Some(code) = code else {
        return Next::Unknown;
    };
    match class {
        Class::Account => Next::StopAccount { code },
        Class::Number => Next::StopNumber { code },
        Class::OptOut => Next::RecordOptOut { code },
        Class::Recipient | Class::Request => Next::Reject { code },
        Class::Template => Next::StopTemplate { code },
        Class::Throttle(throttle) => Next::Retry {
            code,
            due: due(throttle),
        },
        Class::Unknown => Next::Unknown,
    }
}

/// How long to stay away after a connection could not be made.
const RECONNECT: Throttle = Throttle {
    scope: ThrottleScope::Number,
    first: SignedDuration::from_secs(2),
    most: SignedDuration::from_mins(5),
    factor: 2,
};

/// What an error means.
///
/// An error without a code says nothing about the message, so it is unknown.
/// A code that the table does not have is a refusal if it came as a client
/// error, since WhatsApp then judged the request and turned it down; it is
/// unknown if WhatsApp calls it transient or answers with any other status.
pub fn classify(code: Option<u32>, http_status: u16, is_transient: bool) -> Class {
    let Some(code) = code else {
        return Class::Unknown;
    };
    match CODES.iter().find(|row| row.covers(code)) {
        Some(row) => row.class,
        None if is_transient => Class::Unknown,
        None if (400..500).contains(&http_status) => Class::Request,
        None => Class::Unknown,
    }
}

/// Whether a throttle says that the number as a whole is too fast, so that its
/// rate must fall.
pub fn slows_number(code: u32) -> bool {
    CODES.iter().find(|row| row.covers(code)).is_some_and(|row| {
        matches!(row.class, Class::Throttle(throttle) if throttle.scope == ThrottleScope::Number)
    })
}

/// Whether a message that was refused with `code` may be sent once a person has
/// mended the account, the number or the template: nothing was wrong with it.
pub fn is_mendable(code: u32) -> bool {
    CODES
        .iter()
        .find(|row| row.covers(code))
        .is_some_and(|row| matches!(row.class, Class::Account | Class::Number | Class::Template))
}

/// Whether a code says that WhatsApp keeps advertising from this person for a
/// while: no business may try again before [`crate::limits::cool_down`] ends.
pub fn cools_down(code: u32) -> bool {
    CODES.iter().any(|row| row.cools_down && row.covers(code))
}

/// What a code means in one sentence, for people.
pub fn meaning(code: u32) -> Option<&'static str> {
    CODES
        .iter()
        .find(|row| row.covers(code))
        .map(|row| row.meaning.as_str())
}

/// One row of the table.
struct Row {
    codes: (u32, u32),
    class: Class,
    meaning: String,
    cools_down: bool,
}

impl Row {
    fn covers(&self, code: u32) -> bool {
        (self.codes.0..=self.codes.1).contains(&code)
    }
}

const TABLE: &str = include_str!("../data/error_codes.json");

static CODES: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let table: wire::Table =
        serde_json::from_str(TABLE).expect("the compiled-in error codes are well-formed");
    table.rows.into_iter().map(Row::from).collect()
});

/// The file's own shape.
mod wire {
    use serde::Deserialize;

    use super::{Class, Row, SignedDuration, Throttle, ThrottleScope};

    #[derive(Deserialize)]
    pub(super) struct Table {
        pub(super) rows: Vec<TableRow>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct TableRow {
        codes: (u32, u32),
        class: ClassName,
        meaning: String,
        #[serde(default)]
        cools_down: bool,
        #[serde(rename = "source")]
        _source: String,
        #[serde(default, rename = "uncertain")]
        _uncertain: Option<String>,
        scope: Option<ThrottleScope>,
        first_s: Option<u32>,
        most_s: Option<u32>,
        factor: Option<u32>,
    }

    #[derive(Clone, Copy, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum ClassName {
        Account,
        Number,
        OptOut,
        Recipient,
        Request,
        Template,
        Throttle,
        Unknown,
    }

    impl From<TableRow> for Row {
        fn from(row: TableRow) -> Self {
            let seconds = |s: Option<u32>| SignedDuration::from_secs(s.unwrap_or(60).into());
            let class = match row.class {
                ClassName::Account => Class::Account,
                ClassName::Number => Class::Number,
                ClassName::OptOut => Class::OptOut,
                ClassName::Recipient => Class::Recipient,
                ClassName::Request => Class::Request,
                ClassName::Template => Class::Template,
                ClassName::Throttle => Class::Throttle(Throttle {
                    scope: row.scope.unwrap_or(ThrottleScope::App),
                    first: seconds(row.first_s),
                    most: seconds(row.most_s),
                    factor: row.factor.unwrap_or(2),
                }),
                ClassName::Unknown => Class::Unknown,
            };
            Self {
                codes: row.codes,
                class,
                meaning: row.meaning,
                cools_down: row.cools_down,
            }
        }
    }
}

#[cfg(test)]
mod tests;
