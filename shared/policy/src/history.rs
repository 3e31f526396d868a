//! What WhatsApp's message history proves about doubts.
//!
//! A doubt is a message of which nobody knows whether it left: the answer never
//! came, and no status either. An entry of the history (Meta, "WhatsApp Business
//! Account Message History API") names a message by its id and tells how it
//! fared; neither the recipient nor the callback data stand in it. The id itself
//! spells out the recipient, though: after `wamid.` comes the base64 of a record
//! that begins with the number. Meta documents that nowhere, so an id of any
//! other form says nothing, and the tenant must want it.
//!
//! Law: an entry proves a doubt only if nothing else that this service knows of
//! could have made it, and its absence proves nothing.

use std::collections::BTreeSet;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use jiff::{SignedDuration, Timestamp};

use crate::block::Place;
use crate::ids::{CampaignId, MessageId};
use crate::person::{Claim, Person};
use crate::phone::PhoneNumber;
use crate::receipt::Status;

/// How far WhatsApp's clock may be behind ours.
const BEHIND: SignedDuration = SignedDuration::from_mins(1);

/// How long after its claim the first event of a message counts: the life of a
/// worker, and five minutes for WhatsApp.
const AFTER: SignedDuration = SignedDuration::from_mins(20);

/// How long WhatsApp may keep a message before its first event: it holds messages
/// of new templates back for a while.
const HELD: SignedDuration = SignedDuration::from_hours(24);

/// A message of which nobody knows whether it left.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Doubt {
    /// Its place in its campaign.
    pub place: Place,
    /// The attempt of its block in which it may have left.
    pub attempt: u16,
    /// For whom it was.
    pub recipient: PhoneNumber,
    /// When its request may have been made at the earliest.
    pub claimed_at: Timestamp,
}

impl Doubt {
    /// The doubt about the message at `place` of `campaign`; `None` if nobody
    /// claimed its recipient for it, or if another message was claimed for them
    /// in the day before or soon after, which could be the one that the history
    /// shows.
    pub fn of(
        person: &Person,
        campaign: CampaignId,
        place: Place,
        recipient: PhoneNumber,
    ) -> Option<Self> {
        let is_its = |claim: &&Claim| {
            (claim.campaign, claim.block, claim.index) == (campaign, place.block, place.index)
        };
        let own = person.claims.iter().filter(is_its);
        let own = own.max_by_key(|claim| (claim.attempt, claim.at))?;
        let near = |claim: &&Claim| {
            let before = own.at.duration_since(claim.at);
            (-(BEHIND + AFTER)..=HELD + BEHIND).contains(&before)
        };
        let is_alone = person.claims.iter().filter(near).count() == 1;
        is_alone.then_some(Self {
            place,
            attempt: own.attempt,
            recipient,
            claimed_at: own.at,
        })
    }

    /// The first moment at which the message may have left.
    pub fn opens(&self) -> Timestamp {
        self.claimed_at
            .saturating_sub(BEHIND)
            .unwrap_or(Timestamp::MIN)
    }

    fn fits(&self, sighting: &Sighting) -> bool {
        let passed = sighting.first_at.duration_since(self.claimed_at);
        self.recipient == sighting.recipient && (-BEHIND..=AFTER).contains(&passed)
    }
}

/// A message that the history shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sighting {
    /// WhatsApp's id of it.
    pub id: MessageId,
    /// To whom it went, by its id.
    pub recipient: PhoneNumber,
    /// When the first thing happened to it.
    pub first_at: Timestamp,
    /// What happened to it.
    pub statuses: BTreeSet<Status>,
}

/// The doubts that the history proves to have been sent, with how they fared.
/// A message that stands twice in it, as one does that moves on while the pages
/// are read, counts once.
pub fn proved<'a>(doubts: &'a [Doubt], history: &'a [Sighting]) -> Vec<(&'a Doubt, &'a Sighting)> {
    let alone = |doubt: &'a Doubt| {
        let fitting = || history.iter().filter(|sighting| doubt.fits(sighting));
        let one = fitting().max_by_key(|sighting| sighting.statuses.len())?;
        if fitting().any(|sighting| sighting.id != one.id) {
            return None;
        }
        let others = doubts.iter().filter(|other| other.fits(one)).count();
        (others == 1).then_some((doubt, one))
    };
    doubts.iter().filter_map(alone).collect()
}

/// The recipient that the id of a message spells out: `wamid.`, and in base64
/// two marks, the length of the number, and its digits.
pub fn recipient(wamid: &str) -> Option<PhoneNumber> {
    const MARKS: [u8; 2] = [0x1c, 0x18];
    const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let record = ANY_PADDING.decode(wamid.strip_prefix("wamid.")?).ok()?;
    let (&length, rest) = record.strip_prefix(&MARKS)?.split_first()?;
    let digits = rest.get(..usize::from(length))?;
    let digits = std::str::from_utf8(digits).ok()?;
    PhoneNumber::parse_wa_id(digits).ok()
}

#[cfg(test)]
mod tests;
