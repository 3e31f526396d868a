//! What was said before the number joined, which a business can hand over when
//! it moves its number from the app on its phone.
//!
//! A stop said then is a stop. Anything else is past, a change of mind too: it
//! cannot be told whether it came before or after what is on record here.

use serde_json::Value;

use super::lenient::{member, take, word};
use super::message::{self, Message};
use super::notice::{Notice, Topic, notice};
use super::person::Person;

/// One piece of a history.
pub(super) enum Past {
    /// A person wrote.
    Said(Message),
    /// The business wrote, or nothing can be told.
    Notice(Notice),
}

/// Takes everything that was said out of an element of `history`; `business` is
/// the number whose history it is.
pub(super) fn history(mut chunk: Value, business: Option<&Person>) -> Vec<(Past, Value)> {
    let mut pieces = Vec::new();
    for mut thread in take(&mut chunk, "threads") {
        let other = word(&thread, "id");
        for raw in take(&mut thread, "messages") {
            let piece = piece(&raw, other.as_deref(), business);
            pieces.push((piece, raw));
        }
    }
    if pieces.is_empty() {
        let notice = notice(Topic::History, &chunk, &[]);
        pieces.push((Past::Notice(notice), chunk));
    }
    pieces
}

/// Who wrote it: the thread is named by the person, so whoever else writes in
/// it is the business.
fn piece(raw: &Value, thread: Option<&str>, business: Option<&Person>) -> Past {
    let other = Person::new(thread.map(str::to_owned), None);
    let message = message::message(raw, &[]);
    let writer = &message.person;
    let same = |one: &Person, two: &Person| match (one.phone(), two.phone()) {
        (Some(one), Some(two)) => one == two,
        _ => one.is_known() && one == two,
    };
    let by_business = business.is_some_and(|business| same(business, writer))
        || member(raw, "to").is_some()
        || (other.phone().is_some() && writer.phone().is_some() && !same(&other, writer));
    if by_business || !raw.is_object() {
        let person = other.is_known().then_some(other);
        let written = notice(Topic::Echo, raw, &[]);
        return Past::Notice(Notice {
            topic: Topic::History,
            person,
            ..written
        });
    }
    Past::Said(message)
}
