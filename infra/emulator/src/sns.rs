//! SNS: what is published to a topic goes to the queues that hear it.
//!
//! Of its protocol only `Publish` is here, and of subscriptions only queues with
//! the envelope, as the template has them.

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
use crate::sqs::{NewMessage, Sqs, SqsError};

/// All topics; cheap to clone, every clone is the same service.
#[derive(Clone)]
pub struct Sns(Arc<Topics>);

struct Topics {
    clock: SharedClock,
    ids: Ids,
    sqs: Sqs,
    /// Topics and the queues that hear them.
    hearers: Vec<(String, String)>,
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is no such topic, or nobody hears it.
    #[error("no queue hears the topic {0}")]
    NobodyHears(String),
    /// The queue refused.
    #[error("queue")]
    Sqs(#[from] SqsError),
}

impl Sns {
    /// Topics by id, each with a queue that hears it.
    pub fn new(clock: SharedClock, sqs: Sqs, hearers: Vec<(String, String)>) -> Self {
        let ids = Ids::new(clock.now());
        Self(Arc::new(Topics {
            clock,
            ids,
            sqs,
            hearers,
        }))
    }

    /// Publishes to the topic of this ARN; how many queues heard it.
    pub fn publish(&self, topic: &str, message: &str) -> Result<usize, PublishError> {
        let Topics {
            clock,
            ids,
            sqs,
            hearers,
        } = &*self.0;
        let envelope = json!({
            "Type": "Notification",
            "MessageId": ids.mint(),
            "TopicArn": topic,
            "Message": message,
            "Timestamp": clock.now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "SignatureVersion": "1",
            "Signature": "ZW11bGF0ZWQ=",
            "SigningCertURL": format!("https://sns.{REGION}.amazonaws.com/emulated.pem"),
            "UnsubscribeURL": format!("https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe"),
        })
        .to_string();
        let mut heard = 0;
        for (_, queue) in hearers.iter().filter(|(id, _)| topic_arn(id) == topic) {
            sqs.send(queue, NewMessage::text(envelope.clone()))?;
            heard += 1;
        }
        if heard == 0 {
            return Err(PublishError::NobodyHears(topic.to_owned()));
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
        Err(PublishError::NobodyHears(_)) => (StatusCode::NOT_FOUND, "NotFound".to_owned()),
        Err(PublishError::Sqs(_)) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            (status, "InternalError".to_owned())
        }
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
    use crate::sqs::Settings;

    #[test]
    fn who_hears_a_topic_gets_what_is_published_there() {
        let clock = SharedClock::new(ManualClock::at(jiff::Timestamp::UNIX_EPOCH));
        let sqs = Sqs::new(clock.clone());
        sqs.create("Heard", Settings::default()).unwrap();
        let hearers = vec![("Topic".to_owned(), "Heard".to_owned())];
        let sns = Sns::new(clock, sqs.clone(), hearers);
        assert_eq!(sns.publish(&topic_arn("Topic"), "word").unwrap(), 1);
        assert!(sns.publish(&topic_arn("Other"), "word").is_err());
        let heard = sqs.peek("Heard").unwrap();
        assert_eq!(heard.len(), 1);
        let envelope: serde_json::Value = serde_json::from_str(&heard[0].1).unwrap();
        assert_eq!(envelope["Message"], "word");
        assert_eq!(envelope["TopicArn"], topic_arn("Topic"));
    }
}
