//! What must stand before the answer: stops, changes of a person's names, and
//! the person's own wish for messages again.

use jiff::Timestamp;
use platform::contacts::Contacts;
use platform::fault::Fault;
use policy::ids::TenantId;

use crate::names::Move;
use crate::stops::{Resume, Stop};

/// One thing to commit. All are safe to repeat.
#[derive(Debug)]
pub(crate) enum Act {
    Move(Move),
    Resume(Resume),
    Stop(Stop),
}

impl Act {
    /// Changes and stops come first, in any order among themselves; a resume is
    /// judged by what stands after them.
    pub(crate) fn is_first(&self) -> bool {
        !matches!(self, Self::Resume(_))
    }

    pub(crate) async fn commit(
        &self,
        tenant: TenantId,
        contacts: &Contacts,
        now: Timestamp,
    ) -> Result<(), Fault> {
        match self {
            Self::Move(change) => move_person(change, tenant, contacts, now).await,
            Self::Resume(resume) => lift(resume, tenant, contacts, now).await,
            Self::Stop(Stop { name, event }) => {
                contacts
                    .stop_known_as(tenant, name.token, &name.aliases, event, now)
                    .await
            }
        }
    }
}

/// Lifts what the person's own act ends. Of somebody known by an id only, who
/// is nobody's yet, nothing is lifted: their stop waits, and stays.
async fn lift(
    resume: &Resume,
    tenant: TenantId,
    contacts: &Contacts,
    now: Timestamp,
) -> Result<(), Fault> {
    let Resume { name, event } = resume;
    let mut tokens: Vec<_> = name.token.into_iter().collect();
    if tokens.is_empty() {
        let linked = contacts.linked(tenant, &name.aliases).await?;
        tokens.extend(linked.into_values().flatten());
    }
    for token in tokens {
        contacts.resume(tenant, token, event, now).await?;
    }
    Ok(())
}

/// Carries the person's stops over to their new names.
async fn move_person(
    change: &Move,
    tenant: TenantId,
    contacts: &Contacts,
    now: Timestamp,
) -> Result<(), Fault> {
    let Move { from, to } = change;
    // Without a new number the old one, where it is told, is still theirs.
    let person = to.token.or(from.token);
    if let Some((before, person)) = from.token.zip(person) {
        contacts.moved(tenant, before, person, now).await?;
    }
    for alias in from.aliases.iter().chain(&to.aliases) {
        if let Some(person) = person {
            contacts.link(tenant, *alias, person, now).await?;
        }
    }
    for before in &from.aliases {
        for alias in &to.aliases {
            contacts.alias_moved(tenant, *before, *alias, now).await?;
        }
    }
    Ok(())
}
