//! The portfolio's rolling day.

use izin::house::Seeds;
use jiff::SignedDuration;
use platform::clock::{ManualClock, SharedClock};
use policy::ids::CampaignId;
use policy::limits::TierBuckets;
use serde_json::json;
use simulator::{FaultEffect, FaultWhen, RequestFault, Tier};

use crate::stop::csv;
use crate::world::{Setting, World};

#[tokio::test(flavor = "multi_thread")]
async fn workers_together_never_reserve_more_than_a_day_holds() {
    let world = World::with(Setting {
        tier: Tier::Limited(250),
        ..Setting::default()
    })
    .await;
    let tiers = world.house.tiers().unwrap();
    let now = world.now();
    let reserve = |at, wanted| {
        let tiers = tiers.clone();
        #[expect(clippy::disallowed_methods, reason = "a story has workers of its own")]
        tokio::spawn(async move {
            let asked = vec![None; wanted];
            tiers.reserve("8000000000000001", at, &asked).await.unwrap()
        })
    };
    tiers
        .note_tier("8000000000000001", "TIER_250")
        .await
        .unwrap();
    let wishes: Vec<_> = (0..12).map(|_| reserve(now, 30)).collect();
    let mut granted = 0;
    for wish in wishes {
        let room = wish.await.unwrap();
        assert!(room.people() == 30 || room.ask_again > now, "{room:?}");
        granted += room.people();
    }
    assert_eq!(granted, 250);

    // What was not used can be used by others.
    let unused = [(TierBuckets::bucket(now), 20)].into();
    tiers
        .give_back("8000000000000001", &unused, now)
        .await
        .unwrap();
    assert_eq!(reserve(now, 30).await.unwrap().people(), 20);
    let full = reserve(now, 1).await.unwrap();
    assert_eq!(full.people(), 0);
    let again = full.ask_again.duration_since(now);
    assert!(again > SignedDuration::ZERO && again <= SignedDuration::from_mins(10));

    // Once nobody can give anything back, it is full until the day is over.
    let day = SignedDuration::from_hours(24);
    let later = now + SignedDuration::from_mins(15);
    let opens = tiers.ask_again("8000000000000001", later).await.unwrap();
    assert!(opens.duration_since(now) >= day);
    assert!(opens.duration_since(now) <= day + SignedDuration::from_mins(10));
    assert_eq!(reserve(opens, 300).await.unwrap().people(), 250);

    // A portfolio that nobody described has the first tier.
    let unheard_of = tiers.reserve("unheard of", now, &[None; 1_000]).await;
    assert_eq!(unheard_of.unwrap().people(), 250);
}

#[tokio::test]
async fn a_clock_that_is_off_reserves_nothing() {
    let world = World::with(Setting {
        tier: Tier::Limited(250),
        ..Setting::default()
    })
    .await;
    for (hours, minutes) in [(25, 0), (0, 5), (0, -5), (-25, 0)] {
        let off = SignedDuration::from_hours(hours) + SignedDuration::from_mins(minutes);
        let now = world.now() + off;
        let clock = SharedClock::new(ManualClock::at(now));
        let tiers = world.house.tiers_by(clock).unwrap();
        let refused = tiers.reserve(Seeds::PORTFOLIO, now, &[None]).await;
        assert!(refused.unwrap_err().is_passing(), "{off}");
    }
    let (tiers, now) = (world.house.tiers().unwrap(), world.now());
    let room = tiers.reserve(Seeds::PORTFOLIO, now, &[None; 300]).await;
    assert_eq!(room.unwrap().people(), 250);
}

/// A campaign as far as approved.
async fn sixty_two_people_and_room_for_fifty() -> (World, CampaignId) {
    let mut world = World::with(Setting {
        tier: Tier::Limited(50),
        ..Setting::default()
    })
    .await;
    let numbers: Vec<String> = (0..62).map(|nth| format!("+6281211{nth:06}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let (list, _) = world.import(&csv(&numbers)).await;
    let id = world.approved_campaign(&list).await;
    (world, id)
}

#[tokio::test]
async fn a_campaign_larger_than_the_day_goes_on_the_next_day() {
    let (mut world, id) = sixty_two_people_and_room_for_fifty().await;
    world.start(id).await;
    world.live(30).await;
    let view = world.view(id).await;
    assert_eq!(view["totals"]["accepted"], 50, "{view}");
    assert_eq!(view["totals"]["pending"], 12, "{view}");
    let until: jiff::Timestamp = view["campaign"]["tier_full_until"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(until > world.now(), "{view}");
    let report = world.house.simulator.report();
    assert_eq!(report.requests, 50, "nobody is refused for it: {report:?}");

    // The same hour of the next day is daytime too.
    world.clock.advance(until.duration_since(world.now()));
    world.live(15).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 62, "{end}");
    assert_eq!(world.house.simulator.report().duplicate_recipients, 0);
    assert_eq!(world.house.simulator.report().requests, 62);
}

#[tokio::test]
async fn room_that_nobody_used_is_there_for_others() {
    // Twelve of them have no WhatsApp: no message of theirs counts.
    let (mut world, id) = sixty_two_people_and_room_for_fifty().await;
    for nth in 1..=12 {
        world.house.simulator.add_fault(RequestFault {
            when: FaultWhen::Nth(nth),
            effect: FaultEffect::Refuse(131_026),
            times: None,
        });
    }
    world.start(id).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 50, "{end}");
    assert_eq!(end["totals"]["rejected"], 12, "{end}");
}

#[tokio::test]
async fn what_whatsapp_says_of_a_number_is_read_and_shown() {
    let mut world = World::with(Setting {
        tier: Tier::Limited(2_000),
        ..Setting::default()
    })
    .await;
    let (list, _) = world.import(&csv(&["+6281234567001"])).await;
    world.approved_campaign(&list).await;
    world.tick().await;
    let numbers = world.get("/v1/numbers").await;
    let number = &numbers["numbers"][0];
    assert_eq!(number["phone_number_id"], Seeds::PHONE_NUMBER_ID);
    assert_eq!(number["tier"], "TIER_2K");
    assert_eq!(number["throughput"], "STANDARD");
    assert_eq!(number["can_send"], "AVAILABLE");
    assert_eq!(number["messages_per_second"], json!(76.395));
}

#[tokio::test]
async fn a_number_that_may_send_nothing_is_stopped_before_the_first_refusal() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&["+6281234567001"])).await;
    let id = world.approved_campaign(&list).await;
    let simulator = &world.house.simulator;
    assert!(simulator.set_number_health(Seeds::PHONE_NUMBER_ID, "RED", "BLOCKED"));
    world.clock.advance(SignedDuration::from_mins(10));
    world.tick().await;
    let breakers = world.get("/v1/breakers").await;
    assert_eq!(breakers["breakers"][0]["scope"], "number", "{breakers}");
    let (status, answer) = world
        .request("POST", &format!("/v1/campaigns/{id}/start"), json!({}))
        .await;
    let _ = (status, answer);
    world.live(5).await;
    assert_eq!(world.house.simulator.report().requests, 0);
}
