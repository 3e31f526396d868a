//! What Lambda wrote of an invocation that failed three times or grew too old (AWS,
//! "Capturing records of Lambda asynchronous invocations").

use platform::whatsapp::topic::Notification;
use serde::Deserialize;
use serde_json::Value;

use super::Event;

/// The key of a record: `aws/lambda/async/<function>/YYYY/MM/DD/<time>-<UUID>`.
/// Nothing in it comes from outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RecordName<'a>(&'a str);

impl<'a> RecordName<'a> {
    /// `key` as S3 tells it, if Lambda would name a record so. Nothing in such a key
    /// is written otherwise in an event than in the bucket.
    pub(super) fn parse(key: &'a str) -> Option<Self> {
        let ["aws", "lambda", "async", function, year, month, day, record] =
            key.split('/').collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let is_name = |name: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            !name.is_empty() && name.len() <= 140 && name.chars().all(plain)
        };
        let (time, id) = record.split_at_checked("YYYY-MM-DDTHH.MM.SS".len())?;
        let id = id.strip_prefix('-')?;
        let hexadecimal = |c: char| c.is_ascii_hexdigit() || c == '-';
        let is_record = is_name(function)
            && fits(year, "0000")
            && fits(month, "00")
            && fits(day, "00")
            && fits(time, "0000-00-00T00.00.00")
            && id.len() == 36
            && id.chars().all(hexadecimal);
        is_record.then_some(Self(key))
    }

    /// The key.
    pub(super) fn key(self) -> &'a str {
        self.0
    }
}

/// Whether `text` has a digit wherever `shape` has a zero, and else the same.
fn fits(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text
            .chars()
            .zip(shape.chars())
            .all(|(found, wanted)| match wanted {
                '0' => found.is_ascii_digit(),
                wanted => found == wanted,
            })
}

/// A record of an invocation by the topic.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) notifications: Vec<Notification>,
}

/// An object that is no such record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Foreign;

/// A record, as far as it is looked at. Why it was given up does not matter.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    request_payload: Value,
}

impl Record {
    /// Reads the bytes of an object.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Foreign> {
        let written: Written = serde_json::from_slice(bytes).map_err(|_| Foreign)?;
        match Event::read(written.request_payload) {
            Ok(Event::Told(notifications)) => Ok(Self { notifications }),
            Ok(Event::Named(_)) | Err(_) => Err(Foreign),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const KEY: &str = "aws/lambda/async/izin-SocialFunction-1a2B/2026/11/24/2026-11-24T03.00.01-6d69f07a-c317-4278-9d5c-6a84078419ec";

    #[test]
    fn lambda_names_a_record_by_function_and_time() {
        assert_eq!(RecordName::parse(KEY).unwrap().key(), KEY);
        for key in [
            "",
            "aws/lambda/async/",
            "inbound/a.json",
            "aws/lambda/async/f/2026/11/24/+6281234567890",
            &KEY.replace("izin", ""),
            &KEY.replace("2026/11", "2026/1"),
            &KEY.replace("T03", " 03"),
            &KEY.replace("aws", "AWS"),
            &format!("{KEY}0"),
            &format!("x/{KEY}"),
            &KEY.replace("SocialFunction", "Sosi%C3%A9"),
        ] {
            // A function may be called anything, the stack's name left out too.
            let expected = key.contains("/-SocialFunction").then_some(RecordName(key));
            assert_eq!(RecordName::parse(key), expected, "{key}");
        }
    }

    #[test]
    fn a_record_holds_the_event_as_it_was() {
        let record = |payload: Value| {
            let record = json!({
                "version": "1.0", "timestamp": "2026-11-24T03:03:00.000Z",
                "requestContext": {
                    "requestId": "1", "functionArn": "arn:aws:lambda:a:1:function:f:$LATEST",
                    "condition": "RetriesExhausted", "approximateInvokeCount": 3,
                },
                "requestPayload": payload,
                "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
                "responsePayload": {"errorMessage": "no"},
            });
            Record::parse(record.to_string().as_bytes()).map(|record| record.notifications.len())
        };
        let sns = json!({"Type": "Notification", "TopicArn": "t", "Message": "STOP"});
        let told = json!({"Records": [{"EventSource": "aws:sns", "Sns": sns}]});
        assert_eq!(record(told.clone()), Ok(1));
        let named = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1"}]});
        for payload in [Value::Null, json!({}), json!("STOP"), named] {
            assert_eq!(record(payload), Err(Foreign));
        }
        assert_eq!(
            Record::parse(told.to_string().as_bytes()).unwrap_err(),
            Foreign
        );
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(key in "(aws/lambda/async/)?.{0,160}", bytes: Vec<u8>) {
            if let Some(name) = RecordName::parse(&key) {
                prop_assert_eq!(name.key(), key.as_str());
            }
            prop_assert!(Record::parse(&bytes).is_err());
        }
    }
}
