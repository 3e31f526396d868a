//! One delivery: whose, stops first, then everything else.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use platform::campaigns::WaitingStops;
use platform::events::{EventV1, WhatV1};
use platform::fault::{Fault, chain};
use platform::inbound::{self, KeptUpdate, WaitingStop};
use platform::metrics::Metrics;
use platform::queue::{
    LinkV1, NewsV1, ReceiptTask, RequestV1, StatusV1, TokenText, WordsV1, WroteV1,
};
use platform::whatsapp::signature::VerifiedBody;
use policy::attempt;
use policy::breaker::Breaker;
use policy::ids::TenantId;
use policy::reply::Keyword;
use policy::token::{ContactToken, TokenKey};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::Deps;
use crate::asks::asks;
use crate::commit::Act;
use crate::events::{self, Kept};
use crate::names::{Keys, Move, Name};
use crate::news;
use crate::stops::{Unattributed, resume, said_at, stops};
use crate::updates::{self, Kind, Person, Update};
use crate::waiting::waiting;
use crate::wrote::{erasure, wrote};

/// Most statuses of one queue message: some 60 KB of the longest.
const STATUSES_MAX: usize = 200;

/// Links of one queue message: some 20 KB.
const LINKS_MAX: usize = 200;

/// Events of one queue message: some 50 KB.
const EVENTS_MAX: usize = 100;
/// Messages of people of one queue message: some 40 KB.
const WRITTEN_MAX: usize = 200;

/// Acts committed at the same time.
const ACTS_AT_ONCE: usize = 16;

/// Something was not committed or not queued: the body must come again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Incomplete;

/// Handles a body. A failure of one part does not keep the others from being
/// done; the next delivery repeats all of them, which is harmless.
pub(crate) async fn deliver(body: &VerifiedBody, deps: &Deps) -> Result<(), Incomplete> {
    let now = deps.clock.now();
    let mut work = Work {
        deps,
        now,
        id: body_id(body.bytes()),
        metrics: Metrics::of("webhook"),
        complete: true,
    };
    match updates::parse(body.bytes()) {
        Ok(updates) => work.updates(updates, body).await,
        Err(reason) => {
            tracing::warn!(%reason, "webhook body kept whole");
            work.count("Unreadable", 1);
            work.keep_body(body).await;
        }
    }
    work.metrics.emit(now, deps.metrics);
    if work.complete {
        Ok(())
    } else {
        Err(Incomplete)
    }
}

/// One delivery under way.
struct Work<'a> {
    deps: &'a Deps,
    now: Timestamp,
    /// Names the body's objects.
    id: String,
    /// Failures only: a record for each call would cost more than the call.
    metrics: Metrics,
    complete: bool,
}

impl Work<'_> {
    async fn updates(&mut self, updates: Vec<Update>, body: &VerifiedBody) {
        let (owned, strange) = self.by_tenant(updates).await;
        if !strange.is_empty() {
            tracing::warn!(
                updates = strange.len(),
                "webhook is about a number of nobody"
            );
            self.count("UnknownNumber", strange.len() as u64);
            self.keep_body(body).await;
            self.keep_stops(&strange).await;
        }
        let named = owned.values().flatten().any(needs_names);
        let mut keys = if named { self.keys().await } else { None };
        if let Some(keys) = &mut keys {
            for (tenant, updates) in &owned {
                if updates.iter().any(is_word) {
                    let keywords = self.keywords(*tenant).await;
                    keys.keywords.insert(*tenant, keywords);
                }
            }
        }
        if let Some(keys) = &keys {
            for (tenant, updates) in &owned {
                self.commit(*tenant, updates, keys).await;
            }
        }
        for (tenant, updates) in owned {
            self.queue(tenant, updates, keys.as_ref()).await;
        }
    }

    /// Notes stops that were said to numbers of nobody, for whoever will own
    /// them. Whoever came to own a number meanwhile may have looked already what
    /// waits, so the body must come again.
    async fn keep_stops(&mut self, strange: &[Update]) {
        for (number, stops) in waiting(strange, self.now) {
            self.count("StopsWaiting", stops.len() as u64);
            match self.keep_stops_of(&number, &stops).await {
                Ok(true) => {
                    tracing::info!("a number was registered meanwhile");
                    self.complete = false;
                }
                Ok(false) => (),
                Err(fault) => self.fail(&fault, "stops to a number of nobody are not kept"),
            }
        }
    }

    /// Whether somebody owns the number by now.
    async fn keep_stops_of(&self, number: &str, stops: &[WaitingStop]) -> Result<bool, Fault> {
        let object = inbound::waiting_key(number, &self.id);
        self.put(&object, stops).await?;
        let delivery = self.id.clone();
        let waiting = WaitingStops { delivery, object };
        let campaigns = &self.deps.campaigns;
        campaigns
            .note_waiting_stops(number, &waiting, self.now)
            .await?;
        Ok(campaigns.number(number).await?.is_some())
    }

    /// The updates of each tenant, and those that are nobody's.
    async fn by_tenant(
        &mut self,
        updates: Vec<Update>,
    ) -> (BTreeMap<TenantId, Vec<Update>>, Vec<Update>) {
        let mut owned: BTreeMap<TenantId, Vec<Update>> = BTreeMap::new();
        let mut strange = Vec::new();
        for update in updates {
            match self.deps.numbers.owner(&update, self.now).await {
                Ok(Some(tenant)) => owned.entry(tenant).or_default().push(update),
                Ok(None) => strange.push(update),
                Err(fault) => self.fail(&fault, "number cannot be looked up"),
            }
        }
        (owned, strange)
    }

    /// Commits what must stand before the answer.
    async fn commit(&mut self, tenant: TenantId, updates: &[Update], keys: &Keys) {
        let mut acts: Vec<Act> = Vec::new();
        for update in updates {
            match stops(tenant, update, keys, self.now) {
                Ok(stops) => acts.extend(stops.into_iter().map(Act::Stop)),
                Err(Unattributed) => {
                    tracing::warn!(kind = update.kind.code(), "nothing names who wants to stop");
                    self.count("StopUnattributed", 1);
                }
            }
            acts.extend(resume(tenant, update, keys, self.now).map(Act::Resume));
            if let Kind::System(system) = &update.kind {
                acts.extend(Move::of(tenant, system, keys).map(Act::Move));
            }
        }
        let (first, then): (Vec<_>, Vec<_>) = acts.into_iter().partition(Act::is_first);
        for acts in [first, then] {
            let contacts = &self.deps.contacts;
            let commits: Vec<_> = acts
                .iter()
                .map(|act| act.commit(tenant, contacts, self.now))
                .collect();
            let results: Vec<Result<(), Fault>> = stream::iter(commits)
                .buffer_unordered(ACTS_AT_ONCE)
                .collect()
                .await;
            for fault in results.into_iter().filter_map(Result::err) {
                self.count("StopFailed", 1);
                self.fail(&fault, "stop is not committed");
            }
        }
    }

    /// The keys that name people; without them nothing is committed, and the
    /// body must come again.
    async fn keys(&mut self) -> Option<Keys> {
        match self.read_keys().await {
            Ok(keys) => Some(keys),
            Err(fault) => {
                self.fail(&fault, "people cannot be named");
                None
            }
        }
    }

    /// A tenant's keywords. Settings that can never be used must not keep its
    /// people's stops from being heard: they are read by the common rules.
    async fn keywords(&mut self, tenant: TenantId) -> Vec<Keyword> {
        match self.deps.numbers.keywords(tenant, self.now).await {
            Ok(keywords) => keywords,
            Err(fault) if fault.is_passing() => {
                self.fail(&fault, "keywords cannot be read");
                Vec::new()
            }
            Err(fault) => {
                tracing::error!(error = chain(&fault), "keywords cannot be used");
                self.count("KeywordsUnusable", 1);
                Vec::new()
            }
        }
    }

    async fn read_keys(&self) -> Result<Keys, Fault> {
        let Deps {
            secrets,
            token_key_secret,
            link_key_secret,
            ..
        } = self.deps;
        let token = key(&secrets.read(token_key_secret).await?)?;
        let link = match link_key_secret {
            Some(name) => key(&secrets.read(name).await?)?,
            None => token.clone(),
        };
        Ok(Keys {
            token,
            link,
            keywords: BTreeMap::new(),
        })
    }

    /// Statuses of ours go as ids and codes, all else into one object.
    async fn queue(&mut self, tenant: TenantId, updates: Vec<Update>, keys: Option<&Keys>) {
        let mut statuses: Vec<StatusV1> = Vec::new();
        let mut kept: BTreeMap<String, Vec<KeptUpdate>> = BTreeMap::new();
        let mut links: BTreeSet<(ContactToken, ContactToken)> = BTreeSet::new();
        let mut breaks: BTreeSet<(Breaker, u32)> = BTreeSet::new();
        let mut changed: BTreeSet<NewsV1> = BTreeSet::new();
        let mut told: Vec<EventV1> = Vec::new();
        let mut written: BTreeMap<String, Vec<WroteV1>> = BTreeMap::new();
        let mut requests: Vec<RequestV1> = Vec::new();
        let mut words: BTreeMap<String, WordsV1> = BTreeMap::new();
        let common = inbound::updates_key(tenant, self.now, &self.id);
        for update in updates {
            breaks.extend(news::breaker(&update));
            changed.extend(news::news(&update, self.now));
            told.extend(events::of_business(tenant, &update, self.now));
            requests.extend(keys.and_then(|keys| erasure(tenant, &update, keys, self.now)));
            let name = keys.zip(update.person());
            let name = name.map(|(keys, person)| (keys, Name::of(tenant, person, keys)));
            let status = status_of_ours(&update, name.as_ref().map(|(_, name)| name));
            // A person's words lie apart from everybody else's.
            let who = name.as_ref().filter(|_| is_word(&update));
            let who = who.and_then(|(_, name)| Some((name.first()?, name.token.is_none())));
            let object = match who {
                Some((who, alias)) => {
                    let object = inbound::words_key(tenant, self.now, &self.id, who);
                    let at = said_at(&update, self.now).unwrap_or(self.now).min(self.now);
                    let said = words.entry(object.clone()).or_insert(WordsV1 {
                        who: TokenText(who),
                        alias,
                        at,
                    });
                    said.at = said.at.max(at);
                    object
                }
                None => common.clone(),
            };
            let wrote = keys.and_then(|keys| wrote(tenant, &update, keys, self.now));
            if let Some((number, mut message)) = wrote {
                message.object = message.asks.is_some().then(|| object.clone());
                written.entry(number).or_default().push(message);
            }
            let place = kept.get(&object).map_or(0, Vec::len);
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let here = status.is_none().then_some(Kept {
                object: &object,
                place,
            });
            if let Some((keys, name)) = &name {
                let keywords = keys.keywords(tenant);
                told.extend(events::of_person(
                    tenant, &update, name, keywords, here, self.now,
                ));
            }
            match status {
                Some(status) => statuses.push(status),
                None => {
                    links.extend(name.iter().flat_map(|(_, name)| name.links()));
                    kept.entry(object).or_default().push(keep(update));
                }
            }
        }
        let links: Vec<LinkV1> = links
            .into_iter()
            .map(|(alias, token)| LinkV1 {
                alias: TokenText(alias),
                token: TokenText(token),
            })
            .collect();
        let mut tasks: Vec<ReceiptTask> = statuses
            .chunks(STATUSES_MAX)
            .map(|statuses| ReceiptTask::StatusesV1 {
                tenant,
                statuses: statuses.to_vec(),
            })
            .collect();
        tasks.extend(links.chunks(LINKS_MAX).map(|links| ReceiptTask::LinksV1 {
            tenant,
            links: links.to_vec(),
        }));
        tasks.extend(
            breaks
                .into_iter()
                .map(|(breaker, code)| ReceiptTask::BreakV1 {
                    tenant,
                    scope: breaker.scope().to_owned(),
                    id: breaker.id().unwrap_or_default().to_owned(),
                    code,
                }),
        );
        if !changed.is_empty() {
            let news = changed.into_iter().collect();
            tasks.push(ReceiptTask::NewsV1 { tenant, news });
        }
        let of_tenant = |request| ReceiptTask::RequestV1 { tenant, request };
        tasks.extend(requests.into_iter().map(of_tenant));
        for (number, messages) in written {
            tasks.extend(
                messages
                    .chunks(WRITTEN_MAX)
                    .map(|messages| ReceiptTask::WroteV1 {
                        tenant,
                        number: number.clone(),
                        messages: messages.to_vec(),
                    }),
            );
        }
        let mut lost: BTreeSet<String> = BTreeSet::new();
        for (object, put) in self.put_all(kept).await {
            match put {
                Ok(()) => tasks.push(ReceiptTask::UpdateV1 {
                    tenant,
                    words: words.remove(&object),
                    object,
                }),
                Err(fault) => {
                    self.fail(&fault, "updates are not kept");
                    lost.insert(object);
                }
            }
        }
        // What would point to nothing is told when it comes again.
        told.retain(|event| match &event.what {
            WhatV1::MessageReceived { object, .. } => !lost.contains(object),
            _ => true,
        });
        tasks.extend(told.chunks(EVENTS_MAX).map(|events| ReceiptTask::EventsV1 {
            tenant,
            events: events.to_vec(),
        }));
        if let Err(fault) = self.deps.receipts.send_all(&tasks).await {
            self.fail(&fault, "updates are not queued");
        }
    }

    /// Keeps several objects, many at a time; what became of each.
    async fn put_all(
        &self,
        kept: BTreeMap<String, Vec<KeptUpdate>>,
    ) -> Vec<(String, Result<(), Fault>)> {
        let puts: Vec<_> = kept
            .into_iter()
            .map(|(object, kept)| async move {
                let put = self.put(&object, &kept).await;
                (object, put)
            })
            .collect();
        stream::iter(puts)
            .buffer_unordered(ACTS_AT_ONCE)
            .collect()
            .await
    }

    async fn put<T: Serialize>(&self, object: &str, kept: &[T]) -> Result<(), Fault> {
        let bytes =
            serde_json::to_vec(kept).map_err(|error| Fault::lasting("encode updates", error))?;
        let objects = &self.deps.objects;
        objects.put(object, bytes, "application/json").await
    }

    /// Keeps the body as it came, for a person to look at.
    async fn keep_body(&mut self, body: &VerifiedBody) {
        let object = inbound::body_key(self.now, &self.id);
        let bytes = body.bytes().to_vec();
        let objects = &self.deps.objects;
        if let Err(fault) = objects.put(&object, bytes, "application/json").await {
            self.fail(&fault, "body is not kept");
        }
    }

    fn fail(&mut self, fault: &Fault, what: &str) {
        tracing::warn!(error = chain(fault), "{what}");
        self.count("Failed", 1);
        self.complete = false;
    }

    fn count(&mut self, name: &'static str, by: u64) {
        self.metrics.count(name, by);
    }
}

fn key(secret: &SecretString) -> Result<TokenKey, Fault> {
    TokenKey::new(secret.expose_secret().as_bytes())
        .map_err(|error| Fault::lasting("read a key", error))
}

/// Whether it is a person's own word, which a keyword may give a meaning.
fn is_word(update: &Update) -> bool {
    matches!(update.kind, Kind::Message(_) | Kind::Past(_))
}

/// Whether something must be done under the person's names.
fn needs_names(update: &Update) -> bool {
    let has_id = |person: &Person| person.expose_user_id().is_some();
    let asks = asks(update, &[]).is_some();
    asks || is_word(update)
        || matches!(update.kind, Kind::System(_))
        || update.person().is_some_and(has_id)
}

/// A status of a request of ours, without the person; `receipts` knows from the
/// ledger whose the other identity is.
fn status_of_ours(update: &Update, name: Option<&Name>) -> Option<StatusV1> {
    let Kind::Status(status) = &update.kind else {
        return None;
    };
    status.is_ours().then(|| StatusV1 {
        callback: status.callback.clone().unwrap_or_default(),
        status: status.status.clone().unwrap_or_default(),
        code: status.codes.first().copied(),
        at: status.at.filter(|_| {
            let mut codes = status.codes.iter();
            codes.any(|code| attempt::cools_down(*code))
        }),
        alias: name
            .and_then(|name| name.aliases.first())
            .copied()
            .map(TokenText),
    })
}

fn keep(update: Update) -> KeptUpdate {
    let kind = update.kind.code().to_owned();
    let field = update.field.clone();
    let waba = update.waba.clone();
    let phone_number_id = update.phone_number_id.clone();
    let text = events::text(&update);
    let (update, contact) = update.into_raw();
    KeptUpdate {
        v: 1,
        kind,
        field,
        waba,
        phone_number_id,
        contact,
        text,
        update,
    }
}

/// The same body has the same name, so that a repetition writes nothing new.
fn body_id(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
