//! META: one campaign's lifecycle and frozen content.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use policy::answer::Answer;
use policy::campaign::{CampaignFacts, CampaignState, Gate, HoldReason};
use policy::ids::{CampaignId, ListId, TenantId};
use policy::purpose::Purpose;
use serde::{Deserialize, Serialize};

use super::Campaigns;
use super::controls::{Approved, Controls, Scheduled};
use super::meta_item::MetaItem;
use crate::fault::Fault;
use crate::keys::CampaignKey;
use crate::table::{self, millis, number, text};

/// Which approved template, in which language.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TemplateRef {
    /// The template's name.
    pub name: String,
    /// Its language code, such as `id` or `en_US`.
    pub language: String,
}

/// What an operator asks for, or a person's own message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewCampaign {
    /// The operator's name for it.
    pub name: String,
    /// From which number, by WhatsApp's id of it.
    pub sender: String,
    /// What it says.
    pub content: Content,
    /// What the message is for.
    pub purpose: Purpose,
    /// After this moment the message has no use.
    pub not_after: Option<Timestamp>,
}

/// What a campaign says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// A free text to one person who wrote.
    Answer(Answer),
    /// A template to the people of a list.
    Template(Templated),
}

/// A template to the people of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Templated {
    /// To whom.
    pub list: ListId,
    /// Which template.
    pub template: TemplateRef,
    /// Template variable → column of the list.
    pub mapping: BTreeMap<String, String>,
}

impl NewCampaign {
    /// The answer that it is, if it is one.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.content {
            Content::Answer(answer) => Some(answer),
            Content::Template(_) => None,
        }
    }

    /// The template and its list, unless it is an answer.
    pub fn templated(&self) -> Option<&Templated> {
        match &self.content {
            Content::Answer(_) => None,
            Content::Template(templated) => Some(templated),
        }
    }

    /// The template's name, where it has one; nobody has a template without one.
    pub fn template_name(&self) -> &str {
        self.templated()
            .map_or("", |content| &content.template.name)
    }
}

/// A campaign as the table has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Campaign {
    /// What the operator asked for.
    pub plan: NewCampaign,
    /// Where it stands.
    pub state: CampaignState,
    /// How many pages of the frozen audience are planned into blocks.
    pub pages_planned: u32,
    /// How many blocks those pages became.
    pub blocks_planned: u32,
    /// How many recipients a block has; fixed when planning begins.
    pub block_size: Option<u32>,
    /// When blocks were last released.
    pub released_at: Option<Timestamp>,
    /// When the portfolio's messaging limit has room again, where a worker
    /// found none.
    pub tier_full_until: Option<Timestamp>,
    /// When WhatsApp's message history was last asked about its doubts.
    pub history_asked_at: Option<Timestamp>,
    /// How it is to be released.
    pub controls: Controls,
    /// How far it is open.
    pub gate: Gate,
    /// Whether its first people let the rest follow, or a person did.
    pub canary_passed: bool,
    /// When the first people had all been asked.
    pub canary_asked_at: Option<Timestamp>,
    /// Why it is paused.
    pub hold: Option<HoldReason>,
    /// When the timer starts it.
    pub start: Option<Scheduled>,
    /// What was approved of the template.
    pub approved: Option<Approved>,
    /// Whether mended refusals wait to be reopened.
    pub reopens: bool,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Whether it is a single message, for which somebody waits.
    pub is_single: bool,
    /// How often it was held.
    pub holds: u32,
    /// Of how many of them the tenant was told.
    pub holds_told: u32,
    /// Whether the tenant was told how it ended, where it is looked at still.
    pub end_told: bool,
}

impl Campaign {
    /// What a decision needs to know.
    pub fn facts(&self, id: CampaignId) -> CampaignFacts {
        CampaignFacts {
            id,
            state: self.state,
            purpose: self.plan.purpose.clone(),
            not_after: self.plan.not_after,
            sender: self.plan.sender.clone(),
            answer: self.plan.answer().cloned(),
        }
    }
}

impl Campaigns {
    /// Writes a draft down; nothing happens if the id exists.
    pub async fn create_campaign(
        &self,
        tenant: TenantId,
        id: CampaignId,
        plan: &NewCampaign,
    ) -> Result<(), Fault> {
        self.create_campaign_with(tenant, id, plan, &Controls::default())
            .await
    }

    /// The same, released as `controls` say.
    pub async fn create_campaign_with(
        &self,
        tenant: TenantId,
        id: CampaignId,
        plan: &NewCampaign,
        controls: &Controls,
    ) -> Result<(), Fault> {
        let item = MetaItem::draft(plan, controls);
        let index = CampaignKey::CampaignIndex(tenant, id).key();
        self.put_row(&index, &BTreeMap::from([("name", &plan.name)]))
            .await?;
        let meta = CampaignKey::Meta(tenant, id).key();
        self.table.put_new(table::encode(&meta, &item)?).await?;
        Ok(())
    }

    /// One campaign, read strongly.
    pub async fn campaign(
        &self,
        tenant: TenantId,
        id: CampaignId,
    ) -> Result<Option<Campaign>, Fault> {
        self.row::<MetaItem>(&CampaignKey::Meta(tenant, id).key())
            .await?
            .map(MetaItem::decode)
            .transpose()
    }

    /// The ids of a tenant's campaigns, oldest first.
    pub async fn campaign_ids(&self, tenant: TenantId) -> Result<Vec<CampaignId>, Fault> {
        let pk = CampaignKey::Tenant(tenant).key().pk;
        let items = self.table.partition(&pk, "K#", false).await?;
        items
            .iter()
            .filter_map(
                |item| match CampaignKey::parse(&table::key_of(item).ok()?) {
                    Some(CampaignKey::CampaignIndex(_, id)) => Some(Ok(id)),
                    _ => None,
                },
            )
            .collect()
    }

    /// Moves a campaign from one state to another; `false` if it is no longer
    /// in the first, unless it already is in the second.
    pub async fn move_campaign(
        &self,
        tenant: TenantId,
        id: CampaignId,
        from: CampaignState,
        to: CampaignState,
    ) -> Result<bool, Fault> {
        let moved = [(":from", text(from.code())), (":to", text(to.code()))];
        let change = if to == CampaignState::Paused {
            "SET #state = :to"
        } else {
            "SET #state = :to REMOVE held_for"
        };
        self.update_meta(tenant, id, change, "#state = :from OR #state = :to", moved)
            .await
    }

    /// Notes that planning has come as far as `pages` pages and `blocks`
    /// blocks; never moves backwards.
    pub async fn note_planned(
        &self,
        tenant: TenantId,
        id: CampaignId,
        pages: u32,
        blocks: u32,
    ) -> Result<(), Fault> {
        self.update_meta(
            tenant,
            id,
            "SET pages_planned = :pages, blocks_planned = :blocks",
            "pages_planned < :pages",
            [(":pages", number(pages)), (":blocks", number(blocks))],
        )
        .await?;
        Ok(())
    }

    /// Notes a release at `now` unless another has happened since `seen`.
    pub(super) async fn note_released(
        &self,
        tenant: TenantId,
        id: CampaignId,
        seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        match seen {
            None => {
                let values = [(":now", number(millis(now)))];
                let unseen = "attribute_not_exists(released_at)";
                self.update_meta(tenant, id, "SET released_at = :now", unseen, values)
                    .await
            }
            Some(seen) => {
                let values = [
                    (":now", number(millis(now))),
                    (":seen", number(millis(seen))),
                ];
                self.update_meta(
                    tenant,
                    id,
                    "SET released_at = :now",
                    "released_at = :seen",
                    values,
                )
                .await
            }
        }
    }

    /// Notes that the portfolio's messaging limit has no room before `until`:
    /// nothing of the campaign is released until then. An end that was noted
    /// stands unless a later one comes.
    pub async fn note_tier_full(
        &self,
        tenant: TenantId,
        id: CampaignId,
        until: Timestamp,
    ) -> Result<(), Fault> {
        self.update_meta(
            tenant,
            id,
            "SET tier_full_until = :until",
            "attribute_exists(pk) AND \
             (attribute_not_exists(tier_full_until) OR tier_full_until < :until)",
            [(":until", number(millis(until)))],
        )
        .await?;
        Ok(())
    }

    /// Notes that the tenant was told how the campaign ended.
    pub async fn note_end_told(&self, tenant: TenantId, id: CampaignId) -> Result<(), Fault> {
        let told = AttributeValue::Bool(true);
        let change = "SET end_told = :told";
        self.update_meta(
            tenant,
            id,
            change,
            "attribute_exists(pk)",
            [(":told", told)],
        )
        .await?;
        Ok(())
    }

    /// Notes that WhatsApp's message history is asked at `now`; `false` if
    /// somebody else asked since `last`.
    pub async fn note_history_asked(
        &self,
        tenant: TenantId,
        id: CampaignId,
        last: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let last = last.unwrap_or(Timestamp::UNIX_EPOCH);
        self.update_meta(
            tenant,
            id,
            "SET history_asked_at = :now",
            "attribute_exists(pk) AND \
             (attribute_not_exists(history_asked_at) OR history_asked_at = :last)",
            [
                (":now", number(millis(now))),
                (":last", number(millis(last))),
            ],
        )
        .await
    }

    pub(super) async fn update_meta<const N: usize>(
        &self,
        tenant: TenantId,
        id: CampaignId,
        expression: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<bool, Fault> {
        self.update_meta_with(tenant, id, expression, condition, values.into())
            .await
    }

    /// One conditional change of META; `false` if the condition does not hold.
    pub(super) async fn update_meta_with(
        &self,
        tenant: TenantId,
        id: CampaignId,
        expression: &str,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<bool, Fault> {
        let key = CampaignKey::Meta(tenant, id).key();
        let mut update = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", text(key.pk))
            .key("sk", text(key.sk))
            .update_expression(expression)
            .condition_expression(condition);
        if expression.contains("#state") || condition.contains("#state") {
            update = update.expression_attribute_names("#state", "state");
        }
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        table::held(update.send().await, "move a campaign")
    }
}
