//! Webhooks on their way: waiting, posted, posted again.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::webhook::{Update, envelope, signature};

/// What one call of [`Simulator::deliver_due`](crate::Simulator::deliver_due)
/// or [`Simulator::drain`](crate::Simulator::drain) posted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// POSTs, retries included.
    pub posts: u64,
    /// Of these, the ones not answered with 200.
    pub failures: u64,
    /// Updates in the POSTs.
    pub updates: u64,
}

/// Updates and POSTs that wait for their time, in the order in which they go.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: BTreeMap<(Timestamp, u64), Waiting>,
    sequence: u64,
}

#[derive(Debug)]
enum Waiting {
    Again(Post),
    Update { update: Update, batched: bool },
}

/// One POST, to be sent or sent again.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) updates: Vec<Update>,
    /// Attempts so far.
    pub(crate) attempts: u32,
    pub(crate) due: Timestamp,
}

impl Outbox {
    pub(crate) fn push(&mut self, due: Timestamp, update: Update, batched: bool) {
        self.insert(due, Waiting::Update { update, batched });
    }

    pub(crate) fn push_again(&mut self, due: Timestamp, post: Post) {
        self.insert(due, Waiting::Again(post));
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.waiting.keys().next().map(|(due, _)| *due)
    }

    /// Updates that wait, those of POSTs to be repeated included.
    pub(crate) fn len(&self) -> usize {
        self.waiting
            .values()
            .map(|waiting| match waiting {
                Waiting::Again(post) => post.updates.len(),
                Waiting::Update { .. } => 1,
            })
            .sum()
    }

    /// The next POST due by `until`. Updates that wait for company leave
    /// together with the others of their time, up to `most`.
    pub(crate) fn take(&mut self, until: Timestamp, most: usize) -> Option<Post> {
        if self.next_due()? > until {
            return None;
        }
        let ((due, _), first) = self.waiting.pop_first()?;
        let (update, batched) = match first {
            Waiting::Again(post) => return Some(post),
            Waiting::Update { update, batched } => (update, batched),
        };
        let mut updates = vec![update];
        while batched && updates.len() < most {
            match self.waiting.first_entry() {
                Some(entry)
                    if entry.key().0 == due
                        && matches!(entry.get(), Waiting::Update { batched: true, .. }) =>
                {
                    if let Waiting::Update { update, .. } = entry.remove() {
                        updates.push(update);
                    }
                }
                _ => break,
            }
        }
        Some(Post {
            updates,
            attempts: 0,
            due,
        })
    }

    fn insert(&mut self, due: Timestamp, waiting: Waiting) {
        self.sequence += 1;
        self.waiting.insert((due, self.sequence), waiting);
    }
}

/// The client that posts webhooks.
#[derive(Debug)]
pub(crate) struct Courier {
    client: reqwest::Client,
    app_secret: SecretString,
}

impl Courier {
    pub(crate) fn new(app_secret: SecretString, timeout: Duration) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .no_proxy()
            .user_agent("facebookexternalua")
            .build()?;
        Ok(Self { client, app_secret })
    }

    /// Posts once. Anything but 200 is a failure, as it is to Meta.
    pub(crate) async fn post(&self, url: &str, post: &Post) -> bool {
        let body = envelope(&post.updates);
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
