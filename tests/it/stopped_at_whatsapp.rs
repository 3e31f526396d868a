//! Who stopped advertising at WhatsApp itself is heard here too, although WhatsApp
//! only says so when it refuses a message (131050).

use policy::person::{Person, SuppressionSource};
use policy::phone::PhoneNumber;
use policy::purpose::Scope;
use simulator::{FaultEffect, FaultWhen, Preference, RequestFault, WebhookChaos};

use crate::stop::csv;
use crate::world::{Setting, World, wa_id};

const SARI: &str = "+6281211110001";
const BUDI: &str = "+6281211110002";

async fn sari(world: &World) -> Person {
    let tenant = world.house.seeds.tenant;
    let phone = PhoneNumber::parse_e164(SARI).unwrap();
    let token = world.house.seeds.tokens().contact(tenant, &phone);
    let contacts = world.house.contacts().unwrap();
    contacts.person(tenant, token).await.unwrap()
}

fn requests(world: &World, phone: &str) -> usize {
    let log = world.house.simulator.person_log(&wa_id(phone));
    log.map_or(0, |log| log.requests.len())
}

/// That nothing more is asked for of her, while others get what is for them.
async fn is_left_alone(world: &mut World, list: &str) {
    let stops = sari(world).await.suppressions;
    assert_eq!(stops.len(), 1, "{stops:?}");
    let stop = &stops[&Scope::marketing()];
    assert_eq!(stop.source, SuppressionSource::Error131050);
    let before = (requests(world, SARI), requests(world, BUDI));
    let id = world.approved_campaign(list).await;
    let view = world.get(&format!("/v1/campaigns/{id}")).await;
    assert_eq!(view["excluded_by_reason"]["suppressed"], 1, "{view}");
    world.start(id).await;
    world.finish(id).await;
    let after = (requests(world, SARI), requests(world, BUDI));
    assert_eq!(after, (before.0, before.1 + 1));
}

/// WhatsApp takes the message and fails it a moment later.
async fn a_failed_status_stops(twice: bool) {
    let mut world = World::with(Setting {
        twice,
        // The notice that she used the switch is lost.
        webhooks: WebhookChaos {
            lose_messages: 1.0,
            ..WebhookChaos::default()
        },
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(&csv(&[SARI, BUDI])).await;
    // Both campaigns are planned before anybody knows.
    let first = world.approved_campaign(&list).await;
    let second = world.approved_campaign(&list).await;
    let switch = Preference::Stop;
    world.house.simulator.person_prefers(&wa_id(SARI), switch);
    world.deliver().await;
    assert!(sari(&world).await.suppressions.is_empty());

    world.start(first).await;
    let view = world.finish(first).await;
    assert_eq!(world.house.simulator.report().failed[&131_050], 1, "{view}");
    assert_eq!(requests(&world, SARI), 1);
    // The campaign that is planned already finds the stop at the wire.
    world.start(second).await;
    let view = world.finish(second).await;
    assert_eq!(view["totals"]["accepted"], 1, "{view}");
    assert_eq!(view["totals"]["excluded"], 1, "{view}");
    assert_eq!(requests(&world, SARI), 1);
    is_left_alone(&mut world, &list).await;
}

#[tokio::test]
async fn a_failed_status_that_says_so_stops_advertising() {
    a_failed_status_stops(false).await;
}

#[tokio::test]
async fn a_failed_status_that_comes_twice_stops_once() {
    a_failed_status_stops(true).await;
}

#[tokio::test]
async fn an_answer_that_says_so_stops_advertising_at_once() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&[SARI, BUDI])).await;
    let id = world.approved_campaign(&list).await;
    world.house.simulator.add_fault(RequestFault {
        when: FaultWhen::To(wa_id(SARI)),
        effect: FaultEffect::Refuse(131_050),
        times: None,
    });
    world.start(id).await;
    let view = world.finish(id).await;
    assert_eq!(view["totals"]["rejected"], 1, "{view}");
    // No status followed, since WhatsApp never took the message.
    assert_eq!(world.house.simulator.report().failed.get(&131_050), None);
    is_left_alone(&mut world, &list).await;
}
