//! Stops that people said to a number before it was registered, handed to its
//! owner. `send` sends nothing from the number while one of them waits.

use jiff::Timestamp;
use platform::campaigns::{Campaign, WaitingStops};
use platform::contacts::{Act, StopEvent, act_id};
use platform::events::{EventV1, WhatV1, WhoV1, event_id};
use platform::fault::Fault;
use platform::inbound::WaitingStop;
use platform::metrics::Metrics;
use platform::queue::ReceiptTask;
use policy::event::EventKind;
use policy::ids::TenantId;
use policy::person::SuppressionSource;
use policy::phone::PhoneNumber;
use policy::purpose::Scope;
use policy::token::{ContactToken, TokenKey};
use secrecy::ExposeSecret as _;

use crate::Deps;

/// The keys that name people.
struct Keys {
    /// Numbers.
    token: TokenKey,
    /// Other identities.
    link: TokenKey,
}

/// Commits what waits for the owner of the campaign's number. A delivery waits
/// no more once each of its stops is committed and told of; a repetition
/// commits nothing twice.
pub(crate) async fn hear(
    tenant: TenantId,
    campaign: &Campaign,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    let id = &campaign.plan.sender;
    let waiting = deps.campaigns.waiting_stops(id).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let owner = deps.campaigns.number(id).await?;
    if owner.is_none_or(|number| number.tenant != tenant) {
        return Ok(());
    }
    let keys = Keys {
        token: key(&deps.token_key_secret, deps).await?,
        link: key(&deps.link_key_secret, deps).await?,
    };
    for WaitingStops { delivery, object } in waiting {
        let stops: Vec<WaitingStop> = serde_json::from_slice(&deps.objects.get(&object).await?)
            .map_err(|error| Fault::lasting("read stops that wait", error))?;
        let mut events = Vec::new();
        for stop in &stops {
            events.extend(commit(tenant, stop, &keys, deps).await?);
        }
        metrics.count("StopsHeardLate", stops.len() as u64);
        tracing::info!(
            stops = stops.len(),
            "stops from before the number was registered"
        );
        if !events.is_empty() {
            let told = ReceiptTask::EventsV1 { tenant, events };
            deps.receipts.send(&told).await?;
        }
        deps.campaigns.remove_waiting_stops(id, &delivery).await?;
    }
    Ok(())
}

/// Commits one stop; what the tenant is told of it. A stop that names nobody, or
/// nothing that can be stopped, is a lasting fault: nothing goes out before a
/// person has looked at it.
async fn commit(
    tenant: TenantId,
    stop: &WaitingStop,
    keys: &Keys,
    deps: &Deps,
) -> Result<Option<EventV1>, Fault> {
    let unusable = |error: &'static str| Fault::lasting("commit a stop that waited", error);
    let phone = stop.phone.as_deref().map(PhoneNumber::parse_e164);
    let phone = phone
        .transpose()
        .map_err(|_| unusable("its number is none"))?;
    let token = phone.map(|phone| keys.token.contact(tenant, &phone));
    let identities = stop.identities.iter();
    let aliases: Vec<ContactToken> = identities.map(|id| keys.link.alias(tenant, id)).collect();
    let first = token.or_else(|| aliases.first().copied());
    let first = first.ok_or_else(|| unusable("it names nobody"))?;
    let source = SuppressionSource::from_code(&stop.source)
        .ok_or_else(|| unusable("its source is not known"))?;
    for code in &stop.scopes {
        let scope = Scope::parse(code).map_err(|_| unusable("its scope is not known"))?;
        let act = Act {
            kind: "stop:v1",
            wamid: stop.wamid.as_deref(),
            said_at: stop.said_at,
            source,
            scope: scope.code(),
        };
        let event = StopEvent {
            id: act_id(tenant, first, act),
            at: stop.said_at.unwrap_or(stop.came_at),
            scope,
            source,
        };
        let now = deps.clock.now();
        deps.contacts
            .stop_known_as(tenant, token, &aliases, &event, now)
            .await?;
    }
    Ok(Some(told(tenant, stop, token, first)))
}

fn told(
    tenant: TenantId,
    stop: &WaitingStop,
    token: Option<ContactToken>,
    first: ContactToken,
) -> EventV1 {
    let moment: Timestamp = stop.said_at.unwrap_or(stop.came_at);
    let at = moment.to_string();
    let wamid = stop.wamid.as_deref().unwrap_or_default();
    let cause = [first.as_bytes().as_slice(), wamid.as_bytes(), at.as_bytes()];
    let what = WhatV1::ContactOptedOut {
        who: WhoV1::known_as(token, Some(first)),
        scopes: stop.scopes.clone(),
        source: stop.source.clone(),
        review: stop.review,
    };
    EventV1 {
        id: event_id(tenant, EventKind::ContactOptedOut, &cause),
        at: moment,
        what,
    }
}

async fn key(secret: &str, deps: &Deps) -> Result<TokenKey, Fault> {
    let secret = deps.secrets.read(secret).await?;
    TokenKey::new(secret.expose_secret().as_bytes())
        .map_err(|error| Fault::lasting("read a key", error))
}
