//! What SQS refuses, and under which name.

use super::*;

/// Sends a batch and gives the error it must end in.
async fn refused(world: &World, entries: Vec<(String, String)>) -> String {
    let entry = |(id, body): (String, String)| {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(body);
        entry.build().unwrap()
    };
    let entries = entries.into_iter().map(entry).collect();
    let send = world.client.send_message_batch().queue_url(&world.queue);
    let error = send.set_entries(Some(entries)).send().await.unwrap_err();
    code(&error).to_owned()
}

#[tokio::test]
async fn batches_have_one_to_ten_distinct_entries() {
    let world = World::new().await;
    let entries = |count: u32| {
        (0..count)
            .map(|n| (n.to_string(), "x".to_owned()))
            .collect()
    };
    let check = async |entries, expected: &str| {
        assert_eq!(
            refused(&world, entries).await,
            format!("AWS.SimpleQueueService.{expected}")
        );
    };
    check(entries(11), "TooManyEntriesInBatchRequest").await;
    check(entries(0), "EmptyBatchRequest").await;
    let twice = vec![("a".to_owned(), "x".to_owned()); 2];
    check(twice, "BatchEntryIdsNotDistinct").await;
    check(
        vec![("a b".to_owned(), "x".to_owned())],
        "InvalidBatchEntryId",
    )
    .await;
    assert_eq!(world.depth().total(), 0);
}

#[tokio::test]
async fn a_message_and_a_batch_hold_one_mebibyte() {
    let world = World::new().await;
    let mebibyte = "x".repeat(MAX_BYTES);
    world.send(&mebibyte).await;
    assert_eq!(
        world.receive().await[0].body.as_ref().unwrap().len(),
        MAX_BYTES
    );

    let send = world.client.send_message().queue_url(&world.queue);
    let error = send
        .message_body(format!("{mebibyte}x"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&error), "InvalidParameterValue");

    let half = "x".repeat(MAX_BYTES / 2);
    let entries = vec![
        ("a".to_owned(), half.clone()),
        ("b".to_owned(), format!("{half}x")),
    ];
    let expected = "AWS.SimpleQueueService.BatchRequestTooLong";
    assert_eq!(refused(&world, entries).await, expected);
}

#[tokio::test]
async fn a_receive_asks_for_one_to_ten() {
    let world = World::new().await;
    for max in [0, 11] {
        let receive = world.client.receive_message().queue_url(&world.queue);
        let error = receive
            .max_number_of_messages(max)
            .send()
            .await
            .unwrap_err();
        assert_eq!(code(&error), "InvalidParameterValue");
    }
}

#[tokio::test]
async fn an_unknown_queue_and_a_strange_receipt_are_told_apart() {
    let world = World::new().await;
    let send = world
        .client
        .send_message()
        .queue_url(world.aws.queue_url("nowhere"));
    let error = send.message_body("x").send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_queue_does_not_exist());

    let delete = world.client.delete_message().queue_url(&world.queue);
    let error = delete.receipt_handle("nonsense").send().await.unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_receipt_handle_is_invalid()
    );
}

#[tokio::test]
async fn bodies_are_what_xml_allows() {
    let world = World::new().await;
    let send = world.client.send_message().queue_url(&world.queue);
    let error = send.message_body("a\u{0}b").send().await.unwrap_err();
    assert!(
        error
            .as_service_error()
            .unwrap()
            .is_invalid_message_contents()
    );
    let send = world.client.send_message().queue_url(&world.queue);
    let error = send.message_body("").send().await.unwrap_err();
    assert_eq!(code(&error), "MissingParameter");
}

#[tokio::test]
async fn fifo_queues_and_changed_settings_are_refused() {
    let world = World::new().await;
    let create = world
        .client
        .create_queue()
        .queue_name("x.fifo")
        .send()
        .await
        .unwrap_err();
    assert!(
        create
            .as_service_error()
            .unwrap()
            .is_unsupported_operation()
    );
    let create = world
        .client
        .create_queue()
        .queue_name("work")
        .send()
        .await
        .unwrap_err();
    assert!(create.as_service_error().unwrap().is_queue_name_exists());
}
