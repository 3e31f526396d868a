//! Erasure: a person leaves every list. What they stopped, and the keyed hashes
//! that it hangs on, stay, so that no later list brings them messages again.

use std::collections::HashSet;

use jiff::Timestamp;
use policy::ids::{ListId, TenantId};
use policy::purpose::Scope;
use policy::token::ContactToken;
use serde::Deserialize;

use super::Contacts;
use crate::fault::Fault;
use crate::keys::ContactKey;
use crate::table::{self, millis, moment};

/// The part of a person's item that tells of an erasure.
#[derive(Deserialize)]
struct ErasedItem {
    #[serde(default)]
    erased_at: Option<i64>,
}

impl Contacts {
    /// Deletes a person's place on each of `lists`, and with it number, name and
    /// attributes. Whoever calls has stopped everything before, so that a send
    /// that read the place can no longer claim. Doing it again changes nothing.
    pub async fn erase(
        &self,
        tenant: TenantId,
        lists: &[ListId],
        token: ContactToken,
    ) -> Result<(), Fault> {
        for list in lists {
            let list = *list;
            let key = ContactKey::Subscription {
                tenant,
                list,
                token,
            };
            self.table.delete(&key.key()).await?;
        }
        Ok(())
    }

    /// Notes that the person was erased at `at`: what is known of them from
    /// before is not to be kept, and no list brings it back. The latest erasure
    /// counts.
    pub async fn note_erased(
        &self,
        tenant: TenantId,
        token: ContactToken,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let key = ContactKey::Person { tenant, token }.key();
        self.table
            .update_if(
                key,
                "SET v = if_not_exists(v, :v), version = if_not_exists(version, :none), erased_at = :at",
                "attribute_not_exists(erased_at) OR erased_at < :at",
                [
                    (":v", table::number(1)),
                    (":none", table::number(0)),
                    (":at", table::number(millis(at))),
                ],
                "note an erasure",
            )
            .await?;
        Ok(())
    }

    /// When a person was erased, read strongly.
    pub async fn erased_at(
        &self,
        tenant: TenantId,
        token: ContactToken,
    ) -> Result<Option<Timestamp>, Fault> {
        let key = ContactKey::Person { tenant, token }.key();
        let item = self.table.get(&key).await?;
        let item: Option<ErasedItem> = item.map(table::decode).transpose()?;
        Ok(item.and_then(|item| item.erased_at).map(moment))
    }

    /// Those of `tokens` who were erased and have not asked for messages since.
    pub async fn erased(
        &self,
        tenant: TenantId,
        tokens: &[ContactToken],
    ) -> Result<HashSet<ContactToken>, Fault> {
        let person = |token: &ContactToken| {
            let token = *token;
            ContactKey::Person { tenant, token }.key()
        };
        let keys: Vec<_> = tokens.iter().map(person).collect();
        let mut erased = HashSet::new();
        for item in self.table.get_all(&keys, true).await? {
            let is_marked = item.contains_key("erased_at");
            let (token, person) = super::items::person(item)?;
            if is_marked && person.suppressions.contains_key(&Scope::Everything) {
                erased.insert(token);
            }
        }
        Ok(erased)
    }
}
