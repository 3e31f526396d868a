//! What a row says about the person's yes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::date::{self, DateProblem};
use super::reason::RowReason;
use super::role::Role;
use super::row::{Row, Rules};
use super::text::{self, Answer};
use crate::consent::{Basis, Grant, Notice};
use crate::purpose::Purpose;

/// A yes as a row claims it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConsentClaim {
    /// When the person said so.
    pub at: Timestamp,
    /// What the person agreed to.
    pub purposes: BTreeSet<Purpose>,
    /// On what legal ground.
    pub basis: Basis,
    /// How.
    pub method: String,
    /// Which wording the person saw.
    pub notice: Option<Notice>,
    /// Where the proof lies, if the row says so.
    pub evidence: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

impl ConsentClaim {
    /// The grant to store; `row` names the import and the row, which are the
    /// evidence where the row names none.
    pub fn into_grant(self, row: &str) -> Grant {
        Grant {
            purposes: self.purposes,
            basis: self.basis,
            at: self.at,
            method: self.method,
            notice: self.notice,
            evidence: match self.evidence {
                Some(reference) => format!("{row} {reference}"),
                None => row.to_owned(),
            },
            expires_at: self.expires_at,
        }
    }
}

/// What the consent columns of a row come to.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) claim: Option<ConsentClaim>,
    pub(super) said_no: bool,
}

/// No one agreed to WhatsApp messages before WhatsApp (2009).
const FIRST_YEAR: i16 = 2009;

/// Reads the consent columns; what is wrong goes to `reasons`.
pub(super) fn judge(row: &Row<'_>, rules: &Rules, reasons: &mut Vec<RowReason>) -> Verdict {
    let is_dated = |cell: &&str| {
        let dated = date::parse(cell, None, rules.date_order, &rules.zone);
        dated != Err(DateProblem::Invalid)
    };
    // A column called "consent time" may hold the whole date.
    let mut date = row
        .cell(Role::ConsentAt)
        .or_else(|| row.cell(Role::ConsentTime).filter(is_dated));
    let mut answer = None;
    if let Some(status) = row.cell(Role::ConsentStatus) {
        answer = text::answer(status);
        // A column called "consent" may hold the date itself.
        if answer.is_none() {
            let dated = date::parse(status, None, rules.date_order, &rules.zone);
            match (date, dated) {
                (None, Ok(_) | Err(DateProblem::Order)) => date = Some(status),
                (Some(_), Ok(_)) => (),
                _ => reasons.push(RowReason::ConsentStatusUnknown),
            }
        }
    }
    let opted_out = row
        .cell(Role::OptedOut)
        .and_then(|cell| opt_out(cell, rules));
    if row.cell(Role::OptedOut).is_some() && opted_out.is_none() {
        reasons.push(RowReason::ConsentStatusUnknown);
    }
    if opted_out == Some(Answer::Yes) || answer == Some(Answer::No) {
        return Verdict {
            claim: None,
            said_no: true,
        };
    }
    // A date beside an open question is the date of the question.
    let date = date.filter(|_| answer != Some(Answer::Unanswered));
    let claim = match date {
        Some(date) => claim(row, rules, date, reasons),
        None => {
            if rules.consent_required {
                reasons.push(RowReason::ConsentDateMissing);
            }
            None
        }
    };
    Verdict {
        claim,
        said_no: false,
    }
}

/// Whether the row reports a "no", even if it is otherwise at fault.
pub(super) fn says_no(row: &Row<'_>, rules: &Rules) -> bool {
    let answered = |role| row.cell(role).and_then(text::answer);
    answered(Role::ConsentStatus) == Some(Answer::No)
        || row
            .cell(Role::OptedOut)
            .is_some_and(|cell| opt_out(cell, rules) == Some(Answer::Yes))
}

/// What a cell of a column of opt-outs answers; a date there is a yes.
fn opt_out(cell: &str, rules: &Rules) -> Option<Answer> {
    text::answer(cell).or_else(|| {
        let dated = date::parse(cell, None, rules.date_order, &rules.zone);
        (dated != Err(DateProblem::Invalid)).then_some(Answer::Yes)
    })
}

/// A dated yes with all that belongs to it.
fn claim(
    row: &Row<'_>,
    rules: &Rules,
    date: &str,
    reasons: &mut Vec<RowReason>,
) -> Option<ConsentClaim> {
    let clock = row.cell(Role::ConsentTime).filter(|clock| *clock != date);
    let at = moment(date, clock, rules)
        .map_err(|why| reasons.push(why))
        .ok();
    let purposes = match row.cell(Role::ConsentPurposes) {
        None => rules.purposes.clone(),
        Some(cell) => purposes(cell).unwrap_or_else(|| {
            reasons.push(RowReason::ConsentPurposeInvalid);
            BTreeSet::new()
        }),
    };
    let basis = match row.cell(Role::ConsentBasis) {
        None => rules.basis,
        Some(cell) => basis(cell).unwrap_or_else(|| {
            reasons.push(RowReason::ConsentBasisInvalid);
            rules.basis
        }),
    };
    let expires_at = row.cell(Role::ConsentExpires).and_then(|cell| {
        let end = date::parse(cell, None, rules.date_order, &rules.zone).ok();
        let end = end.filter(|end| at.is_none_or(|at| at < *end));
        if end.is_none() {
            reasons.push(RowReason::ConsentExpiryInvalid);
        }
        end
    });
    let notice = match row.cell(Role::ConsentNotice) {
        None => rules.notice.clone(),
        Some(id) => Some(match &rules.notice {
            // The declared notice carries the hash of its text.
            Some(declared) if declared.id == id => declared.clone(),
            _ => Notice {
                id: id.to_owned(),
                sha256: None,
            },
        }),
    };
    Some(ConsentClaim {
        at: at?,
        purposes,
        basis,
        method: row
            .cell(Role::ConsentMethod)
            .map_or_else(|| rules.method.clone(), str::to_owned),
        notice,
        evidence: row.cell(Role::ConsentEvidence).map(str::to_owned),
        expires_at,
    })
}

/// The moment of the yes, if it is possible.
fn moment(date: &str, clock: Option<&str>, rules: &Rules) -> Result<Timestamp, RowReason> {
    let at = date::parse(date, clock, rules.date_order, &rules.zone);
    let at = at.map_err(|problem| match problem {
        DateProblem::Invalid => RowReason::ConsentDateInvalid,
        DateProblem::Order => RowReason::ConsentDateOrder,
    })?;
    let first = jiff::civil::date(FIRST_YEAR, 1, 1).to_datetime(jiff::civil::Time::midnight());
    // No zone is further east than fourteen hours.
    let first = first.checked_sub(jiff::SignedDuration::from_hours(14));
    let first = first
        .ok()
        .and_then(|first| jiff::tz::Offset::UTC.to_timestamp(first).ok());
    if at > rules.now {
        Err(RowReason::ConsentDateFuture)
    } else if first.is_some_and(|first| at < first) {
        Err(RowReason::ConsentDateTooOld)
    } else {
        Ok(at)
    }
}

/// Purposes separated by `;`, `,`, `|`, `/` or `+`; `None` if one is none.
fn purposes(cell: &str) -> Option<BTreeSet<Purpose>> {
    let known = |word: &str| {
        if let Some(code) = text::purpose(word) {
            return Purpose::parse(code).ok();
        }
        let purpose = Purpose::parse(&text::lower(word).replace([' ', '-'], "_")).ok()?;
        let roots = [Purpose::marketing(), Purpose::service()];
        roots
            .iter()
            .any(|root| root.covers(&purpose))
            .then_some(purpose)
    };
    if let Some(purpose) = known(cell) {
        return Some(BTreeSet::from([purpose]));
    }
    let words = cell.split([';', ',', '|', '/', '+', '\n']).map(str::trim);
    words.filter(|word| !word.is_empty()).map(known).collect()
}

fn basis(cell: &str) -> Option<Basis> {
    let code = text::basis(cell).unwrap_or(cell);
    Basis::from_code(&code.to_lowercase().replace(' ', "_"))
}
