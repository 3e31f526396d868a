//! A number whose account is linked to AWS End User Messaging Social: its messages
//! go by Amazon, what people answer comes by a topic, and without the topic it
//! does not send.

use aws_sdk_dynamodb::types::AttributeValue;
use emulator::crash::CrashPlan;
use http::StatusCode;
use izin::house::Seeds;
use jiff::SignedDuration;
use platform::campaigns::{Linked, Transport};
use policy::ids::CampaignId;
use policy::phone::PhoneNumber;
use serde_json::{Value, json};
use simulator::{FaultEffect, FaultWhen, RequestFault, Tier, WebhookChaos};

use crate::media::PICTURE;
use crate::stop::{TWELVE, csv};
use crate::world::{Setting, World, wa_id};

/// A quiet world in which the number sends by Amazon.
pub(crate) fn by_amazon() -> Setting {
    Setting {
        by_amazon: true,
        ..Setting::default()
    }
}

/// Twelve people, and a campaign for them that is approved.
pub(crate) async fn approved(setting: Setting) -> (World, CampaignId) {
    let mut world = World::with(setting).await;
    // Nobody needs WhatsApp's own token.
    world.house.simulator.set_access_tokens(Vec::new());
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    (world, id)
}

/// How often a person was asked for, and by which way.
pub(crate) fn ways(world: &World, phone: &str) -> Vec<bool> {
    let log = world.house.simulator.person_log(&wa_id(phone));
    let requests = log.map_or_else(Vec::new, |log| log.requests);
    requests.iter().map(|request| request.by_amazon).collect()
}

/// How many of a person's scopes are stopped.
pub(crate) async fn stops(world: &World, phone: &str) -> usize {
    let tenant = world.house.seeds.tenant;
    let phone = PhoneNumber::parse_e164(phone).unwrap();
    let token = world.house.seeds.tokens().contact(tenant, &phone);
    let contacts = world.house.contacts().unwrap();
    let person = contacts.person(tenant, token).await.unwrap();
    person.suppressions.len()
}

fn fault(world: &World, when: FaultWhen, effect: FaultEffect, times: u32) {
    world.house.simulator.add_fault(RequestFault {
        when,
        effect,
        times: Some(times),
    });
}

pub(crate) fn invocations(world: &World, function: &str) -> u64 {
    world.house.wiring.usage()[function].invocations
}

/// The topic, as the environment of the door names it.
pub(crate) fn topic(world: &World) -> String {
    let environment = world.house.aws.environment("SocialFunction").unwrap();
    environment["IZIN_SOCIAL_TOPIC_ARN"].clone()
}

#[tokio::test]
async fn a_campaign_by_amazon_reaches_everybody_once() {
    let (mut world, id) = approved(by_amazon()).await;
    world.start(id).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
    assert_eq!(end["totals"]["statuses"]["read"], 12, "{end}");
    for phone in TWELVE {
        assert_eq!(ways(&world, phone), [true], "{phone}");
    }
    assert_eq!(world.house.simulator.report().duplicate_recipients, 0);
    assert!(invocations(&world, "SocialFunction") > 0);
    let numbers = world.get("/v1/numbers").await;
    let number = &numbers["numbers"][0];
    assert_eq!(number["is_heard"], true, "{number}");
    assert_eq!(number["quality"], "GREEN", "{number}");
}

#[tokio::test]
async fn an_answer_that_never_came_is_a_doubt_that_a_status_settles() {
    for effect in [
        FaultEffect::AcceptThenReset,
        FaultEffect::AcceptThenFail(502),
    ] {
        let (mut world, id) = approved(by_amazon()).await;
        fault(&world, FaultWhen::Nth(5), effect, 1);
        world.start(id).await;
        world.house.wiring.run_until_idle().await.unwrap();
        let view = world.view(id).await;
        assert_eq!(view["totals"]["unknown"], 1, "{view}");
        let end = world.finish(id).await;
        assert_eq!(end["totals"]["unknown"], 0, "{end}");
        assert_eq!(end["totals"]["accepted"], 12, "{end}");
        let report = world.house.simulator.report();
        assert_eq!((report.requests, report.duplicate_recipients), (12, 0));
    }
}

#[tokio::test]
async fn a_doubt_that_nothing_settles_is_never_sent_again() {
    let (mut world, id) = approved(Setting {
        webhooks: WebhookChaos {
            lose_statuses: 1.0,
            ..WebhookChaos::default()
        },
        ..by_amazon()
    })
    .await;
    fault(&world, FaultWhen::Nth(2), FaultEffect::Reset, 1);
    world.start(id).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["unknown"], 1, "{end}");
    assert_eq!(end["totals"]["accepted"], 11, "{end}");
    assert_eq!(world.house.simulator.report().requests, 12);
}

#[tokio::test]
async fn a_throttle_slows_the_number_down_and_loses_nobody() {
    let (mut world, id) = approved(by_amazon()).await;
    fault(
        &world,
        FaultWhen::Chance(1.0),
        FaultEffect::Refuse(130_429),
        3,
    );
    world.start(id).await;
    world.deliver().await;
    let key = format!("R#{}", Seeds::PHONE_NUMBER_ID);
    assert!(epoch(&world, &key).await > 0);
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
    let report = world.house.simulator.report();
    assert_eq!((report.requests, report.duplicate_recipients), (15, 0));
}

#[tokio::test]
async fn what_amazon_refuses_is_refused_for_good() {
    let (mut world, id) = approved(by_amazon()).await;
    fault(
        &world,
        FaultWhen::To(wa_id(TWELVE[3])),
        FaultEffect::Refuse(131_009),
        9,
    );
    world.start(id).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 11, "{end}");
    assert_eq!(end["totals"]["rejected"], 1, "{end}");
    assert_eq!(ways(&world, TWELVE[3]), [true]);
}

/// Answers go the same way, and the first of them waits until somebody has asked
/// whether the number is heard.
#[tokio::test]
async fn a_stop_is_confirmed_by_amazon_too() {
    let mut world = World::with(by_amazon()).await;
    world.import(&csv(&TWELVE[..2])).await;
    let settings = json!({"confirm_optouts": true});
    let (status, answer) = world.request("PUT", "/v1/settings", settings).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    world.house.simulator.person_says(&wa_id(TWELVE[0]), "STOP");
    world.deliver().await;
    assert_eq!(world.house.simulator.report().requests, 0);
    world.live(10).await;
    assert_eq!(ways(&world, TWELVE[0]), [true]);
    assert_eq!(stops(&world, TWELVE[0]).await, 1);
}

/// The role may send from the numbers that the operator named, and from no other.
#[tokio::test]
async fn a_number_that_the_role_does_not_name_is_stopped() {
    let other = "arn:aws:social-messaging:ap-southeast-3:000000000000:phone-number-id/0";
    let (mut world, id) = approved(Setting {
        parameters: vec![("SocialSenders", other.to_owned())],
        ..by_amazon()
    })
    .await;
    world.start(id).await;
    world.deliver().await;
    let view = world.view(id).await;
    assert_eq!(
        view["campaign"]["hold"]["reason"], "account_stopped",
        "{view}"
    );
    assert_eq!(view["totals"]["rejected"], 1, "{view}");
    assert_eq!(view["totals"]["pending"], 11, "{view}");
    assert_eq!(world.house.simulator.report().requests, 0);
}

/// A stack without the topic cannot even read the template, and says why.
#[tokio::test]
async fn without_the_door_nothing_is_sent() {
    let mut world = World::with(Setting {
        parameters: vec![("SocialMessaging", "off".to_owned())],
        ..by_amazon()
    })
    .await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    world.draft_that_stays_validating(&list).await;
    let numbers = world.get("/v1/numbers").await;
    assert_eq!(numbers["numbers"][0]["is_heard"], false, "{numbers}");
    assert_eq!(world.house.simulator.report().requests, 0);
    // The validation that waits for the template.
    world.house.aws.sqs.purge("ConsentQueue").unwrap();
}

/// A number that is switched over while its campaign runs, in a stack that listens
/// to no topic: the campaign is held, and goes on when the number is switched back.
#[tokio::test]
async fn a_number_that_is_switched_over_without_a_door_is_held() {
    let mut world = World::quiet().await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    world.start(id).await;
    world.house.wiring.step("FanoutQueue").await.unwrap();
    let campaigns = world.house.campaigns().unwrap();
    let number = campaigns.number(Seeds::PHONE_NUMBER_ID).await.unwrap();
    let before = number.unwrap();
    let mut number = before.clone();
    number.transport = Transport::EndUserMessagingSocial;
    campaigns
        .put_number(Seeds::PHONE_NUMBER_ID, &number)
        .await
        .unwrap();
    world.deliver().await;
    // It has no names there: nothing is sent, and no new campaign may name it.
    assert_eq!(world.house.simulator.report().requests, 0);
    let (status, answer) = world
        .request("POST", "/v1/campaigns", Seeds::campaign(&list, &json!({})))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert_eq!(answer["errors"][0]["code"], "not_linked", "{answer}");
    number.linked = Some(Linked {
        phone_number_id: Seeds::LINKED_NUMBER.to_owned(),
        waba_id: Seeds::LINKED_WABA.to_owned(),
    });
    campaigns
        .put_number(Seeds::PHONE_NUMBER_ID, &number)
        .await
        .unwrap();
    world.live(20).await;
    let view = world.view(id).await;
    assert_eq!(
        view["campaign"]["hold"]["reason"], "stops_unheard",
        "{view}"
    );
    assert_eq!(world.house.simulator.report().requests, 0);
    let resume = format!("/v1/campaigns/{id}/resume");
    let (status, answer) = world.request("POST", &resume, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(answer["errors"][0]["code"], "stops_unheard", "{answer}");
    campaigns
        .put_number(Seeds::PHONE_NUMBER_ID, &before)
        .await
        .unwrap();
    world.post(&resume, json!({})).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
}

/// The door is there, but the account tells somebody else.
#[tokio::test]
async fn an_account_that_tells_another_topic_does_not_send() {
    let (mut world, id) = approved(by_amazon()).await;
    let ours = topic(&world);
    let simulator = &world.house.simulator;
    assert!(simulator.set_event_destination(Seeds::WABA, Some("arn:aws:sns:a:000000000000:b")));
    world.live(6).await;
    let start = format!("/v1/campaigns/{id}/start");
    let (status, answer) = world.request("POST", &start, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(answer["errors"][0]["code"], "stops_unheard", "{answer}");

    // Mended, started, and broken again before the first message.
    let simulator = &world.house.simulator;
    assert!(simulator.set_event_destination(Seeds::WABA, Some(&ours)));
    world.live(6).await;
    world.start(id).await;
    world.house.wiring.step("FanoutQueue").await.unwrap();
    let simulator = &world.house.simulator;
    assert!(simulator.set_event_destination(Seeds::WABA, None));
    world.clock.advance(SignedDuration::from_mins(6));
    world.tick().await;
    world.deliver().await;
    let view = world.view(id).await;
    assert_eq!(view["campaign"]["state"], "paused", "{view}");
    assert_eq!(
        view["campaign"]["hold"]["reason"], "stops_unheard",
        "{view}"
    );
    assert_eq!(world.house.simulator.report().requests, 0);

    let simulator = &world.house.simulator;
    assert!(simulator.set_event_destination(Seeds::WABA, Some(&ours)));
    world.live(6).await;
    world
        .post(&format!("/v1/campaigns/{id}/resume"), json!({}))
        .await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
}

/// The account names our topic, but nothing ever came from it: a policy or a key
/// may be wrong. Somebody has to write to the number first, and be heard.
#[tokio::test]
async fn a_number_that_was_never_heard_does_not_send() {
    let mut world = World::with(by_amazon()).await;
    let clients = world.house.clients.clone();
    let environment = world.house.aws.environment("SendFunction").unwrap();
    let ear = format!("E#{}", Seeds::PHONE_NUMBER_ID);
    clients
        .dynamodb
        .delete_item()
        .table_name(&environment["IZIN_CAMPAIGNS_TABLE"])
        .key("pk", AttributeValue::S(ear))
        .key("sk", AttributeValue::S("HEARD".to_owned()))
        .send()
        .await
        .unwrap();
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let id = world.approved_campaign(&list).await;
    let start = format!("/v1/campaigns/{id}/start");
    let (status, answer) = world.request("POST", &start, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(answer["errors"][0]["code"], "stops_unheard", "{answer}");
    // Words that cannot be heard whole prove nothing.
    let topic = topic(&world);
    let sns = world.house.aws.sns.clone();
    sns.publish(&topic, "this is a test").unwrap();
    world.live(6).await;
    let (status, _) = world.request("POST", &start, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);

    world.house.simulator.person_says(&wa_id(TWELVE[2]), "halo");
    world.live(6).await;
    world.start(id).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
}

/// A policy or a key of the topic went wrong after the number had been heard.
#[tokio::test]
async fn a_number_that_sends_and_is_heard_no_more_is_held() {
    let mut world = World::with(Setting {
        webhooks: WebhookChaos {
            lose_statuses: 1.0,
            ..WebhookChaos::default()
        },
        block_size: 2,
        ..by_amazon()
    })
    .await;
    world.live(60).await;
    let (list, _) = world.import(&csv(&TWELVE)).await;
    let pace = json!({"tranche": {"people": 2, "every_minutes": 12}});
    let id = world.approved_as(&list, pace).await;
    world.start(id).await;
    world.live(20).await;
    assert_eq!(world.view(id).await["campaign"]["state"], "running");
    world.live(40).await;
    let view = world.view(id).await;
    assert_eq!(view["campaign"]["state"], "paused", "{view}");
    assert_eq!(
        view["campaign"]["hold"]["reason"], "stops_unheard",
        "{view}"
    );
    assert!(view["totals"]["accepted"].as_u64() < Some(12), "{view}");
    let resume = format!("/v1/campaigns/{id}/resume");
    let (status, _) = world.request("POST", &resume, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);

    world.house.simulator.person_says(&wa_id(TWELVE[2]), "halo");
    world.live(6).await;
    world.post(&resume, json!({})).await;
    world.live(30).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 12, "{end}");
}

/// The operator's word on the tier counts until WhatsApp's does.
#[tokio::test]
async fn an_announced_tier_outranks_the_operator_s_word() {
    let (mut world, _) = approved(Setting {
        tier: Tier::Limited(10_000),
        ..by_amazon()
    })
    .await;
    let numbers = world.get("/v1/numbers").await;
    assert_eq!(numbers["numbers"][0]["tier"], "TIER_10K", "{numbers}");
    let down = json!({"event": "DOWNGRADE", "current_limit": "TIER_1K"});
    let field = "phone_number_quality_update";
    world.house.simulator.tell(Seeds::WABA, field, down);
    world.live(12).await;
    let numbers = world.get("/v1/numbers").await;
    assert_eq!(numbers["numbers"][0]["tier"], "TIER_1K", "{numbers}");
    let tiers = world.house.tiers().unwrap();
    assert_eq!(tiers.tier(Seeds::PORTFOLIO).await.unwrap(), "TIER_1K");
}

#[tokio::test]
async fn a_picture_goes_by_amazon_too() {
    let mut world = World::with(by_amazon()).await;
    let (list, _) = world.import(&csv(&TWELVE[..3])).await;
    let file = world.checked("promo.jpg", "image/jpeg", PICTURE).await;
    assert_eq!(file["state"], "usable", "{file}");
    let id = world.shows(&list, file["media_id"].as_str().unwrap()).await;
    let (status, code) = world.approves_file(&id).await;
    assert_eq!(status, StatusCode::OK, "{code}");
    let id: CampaignId = id.parse().unwrap();
    world.start(id).await;
    let end = world.finish(id).await;
    assert_eq!(end["totals"]["accepted"], 3, "{end}");
    assert_eq!(ways(&world, TWELVE[0]), [true]);
}

/// The job from its start on under a crash plan: what it came to, and how many
/// requests there were for the one who had most.
async fn job(crashes: &CrashPlan) -> (Value, usize) {
    crashes.hold_fire();
    let (mut world, id) = approved(Setting {
        crashes: crashes.clone(),
        ..by_amazon()
    })
    .await;
    world.start(id).await;
    crashes.open_fire();
    let end = world.finish(id).await;
    let most = TWELVE.iter().map(|phone| ways(&world, phone).len()).max();
    (end, most.unwrap_or_default())
}

#[tokio::test]
async fn a_worker_that_dies_after_its_request_asks_nobody_twice() {
    let whole = CrashPlan::after(u64::MAX);
    job(&whole).await;
    let effects = whole.effects();
    let requests = effects.iter().zip(1..);
    let requests: Vec<u64> = requests
        .filter(|(effect, _)| *effect == "whatsapp.send")
        .map(|(_, nth)| nth)
        .collect();
    assert_eq!(requests.len(), 12, "{effects:?}");
    for nth in [requests[0], requests[6]] {
        let crashes = CrashPlan::after(nth);
        let (end, most) = job(&crashes).await;
        assert_eq!(crashes.crashes(), ["whatsapp.send"]);
        assert_eq!(most, 1, "{end}");
        // The statuses settle what the worker did not live to write down.
        assert_eq!(end["totals"]["accepted"], 12, "{end}");
        assert_eq!(end["conservation"]["holds"], true, "{end}");
    }
}

/// How often the rate in the item of a number was cut.
async fn epoch(world: &World, pk: &str) -> u64 {
    let environment = world.house.aws.environment("SendFunction").unwrap();
    let found = world.house.clients.dynamodb.query();
    let found = found
        .table_name(&environment["IZIN_CAMPAIGNS_TABLE"])
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
        .send()
        .await
        .unwrap();
    let epoch = found.items()[0]["epoch"].as_n().unwrap();
    epoch.parse().unwrap()
}
