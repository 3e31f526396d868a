//! Where people's words are kept, so that they can have a copy of them and have
//! them deleted.

use std::collections::BTreeMap;

use platform::campaigns::{RecordedEvent, WordsPlace};
use platform::events::WhatV1;
use platform::fault::Fault;
use policy::ids::TenantId;
use policy::token::ContactToken;

use crate::Deps;

/// Notes where the words of recorded messages lie. What was written before its
/// writer was erased is deleted instead: it came late.
pub(crate) async fn note(
    tenant: TenantId,
    recorded: &[RecordedEvent],
    deps: &Deps,
) -> Result<(), Fault> {
    let words: Vec<(ContactToken, WordsPlace)> = recorded.iter().filter_map(place).collect();
    if words.is_empty() {
        return Ok(());
    }
    deps.campaigns.note_words(tenant, &words).await?;
    // After the note: an erasure that does not see it is seen here.
    let mut by_person: BTreeMap<ContactToken, Vec<WordsPlace>> = BTreeMap::new();
    for (token, place) in words {
        by_person.entry(token).or_default().push(place);
    }
    for (token, places) in by_person {
        if let Some(erased_at) = deps.contacts.erased_at(tenant, token).await? {
            let before = places.into_iter().filter(|place| place.at <= erased_at);
            delete(tenant, token, before.collect(), deps).await?;
        }
    }
    Ok(())
}

/// Deletes what a person wrote up to now.
pub(crate) async fn erase(tenant: TenantId, token: ContactToken, deps: &Deps) -> Result<(), Fault> {
    let words = deps.campaigns.words_of(tenant, token).await?;
    delete(tenant, token, words, deps).await
}

/// The objects first: a note that is left leads to nothing, a word that is left
/// would be found by nobody.
async fn delete(
    tenant: TenantId,
    token: ContactToken,
    words: Vec<WordsPlace>,
    deps: &Deps,
) -> Result<(), Fault> {
    for place in words {
        deps.objects.delete(&place.object).await?;
        deps.campaigns.forget_words(tenant, token, &place).await?;
    }
    Ok(())
}

fn place(recorded: &RecordedEvent) -> Option<(ContactToken, WordsPlace)> {
    let RecordedEvent { event, .. } = recorded;
    match &event.what {
        WhatV1::MessageReceived {
            who, object, place, ..
        } => {
            let words = WordsPlace {
                event: event.id,
                at: event.at,
                object: object.clone(),
                place: *place,
            };
            Some((who.contact?.0, words))
        }
        _ => None,
    }
}
