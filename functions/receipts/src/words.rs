//! Where people's words are kept, so that they can have a copy of them and have
//! them deleted.

use platform::campaigns::WordsPlace;
use platform::fault::Fault;
use platform::queue::WordsV1;
use policy::ids::TenantId;
use policy::token::ContactToken;

use crate::Deps;

/// Notes whose words an object holds: one person's, or those of everybody for
/// whom another identity stands; of one that is nobody's yet, under itself.
pub(crate) async fn note(
    tenant: TenantId,
    object: String,
    words: WordsV1,
    deps: &Deps,
) -> Result<(), Fault> {
    let who = words.who.0;
    let mut people = vec![who];
    if words.alias {
        let linked = deps.contacts.linked(tenant, &people).await?;
        people.extend(linked.into_values().flatten());
    }
    let place = WordsPlace {
        at: words.at,
        object,
    };
    for token in people {
        keep(tenant, token, &place, deps).await?;
    }
    Ok(())
}

/// Notes where words of a person lie. What was said before the person was erased
/// is deleted instead: it came late.
pub(crate) async fn keep(
    tenant: TenantId,
    token: ContactToken,
    place: &WordsPlace,
    deps: &Deps,
) -> Result<(), Fault> {
    deps.campaigns.note_words(tenant, token, place).await?;
    // After the note: an erasure that does not see it is seen here.
    match deps.contacts.erased_at(tenant, token).await? {
        Some(erased_at) if place.at <= erased_at => delete(tenant, token, place, deps).await,
        _ => Ok(()),
    }
}

/// Deletes what a person wrote up to now.
pub(crate) async fn erase(tenant: TenantId, token: ContactToken, deps: &Deps) -> Result<(), Fault> {
    for place in deps.campaigns.words_of(tenant, token).await? {
        delete(tenant, token, &place, deps).await?;
    }
    Ok(())
}

/// The object first: a note that is left leads to nothing, a word that is left
/// would be found by nobody.
async fn delete(
    tenant: TenantId,
    token: ContactToken,
    place: &WordsPlace,
    deps: &Deps,
) -> Result<(), Fault> {
    deps.objects.delete(&place.object).await?;
    deps.campaigns.forget_words(tenant, token, place).await
}
