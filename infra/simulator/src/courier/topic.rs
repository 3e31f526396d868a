//! What Amazon publishes of a linked account: the same entries, each as text inside
//! an event of its own (AWS, "Message and event format in AWS End User Messaging
//! Social").

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::Courier;
use crate::config::LinkedAccount;
use crate::person::hex;
use crate::server::Shared;
use crate::webhook::{Update, entries};

impl Courier {
    /// Where topics are published to from now on.
    pub(crate) fn set_topics_url(&self, url: &str) {
        let mut held = self
            .topics_url
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *held = Some(url.to_owned());
    }

    /// Publishes each account's entry to its topic. An account without a topic
    /// tells nobody, which is no failure.
    pub(super) async fn publish(&self, shared: &Shared, updates: &[Update]) -> bool {
        let url = self
            .topics_url
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(url) = url else {
            return false;
        };
        let mut arrived = true;
        for entry in entries(updates) {
            let (topic, event) = {
                let world = shared.world();
                let mut accounts = world.linked.iter();
                let account = accounts.find(|account| entry["id"] == account.waba_id.as_str());
                let Some((account, topic)) =
                    account.and_then(|account| Some((account, account.event_destination.clone()?)))
                else {
                    continue;
                };
                let now = shared.clock.now();
                let digest = world.seed.digest("event", &format!("{now}.{entry}"));
                let event = event(account, &topic, &entry, &now.to_string(), &digest);
                (topic, event)
            };
            arrived &= self.publish_one(&url, &topic, &event).await;
        }
        arrived
    }

    async fn publish_one(&self, url: &str, topic: &str, event: &Value) -> bool {
        let Ok(mut form) = url.parse::<reqwest::Url>() else {
            return false;
        };
        form.query_pairs_mut()
            .append_pair("Action", "Publish")
            .append_pair("Version", "2010-03-31")
            .append_pair("TopicArn", topic)
            .append_pair("Message", &event.to_string());
        let body = form.query().unwrap_or_default().to_owned();
        let answer = self
            .client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }
}

/// The event around an entry.
fn event(account: &LinkedAccount, topic: &str, entry: &Value, at: &str, digest: &[u8]) -> Value {
    let owner = topic.split(':').nth(4).unwrap_or_default();
    let arn = |id: &str, kind: &str| {
        let rest = id.strip_prefix(kind).unwrap_or(id).trim_start_matches('-');
        let region = topic.split(':').nth(3).unwrap_or_default();
        format!("arn:aws:social-messaging:{region}:{owner}:{kind}/{rest}")
    };
    let numbers = account.phone_number_ids.iter().map(
        |(meta, amazon)| json!({"metaPhoneNumberId": meta, "arn": arn(amazon, "phone-number-id")}),
    );
    json!({
        "context": {
            "MetaWabaIds": [{"wabaId": account.waba_id, "arn": arn(&account.id, "waba")}],
            "MetaPhoneNumberIds": numbers.collect::<Vec<_>>(),
        },
        "whatsAppWebhookEntry": entry.to_string(),
        "aws_account_id": owner,
        "message_timestamp": at,
        "messageId": hex(&digest[..16]),
    })
}
