//! A person's own page: what they agreed to, one tap to stop or to get messages
//! again, and the way to ask for a copy of their data or for erasure.
//!
//! The address carries a signed link and no personal data; a page shows the
//! business, the purposes, when and how, and never the number or the name.
//! Looking changes nothing, so link previews and crawlers stop nobody; only a
//! POST acts, also the one-click POST of mail programs (RFC 8058). There is no
//! script and no third party in it.

mod act;
mod answer;
mod requests;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;
use platform::contacts::Agreement;
use platform::fault::{Fault, chain};
use policy::language::Language;
use policy::person::Person;
use policy::preference::{BadLink, LinkKey, PreferenceLink};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use self::act::Act;
use self::answer::{gone, page, see, short};
use crate::Deps;

/// Most bytes of a form.
const FORM_MAX: usize = 4 * 1024;

/// The page's routes.
pub(crate) fn routes() -> Router<Arc<Deps>> {
    Router::new()
        .route("/p/{link}", get(show).post(act))
        .layer(DefaultBodyLimit::max(FORM_MAX))
}

/// What the query may say.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// `id` or `en`.
    lang: Option<String>,
    /// What was just done.
    done: Option<String>,
}

/// Everything that the page shows.
#[derive(Debug)]
struct Shown {
    business: String,
    agreement: Option<Agreement>,
    person: Person,
}

async fn show(
    State(deps): State<Arc<Deps>>,
    Path(text): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let asked_for = Language::asked(asked.lang.as_deref(), accepted(&headers));
    let link = match open(&deps, &text).await {
        Ok(Ok(link)) => link,
        Ok(Err(bad)) => return gone(bad, asked_for.unwrap_or_default()),
        Err(fault) => return failed(&fault, asked_for.unwrap_or_default()),
    };
    match shown(&deps, &link).await {
        Ok(shown) => {
            let preferred = shown.agreement.as_ref().and_then(|a| a.language.as_deref());
            let language = Language::choose(asked.lang.as_deref(), preferred, accepted(&headers));
            let done = asked.done.as_deref().and_then(Act::parse);
            page(&view::preferences(&text, &shown, done.as_ref(), language))
        }
        Err(fault) => failed(&fault, asked_for.unwrap_or_default()),
    }
}

async fn act(
    State(deps): State<Arc<Deps>>,
    Path(text): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let language = Language::asked(asked.lang.as_deref(), accepted(&headers)).unwrap_or_default();
    let link = match open(&deps, &text).await {
        Ok(Ok(link)) => link,
        Ok(Err(bad)) => return gone(bad, language),
        Err(fault) => return failed(&fault, language),
    };
    let Some(wish) = act::read(&headers, &body) else {
        return short(http::StatusCode::UNPROCESSABLE_ENTITY, language);
    };
    if let Err(fault) = act::carry_out(&deps, &link, &wish.act).await {
        return failed(&fault, language);
    }
    match &wish.act {
        // A mail program wants an answer, not a page.
        _ if wish.one_click => short(http::StatusCode::OK, language),
        Act::Resume(_) | Act::Stop(_) => see(&text, &wish.act, asked.lang.as_deref()),
        // Nothing that is kept here shows whether it was asked for, so that no
        // address could say so: the answer to the form does.
        Act::Copy | Act::Erase { .. } => match shown(&deps, &link).await {
            Ok(shown) => page(&requests::answer(&text, &shown, &wish.act, language)),
            Err(fault) => failed(&fault, language),
        },
    }
}

/// What a link says, or why it opens nothing. No table is read before the seal
/// is checked.
async fn open(deps: &Deps, text: &str) -> Result<Result<PreferenceLink, BadLink>, Fault> {
    let Some(name) = &deps.link_key_secret else {
        return Ok(Err(BadLink::Forged));
    };
    let secrets = deps.secrets.read_both(name).await?;
    let keys: Vec<LinkKey> = secrets
        .iter()
        .filter_map(|secret| LinkKey::new(secret.expose_secret().trim().as_bytes()).ok())
        .collect();
    Ok(LinkKey::open(&keys, text, deps.clock.now()))
}

async fn shown(deps: &Deps, link: &PreferenceLink) -> Result<Shown, Fault> {
    let tenant = deps.campaigns.tenant(link.tenant).await?;
    Ok(Shown {
        business: tenant
            .map(|tenant| tenant.business_name)
            .unwrap_or_default(),
        agreement: deps
            .contacts
            .agreement(link.tenant, link.list, link.token)
            .await?,
        person: deps.contacts.person(link.tenant, link.token).await?,
    })
}

fn accepted(headers: &HeaderMap) -> Option<&str> {
    headers.get(ACCEPT_LANGUAGE)?.to_str().ok()
}

fn failed(fault: &Fault, language: Language) -> Response {
    tracing::error!(error = chain(fault), "a person's page failed");
    short(http::StatusCode::SERVICE_UNAVAILABLE, language)
}

#[cfg(test)]
mod tests;
