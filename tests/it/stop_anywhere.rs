//! A stop at every moment of a send: after each request that the sender makes
//! to AWS, and after each to WhatsApp, people say stop and their webhook is
//! answered with 200. Whoever was not claimed by then gets nothing; whoever was
//! gets what was under way, and no more.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpConnector as _, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use emulator::client::{Layer, layered, plain};
use izin::house::Network;
use policy::ids::CampaignId;
use policy::phone::PhoneNumber;
use policy::token::ContactToken;
use simulator::{Behaviour, WaId};
use tokio::sync::{mpsc, oneshot};

use crate::stop::csv;
use crate::world::{Setting, World, wa_id};

/// How many people a campaign has: one block, not full.
const PEOPLE: u32 = 3;

/// Who of them says stop, all at the same moment: the first of the block's file
/// and the last.
const STOPPING: [usize; 2] = [0, 2];

/// A place between two effects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Moment {
    Before(u32),
    After(u32),
}

/// Stands between the sender and AWS and interrupts it.
#[derive(Clone, Debug, Default)]
struct Interlude(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    /// Interrupts at this moment only; at every one without it.
    moment: Option<Moment>,
    requests: u32,
    /// Tells the story that the moment has come; the answer lets the sender go
    /// on.
    reached: Option<mpsc::UnboundedSender<(Moment, oneshot::Sender<()>)>>,
}

impl Interlude {
    /// Interrupts at `moment`, counted from now, or at all of them.
    fn at(&self, moment: Option<Moment>) -> mpsc::UnboundedReceiver<(Moment, oneshot::Sender<()>)> {
        let (reached, is_reached) = mpsc::unbounded_channel();
        *self.0.lock().unwrap() = Plan {
            moment,
            requests: 0,
            reached: Some(reached),
        };
        is_reached
    }

    /// Interrupts nobody any more.
    fn end(&self) {
        *self.0.lock().unwrap() = Plan::default();
    }

    fn count(&self) -> u32 {
        let mut plan = self.0.lock().unwrap();
        plan.requests += 1;
        plan.requests
    }

    /// Waits for the story if this is the moment.
    async fn pass(&self, moment: Moment) {
        let reached = {
            let plan = self.0.lock().unwrap();
            let here = plan.moment.is_none_or(|wanted| wanted == moment);
            plan.reached.clone().filter(|_| here)
        };
        if let Some(reached) = reached {
            let (go_on, may_go_on) = oneshot::channel();
            reached.send((moment, go_on)).unwrap();
            may_go_on.await.unwrap();
        }
    }
}

impl Layer for Interlude {
    fn call(&self, request: HttpRequest, next: &SharedHttpConnector) -> HttpConnectorFuture {
        let (interlude, next) = (self.clone(), next.clone());
        let number = self.count();
        HttpConnectorFuture::new(async move {
            interlude.pass(Moment::Before(number)).await;
            let response = next.call(request).await;
            interlude.pass(Moment::After(number)).await;
            response
        })
    }
}

/// A campaign that is released and not yet sent.
struct Campaign {
    id: CampaignId,
    people: Vec<(WaId, ContactToken)>,
}

impl Campaign {
    /// The `nth` campaign, of people whom no other has.
    async fn released(world: &mut World, nth: u32) -> Self {
        let phones: Vec<String> = (0..PEOPLE)
            .map(|n| format!("+62812{:08}", 20_000_000 + nth * PEOPLE + n))
            .collect();
        let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
        let (list, _) = world.import(&csv(&phones)).await;
        let id = world.approved_campaign(&list).await;
        world.start(id).await;
        world.house.wiring.step("FanoutQueue").await.unwrap();
        let (tenant, key) = (world.house.seeds.tenant, world.house.seeds.tokens());
        let person = |phone: &&str| {
            let number = PhoneNumber::parse_e164(phone).unwrap();
            (wa_id(phone), key.contact(tenant, &number))
        };
        Self {
            id,
            people: phones.iter().map(person).collect(),
        }
    }

    /// Claims on the person at `place`, and requests that arrived for them.
    async fn look(&self, world: &World, place: usize) -> (usize, usize) {
        let (person, token) = &self.people[place];
        let contacts = world.house.contacts().unwrap();
        let known = contacts.person(world.house.seeds.tenant, *token).await;
        let known = known.unwrap();
        let claims = known.claims.iter().filter(|c| c.campaign == self.id);
        let log = world.house.simulator.person_log(person);
        (claims.count(), log.map_or(0, |log| log.requests.len()))
    }
}

/// The moments of one undisturbed send: after every request to AWS, and before
/// the next one where a request to WhatsApp lies between the two.
async fn moments(world: &mut World, interlude: &Interlude, nth: u32) -> Vec<Moment> {
    let campaign = Campaign::released(world, nth).await;
    let mut reached = interlude.at(None);
    let simulator = &world.house.simulator;
    let watches = async {
        let mut moments = vec![Moment::Before(1)];
        let mut requests = simulator.report().requests;
        while let Some((moment, go_on)) = reached.recv().await {
            let now = simulator.report().requests;
            if matches!(moment, Moment::After(_)) || now != requests {
                moments.push(moment);
            }
            requests = now;
            go_on.send(()).unwrap();
        }
        moments
    };
    let sends = async {
        world.house.wiring.step("SendQueue").await.unwrap();
        interlude.end();
    };
    let (moments, ()) = tokio::join!(watches, sends);
    world.finish(campaign.id).await;
    moments
}

/// What the stories came to, person by person.
#[derive(Debug, Default)]
struct Seen {
    /// Stops that found no claim: nothing was sent.
    in_time: u32,
    /// Stops that found a claim whose request came after them.
    overtaken: u32,
    /// Stops that came after the message.
    too_late: u32,
}

/// One story.
async fn tell(world: &mut World, interlude: &Interlude, nth: u32, moment: Moment, seen: &mut Seen) {
    let campaign = Campaign::released(world, nth).await;
    let mut reached = interlude.at(Some(moment));
    let simulator = &world.house.simulator;
    let says_stop = async {
        let (_, go_on) = reached.recv().await.expect("the sender comes by here");
        for place in STOPPING {
            simulator.person_says_stop(&campaign.people[place].0, "STOP");
        }
        let delivered = simulator.deliver_due().await;
        assert!(delivered.posts > 0 && delivered.failures == 0, "{moment:?}");
        let mut found = Vec::new();
        for place in STOPPING {
            found.push(campaign.look(world, place).await);
        }
        go_on.send(()).unwrap();
        found
    };
    let sends = async {
        let sent = world.house.wiring.step("SendQueue").await.unwrap();
        interlude.end();
        sent
    };
    let (found, sent) = tokio::join!(says_stop, sends);
    assert_eq!((sent.messages, sent.failed), (1, 0), "{moment:?}");
    let view = world.finish(campaign.id).await;

    let mut accepted = PEOPLE as usize - STOPPING.len();
    for (place, (claims_then, requests_then)) in STOPPING.into_iter().zip(found) {
        let (claims, requests) = campaign.look(world, place).await;
        // The law: no claim succeeds after the stop was committed, and there is
        // at most one request for each claim.
        assert_eq!(claims, claims_then, "{moment:?}, {place}: {view}");
        assert!(requests <= claims, "{moment:?}, {place}: {view}");
        match (claims, requests_then, requests) {
            (0, 0, 0) => seen.in_time += 1,
            (1, 0, 1) => seen.overtaken += 1,
            (1, 1, 1) => seen.too_late += 1,
            other => panic!("{moment:?}, {place}: {other:?}"),
        }
        accepted += requests;
    }
    // Nobody else is touched, and nobody is lost.
    assert_eq!(view["conservation"]["holds"], true, "{moment:?}: {view}");
    assert_eq!(view["totals"]["accepted"], accepted, "{moment:?}: {view}");
    assert_eq!(view["totals"]["unknown"], 0, "{moment:?}: {view}");
}

#[tokio::test]
async fn people_stop_at_every_moment() {
    let interlude = Interlude::default();
    let layer = interlude.clone();
    let mut world = World::with(Setting {
        network: Network::new(move |function| match function {
            "SendFunction" => layered(layer.clone(), plain()),
            _ => plain(),
        }),
        // Statuses are another story.
        behaviour: Behaviour {
            reads: 0.0,
            ..Behaviour::default()
        },
        ..Setting::default()
    })
    .await;
    // The first send is a cold start, which reads secrets too.
    moments(&mut world, &interlude, 0).await;
    let moments = moments(&mut world, &interlude, 1).await;
    assert!(moments.len() > 15, "{moments:?}");
    let mut seen = Seen::default();
    for (nth, moment) in (2..).zip(moments) {
        tell(&mut world, &interlude, nth, moment, &mut seen).await;
    }
    // All kinds of interleavings were there; else nothing was explored.
    assert!(seen.in_time > 0 && seen.too_late > 0, "{seen:?}");
    assert!(seen.overtaken > 0, "{seen:?}");
}
