//! A second company is registered on a running service, and only its own key
//! opens what is its own.

use axum::body::Bytes;
use http::{Request, StatusCode};
use izin::house::Seeds;
use izin::tenant::{NewNumber, Refused, Registry};
use platform::campaigns::{AdvertisesBy, Linked, Transport};
use platform::ids::Ids;
use policy::ids::TenantId;
use serde_json::Value;

use crate::world::World;

fn registry(world: &World) -> Registry {
    let campaigns = world.house.campaigns().unwrap();
    Registry::new(campaigns, world.house.clock.clone(), Ids::seeded(99))
}

fn number(tenant: TenantId) -> NewNumber {
    NewNumber {
        phone_number_id: "209999000111222".to_owned(),
        tenant,
        account: "309999000111222".to_owned(),
        portfolio: "409999000111222".to_owned(),
        limit_per_second: Some(20),
        inbound_per_second: None,
        advertises_by: AdvertisesBy::Messages,
        linked: None,
        tier: None,
    }
}

fn linked(account: &str) -> Linked {
    Linked {
        phone_number_id: format!("phone-number-id-{}", "0".repeat(32)),
        waba_id: account.to_owned(),
    }
}

async fn numbers(world: &World, authorization: &str) -> (StatusCode, Value) {
    let request = Request::get("/v1/numbers")
        .header("host", "api.example")
        .header("authorization", authorization)
        .body(Bytes::new())
        .unwrap();
    let response = world.house.wiring.request(request).await;
    let answer = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status(), answer)
}

#[tokio::test]
async fn a_key_opens_what_is_its_tenant_s_until_it_is_revoked() {
    let world = World::quiet().await;
    let registry = registry(&world);
    let new = registry
        .tenant(" Toko Kenanga ", "ID".to_owned())
        .await
        .unwrap();
    assert_eq!(new.business_name, "Toko Kenanga");
    registry.number(&number(new.tenant_id)).await.unwrap();
    let key = registry.key(new.tenant_id).await.unwrap();
    let another = registry.key(new.tenant_id).await.unwrap();
    assert_ne!(key.authorization, another.authorization);

    let (status, answer) = numbers(&world, &key.authorization).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let account = world.house.campaigns().unwrap();
    let account = account.account("309999000111222").await.unwrap().unwrap();
    assert_eq!(account.tenant, new.tenant_id);
    assert_eq!(account.portfolio.as_deref(), Some("409999000111222"));

    let by_amazon = NewNumber {
        linked: Some(linked(&format!("waba-{}", "0".repeat(32)))),
        tier: Some("TIER_2K".to_owned()),
        ..number(new.tenant_id)
    };
    registry.number(&by_amazon).await.unwrap();
    let campaigns = world.house.campaigns().unwrap();
    let known = campaigns.number("209999000111222").await.unwrap().unwrap();
    assert_eq!(known.transport, Transport::EndUserMessagingSocial);
    assert_eq!(known.linked, by_amazon.linked);
    registry.number(&number(new.tenant_id)).await.unwrap();
    let known = campaigns.number("209999000111222").await.unwrap().unwrap();
    assert_eq!((known.transport, known.linked), (Transport::CloudApi, None));

    registry.revoke(key.key_id).await.unwrap();
    assert_eq!(
        numbers(&world, &key.authorization).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        numbers(&world, &another.authorization).await.0,
        StatusCode::OK
    );
    let again = registry.revoke(key.key_id).await;
    assert!(matches!(again, Err(Refused::NoKey(_))), "{again:?}");
}

#[tokio::test]
async fn what_is_somebody_else_s_or_makes_no_sense_is_not_registered() {
    let world = World::quiet().await;
    let registry = registry(&world);
    let nobody = TenantId::from_uuid(Ids::seeded(1).mint(world.now()));
    let refused = registry.number(&number(nobody)).await;
    assert!(matches!(refused, Err(Refused::NoTenant(_))), "{refused:?}");
    let refused = registry.key(nobody).await.map(|key| key.key_id);
    assert!(matches!(refused, Err(Refused::NoTenant(_))), "{refused:?}");

    let new = registry
        .tenant("Toko Kenanga", "ID".to_owned())
        .await
        .unwrap();
    let mine = number(new.tenant_id);
    let theirs = |change: fn(&mut NewNumber)| {
        let mut number = mine.clone();
        change(&mut number);
        number
    };
    for taken in [
        theirs(|number| number.phone_number_id = Seeds::PHONE_NUMBER_ID.to_owned()),
        theirs(|number| number.account = Seeds::WABA.to_owned()),
    ] {
        let refused = registry.number(&taken).await;
        assert!(matches!(refused, Err(Refused::Taken { .. })), "{refused:?}");
    }
    for wrong in [
        theirs(|number| number.phone_number_id = "+62 21 5550 0100".to_owned()),
        theirs(|number| number.portfolio = String::new()),
        theirs(|number| number.inbound_per_second = Some(20)),
        theirs(|number| number.tier = Some("BIG".to_owned())),
        theirs(|number| number.linked = Some(linked("waba-short"))),
        theirs(|number| {
            number.limit_per_second = None;
            number.linked = Some(linked(&format!("waba-{}", "0".repeat(32))));
        }),
    ] {
        let refused = registry.number(&wrong).await;
        assert!(matches!(refused, Err(Refused::Field { .. })), "{refused:?}");
    }
    let campaigns = world.house.campaigns().unwrap();
    let seeded = campaigns
        .number(Seeds::PHONE_NUMBER_ID)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(seeded.tenant, world.house.seeds.tenant);
    assert_eq!(campaigns.number("209999000111222").await.unwrap(), None);
}
