//! What an operator sets about a campaign's course: how it is released, when it
//! starts, why it is held.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use policy::campaign::{CampaignState, Gate, HoldReason, Tranche};
use policy::ids::{CampaignId, TenantId};
use serde::{Deserialize, Serialize};

use super::Campaigns;
use crate::fault::Fault;
use crate::table::{millis, moment, number, text};

/// How a campaign is to be released.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Controls {
    /// The share of the audience that goes first and is judged, in per cent.
    pub canary_percent: Option<u8>,
    /// So many people at a time.
    pub tranche: Option<Tranche>,
    /// So many messages a second at most, of all that its number may send.
    pub messages_per_second: Option<u32>,
}

/// When the timer starts a campaign.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Scheduled {
    /// The moment, in milliseconds since 1970.
    at: i64,
    /// The local time that was asked for.
    pub local: String,
    /// The IANA name of its zone.
    pub zone: String,
    /// What the zone's clock does at that time.
    pub clock: String,
}

impl Scheduled {
    /// The moment.
    pub fn at(&self) -> Timestamp {
        moment(self.at)
    }
}

impl From<&policy::schedule::Start> for Scheduled {
    fn from(start: &policy::schedule::Start) -> Self {
        Self {
            at: millis(start.at),
            local: start.local.to_string(),
            zone: start.zone.clone(),
            clock: start.clock.code().to_owned(),
        }
    }
}

/// What was approved of a template: exactly this is sent, or nothing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Approved {
    /// SHA-256 of what the template says, in hexadecimal.
    pub template: String,
    /// The category it had.
    pub category: String,
    /// SHA-256 of the header's file, in hexadecimal, if it shows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<String>,
    /// Who took the warnings on, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct TrancheItem {
    people: u32,
    every_s: i64,
}

impl From<Tranche> for TrancheItem {
    fn from(tranche: Tranche) -> Self {
        Self {
            people: tranche.people,
            every_s: tranche.every.as_secs(),
        }
    }
}

impl TrancheItem {
    pub(super) fn decode(self) -> Tranche {
        Tranche {
            people: self.people,
            every: SignedDuration::from_secs(self.every_s),
        }
    }
}

impl Campaigns {
    /// Pauses a campaign for `reason`; `false` if it neither plans nor runs. A
    /// reason that stands is not replaced.
    pub async fn hold_campaign(
        &self,
        tenant: TenantId,
        id: CampaignId,
        reason: HoldReason,
    ) -> Result<bool, Fault> {
        let values = [
            (":reason", text(reason.code())),
            (":one", number(1)),
            (":paused", text(CampaignState::Paused.code())),
            (":planning", text(CampaignState::Planning.code())),
            (":running", text(CampaignState::Running.code())),
        ];
        self.update_meta(
            tenant,
            id,
            "SET #state = :paused, held_for = :reason ADD holds :one",
            "#state = :planning OR #state = :running",
            values,
        )
        .await
    }

    /// Notes that the tenant was told of the hold number `hold`.
    pub async fn note_hold_told(
        &self,
        tenant: TenantId,
        id: CampaignId,
        hold: u32,
    ) -> Result<(), Fault> {
        self.update_meta(
            tenant,
            id,
            "SET holds_told = :hold",
            "attribute_not_exists(holds_told) OR holds_told < :hold",
            [(":hold", number(hold))],
        )
        .await?;
        Ok(())
    }

    /// Lets a paused campaign go on, in the name of `by`; `false` if it is not paused, or held for
    /// another reason than `seen`.
    pub async fn resume_campaign(
        &self,
        tenant: TenantId,
        id: CampaignId,
        seen: Option<HoldReason>,
        reopens: bool,
        by: Option<&str>,
    ) -> Result<bool, Fault> {
        let mut change = "SET #state = :planning".to_owned();
        let mut values = vec![
            (":paused", text(CampaignState::Paused.code())),
            (":planning", text(CampaignState::Planning.code())),
        ];
        if reopens {
            change.push_str(", reopens = :true");
        }
        if seen.is_some_and(HoldReason::is_canary) {
            change.push_str(", canary_passed = :true");
        }
        if let Some(by) = by {
            change.push_str(", resumed_by = :by");
            values.push((":by", text(by)));
        }
        if change.contains(":true") {
            values.push((":true", AttributeValue::Bool(true)));
        }
        let condition = match seen {
            Some(reason) => {
                values.push((":seen", text(reason.code())));
                "#state = :paused AND held_for = :seen"
            }
            None => "#state = :paused AND attribute_not_exists(held_for)",
        };
        // Released again at once: what was published before may be gone.
        change.push_str(" REMOVE held_for, released_at");
        self.update_meta_with(tenant, id, &change, condition, values)
            .await
    }

    /// Ends a campaign that stands at `from`; `false` if it does not.
    pub async fn cancel_campaign(
        &self,
        tenant: TenantId,
        id: CampaignId,
        from: CampaignState,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let values = [
            (":from", text(from.code())),
            (":to", text(CampaignState::Cancelled.code())),
            (":now", number(millis(now))),
        ];
        self.update_meta(
            tenant,
            id,
            "SET #state = :to, cancelled_at = :now REMOVE held_for",
            "#state = :from",
            values,
        )
        .await
    }

    /// Lets the timer start a campaign, which stands at `from`, at `start`.
    pub async fn schedule_campaign(
        &self,
        tenant: TenantId,
        id: CampaignId,
        from: CampaignState,
        start: &Scheduled,
    ) -> Result<bool, Fault> {
        let start = serde_dynamo::to_attribute_value(start)
            .map_err(|error| Fault::lasting("encode a schedule", error))?;
        let values = [
            (":from", text(from.code())),
            (":to", text(CampaignState::Scheduled.code())),
            (":start", start),
        ];
        self.update_meta(
            tenant,
            id,
            "SET #state = :to, starting = :start",
            "#state = :from",
            values,
        )
        .await
    }

    /// Approves a validated campaign, or a paused one whose template changed, as
    /// its template now is.
    pub async fn approve_campaign(
        &self,
        tenant: TenantId,
        id: CampaignId,
        from: CampaignState,
        to: CampaignState,
        approved: &Approved,
    ) -> Result<bool, Fault> {
        let approved = serde_dynamo::to_attribute_value(approved)
            .map_err(|error| Fault::lasting("encode an approval", error))?;
        let mut change = "SET #state = :to, approved = :approved".to_owned();
        let mut values = vec![
            (":from", text(from.code())),
            (":to", text(to.code())),
            (":approved", approved),
        ];
        if to == CampaignState::Paused {
            change.push_str(", held_for = :operator");
            values.push((":operator", text(HoldReason::Operator.code())));
        }
        self.update_meta_with(tenant, id, &change, "#state = :from", values)
            .await
    }

    /// Notes that the template is billed as another category than the one that
    /// was approved.
    pub async fn note_category(
        &self,
        tenant: TenantId,
        id: CampaignId,
        category: &str,
    ) -> Result<(), Fault> {
        self.update_meta(
            tenant,
            id,
            "SET approved.category = :category",
            "attribute_exists(approved)",
            [(":category", text(category))],
        )
        .await?;
        Ok(())
    }

    /// Fixes how many recipients a block has, and gives what is fixed.
    pub async fn fix_block_size(
        &self,
        tenant: TenantId,
        id: CampaignId,
        size: u32,
    ) -> Result<u32, Fault> {
        let fixed = self
            .update_meta(
                tenant,
                id,
                "SET block_size = :size",
                "attribute_exists(pk) AND attribute_not_exists(block_size)",
                [(":size", number(size))],
            )
            .await?;
        if fixed {
            return Ok(size);
        }
        let campaign = self.campaign(tenant, id).await?;
        campaign
            .and_then(|campaign| campaign.block_size)
            .ok_or_else(|| Fault::lasting("fix a block's size", "there is no such campaign"))
    }

    /// Notes how far a campaign is open, unless somebody opened it meanwhile.
    pub(super) async fn note_gate(
        &self,
        tenant: TenantId,
        id: CampaignId,
        seen: Gate,
        gate: Gate,
    ) -> Result<bool, Fault> {
        let at = gate.opened_at.map_or(0, millis);
        let values = vec![
            (":open", number(gate.open)),
            (":at", number(at)),
            (":seen", number(seen.open)),
        ];
        let condition = "attribute_not_exists(gate_open) OR gate_open = :seen";
        let change = "SET gate_open = :open, gate_opened_at = :at";
        self.update_meta_with(tenant, id, change, condition, values)
            .await
    }

    /// Notes that the first people had all been asked at `now`.
    pub async fn note_canary_asked(
        &self,
        tenant: TenantId,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.update_meta(
            tenant,
            id,
            "SET canary_asked_at = :now",
            "attribute_not_exists(canary_asked_at)",
            [(":now", number(millis(now)))],
        )
        .await?;
        Ok(())
    }

    /// Lets the rest follow the first people.
    pub async fn pass_canary(&self, tenant: TenantId, id: CampaignId) -> Result<(), Fault> {
        self.update_meta(
            tenant,
            id,
            "SET canary_passed = :true REMOVE released_at",
            "attribute_exists(pk)",
            [(":true", AttributeValue::Bool(true))],
        )
        .await?;
        Ok(())
    }

    /// Notes that every mended refusal was reopened.
    pub async fn note_reopened(&self, tenant: TenantId, id: CampaignId) -> Result<(), Fault> {
        let reopens = [(":true", AttributeValue::Bool(true))];
        self.update_meta(tenant, id, "REMOVE reopens", "reopens = :true", reopens)
            .await?;
        Ok(())
    }
}
