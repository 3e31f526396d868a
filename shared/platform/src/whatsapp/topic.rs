//! What WhatsApp tells of an account that is linked to Amazon: the same updates,
//! inside an event, inside a notification of a topic (AWS, "Message and event
//! format in AWS End User Messaging Social").
//!
//! Nothing signs it for us. It is believed because of the way it came: only the
//! topic may invoke the function that hears it, and only Amazon's service may
//! publish to the topic, for this account. Both are written in the template; here
//! the names are compared once more.

use serde::Deserialize;
use serde_json::Value;

use super::signature::VerifiedBody;

/// The topic that this service listens to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Topic {
    arn: String,
    /// The number of the AWS account.
    account: String,
}

/// A notification as the topic hands it to a function.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Notification {
    r#type: String,
    topic_arn: String,
    message: String,
}

/// Tells nothing about what people wrote.
impl std::fmt::Debug for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Notification({})", self.r#type)
    }
}

/// An event, as far as it is looked at.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "whatsAppWebhookEntry")]
    entry: Value,
    /// A text; a number would mean the same.
    #[serde(default)]
    aws_account_id: Value,
}

/// The ARN names no topic.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected arn:aws:sns:<region>:<account>:<name>")]
pub struct NoTopic;

/// A notification that is not Amazon's word for this account.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unbelieved {
    /// It speaks for another AWS account.
    #[error("event is of another account")]
    Account,
    /// It is no notification of the topic.
    #[error("notification is of another topic")]
    Topic,
}

impl std::str::FromStr for Topic {
    type Err = NoTopic;

    fn from_str(arn: &str) -> Result<Self, NoTopic> {
        match arn.split(':').collect::<Vec<_>>()[..] {
            ["arn", _, "sns", _, account, name] if !account.is_empty() && !name.is_empty() => {
                Ok(Self {
                    arn: arn.to_owned(),
                    account: account.to_owned(),
                })
            }
            _ => Err(NoTopic),
        }
    }
}

impl Topic {
    /// The updates in a notification, as Meta would have posted them. What is no
    /// event comes as it is, to be kept for a person to look at.
    pub fn believe(&self, notification: Notification) -> Result<VerifiedBody, Unbelieved> {
        if notification.r#type != "Notification" || notification.topic_arn != self.arn {
            return Err(Unbelieved::Topic);
        }
        let Ok(event) = serde_json::from_str::<Event>(&notification.message) else {
            return Ok(VerifiedBody::vouched(notification.message.into_bytes()));
        };
        let is_ours = match &event.aws_account_id {
            // The topic is ours, and nobody else may publish to it.
            Value::Null => true,
            Value::String(account) => *account == self.account,
            Value::Number(account) => account.to_string() == self.account,
            Value::Array(_) | Value::Bool(_) | Value::Object(_) => false,
        };
        if !is_ours {
            return Err(Unbelieved::Account);
        }
        // As it was written, so that a broken entry is mended or kept like any.
        let entry = match event.entry {
            Value::String(entry) => entry,
            entry => entry.to_string(),
        };
        let body = format!(r#"{{"object":"whatsapp_business_account","entry":[{entry}]}}"#);
        Ok(VerifiedBody::vouched(body.into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:sns:ap-southeast-3:123456789012:izin-heard";

    fn believe(notification: Value) -> Result<String, Unbelieved> {
        let topic: Topic = ARN.parse().unwrap();
        let body = topic.believe(serde_json::from_value(notification).unwrap())?;
        Ok(String::from_utf8(body.bytes().to_vec()).unwrap())
    }

    fn notification(message: &Value) -> Value {
        let message = message.to_string();
        json!({"Type": "Notification", "TopicArn": ARN, "Message": message, "MessageId": "1"})
    }

    #[test]
    fn an_event_is_what_meta_would_have_posted() {
        let entry = r#"{"id":"2","changes":[]}"#;
        let event = json!({
            "context": {"MetaWabaIds": [], "MetaPhoneNumberIds": []},
            "whatsAppWebhookEntry": entry,
            "aws_account_id": "123456789012",
            "message_timestamp": "2025-01-08T23:30:43.271279391Z",
        });
        let body = believe(notification(&event)).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["entry"][0]["id"], "2");
    }

    #[test]
    fn nobody_else_is_believed() {
        let event = json!({"whatsAppWebhookEntry": "{}", "aws_account_id": "210987654321"});
        assert_eq!(believe(notification(&event)), Err(Unbelieved::Account));
        let ours = json!({"whatsAppWebhookEntry": "{}", "aws_account_id": 123_456_789_012_u64});
        assert!(believe(notification(&ours)).is_ok());
        let mut other = notification(&json!({"whatsAppWebhookEntry": "{}"}));
        assert!(believe(other.clone()).is_ok());
        other["TopicArn"] = format!("{ARN}-2").into();
        assert_eq!(believe(other), Err(Unbelieved::Topic));
        let mut asks = notification(&json!({"whatsAppWebhookEntry": "{}"}));
        asks["Type"] = "SubscriptionConfirmation".into();
        assert_eq!(believe(asks), Err(Unbelieved::Topic));
    }

    #[test]
    fn what_is_no_event_is_kept_as_it_is() {
        let mut test = notification(&json!({}));
        test["Message"] = "a test".into();
        assert_eq!(believe(test), Ok("a test".to_owned()));
        assert_eq!("arn:aws:sqs:a:1:b".parse::<Topic>(), Err(NoTopic));
        assert_eq!("arn:aws:sns:a::b".parse::<Topic>(), Err(NoTopic));
    }
}
