use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};
use jiff::Timestamp;
use platform::clock::{ManualClock, SharedClock};

use super::*;
use crate::aws::Aws;
use crate::client::plain;
use crate::template::tests::small;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

#[tokio::test]
async fn units_are_counted_though_nobody_asked_for_them() {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let aws = Aws::start(&small(), SharedClock::new(clock)).await.unwrap();
    let meter = Meter::default();
    let client = aws_sdk_dynamodb::Client::new(&aws.sdk_config_over(meter.over(plain())));

    // 3,000 bytes are three write units, and one strong read unit.
    let put = || {
        let put = client.put_item().table_name("ContactsTable");
        let put = put.condition_expression("attribute_not_exists(pk)");
        let put = put.item("pk", text("T#1")).item("sk", text("A"));
        put.item("body", text(&"x".repeat(2_900))).send()
    };
    put().await.unwrap();
    put().await.unwrap_err();
    let key = [("pk".to_owned(), text("T#1")), ("sk".to_owned(), text("A"))];
    let get = client
        .get_item()
        .table_name("ContactsTable")
        .consistent_read(true);
    let item = get.set_key(Some(key.clone().into())).send().await.unwrap();
    assert_eq!(item.item.unwrap()["sk"], text("A"));

    let write = PutRequest::builder()
        .item("pk", text("T#1"))
        .item("sk", text("B"));
    let write = WriteRequest::builder()
        .put_request(write.build().unwrap())
        .build();
    let batch = client
        .batch_write_item()
        .request_items("ContactsTable", vec![write]);
    batch.send().await.unwrap();
    let keys = KeysAndAttributes::builder()
        .keys(key.into())
        .build()
        .unwrap();
    let batch = client.batch_get_item().request_items("ContactsTable", keys);
    batch.send().await.unwrap();

    let readings = meter.take();
    assert_eq!(readings.all_write_units(), 4.0);
    assert_eq!(readings.all_read_units(), 1.5);
    assert_eq!(readings.failed_conditions, 1);
    let puts = Operation {
        service: "dynamodb",
        name: "PutItem".to_owned(),
    };
    assert_eq!(readings.requests[&puts], 2);
    assert_eq!(meter.read(), Readings::default());
}
