//! The block: at most 100 recipients; the unit of planning, ledger and crash
//! loss.

use std::fmt;

use jiff::Timestamp;

use crate::attempt;
use crate::budget::Reservation;
use crate::ids::{CampaignId, MessageId, OwnerNonce};
use crate::token::ContactToken;

/// Most recipients of a block: a status set of 100 keeps its item at 1 KB.
pub const BLOCK_MAX: usize = 100;

/// A message's place in a campaign's ledger; one for ever.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The block's number, counted from 0 in token order.
    pub block: u32,
    /// The recipient's index within the block.
    pub index: u8,
}

/// What is settled about one recipient.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RecipientState {
    /// WhatsApp took the message.
    Accepted,
    /// The campaign ended before the message's turn, or a person found that a
    /// message in doubt was not sent. Never sent again.
    Cancelled,
    /// Refused by policy at the wire.
    Excluded,
    /// Its last useful moment passed.
    Expired,
    /// Not yet decided; in flight while its block is.
    Pending,
    /// WhatsApp refused it for good.
    Rejected,
    /// A request may have been made; only evidence or a person settles it.
    Unknown,
}

impl RecipientState {
    const ALL: [Self; 7] = [
        Self::Accepted,
        Self::Cancelled,
        Self::Excluded,
        Self::Expired,
        Self::Pending,
        Self::Rejected,
        Self::Unknown,
    ];

    /// One letter, as the block item stores it.
    pub const fn letter(self) -> char {
        match self {
            Self::Accepted => 'a',
            Self::Cancelled => 'c',
            Self::Excluded => 'x',
            Self::Expired => 'e',
            Self::Pending => 'p',
            Self::Rejected => 'r',
            Self::Unknown => 'u',
        }
    }

    /// The state a stored letter stands for.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.letter() == letter)
    }
}

/// Who holds a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Nobody; due at a time.
    Pending {
        /// When the first of its recipients is due.
        due: Timestamp,
    },
    /// A worker, until a time.
    InFlight {
        /// Whose it is.
        owner: OwnerNonce,
        /// After this the worker neither leases nor claims.
        deadline: Timestamp,
    },
    /// Every recipient is settled.
    Done,
}

/// One block of a campaign.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Block {
    /// Its number.
    pub number: u32,
    /// Who is in it, in token order.
    pub tokens: Vec<ContactToken>,
    /// What is settled about each; the same length as `tokens`.
    pub states: Vec<RecipientState>,
    /// The attempt that is under way, or the next one. Counts from 1.
    pub attempt: u16,
    /// Who holds it.
    pub phase: Phase,
    /// What the attempt under way reserved of the campaign's budget; `None`
    /// without a budget.
    pub reservation: Option<Reservation>,
}

impl Block {
    /// A block that nobody has touched, due at once.
    pub fn planned(number: u32, tokens: Vec<ContactToken>, due: Timestamp) -> Self {
        let states = vec![RecipientState::Pending; tokens.len()];
        Self {
            number,
            tokens,
            states,
            attempt: 1,
            phase: Phase::Pending { due },
            reservation: None,
        }
    }

    /// The indexes that still wait for a decision.
    pub fn pending(&self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX)
            .zip(&self.states)
            .filter(|(_, state)| **state == RecipientState::Pending)
            .map(|(index, _)| index)
    }

    /// Ends the attempt under way with `states`: done if nothing is pending,
    /// else due again at `due` under the next attempt.
    pub fn settle(&mut self, states: Vec<RecipientState>, due: Timestamp) {
        self.states = states;
        if self.pending().next().is_some() {
            self.attempt = self.attempt.saturating_add(1);
            self.phase = Phase::Pending { due };
        } else {
            self.phase = Phase::Done;
        }
    }

    /// Ends the block without another attempt: whoever still waits is settled
    /// as `state`.
    pub fn close(&mut self, state: RecipientState) {
        for pending in self
            .states
            .iter_mut()
            .filter(|s| **s == RecipientState::Pending)
        {
            *pending = state;
        }
        self.phase = Phase::Done;
    }

    /// Lets those wait again whose rejection by WhatsApp lay in something that
    /// can be mended; whether there are any. `rejected_with` gives the code of
    /// the rejection at an index.
    ///
    /// Law: nobody whose message was taken, or may have been, waits again.
    pub fn reopen(&mut self, rejected_with: impl Fn(u8) -> Option<u32>, due: Timestamp) -> bool {
        if matches!(self.phase, Phase::InFlight { .. }) {
            return false;
        }
        let mut found = false;
        for (index, state) in (0..=u8::MAX).zip(&mut self.states) {
            if *state == RecipientState::Rejected
                && rejected_with(index).is_some_and(attempt::is_mendable)
            {
                *state = RecipientState::Pending;
                found = true;
            }
        }
        if found {
            self.attempt = self.attempt.saturating_add(1);
            self.phase = Phase::Pending { due };
        }
        found
    }
}

/// What became of one recipient in one attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// WhatsApp took it, under this message id.
    Accepted {
        /// WhatsApp's message id.
        wamid: MessageId,
    },
    /// WhatsApp refused it for good, with this code.
    Rejected {
        /// Meta's error code.
        code: u32,
    },
    /// WhatsApp definitely did not take it; it may be tried again.
    Refused {
        /// Meta's error code.
        code: u32,
        /// Not before.
        due: Timestamp,
    },
    /// Policy refused it at the wire; no request was made.
    Excluded {
        /// The stable code of the first reason.
        reason: String,
    },
    /// Policy deferred it; no request was made.
    Deferred {
        /// The stable code of the reason.
        reason: String,
        /// Not before.
        due: Timestamp,
    },
    /// A request may have reached WhatsApp.
    Unknown,
}

impl Outcome {
    /// What this settles about the recipient.
    pub fn state(&self) -> RecipientState {
        match self {
            Self::Accepted { .. } => RecipientState::Accepted,
            Self::Rejected { .. } => RecipientState::Rejected,
            Self::Refused { .. } | Self::Deferred { .. } => RecipientState::Pending,
            Self::Excluded { reason } if reason == "campaign_cancelled" => {
                RecipientState::Cancelled
            }
            Self::Excluded { reason } if reason == "campaign_expired" => RecipientState::Expired,
            Self::Excluded { .. } => RecipientState::Excluded,
            Self::Unknown => RecipientState::Unknown,
        }
    }

    /// Whether it proves that the attempt's claim led to no message: WhatsApp
    /// refused it, or no request was made.
    pub fn spends_claim(&self) -> bool {
        matches!(
            self,
            Self::Rejected { .. } | Self::Refused { .. } | Self::Deferred { .. }
        )
    }

    /// When a recipient that stays pending is due again.
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Refused { due, .. } | Self::Deferred { due, .. } => Some(*due),
            Self::Accepted { .. }
            | Self::Rejected { .. }
            | Self::Excluded { .. }
            | Self::Unknown => None,
        }
    }
}

/// What is known of one recipient of a crashed block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Evidence<'a> {
    /// An outcome was recorded.
    Recorded(&'a Outcome),
    /// A claim of this attempt without an outcome.
    Claimed,
    /// No claim: certainly no request was made.
    Unclaimed,
}

/// What a crashed attempt left behind (design: claims narrow what is unknown).
///
/// Law: a recipient with a claim and no outcome never becomes pending.
pub fn after_crash(evidence: Evidence<'_>) -> RecipientState {
    match evidence {
        Evidence::Recorded(outcome) => outcome.state(),
        Evidence::Claimed => RecipientState::Unknown,
        Evidence::Unclaimed => RecipientState::Pending,
    }
}

/// What `biz_opaque_callback_data` says: which request a status belongs to.
///
/// Text form `1.<campaign>.<shard>.<block>.<index>.<attempt>`; WhatsApp echoes
/// it in every status, so that no index of message ids is needed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Callback {
    /// Which campaign.
    pub campaign: CampaignId,
    /// Which message.
    pub place: Place,
    /// Which attempt.
    pub attempt: u16,
}

/// How many partitions a campaign's blocks are spread over.
pub const BLOCK_SHARDS: u32 = 16;

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            campaign,
            place: Place { block, index },
            attempt,
        } = self;
        let shard = block % BLOCK_SHARDS;
        write!(f, "1.{campaign}.{shard:x}.{block}.{index}.{attempt}")
    }
}

impl std::str::FromStr for Callback {
    type Err = ParseCallbackError;

    fn from_str(text: &str) -> Result<Self, ParseCallbackError> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(ParseCallbackError);
        if next()? != "1" {
            return Err(ParseCallbackError);
        }
        let campaign = next()?.parse().map_err(|_| ParseCallbackError)?;
        let shard = u32::from_str_radix(next()?, 16).map_err(|_| ParseCallbackError)?;
        let block: u32 = next()?.parse().map_err(|_| ParseCallbackError)?;
        let index: u8 = next()?.parse().map_err(|_| ParseCallbackError)?;
        let attempt = next()?.parse().map_err(|_| ParseCallbackError)?;
        if parts.next().is_some()
            || shard != block % BLOCK_SHARDS
            || usize::from(index) >= BLOCK_MAX
        {
            return Err(ParseCallbackError);
        }
        Ok(Self {
            campaign,
            place: Place { block, index },
            attempt,
        })
    }
}

/// Not callback data of this service.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("callback data is not of this service")]
pub struct ParseCallbackError;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn callback_round_trips(campaign: u128, block: u32, index in 0_u8..100, attempt: u16) {
            let callback = Callback {
                campaign: CampaignId::from_uuid(Uuid::from_u128(campaign)),
                place: Place { block, index },
                attempt,
            };
            let text = callback.to_string();
            prop_assert!(text.len() <= 256 && text.is_ascii());
            prop_assert_eq!(text.parse(), Ok(callback));
        }

        #[test]
        fn foreign_callbacks_are_refused(text in "[0-9a-z._]{0,60}") {
            if let Ok(callback) = text.parse::<Callback>() {
                prop_assert_eq!(callback.to_string(), text);
            }
        }
    }

    #[test]
    fn only_a_mended_refusal_is_reopened() {
        use RecipientState as S;

        let tokens = vec![ContactToken::from_bytes([1; 16]); 7];
        let mut block = Block::planned(0, tokens, Timestamp::UNIX_EPOCH);
        block.states = S::ALL.to_vec();
        block.phase = Phase::Done;
        let mut untouched = block.clone();
        // 190: the token; 131026: the person.
        assert!(!untouched.reopen(|_| Some(131_026), Timestamp::UNIX_EPOCH));
        assert_eq!(untouched, block);
        let before = block.clone();
        assert!(block.reopen(|_| Some(190), Timestamp::UNIX_EPOCH));
        assert_eq!(block.attempt, before.attempt + 1);
        for (new, old) in block.states.iter().zip(&before.states) {
            let expected = if *old == S::Rejected {
                S::Pending
            } else {
                *old
            };
            assert_eq!(*new, expected);
        }
        block.close(S::Expired);
        assert_eq!(block.pending().count(), 0);
        assert_eq!(block.phase, Phase::Done);
    }

    #[test]
    fn letters_round_trip() {
        for state in RecipientState::ALL {
            assert_eq!(RecipientState::from_letter(state.letter()), Some(state));
        }
    }
}
