use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use jiff::SignedDuration;
use platform::clock::ManualClock;

use super::*;
use crate::secrets::secret_arn;
use crate::template::tests::small;

async fn start() -> (Aws, ManualClock) {
    let clock = ManualClock::at("2026-11-24T09:00:00Z".parse().unwrap());
    let aws = Aws::start(&small(), SharedClock::new(clock.clone())).await;
    (aws.unwrap(), clock)
}

#[tokio::test]
async fn an_environment_names_what_is_running() {
    let (aws, _) = start().await;
    let environment = aws.environment("SendFunction").unwrap();
    let read = |name: &str| environment[name].as_str();
    assert_eq!(read("IZIN_CONTACTS_TABLE"), "ContactsTable");
    assert_eq!(read("IZIN_GRAPH_URL"), "https://graph.facebook.com");
    assert_eq!(read("IZIN_SEND_QUEUE_URL"), aws.queue_url("SendQueue"));
    assert_eq!(
        read("IZIN_WHATSAPP_TOKEN_SECRET"),
        secret_arn("WhatsAppTokenSecret")
    );
    let arn = "arn:aws:dynamodb:ap-southeast-3:000000000000:table/ContactsTable";
    assert_eq!(read("IZIN_TABLE_ARN"), arn);

    let bucket = &aws.environment("IngestFunction").unwrap()["IZIN_FILES_BUCKET"];
    assert_eq!(bucket, "izin-test-files");
    let unknown = aws.environment("NoFunction").unwrap_err();
    assert_eq!(unknown.to_string(), "template has no function NoFunction");
}

#[tokio::test]
async fn the_service_s_own_template_starts_and_leaves_nothing_unresolved() {
    let template = Template::parse(include_str!("../../../../template.yaml")).unwrap();
    let clock = ManualClock::at("2026-11-24T09:00:00Z".parse().unwrap());
    let aws = Aws::start(&template, SharedClock::new(clock))
        .await
        .unwrap();
    for id in template.functions.keys() {
        aws.environment(id).unwrap();
        aws.access(id).unwrap();
    }
    let send = aws.environment("SendFunction").unwrap();
    assert_eq!(send["IZIN_SEND_QUEUE_URL"], aws.queue_url("SendQueue"));
    let bucket = aws.bucket_name("FilesBucket").unwrap();
    assert_eq!(bucket, "izin-prod-files-000000000000-ap-southeast-3");
}

#[tokio::test]
async fn tables_take_conditional_writes_and_forget_by_the_clock() {
    let (aws, clock) = start().await;
    let client = aws_sdk_dynamodb::Client::new(&aws.sdk_config());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let ends = (clock_now(&aws) + SignedDuration::from_mins(1)).as_second();
    let put = || {
        let put = client.put_item().table_name("ContactsTable");
        put.item("pk", text("T#1"))
            .item("sk", text("PERSON"))
            .item("ttl", AttributeValue::N(ends.to_string()))
            .condition_expression("attribute_not_exists(pk)")
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
    };
    let capacity = put().await.unwrap().consumed_capacity.unwrap();
    assert_eq!(capacity.capacity_units, Some(1.0));
    let again = put().await.unwrap_err();
    assert!(
        again
            .as_service_error()
            .unwrap()
            .is_conditional_check_failed_exception()
    );

    assert_eq!(aws.dynamodb.sweep_ttl().unwrap(), 0);
    clock.advance(SignedDuration::from_mins(2));
    assert_eq!(aws.dynamodb.sweep_ttl().unwrap(), 1);
    put().await.unwrap();
}

fn clock_now(aws: &Aws) -> jiff::Timestamp {
    aws.clock().now()
}

#[tokio::test]
async fn secrets_that_the_template_generates_have_a_value_and_others_none() {
    let (aws, _) = start().await;
    let client = aws_sdk_secretsmanager::Client::new(&aws.sdk_config());
    let read = async |id: &str| client.get_secret_value().secret_id(id).send().await;
    let generated = read("TokenKeySecret").await.unwrap().secret_string.unwrap();
    assert_eq!(generated.len(), 64);
    assert!(read("WhatsAppTokenSecret").await.is_err());
}

#[tokio::test]
async fn secrets_are_read_by_name_and_by_arn_and_keep_the_value_before() {
    let (aws, _) = start().await;
    aws.secrets.put("WhatsAppTokenSecret", "first");
    let client = aws_sdk_secretsmanager::Client::new(&aws.sdk_config());
    let put = client.put_secret_value().secret_id("WhatsAppTokenSecret");
    put.secret_string("second").send().await.unwrap();

    let read = async |id: &str, stage: &str| {
        let get = client.get_secret_value().secret_id(id).version_stage(stage);
        get.send().await.map(|secret| secret.secret_string.unwrap())
    };
    let arn = secret_arn("WhatsAppTokenSecret");
    assert_eq!(
        read("WhatsAppTokenSecret", "AWSCURRENT").await.unwrap(),
        "second"
    );
    assert_eq!(read(&arn, "AWSPREVIOUS").await.unwrap(), "first");
    let missing = read("NoSecret", "AWSCURRENT").await.unwrap_err();
    assert!(
        missing
            .as_service_error()
            .unwrap()
            .is_resource_not_found_exception()
    );
    assert!(!format!("{:?}", aws.secrets).contains("second"));
}
