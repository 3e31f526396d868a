use super::*;

/// A template with one of everything.
pub(crate) fn small() -> Template {
    Template::parse(include_str!("fixtures/small.yaml")).unwrap()
}

#[test]
fn functions_inherit_the_globals() {
    let template = small();
    let (api, send) = (
        &template.functions["ApiFunction"],
        &template.functions["SendFunction"],
    );
    assert_eq!(
        (api.folder.as_str(), api.timeout_s, api.memory_mb),
        ("api", 30, 256)
    );
    assert_eq!((send.folder.as_str(), send.timeout_s), ("send", 120));
    assert_eq!(
        send.environment["IZIN_LOG"],
        Expression::Text("info".to_owned())
    );
    assert_eq!(send.environment["IZIN_NOTE"].literal(), "not-test");
    assert_eq!(
        send.role.as_ref().and_then(Expression::resource),
        Some("SendRole")
    );
    assert!(template.functions["SweepFunction"].role.is_none());
}

#[test]
fn parameters_are_overridden_and_conditions_follow() {
    let given = BTreeMap::from([("Stage".to_owned(), "production".to_owned())]);
    let template = Template::parse_with(include_str!("fixtures/small.yaml"), &given).unwrap();
    let send = &template.functions["SendFunction"];
    assert_eq!(send.environment["IZIN_NOTE"].literal(), "live");
    assert!(template.functions.contains_key("ProductionFunction"));
    assert!(!small().functions.contains_key("ProductionFunction"));
}

#[test]
fn events_are_read_by_their_type() {
    let template = small();
    let event = |function: &str, name: &str| template.functions[function].events[name].clone();
    let Event::Sqs {
        queue,
        batch_size,
        window_s,
        report_batch_item_failures,
        maximum_concurrency,
    } = event("SendFunction", "Queue")
    else {
        panic!("a queue starts send");
    };
    assert_eq!((queue.as_str(), batch_size, window_s), ("SendQueue", 3, 0));
    assert_eq!(
        (report_batch_item_failures, maximum_concurrency),
        (true, Some(2))
    );
    let Event::HttpApi { method, path } = event("ApiFunction", "Health") else {
        panic!("a route starts api");
    };
    assert_eq!((method.as_str(), path.as_str()), ("GET", "/healthz"));
    let Event::Schedule { expression } = event("SweepFunction", "Minute") else {
        panic!("a timer starts sweep");
    };
    assert_eq!(expression, "rate(1 minute)");
    let Event::Sns { topic } = event("HearFunction", "Topic") else {
        panic!("a topic starts hear");
    };
    assert_eq!(topic, "Topic");
    let invokes = &template.event_invokes["HearInvokes"];
    assert_eq!(invokes.function.resource(), Some("HearFunction"));
    assert_eq!((invokes.max_age_s, invokes.retries), (3_600, 2));
    let failed = invokes.on_failure().unwrap();
    assert_eq!(failed.resource(), Some("UnheardBucket"));
}

#[test]
fn queues_tables_buckets_and_roles_are_read() {
    let template = small();
    let queue = &template.queues["SendQueue"];
    let redrive = queue.redrive.as_ref().unwrap();
    assert_eq!(queue.visibility_s, 720);
    assert_eq!(redrive.target.resource(), Some("SendDeadLetterQueue"));
    assert_eq!(redrive.max_receives, 3);
    assert_eq!(
        template.queues["SendDeadLetterQueue"].retention_s,
        1_209_600
    );

    let table = &template.tables["ContactsTable"];
    assert_eq!(table.ttl.as_deref(), Some("ttl"));
    assert_eq!(
        (table.keys[1].name.as_str(), table.keys[1].kind.as_str()),
        ("sk", "RANGE")
    );

    let notification = &template.buckets["FilesBucket"].notifications[0];
    assert_eq!(notification.prefix, "incoming/");
    assert_eq!(notification.queue.resource(), Some("ImportQueue"));

    let statements = &template.roles["SendRole"].statements;
    assert_eq!(statements[0].actions.len(), 2);
    assert_eq!(statements[0].resources[0].resource(), Some("SendQueue"));
    let last = statements.last().unwrap();
    assert_eq!(last.actions[0].literal(), "logs:PutLogEvents");
    assert_eq!(
        template.secrets["TokenKeySecret"].generated_length,
        Some(64)
    );
}

#[test]
fn sub_keeps_the_order_of_texts_and_references() {
    let template = small();
    let arn = &template.functions["SendFunction"].environment["IZIN_TABLE_ARN"];
    let resolved = arn.resolve(&|reference| Some(format!("<{reference}>")));
    assert_eq!(
        resolved.unwrap(),
        "arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/<ContactsTable>"
    );
    let unknown = arn.resolve(&|_| None).unwrap_err();
    assert_eq!(unknown.to_string(), "AWS::Partition");
}

#[test]
fn an_error_names_the_resource_and_the_property() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Template::parse(text).unwrap_err().to_string(), expected);
    };
    check(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {VisibilityTimeout: soon}\n",
        "resource Q, property VisibilityTimeout: expected a whole number",
    );
    check(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: a, Timeout: 3}\n",
        "resource F, property .: missing field `MemorySize`",
    );
    check(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {maxReceiveCount: 3, deadLetterTargetArn: !ImportValue X}\n",
        "resource Q, property RedrivePolicy.deadLetterTargetArn: Fn::ImportValue is not supported here",
    );
    check("Resources: [", "template is not YAML");
}
