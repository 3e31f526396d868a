//! Erasure: a person leaves every list. What they stopped, and the keyed hashes
//! that it hangs on, stay, so that no later list brings them messages again.

use policy::ids::{ListId, TenantId};
use policy::token::ContactToken;

use super::Contacts;
use crate::fault::Fault;
use crate::keys::ContactKey;

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
}
