//! How blocks, outcomes and statuses are written down. `v` is the version of the
//! shape.

use std::collections::BTreeMap;

use jiff::Timestamp;
use policy::block::{Block, Outcome, Phase, RecipientState};
use policy::ids::{MessageId, OwnerNonce};
use policy::receipt::StatusSets;
use policy::token::ContactToken;
use serde::{Deserialize, Serialize};

use super::KEPT_SECONDS;
use crate::fault::Fault;
use crate::table::{millis, moment};

/// A block as the table has it. Small, because every update bills all of it.
#[derive(Deserialize, Serialize)]
pub(super) struct BlockItem {
    v: u8,
    #[serde(with = "serde_bytes_shim")]
    tokens: Vec<u8>,
    states: String,
    attempt: u16,
    phase: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<OwnerNonce>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reserved: Option<String>,
    ttl: i64,
}

/// Bytes as one binary attribute instead of a list of numbers.
mod serde_bytes_shim {
    use serde::de::{Deserializer, Visitor};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }

        from.deserialize_byte_buf(Bytes)
    }
}

impl BlockItem {
    pub(super) fn encode(block: &Block, now: Timestamp) -> Self {
        let (phase, due, owner, deadline) = match block.phase {
            Phase::Pending { due } => ("pending", Some(millis(due)), None, None),
            Phase::InFlight { owner, deadline } => {
                ("in_flight", None, Some(owner), Some(millis(deadline)))
            }
            Phase::Done => ("done", None, None, None),
        };
        Self {
            v: 1,
            tokens: block.tokens.iter().flat_map(|t| *t.as_bytes()).collect(),
            states: letters(&block.states),
            attempt: block.attempt,
            phase: phase.to_owned(),
            due,
            owner,
            deadline,
            reserved: block.reservation.as_ref().map(ToString::to_string),
            ttl: now.as_second() + KEPT_SECONDS,
        }
    }

    pub(super) fn decode(self, number: u32) -> Result<Block, Fault> {
        let damaged = |what: &'static str| Fault::lasting("read a block's item", what);
        let (tokens, rest) = self.tokens.as_chunks::<{ ContactToken::LEN }>();
        let states = self
            .states
            .chars()
            .map(RecipientState::from_letter)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| damaged("a recipient has no known state"))?;
        if !rest.is_empty() || tokens.len() != states.len() {
            return Err(damaged("tokens and states differ in length"));
        }
        let phase = match (self.phase.as_str(), self.due, self.owner, self.deadline) {
            ("pending", Some(due), _, _) => Phase::Pending { due: moment(due) },
            ("in_flight", _, Some(owner), Some(deadline)) => Phase::InFlight {
                owner,
                deadline: moment(deadline),
            },
            ("done", ..) => Phase::Done,
            _ => return Err(damaged("it has no known phase")),
        };
        Ok(Block {
            number,
            tokens: tokens
                .iter()
                .copied()
                .map(ContactToken::from_bytes)
                .collect(),
            states,
            attempt: self.attempt,
            phase,
            reservation: self
                .reserved
                .map(|text| text.parse())
                .transpose()
                .map_err(|_| damaged("its reservation cannot be read"))?,
        })
    }
}

pub(super) fn letters(states: &[RecipientState]) -> String {
    states.iter().map(|state| state.letter()).collect()
}

/// One outcome; short names, because every write bills all of them.
#[derive(Deserialize, Serialize)]
struct OutcomeItem {
    s: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    w: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    d: Option<i64>,
}

impl From<&Outcome> for OutcomeItem {
    fn from(outcome: &Outcome) -> Self {
        let bare = |s: &str| Self {
            s: s.to_owned(),
            w: None,
            c: None,
            r: None,
            d: None,
        };
        match outcome {
            Outcome::Accepted { wamid } => Self {
                w: Some(wamid.expose().to_owned()),
                ..bare("a")
            },
            Outcome::Rejected { code } => Self {
                c: Some(*code),
                ..bare("r")
            },
            Outcome::Refused { code, due } => Self {
                c: Some(*code),
                d: Some(millis(*due)),
                ..bare("f")
            },
            Outcome::Excluded { reason } => Self {
                r: Some(reason.clone()),
                ..bare("x")
            },
            Outcome::Deferred { reason, due } => Self {
                r: Some(reason.clone()),
                d: Some(millis(*due)),
                ..bare("d")
            },
            Outcome::Unknown => bare("u"),
        }
    }
}

impl OutcomeItem {
    fn decode(self) -> Option<Outcome> {
        Some(match (self.s.as_str(), self.w, self.c, self.r, self.d) {
            ("a", Some(wamid), ..) => Outcome::Accepted {
                wamid: MessageId::new(wamid),
            },
            ("r", _, Some(code), ..) => Outcome::Rejected { code },
            ("f", _, Some(code), _, Some(due)) => Outcome::Refused {
                code,
                due: moment(due),
            },
            ("x", _, _, Some(reason), _) => Outcome::Excluded { reason },
            ("d", _, _, Some(reason), Some(due)) => Outcome::Deferred {
                reason,
                due: moment(due),
            },
            ("u", ..) => Outcome::Unknown,
            _ => return None,
        })
    }
}

#[derive(Deserialize, Serialize)]
pub(super) struct OutcomesItem {
    v: u8,
    r: BTreeMap<String, OutcomeItem>,
    ttl: i64,
}

impl OutcomesItem {
    pub(super) fn encode(outcomes: &BTreeMap<u8, Outcome>, now: Timestamp) -> Self {
        Self {
            v: 1,
            r: outcomes
                .iter()
                .map(|(index, outcome)| (index.to_string(), outcome.into()))
                .collect(),
            ttl: now.as_second() + KEPT_SECONDS,
        }
    }

    pub(super) fn decode(self) -> Result<BTreeMap<u8, Outcome>, Fault> {
        self.r
            .into_iter()
            .map(|(index, outcome)| Some((index.parse().ok()?, outcome.decode()?)))
            .collect::<Option<_>>()
            .ok_or_else(|| Fault::lasting("read outcomes", "an outcome cannot be read"))
    }
}

#[derive(Deserialize)]
pub(super) struct StatusesItem {
    #[serde(default)]
    sent: Vec<u8>,
    #[serde(default)]
    delivered: Vec<u8>,
    #[serde(default)]
    read: Vec<u8>,
    #[serde(default)]
    failed: Vec<u8>,
}

impl From<StatusesItem> for StatusSets {
    fn from(item: StatusesItem) -> Self {
        Self {
            sent: item.sent.into_iter().collect(),
            delivered: item.delivered.into_iter().collect(),
            read: item.read.into_iter().collect(),
            failed: item.failed.into_iter().collect(),
        }
    }
}
