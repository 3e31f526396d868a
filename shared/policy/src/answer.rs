//! What a person gets because they wrote: one confirmation of a stop, or help.
//!
//! An answer is a free text. WhatsApp takes it within 24 hours of the person's
//! own message only (Meta, "Customer service windows"); their message is what
//! asks for it, so it needs no consent, keeps no quiet hours and counts against
//! no cap.
//!
//! Law: whoever stopped everything gets the confirmation of that very stop, once,
//! and nothing else.
//! Law: of each kind a person gets at most one within [`Answer::APART`], so that
//! two machines that answer each other come to an end.
//! Law: an answer holds no advertising and no link but the person's own page.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::ids::{CampaignId, TenantId};
use crate::language::Language;
use crate::person::Person;
use crate::purpose::{Purpose, Scope};
use crate::reason::RefusalReason;
use crate::token::ContactToken;

/// One answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// What it says.
    pub kind: AnswerKind,
    /// The event that it answers: of a confirmation what proves the stop, of help
    /// the message that asked. The same event is answered once.
    pub cause: String,
}

/// What an answer says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AnswerKind {
    /// That a stop was heard.
    Confirmation {
        /// What was stopped.
        scope: Scope,
    },
    /// Who writes here, and how to stop it.
    Help,
}

/// How long a person's own message lets free texts through (Meta, "Customer
/// service windows").
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

impl Answer {
    /// How far apart two answers of one kind to one person are at least.
    pub const APART: SignedDuration = SignedDuration::from_hours(24);

    /// The confirmation of what a person has just stopped: the widest of `asked`
    /// that is in force. `None` if none is: they have taken it back meanwhile.
    pub fn confirmation(person: &Person, asked: &[Scope]) -> Option<Self> {
        let mut asked: Vec<&Scope> = asked.iter().collect();
        asked.sort_unstable();
        asked.into_iter().find_map(|scope| {
            let stop = person.suppressions.get(scope)?;
            Some(Self {
                kind: AnswerKind::Confirmation {
                    scope: scope.clone(),
                },
                cause: stop.evidence.clone(),
            })
        })
    }

    /// A stable code for storage and metrics.
    pub const fn code(&self) -> &'static str {
        match self.kind {
            AnswerKind::Confirmation { .. } => "confirmation",
            AnswerKind::Help => "help",
        }
    }

    /// What it is for, as its claim remembers it: neither advertising nor
    /// service, so that no cap on those counts it.
    pub fn purpose(&self) -> Purpose {
        Purpose::answer(self.code())
    }

    /// Its name for ever: the same cause gives the same id however often it is
    /// told.
    pub fn id(&self, tenant: TenantId, token: ContactToken) -> CampaignId {
        let mut digest = Sha256::new();
        digest.update(b"answer:v1");
        digest.update(tenant.uuid().as_bytes());
        digest.update(token.as_bytes());
        digest.update(self.code());
        digest.update(b"\0");
        digest.update(&self.cause);
        CampaignId::of_digest(&digest.finalize().into())
    }

    /// Why the person, as they now are, does not get it.
    pub(crate) fn refusal(&self, person: &Person) -> Option<RefusalReason> {
        match &self.kind {
            AnswerKind::Confirmation { scope } => {
                let stands = person
                    .suppressions
                    .get(scope)
                    .is_some_and(|stop| stop.evidence == self.cause);
                (!stands).then_some(RefusalReason::NothingToConfirm)
            }
            AnswerKind::Help => person
                .suppressions
                .contains_key(&Scope::Everything)
                .then_some(RefusalReason::Suppressed),
        }
    }

    /// Whether another answer of this kind went to the person a short while ago.
    pub(crate) fn came_lately(&self, id: CampaignId, person: &Person, now: Timestamp) -> bool {
        let purpose = self.purpose();
        person.claims.iter().any(|claim| {
            claim.campaign != id
                && claim.purpose == purpose
                && now.duration_since(claim.at) < Self::APART
        })
    }

    /// What the person reads. `page` is the address of their own page, where it
    /// is known.
    pub fn text(&self, business: &str, page: Option<&str>, language: Language) -> String {
        let business = match business {
            "" => language.of("Bisnis ini", "This business"),
            name => name,
        };
        match &self.kind {
            AnswerKind::Confirmation { scope } => {
                let scope = language.scope(scope);
                match language {
                    Language::English => format!(
                        "{business}: you are unsubscribed from: {scope}. This is the only \
                         confirmation; no reply is needed. To undo this, reply START."
                    ),
                    Language::Indonesian => format!(
                        "{business}: Anda sudah berhenti dari: {scope}. Ini satu-satunya \
                         konfirmasi; tidak perlu dibalas. Untuk membatalkannya, balas MULAI."
                    ),
                }
            }
            AnswerKind::Help => {
                let mut text = match language {
                    Language::English => format!(
                        "{business} sends this because you asked for help. No more offers? Reply \
                         STOP. No more messages at all? Reply STOP EVERYTHING."
                    ),
                    Language::Indonesian => format!(
                        "{business} mengirim pesan ini karena Anda meminta bantuan. Tidak mau \
                         promosi lagi? Balas STOP. Tidak mau pesan apa pun lagi? Balas STOP SEMUA."
                    ),
                };
                if let Some(page) = page {
                    text.push_str(language.of(
                        " Yang Anda setujui dan cara mengubahnya: ",
                        " What you agreed to, and how to change it: ",
                    ));
                    text.push_str(page);
                }
                text
            }
        }
    }
}

#[cfg(test)]
mod tests;
