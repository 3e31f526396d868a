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
