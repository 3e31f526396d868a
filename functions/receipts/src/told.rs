//! What tenants are told of: recorded once, whatever comes twice, and posted to
//! whoever wants it.

use std::collections::{BTreeMap, BTreeSet};

use platform::campaigns::{RecordedEvent, Review};
use platform::events::{EventV1, WhatV1};
use platform::fault::{Fault, chain};
use platform::queue::{NotifyTask, TokenText};
use policy::ids::TenantId;

use crate::Deps;

/// Events of one batch, and the messages they came in.
#[derive(Debug, Default)]
pub(crate) struct Told {
    by_tenant: BTreeMap<TenantId, (Vec<EventV1>, BTreeSet<String>)>,
}

impl Told {
    /// Looks at the events of one message.
    pub(crate) fn see(&mut self, tenant: TenantId, events: Vec<EventV1>, message_id: &str) {
        let (all, messages) = self.by_tenant.entry(tenant).or_default();
        all.extend(events);
        messages.insert(message_id.to_owned());
    }

    /// Records them; how many there were, how many of them somebody has to read,
    /// and the queue messages whose events were not recorded.
    pub(crate) async fn write(self, deps: &Deps) -> (Recorded, BTreeSet<String>) {
        let mut failed = BTreeSet::new();
        let mut written = Recorded::default();
        for (tenant, (mut events, messages)) in self.by_tenant {
            match record(tenant, &mut events, deps).await {
                Ok(recorded) => {
                    written.events += recorded.events;
                    written.reviews += recorded.reviews;
                }
                Err(fault) => {
                    tracing::warn!(error = chain(&fault), "events come again");
                    failed.extend(messages);
                }
            }
        }
        (written, failed)
    }
}

/// What was recorded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recorded {
    /// Events.
    pub(crate) events: u64,
    /// Messages among them that are new and that somebody has to read.
    pub(crate) reviews: u64,
}

async fn record(tenant: TenantId, events: &mut [EventV1], deps: &Deps) -> Result<Recorded, Fault> {
    name_people(tenant, events, deps).await?;
    let recorded = deps.campaigns.record_events(tenant, events).await?;
    let mut reviews = 0;
    for review in recorded.iter().filter_map(review) {
        let is_new = deps.campaigns.open_review(tenant, &review).await?;
        reviews += u64::from(is_new);
    }
    // Also of those that were recorded before: whoever recorded them may have
    // died before this.
    post(tenant, &recorded, deps).await?;
    Ok(Recorded {
        events: recorded.len() as u64,
        reviews,
    })
}

/// The message that somebody has to read, because it may be a stop.
fn review(recorded: &RecordedEvent) -> Option<Review> {
    let RecordedEvent { event, .. } = recorded;
    match &event.what {
        WhatV1::MessageReceived {
            who,
            content,
            has_text,
            review: true,
            ..
        } => Some(Review {
            event: event.id,
            contact: who.contact.map(|token| token.0),
            identity: who.identity.map(|token| token.0),
            content: content.clone(),
            has_text: *has_text,
            at: event.at,
        }),
        _ => None,
    }
}

/// Has the events posted to whoever wants them.
async fn post(tenant: TenantId, recorded: &[RecordedEvent], deps: &Deps) -> Result<(), Fault> {
    let endpoints = match deps.campaigns.endpoints(tenant).await {
        Ok(endpoints) => endpoints,
        Err(fault) if fault.is_passing() => return Err(fault),
        Err(fault) => {
            // What cannot be read will not be readable by a repetition; events
            // are recorded, and can be asked for.
            tracing::error!(error = chain(&fault), "endpoints cannot be used");
            return Ok(());
        }
    };
    let mut tasks = Vec::new();
    for (endpoint, wanted) in &endpoints {
        let wanted = |event: &&RecordedEvent| wanted.wants(event.event.what.kind());
        tasks.extend(
            recorded
                .iter()
                .filter(wanted)
                .map(|event| NotifyTask::PostV1 {
                    tenant,
                    endpoint: *endpoint,
                    event: event.event.id,
                    recorded_at: event.recorded_at,
                }),
        );
    }
    deps.notify.send_all(&tasks).await
}

/// Puts the person where an event shows another identity only, if it is known
/// by now whose that is.
async fn name_people(tenant: TenantId, events: &mut [EventV1], deps: &Deps) -> Result<(), Fault> {
    let identities: BTreeSet<_> = events
        .iter()
        .filter_map(|event| Some(event.what.who()?.identity?.0))
        .collect();
    if identities.is_empty() {
        return Ok(());
    }
    let identities: Vec<_> = identities.into_iter().collect();
    let linked = deps.contacts.linked(tenant, &identities).await?;
    for who in events.iter_mut().filter_map(|event| event.what.who_mut()) {
        let tokens = who.identity.and_then(|identity| linked.get(&identity.0));
        // An identity of several names somebody else to each reader.
        if let Some(tokens) = tokens.filter(|tokens| tokens.len() == 1) {
            who.contact = tokens.first().copied().map(TokenText);
            who.identity = None;
        }
    }
    Ok(())
}
