//! From an update to what its tenant is told.
//!
//! Law: the same update is the same event, however often it arrives.
//! Law: no event holds a number, a name or a word that a person wrote.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use platform::events::{EventV1, WhatV1, WhoV1, event_id};
use policy::ids::{EventId, TenantId};
use policy::person::SuppressionSource;
use policy::preference::PreferenceLink;
use policy::purpose::Scope;
use policy::reply::{Keyword, Label};

use crate::asks::{Asks, asks};
use crate::names::Name;
use crate::stops::said_at;
use crate::updates::{Account, Content, Kind, Message, Quality, Template, Update};

/// Where an update is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'a> {
    /// The object's key.
    pub(crate) object: &'a str,
    /// Its place in the object.
    pub(crate) place: u32,
}

/// What `tenant` is told of an update that is about a person, who is known as
/// `name`. What a person wrote is told only where it is `kept`.
pub(crate) fn of_person(
    tenant: TenantId,
    update: &Update,
    name: &Name,
    keywords: &[Keyword],
    kept: Option<Kept<'_>>,
    now: Timestamp,
) -> Option<EventV1> {
    let first = name.first()?;
    let asks = asks(update, keywords);
    let at = said_at(update, now);
    let what = match &asks {
        Some(asks) if asks.label == Label::Optout => WhatV1::ContactOptedOut {
            who: who(name),
            scopes: asks
                .scopes
                .iter()
                .map(|scope| scope.code().to_owned())
                .collect(),
            source: asks.source.code().to_owned(),
            review: asks.review,
        },
        // One that cannot be dated lifts nothing, so it is a message.
        Some(asks) if asks.label == Label::Resume && !asks.review && at.is_some() => {
            WhatV1::ContactResumed {
                who: who(name),
                source: asks.source.code().to_owned(),
            }
        }
        _ => match &update.kind {
            Kind::Message(message) => received(update, message, name, asks.as_ref(), kept?),
            _ => return None,
        },
    };
    // Nothing of what came goes in that a number could be guessed from.
    let moment = at.map_or_else(|| day(now), |at| at.to_string());
    let wamid = update.wamid().unwrap_or_default();
    let cause = [first.as_bytes(), wamid.as_bytes(), moment.as_bytes()];
    Some(EventV1 {
        id: event_id(tenant, what.kind(), &cause),
        at: at.unwrap_or(now),
        what,
    })
}

fn who(name: &Name) -> WhoV1 {
    WhoV1::known_as(name.token, name.first())
}

fn received(
    update: &Update,
    message: &Message,
    name: &Name,
    asks: Option<&Asks>,
    kept: Kept<'_>,
) -> WhatV1 {
    WhatV1::MessageReceived {
        who: who(name),
        number: update
            .phone_number_id
            .clone()
            .map_or_else(String::new, term),
        content: term(message.content.code().to_owned()),
        has_text: message.content.text().is_some(),
        asks_help: asks.is_some_and(|asks| asks.label == Label::Help),
        review: asks.is_some_and(|asks| asks.review),
        object: kept.object.to_owned(),
        place: kept.place,
    }
}

/// What `tenant` is told of an update that is about its accounts, numbers and
/// templates.
pub(crate) fn of_business(tenant: TenantId, update: &Update, now: Timestamp) -> Option<EventV1> {
    let what = match &update.kind {
        Kind::Account(account) => account_changed(update, account)?,
        Kind::Quality(quality) => number_changed(update, quality)?,
        Kind::Template(template) => template_changed(template)?,
        Kind::Errors { .. }
        | Kind::Message(_)
        | Kind::Notice(_)
        | Kind::Other(_)
        | Kind::Past(_)
        | Kind::Preference(_)
        | Kind::Status(_)
        | Kind::System(_) => return None,
    };
    let moment = update.told_at.map_or_else(|| day(now), |at| at.to_string());
    let account = update.waba.as_deref().unwrap_or_default();
    let raw = update.raw().to_string();
    let cause = [account.as_bytes(), moment.as_bytes(), raw.as_bytes()];
    Some(EventV1 {
        id: event_id(tenant, what.kind(), &cause),
        at: update.told_at.map_or(now, |at| at.min(now)),
        what,
    })
}

fn account_changed(update: &Update, account: &Account) -> Option<WhatV1> {
    Some(WhatV1::AccountChanged {
        account: term(update.waba.clone()?),
        event: term(account.event.clone()?),
        details: account.details.iter().cloned().map(term).collect(),
    })
}

fn number_changed(update: &Update, quality: &Quality) -> Option<WhatV1> {
    if quality.event.is_none() && quality.limit.is_none() {
        return None;
    }
    Some(WhatV1::NumberChanged {
        account: term(update.waba.clone()?),
        number: update.phone_number_id.clone().map(term),
        event: quality.event.clone().map(term),
        limit: quality.limit.clone().map(term),
    })
}

fn template_changed(template: &Template) -> Option<WhatV1> {
    Some(WhatV1::TemplateChanged {
        name: term(template.name.clone()?),
        language: template.language.clone().map(term),
        event: template.event.clone().map(term),
        quality: template.quality.clone().map(term),
        category: template.category.clone().map(term),
    })
}

/// Longest word of Meta's that an event repeats, in bytes: a template's name.
const TERM_MAX: usize = 512;

/// A word of Meta's, if it is one: letters, digits and a few signs. A text that
/// came where a word should be is not passed on.
fn term(word: String) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if word.len() <= TERM_MAX && word.chars().all(is_word) {
        word
    } else {
        "other".to_owned()
    }
}

/// Stands for the moment where Meta gives none: the same words on another day
/// are another event.
fn day(now: Timestamp) -> String {
    TimeZone::UTC.to_datetime(now).date().to_string()
}

/// What a tenant is told of an act on a person's page.
pub(crate) fn of_page(
    link: &PreferenceLink,
    act_id: EventId,
    stopped: Option<&Scope>,
    now: Timestamp,
) -> EventV1 {
    let who = WhoV1::known_as(Some(link.token), None);
    let source = SuppressionSource::Page.code().to_owned();
    let what = match stopped {
        Some(scope) => WhatV1::ContactOptedOut {
            who,
            scopes: vec![scope.code().to_owned()],
            source,
            review: false,
        },
        None => WhatV1::ContactResumed { who, source },
    };
    EventV1 {
        id: event_id(link.tenant, what.kind(), &[act_id.uuid().as_bytes()]),
        at: now,
        what,
    }
}

/// The words of a message, for the object that keeps it.
pub(crate) fn text(update: &Update) -> Option<String> {
    let content: &Content = match &update.kind {
        Kind::Message(message) | Kind::Past(message) => &message.content,
        Kind::Account(_)
        | Kind::Errors { .. }
        | Kind::Notice(_)
        | Kind::Other(_)
        | Kind::Preference(_)
        | Kind::Quality(_)
        | Kind::Status(_)
        | Kind::System(_)
        | Kind::Template(_) => return None,
    };
    content.text().map(str::to_owned)
}

#[cfg(test)]
mod tests;
