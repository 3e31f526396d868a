//! Doubts that WhatsApp's message history may settle, where the tenant wants it.
//! What it proves goes the way of a status that arrived.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::{Campaign, Due};
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

/// Most pages of a tick, for all campaigns: three thousand calls an hour, of the
/// five thousand that an account has for everything.
const PAGES: usize = 50;

/// Statuses in one queue message.
const TOGETHER: usize = 100;

/// A campaign with messages in doubt.
#[derive(Debug)]
pub(crate) struct Doubtful {
    pub(crate) tenant: TenantId,
    pub(crate) id: CampaignId,
    pub(crate) campaign: Campaign,
    /// Whether it is due for nothing else any more.
    pub(crate) has_ended: bool,
}

/// Asks about the doubts of those whose turn it is, once everything else of the
/// tick is done.
pub(crate) async fn ask(
    mut doubtful: Vec<Doubtful>,
    invocation: Invocation,
    deps: &Deps,
    metrics: &mut Metrics,
) {
    let mut pages = PAGES;
    // Whoever waits longest comes first: the pages may not do for all.
    doubtful.sort_by_key(|one| one.campaign.history_asked_at);
    for one in doubtful {
        if let Err(fault) = ask_about(&one, &mut pages, invocation, deps, metrics).await {
            tracing::warn!(campaign = %one.id, error = chain(&fault), "message history is asked again later");
        }
    }
}

async fn ask_about(
    doubtful: &Doubtful,
    pages: &mut usize,
    invocation: Invocation,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<(), Fault> {
    let Doubtful {
        tenant,
        id,
        campaign,
        has_ended,
    } = doubtful;
    let (tenant, id) = (*tenant, *id);
    let now = deps.clock.now();
    let is_early = |at: Timestamp| now.duration_since(at) < PATIENCE;
    let last = campaign.history_asked_at;
    if last.is_some_and(is_early) || *pages == 0 || invocation.ends_within(STEP_TIME, now) {
        return Ok(());
    }
    let mut doubts = Vec::new();
    if let Some(list) = list_to_ask(tenant, campaign, deps).await? {
        // Noted before it is read: what cannot be read is not read at once again.
        if !deps
            .campaigns
            .note_history_asked(tenant, id, last, now)
            .await?
        {
            return Ok(());
        }
        doubts = open_doubts(tenant, id, list, deps).await?;
    }
    doubts.retain(|doubt| now.duration_since(doubt.claimed_at) < GIVES_UP);
    if doubts.is_empty() && *has_ended {
        return deps.campaigns.remove_due(Due::Campaign(tenant, id)).await;
    }
    doubts.retain(|doubt| !is_early(doubt.claimed_at));
    let Some(earliest) = doubts.iter().map(|doubt| doubt.claimed_at).min() else {
        return Ok(());
    };
    let sender = &campaign.plan.sender;
    let read = read(sender, earliest, pages, invocation, deps, metrics).await?;
    // Only whose time was read whole is known to be alone in it.
    doubts.retain(|doubt| doubt.opens() > read.back_to);
    tell(tenant, id, &proved(&doubts, &read.history), deps, metrics).await
}

/// The list of a campaign whose doubts the history may settle: its tenant wants
/// it, and the number is the tenant's and reached by WhatsApp's own API. Amazon
/// passes no history on.
async fn list_to_ask(
    tenant: TenantId,
    campaign: &Campaign,
    deps: &Deps,
) -> Result<Option<ListId>, Fault> {
    let Some(content) = campaign.plan.templated() else {
        return Ok(None);
    };
    if !deps.campaigns.settings(tenant).await?.settles_by_history {
        return Ok(None);
    }
    let number = deps.campaigns.number(&campaign.plan.sender).await?;
    let own = number.filter(|number| number.tenant == tenant);
    let speaks_for_itself = own.is_some_and(|number| matches!(number.by_amazon(), Ok(None)));
    Ok(speaks_for_itself.then_some(content.list))
}

/// The campaign's doubts that a history could settle.
async fn open_doubts(
    tenant: TenantId,
    id: CampaignId,
    list: ListId,
    deps: &Deps,
) -> Result<Vec<Doubt>, Fault> {
    let open = deps.campaigns.doubts(tenant, id, usize::MAX).await?;
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

/// What was read of a number's history.
#[derive(Debug)]
struct Read {
    history: Vec<Sighting>,
    /// What is later than this was read whole.
    back_to: Timestamp,
}

/// Reads what the number sent since `earliest`, as far as `pages` go. Meta does
/// not say in which order they come: the reading ends before the last page, and
/// is of use then, only where the newest came first.
async fn read(
    sender: &str,
    earliest: Timestamp,
    pages: &mut usize,
    invocation: Invocation,
    deps: &Deps,
    metrics: &mut Metrics,
) -> Result<Read, Fault> {
    let credentials = Credentials {
        token: deps.secrets.read(&deps.token_secret).await?,
    };
    let mut history: Vec<Sighting> = Vec::new();
    let mut next = None;
    while *pages > 0 && !invocation.ends_within(STEP_TIME, deps.clock.now()) {
        *pages -= 1;
        metrics.count("HistoryPages", 1);
        let page = deps.whatsapp.history(&credentials, sender, next.as_deref());
        let page = page.await?;
        history.extend(page.sightings);
        next = page.next;
        let back_to = match next {
            Some(_) => back_to(&history),
            None => Timestamp::MIN,
        };
        if back_to < earliest - PATIENCE {
            return Ok(Read { history, back_to });
        }
    }
    tracing::warn!("the message history is longer than it is read");
    metrics.count("HistoryTooLong", 1);
    let back_to = back_to(&history);
    Ok(Read { history, back_to })
}

/// How far back a history goes whose newest come first; nowhere if they do not.
fn back_to(history: &[Sighting]) -> Timestamp {
    let falls = history.is_sorted_by_key(|sighting| Reverse(sighting.first_at));
    match (history.first(), history.last()) {
        (Some(newest), Some(oldest)) if falls && oldest.first_at < newest.first_at => {
            oldest.first_at
        }
        _ => Timestamp::MAX,
    }
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
