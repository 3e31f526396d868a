//! A number whose advertising goes by the marketing endpoint, and a campaign that
//! WhatsApp refuses as wrong in itself.

use izin::house::Seeds;
use platform::campaigns::AdvertisesBy;
use simulator::{FaultEffect, FaultWhen, RequestFault};

use crate::stop::{TWELVE, csv};
use crate::world::{World, wa_id};

#[tokio::test]
async fn advertising_goes_by_the_endpoint_that_its_number_says() {
    for (advertises_by, marketing) in [
        (AdvertisesBy::MarketingMessages, true),
        (AdvertisesBy::Messages, false),
    ] {
        let mut world = World::quiet().await;
        let campaigns = world.house.campaigns().unwrap();
        let number = campaigns.number(Seeds::PHONE_NUMBER_ID).await.unwrap();
        let mut number = number.unwrap();
        number.advertises_by = advertises_by;
        campaigns
            .put_number(Seeds::PHONE_NUMBER_ID, &number)
            .await
            .unwrap();
        let (list, _) = world.import(&csv(&TWELVE[..3])).await;
        let id = world.approved_campaign(&list).await;
        world.start(id).await;
        let end = world.finish(id).await;
        assert_eq!(end["totals"]["accepted"], 3, "{end}");
        assert_eq!(
            end["totals"]["statuses"]["read"], 3,
            "its statuses find it: {end}"
        );
        for phone in &TWELVE[..3] {
            let log = world.house.simulator.person_log(&wa_id(phone)).unwrap();
            let by: Vec<bool> = log
                .requests
                .iter()
                .map(|r| r.by_marketing_endpoint)
                .collect();
            assert_eq!(by, [marketing]);
        }
    }
}

#[tokio::test]
async fn a_campaign_whose_requests_are_wrong_is_held_after_ten() {
    let mut world = World::with(crate::world::Setting {
        block_size: 20,
        ..crate::world::Setting::default()
    })
    .await;
    world.house.simulator.add_fault(RequestFault {
        when: FaultWhen::Chance(1.0),
        effect: FaultEffect::Refuse(131_009),
        times: None,
    });
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    world.live(3).await;
    let view = world.view(id).await;
    assert_eq!(view["campaign"]["state"], "paused", "{view}");
    assert_eq!(
        view["campaign"]["hold"]["reason"], "requests_refused",
        "{view}"
    );
    assert_eq!(view["totals"]["rejected"], 10, "{view}");
    assert_eq!(view["totals"]["pending"], 2, "{view}");
    assert_eq!(world.house.simulator.report().requests, 10);
}
