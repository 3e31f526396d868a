//! What a person asks for on their page, and doing it.

use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use platform::contacts::{ResumeEvent, StopEvent};
use platform::fault::{Fault, chain};
use platform::queue::{ReceiptTask, RequestV1, TokenText};
use policy::ids::EventId;
use policy::person::SuppressionSource;
use policy::preference::PreferenceLink;
use policy::purpose::Scope;
use policy::rights::{Right, Way};
use sha2::{Digest as _, Sha256};

use crate::Deps;
use crate::events;

/// One thing that a button does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Act {
    /// A copy of what is known of them.
    Copy,
    /// Erasure: asked for, or, at the second step, meant.
    Erase {
        /// Whether they were told what it means and said yes.
        sure: bool,
    },
    /// Messages of this kind again: whatever of it was stopped no longer is.
    Resume(Scope),
    /// No more of this.
    Stop(Scope),
}

const COPY: &str = "copy";
const ERASE: &str = "erase";
const ERASE_SURE: &str = "erase:sure";
const RESUME: &str = "resume";

impl Act {
    /// The act that a form's value or a query names.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            COPY => return Some(Self::Copy),
            ERASE => return Some(Self::Erase { sure: false }),
            ERASE_SURE => return Some(Self::Erase { sure: true }),
            RESUME => return Some(Self::Resume(Scope::Everything)),
            _ => (),
        }
        let (verb, scope) = text.split_once(':')?;
        let scope = Scope::parse(scope).ok()?;
        match verb {
            // Everything again is said without a scope.
            RESUME if scope != Scope::Everything => Some(Self::Resume(scope)),
            "stop" => Some(Self::Stop(scope)),
            _ => None,
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy => f.write_str(COPY),
            Self::Erase { sure: false } => f.write_str(ERASE),
            Self::Erase { sure: true } => f.write_str(ERASE_SURE),
            Self::Resume(Scope::Everything) => f.write_str(RESUME),
            Self::Resume(scope) => write!(f, "{RESUME}:{}", scope.code()),
            Self::Stop(scope) => write!(f, "stop:{}", scope.code()),
        }
    }
}

/// What a POST asks for.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Wish {
    pub(super) act: Act,
    /// Whether a program asks on the person's behalf (RFC 8058), so that nobody
    /// looks at a page.
    pub(super) one_click: bool,
}

/// Reads a form: `do=stop:marketing`, `do=resume`, `do=copy`, `do=erase`, or
/// `List-Unsubscribe=One-Click` in either of the two encodings that RFC 8058 §3.2
/// allows.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Option<Wish> {
    let one_click = Wish {
        act: Act::Stop(Scope::marketing()),
        one_click: true,
    };
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if content_type.trim_start().starts_with("multipart/form-data") {
        let body = std::str::from_utf8(body).ok()?;
        let named = body.contains("name=\"List-Unsubscribe\"");
        let is_one_click = named && body.lines().any(|line| line.trim() == "One-Click");
        return is_one_click.then_some(one_click);
    }
    for (name, value) in form_urlencoded::parse(body) {
        match (name.as_ref(), value.as_ref()) {
            ("List-Unsubscribe", "One-Click") => return Some(one_click),
            ("do", act) => {
                return Some(Wish {
                    act: Act::parse(act)?,
                    one_click: false,
                });
            }
            _ => {}
        }
    }
    None
}

/// Does it; committed when this returns, and then the tenant is told. A tenant
/// who cannot be told is no reason to tell the person that it failed.
pub(super) async fn carry_out(deps: &Deps, link: &PreferenceLink, act: &Act) -> Result<(), Fault> {
    let now = deps.clock.now();
    let id = event_id(link, act, now);
    let stopped = match act {
        Act::Copy => return request(deps, link, act, Right::Copy, now).await,
        // Nothing is done before the second step.
        Act::Erase { sure: false } => return Ok(()),
        Act::Erase { sure: true } => {
            stop(deps, link, id, &Scope::Everything, now).await?;
            request(deps, link, act, Right::Erasure, now).await?;
            Some(&Scope::Everything)
        }
        Act::Resume(scope) => {
            let resume = ResumeEvent {
                id,
                at: now,
                source: SuppressionSource::Page,
                scope: scope.clone(),
            };
            deps.contacts
                .resume(link.tenant, link.token, &resume, now)
                .await?;
            None
        }
        Act::Stop(scope) => {
            stop(deps, link, id, scope, now).await?;
            Some(scope)
        }
    };
    let told = ReceiptTask::EventsV1 {
        tenant: link.tenant,
        events: vec![events::of_page(link, id, stopped, now)],
    };
    if let Err(fault) = deps.receipts.send(&told).await {
        tracing::error!(error = chain(&fault), "the tenant is not told of a page");
    }
    Ok(())
}

async fn stop(
    deps: &Deps,
    link: &PreferenceLink,
    id: EventId,
    scope: &Scope,
    now: Timestamp,
) -> Result<(), Fault> {
    let stop = StopEvent {
        id,
        scope: scope.clone(),
        at: now,
        source: SuppressionSource::Page,
    };
    deps.contacts
        .stop(link.tenant, link.token, &stop, now)
        .await
}

/// Asks the business for it, by way of `receipts`. Whoever has the link could ask
/// all day: of one day it is one request.
async fn request(
    deps: &Deps,
    link: &PreferenceLink,
    act: &Act,
    right: Right,
    now: Timestamp,
) -> Result<(), Fault> {
    let day = Timestamp::from_second(now.as_second().div_euclid(DAY_S) * DAY_S);
    let request = RequestV1 {
        id: event_id(link, act, day.unwrap_or(now)),
        who: TokenText(link.token),
        right: right.code().to_owned(),
        way: Way::Page.code().to_owned(),
        at: now,
    };
    let tenant = link.tenant;
    let task = ReceiptTask::RequestV1 { tenant, request };
    deps.receipts.send(&task).await
}

/// Seconds of a day.
const DAY_S: i64 = 24 * 3_600;

/// A UUID (version 8, RFC 9562) of who, what and when.
fn event_id(link: &PreferenceLink, act: &Act, now: Timestamp) -> EventId {
    let mut hash = Sha256::new();
    hash.update(b"page:v1");
    hash.update(link.tenant.uuid().as_bytes());
    hash.update(link.token.as_bytes());
    hash.update(act.to_string());
    hash.update(now.as_millisecond().to_be_bytes());
    EventId::of_digest(&hash.finalize().into())
}
