//! Doubts that WhatsApp's message history may settle, where the tenant wants it.
//! What it proves goes the way of a status that arrived.

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::Campaign;
use platform::fault::{Fault, chain};
use platform::invocation::Invocation;
use platform::metrics::Metrics;
use platform::queue::{ReceiptTask, StatusV1};
use platform::whatsapp::Credentials;
use policy::block::{Callback, Place};
use policy::history::{Doubt, Sighting, proved};
use policy::ids::{CampaignId, ListId, TenantId};

use crate::{Deps, STEP_TIME};

/// How long a status has to come by itself before the history is asked, and how
/// long it is until the next time.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// How old a doubt gets before nobody asks for it any more.
const GIVES_UP: SignedDuration = SignedDuration::from_mins(70);

/// Most doubts of a campaign that are looked at together.
const MOST: usize = 1_000;

/// Most pages that are read at a time: ten thousand messages, of the five
/// thousand calls that an account has in an hour.
const PAGES: usize = 100;

/// Statuses in one queue message.
const TOGETHER: usize = 100;

/// Asks about the campaign's doubts, if it is time to; whether to come back for
/// some of them. What cannot be asked now is asked later, and holds up nothing.
pub(crate) async fn ask(
    tenant: TenantId,
    id: CampaignId,
    campaign: &Campaign,
    invocation: Invocation,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<bool, Fault> {
    let now = deps.clock.now();
    let is_early = |at: Timestamp| now.duration_since(at) < PATIENCE;
    if campaign.history_asked_at.is_some_and(is_early) {
        return Ok(true);
    }
    let Some(list) = campaign.plan.templated().map(|content| content.list) else {
        return Ok(false);
    };
    let sender = &campaign.plan.sender;
    if !deps.campaigns.settings(tenant).await?.settles_by_history
        || !speaks_for_itself(tenant, sender, deps).await?
    {
        return Ok(false);
    }
    let mut doubts = doubts(tenant, id, list, deps).await?;
    doubts.retain(|doubt| now.duration_since(doubt.claimed_at) < GIVES_UP);
    let is_open = !doubts.is_empty();
    doubts.retain(|doubt| !is_early(doubt.claimed_at));
    let earliest = doubts.iter().map(|doubt| doubt.claimed_at).min();
    let Some(earliest) = earliest else {
        return Ok(is_open);
    };
    let last = campaign.history_asked_at;
    if deps
        .campaigns
        .note_history_asked(tenant, id, last, now)
        .await?
    {
        let read = read(sender, earliest, invocation, deps, metrics).await;
        match read {
            Ok(history) => tell(tenant, id, &proved(&doubts, &history), deps, metrics).await?,
            Err(fault) => {
                tracing::warn!(campaign = %id, error = chain(&fault), "message history is asked again later");
            }
        }
    }
    Ok(true)
}

/// Whether the number is the tenant's and reached by WhatsApp's own API: Amazon
/// passes no history on.
async fn speaks_for_itself(tenant: TenantId, sender: &str, deps: &Deps) -> Result<bool, Fault> {
    let number = deps.campaigns.number(sender).await?;
    let own = number.filter(|number| number.tenant == tenant);
    Ok(own.is_some_and(|number| matches!(number.by_amazon(), Ok(None))))
}

/// The campaign's doubts that a history could settle.
async fn doubts(
    tenant: TenantId,
    id: CampaignId,
    list: ListId,
    deps: &Deps,
) -> Result<Vec<Doubt>, Fault> {
    let open = deps.campaigns.doubts(tenant, id, MOST).await?;
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let tokens: Vec<_> = open.iter().map(|doubt| doubt.token).collect();
    let persons = deps.contacts.persons(tenant, &tokens).await?;
    let subscriptions = deps.contacts.subscriptions(tenant, list, &tokens).await?;
    let doubt = |open: &platform::campaigns::Doubt| {
        let place = Place {
            block: open.block,
            index: open.index,
        };
        let recipient = subscriptions.get(&open.token)?.phone.clone();
        Doubt::of(persons.get(&open.token)?, id, place, recipient)
    };
    Ok(open.iter().filter_map(doubt).collect())
}

/// What the number sent since `earliest`. Meta does not say in which order the
/// pages come: one that begins before it ends the reading only where the newest
/// came first.
async fn read(
    sender: &str,
    earliest: Timestamp,
    invocation: Invocation,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<Vec<Sighting>, Fault> {
    let credentials = Credentials {
        token: deps.secrets.read(&deps.token_secret).await?,
    };
    let mut history = Vec::new();
    let mut newest_before: Option<Timestamp> = None;
    let mut next = None;
    for _ in 0..PAGES {
        if invocation.ends_within(STEP_TIME, deps.clock.now()) {
            break;
        }
        let page = deps.whatsapp.history(&credentials, sender, next.as_deref());
        let page = page.await?;
        metrics.count("HistoryPages", 1);
        let newest = page
            .sightings
            .iter()
            .map(|sighting| sighting.first_at)
            .max();
        history.extend(page.sightings);
        let falls = newest_before
            .zip(newest)
            .is_some_and(|(before, newest)| newest <= before);
        let is_past = newest.is_some_and(|newest| newest < earliest - PATIENCE);
        newest_before = newest.or(newest_before);
        next = page.next;
        if next.is_none() || falls && is_past {
            return Ok(history);
        }
    }
    tracing::warn!("the message history is longer than it is read");
    metrics.count("HistoryTooLong", 1);
    Ok(history)
}

/// Passes on what became of those who were found, as if WhatsApp had told it.
async fn tell(
    tenant: TenantId,
    campaign: CampaignId,
    found: &[(&Doubt, &Sighting)],
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    let statuses = found.iter().flat_map(|(doubt, sighting)| {
        let callback = Callback {
            campaign,
            place: doubt.place,
            attempt: doubt.attempt,
        };
        sighting.statuses.iter().map(move |status| StatusV1 {
            callback: callback.to_string(),
            status: status.code().to_owned(),
            code: None,
            at: None,
            alias: None,
        })
    });
    let statuses: Vec<StatusV1> = statuses.collect();
    let tasks: Vec<ReceiptTask> = statuses
        .chunks(TOGETHER)
        .map(|statuses| ReceiptTask::StatusesV1 {
            tenant,
            statuses: statuses.to_vec(),
        })
        .collect();
    deps.receipts.send_all(&tasks).await?;
    if !found.is_empty() {
        tracing::info!(%campaign, doubts = found.len(), "doubts were found in the message history");
    }
    metrics.count("DoubtsInHistory", found.len() as u64);
    Ok(())
}
