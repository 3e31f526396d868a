use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, Put, PutRequest, TransactWriteItem, WriteRequest,
};
use jiff::Timestamp;
use platform::clock::{ManualClock, SharedClock};

use super::*;
use crate::aws::Aws;
use crate::client::plain;
use crate::template::tests::small;

async fn world(odds: Odds) -> (Aws, Faults, Client) {
    let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
    let aws = Aws::start(&small(), SharedClock::new(clock)).await.unwrap();
    let faults = Faults::seeded(1, odds);
    let client = Client::new(&aws.sdk_config_over(faults.over(plain())));
    (aws, faults, client)
}

fn item(sk: &str) -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    [("pk".to_owned(), text("T#1")), ("sk".to_owned(), text(sk))].into()
}

fn kinds(faults: &Faults) -> Vec<Trouble> {
    faults
        .made()
        .into_iter()
        .map(|(trouble, _)| trouble)
        .collect()
}

#[tokio::test]
async fn a_throttled_request_is_not_carried_out_and_asked_again() {
    let odds = Odds {
        throttled: 1.0,
        ..Odds::default()
    };
    let (aws, faults, client) = world(odds).await;
    let put = client
        .put_item()
        .table_name("ContactsTable")
        .set_item(Some(item("A")));
    let error = put.send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_throttling_exception());
    assert_eq!(kinds(&faults), [Trouble::Throttled; 3]);
    assert!(aws.dynamodb.items("ContactsTable").unwrap().is_empty());
}

#[tokio::test]
async fn a_lost_answer_makes_a_condition_fail_on_its_own_write() {
    let odds = Odds {
        lost: 1.0,
        ..Odds::default()
    };
    let (aws, faults, client) = world(odds).await;
    let put = client
        .put_item()
        .table_name("ContactsTable")
        .set_item(Some(item("A")));
    let put = put.condition_expression("attribute_not_exists(pk)");
    put.send().await.unwrap_err();
    assert_eq!(kinds(&faults), [Trouble::Lost; 3]);
    assert_eq!(aws.dynamodb.items("ContactsTable").unwrap().len(), 1);
}

#[tokio::test]
async fn a_batch_is_done_in_part_and_says_what_is_left() {
    let odds = Odds {
        partial: 1.0,
        ..Odds::default()
    };
    let (aws, faults, client) = world(odds).await;
    let write = |sk: &str| {
        let put = PutRequest::builder()
            .set_item(Some(item(sk)))
            .build()
            .unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let writes = vec![write("A"), write("B"), write("C")];
    let batch = client
        .batch_write_item()
        .request_items("ContactsTable", writes);
    let left = batch.send().await.unwrap().unprocessed_items.unwrap();
    assert_eq!(left["ContactsTable"], [write("C")]);
    assert_eq!(aws.dynamodb.items("ContactsTable").unwrap().len(), 2);

    let again = client.batch_write_item().set_request_items(Some(left));
    assert!(
        again
            .send()
            .await
            .unwrap()
            .unprocessed_items
            .unwrap()
            .is_empty()
    );

    let keys = ["A", "B", "C"].map(item).to_vec();
    let keys = KeysAndAttributes::builder()
        .set_keys(Some(keys))
        .consistent_read(true);
    let batch = client
        .batch_get_item()
        .request_items("ContactsTable", keys.build().unwrap());
    let answer = batch.send().await.unwrap();
    assert_eq!(answer.responses.unwrap()["ContactsTable"].len(), 2);
    let left = &answer.unprocessed_keys.unwrap()["ContactsTable"];
    assert_eq!(left.keys, [item("C")]);
    assert_eq!(left.consistent_read, Some(true));
    assert_eq!(kinds(&faults), [Trouble::Partial; 2]);
}

#[tokio::test]
async fn a_transaction_collides() {
    let odds = Odds {
        conflict: 1.0,
        ..Odds::default()
    };
    let (aws, _, client) = world(odds).await;
    let put = Put::builder()
        .table_name("ContactsTable")
        .set_item(Some(item("A")));
    let put = TransactWriteItem::builder()
        .put(put.build().unwrap())
        .build();
    let error = client
        .transact_write_items()
        .transact_items(put)
        .send()
        .await
        .unwrap_err();
    let error = error.into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("a cancelled transaction");
    };
    let reasons = cancelled.cancellation_reasons.unwrap();
    assert_eq!(reasons[0].code.as_deref(), Some("TransactionConflict"));
    assert!(aws.dynamodb.items("ContactsTable").unwrap().is_empty());
}

#[tokio::test]
async fn the_same_seed_makes_the_same_trouble() {
    let run = async || {
        let odds = Odds {
            lost: 0.2,
            throttled: 0.2,
            ..Odds::default()
        };
        let (_aws, faults, client) = world(odds).await;
        for n in 0..20 {
            let put = client.put_item().table_name("ContactsTable");
            let _ = put.set_item(Some(item(&n.to_string()))).send().await;
        }
        faults.made()
    };
    let first = run().await;
    assert!(first.len() > 2);
    assert_eq!(run().await, first);
}
