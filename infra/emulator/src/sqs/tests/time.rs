//! Delay, visibility, retention and waiting.

use super::*;

#[tokio::test]
async fn a_delayed_message_shows_when_its_time_has_come() {
    let world = World::new().await;
    let send = world
        .client
        .send_message()
        .queue_url(&world.queue)
        .message_body("later");
    send.delay_seconds(60).send().await.unwrap();
    assert_eq!(world.depth().delayed, 1);
    world.advance(59);
    assert!(world.receive().await.is_empty());
    world.advance(1);
    assert_eq!(world.receive().await.len(), 1);

    let send = world
        .client
        .send_message()
        .queue_url(&world.queue)
        .message_body("x");
    let error = send.delay_seconds(901).send().await.unwrap_err();
    assert_eq!(code(&error), "InvalidParameterValue");
}

#[tokio::test]
async fn an_unfinished_message_comes_back_with_a_new_receipt() {
    let world = World::new().await;
    world.send("again").await;
    let first = world.receive().await;
    world.advance(29);
    assert!(world.receive().await.is_empty());
    world.advance(1);
    let second = world.receive().await;
    assert_eq!(receives(&second[0]), "2");
    assert_ne!(receipt(&first[0]), receipt(&second[0]));

    // The old receipt deletes nothing, and SQS does not say so.
    let delete = world.client.delete_message().queue_url(&world.queue);
    delete
        .receipt_handle(receipt(&first[0]))
        .send()
        .await
        .unwrap();
    assert_eq!(world.depth().in_flight, 1);
}

#[tokio::test]
async fn visibility_is_changed_while_a_message_is_hidden() {
    let world = World::new().await;
    world.send("slow").await;
    let messages = world.receive().await;
    let change = |seconds| {
        let change = world
            .client
            .change_message_visibility()
            .queue_url(&world.queue);
        let change = change.receipt_handle(receipt(&messages[0]));
        change.visibility_timeout(seconds).send()
    };
    change(600).await.unwrap();
    world.advance(599);
    assert!(world.receive().await.is_empty());
    change(0).await.unwrap();
    let error = change(10).await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_message_not_inflight());
    assert_eq!(world.receive().await.len(), 1);
    let error = change(10).await.unwrap_err();
    assert_eq!(code(&error), "InvalidParameterValue");
}

#[tokio::test]
async fn messages_are_forgotten_after_their_retention() {
    let world = World::new().await;
    world.send("old").await;
    world.advance(4 * 24 * 3600 - 1);
    assert_eq!(world.depth().visible, 1);
    world.advance(1);
    assert_eq!(world.depth().visible, 0);
    assert!(world.receive().await.is_empty());
}

#[tokio::test]
async fn a_poll_of_an_empty_queue_holds_until_its_time_is_over() {
    let world = World::new().await;
    let before = world.aws.clock().now();
    let poll = world
        .client
        .receive_message()
        .queue_url(&world.queue)
        .wait_time_seconds(20);
    let received = poll.send().await.unwrap();
    assert!(received.messages.is_none());
    // The manual clock moves only because somebody waited for it.
    assert_eq!(
        world.aws.clock().now(),
        before + SignedDuration::from_secs(20)
    );
}

#[tokio::test]
async fn a_poll_wakes_when_a_delayed_message_is_due() {
    let world = World::new().await;
    let send = world
        .client
        .send_message()
        .queue_url(&world.queue)
        .message_body("due");
    send.delay_seconds(5).send().await.unwrap();
    let before = world.aws.clock().now();
    let poll = world
        .client
        .receive_message()
        .queue_url(&world.queue)
        .wait_time_seconds(20);
    assert_eq!(poll.send().await.unwrap().messages.unwrap().len(), 1);
    assert_eq!(
        world.aws.clock().now(),
        before + SignedDuration::from_secs(5)
    );
}

#[tokio::test]
async fn a_waiting_poll_wakes_at_once_when_a_message_arrives() {
    let clock = SharedClock::system();
    let sqs = Sqs::new(clock.clone());
    sqs.create("work", Settings::default()).unwrap();
    let before = clock.now();
    let poll = sqs.poll("work", 1, None, SignedDuration::from_secs(20));
    let send = async {
        // The poll is waiting by now: it was polled first.
        sqs.send("work", NewMessage::text("here")).unwrap();
    };
    let (received, ()) = tokio::join!(poll, send);
    assert_eq!(received.unwrap().len(), 1);
    assert!(clock.now().duration_since(before) < SignedDuration::from_secs(5));
}
