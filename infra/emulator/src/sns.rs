//! SNS: what is published to a topic is handed to Lambda for the functions that
//! hear it.
//!
//! Of its protocol only `Publish` is here, and of subscriptions only functions,
//! as the template has them.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::StatusCode;
use platform::clock::SharedClock;
use serde_json::json;
use tokio::net::TcpListener;

use crate::account::{REGION, arn};
use crate::ids::Ids;
use crate::invocations::Invocations;

/// All topics; cheap to clone, every clone is the same service.
#[derive(Clone)]
pub struct Sns(Arc<Topics>);

struct Topics {
    clock: SharedClock,
    ids: Ids,
    invocations: Invocations,
    /// Topics and the functions that hear them.
    hearers: Vec<(String, String)>,
}

/// Nothing was published.
#[derive(Debug, thiserror::Error)]
#[error("no function hears the topic {0}")]
pub struct NobodyHears(String);

impl Sns {
    /// Topics by id, each with a function that hears it.
    pub fn new(
        clock: SharedClock,
        invocations: Invocations,
        hearers: Vec<(String, String)>,
    ) -> Self {
        let ids = Ids::new(clock.now());
        Self(Arc::new(Topics {
            clock,
            ids,
            invocations,
            hearers,
        }))
    }

    /// Publishes to the topic of this ARN; how many functions will hear it.
    pub fn publish(&self, topic: &str, message: &str) -> Result<usize, NobodyHears> {
        let Topics {
            clock,
            ids,
            invocations,
            hearers,
        } = &*self.0;
        let subscription = format!("{topic}:{}", ids.mint());
        let event = json!({"Records": [{
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription,
            "Sns": {
                "Type": "Notification",
                "MessageId": ids.mint(),
                "TopicArn": topic,
                "Subject": null,
                "Message": message,
                "Timestamp": clock.now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
                "SignatureVersion": "1",
                "Signature": "ZW11bGF0ZWQ=",
                "SigningCertUrl": format!("https://sns.{REGION}.amazonaws.com/emulated.pem"),
                "UnsubscribeUrl": format!("https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe"),
                "MessageAttributes": {},
            },
        }]});
        let mut heard = 0;
        for (_, function) in hearers.iter().filter(|(id, _)| topic_arn(id) == topic) {
            invocations.accept(function, event.clone());
            heard += 1;
        }
        if heard == 0 {
            return Err(NobodyHears(topic.to_owned()));
        }
        Ok(heard)
    }

    /// Answers `Publish` on `listener`, for ever.
    pub(crate) async fn serve(&self, listener: TcpListener) {
        let router = Router::new().fallback(answer).with_state(self.clone());
        // Serving ends only with the task that serves.
        drop(axum::serve(listener, router).await);
    }
}

async fn answer(State(sns): State<Sns>, body: Bytes) -> (StatusCode, String) {
    let fields: Vec<_> = form_urlencoded::parse(&body).collect();
    let field = |name: &str| {
        let mut named = fields.iter().filter(|(field, _)| field == name);
        named.next().map(|(_, value)| value.as_ref())
    };
    let (Some("Publish"), Some(topic), Some(message)) =
        (field("Action"), field("TopicArn"), field("Message"))
    else {
        return (StatusCode::BAD_REQUEST, "InvalidParameter".to_owned());
    };
    match sns.publish(topic, message) {
        Ok(_) => (StatusCode::OK, "<PublishResponse/>".to_owned()),
        Err(NobodyHears(_)) => (StatusCode::NOT_FOUND, "NotFound".to_owned()),
    }
}

/// The ARN of the topic `id`.
pub fn topic_arn(id: &str) -> String {
    arn("sns", id)
}

/// Shows no messages.
impl fmt::Debug for Sns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sns").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use platform::clock::ManualClock;

    use super::*;

    #[test]
    fn who_hears_a_topic_is_handed_what_is_published_there() {
        let clock = SharedClock::new(ManualClock::at(jiff::Timestamp::UNIX_EPOCH));
        let invocations = Invocations::new(clock.clone());
        let hearers = vec![("Topic".to_owned(), "HearFunction".to_owned())];
        let sns = Sns::new(clock, invocations.clone(), hearers);
        assert_eq!(sns.publish(&topic_arn("Topic"), "word").unwrap(), 1);
        assert!(sns.publish(&topic_arn("Other"), "word").is_err());
        let [waiting] = &invocations.waiting()[..] else {
            panic!("one function hears it")
        };
        assert_eq!(waiting.function, "HearFunction");
        let record = &waiting.event["Records"][0];
        assert_eq!(record["EventSource"], "aws:sns");
        assert_eq!(record["Sns"]["Type"], "Notification");
        assert_eq!(record["Sns"]["Message"], "word");
        assert_eq!(record["Sns"]["TopicArn"], topic_arn("Topic"));
    }
}
