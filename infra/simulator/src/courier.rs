//! Who carries webhooks to the business: one POST, or one after the other for
//! ever.

mod topic;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::delivery::Post;
use crate::server::Shared;
use crate::webhook::{Update, envelope, signature};

/// Delivers what is due, for ever, `concurrency` POSTs at once.
pub(crate) async fn run_webhooks(
    shared: Arc<Shared>,
    courier: Arc<Courier>,
    webhook_url: Arc<Mutex<Option<String>>>,
    concurrency: usize,
) {
    let places = Arc::new(Semaphore::new(concurrency));
    let mut posts = JoinSet::new();
    loop {
        while posts.try_join_next().is_some() {}
        let Some(url) = current_url(&webhook_url) else {
            shared.wake.notified().await;
            continue;
        };
        let place = Arc::clone(&places).acquire_owned().await;
        let now = shared.clock.now();
        let (post, next) = {
            let mut world = shared.world();
            (world.take_post(now, now), world.next_due())
        };
        match (post, next) {
            (Some(post), _) => {
                let (shared, courier) = (Arc::clone(&shared), Arc::clone(&courier));
                posts.spawn(async move {
                    post_once(&shared, &courier, &url, post).await;
                    drop(place);
                });
            }
            (None, Some(next)) => {
                drop(place);
                tokio::select! {
                    () = shared.clock.sleep_until(next) => {}
                    () = shared.wake.notified() => {}
                }
            }
            (None, None) => {
                drop(place);
                shared.wake.notified().await;
            }
        }
    }
}

async fn post_once(shared: &Shared, courier: &Courier, url: &str, post: Post) {
    let arrived = courier.carry(shared, url, &post).await;
    let now = shared.clock.now();
    shared.world().settle(post, arrived, now);
    if !arrived {
        shared.wake.notify_one();
    }
}

/// Where webhooks go now.
pub(crate) fn current_url(webhook_url: &Mutex<Option<String>>) -> Option<String> {
    webhook_url
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// The client that posts webhooks.
#[derive(Debug)]
pub(crate) struct Courier {
    client: reqwest::Client,
    app_secret: SecretString,
    /// Where topics are published to.
    topics_url: Mutex<Option<String>>,
}

impl Courier {
    pub(crate) fn new(app_secret: SecretString, timeout: Duration) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .no_proxy()
            .user_agent("facebookexternalua")
            .build()?;
        Ok(Self {
            client,
            app_secret,
            topics_url: Mutex::default(),
        })
    }

    /// Tells each update to whom its account tells them: the webhook, or the
    /// topic. Whether all of it arrived.
    pub(crate) async fn carry(&self, shared: &Shared, url: &str, post: &Post) -> bool {
        let (linked, own): (Vec<_>, Vec<_>) = {
            let world = shared.world();
            let updates = post.updates.iter().cloned();
            updates.partition(|update| world.is_linked(&update.waba_id))
        };
        let published = linked.is_empty() || self.publish(shared, &linked).await;
        let posted = own.is_empty() || self.post(url, &own).await;
        published && posted
    }

    /// Posts once. Anything but 200 is a failure, as it is to Meta.
    async fn post(&self, url: &str, updates: &[Update]) -> bool {
        let body = envelope(updates);
        let signature = signature(self.app_secret.expose_secret().as_bytes(), &body);
        let answer = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("x-hub-signature-256", signature)
            .body(body)
            .send()
            .await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// Asks the verification question; the status and body of the answer.
    pub(crate) async fn verify(
        &self,
        url: &str,
        verify_token: &SecretString,
        challenge: &str,
    ) -> reqwest::Result<(u16, String)> {
        let mut url = url
            .parse::<reqwest::Url>()
            .expect("checked when it was set");
        url.query_pairs_mut()
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", challenge)
            .append_pair("hub.verify_token", verify_token.expose_secret());
        let answer = self.client.get(url).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await?))
    }
}
