//! The template and the tree cannot drift apart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use emulator::template::{Event, Expression, Template};
use izin::house::TEMPLATE;

fn template() -> Template {
    Template::parse(TEMPLATE).unwrap()
}

#[test]
fn every_function_folder_has_a_resource_and_back() {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
    let folders: BTreeSet<String> = std::fs::read_dir(folders)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let template = template();
    let resources: BTreeSet<String> = template
        .functions
        .values()
        .map(|function| function.folder.clone())
        .collect();
    assert_eq!(folders, resources);
    assert_eq!(
        resources.len(),
        template.functions.len(),
        "one resource a folder"
    );
}

#[test]
fn every_queue_that_starts_a_function_is_safe() {
    let template = template();
    let mut started = BTreeMap::new();
    for (id, function) in &template.functions {
        for event in function.events.values() {
            let Event::Sqs {
                queue,
                window_s,
                report_batch_item_failures,
                ..
            } = event
            else {
                continue;
            };
            started.insert(queue.clone(), id.clone());
            assert!(report_batch_item_failures, "{id} takes a whole batch back");
            let visibility = template.queues[queue].visibility_s;
            let least = 6 * function.timeout_s + window_s;
            assert!(visibility >= least, "{queue}: {visibility} s < {least} s");
        }
    }
    assert_eq!(started.len(), 9, "{started:?}");
}

#[test]
fn every_queue_has_a_dead_letter_queue() {
    let template = template();
    let targets: BTreeSet<String> = template
        .queues
        .values()
        .filter_map(|queue| Some(resource(&queue.redrive.as_ref()?.target)))
        .collect();
    for (id, queue) in &template.queues {
        assert!(
            queue.redrive.is_some() || targets.contains(id) || id.contains("DeadLetter"),
            "{id} has no dead-letter queue"
        );
        if let Some(redrive) = &queue.redrive {
            let target = &template.queues[&resource(&redrive.target)];
            assert!(target.retention_s >= queue.retention_s, "{id}");
        }
    }
}

/// The logical id that a value refers to.
fn resource(expression: &Expression) -> String {
    let references = expression.references();
    references[0].name.clone()
}

#[test]
fn every_role_names_what_it_may_do() {
    let template = template();
    for (id, function) in &template.functions {
        let role = function
            .role
            .as_ref()
            .unwrap_or_else(|| panic!("{id} has no role"));
        let role = &template.roles[&resource(role)];
        assert!(role.managed.is_empty(), "{id} has managed policies");
        for statement in &role.statements {
            for action in &statement.actions {
                let Expression::Text(action) = action else {
                    panic!("{id}: an action is not text")
                };
                assert!(
                    !action.ends_with(":*") && action != "*",
                    "{id} may do {action}"
                );
            }
            for resource in &statement.resources {
                assert_ne!(resource, &Expression::Text("*".to_owned()), "{id}");
            }
        }
    }
}

/// Whoever signs the way to people's pages, whoever opens it, and whoever hands
/// stops to a number's owner, by the same names; nobody else could make a link.
#[test]
fn three_hold_the_link_key() {
    let holders = holders_of("LinkKeySecret");
    let three = ["SendFunction", "SweepFunction", "WebhookFunction"].map(str::to_owned);
    assert_eq!(holders, BTreeSet::from(three));
}

/// Whoever shows the secret of an endpoint, and whoever signs with it.
#[test]
fn two_hold_the_endpoint_key() {
    let holders = holders_of("EndpointKeySecret");
    let both = ["ApiFunction", "NotifyFunction"].map(str::to_owned);
    assert_eq!(holders, BTreeSet::from(both));
}

/// The functions whose role reads a secret.
fn holders_of(secret: &str) -> BTreeSet<String> {
    let template = template();
    let holds = |role: &str| {
        let statements = template.roles[role].statements.iter();
        statements
            .flat_map(|statement| &statement.resources)
            .flat_map(Expression::references)
            .any(|reference| reference.name == secret)
    };
    let functions = template.functions.iter();
    functions
        .filter(|(_, function)| holds(&resource(function.role.as_ref().unwrap())))
        .map(|(id, _)| id.clone())
        .collect()
}

/// The stack of somebody who sends by Amazon.
fn by_amazon() -> Template {
    let given = [
        ("SocialMessaging", "on"),
        ("SocialSenders", SENDERS),
        ("SocialAccounts", ACCOUNTS),
    ];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Template::parse_with(TEMPLATE, &BTreeMap::from(given)).unwrap()
}

const SENDERS: &str =
    "arn:aws:social-messaging:a:1:phone-number-id/2,arn:aws:social-messaging:a:1:phone-number-id/3";

const ACCOUNTS: &str = "arn:aws:social-messaging:a:1:waba/4";

/// Of Amazon's service a role has what it needs, on what the operator names, and
/// nobody else has anything.
#[test]
fn two_ask_amazon_for_what_the_operator_names() {
    assert!(!template().functions.contains_key("SocialFunction"));
    let template = by_amazon();
    let mut asked = BTreeMap::new();
    for (id, function) in &template.functions {
        let role = &template.roles[&resource(function.role.as_ref().unwrap())];
        for statement in &role.statements {
            let actions = statement.actions.iter().map(Expression::literal);
            let actions: BTreeSet<String> = actions
                .filter_map(|action| Some(action.strip_prefix("social-messaging:")?.to_owned()))
                .collect();
            if !actions.is_empty() {
                let resources = statement.resources.iter().map(Expression::literal);
                let resources: Vec<String> = resources.map(|text| text.to_owned()).collect();
                asked.insert(id.clone(), (actions, resources.join(",")));
            }
        }
    }
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let send: BTreeSet<String> = set(&["PostWhatsAppMessageMedia", "SendWhatsAppMessage"]);
    let sweep: BTreeSet<String> = set(&[
        "GetLinkedWhatsAppBusinessAccount",
        "GetWhatsAppMessageTemplate",
        "ListWhatsAppMessageTemplates",
    ]);
    let wanted = BTreeMap::from([
        ("SendFunction".to_owned(), (send, SENDERS.to_owned())),
        ("SweepFunction".to_owned(), (sweep, ACCOUNTS.to_owned())),
    ]);
    assert_eq!(asked, wanted);
}

/// The second door has the first one's rooms, faces nobody, and holds none of
/// Meta's secrets; its queue waits long enough, and for days.
#[test]
fn the_second_door_holds_less_than_the_first() {
    let template = by_amazon();
    let door = &template.functions["SocialFunction"];
    assert_eq!(door.folder, "webhook");
    let events: Vec<&Event> = door.events.values().collect();
    let [
        Event::Sqs {
            queue,
            report_batch_item_failures: true,
            window_s: 0,
            ..
        },
        Event::Sns { topic },
    ] = events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(topic, "SocialTopic");
    // No queue hears the topic: what people wrote would lie in it.
    let types = template.types.values();
    assert!(!types.clone().any(|kind| kind == "AWS::SNS::Subscription"));
    let invokes = template.event_invokes.values().next().unwrap();
    assert_eq!(invokes.function.resource(), Some("SocialFunction"));
    let failed = invokes.on_failure().and_then(Expression::resource);
    assert_eq!(failed, Some("SocialBucket"));
    let told = &template.buckets["SocialBucket"].notifications[0];
    assert_eq!(told.queue.resource(), Some(queue.as_str()));
    let queue = &template.queues[queue];
    assert!(queue.visibility_s >= 6 * door.timeout_s);
    let redrive = queue.redrive.as_ref().unwrap();
    let days = redrive.max_receives * queue.visibility_s / (24 * 3_600);
    assert!(days >= 2, "{days} days");
    let rights = |role: &str| {
        let statements = template.roles[role].statements.iter();
        let resources = statements.flat_map(|statement| &statement.resources);
        resources
            .flat_map(Expression::references)
            .map(|reference| reference.name.clone())
            .collect::<BTreeSet<String>>()
    };
    let (first, second) = (rights("WebhookRole"), rights("SocialRole"));
    let own = ["SocialBucket", "SocialLogGroup", "SocialQueue"].map(str::to_owned);
    let more: Vec<_> = second.difference(&first).cloned().collect();
    assert_eq!(more, own);
    for secret in [
        "AppSecretSecret",
        "VerifyTokenSecret",
        "WhatsAppTokenSecret",
    ] {
        assert!(!second.contains(secret), "{secret}");
    }
}

/// Invariant 11: nobody both faces strangers and holds the WhatsApp token.
#[test]
fn who_faces_strangers_holds_no_token() {
    let template = template();
    let holders = holders_of("WhatsAppTokenSecret");
    let both = ["SendFunction", "SweepFunction"].map(str::to_owned);
    assert_eq!(holders, BTreeSet::from(both));
    for (id, function) in &template.functions {
        let is_open = function
            .events
            .values()
            .any(|event| matches!(event, Event::HttpApi { .. }));
        assert!(!(is_open && holders.contains(id.as_str())), "{id}");
    }
}
