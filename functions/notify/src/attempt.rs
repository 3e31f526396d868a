//! One event to one endpoint, once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use platform::campaigns::{Endpoint, RecordedEvent};
use platform::events::told;
use platform::fault::Fault;
use platform::poster::{Post, PostFailure};
use platform::queue::NotifyTask;
use policy::endpoint::{EndpointKey, PATIENCE, wait_after};
use policy::ids::{EndpointId, EventId, TenantId};
use secrecy::ExposeSecret as _;

use crate::Deps;

/// What a message asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub(crate) tenant: TenantId,
    pub(crate) endpoint: EndpointId,
    pub(crate) event: EventId,
    pub(crate) recorded_at: Timestamp,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The endpoint took it.
    Arrived,
    /// The endpoint is left alone for a while; another message waits.
    Deferred,
    /// Nobody wants it any more, or it was tried for long enough. It stays
    /// among the events that can be read.
    Dropped,
    /// It did not arrive; another message waits.
    Failed,
    /// It did not arrive, and nothing is posted there any more.
    SwitchedOff,
}

impl Task {
    pub(crate) async fn attempt(self, deps: &Deps) -> Result<Outcome, Fault> {
        let Self {
            tenant,
            endpoint: id,
            ..
        } = self;
        let now = deps.clock.now();
        let Some(endpoint) = deps.campaigns.endpoint(tenant, id).await? else {
            return Ok(Outcome::Dropped);
        };
        if endpoint.disabled_at.is_some() || now.duration_since(self.recorded_at) > PATIENCE {
            return Ok(Outcome::Dropped);
        }
        if let Some(retry_at) = endpoint.retry_at.filter(|at| *at > now) {
            self.again(retry_at.duration_since(now), deps).await?;
            return Ok(Outcome::Deferred);
        }
        let recorded = deps
            .campaigns
            .event_at(tenant, self.recorded_at, self.event)
            .await?;
        let Some(recorded) = recorded else {
            return Ok(Outcome::Dropped);
        };
        let post = self.post(&recorded, &endpoint, now, deps).await?;
        match deps.poster.post(&endpoint.url, &post).await {
            Ok(()) => {
                if endpoint.failures > 0 {
                    deps.campaigns.note_post_arrived(tenant, id).await?;
                }
                Ok(Outcome::Arrived)
            }
            Err(failure) => self.failed(failure, &endpoint, deps).await,
        }
    }

    async fn failed(
        self,
        failure: PostFailure,
        endpoint: &Endpoint,
        deps: &Deps,
    ) -> Result<Outcome, Fault> {
        let (tenant, id) = (self.tenant, self.endpoint);
        let now = deps.clock.now();
        let code = failure.code();
        let is_over = endpoint
            .failing_since
            .is_some_and(|since| now.duration_since(since) >= PATIENCE);
        if failure == PostFailure::Gone || is_over {
            let campaigns = &deps.campaigns;
            if campaigns.disable_endpoint(tenant, id, &code, now).await? {
                tracing::warn!(webhook = %id, reason = code, "endpoint switched off");
            }
            return Ok(Outcome::SwitchedOff);
        }
        let wait = wait_after(endpoint.failures.saturating_add(1));
        let retry_at = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        deps.campaigns
            .note_post_failed(tenant, id, endpoint, &code, retry_at, now)
            .await?;
        tracing::info!(webhook = %id, event = %self.event, reason = code, "post did not arrive");
        self.again(wait, deps).await?;
        Ok(Outcome::Failed)
    }

    /// Comes again after `wait` and up to fifteen seconds more, so that what
    /// waits for one endpoint does not come all at once.
    async fn again(self, wait: SignedDuration, deps: &Deps) -> Result<(), Fault> {
        let spread = u64::from(self.event.uuid().as_bytes()[0] % 16);
        let wait = Duration::try_from(wait).unwrap_or_default();
        let task = NotifyTask::PostV1 {
            tenant: self.tenant,
            endpoint: self.endpoint,
            event: self.event,
            recorded_at: self.recorded_at,
        };
        let delay = wait + Duration::from_secs(1 + spread);
        deps.notify.send_later(&task, delay).await
    }

    async fn post(
        self,
        recorded: &RecordedEvent,
        endpoint: &Endpoint,
        now: Timestamp,
        deps: &Deps,
    ) -> Result<Post, Fault> {
        let event = &recorded.event;
        let name = match event.contact() {
            Some(token) => {
                let lists = deps.campaigns.list_ids(self.tenant).await?;
                deps.contacts
                    .external_id(self.tenant, &lists, token)
                    .await?
            }
            None => None,
        };
        let body = told(event, name.as_deref()).to_string().into_bytes();
        let secret = deps.secrets.read(&deps.endpoint_key_secret).await?;
        let key = EndpointKey::new(secret.expose_secret().as_bytes())
            .map_err(|error| Fault::lasting("read the endpoint key", error))?;
        let before = endpoint.generation.saturating_sub(1);
        let both = endpoint.both_sign_until.is_some_and(|until| now < until);
        let generations = [Some(endpoint.generation), both.then_some(before)];
        let id = event.id.to_string();
        let signatures: Vec<String> = generations
            .into_iter()
            .flatten()
            .map(|generation| key.secret(self.endpoint, generation).sign(&id, now, &body))
            .collect();
        Ok(Post {
            timestamp: now.as_second(),
            signatures: signatures.join(" "),
            body,
            id,
        })
    }
}
