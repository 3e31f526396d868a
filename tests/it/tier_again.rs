//! Somebody who gets several messages in a day has one place in it.

use emulator::crash::CrashPlan;
use izin::house::Seeds;
use jiff::{SignedDuration, Timestamp};
use policy::ids::CampaignId;
use policy::limits::TierBuckets;
use simulator::{FaultEffect, FaultWhen, RequestFault, Tier};

use crate::single::{accepted, message};
use crate::stop::csv;
use crate::world::{Setting, World, wa_id};

/// The place of a message counts for a day after the end of the span that follows
/// its own.
const COUNTS: SignedDuration = SignedDuration::from_mins(24 * 60 + 10);

/// A day that holds fifty people.
fn fifty() -> Setting {
    Setting {
        tier: Tier::Limited(50),
        ..Setting::default()
    }
}

fn phones(people: std::ops::Range<u32>) -> Vec<String> {
    people.map(|nth| format!("+6281211{nth:06}")).collect()
}

async fn list(world: &mut World, phones: &[String]) -> String {
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    world.import(&csv(&phones)).await.0
}

async fn campaign(world: &mut World, list: &str) -> CampaignId {
    let id = world.approved_campaign(list).await;
    world.start(id).await;
    id
}

/// How many places of `portfolio`'s day are free now.
async fn free_in(world: &World, portfolio: &str) -> usize {
    let tiers = world.house.tiers().unwrap();
    let now = world.now();
    let room = tiers.reserve(portfolio, now, &[None; 60]).await.unwrap();
    let people = u32::try_from(room.people()).unwrap();
    let places = [(TierBuckets::bucket(now), people)].into();
    tiers.give_back(portfolio, &places, now).await.unwrap();
    room.people()
}

async fn free(world: &World) -> usize {
    free_in(world, Seeds::PORTFOLIO).await
}

fn pass_to(world: &World, moment: Timestamp) {
    world.clock.advance(moment.duration_since(world.now()));
}

#[tokio::test]
async fn two_campaigns_reach_the_same_people_in_a_day_that_they_fill() {
    let mut world = World::with(fifty()).await;
    let list = list(&mut world, &phones(0..50)).await;
    let first = campaign(&mut world, &list).await;
    let end = world.finish(first).await;
    assert_eq!(end["totals"]["accepted"], 50, "{end}");
    assert_eq!(free(&world).await, 0);
    let first_counts_until = world.now() + COUNTS;

    world.clock.advance(SignedDuration::from_mins(30));
    let second = campaign(&mut world, &list).await;
    let end = world.finish(second).await;
    assert_eq!(end["totals"]["accepted"], 50, "{end}");
    let report = world.house.simulator.report();
    assert_eq!(report.requests, 100, "nobody is refused for it: {report:?}");
    let second_counts_until = world.now() + COUNTS;

    // Everybody has one place, and it is that of the later message.
    pass_to(&world, first_counts_until);
    assert_eq!(free(&world).await, 0);
    pass_to(&world, second_counts_until);
    assert_eq!(free(&world).await, 50);
}

#[tokio::test]
async fn in_a_full_day_those_go_on_who_have_a_place_and_the_others_wait() {
    let mut world = World::with(fifty()).await;
    let regulars = list(&mut world, &phones(0..50)).await;
    let first = campaign(&mut world, &regulars).await;
    world.finish(first).await;
    world.clock.advance(SignedDuration::from_mins(30));

    // Ten of them are strangers, who stand between the others.
    let all = list(&mut world, &phones(0..60)).await;
    let second = campaign(&mut world, &all).await;
    world.live(30).await;
    let view = world.view(second).await;
    assert_eq!(view["totals"]["accepted"], 50, "{view}");
    assert_eq!(view["totals"]["pending"], 10, "{view}");

    // So do single messages.
    for (phone, wanted) in [("+6281211000007", 3), ("+6281211000057", 0)] {
        world.post("/v1/messages", message(&all, phone)).await;
        world.live(2).await;
        assert_eq!(accepted(&world, phone), wanted);
    }
    let report = world.house.simulator.report();
    assert_eq!((report.requests, report.accepted), (101, 101), "{report:?}");

    world.clock.advance(COUNTS);
    let end = world.finish(second).await;
    assert_eq!(end["totals"]["accepted"], 60, "{end}");
    world.live(2).await;
    assert_eq!(accepted(&world, "+6281211000057"), 2);
    assert!(world.house.simulator.report().rejected.is_empty());
}

#[tokio::test]
async fn a_refused_message_leaves_the_place_where_it_was() {
    let mut world = World::with(fifty()).await;
    let people = phones(0..50);
    let list = list(&mut world, &people).await;
    let first = campaign(&mut world, &list).await;
    world.finish(first).await;
    let first_counts_until = world.now() + COUNTS;

    world.clock.advance(SignedDuration::from_mins(30));
    for phone in &people[..10] {
        world.house.simulator.add_fault(RequestFault {
            when: FaultWhen::To(wa_id(phone)),
            effect: FaultEffect::Refuse(131_026),
            times: None,
        });
    }
    let second = campaign(&mut world, &list).await;
    let end = world.finish(second).await;
    assert_eq!(end["totals"]["accepted"], 40, "{end}");
    assert_eq!(end["totals"]["rejected"], 10, "{end}");
    assert_eq!(free(&world).await, 0);
    let second_counts_until = world.now() + COUNTS;
    pass_to(&world, first_counts_until);
    assert_eq!(free(&world).await, 10);
    pass_to(&world, second_counts_until);
    assert_eq!(free(&world).await, 50);
}

#[tokio::test]
async fn a_place_that_was_given_back_is_good_for_nothing() {
    let mut world = World::with(fifty()).await;
    let people = phones(0..50);
    for phone in &people[..10] {
        world.house.simulator.add_fault(RequestFault {
            when: FaultWhen::To(wa_id(phone)),
            effect: FaultEffect::Refuse(131_026),
            times: Some(1),
        });
    }
    let regulars = list(&mut world, &people).await;
    let first = campaign(&mut world, &regulars).await;
    let end = world.finish(first).await;
    assert_eq!(end["totals"]["accepted"], 40, "{end}");
    // Others use the room.
    let others = list(&mut world, &phones(50..60)).await;
    let other = campaign(&mut world, &others).await;
    world.finish(other).await;
    assert_eq!(free(&world).await, 0);

    let second = campaign(&mut world, &regulars).await;
    world.live(30).await;
    let view = world.view(second).await;
    assert_eq!(view["totals"]["accepted"], 40, "{view}");
    assert_eq!(view["totals"]["pending"], 10, "{view}");
    assert_eq!(free(&world).await, 0);
}

#[tokio::test]
async fn portfolios_share_no_places() {
    const OTHER: &str = "409999000111222";
    let mut world = World::with(fifty()).await;
    let list = list(&mut world, &phones(0..50)).await;
    let first = campaign(&mut world, &list).await;
    world.finish(first).await;

    // The number moves to another portfolio of the tenant's.
    let campaigns = world.house.campaigns().unwrap();
    let number = campaigns.number(Seeds::PHONE_NUMBER_ID).await.unwrap();
    let mut number = number.unwrap();
    number.portfolio = OTHER.to_owned();
    campaigns
        .put_number(Seeds::PHONE_NUMBER_ID, &number)
        .await
        .unwrap();
    let tiers = world.house.tiers().unwrap();
    tiers.note_tier(OTHER, "TIER_50").await.unwrap();

    let second = campaign(&mut world, &list).await;
    let end = world.finish(second).await;
    assert_eq!(end["totals"]["accepted"], 50, "{end}");
    assert_eq!(free_in(&world, OTHER).await, 0);
    assert_eq!(free(&world).await, 0, "nothing was given back there");
}

/// One person's second message of the day, and whoever dies after the effect
/// `after` of it. Whether there was such an effect.
async fn second_message_killed(after: u64) -> bool {
    const SARI: &str = "+6281211110001";
    let crashes = CrashPlan::after(after);
    crashes.hold_fire();
    let mut world = World::with(Setting {
        crashes: crashes.clone(),
        ..fifty()
    })
    .await;
    let list = list(&mut world, &[SARI.to_owned()]).await;
    world.post("/v1/messages", message(&list, SARI)).await;
    world.live(3).await;
    assert_eq!((accepted(&world, SARI), free(&world).await), (1, 49));
    let first_counts_until = world.now() + COUNTS;

    world.clock.advance(SignedDuration::from_mins(30));
    world.post("/v1/messages", message(&list, SARI)).await;
    crashes.open_fire();
    world.live(15).await;
    let is_killed = !crashes.crashes().is_empty();
    let effect = crashes.crashes().pop();
    crashes.hold_fire();
    let second_counts_until = world.now() + COUNTS;
    let places = 50 - free(&world).await;
    // What a dead worker held is lost until its day is over.
    assert!((1..=2).contains(&places), "{places} after {effect:?}");
    if !is_killed {
        assert_eq!((accepted(&world, SARI), places), (2, 1));
    }
    pass_to(&world, first_counts_until);
    let places = 50 - free(&world).await;
    assert!(places <= 2, "{places} after {effect:?}");
    assert!(
        places > 0 || accepted(&world, SARI) == 1,
        "reached twice and counted for the first only, after {effect:?}"
    );
    pass_to(&world, second_counts_until);
    assert_eq!(free(&world).await, 50, "after {effect:?}");
    is_killed
}

#[tokio::test]
async fn whoever_is_reached_is_counted_wherever_the_worker_dies() {
    let mut kills = 0;
    while second_message_killed(kills + 1).await {
        kills += 1;
    }
    // The claim, the request, and what is written before and after them.
    assert!(kills > 10, "{kills}");
}
