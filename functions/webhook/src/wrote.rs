//! That a person wrote, and whether they asked for something that has an answer:
//! what `receipts` needs to know of it, without the words.

use jiff::Timestamp;
use platform::queue::{AsksV1, RequestV1, TokenText, WroteV1};
use policy::answer::WINDOW;
use policy::ids::TenantId;
use policy::person::SuppressionSource;
use policy::reply::Label;
use policy::rights::{Right, Way};
use policy::token::ContactToken;

use crate::asks::{Asks, asks};
use crate::names::{Keys, Name};
use crate::stops::{event_id, said_at};
use crate::updates::{Content, Kind, Update};

/// The business number that somebody wrote to, and what to tell `receipts`;
/// `None` where it opens no window any more (Meta, "Customer service windows"),
/// or where nobody knows who wrote or when.
pub(crate) fn wrote(
    tenant: TenantId,
    update: &Update,
    keys: &Keys,
    now: Timestamp,
) -> Option<(String, WroteV1)> {
    let Kind::Message(message) = &update.kind else {
        return None;
    };
    // A reaction is no message, and what could not be passed on may be none.
    let counts = match message.content {
        Content::Button { .. }
        | Content::Form { .. }
        | Content::Interactive { .. }
        | Content::Media { .. }
        | Content::Text(_) => true,
        Content::Other(_) | Content::Reaction { .. } | Content::Unsupported { .. } => false,
    };
    let number = update.phone_number_id.clone().filter(|_| counts)?;
    // A window that is dated too late would let free texts through too long.
    let at = said_at(update, now)?.min(now);
    if now.duration_since(at) >= WINDOW {
        return None;
    }
    let name = Name::of(tenant, &message.person, keys);
    let who = name.first()?;
    let asks = asks(update, keys.keywords(tenant));
    let asks = asks.and_then(|asks| answerable(tenant, update, who, at, asks));
    let message = WroteV1 {
        who: TokenText(who),
        alias: name.token.is_none(),
        at,
        asks,
        object: None,
    };
    Some((number, message))
}

/// That somebody asks, in their own words, for their data to be deleted. It is
/// told for a person to read: words may mean less than they say.
pub(crate) fn erasure(
    tenant: TenantId,
    update: &Update,
    keys: &Keys,
    now: Timestamp,
) -> Option<RequestV1> {
    let Kind::Message(message) = &update.kind else {
        return None;
    };
    asks(update, keys.keywords(tenant)).filter(|asks| asks.erases)?;
    let who = Name::of(tenant, &message.person, keys).token?;
    let at = said_at(update, now).unwrap_or(now).min(now);
    let source = SuppressionSource::Keyword;
    Some(RequestV1 {
        id: event_id("erasure:v1", tenant, who, update, Some(at), source, ""),
        who: TokenText(who),
        right: Right::Erasure.code().to_owned(),
        way: Way::Chat.code().to_owned(),
        at,
    })
}

/// What there is an answer to. A call for help that may be none gets no answer;
/// a stop that may be none is one.
fn answerable(
    tenant: TenantId,
    update: &Update,
    who: ContactToken,
    at: Timestamp,
    asks: Asks,
) -> Option<AsksV1> {
    match asks.label {
        Label::Optout => Some(AsksV1::Stop {
            scopes: asks.scope_codes(),
        }),
        Label::Help if !asks.review => Some(AsksV1::Help {
            event: event_id("help:v1", tenant, who, update, Some(at), asks.source, ""),
        }),
        Label::Help | Label::Other | Label::Resume => None,
    }
}

#[cfg(test)]
mod tests;
