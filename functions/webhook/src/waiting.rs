//! Stops said to a number that nobody owns yet: whose people they are cannot be
//! known, so they are kept by number until somebody owns it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use platform::inbound::WaitingStop;

use crate::asks::asks;
use crate::stops::said_at;
use crate::updates::{Person, Update};

/// Longest id of a number that is kept by, in bytes; Meta's have some 16.
const ID_MAX: usize = 64;

/// The stops among `updates`, by the number that they were said to. They are
/// read by the common rules: a business that nobody knows has no keywords.
pub(crate) fn waiting(updates: &[Update], now: Timestamp) -> BTreeMap<String, Vec<WaitingStop>> {
    let mut all: BTreeMap<String, Vec<WaitingStop>> = BTreeMap::new();
    for update in updates {
        let number = update.phone_number_id.as_ref().filter(|id| is_id(id));
        if let Some((number, stop)) = number.zip(stop(update, now)) {
            all.entry(number.clone()).or_default().push(stop);
        }
    }
    all
}

fn stop(update: &Update, now: Timestamp) -> Option<WaitingStop> {
    let asks = asks(update, &[]).filter(|asks| !asks.scopes.is_empty())?;
    let person = update.person().filter(|person| person.is_known())?;
    let (phone, identities) = names(person);
    Some(WaitingStop {
        v: 1,
        phone,
        identities,
        scopes: asks.scope_codes(),
        source: asks.source.code().to_owned(),
        review: asks.review,
        wamid: update.wamid().map(str::to_owned),
        said_at: said_at(update, now),
        came_at: now,
    })
}

/// The same names as [`crate::names::Name`] hashes.
fn names(person: &Person) -> (Option<String>, Vec<String>) {
    let phone = person.phone().map(|phone| phone.expose().to_owned());
    let wa_id = person.expose_wa_id().filter(|_| phone.is_none());
    let identities = person.expose_user_id().into_iter().chain(wa_id);
    (phone, identities.map(str::to_owned).collect())
}

/// Keys are made of it, so it holds nothing but letters and digits.
fn is_id(text: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_alphanumeric();
    !text.is_empty() && text.len() <= ID_MAX && text.chars().all(is_sign)
}

#[cfg(test)]
mod tests;
