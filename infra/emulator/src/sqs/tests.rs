//! What a standard queue must do, asked through the unmodified SDK.

mod limits;
mod time;

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use platform::clock::ManualClock;
use tokio::task::JoinSet;

use super::*;
use crate::aws::Aws;
use crate::template::Template;

/// One queue, `work`, with a dead-letter queue, `parked`.
struct World {
    aws: Aws,
    client: Client,
    clock: ManualClock,
    queue: String,
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::at("2026-11-24T09:00:00Z".parse().unwrap());
        let shared = SharedClock::new(clock.clone());
        let aws = Aws::start(&Template::default(), shared).await.unwrap();
        let client = Client::new(&aws.sdk_config());
        client
            .create_queue()
            .queue_name("parked")
            .send()
            .await
            .unwrap();
        let redrive = format!(
            r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":"2"}}"#,
            queue_arn("parked")
        );
        let created = client.create_queue().queue_name("work");
        let created = created.attributes(QueueAttributeName::RedrivePolicy, redrive);
        let queue = created.send().await.unwrap().queue_url.unwrap();
        Self {
            aws,
            client,
            clock,
            queue,
        }
    }

    async fn send(&self, body: &str) -> String {
        let sent = self
            .client
            .send_message()
            .queue_url(&self.queue)
            .message_body(body);
        sent.send().await.unwrap().message_id.unwrap()
    }

    async fn receive(&self) -> Vec<Message> {
        let receive = self.client.receive_message().queue_url(&self.queue);
        let receive = receive
            .max_number_of_messages(10)
            .message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    fn depth(&self) -> Depth {
        self.aws.sqs.depth("work").unwrap()
    }
}

fn receives(message: &Message) -> &str {
    &message.attributes.as_ref().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount]
}

fn receipt(message: &Message) -> &str {
    message.receipt_handle.as_deref().unwrap()
}

fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> &str {
    error.code().unwrap()
}

#[tokio::test]
async fn a_message_is_sent_received_and_deleted() {
    let world = World::new().await;
    let id = world.send("hello").await;
    let messages = world.receive().await;
    assert_eq!(messages[0].message_id.as_deref(), Some(id.as_str()));
    assert_eq!(messages[0].body.as_deref(), Some("hello"));
    assert_eq!(
        messages[0].md5_of_body.as_deref(),
        Some("5d41402abc4b2a76b9719d911017c592")
    );
    assert_eq!(receives(&messages[0]), "1");
    assert_eq!(world.depth().in_flight, 1);

    let delete = world.client.delete_message().queue_url(&world.queue);
    delete
        .receipt_handle(receipt(&messages[0]))
        .send()
        .await
        .unwrap();
    assert_eq!(world.depth(), Depth::default());
}

#[tokio::test]
async fn a_message_received_too_often_is_parked_with_its_source() {
    let world = World::new().await;
    let id = world.send("poison").await;
    for expected in ["1", "2"] {
        let messages = world.receive().await;
        assert_eq!(receives(&messages[0]), expected);
        world.advance(30);
    }
    assert!(world.receive().await.is_empty());
    assert_eq!(world.depth(), Depth::default());

    let parked = world.aws.queue_url("parked");
    let receive = world.client.receive_message().queue_url(parked);
    let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
    let messages = receive.send().await.unwrap().messages.unwrap();
    assert_eq!(messages[0].message_id.as_deref(), Some(id.as_str()));
    let source = &messages[0].attributes.as_ref().unwrap()
        [&MessageSystemAttributeName::DeadLetterQueueSourceArn];
    assert_eq!(source, "arn:aws:sqs:ap-southeast-3:000000000000:work");
}

#[tokio::test]
async fn message_attributes_come_back_with_their_digest() {
    let world = World::new().await;
    let text = MessageAttributeValue::builder()
        .data_type("String")
        .string_value("söö");
    let bytes = aws_sdk_sqs::primitives::Blob::new([0, 159, 255]);
    let bytes = MessageAttributeValue::builder()
        .data_type("Binary.raw")
        .binary_value(bytes);
    let send = world
        .client
        .send_message()
        .queue_url(&world.queue)
        .message_body("x");
    let send = send
        .message_attributes("trace.id", text.build().unwrap())
        .message_attributes("raw", bytes.build().unwrap());
    let sent = send.send().await.unwrap();
    // Computed by an independent implementation of the published algorithm.
    let digest = Some("7851c79a4849cb35910c776c8a374392");
    assert_eq!(sent.md5_of_message_attributes.as_deref(), digest);
    let receive = world.client.receive_message().queue_url(&world.queue);
    let received = receive.message_attribute_names("All").send().await.unwrap();
    let message = &received.messages.unwrap()[0];
    assert_eq!(
        message.md5_of_message_attributes,
        sent.md5_of_message_attributes
    );
    let attributes = message.message_attributes.as_ref().unwrap();
    assert_eq!(attributes["trace.id"].string_value.as_deref(), Some("söö"));
    assert_eq!(
        attributes["raw"].binary_value.as_ref().unwrap().as_ref(),
        [0, 159, 255]
    );
}

#[tokio::test]
async fn a_batch_is_sent_changed_and_deleted_entry_by_entry() {
    let world = World::new().await;
    let entry = |n: u32| {
        let entry = SendMessageBatchRequestEntry::builder().id(format!("e{n}"));
        entry.message_body(format!("m{n}")).build().unwrap()
    };
    let send = world.client.send_message_batch().queue_url(&world.queue);
    let sent = send
        .set_entries(Some((0..10).map(entry).collect()))
        .send()
        .await
        .unwrap();
    assert_eq!((sent.successful.len(), sent.failed.len()), (10, 0));

    let messages = world.receive().await;
    assert_eq!(messages.len(), 10);
    let change = |(n, message): (usize, &Message)| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(n.to_string());
        entry
            .receipt_handle(receipt(message))
            .visibility_timeout(0)
            .build()
            .unwrap()
    };
    let changes = messages[..4].iter().enumerate().map(change).collect();
    let changed = world
        .client
        .change_message_visibility_batch()
        .queue_url(&world.queue);
    let changed = changed.set_entries(Some(changes)).send().await.unwrap();
    assert_eq!(changed.successful.len(), 4);
    assert_eq!((world.depth().visible, world.depth().in_flight), (4, 6));

    let delete = |(n, receipt): (usize, &str)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
        entry.receipt_handle(receipt).build().unwrap()
    };
    let receipts = messages[4..].iter().map(receipt).chain(["nonsense"]);
    let deletes = receipts.enumerate().map(delete).collect();
    let deleted = world.client.delete_message_batch().queue_url(&world.queue);
    let deleted = deleted.set_entries(Some(deletes)).send().await.unwrap();
    assert_eq!((deleted.successful.len(), deleted.failed.len()), (6, 1));
    assert_eq!(deleted.failed[0].code, "ReceiptHandleIsInvalid");
    assert_eq!(world.depth().total(), 4);
}

#[tokio::test]
async fn attributes_tell_settings_and_counts() {
    let world = World::new().await;
    world.send("one").await;
    world.send("two").await;
    world
        .client
        .receive_message()
        .queue_url(&world.queue)
        .send()
        .await
        .unwrap();
    let ask = world.client.get_queue_attributes().queue_url(&world.queue);
    let asked = ask
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .unwrap();
    let attributes = asked.attributes.unwrap();
    let read = |name: QueueAttributeName| attributes[&name].clone();
    assert_eq!(read(QueueAttributeName::ApproximateNumberOfMessages), "1");
    assert_eq!(
        read(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        "1"
    );
    assert_eq!(read(QueueAttributeName::VisibilityTimeout), "30");
    assert!(read(QueueAttributeName::RedrivePolicy).contains("parked"));

    let set = world.client.set_queue_attributes().queue_url(&world.queue);
    let set = set.attributes(QueueAttributeName::VisibilityTimeout, "60");
    set.send().await.unwrap();
    assert_eq!(
        world.aws.sqs.settings("work").unwrap().visibility,
        SignedDuration::from_mins(1)
    );
}

#[tokio::test]
async fn queues_are_found_listed_purged_and_removed() {
    let world = World::new().await;
    world.send("gone soon").await;
    let found = world
        .client
        .get_queue_url()
        .queue_name("work")
        .send()
        .await
        .unwrap();
    assert_eq!(found.queue_url.as_deref(), Some(world.queue.as_str()));
    let listed = world.client.list_queues().send().await.unwrap();
    assert_eq!(listed.queue_urls.unwrap().len(), 2);
    world
        .client
        .purge_queue()
        .queue_url(&world.queue)
        .send()
        .await
        .unwrap();
    assert_eq!(world.depth().total(), 0);
    world
        .client
        .delete_queue()
        .queue_url(&world.queue)
        .send()
        .await
        .unwrap();
    let gone = world
        .client
        .get_queue_url()
        .queue_name("work")
        .send()
        .await
        .unwrap_err();
    assert!(gone.as_service_error().unwrap().is_queue_does_not_exist());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_receivers_get_every_message_once() {
    let world = Arc::new(World::new().await);
    for n in 0..500 {
        let message = NewMessage::text(format!("m{n}"));
        world.aws.sqs.send("work", message).unwrap();
    }
    let mut receivers = JoinSet::new();
    for _ in 0..64 {
        let world = Arc::clone(&world);
        receivers.spawn(async move {
            let mut seen = Vec::new();
            loop {
                let messages = world.receive().await;
                if messages.is_empty() {
                    return seen;
                }
                seen.extend(messages.into_iter().filter_map(|message| message.body));
            }
        });
    }
    let seen: Vec<_> = receivers.join_all().await.concat();
    assert_eq!(seen.len(), 500);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>().len(), 500);
}

#[tokio::test]
async fn a_queue_of_a_hundred_thousand_is_emptied_in_order() {
    let world = World::new().await;
    for n in 0..100_000 {
        let message = NewMessage::text(n.to_string());
        world.aws.sqs.send("work", message).unwrap();
    }
    let mut received = 0;
    loop {
        let messages = world.aws.sqs.receive("work", 10, None).unwrap();
        if messages.is_empty() {
            break;
        }
        for message in messages {
            assert_eq!(message.body, received.to_string());
            received += 1;
            world.aws.sqs.delete("work", &message.receipt).unwrap();
        }
    }
    assert_eq!(received, 100_000);
}
