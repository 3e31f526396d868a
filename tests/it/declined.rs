//! Whom WhatsApp declines advertising for is left alone by every campaign until
//! the cool-down ends.

use izin::house::Seeds;
use jiff::SignedDuration;
use policy::phone::PhoneNumber;
use serde_json::json;
use simulator::Behaviour;

use crate::stop::csv;
use crate::world::{Setting, World, wa_id};

const SARI: &str = "+6281211110001";

/// Nobody can get more marketing.
fn saturated(twice: bool) -> Setting {
    Setting {
        twice,
        behaviour: Behaviour {
            saturated: 1.0,
            ..Behaviour::default()
        },
        ..Setting::default()
    }
}

fn requests(world: &World) -> usize {
    let log = world.house.simulator.person_log(&wa_id(SARI));
    log.map_or(0, |log| log.requests.len())
}

async fn a_decline_is_respected(twice: bool) {
    let mut world = World::with(saturated(twice)).await;
    let (list, _) = world.import(&csv(&[SARI])).await;
    let first = world.approved_campaign(&list).await;
    world.start(first).await;
    world.finish(first).await;
    assert_eq!(requests(&world), 1);
    let tenant = world.house.seeds.tenant;
    let phone = PhoneNumber::parse_e164(SARI).unwrap();
    let token = world.house.seeds.tokens().contact(tenant, &phone);
    let contacts = world.house.contacts().unwrap();
    let person = contacts.person(tenant, token).await.unwrap();
    let declined = person.marketing_declined_at.unwrap();

    let second = world.approved_campaign(&list).await;
    world.start(second).await;
    world.live(10).await;
    assert_eq!(
        requests(&world),
        1,
        "tried again before the cool-down ended"
    );
    let view = world.view(second).await;
    assert_eq!(view["totals"]["pending"], 1, "{view}");

    // The failure comes late and again; it prolongs nothing.
    let again = contacts.person(tenant, token).await.unwrap();
    assert_eq!(again.marketing_declined_at, Some(declined));

    let until = declined + SignedDuration::from_hours(24);
    world.clock.advance(until.duration_since(world.now()));
    world.live(5).await;
    assert_eq!(requests(&world), 2, "not tried after the cool-down");
    let log = world.house.simulator.person_log(&wa_id(SARI)).unwrap();
    assert!(log.requests[1].arrived_at >= until);
}

#[tokio::test]
async fn nobody_is_advertised_to_until_the_cool_down_ends() {
    a_decline_is_respected(false).await;
}

#[tokio::test]
async fn a_decline_that_comes_twice_prolongs_nothing() {
    a_decline_is_respected(true).await;
}

#[tokio::test]
async fn what_is_no_advertising_goes_on_while_advertising_waits() {
    let mut world = World::with(saturated(false)).await;
    let file = format!(
        "nama,no hp,tanggal persetujuan,tujuan\nSari,{SARI},2026-01-05,marketing;service.order\n"
    );
    let (list, import) = world.import(&file).await;
    assert_eq!(import["counts"]["accepted"], 1, "{import}");
    let mut template = Seeds::template();
    template["id"] = json!("1304694804498799");
    template["name"] = json!("pesanan_siap");
    template["category"] = json!("UTILITY");
    let simulator = &world.house.simulator;
    simulator.put_template(Seeds::WABA, template).unwrap();

    let promo = world.approved_campaign(&list).await;
    world.start(promo).await;
    world.finish(promo).await;
    assert_eq!(requests(&world), 1, "declined");
    let order = json!({
        "purpose": "service.order",
        "template": {"name": "pesanan_siap", "language": Seeds::LANGUAGE},
    });
    let order = world.approved_as(&list, order).await;
    world.start(order).await;
    let end = world.finish(order).await;
    assert_eq!(end["totals"]["accepted"], 1, "{end}");
}
