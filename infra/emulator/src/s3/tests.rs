use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Tag, Tagging};
use platform::clock::{ManualClock, SharedClock};
use serde_json::Value;

use crate::aws::Aws;
use crate::template::tests::small;

struct World {
    aws: Aws,
    bucket: String,
    client: Client,
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::at("2026-11-24T09:00:00Z".parse().unwrap());
        let aws = Aws::start(&small(), SharedClock::new(clock)).await.unwrap();
        Self {
            bucket: aws.bucket_name("FilesBucket").unwrap(),
            client: Client::new(&aws.sdk_config()),
            aws,
        }
    }

    async fn put(&self, key: &str, body: &'static [u8]) {
        let put = self.client.put_object().bucket(&self.bucket).key(key);
        put.body(ByteStream::from_static(body))
            .send()
            .await
            .unwrap();
    }

    /// The events that the queue heard of, oldest first.
    fn heard(&self) -> Vec<Value> {
        let messages = self.aws.sqs.receive("ImportQueue", 10, None).unwrap();
        let event = |body: &str| serde_json::from_str::<Value>(body).unwrap()["Records"][0].clone();
        messages
            .iter()
            .map(|message| event(&message.body))
            .collect()
    }
}

#[tokio::test]
async fn a_presigned_put_stores_the_object_and_tells_the_queue() {
    let world = World::new().await;
    let minute = PresigningConfig::expires_in(std::time::Duration::from_secs(60)).unwrap();
    let put = world
        .client
        .put_object()
        .bucket(&world.bucket)
        .key("incoming/a b+é.csv");
    let presigned = put.presigned(minute).await.unwrap();
    let http = reqwest::Client::new();
    let response = http
        .put(presigned.uri())
        .body("phone\n")
        .send()
        .await
        .unwrap();
    assert!(response.status().is_success());

    let tampered = presigned.uri().replace("incoming", "outgoing");
    let response = http.put(tampered).body("phone\n").send().await.unwrap();
    assert_eq!(response.status(), 403);

    let heard = world.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0]["eventSource"], "aws:s3");
    assert_eq!(heard[0]["eventName"], "ObjectCreated:Put");
    assert_eq!(heard[0]["eventTime"], "2026-11-24T09:00:00.000Z");
    assert_eq!(heard[0]["awsRegion"], "ap-southeast-3");
    assert_eq!(heard[0]["s3"]["bucket"]["name"], world.bucket);
    let object = &heard[0]["s3"]["object"];
    assert_eq!(object["key"], "incoming/a+b%2B%C3%A9.csv");
    assert_eq!(object["size"], 6);
    assert_eq!(object["eTag"].as_str().unwrap().len(), 32);

    let get = world
        .client
        .get_object()
        .bucket(&world.bucket)
        .key("incoming/a b+é.csv");
    let body = get.send().await.unwrap().body.collect().await.unwrap();
    assert_eq!(body.into_bytes(), "phone\n");
}

#[tokio::test]
async fn a_presigned_put_takes_only_the_length_and_type_it_was_signed_for() {
    let world = World::new().await;
    let minute = PresigningConfig::expires_in(std::time::Duration::from_secs(60)).unwrap();
    let put = world
        .client
        .put_object()
        .bucket(&world.bucket)
        .key("incoming/1.csv");
    let put = put.content_type("text/csv").content_length(6);
    let presigned = put.presigned(minute).await.unwrap();
    let http = reqwest::Client::new();
    let upload = async |kind: &str, body: &'static str| {
        let put = http
            .put(presigned.uri())
            .header("content-type", kind)
            .body(body);
        put.send().await.unwrap().status().as_u16()
    };
    assert_eq!(upload("text/html", "phone\n").await, 403);
    assert_eq!(upload("text/csv", "phone\n+62\n").await, 403);
    assert_eq!(upload("text/csv", "phone\n").await, 200);
    assert_eq!(world.heard().len(), 1);
}

#[tokio::test]
async fn only_keys_below_the_prefix_are_told_of_in_rising_order() {
    let world = World::new().await;
    world.put("reports/1.json", b"{}").await;
    world.put("incoming/1.csv", b"a").await;
    world.put("incoming/2.csv", b"b").await;
    let copy = world
        .client
        .copy_object()
        .bucket(&world.bucket)
        .key("incoming/3.csv");
    let source = format!("{}/incoming/1.csv", world.bucket);
    copy.copy_source(source).send().await.unwrap();

    let heard = world.heard();
    let names: Vec<_> = heard
        .iter()
        .map(|event| event["eventName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "ObjectCreated:Put",
            "ObjectCreated:Put",
            "ObjectCreated:Copy"
        ]
    );
    let sequencer = |event: &Value| {
        event["s3"]["object"]["sequencer"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        heard
            .windows(2)
            .all(|pair| sequencer(&pair[0]) < sequencer(&pair[1]))
    );
}

#[tokio::test]
async fn a_multipart_upload_is_told_of_once_when_it_is_complete() {
    let world = World::new().await;
    let (client, bucket, key) = (&world.client, &world.bucket, "incoming/large.csv");
    let created = client
        .create_multipart_upload()
        .bucket(bucket)
        .key(key)
        .send()
        .await
        .unwrap();
    let upload = created.upload_id.unwrap();
    let mut parts = CompletedMultipartUpload::builder();
    for (number, size) in [(1, 5 * 1024 * 1024), (2, 10)] {
        let part = client
            .upload_part()
            .bucket(bucket)
            .key(key)
            .upload_id(&upload);
        let part = part
            .part_number(number)
            .body(vec![b'x'; size].into())
            .send()
            .await
            .unwrap();
        let done = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(part.e_tag);
        parts = parts.parts(done.build());
    }
    assert!(world.heard().is_empty());
    let complete = client
        .complete_multipart_upload()
        .bucket(bucket)
        .key(key)
        .upload_id(upload);
    complete
        .multipart_upload(parts.build())
        .send()
        .await
        .unwrap();

    let heard = world.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(
        heard[0]["eventName"],
        "ObjectCreated:CompleteMultipartUpload"
    );
    assert_eq!(heard[0]["s3"]["object"]["size"], 5 * 1024 * 1024 + 10);
}

#[tokio::test]
async fn tags_stay_until_the_object_is_replaced() {
    let world = World::new().await;
    let tags = async || {
        let get = world
            .client
            .get_object_tagging()
            .bucket(&world.bucket)
            .key("media/1");
        let tags = get.send().await.unwrap().tag_set;
        tags.into_iter()
            .map(|tag| (tag.key, tag.value))
            .collect::<Vec<_>>()
    };
    world.put("media/1", b"image").await;
    let verdict = Tag::builder()
        .key("verdict")
        .value("clean")
        .build()
        .unwrap();
    let tagging = Tagging::builder().tag_set(verdict).build().unwrap();
    let put = world
        .client
        .put_object_tagging()
        .bucket(&world.bucket)
        .key("media/1");
    put.tagging(tagging).send().await.unwrap();
    assert_eq!(tags().await, [("verdict".to_owned(), "clean".to_owned())]);
    world.put("media/1", b"another").await;
    assert!(tags().await.is_empty());
}
