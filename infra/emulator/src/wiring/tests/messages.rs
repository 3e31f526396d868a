use super::*;
use crate::sqs::Depth;

#[tokio::test]
async fn a_batch_has_the_shape_lambda_gives_it() {
    let world = World::new("SendFunction", |_| Ok(Value::Null)).await;
    world.send("SendQueue", &["one", "two", "three", "four"]);
    let delivered = world.wiring.step("SendQueue").await.unwrap();
    assert_eq!(
        delivered,
        Delivered {
            messages: 3,
            failed: 0
        }
    );

    let record = &world.seen()[0]["Records"][0];
    assert_eq!(record["body"], "one");
    assert_eq!(record["md5OfBody"], "f97c5d29941bfb1b2fdab0874906ab82");
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(
        record["eventSourceARN"],
        "arn:aws:sqs:ap-southeast-3:000000000000:SendQueue"
    );
    assert_eq!(record["awsRegion"], "ap-southeast-3");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(record["attributes"]["SentTimestamp"], "1795510800000");
    assert_eq!(record["messageId"].as_str().unwrap().len(), 36);
    assert!(record["receiptHandle"].is_string());

    let rest = world.wiring.run_until_idle().await.unwrap();
    assert_eq!(
        rest,
        Delivered {
            messages: 1,
            failed: 0
        }
    );
    assert_eq!(world.bodies(), [vec!["one", "two", "three"], vec!["four"]]);
    assert_eq!(world.aws.sqs.depth("SendQueue").unwrap(), Depth::default());
}

/// Delivers three messages, lets the function answer with what `answer` makes
/// of the second one's id, and says how many of the three remain.
async fn remaining(answer: fn(&str) -> Value) -> usize {
    let world = World::new("SendFunction", move |event| {
        Ok(answer(event["Records"][1]["messageId"].as_str().unwrap()))
    });
    let world = world.await;
    world.send("SendQueue", &["a", "b", "c"]);
    let delivered = world.wiring.step("SendQueue").await.unwrap();
    let depth = world.aws.sqs.depth("SendQueue").unwrap();
    assert_eq!((depth.visible, depth.in_flight), (0, delivered.failed));
    delivered.failed
}

#[tokio::test]
async fn partial_answers_are_read_as_lambda_reads_them() {
    type Answer = fn(&str) -> Value;
    let table: [(Answer, usize); 12] = [
        (|_| Value::Null, 0),
        (|_| json!({}), 0),
        (|_| json!({"batchItemFailures": null}), 0),
        (|_| json!({"batchItemFailures": []}), 0),
        (
            |id| json!({"batchItemFailures": [{"itemIdentifier": id}]}),
            1,
        ),
        (
            |id| json!({"batchItemFailures": [{"itemIdentifier": id}, {"itemIdentifier": id}]}),
            1,
        ),
        (
            |_| json!({"batchItemFailures": [{"itemIdentifier": ""}]}),
            3,
        ),
        (
            |_| json!({"batchItemFailures": [{"itemIdentifier": null}]}),
            3,
        ),
        (
            |_| json!({"batchItemFailures": [{"itemIdentifier": "unknown"}]}),
            3,
        ),
        (|id| json!({"batchItemFailures": [{"messageId": id}]}), 3),
        (|_| json!({"batchItemFailures": "all"}), 3),
        (|_| json!("done"), 3),
    ];
    for (n, (answer, expected)) in table.into_iter().enumerate() {
        assert_eq!(remaining(answer).await, expected, "row {n}");
    }
}

#[tokio::test]
async fn without_partial_answers_any_answer_finishes_the_batch() {
    let world = World::new("IngestFunction", |event| {
        let id = &event["Records"][0]["messageId"];
        Ok(json!({"batchItemFailures": [{"itemIdentifier": id}]}))
    });
    let world = world.await;
    world.send("ImportQueue", &["file"]);
    let delivered = world.wiring.step("ImportQueue").await.unwrap();
    assert_eq!(
        delivered,
        Delivered {
            messages: 1,
            failed: 0
        }
    );
}

#[tokio::test]
async fn a_window_ends_with_its_time_or_with_a_full_batch() {
    let world = World::new("IngestFunction", |_| Ok(Value::Null)).await;
    let mapping = &world.wiring.0.mappings[0];
    let later = |seconds| NewMessage {
        delay: Some(SignedDuration::from_secs(seconds)),
        ..NewMessage::text("later")
    };
    let begins = world.aws.clock().now();
    let passed = || world.aws.clock().now().duration_since(begins).as_secs();
    world.send("ImportQueue", &["a", "b"]);
    world.aws.sqs.send("ImportQueue", later(15)).unwrap();
    world.aws.sqs.send("ImportQueue", later(25)).unwrap();
    assert_eq!(world.wiring.gather(mapping).await.unwrap().len(), 3);
    assert_eq!(passed(), 20);

    world.send("ImportQueue", &["1", "2", "3", "4"]);
    assert_eq!(world.wiring.gather(mapping).await.unwrap().len(), 5);
    assert_eq!(passed(), 25);
}

#[tokio::test]
async fn what_keeps_failing_is_parked() {
    let world = World::new("SendFunction", |_| Err(InvocationError::failed("no"))).await;
    world.send("SendQueue", &["poison"]);
    for _ in 0..3 {
        let delivered = world.wiring.run_until_idle().await.unwrap();
        assert_eq!(
            delivered,
            Delivered {
                messages: 1,
                failed: 1
            }
        );
        assert_eq!(
            world.wiring.run_until_idle().await.unwrap(),
            Delivered::default()
        );
        let due = world.wiring.next_due().unwrap().unwrap();
        assert_eq!(
            due.duration_since(world.aws.clock().now()),
            SignedDuration::from_mins(12)
        );
        world.clock.advance(SignedDuration::from_mins(12));
    }
    assert_eq!(
        world.wiring.run_until_idle().await.unwrap(),
        Delivered::default()
    );
    assert_eq!(
        world.aws.sqs.depth("SendDeadLetterQueue").unwrap().visible,
        1
    );
    assert_eq!(world.bodies().len(), 3);
}

#[tokio::test]
async fn a_panic_leaves_the_batch_to_come_again() {
    let world = World::new("SendFunction", |event| {
        match event["Records"][0]["body"].as_str() {
            Some("bug") => panic!("a bug"),
            _ => Ok(Value::Null),
        }
    });
    let world = world.await;
    world.send("SendQueue", &["bug"]);
    let delivered = world.wiring.step("SendQueue").await.unwrap();
    assert_eq!(
        delivered,
        Delivered {
            messages: 1,
            failed: 1
        }
    );
    assert_eq!(world.aws.sqs.depth("SendQueue").unwrap().in_flight, 1);
}

#[tokio::test]
async fn an_uploaded_file_reaches_the_function() {
    let world = World::new("IngestFunction", |_| Ok(Value::Null)).await;
    let client = aws_sdk_s3::Client::new(&world.aws.sdk_config());
    let minute = std::time::Duration::from_secs(60);
    let minute = aws_sdk_s3::presigning::PresigningConfig::expires_in(minute).unwrap();
    let bucket = &world.aws.environment("IngestFunction").unwrap()["IZIN_FILES_BUCKET"];
    let put = client.put_object().bucket(bucket).key("incoming/imp_1.csv");
    let presigned = put.presigned(minute).await.unwrap();
    let upload = reqwest::Client::new()
        .put(presigned.uri())
        .body("phone\n+62\n");
    assert!(upload.send().await.unwrap().status().is_success());

    let delivered = world.wiring.run_until_idle().await.unwrap();
    assert_eq!(
        delivered,
        Delivered {
            messages: 1,
            failed: 0
        }
    );
    let told: Value = serde_json::from_str(&world.bodies()[0][0]).unwrap();
    assert_eq!(
        told["Records"][0]["s3"]["object"]["key"],
        "incoming/imp_1.csv"
    );
}
