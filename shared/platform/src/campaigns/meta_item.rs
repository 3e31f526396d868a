//! How a campaign's lifecycle is written down. `v` is the version of the shape.

use std::collections::BTreeMap;

use jiff::Timestamp;
use policy::answer::{Answer, AnswerKind};
use policy::campaign::{CampaignState, Gate, HoldReason};
use policy::ids::ListId;
use policy::purpose::{Purpose, Scope};
use serde::{Deserialize, Serialize};

use super::controls::{Approved, Controls, Scheduled, TrancheItem};
use super::meta::{Campaign, Content, NewCampaign, TemplateRef, Templated};
use crate::fault::Fault;
use crate::table::{millis, moment};

/// META as the table has it.
#[derive(Deserialize, Serialize)]
pub(super) struct MetaItem {
    v: u8,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list: Option<ListId>,
    sender: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template: Option<TemplateRef>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    mapping: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerItem>,
    purpose: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_after: Option<i64>,
    state: String,
    pages_planned: u32,
    blocks_planned: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    block_size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    released_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tier_full_until: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    history_asked_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canary_percent: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tranche: Option<TrancheItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    messages_per_second: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gate_open: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gate_opened_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canary_passed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canary_asked_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_for: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    starting: Option<Scheduled>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approved: Option<Approved>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reopens: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_single: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holds_told: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    end_told: bool,
}

/// An answer to what a person wrote.
#[derive(Deserialize, Serialize)]
struct AnswerItem {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    cause: String,
}

impl From<&Answer> for AnswerItem {
    fn from(answer: &Answer) -> Self {
        Self {
            kind: answer.code().to_owned(),
            scope: match &answer.kind {
                AnswerKind::Confirmation { scope } => Some(scope.code().to_owned()),
                AnswerKind::Help => None,
            },
            cause: answer.cause.clone(),
        }
    }
}

impl AnswerItem {
    fn decode(self) -> Option<Answer> {
        let kind = match (self.kind.as_str(), self.scope) {
            ("confirmation", Some(scope)) => AnswerKind::Confirmation {
                scope: Scope::parse(&scope).ok()?,
            },
            ("help", None) => AnswerKind::Help,
            _ => return None,
        };
        let cause = self.cause;
        Some(Answer { kind, cause })
    }
}

impl MetaItem {
    /// A draft of `plan`.
    pub(super) fn draft(plan: &NewCampaign, controls: &Controls) -> Self {
        let templated = plan.templated();
        Self {
            v: 1,
            name: plan.name.clone(),
            list: templated.map(|content| content.list),
            sender: plan.sender.clone(),
            template: templated.map(|content| content.template.clone()),
            mapping: templated.map_or_else(BTreeMap::new, |content| content.mapping.clone()),
            answer: plan.answer().map(AnswerItem::from),
            purpose: plan.purpose.to_string(),
            not_after: plan.not_after.map(millis),
            state: CampaignState::Draft.code().to_owned(),
            pages_planned: 0,
            blocks_planned: 0,
            block_size: None,
            released_at: None,
            tier_full_until: None,
            history_asked_at: None,
            canary_percent: controls.canary_percent,
            tranche: controls.tranche.map(TrancheItem::from),
            messages_per_second: controls.messages_per_second,
            gate_open: None,
            gate_opened_at: None,
            canary_passed: None,
            canary_asked_at: None,
            held_for: None,
            starting: None,
            approved: None,
            reopens: None,
            cancelled_at: None,
            is_single: false,
            holds: None,
            holds_told: None,
            end_told: false,
        }
    }

    /// A campaign of one block, which runs from the start.
    pub(super) fn single(plan: &NewCampaign, now: Timestamp) -> Self {
        Self {
            state: CampaignState::Running.code().to_owned(),
            pages_planned: 1,
            blocks_planned: 1,
            // Its own queue message is its release; the timer looks later.
            released_at: Some(millis(now)),
            is_single: true,
            ..Self::draft(plan, &Controls::default())
        }
    }

    pub(super) fn decode(self) -> Result<Campaign, Fault> {
        let damaged = |what: &'static str| Fault::lasting("read a campaign's item", what);
        let content = match (self.answer, self.list, self.template) {
            (Some(answer), None, None) => Content::Answer(
                answer
                    .decode()
                    .ok_or_else(|| damaged("it has no known answer"))?,
            ),
            (None, Some(list), Some(template)) => Content::Template(Templated {
                list,
                template,
                mapping: self.mapping,
            }),
            _ => return Err(damaged("it says nothing, or two things")),
        };
        let hold = self.held_for.as_deref().map(HoldReason::from_code);
        Ok(Campaign {
            state: CampaignState::from_code(&self.state)
                .ok_or_else(|| damaged("it has no known state"))?,
            pages_planned: self.pages_planned,
            blocks_planned: self.blocks_planned,
            block_size: self.block_size,
            released_at: self.released_at.map(moment),
            tier_full_until: self.tier_full_until.map(moment),
            history_asked_at: self.history_asked_at.map(moment),
            controls: Controls {
                canary_percent: self.canary_percent,
                tranche: self.tranche.map(TrancheItem::decode),
                messages_per_second: self.messages_per_second,
            },
            gate: Gate {
                open: self.gate_open.unwrap_or(0),
                opened_at: self.gate_opened_at.map(moment),
            },
            canary_passed: self.canary_passed.unwrap_or(false),
            canary_asked_at: self.canary_asked_at.map(moment),
            hold: match hold {
                Some(None) => return Err(damaged("it has no known reason to be held")),
                Some(known) => known,
                None => None,
            },
            start: self.starting,
            approved: self.approved,
            reopens: self.reopens.unwrap_or(false),
            cancelled_at: self.cancelled_at.map(moment),
            is_single: self.is_single,
            holds: self.holds.unwrap_or(0),
            holds_told: self.holds_told.unwrap_or(0),
            end_told: self.end_told,
            plan: NewCampaign {
                name: self.name,
                sender: self.sender,
                content,
                purpose: Purpose::parse(&self.purpose)
                    .map_err(|_| damaged("its purpose cannot be read"))?,
                not_after: self.not_after.map(moment),
            },
        })
    }
}
