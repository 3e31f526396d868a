//! Whose number: the directory, remembered for a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::Campaigns;
use platform::fault::Fault;
use policy::ids::TenantId;

/// How long a number's owner is remembered. Numbers change hands rarely, and
/// only by an operator.
const KEPT: SignedDuration = SignedDuration::from_mins(1);

/// The number directory. Only numbers that are in it are remembered, so the
/// memory is bounded by its size.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    campaigns: Campaigns,
    known: Arc<Mutex<HashMap<String, (Timestamp, TenantId)>>>,
}

impl Numbers {
    pub(crate) fn new(campaigns: Campaigns) -> Self {
        Self {
            campaigns,
            known: Arc::default(),
        }
    }

    /// The tenant of a business phone number, by WhatsApp's id of it.
    pub(crate) async fn owner(&self, id: &str, now: Timestamp) -> Result<Option<TenantId>, Fault> {
        if let Some((read_at, tenant)) = self.known().get(id)
            && now.duration_since(*read_at) < KEPT
        {
            return Ok(Some(*tenant));
        }
        let number = self.campaigns.number(id).await?;
        let tenant = number.map(|number| number.tenant);
        match tenant {
            Some(tenant) => self.known().insert(id.to_owned(), (now, tenant)),
            None => self.known().remove(id),
        };
        Ok(tenant)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, (Timestamp, TenantId)>> {
        self.known
            .lock()
            .expect("the memory's holders do not panic")
    }
}
