//! Circuit breakers at the wire: an answer of WhatsApp opens one, and while one
//! is open nothing is leased behind it.

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::Opening;
use platform::fault::{Fault, chain};
use policy::attempt::Next;
use policy::breaker::{Breaker, Subject};
use policy::campaign::HoldReason;

use crate::Deps;
use crate::content::Content;
use crate::range::Sender;

impl Sender {
    fn subject(&self) -> Subject<'_> {
        Subject {
            account: &self.account,
            number: &self.phone_number_id,
            template: match &self.content {
                Content::Answer(_) => "",
                Content::Template(filling) => &filling.template.name,
            },
        }
    }
}

/// Whether an open breaker stops the campaign's messages, read strongly. Slots
/// are leased only after a no, so that an opened breaker takes hold with the
/// next lease.
pub(crate) async fn is_open(sender: &Sender, deps: &Deps) -> Result<bool, Fault> {
    let stopped = deps
        .campaigns
        .stopped_by(sender.tenant, sender.subject())
        .await?;
    if let Some(breaker) = &stopped {
        tracing::warn!(campaign = %sender.campaign, scope = breaker.scope(), "stopped by an open breaker");
    }
    Ok(stopped.is_some())
}

/// How long a look at the breakers holds: slots are leased at most 0.4 s ahead,
/// a quarter of a second's at a time, and the look and the lease take a moment.
/// The kill switch's route waits longer than this.
const LOOK_HOLDS: SignedDuration = SignedDuration::from_millis(1_200);

/// Whether slots until `end` reach beyond a look that was taken at `looked`.
pub(crate) fn is_beyond(looked: Timestamp, end: Timestamp) -> bool {
    end.duration_since(looked) > LOOK_HOLDS
}

/// Opens the breaker that an answer stands for and holds the campaign, for a
/// person to look at. What fails here is done again by the next answer, since
/// WhatsApp keeps refusing.
pub(crate) async fn open(sender: &Sender, next: &Next, deps: &Deps) {
    let Some((breaker, code)) = Breaker::opened_by(next, sender.subject()) else {
        return;
    };
    tracing::error!(campaign = %sender.campaign, scope = breaker.scope(), code, "stopped by WhatsApp");
    let (campaigns, now) = (&deps.campaigns, deps.clock.now());
    let opened = campaigns
        .open_breaker(sender.tenant, &breaker, &Opening::Answer(code), now)
        .await;
    if let Err(fault) = opened {
        tracing::error!(
            scope = breaker.scope(),
            error = chain(&fault),
            "breaker was not opened"
        );
    }
    if let Some(reason) = breaker.hold() {
        hold(sender, reason, deps).await;
    }
}

/// Holds the campaign, for a person to look at.
pub(crate) async fn hold(sender: &Sender, reason: HoldReason, deps: &Deps) {
    let held = deps
        .campaigns
        .hold_campaign(sender.tenant, sender.campaign, reason)
        .await;
    if let Err(fault) = held {
        tracing::error!(campaign = %sender.campaign, error = chain(&fault), "campaign was not held");
    }
}
