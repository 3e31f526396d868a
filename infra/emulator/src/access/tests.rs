use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, TransactWriteItem};
use platform::clock::SharedClock;

use super::*;
use crate::client::plain;
use crate::template::tests::small;

struct World {
    access: Access,
    aws: Aws,
    config: aws_types::SdkConfig,
}

impl World {
    async fn new() -> Self {
        // The machine's own clock: the SDK asks again what is answered under a
        // date that is far from its own.
        let aws = Aws::start(&small(), SharedClock::system()).await.unwrap();
        let access = aws.access("SendFunction").unwrap();
        Self {
            config: aws.sdk_config_over(access.over(plain())),
            access,
            aws,
        }
    }

    fn tables(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    /// What was refused, action by action.
    fn denied(&self) -> Vec<String> {
        self.access
            .denied()
            .into_iter()
            .map(|denied| denied.action)
            .collect()
    }
}

fn key(pk: &str) -> std::collections::HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    [
        ("pk".to_owned(), text(pk)),
        ("sk".to_owned(), text("PERSON")),
    ]
    .into()
}

const PERSON: &str = "T#1#P#abc";
const OTHER: &str = "T#1#A#abc";

#[tokio::test]
async fn partitions_bound_reads_and_writes_of_one_item() {
    let world = World::new().await;
    let tables = world.tables();
    let get = |pk| {
        tables
            .get_item()
            .table_name("ContactsTable")
            .set_key(Some(key(pk)))
            .send()
    };
    get(PERSON).await.unwrap();
    let error = get(OTHER).await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("AccessDeniedException"));
    let put = tables
        .put_item()
        .table_name("ContactsTable")
        .set_item(Some(key(PERSON)));
    put.send().await.unwrap_err();
    let update = |pk| {
        let update = tables
            .update_item()
            .table_name("ContactsTable")
            .set_key(Some(key(pk)));
        let update = update.update_expression("SET v = :v");
        update
            .expression_attribute_values(":v", AttributeValue::N("1".to_owned()))
            .send()
    };
    update(PERSON).await.unwrap();
    update("T#1#L#all#00").await.unwrap_err();
    assert_eq!(
        world.denied(),
        [
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem"
        ]
    );
    assert_eq!(world.access.denied()[0].partitions, [OTHER]);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the role must refuse it")]
async fn partitions_bound_batches_queries_and_transactions() {
    let world = World::new().await;
    let tables = world.tables();
    let batch = |keys: &[&str]| {
        let keys = keys.iter().map(|pk| key(pk)).collect();
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .build()
            .unwrap();
        tables
            .batch_get_item()
            .request_items("ContactsTable", keys)
            .send()
    };
    batch(&[PERSON, "T#1#L#all#00"]).await.unwrap();
    batch(&[PERSON, OTHER]).await.unwrap_err();

    let query = |condition: &str, pk: &str| {
        let query = tables
            .query()
            .table_name("ContactsTable")
            .key_condition_expression(condition);
        let query = query.expression_attribute_names("#p", "pk");
        let query = query.expression_attribute_names("#s", "sk");
        let query = query.expression_attribute_values(":s", AttributeValue::S("A".to_owned()));
        query
            .expression_attribute_values(":p", AttributeValue::S(pk.to_owned()))
            .send()
    };
    query("#p = :p AND begins_with(#s, :s)", PERSON)
        .await
        .unwrap();
    query("begins_with(#s, :s) AND (#p=:p)", OTHER)
        .await
        .unwrap_err();

    let check = |pk: &str| {
        let check = aws_sdk_dynamodb::types::ConditionCheck::builder();
        let check = check.table_name("ContactsTable").set_key(Some(key(pk)));
        let check = check
            .condition_expression("attribute_not_exists(gone)")
            .build()
            .unwrap();
        let part = TransactWriteItem::builder().condition_check(check).build();
        tables.transact_write_items().transact_items(part).send()
    };
    check(PERSON).await.unwrap();
    check(OTHER).await.unwrap_err();

    let scan = tables.scan().table_name("ContactsTable").send();
    scan.await.unwrap_err();
    let denied = ["BatchGetItem", "Query", "ConditionCheckItem", "Scan"];
    assert_eq!(
        world.denied(),
        denied.map(|action| format!("dynamodb:{action}"))
    );
}

#[tokio::test]
async fn queues_objects_and_secrets_are_those_of_the_role() {
    let world = World::new().await;
    let queues = aws_sdk_sqs::Client::new(&world.config);
    let send = |queue: &str| {
        let send = queues.send_message().queue_url(world.aws.queue_url(queue));
        send.message_body("x").send()
    };
    send("SendQueue").await.unwrap();
    send("ImportQueue").await.unwrap_err();

    let bucket = world.aws.bucket_name("FilesBucket").unwrap();
    let objects = aws_sdk_s3::Client::new(&world.config);
    let put = |key: &str| objects.put_object().bucket(&bucket).key(key).send();
    put("reports/1.json").await.unwrap();
    let error = put("incoming/1.csv")
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(error.meta().code(), Some("AccessDenied"));
    objects
        .list_objects_v2()
        .bucket(&bucket)
        .send()
        .await
        .unwrap_err();

    let secrets = aws_sdk_secretsmanager::Client::new(&world.config);
    let read = |id: &str| secrets.get_secret_value().secret_id(id).send();
    read("TokenKeySecret").await.unwrap();
    read("WhatsAppTokenSecret").await.unwrap_err();
    let denied = ["sqs:SendMessage", "s3:PutObject", "s3:ListBucket"];
    assert_eq!(world.denied()[..3], denied);
    assert_eq!(world.denied()[3], "secretsmanager:GetSecretValue");
}

#[tokio::test]
async fn a_function_without_a_role_may_do_nothing() {
    let world = World::new().await;
    let access = world.aws.access("SweepFunction").unwrap();
    let config = world.aws.sdk_config_over(access.over(plain()));
    let tables = aws_sdk_dynamodb::Client::new(&config);
    let get = tables
        .get_item()
        .table_name("ContactsTable")
        .set_key(Some(key(PERSON)));
    get.send().await.unwrap_err();
    assert_eq!(access.denied().len(), 1);
}

#[test]
fn patterns_match_as_in_iam() {
    assert!(matches("T#*#P#*", "T#1#P#abc"));
    assert!(matches("*", ""));
    assert!(matches("s3:Get?bject*", "s3:GetObject"));
    assert!(!matches("T#*#P#*", "T#1#L#abc"));
    assert!(!matches("T#*#I#*", "T#1"));
    assert!(!matches("a?", "a"));
}

#[test]
fn a_role_can_be_held_to_some_attributes() {
    let need = |attributes: &[&str]| Need {
        action: "dynamodb:GetItem".to_owned(),
        resource: "table".to_owned(),
        partitions: vec!["T#1#L#2#00".to_owned()],
        attributes: attributes.iter().map(|name| (*name).to_owned()).collect(),
    };
    let only = Condition::read(
        "ForAllValues:StringEquals",
        "dynamodb:Attributes",
        &json!(["pk", "consent"]),
    );
    let some = Condition::read(
        "StringEquals",
        "dynamodb:Select",
        &json!("SPECIFIC_ATTRIBUTES"),
    );
    let (only, some) = (only.unwrap(), some.unwrap());
    let holds = |need: &Need| only.holds(need) && some.holds(need);
    assert!(holds(&need(&["pk", "consent"])));
    assert!(!holds(&need(&["pk", "consent", "phone"])));
    assert!(!holds(&need(&[])), "no projection reads everything");
}
