//! A person's number changed: what they stopped under the old one is stopped
//! under the new one. Consents stay behind: nobody agreed to messages there.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use policy::ids::{EventId, TenantId};
use policy::person::Suppression;
use policy::purpose::Scope;
use policy::token::ContactToken;
use uuid::Uuid;

use super::{Contacts, StopEvent, items};
use crate::fault::Fault;
use crate::keys::ContactKey;
use crate::table::{self, number};

/// The attribute of PERSON that names who they are now.
pub(super) const MOVED: &str = "moved";

impl Contacts {
    /// Notes that the person `from` is `to` from now on, and commits to `to`
    /// every stop in force of `from`.
    ///
    /// The note is one update of PERSON that raises its version and reads it
    /// back; a stop is conditional on the version that it saw. So whichever of
    /// the two comes last sees the other: the stop follows the note, or the note
    /// carries the stop.
    pub async fn moved(
        &self,
        tenant: TenantId,
        from: ContactToken,
        to: ContactToken,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if from == to {
            return Ok(());
        }
        let token = from;
        let key = ContactKey::Person { tenant, token }.key();
        let answer = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", table::text(key.pk))
            .key("sk", table::text(key.sk))
            .update_expression("ADD #moved :to, version :one SET v = :v")
            .expression_attribute_names("#moved", MOVED)
            .expression_attribute_values(":to", AttributeValue::Ss(vec![to.to_string()]))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":v", number(1))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(Fault::sdk("move a person"))?;
        let (_, person) = items::person(answer.attributes.unwrap_or_default())?;
        for (scope, suppression) in person.suppressions {
            let stop = carried(scope, &suppression, from);
            self.stop(tenant, to, &stop, now).await?;
        }
        Ok(())
    }
}

/// The stop that a suppression stands for. It keeps its event's id, so that it
/// is carried once, however often the change is told.
fn carried(scope: Scope, suppression: &Suppression, from: ContactToken) -> StopEvent {
    let id = suppression.evidence.parse().unwrap_or_else(|_| {
        EventId::from_uuid(Uuid::from_u128(u128::from_be_bytes(*from.as_bytes())))
    });
    StopEvent {
        id,
        scope,
        at: suppression.at,
        source: suppression.source,
    }
}
